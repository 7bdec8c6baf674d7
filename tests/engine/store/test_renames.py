"""Changes of several renames: cut off before any of them, the next command finishes them."""

import json
import os
import re

import polars as pl
import pytest

from fakes import fake_questions, write_fake_run
from selectllm_engine.errors import CacheError, DamagedError, LockedError, SelectLLMError
from selectllm_engine.importers.assembly import Record, store
from selectllm_engine.importers.records import Options
from selectllm_engine.store.agreement import VerdictChoice
from selectllm_engine.store.cache import Cache, open_cache
from selectllm_engine.store.files import JOURNAL, TEMPORARY, scratch
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.merges import merge
from selectllm_engine.store.renames import carry_out, finish
from selectllm_engine.store.sealed_json import write_sealed


class Cut(BaseException):
    """The power is gone."""


@pytest.fixture
def cut(monkeypatch):
    """Do something and cut it off before its `number`th rename; False where it made fewer."""

    def run(work, number):
        made = []

        def counted(rename):
            def once(*args, **kwargs):
                made.append(args)
                if len(made) == number:
                    raise Cut
                return rename(*args, **kwargs)

            return once

        with monkeypatch.context() as patch:
            for name in ("rename", "replace"):
                patch.setattr(os, name, counted(getattr(os, name)))
            patch.setattr("shutil.rmtree", lambda *args, **kwargs: None)  # nor does anybody tidy up
            try:
                work()
            except Cut:
                return True
        return False

    return run


def contents(cache):
    """What a reader sees."""
    return {
        benchmark: (
            cache.questions(benchmark).rows(),
            {
                llm: (
                    sorted(cache.sampled(benchmark, llm).rows()),
                    None if (verdicts := cache.verdicts(benchmark, llm)) is None else verdicts.rows(),
                    {k: v for k, v in cache.manifest(benchmark, llm).items() if k != "created"},
                )
                for llm in sorted(cache.llms(benchmark))
            },
            {
                name: sorted(path.name for path in cache.router_dir(benchmark, name).iterdir())
                for name in cache.routers(benchmark)
            },
        )
        for benchmark in cache.benchmarks()
        if not cache.is_packaged(benchmark)
    }


def imported(llms, questions=4, score=1.0):
    return [
        Record(
            llm=llm, question=f"How many are {number}?", gold=str(number), score=score, text=f"The answer is {number}."
        )
        for number in range(questions)
        for llm in llms
    ]


def into(root, llms, *, again=False, verdicts=None, score=1.0, digest="fake", questions=4):
    options = Options(again=again, verdicts=verdicts)
    origin = {"digest": digest}
    return store(
        open_cache(root), "mine", imported(llms, questions, score), source="fake", origin=origin, options=options
    )


def train(root, files=("probabilities.parquet",)):
    with open_cache(root).replacing_router("mine", "prior") as folder:
        for name in files:
            write_frame(folder / name, pl.DataFrame({"question_id": ["mine-000001"], "a": [0.5]}))
        write_sealed(folder / "manifest.json", {"router": "prior"})


def remove(root, **what):
    cache = open_cache(root)
    if "mine" in cache.benchmarks() and (not what or what["llm"] in cache.llms("mine")):
        cache.remove("mine", **what)


def join(root):
    """Further samples of a, and an LLM that is new."""
    source = root.parent / "other"
    if not source.exists():
        into(source, ["a", "z"], digest="elsewhere", score=0.5, questions=6)
    merge(open_cache(root), Cache(source), "mine")


# What changes several things: what was there before, and the command
CHANGES = {
    "a new benchmark": ((), lambda root: into(root, ["a", "b"])),
    "further LLMs": ((["x"],), lambda root: into(root, ["a", "b", "c"], digest="other")),
    "all LLMs again": ((["a", "b"],), lambda root: into(root, ["a", "b"], again=True, score=0.0)),
    "some LLMs again": ((["a", "b"], ["c"]), lambda root: into(root, ["a", "b"], again=True, score=0.0)),
    "whose verdict counts": (
        (["a", "b"],),
        lambda root: into(root, ["a", "b"], verdicts=VerdictChoice(everywhere="own")),
    ),
    "a router": ((["a", "b"],), train),
    "a router anew": ((["a", "b"], None), lambda root: train(root, ("probabilities.parquet", "forest.parquet"))),
    "another cache joins": ((["a", "b"],), join),
    "removing an LLM": ((["a", "b"],), lambda root: remove(root, llm="a")),
    "removing all": ((["a", "b"],), remove),
}


