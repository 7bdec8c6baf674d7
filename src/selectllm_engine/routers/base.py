"""What every router can do, and what those on features share: vectors, checks of labels, the choice of settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import as_probabilities
from selectllm_engine.routers.features import joined, lengths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Features, Floats, Matrix

    Labelled = tuple[Sequence[str], NDArray[np.bool_]]

__all__ = ["FeatureRouter", "Router", "check_labels", "choose", "log_loss"]

T = TypeVar("T")

_FOLDS = 5


class Router(Protocol):
    """What every router can do."""

    def fit(self, questions: Sequence[str], labels: NDArray[np.bool_], *, validation: Labelled | None = None) -> Self:
        """Learn from T questions and labels [T, N]; `validation` chooses settings, without it defaults hold."""

    def predict_proba(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The probability that each LLM is right, [Q, N]."""


class FeatureRouter(ABC):
    """A router that sees a question as one vector. Subclasses say how to learn from and predict for a matrix.

    Beside its features, every question has its length in tokens, numbers and sentences: what makes a question hard
    is hardly in its words, and embeddings forget it.

    Attributes:
        rates_: float32 [N], how often each LLM is right on the training questions.
        mean_, spread_: float64 [3], of the training questions' lengths.
    """

    rates_: NDArray[np.float32]
    mean_: NDArray[np.float64]
    spread_: NDArray[np.float64]

    def __init__(self, features: Features, *, seed: int = 0) -> None:
        self.features = features
        self.seed = seed

    def fit(self, questions: Sequence[str], labels: NDArray[np.bool_], *, validation: Labelled | None = None) -> Self:
        """Learn from T questions and labels [T, N]; `validation` chooses settings, without it defaults hold.

        Raises:
            UsageError: there is no question or no LLM, or the shapes differ.
        """
        from threadpoolctl import threadpool_limits

        check_labels(questions, labels)
        self.rates_ = labels.mean(axis=0, dtype=np.float32)
        found = lengths(questions)
        self.mean_, self.spread_ = found.mean(axis=0), found.std(axis=0) + 1e-6
        self.features.fit(questions)
        held_out = None
        if validation is not None and len(validation[0]):
            check_labels(*validation)
            held_out = (self._vectors(validation[0]), validation[1])
        with threadpool_limits(limits=1):  # its steps are too short for the threads of BLAS, and sums of threads vary
            self._fit(self._vectors(questions), labels, held_out)
        return self

    def predict_proba(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The probability that each LLM is right, [Q, N]."""
        if not len(questions):
            return np.zeros((0, len(self.rates_)), np.float32)
        return as_probabilities(self._predict(self._vectors(questions)))

    def held_out(self, questions: Sequence[str], labels: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities [T, N] for the training questions from what the other training questions teach.

        Votes, cascades and margins learn from these: of a question that a router has learned from it knows too much.
        Exact or out of bag where that costs nothing, else from five fits, each on four fifths of the questions, with
        the settings found. `questions` and `labels` are those of `fit`.
        """
        from threadpoolctl import threadpool_limits

        check_labels(questions, labels)
        with threadpool_limits(limits=1):
            return as_probabilities(self._held_out(self._vectors(questions), labels))

    def _vectors(self, questions: Sequence[str]) -> Matrix:
        return joined(self.features.transform(questions), (lengths(questions) - self.mean_) / self.spread_)

    @abstractmethod
    def _fit(
        self, vectors: Matrix, labels: NDArray[np.bool_], validation: tuple[Matrix, NDArray[np.bool_]] | None
    ) -> None:
        """Learn from vectors [T, D]."""

    def _held_out(self, vectors: Matrix, labels: NDArray[np.bool_]) -> Floats:
        fold = np.random.default_rng(self.seed).permutation(len(labels)) % _FOLDS
        predicted = np.tile(self.rates_, (len(labels), 1))
        for each in range(_FOLDS):
            own = fold == each
            if own.any() and not own.all():
                other = copy(self)
                other.rates_ = labels[~own].mean(axis=0, dtype=np.float32)
                other._refit(_some(vectors, ~own), labels[~own])
                predicted[own] = other._predict(_some(vectors, own))
        return predicted

    def _refit(self, vectors: Matrix, labels: NDArray[np.bool_]) -> None:
        """Learn from vectors [T, D] with the settings found before; what finds none just learns again."""
        self._fit(vectors, labels, None)

    @abstractmethod
    def _predict(self, vectors: Matrix) -> Floats:
        """Probabilities [Q, N] for vectors [Q, D]."""


def _some(vectors: Matrix, chosen: NDArray[np.bool_]) -> Matrix:
    """Some of the questions; those of a classifier that reads texts are a list."""
    return [vectors[row] for row in np.flatnonzero(chosen)] if isinstance(vectors, list) else vectors[chosen]


def check_labels(questions: Sequence[str], labels: NDArray[np.bool_]) -> None:
    """Raise UsageError unless there is one row of labels per question, and at least one question and LLM."""
    if labels.ndim != 2 or labels.shape[0] != len(questions) or labels.dtype != np.bool_:
        raise UsageError(
            f"labels of {labels.dtype} {list(labels.shape)} do not fit {len(questions)} questions",
            "labels are bool, one row per question and one column per LLM",
        )
    if not labels.size:
        raise UsageError("there is nothing to learn from", "a router needs at least one question and one LLM")


def log_loss(predicted: Floats, labels: NDArray[np.bool_]) -> float:
    """Mean negative log-likelihood in nats; a probability counts as at least 0.001 away from 0 and 1."""
    p = np.clip(predicted, 1e-3, 1 - 1e-3).astype(np.float64)
    return float(-np.mean(np.where(labels, np.log(p), np.log1p(-p))))


def choose(
    candidates: Iterable[T],
    predict: Callable[[T], Floats],
    labels: NDArray[np.bool_],
) -> T:
    """The candidate whose predictions for the validation questions have the smallest log loss; ties: the first."""
    return min(candidates, key=lambda candidate: log_loss(predict(candidate), labels))
