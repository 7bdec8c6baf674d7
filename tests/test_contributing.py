"""The rows of CONTRIBUTING's table, done with toys: one file and one line, and everything takes them."""

import importlib.util
import inspect
import io
import json
import re
import sys
import types
from contextlib import redirect_stdout
from importlib import import_module

import numpy as np
import polars as pl
import pytest

import selectllm_engine as sl
from fake_engine import fake_weights
from fakes import write_fake_run
from paths import ROOT
from plain import ORACLES
from selectllm_engine.benchmarks import PRESETS, known_sizes, load_benchmark
from selectllm_engine.benchmarks.description import SplitShare
from selectllm_engine.benchmarks.presets import Preset
from selectllm_engine.errors import UnknownNameError
from selectllm_engine.evaluation import POLICIES, Selection
from selectllm_engine.evaluation.policies import PolicyInfo
from selectllm_engine.generation import engine
from selectllm_engine.importers import FORMATS, ImportFormat, ImportOption
from selectllm_engine.importers.importer import importer
from selectllm_engine.importers.records import Record
from selectllm_engine.routers import FAMILIES, Family, suite
from selectllm_tui import cli
from selectllm_tui.snapshots.model import sliders
from suites import policies_without_oracle, router_names, undocumented

for name in ("import_", "train"):  # so that what is there after a test was made before the toys
    import_module(f"selectllm_tui.cli.{name}")

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.fixture
def add(monkeypatch):
    """Add a toy: a module of that path, and a line in a table."""

    def add(table, line, module, **contents):
        made = types.ModuleType(module)
        vars(made).update(contents)
        monkeypatch.setitem(sys.modules, module, made)
        monkeypatch.setitem(table, "toy", line)

    return add


@pytest.fixture
def cache(tmp_path):
    """The folder of a cache with the benchmark `fake`."""
    write_fake_run(tmp_path / "cache", questions={"train": 30, "validation": 20, "test": 20})
    return tmp_path / "cache"


def selectllm(*args):
    """What a command writes on standard output."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert cli.main([str(each) for each in args]) == 0
    return out.getvalue()


def completed(monkeypatch, cache, line):
    """What the shell is offered for a line."""
    out = io.StringIO()
    with monkeypatch.context() as patch, redirect_stdout(out):
        patch.setenv("_SELECTLLM_COMPLETE", "complete_bash")
        patch.setenv("COMP_WORDS", "\n".join(line.split()))
        patch.setenv("COMP_CWORD", str(len(line.split()) - 1))
        patch.setenv("SELECTLLM_CACHE", str(cache))
        with pytest.raises(SystemExit):
            cli.main([])
    return out.getvalue().split()


def anew(monkeypatch, module):
    """Forget a module of commands, for a process of one's own would import it after the toy was written."""
    monkeypatch.delitem(sys.modules, f"selectllm_tui.cli.{module}")
    monkeypatch.delattr(cli, module)


def reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.reference()


def test_the_rows_are_these():
    rows = re.findall(r"^\| an? (\w+) \|.*`([A-Z]+)` in `(\S+\.py)`", PAGE, re.MULTILINE)
    assert [name for name, _, _ in rows] == ["benchmark", "router", "policy", "importer", "command"]
    for _, table, path in rows:
        (found,) = (ROOT / "src").glob(f"*/{path}")
        assert f"\n{table}: dict" in found.read_text("utf-8")


def test_a_benchmark(cache, tmp_path, monkeypatch, capsys):
    (tmp_path / "toy").mkdir()
    pl.DataFrame({"ask": ["1 + 1?", "2 + 1?"], "say": [2, 3]}).write_parquet(tmp_path / "toy" / "test-0.parquet")
    split = {"test": SplitShare(of="test")}
    line = Preset(hub="o/n", question="ask", answer="say", split=split, sizes={"test": 2}, source="a toy")
    monkeypatch.setitem(PRESETS, "toy", line)
    loaded = load_benchmark("toy", data=tmp_path / "toy")
    assert loaded.questions["gold"].to_list() == ["2", "3"]
    assert loaded.questions.height == known_sizes("toy")["test"]
    assert completed(monkeypatch, cache, "selectllm generate --benchmark to") == ["toy"]
    with pytest.raises(UnknownNameError, match="did you mean 'toy'"):
        load_benchmark("tooy")
    fake_weights(tmp_path / "weights")
    monkeypatch.setattr(engine, "find_spec", lambda _: True)
    llm = f"a={tmp_path / 'weights'}"
    args = {"--benchmark": "toy", "--data": str(tmp_path / "toy"), "--llm": llm, "--cache": str(cache)}
    cli.main(["generate", "--dry-run", *(each for pair in args.items() for each in pair)])
    assert re.search(r"^a +toy +2 +20 ", "".join(capsys.readouterr()), re.MULTILINE), "2 questions, 10 samples each"


