"""A benchmark: questions with gold answers in splits, exemplars, and the schema that every source fills."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "LETTERS",
    "QUESTION_SCHEMA",
    "SPLITS",
    "SPLIT_WORDS",
    "Benchmark",
    "Exemplar",
    "question_frame",
    "ranked",
    "splits_of",
]

SPLITS = ("train", "validation", "test")
# The words that data sets have for splits.
SPLIT_WORDS = {split: split for split in (*SPLITS, "exemplar")} | {
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "exemplars": "exemplar",
    "dev": "exemplar",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the letters of options

QUESTION_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "split": pl.String(),
        "subject": pl.String(),  # null where the benchmark has no subjects
        "text": pl.String(),
        "choices": pl.List(pl.String()),  # the options' texts, null where there are none
        "gold": pl.String(),  # canonical, as extract_answer gives it; the letter where there are options
        "kind": pl.String(),  # one of answers.KINDS
    }
)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A solved question for few-shot prompts; never part of a split.

    `answer` is canonical (a letter where there are `choices`); `rationale` is the solution before it, if known.
    """

    text: str
    answer: str
    choices: tuple[str, ...] | None = None
    rationale: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """Questions (rows of QUESTION_SCHEMA), exemplars, and whether short answers are asked for (`terse`).

    `notes` are what a person should know about the questions; `language` is as in a `Description`.
    """

    name: str
    questions: pl.DataFrame
    exemplars: tuple[Exemplar, ...] = ()
    terse: bool = False
    notes: tuple[str, ...] = ()
    language: str | None = None

    def exemplars_for(self, subject: str | None, limit: int = 5) -> tuple[Exemplar, ...]:
        """Up to `limit` exemplars to show before a question: its subject's own, else any."""
        own = tuple(each for each in self.exemplars if each.subject == subject)
        return (own or self.exemplars)[:limit]


def question_frame(rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Rows as a frame of QUESTION_SCHEMA."""
    return pl.DataFrame(list(rows), schema=QUESTION_SCHEMA, orient="row")


def splits_of(questions: pl.DataFrame) -> list[str]:
    """The splits that questions are in, in the order of SPLITS, those with other names last."""
    found = questions["split"].unique(maintain_order=True).to_list()
    return sorted(found, key=lambda split: SPLITS.index(split) if split in SPLITS else len(SPLITS))


def ranked(names: Iterable[str], seed: int) -> list[str]:
    """The names in a random order that depends on the seed and on the names alone.

    Sorted by a digest, so that neither the order in the file nor a library's generator changes a draw.
    """
    return sorted(names, key=lambda name: blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())
