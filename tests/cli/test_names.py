"""Names that differ by case only: refused by every command that creates one, for some disks keep both in one folder."""

import csv
import json

import pytest

from fake_engine import FAKE_WORKER, fake_weights
from fakes import write_fake_run
from paths import TESTS
from selectllm_engine.generation import engine, scheduler
from selectllm_tui.cli import main

LLM = "there is an LLM 'fake-a', which disks that ignore case take 'FAKE-A' for; write 'fake-a', or choose another name"
BENCHMARK = "there is a benchmark 'fake', which disks that ignore case take 'FAKE' for; write 'fake', or choose another"
BUILT_IN = "there is a benchmark 'reasoning', which disks that ignore case take 'Reasoning' for; write 'reasoning'"
ROUTER = "there is a router 'knn:tfidf', which disks that ignore case take 'knn:TFIDF' for; write 'knn:tfidf'"
TABLE = ("import", "table", "table.csv")
GENERATE = ("generate", "--samples", "1", "--data", "own.jsonl")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache, and beside it what commands read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setattr(scheduler, "WORKER", FAKE_WORKER)
    monkeypatch.setattr(engine, "find_spec", lambda _: True)
    cache = write_fake_run(tmp_path / "cache", questions={"train": 30, "test": 5}, llms=("fake-a",), samples=1)
    assert main(["train", "--router", "knn:tfidf", "--cache", "cache"]) == 0
    write_fake_run(tmp_path / "llm", questions={"train": 30, "test": 5}, llms=("FAKE-A",), samples=1)
    write_fake_run(tmp_path / "benchmark", "FAKE", questions={"test": 5}, llms=("x",), samples=1)
    fake_weights(tmp_path / "weights")
    (tmp_path / "own.jsonl").write_text(json.dumps({"question": "What is 1 + 1?", "answer": "2"}) + "\n")
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["question", "FAKE-A", "x"], *((f"How many? {n}", 1, 0) for n in range(3))])
    with (tmp_path / "predictions.csv").open("w", newline="") as file:
        header = ["question", "split", "true_label", "prediction", "raw_predictions", "confidence"]
        csv.writer(file).writerows([header, ["one", "test", "['x', 'y']", "['x']", "[1, 0]", "[1.5, -0.5]"]])
    return cache


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ((*TABLE, "--llms", "FAKE-A", "--benchmark", "fake"), LLM),
        ((*TABLE, "--llms", "FAKE-A", "--benchmark", "fake", "--again"), LLM),
        ((*TABLE, "--llms", "x", "--benchmark", "FAKE"), BENCHMARK),
        ((*TABLE, "--llms", "x", "--benchmark", "Reasoning"), BUILT_IN),
        (("import", "predictions", "predictions.csv", "--benchmark", "FAKE"), BENCHMARK),
        ((*GENERATE, "--llm", "FAKE-A=weights", "--benchmark", "fake"), LLM),
        ((*GENERATE, "--llm", "x=weights", "--benchmark", "FAKE"), BENCHMARK),
        (("train", "--router", "knn:TFIDF", "--encoder", "TFIDF=weights"), ROUTER),
        (("cache", "merge", "llm"), LLM),
        (("cache", "merge", "benchmark"), BENCHMARK),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_every_command_refuses_a_name_that_differs_by_case_only(cache, capsys, command, said):
    before = {path: path.read_bytes() for path in cache.root.rglob("*.*") if path.is_file()}
    capsys.readouterr()
    code = main([*command, "--cache", "cache"])
    err = capsys.readouterr().err
    assert code in {1, 2}
    assert said in err
    assert {path: path.read_bytes() for path in before} == before
    assert (cache.llms("fake"), cache.routers("fake"), cache.benchmarks()) == (["fake-a"], ["knn:tfidf"], ["fake"])
