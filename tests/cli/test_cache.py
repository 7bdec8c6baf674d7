"""`selectllm cache`: list, verify, remove."""

import csv
import io
import json

import pytest

from fakes import flip_bit, write_fake_run
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.sealed_json import read_sealed, write_sealed


@pytest.fixture
def own(tmp_path):
    """A cache of its own, to be changed, with hostile names."""
    write_fake_run(tmp_path / "cache", "evil\x1b[31m", questions={"test": 3}, llms=("[red]x",), samples=2)
    return write_fake_run(tmp_path / "cache", "mine", questions={"train": 2, "test": 3}, llms=("a", "b"), samples=2)


def test_list_says_what_there_is(selectllm, fake_cache):
    code, out, err = selectllm("cache", "list", "--benchmark", "fake")
    assert (code, err) == (0, "")
    assert out.startswith(f"Cache {fake_cache}\n")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "fake own split train 60 questions – –" in lines
    assert any(line.startswith("fake own LLM fake-a 650 generations 5 ") and line.endswith("KiB") for line in lines)
    assert any(line.startswith("fake own router logistic:tfidf – – ") for line in lines)


def test_list_as_json_and_csv(selectllm):
    rows = json.loads(selectllm("cache", "list", "--benchmark", "fake", "--format", "json")[1])
    assert [(row["kind"], row["name"]) for row in rows] == [
        *(("split", name) for name in ("train", "validation", "test")),
        *(("LLM", name) for name in ("fake-a", "fake-b", "fake-c")),
        *(("router", name) for name in ("logistic:tfidf", "prior")),
        ("model", "expected tokens"),
    ]
    assert rows[3] | {"bytes": 0} == {
        "benchmark": "fake",
        "where": "own",
        "kind": "LLM",
        "name": "fake-a",
        "questions": None,
        "generations": 650,
        "verdicts": None,
        "samples": 5,
        "stop": None,
        "source": "generate",
        "bytes": 0,
    }
    assert rows[3]["bytes"] > 1000
    table = list(csv.DictReader(io.StringIO(selectllm("cache", "list", "--benchmark", "fake", "--format", "csv")[1])))
    assert [row["name"] for row in table] == [row["name"] for row in rows]


def test_list_of_an_empty_cache(selectllm, tmp_path, monkeypatch):
    monkeypatch.setattr("selectllm_engine.store.cache._packaged", lambda _: None)
    code, out, err = selectllm("cache", "list", cache=tmp_path)
    assert (code, out) == (0, "")
    assert err == f"the cache {tmp_path} is empty\n"
    assert selectllm("cache", "list", "--format", "json", cache=tmp_path)[1] == "[]\n"


def test_names_are_harmless(selectllm, own):
    code, out, _ = selectllm("cache", "list", "--benchmark", "evil\x1b[31m", cache=own.root)
    assert code == 0
    assert "\x1b" not in out
    assert "[red]x" in out


def test_the_packaged_run_is_listed_as_such(selectllm, own, tmp_path, monkeypatch):
    monkeypatch.setattr("selectllm_engine.store.cache._packaged", lambda _: own.root)
    rows = json.loads(selectllm("cache", "list", "--benchmark", "mine", "--format", "json", cache=tmp_path)[1])
    assert {row["where"] for row in rows} == {"package"}
    code, _, err = selectllm("cache", "remove", "--benchmark", "mine", "--yes", cache=tmp_path)
    assert code == 2
    assert err == "error: mine comes with the package; nothing of yours is stored for it\n"


def test_verify_says_when_all_is_well(selectllm, own, monkeypatch):
    monkeypatch.setattr("selectllm_engine.store.cache._packaged", lambda _: None)
    assert selectllm("cache", "verify", cache=own.root) == (0, "", "all files are whole\n")


def test_verify_finds_and_repairs(selectllm, own):
    part = own.parts("mine", "a").listed()[0].path
    flip_bit(part)
    code, out, err = selectllm("cache", "verify", "--benchmark", "mine", cache=own.root)
    assert code == 1
    assert f"{part} is truncated or changed" in out
    assert err == "selectllm cache verify --repair sets damaged files aside\n"
    code, out, err = selectllm("cache", "verify", "--benchmark", "mine", "--repair", "--format", "json", cache=own.root)
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {
            "path": str(part),
            "problem": f"{part} is truncated or changed",
            "done": f"set aside as {part.name}.damaged",
        }
    ]
    assert selectllm("cache", "verify", "--benchmark", "mine", cache=own.root)[0] == 0
    assert Cache(own.root).llms("mine") == ["b"]


