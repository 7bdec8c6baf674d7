"""`stack`: the other routers' probabilities with weights found on validation, and the prior to fall back on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from selectllm_engine.evaluation import as_probabilities
from selectllm_engine.routers.base import check_labels
from selectllm_engine.routers.families import make_router, suite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.routers.base import Labelled, Router
    from selectllm_engine.routers.features import Floats

__all__ = ["Member", "Stack"]

_FOLDS = 5
_TRUST = (1.0, 0.75, 0.5, 0.25, 0.0)
_LEAST = 0.01  # routers of smaller weight are left out


class Stack:
    """p = t · Σ w·p(router) + (1 − t) · rate.

    The weights w are not negative, sum to 1, and have the smallest log loss on validation: the linear opinion pool,
    whose few weights can't follow the noise of a few hundred questions. The trust t is the largest of 1, ¾, ½, ¼ and 0
    whose argmax, with weights found on the other four fifths of validation, is not right less often than the best
    single LLM by more than a standard error. So nothing but the rates remains where the routers would choose worse.
    Without validation the weights are equal and t is 1.

    Args:
        routers: the routers to combine, fitted on the same training questions; without them, every router on TF-IDF
            is made and fitted.

    Attributes:
        rates_: float32 [N], the LLMs' accuracies on the training questions.
        weights_: a weight per router, by name.
        trust_: t.
    """

    rates_: NDArray[np.float32]
    weights_: dict[str, float]
    trust_: float

    def __init__(self, routers: Mapping[str, Router | Member] | None = None, *, seed: int = 0) -> None:
        self.routers = routers
        self.seed = seed

    def fit(self, questions: Sequence[str], labels: NDArray[np.bool_], *, validation: Labelled | None = None) -> Self:
        """Learn the weights on validation; the training questions [T] give the rates."""
        check_labels(questions, labels)
        if self.routers is None:
            self.routers = {
                name: make_router(name, seed=self.seed).fit(questions, labels, validation=validation)
                for name in suite(combining=False)
            }
        self.rates_ = labels.mean(axis=0, dtype=np.float32)
        names = list(self.routers)
        self.weights_ = dict.fromkeys(names, 1 / len(names))
        self.trust_ = 1.0
        if validation is not None and len(validation[0]):
            check_labels(*validation)
            predicted = np.stack([self.routers[name].predict_proba(validation[0]) for name in names])
            self.trust_ = _trust(predicted, self.rates_, validation[1], self.seed)
            found = dict(zip(names, _weights(predicted, validation[1]).tolist(), strict=True))
            kept = {name: weight for name, weight in found.items() if weight >= _LEAST}
            self.weights_ = {name: weight / sum(kept.values()) for name, weight in kept.items()}
        return self

    def predict_proba(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The probability that each LLM is right, [Q, N]."""
        assert self.routers is not None  # noqa: S101 - fitted or loaded
        mixed = np.zeros((len(questions), len(self.rates_)))
        for name, weight in self.weights_.items():
            if self.trust_ > 0:
                mixed += weight * self.routers[name].predict_proba(questions)
        return as_probabilities(self.trust_ * mixed + (1 - self.trust_) * self.rates_)


class Member:
    """A trained router that a stack combines: its recorded predictions, and the router itself once a new text comes.

    Args:
        load: reads the trained router; called once, when a text comes that is not recorded.
        recorded: float32 [N] by text.
        train_held_out: those of the training questions come from the other training questions alone.
    """

    def __init__(
        self,
        load: Callable[[], Router],
        recorded: Mapping[str, NDArray[np.float32]] | None = None,
        *,
        train_held_out: bool = False,
    ) -> None:
        self.load = load
        self.train_held_out = train_held_out
        self.recorded = recorded or {}

    def predict_proba(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The router's probabilities [Q, N]."""
        if questions and all(text in self.recorded for text in questions):
            return np.stack([self.recorded[text] for text in questions])
        return self._router.predict_proba(questions)

    @cached_property
    def _router(self) -> Router:
        return self.load()


def _weights(predicted: Floats, labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights [R] of the mixture of predictions [R, V, N] with the largest likelihood, by expectation-maximisation.

    The log-likelihood is concave in the weights, so the fixed point is the optimum.
    """
    likelihood = np.where(labels, predicted, 1.0 - predicted).reshape(len(predicted), -1).astype(np.float64)
    likelihood = np.maximum(likelihood, 1e-3)
    weights = np.full(len(predicted), 1.0 / len(predicted))
    for _ in range(500):
        updated = weights * (likelihood / (weights @ likelihood)).mean(axis=1)
        if np.abs(updated - weights).max() < 1e-6:
            break
        weights = updated
    return weights


def _trust(predicted: Floats, rates: NDArray[np.float32], labels: NDArray[np.bool_], seed: int) -> float:
    """The largest share of the routers' mixture, beside the rates, that does not choose worse than the best LLM."""
    folds = np.random.default_rng(seed).permutation(len(labels)) % _FOLDS
    mixed = np.tile(rates, (len(labels), 1)).astype(np.float64)
    for fold in range(_FOLDS):
        held_out = folds == fold
        if held_out.any() and not held_out.all():
            weights = _weights(predicted[:, ~held_out], labels[~held_out])
            mixed[held_out] = np.einsum("r,rvn->vn", weights, predicted[:, held_out])
    best = labels[:, labels.mean(axis=0).argmax()].astype(float)
    for trust in _TRUST:
        choice = (trust * mixed + (1 - trust) * rates).argmax(axis=1)
        gain = labels[np.arange(len(choice)), choice] - best
        if gain.mean() >= -gain.std() / np.sqrt(len(gain)):
            return trust
    return _TRUST[-1]
