"""`mf`: matrix factorisation. A question and an LLM are vectors of few dimensions; their product says who is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.routers.base import FeatureRouter, choose
from selectllm_engine.routers.features import dense
from selectllm_engine.routers.logistic import log_odds, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Features, Floats, Matrix

__all__ = ["MatrixFactorisation"]

_PENALTIES = (30.0, 10.0, 3.0, 1.0, 0.3)


class MatrixFactorisation(FeatureRouter):
    """p = sigmoid(x·W·V + b): questions x [D] are projected by W [D, r] to meet the LLMs' vectors V [r, N].

    All LLMs share the projection, so that what is hard for one informs the others. The squared length of W and V is
    penalised, which bounds the sum of the singular values of W·V (Srebro, Rennie, Jaakkola 2004, Maximum-Margin
    Matrix Factorization); the penalty is tuned on validation. Fitted by L-BFGS, from W = 0 and a seeded V.

    Attributes:
        projection_: float32 [D, r].
        llms_: float32 [r, N].
        intercept_: float32 [N].
        penalty_: of the squared lengths.
    """

    projection_: NDArray[np.float32]
    llms_: NDArray[np.float32]
    intercept_: NDArray[np.float32]
    penalty_: float

    def __init__(self, features: Features, *, rank: int = 8, seed: int = 0) -> None:
        super().__init__(features, seed=seed)
        self.rank = rank

    def _fit(
        self, vectors: Matrix, labels: NDArray[np.bool_], validation: tuple[Matrix, NDArray[np.bool_]] | None
    ) -> None:
        penalties = (3.0,) if validation is None else _PENALTIES
        fitted = {penalty: self._factorise(vectors, labels, penalty) for penalty in penalties}
        self.penalty_ = penalties[0]
        if validation is not None:
            self.penalty_ = choose(penalties, lambda penalty: _product(validation[0], *fitted[penalty]), validation[1])
        self.projection_, self.llms_, self.intercept_ = fitted[self.penalty_]

    def _predict(self, vectors: Matrix) -> Floats:
        return _product(vectors, self.projection_, self.llms_, self.intercept_)

    def _refit(self, vectors: Matrix, labels: NDArray[np.bool_]) -> None:
        self.projection_, self.llms_, self.intercept_ = self._factorise(vectors, labels, self.penalty_)

    def _factorise(
        self, vectors: Matrix, labels: NDArray[np.bool_], penalty: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        from scipy.optimize import minimize

        columns, llms, rank = vectors.shape[1], labels.shape[1], self.rank
        ends = columns * rank, columns * rank + rank * llms

        def parts(flat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
            first, second, third = np.split(flat, ends)
            return first.reshape(columns, rank), second.reshape(rank, llms), third

        def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            """Penalised negative log-likelihood and its gradient."""
            projection, llm, intercept = parts(flat)
            placed = np.asarray(vectors @ projection)
            scores = placed @ llm + intercept
            residual = sigmoid(scores) - labels
            lengths = (projection**2).sum() + (llm**2).sum()
            value = np.logaddexp(0.0, np.where(labels, -scores, scores)).sum() + 0.5 * penalty * lengths
            gradient = (
                np.asarray(vectors.T @ (residual @ llm.T)) + penalty * projection,
                placed.T @ residual + penalty * llm,
                residual.sum(axis=0) + 1e-3 * np.sign(intercept),  # keeps an LLM that is always right finite
            )
            return float(value + 1e-3 * np.abs(intercept).sum()), np.concatenate([each.ravel() for each in gradient])

        start = np.concatenate(
            [
                np.zeros(columns * rank),
                np.random.default_rng(self.seed).normal(size=rank * llms),
                log_odds(labels),
            ]
        )
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
        projection, llm, intercept = (each.astype(np.float32) for each in parts(found.x))
        return projection, llm, intercept


def _product(
    vectors: Matrix, projection: NDArray[np.float32], llms: NDArray[np.float32], intercept: NDArray[np.float32]
) -> NDArray[np.float32]:
    return sigmoid(dense(vectors @ projection) @ llms + intercept)
