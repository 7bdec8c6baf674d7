"""`ridge`: linear regression of the labels, one penalty per principal component, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation import as_probabilities
from selectllm_engine.routers.base import FeatureRouter, check_labels
from selectllm_engine.routers.features import dense
from selectllm_engine.routers.surface import SURFACE, surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Floats, Matrix

__all__ = ["Block", "Ridge", "RidgeFit", "block_of", "fit_components"]

_PENALTIES = 10.0 ** np.arange(-1, 4.01, 0.25)
_COLUMNS = 100  # that TF-IDF is reduced to
_SURFACE_LENGTH = 0.3  # of the surface counts beside features of mean square length 1


class RidgeFit(NamedTuple):
    """What `fit_components` found.

    Attributes:
        coef: float64 [D, N], of centred features; predictions are the rates plus features · coef.
        held_out: float64 [T, N], predictions for each training question from all others.
        components: float64 [N, k], the directions in which LLMs differ, orthonormal.
        penalties: float64 [k], of each of them; infinite where nothing is predicted.
    """

    coef: NDArray[np.float64]
    held_out: NDArray[np.float64]
    components: NDArray[np.float64]
    penalties: NDArray[np.float64]


def fit_components(features: NDArray[np.float64], labels: NDArray[np.bool_] | NDArray[np.float64]) -> RidgeFit:
    """Ridge regression of the labels, or of numbers, on centred features [T, D], with exact leave-one-out.

    The labels less their means are turned into principal components: the first is how hard a question is, the others
    who is better. Each has the penalty of its own smallest leave-one-out error, e_i / (1 − h_i) with the leverage h_i
    (Allen 1974, PRESS); one that no penalty makes better than its mean is left out.
    """
    questions = len(labels)
    rates = labels.mean(axis=0)
    residual = labels - rates
    components = np.linalg.svd(residual, full_matrices=False)[2].T
    targets = residual @ components
    left, sizes, right = np.linalg.svd(features, full_matrices=False)
    kept = sizes > 1e-6 * sizes.max(initial=0.0)
    left, sizes, right = left[:, kept], sizes[kept], right[kept]
    shadow = left.T @ targets
    others = max(questions - 1, 1)
    held_out = -targets / others  # the mean of the others, where the mean of all is 0
    best = ((targets - held_out) ** 2).mean(axis=0)
    coef, penalties = np.zeros((len(sizes), targets.shape[1])), np.full(targets.shape[1], np.inf)
    for penalty in _PENALTIES:
        shrunk = sizes**2 / (sizes**2 + penalty)
        leverage = np.minimum(left**2 @ shrunk + 1 / questions, 0.999)
        errors = (targets - left @ (shrunk[:, None] * shadow)) / (1 - leverage)[:, None]
        mean = (errors**2).mean(axis=0)
        better = mean < best
        best[better], penalties[better] = mean[better], penalty
        coef[:, better] = ((shrunk / sizes)[:, None] * shadow)[:, better]
        held_out[:, better] = (targets - errors)[:, better]
    return RidgeFit(right.T @ coef @ components.T, rates + held_out @ components.T, components, penalties)


class Block(NamedTuple):
    """What stands beside each other as features: reduced ones and surface counts.

    Attributes:
        basis: float32 [r, D], the singular vectors.
        centre, scale: float64 [r + 12].
        beside: float64 [T, r + 12], of the training questions, neither centred nor scaled yet.
    """

    basis: NDArray[np.float32]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    beside: NDArray[np.float64]


def block_of(vectors: Matrix, counts: NDArray[np.float64], seed: int) -> Block:
    """How features [T, D] and surface counts [T, 12] of the training questions become those of `Ridge`."""
    basis = _basis(vectors, seed)
    beside = _beside(vectors, counts, np.ascontiguousarray(basis.T))
    spread = beside.std(axis=0)
    # Counts are of different sizes, so each has its own scale; columns of features share one.
    own = np.where(spread[-SURFACE:] > 1e-6, spread[-SURFACE:], np.inf) * np.sqrt(SURFACE) / _SURFACE_LENGTH
    length = np.sqrt((spread[:-SURFACE] ** 2).sum())
    scale = np.concatenate([np.full(len(basis), length if length > 1e-6 else np.inf), own])
    return Block(basis, beside.mean(axis=0), scale, beside)


class Ridge(FeatureRouter):
    """p = rate + x·W on features and surface counts; nothing is tuned on validation.

    Features are TF-IDF, reduced to 100 columns by its largest singular vectors, or an encoder's, only rotated; beside
    them stand twelve counts (`surface`). Each block is centred and scaled to one length.

    Attributes:
        basis_: float32 [r, D], the singular vectors.
        centre_, scale_: float64 [r + 12], of what is beside each other.
        coef_: float32 [r + 12, N].
        leave_one_out_: float32 [T, N], the training questions' probabilities, each learned from all others.
    """

    basis_: NDArray[np.float32]
    centre_: NDArray[np.float64]
    scale_: NDArray[np.float64]
    coef_: NDArray[np.float32]
    leave_one_out_: NDArray[np.float32]

    def _vectors(self, questions: Sequence[str]) -> Matrix:
        return self.features.transform(questions), surface(questions)

    def _fit(
        self,
        vectors: Matrix,
        labels: NDArray[np.bool_],
        validation: tuple[Matrix, NDArray[np.bool_]] | None,  # noqa: ARG002
    ) -> None:
        block = block_of(vectors[0], vectors[1], self.seed)
        vars(self).pop("_columns", None)
        self.basis_, self.centre_, self.scale_ = block.basis, block.centre, block.scale
        found = fit_components((block.beside - block.centre) / block.scale, labels)
        self.coef_ = found.coef.astype(np.float32)
        self.leave_one_out_ = as_probabilities(found.held_out)

    def _predict(self, vectors: Matrix) -> Floats:
        return self.rates_ + ((self._beside(vectors) - self.centre_) / self.scale_) @ self.coef_

    def held_out(self, questions: Sequence[str], labels: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The training questions' probabilities, [T, N], each learned from all others: known since `fit`."""
        check_labels(questions, labels)
        return self.leave_one_out_

    def _beside(self, vectors: Matrix) -> NDArray[np.float64]:
        if not hasattr(self, "_columns"):  # else each product copies them: for one question that is most of its time
            self._columns = np.ascontiguousarray(self.basis_.T)
        return _beside(vectors[0], vectors[1], self._columns)


def _beside(vectors: Matrix, counts: NDArray[np.float64], columns: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.hstack([np.asarray(dense(vectors @ columns), np.float64), counts])


def _basis(vectors: Matrix, seed: int) -> NDArray[np.float32]:
    """The right singular vectors of the training questions, [r, D]."""
    if not hasattr(vectors, "toarray"):
        return np.asarray(np.linalg.svd(vectors, full_matrices=False)[2], np.float32)
    from sklearn.utils.extmath import randomized_svd

    rank = min(_COLUMNS, *vectors.shape)
    return np.asarray(randomized_svd(vectors, rank, n_iter=4, random_state=seed)[2], np.float32)
