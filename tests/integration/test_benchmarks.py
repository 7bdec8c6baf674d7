"""A real small LLM on invented questions in the layouts of math-500, ARC and MGSM: asked, sampled, read, judged."""

import os
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from selectllm_engine.store import Cache
from selectllm_tui import cli

pytestmark = pytest.mark.integration

LLMS = os.environ.get("SELECTLLM_TEST_LLMS", "")
NAME = "smollm2-135m-it"
QUESTIONS = range(2, 12)
COLOURS = ["red", "green", "blue", "yellow"]

if find_spec("torch") is None or find_spec("transformers") is None:
    pytest.skip("needs torch and transformers", allow_module_level=True)
if not (Path(LLMS) / NAME / "config.json").is_file():
    pytest.skip(
        f"SELECTLLM_TEST_LLMS names no folder with {NAME}; tools/pypi_llms.py makes one", allow_module_level=True
    )


def halves(n):
    return {"problem": f"What is half of ${n}x$?", "answer": rf"\frac{{{n}x}}{{2}}", "subject": "Algebra"}


def grass(n):
    choices = {"text": COLOURS[n % 4 :] + COLOURS[: n % 4], "label": list("ABCD")}
    right = "ABCD"[choices["text"].index("green")]
    return {"question": f"What colour has the grass of {n} meadows?", "choices": choices, "answerKey": right}


def eggs(n):
    question = f"Anna kauft {n} Eier und isst eines. Wie viele Eier hat sie noch?"
    return {"question": question, "answer": None, "answer_number": n - 1, "equation_solution": None}


@pytest.mark.parametrize(
    ("benchmark", "row", "folder", "kind", "others"),
    [
        ("math-500", halves, ".", "expression", ()),
        ("arc-easy", grass, "ARC-Easy", "letter", ("train", "validation")),
        ("mgsm", eggs, "de", "number", ("train",)),
    ],
)
def test_answers_to_a_benchmark_are_read(benchmark, row, folder, kind, others, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait for each other are slow where others work too
    place = tmp_path / "data" / folder
    place.mkdir(parents=True)
    pl.DataFrame([row(n) for n in QUESTIONS]).write_parquet(place / "test-00000-of-00001.parquet")
    for number, split in enumerate(others, 1):  # not sampled
        rows = [row(100 * number + n) for n in QUESTIONS]
        pl.DataFrame(rows).write_parquet(place / f"{split}-00000-of-00001.parquet")
    cache, of = tmp_path / "cache", ("--benchmark", benchmark)
    args = [*of, "--data", tmp_path / "data", "--cache", cache, "--llm", f"{NAME}={Path(LLMS) / NAME}"]
    args += ["--engine", "transformers", "--split", "test", "--samples", "1", "--max-tokens", "48"]
    assert cli.main(["generate", *map(str, args)]) == 0, "".join(capsys.readouterr())
    stored = Cache(cache)
    questions = stored.questions(benchmark).filter(split="test")
    assert (questions.height, set(questions["kind"])) == (len(QUESTIONS), {kind})
    answers = stored.answers(benchmark, NAME)
    assert answers.height == len(QUESTIONS)
    assert answers["answer"].is_not_null().sum() > 0, "some answers are found"
    assert stored.manifest(benchmark, NAME)["prompt"].get("language") == ("subject" if benchmark == "mgsm" else None)
    capsys.readouterr()
    assert cli.main(["evaluate", *of, "--cache", str(cache), "--format", "json"]) == 0