def test_an_edit_on_purpose_is_told_until_it_is_sealed(selectllm, own):
    path = own.root / "mine" / "llms" / "a" / "manifest.json"
    path.write_text(path.read_text().replace('"temperature": 0.7', '"temperature": 0.9'))
    code, out, err = selectllm("evaluate", "--benchmark", "mine", "--format", "json", cache=own.root)
    assert (code, "manifest.json is damaged, or was changed by hand: passed over" in err) == (0, True)
    assert "a" not in {row["name"] for row in json.loads(out)["rows"]}
    assert selectllm("cache", "verify", "--benchmark", "mine", cache=own.root)[0] == 1
    code, out, err = selectllm("cache", "verify", "--benchmark", "mine", "--accept", "--format", "json", cache=own.root)
    assert (code, [each["done"] for each in json.loads(out)]) == (0, ["sealed as it is"])
    assert selectllm("cache", "verify", "--benchmark", "mine", cache=own.root) == (0, "", "all files are whole\n")
    out = selectllm("evaluate", "--benchmark", "mine", "--format", "json", cache=own.root)[1]
    assert "a" in {row["name"] for row in json.loads(out)["rows"]}


def test_remove_asks_first(selectllm, own, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, out, err = selectllm("cache", "remove", "--benchmark", "mine", "--llm", "a", cache=own.root)
    assert (code, out.strip()) == (1, "")
    assert "Remove LLM a of mine (" in err
    assert err.endswith("stopped\n")
    assert own.llms("mine") == ["a", "b"]
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert selectllm("cache", "remove", "--benchmark", "mine", "--llm", "a", cache=own.root)[0] == 0
    assert own.llms("mine") == ["b"]


def test_remove_everything(selectllm, own):
    for benchmark in ("mine", "evil\x1b[31m"):
        code, out, err = selectllm("cache", "remove", "--benchmark", benchmark, "--yes", cache=own.root)
        assert (code, out) == (0, "")
        assert err.startswith("removed all of ")
        assert "\x1b" not in err
    assert own.benchmarks() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--llm", "c"], "no LLM 'c'; choose from a, b"),
        (["--router", "c"], "no router 'c'; there are none yet"),
        (["--llm", "a", "--router", "b"], "exclude each other"),
    ],
)
def test_remove_of_what_is_not_there(selectllm, own, options, message):
    code, out, err = selectllm("cache", "remove", "--benchmark", "mine", *options, "--yes", cache=own.root)
    assert (code, out) == (2, "")
    assert message in err
    assert own.llms("mine") == ["a", "b"]


def test_merging_another_cache(tmp_path, selectllm, fake_cache):
    here, other = tmp_path / "here", tmp_path / "other"
    write_fake_run(here, llms=("fake-a",))
    write_fake_run(other, llms=("fake-a", "fake-b"))
    code, out, err = selectllm("cache", "merge", str(other), "--format", "json", cache=here)
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {"benchmark": "fake", "questions": 0, "llm": "fake-b", "results": 650, "note": None},
    ]
    code, out, err = selectllm("cache", "merge", str(other), cache=here)
    assert (code, out, err) == (0, "", "all of it is there already\n")
    path = other / "fake" / "llms" / "fake-b" / "manifest.json"
    write_sealed(path, {**read_sealed(path), "chat": False})
    code, out, err = selectllm("cache", "merge", str(other), "--benchmark", "fake", cache=here)
    assert code == 1
    assert "chat true in the cache, false now" in " ".join(out.split())
    for wrong, said in ((tmp_path / "none", "is no folder"), (here, "both are the same cache")):
        code, _, err = selectllm("cache", "merge", str(wrong), cache=here)
        assert code == 2
        assert said in err


def test_a_damaged_benchmark_keeps_no_other_from_joining(tmp_path, selectllm):
    here, other = (
        Cache(tmp_path / "here"),
        write_fake_run(tmp_path / "other", "bad", questions={"test": 3}, llms=("a",)),
    )
    write_fake_run(other.root, "good", questions={"test": 3}, llms=("a",))
    here.root.mkdir()
    flip_bit(other.parts("bad", "a").listed()[0].path)
    code, out, err = selectllm("cache", "merge", str(other.root), "--format", "json", cache=here.root)
    assert (code, [row["benchmark"] for row in json.loads(out)]) == (1, ["good"])
    assert "bad: " in err
    assert "repair it there: selectllm cache verify --repair" in err
    assert err.endswith("error: bad did not join; the lines above say why; the same command goes on\n")
    assert here.benchmarks() == ["good"]
