"""The samples of a question: how many letters are options where none are listed, and which samples are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

import selectllm_engine as sl
from fakes import fake_manifest
from selectllm_engine.benchmarks import question_frame
from selectllm_engine.store import Cache
from selectllm_engine.verdicts import Verdict
from selectllm_tui.screens.generations import options_of, samples_of
from selectllm_tui.snapshots.question import Detail, ShownVotes

if TYPE_CHECKING:
    from pathlib import Path


def detail(
    kind: str, gold: str, choices: tuple[str, ...] = (), votes: tuple[tuple[str | None, int], ...] = ()
) -> Detail:
    ballot = ShownVotes("a", True, True, None, votes, None, False, False, None)
    return Detail("q", None, "?", choices, gold, kind, Verdict.RIGHT, 5, 1, 1, (ballot,), None, None)


@pytest.mark.parametrize(
    ("shown", "options"),
    [
        (detail("letter", "B", ("x", "y")), 2),
        (detail("letter", "B"), 4),
        (detail("letter", "F"), 6),
        (detail("letter", "B", votes=(("J", 3), (None, 2))), 10),
        (detail("number", "12", votes=(("7", 3),)), 4),
    ],
)
def test_how_many_letters_are_options(shown: Detail, options: int) -> None:
    assert options_of(shown) == options


@pytest.mark.parametrize(
    ("kind", "gold", "said"),
    [
        ("expression", "1+x", {"$x + 1$": True, "$1+x$": True, "$x - 1$": False}),
        ("text", "isle of rhodes | rhodos", {"Rhodos": True, "the Isle of Rhodes": True, "Crete": False}),
        ("set", "3; 5", {"5 and 3": True, "3, 5": True, "3": False}),
    ],
)
def test_samples_that_are_equal_to_the_gold_answer_are_marked_right(
    kind: str, gold: str, said: dict[str, bool], tmp_path: Path
) -> None:
    """They are written otherwise than the gold answer, and shown as they are written."""
    cache = Cache(tmp_path)
    row = {"question_id": "q", "split": "test", "subject": None, "text": "?", "choices": None}
    cache.write_questions("own", question_frame([{**row, "gold": gold, "kind": kind}]))
    with cache.writer("own", "a") as writer:
        writer.start(fake_manifest("a"))
        rows = [("q", sample, f"The answer is {text}.", 5, 5, "stop") for sample, text in enumerate(said)]
        schema = ("question_id", "sample", "text", "prompt_tokens", "output_tokens", "finish_reason")
        writer.append(pl.DataFrame(rows, schema, orient="row"), {"engine": "fake"})
    samples = samples_of(sl.load("own", tmp_path), detail(kind, gold), "a")
    assert [each.right for each in samples] == list(said.values())
    assert len({each.answer for each in samples}) == (2 if kind == "set" else 3)
