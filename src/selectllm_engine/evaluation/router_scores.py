"""What a router says about the questions of a split: probabilities, checked when they come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["NO_ROUTER", "RouterScores", "as_probabilities", "silent_scores"]

NO_ROUTER = "no-router"  # what rows of a policy without a router are called by

# field -> type, whether it holds probabilities, and the field that has the same shape (None: at least as many LLMs)
_ARRAYS: dict[str, tuple[type[np.generic], bool, str | None]] = {
    "probabilities": (np.float32, True, "probabilities"),
    "forest": (np.float32, True, "probabilities"),
    "train": (np.float32, True, None),
    "validation": (np.float32, True, None),
    "validation_forest": (np.float32, True, "validation"),
    "logits": (np.float64, False, "probabilities"),
    "predicted": (np.bool_, False, "probabilities"),
}


@dataclass(frozen=True, slots=True, eq=False)
class RouterScores:
    """What a router says about the questions of one split, for all N LLMs of the run.

    Attributes:
        name: for example "knn:minilm".
        probabilities: float32 [Q, N], of being right; NaN in the columns of `missing`.
        forest: float32 [Q, N], the confidence forest's probabilities, for prediction and sorted-prediction.
        train: float32 [T, N], those of the train split where each is what the *other* train questions teach, for what
            learns from them; else None.
        validation, validation_forest: the same for the validation split [V, N], for `:auto`.
        logits: float64 [Q, N], where the router recorded them; protocol `paper` works on them.
        predicted: bool [Q, N], the LLMs that the router said are right, where it recorded that beside the logits.
        seconds_per_question: the router's own time.
        missing: LLMs of the run that the router was trained without.
        unseen: each probability is what a router says about a subject that learned from the others alone.
        note: why the router has no figures at all, else None; then its numbers may be any.

    Raises:
        UsageError: an array has another shape than these, or numbers that are no probabilities.
    """

    name: str
    probabilities: NDArray[np.float32]
    forest: NDArray[np.float32] | None = None
    validation: NDArray[np.float32] | None = None
    validation_forest: NDArray[np.float32] | None = None
    logits: NDArray[np.float64] | None = None
    predicted: NDArray[np.bool_] | None = None
    seconds_per_question: float | None = None
    train: NDArray[np.float32] | None = None
    missing: tuple[str, ...] = ()
    unseen: bool = False
    note: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise UsageError(f"a router's name is {self.name!r}", "give it some letters")
        for field, (kind, probable, _) in _ARRAYS.items():
            given = getattr(self, field)
            if given is not None:
                # Every policy walks LLM by LLM, so each LLM's column is kept contiguous.
                array = np.asfortranarray(self._numbers(field, given), dtype=kind)
                object.__setattr__(self, field, array)
                self._check_shape(field, array)
                if probable and self.note is None:
                    self._check_range(field, array)

    def __repr__(self) -> str:
        questions, llms = self.probabilities.shape
        return f"<RouterScores {self.name!r}: {questions:,} questions, {llms} LLMs>"

    @property
    def silent(self) -> bool:
        """Whether no router is asked: its probabilities say nothing."""
        return self.name == NO_ROUTER

    def on_validation(self) -> RouterScores:
        """The scores for the validation split; there must be some."""
        assert self.validation is not None  # noqa: S101 - callers have looked
        return RouterScores(
            self.name,
            self.validation,
            forest=self.validation_forest,
            validation=self.validation,
            train=self.train,
            missing=self.missing,
            unseen=self.unseen,
        )

    def _numbers(self, field: str, given: ArrayLike) -> NDArray[np.generic]:
        try:
            array = np.asarray(given)
        except ValueError:  # rows of different lengths
            array = np.asarray(None)
        if array.dtype.kind not in "fiub":
            raise UsageError(f"the {field} of {self.name!r} are no array of numbers", "give an array [Q, N]")
        return array

    def _check_shape(self, field: str, array: NDArray[np.generic]) -> None:
        like = _ARRAYS[field][2]
        other = array if like is None else getattr(self, like)
        if array.ndim != 2 or other is None or array.shape != other.shape or len(self.probabilities.T) != len(array.T):
            raise UsageError(
                f"the {field} of {self.name!r} have shape {list(array.shape)}",
                "one row per question, one column per LLM of the run",
            )

    def _check_range(self, field: str, array: NDArray[np.generic]) -> None:
        if not len(array):
            return
        low, high = array.min(axis=0), array.max(axis=0)  # NaN where any number is
        odd = np.flatnonzero(~((low >= 0) & (high <= 1)))
        unknown = [llm for llm in odd if np.isnan(array[:, llm]).all()]
        if len(unknown) < len(odd) or len(unknown) > len(self.missing):
            raise UsageError(
                f"the {field} of {self.name!r} are not all from 0 to 1",
                "give probabilities of being right; for LLMs that it doesn't know a column of NaN, named in `missing`",
            )


def silent_scores(labels: NDArray[np.bool_], held_out: NDArray[np.bool_] | None = None) -> RouterScores:
    """What a policy gets that does without a router, for questions with labels [Q, N], and of validation [V, N]."""
    there = None if held_out is None else np.zeros(held_out.shape, np.float32)
    return RouterScores(NO_ROUTER, np.zeros(labels.shape, np.float32), validation=there)


def as_probabilities(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """The values as float32, rounding errors beyond 0 and 1 cut off."""
    return np.asarray(np.clip(values, 0.0, 1.0), np.float32)
