"""Answers extracted for whole parts: which letters are options where a question has no choices."""

from __future__ import annotations

import polars as pl
import pytest

from fakes import fake_manifest
from selectllm_engine.benchmarks import question_frame
from selectllm_engine.store import GENERATION_SCHEMA, Cache

SAID = "I say ({})."


def extracted(folder, *questions, letters):
    """The answers to questions that are given as (id, subject, text, gold, choices), one text each."""
    cache = Cache(folder / "cache")
    rows = (
        {"question_id": name, "subject": subject, "text": text, "gold": gold, "choices": choices, "split": "test"}
        for name, subject, text, gold, choices in questions
    )
    cache.write_questions("b", question_frame(row | {"kind": "letter"} for row in rows))
    with cache.writer("b", "llm") as writer:
        writer.start(fake_manifest("llm"))
        said = [
            (each[0], 0, SAID.format(letter), 1, 2, "stop") for each, letter in zip(questions, letters, strict=True)
        ]
        writer.append(pl.DataFrame(said, schema=GENERATION_SCHEMA, orient="row"), {})
    answers = cache.answers("b", "llm").sort("question_id")
    return answers["answer"].to_list()


@pytest.mark.parametrize("letters", ["FBJA", "JJJJ"])
def test_without_choices_as_many_letters_as_the_subjects_golds_need(tmp_path, letters):
    golds = "FBJA"
    questions = [(f"q{n}", "law", "Which?", gold, None) for n, gold in enumerate(golds)]
    assert extracted(tmp_path, *questions, letters=letters) == list(letters)


def test_or_as_its_questions_list(tmp_path):
    listed = "Which?\n(A) one\n(B) two\n(C) three\n(D) four\n(E) five"
    questions = [
        ("q0", "law", listed, "A", None),
        ("q1", "law", "Which?", "B", None),
        ("q2", "art", "Which?", "B", None),
    ]
    assert extracted(tmp_path, *questions, letters="EEE") == ["E", "E", None]


def test_with_choices_as_many_as_there_are(tmp_path):
    questions = [("q0", None, "Which?", "A", ["x", "y"]), ("q1", None, "Which?", "F", None)]
    assert extracted(tmp_path, *questions, letters="CC") == [None, "C"]
