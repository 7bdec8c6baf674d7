"""`logistic`: one logistic regression per LLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.routers.base import FeatureRouter, choose
from selectllm_engine.routers.features import dense

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Floats, Matrix

__all__ = ["Logistic"]

_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Logistic(FeatureRouter):
    """Logistic regression with an L2 penalty, of one strength C for all LLMs, tuned on validation.

    The smaller C, the nearer the predictions are to the LLMs' rates: the intercept is not penalised.

    Attributes:
        coef_: float32 [D, N].
        intercept_: float32 [N].
        c_: the inverse strength of the penalty.
    """

    coef_: NDArray[np.float32]
    intercept_: NDArray[np.float32]
    c_: float

    def _fit(
        self, vectors: Matrix, labels: NDArray[np.bool_], validation: tuple[Matrix, NDArray[np.bool_]] | None
    ) -> None:
        strengths = (1.0,) if validation is None else _STRENGTHS
        fitted = dict(zip(strengths, self._path(vectors, labels, strengths), strict=True))
        self.c_ = 1.0
        if validation is not None:
            self.c_ = choose(fitted, lambda c: sigmoid(validation[0] @ fitted[c][0] + fitted[c][1]), validation[1])
        self.coef_, self.intercept_ = fitted[self.c_]

    def _predict(self, vectors: Matrix) -> Floats:
        return sigmoid(dense(vectors @ self.coef_) + self.intercept_)

    def _refit(self, vectors: Matrix, labels: NDArray[np.bool_]) -> None:
        self.coef_, self.intercept_ = self._path(vectors, labels, (self.c_,))[0]

    def _path(
        self, vectors: Matrix, labels: NDArray[np.bool_], strengths: tuple[float, ...]
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Coefficients and intercepts for ascending strengths, each starting from the one before."""
        from sklearn.linear_model import LogisticRegression

        coefficients = np.zeros((len(strengths), vectors.shape[1], labels.shape[1]), np.float32)
        intercepts = np.tile(log_odds(labels), (len(strengths), 1))
        for llm in range(labels.shape[1]):
            if labels[:, llm].all() or not labels[:, llm].any():
                continue  # always right or always wrong: there is nothing to separate
            model = LogisticRegression(max_iter=300, tol=1e-3, warm_start=True)
            for i, strength in enumerate(strengths):
                model.set_params(C=strength).fit(vectors, labels[:, llm])
                coefficients[i, :, llm], intercepts[i, llm] = model.coef_[0], model.intercept_[0]
        return list(zip(coefficients, intercepts, strict=True))


def sigmoid(values: Floats) -> NDArray[np.float32]:
    """1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)), np.float32)


def log_odds(labels: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The logit of each LLM's rate [N], with half a right and half a wrong question added to keep it finite."""
    right = labels.sum(axis=0) + 0.5
    return np.asarray(np.log(right / (labels.shape[0] + 1.0 - right)), np.float32)