class Toy:
    """p = rate, halved for short questions."""

    rates_: np.ndarray

    def __init__(self, *, seed=0):
        self.seed = seed

    def fit(self, questions, labels, *, validation=None):
        self.rates_ = labels.mean(axis=0, dtype=np.float32)
        return self

    def predict_proba(self, questions):
        short = np.array([len(text) < 20 for text in questions])
        return np.where(short[:, None], self.rates_ / 2, self.rates_).astype(np.float32)


def test_a_router(add, cache, monkeypatch):
    add(FAMILIES, Family("toy:Toy", features=None), "selectllm_engine.routers.toy", Toy=Toy)
    assert "toy" in router_names(), "the check suite runs over it"
    assert undocumented(FAMILIES) == ["toy"], "the page must name it"
    assert "toy" in suite(), "--all trains it"
    assert completed(monkeypatch, cache, "selectllm train --router to") == ["toy"]
    selectllm("train", "--router", "toy", "--cache", cache)
    assert "toy argmax" in selectllm("evaluate", "--cache", cache)
    assert completed(monkeypatch, cache, "selectllm evaluate --router to") == ["toy"]
    assert '"router": "toy"' in selectllm("route", "How many?", "--router", "toy", "--format", "json", "--cache", cache)
    anew(monkeypatch, "train")
    assert "stack, toy." in " ".join(selectllm("train", "--help").replace("│", " ").split())


def slowest(inputs, power, _):
    return Selection(inputs.llms, choice=np.full(len(inputs.probabilities), inputs.order[-1]))


def test_a_policy(add, cache, monkeypatch, capsys):
    info = PolicyInfo(
        slowest, "the slowest LLM, whatever the question", symbol="w", default=2, high=3, step=1, whole=True
    )
    add(POLICIES, info, "unused")
    assert policies_without_oracle() == ["toy"], "the test of oracles says so"
    assert undocumented(["toy:w"]) == ["toy:w"], "the page must name it"
    sl.train(sl.load("fake", cache), "prior")
    rows = json.loads(selectllm("evaluate", "--all", "--format", "json", "--cache", cache))["rows"]
    assert [(row["policy"], row["parameter"]) for row in rows if row["name"] == "prior toy"] == [("toy", 2)]
    tuned = sl.load("fake", cache).evaluate(router="prior", policy="toy:auto").rows[-1]
    assert type(tuned.parameter) is int
    assert completed(monkeypatch, cache, "selectllm evaluate --policy toy") == ["toy"]
    assert cli.main(["evaluate", "--policy", "toy:1.5", "--cache", str(cache)]) == 2
    assert "policy toy takes a whole number from 0 to 3 or auto" in capsys.readouterr().err
    assert info.help in selectllm("route", "How many?", "--policy", "toy", "--cache", cache)
    assert sliders(3)["toy"].symbol == "w"
    monkeypatch.setitem(ORACLES, "toy", lambda asked, _: {asked.order[-1]})
    assert policies_without_oracle() == []


@importer("toy")
def import_toy(path, reading, progress, *, mark="x"):
    """Import lines `question=answer`.

    A line is a question, what an LLM answered behind the sign.
    """
    lines = (line.split("=") for line in path.read_text("utf-8").splitlines())
    records = (
        Record(llm="a", question=question, gold=mark, kind="word", text=f"The answer is {said}.")
        for question, said in lines
    )
    return records, {"mark": mark}


def test_an_importer(add, cache, monkeypatch, tmp_path):
    entry = ImportFormat(
        "toy:import_toy",
        inspect.getdoc(import_toy),
        ("FILE", "A text file."),
        (ImportOption("mark", "What is right.", "WORD"),),
    )
    add(FORMATS, entry, "selectllm_engine.importers.toy", import_toy=import_toy)
    monkeypatch.delitem(
        sys.modules, "selectllm_tui.cli.import_", raising=False
    )  # commands are made when it is imported
    (tmp_path / "toy.txt").write_text("one=x\ntwo=y\n")
    selectllm(
        "import",
        "toy",
        tmp_path / "toy.txt",
        "--benchmark",
        "t",
        "--mark",
        "y",
        "--split-by",
        "0/0/100",
        "--cache",
        cache,
    )
    assert sl.load("t", cache).evaluate().row("a").accuracy == 0.5
    help_ = selectllm("import", "toy", "--help")
    assert "--mark" in help_
    assert "--split-by" in help_
    assert "Import lines" in selectllm("import", "--help")
    assert completed(monkeypatch, cache, "selectllm import to") == ["toy"]
    assert "## selectllm import toy" in reference()


def test_a_command(add, cache, monkeypatch):
    def toy(text: str = "hello") -> None:
        """Say something."""
        sys.stdout.write(f"{text}\n")

    add(cli.COMMANDS, ("toy:toy", "Look at results"), "selectllm_tui.cli.toy", toy=toy)
    assert selectllm("toy", "--text", "good day") == "good day\n"
    assert "Say something." in selectllm("--help")
    assert completed(monkeypatch, cache, "selectllm to") == ["toy"]
    assert "## selectllm toy" in reference()
    assert undocumented(["selectllm toy"], "../README.md") == ["selectllm toy"], "the page must name it"
