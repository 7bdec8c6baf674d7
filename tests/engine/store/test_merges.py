"""Two caches become one: nothing is overwritten, other settings are told, and the same command finishes it."""

import pytest

from fakes import fake_generations, fake_manifest, fake_questions, write_fake_run
from selectllm_engine.errors import CacheError, DamagedError, LockedError, UnknownNameError
from selectllm_engine.store import load_outcomes
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.merges import merge

SIZES = {"train": 4, "test": 6}


@pytest.fixture
def here(tmp_path):
    return write_fake_run(tmp_path / "here", questions=SIZES, llms=("a", "b"), samples=2)


def other(tmp_path, llms=("c",), *, samples=2, sizes=SIZES, seed=0, name="other", **manifest):
    cache = Cache(tmp_path / name)
    table = fake_questions(sizes, seed)
    cache.write_questions("fake", table)
    for number, llm in enumerate(llms):
        with cache.writer("fake", llm) as writer:
            writer.start(fake_manifest(llm, samples=samples, created=f"2026-02-01T00:00:0{number}", **manifest))
            writer.append(fake_generations(table, 5 + number, samples), {"engine": "fake"})
            writer.write_verdicts(cache.sampled("fake", llm).with_columns(score=1.0))
    return cache


def contents(cache):
    return {
        path.relative_to(cache.root): path.read_bytes()
        for path in cache.root.rglob("*")
        if path.is_file() and path.name[0] != "." and path.parent.name != "answers"
    }


def test_an_llm_of_another_machine_joins(here, tmp_path):
    before, source = contents(here), other(tmp_path)
    read = contents(source)
    merged = merge(here, source, "fake")
    assert (merged.new, merged.questions, merged.llms, merged.left_out) == (False, 0, {"c": 40}, {})
    assert here.llms("fake") == ["a", "b", "c"]
    assert {path: data for path, data in contents(here).items() if path in before} == before
    assert here.generations("fake", "c").equals(source.generations("fake", "c"))
    assert here.verdicts("fake", "c").equals(source.verdicts("fake", "c"))
    assert here.manifest("fake", "c") == source.manifest("fake", "c")
    assert load_outcomes(here, "fake", "test").llms == ("a", "b", "c")
    assert here.verify() == []
    assert contents(source) == read
    again = merge(here, source, "fake")
    assert (again.questions, again.llms, again.left_out) == (0, {}, {})


def test_further_samples_and_questions_join_and_ours_stay(here, tmp_path):
    with here.writer("fake", "a") as writer:
        writer.write_verdicts(here.sampled("fake", "a").with_columns(score=0.0).head(3))
    ours, scores = here.generations("fake", "a"), here.verdicts("fake", "a")
    source = other(tmp_path, ("a",), samples=3, sizes={"train": 4, "test": 6, "validation": 5})
    merged = merge(here, source, "fake")
    assert merged.questions == 5
    assert merged.llms["a"] == (10 + 3 * 5) + (45 - 3)
    now = here.generations("fake", "a")
    assert now.head(ours.height).equals(ours)
    assert now.height == 45
    assert here.manifest("fake", "a")["samples"] == 3
    key = ["question_id", "sample"]
    assert here.verdicts("fake", "a").join(scores, on=key)["score"].sum() == 0
    assert here.verdicts("fake", "a").height == 45
    assert here.verify() == []


def test_other_settings_are_told_and_left_out(here, tmp_path):
    before = contents(here)
    source = other(tmp_path, ("a", "c"), sampling={**fake_manifest("a")["sampling"], "temperature": 1.5})
    merged = merge(here, source, "fake")
    assert list(merged.llms) == ["c"]
    assert '"temperature": 0.7' in merged.left_out["a"]
    assert '"temperature": 1.5' in merged.left_out["a"]
    assert {path: data for path, data in contents(here).items() if path in before} == before


def test_a_benchmark_that_is_new_comes_whole(tmp_path):
    source = write_fake_run(tmp_path / "other", questions=SIZES, llms=("a",), samples=2)
    router = source.router_dir("fake", "prior", write=True)
    (router / "manifest.json").write_text('{"router": "prior"}')
    set_aside = source.folder("fake") / "llms" / "a" / "generations" / "000002-0123456789abcdef.parquet.damaged"
    set_aside.touch()
    cache = Cache(tmp_path / "empty")
    merged = merge(cache, source, "fake")
    assert (merged.new, merged.questions, merged.llms, merged.routers) == (True, 10, {"a": 20}, ("prior",))
    assert not list(cache.root.rglob("*.damaged"))
    set_aside.unlink()
    assert contents(cache) == contents(source)


def test_what_does_not_fit_changes_nothing(here, tmp_path):
    before = contents(here)
    with pytest.raises(CacheError, match="stands for another question"):
        merge(here, other(tmp_path, seed=1), "fake")
    damaged = other(tmp_path, name="damaged")
    next((damaged.folder("fake") / "llms" / "c" / "generations").iterdir()).write_text("gone")
    with pytest.raises(DamagedError, match=r"truncated or changed; repair it there"):
        merge(here, damaged, "fake")
    linked = other(tmp_path, name="linked")
    (linked.folder("fake") / "llms" / "d").symlink_to(tmp_path)
    with pytest.raises(DamagedError, match="is a link"):
        merge(here, linked, "fake")
    with pytest.raises(UnknownNameError):
        merge(here, damaged, "none")
    sampled = other(tmp_path, ("a",), samples=3, name="sampled")
    with here.writer("fake", "a"), pytest.raises(LockedError, match="a on fake is being written"):
        merge(here, sampled, "fake")
    assert contents(here) == before