@pytest.mark.parametrize(("before", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_cut_before_every_rename_the_same_command_finishes_it(tmp_path, cut, before, change):
    def begin(root):
        root.mkdir()
        for number, llms in enumerate(before):
            if llms is None:
                train(root)
            else:
                into(root, llms, digest="fake" if number == 0 else f"fake {number}")
        return Cache(root)

    was = contents(begin(tmp_path / "before"))
    change(begin(tmp_path / "whole").root)
    now = contents(Cache(tmp_path / "whole"))
    number = 1
    while True:
        root = begin(tmp_path / f"cut {number}").root
        if not cut(lambda root=root: change(root), number):
            break
        seen = contents(open_cache(root))
        assert seen in (was, now), f"cut before rename {number}, readers see neither"
        change(root)
        assert contents(open_cache(root)) == now, f"cut before rename {number}, the same command doesn't finish"
        assert Cache(root).verify() == []
        with open_cache(root).changing():
            pass
        assert not [path for path in root.rglob("*") if path.name.startswith((TEMPORARY, JOURNAL))]
        number += 1
    assert number > 1


def test_a_repair_cut_before_every_rename_is_finished_by_the_next(tmp_path, cut):
    def begin(root):
        into(root, ["a", "b", "c"])
        train(root)
        llms = root / "mine" / "llms"
        damaged = [
            *(llms / "a" / "generations").glob("*.parquet"),
            llms / "b" / "verdicts.parquet",
            llms / "c" / "manifest.json",
            root / "mine" / "routers" / "prior" / "probabilities.parquet",
        ]
        for path in damaged:
            path.write_bytes(path.read_bytes()[:-9])
        return len(damaged)

    def seen(root):
        cache = Cache(root)
        left = sorted(str(each.path.relative_to(root)) for each in cache.verify())
        return left, sorted(path.name for path in root.rglob("*.damaged")), contents(cache)

    count = begin(tmp_path / "whole")
    assert all(each.repaired for each in open_cache(tmp_path / "whole").verify(repair=True))
    number = 1
    while True:
        root = tmp_path / f"cut {number}"
        begin(root)
        if not cut(lambda root=root: open_cache(root).verify(repair=True), number):
            break
        open_cache(root).verify(repair=True)
        assert seen(root) == seen(tmp_path / "whole"), f"cut before rename {number}"
        number += 1
    assert number > count


def test_cut_while_it_is_finished(tmp_path, cut):
    into(tmp_path, ["x"], digest="other")
    assert cut(lambda: into(tmp_path, ["a", "b", "c"]), 12)
    again = 0
    while cut(lambda: open_cache(tmp_path), 1 + again % 2):
        again += 1
        assert again < 20
    assert set(open_cache(tmp_path).llms("mine")) == {"a", "b", "c", "x"}


def test_what_cannot_be_finished_here_is_said(tmp_path, monkeypatch):
    into(tmp_path, ["a"])
    (tmp_path / JOURNAL).write_text("{}")

    def refused(*args, **kwargs):
        raise CacheError("cannot write in there (Read-only file system)")

    monkeypatch.setattr("selectllm_engine.store.layers.locked", refused)
    cache = open_cache(tmp_path)
    assert cache.llms("mine") == ["a"]
    (problem,) = cache.problems.values()
    assert "cut off and cannot be finished: cannot write" in problem.what


@pytest.mark.parametrize(
    "moves",
    [
        [["../outside", "mine/llms/a"]],
        [[".tmp-x/../../outside", "mine"]],
        [[".tmp-x/y", "../outside"]],
        [[".tmp-x/y", "/etc/passwd"]],
        [["mine/llms/a", "mine/llms/b"]],
        [[".tmp-x/y", ".lock"]],
        [[".tmp-x/y", "linked/z"]],
        [[".tmp-x/y"]],
        "…",
        None,
        [[1, 2]],
    ],
    ids=str,
)
def test_a_strangers_journal_moves_nothing(tmp_path, moves):
    root, outside = tmp_path / "cache", tmp_path / "outside"
    into(root, ["a"])
    outside.mkdir()
    (outside / "kept").touch()
    (root / "linked").symlink_to(outside)
    (root / ".tmp-x").mkdir()
    (root / ".tmp-x" / "y").write_text("evil")
    write_sealed(root / JOURNAL, {"moves": moves})
    cache = open_cache(root)
    assert "none of selectllm's" in cache.problems[root / JOURNAL].what
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert cache.llms("mine") == ["a"]
    with pytest.raises(DamagedError, match=r"verify --repair"), cache.changing():
        pass
    assert [each.repaired for each in cache.verify(repair=True)] == [True]
    with open_cache(root).changing():
        pass


def test_a_journal_that_cannot_be_written_changes_nothing(tmp_path, monkeypatch):
    write_fake_run(tmp_path / "cache", questions={"test": 4})
    root = tmp_path / "cache"

    def full(*args):
        raise CacheError("no space left")

    monkeypatch.setattr("selectllm_engine.store.renames.write_sealed", full)
    with scratch(root) as place:
        (place / "x").mkdir()
        with pytest.raises(CacheError, match="no space"):
            carry_out(root, [(place / "x", root / "x")])
    assert not (root / "x").exists()
    assert not list(root.glob(f"{TEMPORARY}*"))
    finish(root)


def test_an_import_waits_for_no_writer_and_takes_nothing_from_it(tmp_path):
    into(tmp_path, ["a"])
    before = contents(Cache(tmp_path))
    with Cache(tmp_path).writer("mine", "b"), pytest.raises(LockedError, match="b on mine is being written by process"):
        into(tmp_path, ["b"], digest="other")
    with Cache(tmp_path).writer("mine", "a"), pytest.raises(LockedError, match="a on mine is being written"):
        into(tmp_path, ["a"], again=True)
    assert contents(Cache(tmp_path)) == before


def test_results_whose_manifest_is_lost_are_not_moved_away(tmp_path):
    into(tmp_path, ["a", "b"])
    (manifest := tmp_path / "mine" / "llms" / "a" / "manifest.json").unlink()
    for again in (False, True):
        with pytest.raises(SelectLLMError, match="results of a already" if not again else "no LLM 'a'"):
            into(tmp_path, ["a"], digest="other", again=again)
        assert list((manifest.parent / "generations").iterdir())


def test_who_is_writing_is_said_in_words(tmp_path):
    cache = Cache(tmp_path)
    cache.write_questions("fake", fake_questions({"test": 2}))
    with cache.writer("fake", "a") as writer:
        said = json.loads((writer.folder / ".writer").read_text())
        with pytest.raises(LockedError) as error:
            cache.writer("fake", "a").__enter__()
    assert re.search(rf"is being written by process {os.getpid()} on {re.escape(said['on'])};", str(error.value))
