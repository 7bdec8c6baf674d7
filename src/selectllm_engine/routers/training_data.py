"""What a router may learn from: the texts of all splits, and the labels of train and validation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.run import StoredRun

__all__ = ["LabelledSplit", "TrainingData", "question_texts", "training_data"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSplit:
    """Questions of one split with their labels: ids and texts of length Q, labels bool [Q, N]."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What a router may see of a run: every question's text, and no label of the test split.

    Attributes:
        questions: question_id, split, text (String); all questions of the benchmark.
        validation: None where the run has no such split.
        k: samples behind each label.
    """

    benchmark: str
    llms: tuple[str, ...]
    questions: pl.DataFrame
    train: LabelledSplit
    validation: LabelledSplit | None
    k: int

    @property
    def digest(self) -> str:
        """Of everything learned from; equal digests mean that training again would give the same router."""
        parts = hashlib.blake2b(repr(self.llms).encode(), digest_size=16)
        for split in (self.train, self.validation):
            if split is not None:
                parts.update(repr((split.ids, split.texts)).encode("utf-8", "surrogatepass"))
                parts.update(np.packbits(split.labels).tobytes())
        return parts.hexdigest()


def training_data(run: StoredRun) -> TrainingData:
    """The training view of a run.

    Raises:
        UsageError: no question of a train split is complete for all LLMs.
    """
    questions = run.cache.questions(run.benchmark)
    splits = set(questions["split"].unique())
    if "train" not in splits:
        raise UsageError(
            f"{run.benchmark} has no train split, and a router learns from nothing else",
            "generate samples for one (selectllm generate --split train) or name another --benchmark",
        )
    texts = questions.select("question_id", "split", question_texts().alias("text"))
    train, k = _labelled(run, "train", texts)
    if not train.ids:
        raise UsageError(
            f"no training question of {run.benchmark} is complete for all LLMs",
            "selectllm generate --split train makes what is missing",
        )
    validation = _labelled(run, "validation", texts)[0] if "validation" in splits else None
    return TrainingData(
        run.benchmark, run.llms, texts, train, validation if validation is not None and validation.ids else None, k
    )


def question_texts() -> pl.Expr:
    """What routers read of a question: its text, and its options on one more line."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def options(choices: pl.Series) -> str:
        return "".join(f" ({letter}) {choice}" for letter, choice in zip(letters, choices, strict=False))

    shown = pl.col("choices").map_elements(options, return_dtype=pl.String).fill_null("")
    return pl.col("text").fill_null("") + shown


def _labelled(run: StoredRun, split: str, texts: pl.DataFrame) -> tuple[LabelledSplit, int]:
    outcomes = run.outcomes(split)
    ids = outcomes.questions.select("question_id")
    joined = ids.join(texts, on="question_id", how="left", maintain_order="left")
    return LabelledSplit(tuple(ids["question_id"]), tuple(joined["text"]), outcomes.labels), outcomes.samples
