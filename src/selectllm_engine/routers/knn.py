"""`knn`: the LLMs that were right on the most similar training questions."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.routers.base import FeatureRouter, choose
from selectllm_engine.routers.features import dense

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Floats, Matrix

__all__ = ["NearestNeighbours"]

_NEIGHBOURS = (5, 10, 20, 40, 80, 160)
_SHRINKAGE = (1.0, 3.0, 10.0, 30.0)
_CELLS = 20_000_000  # similarities in memory at a time, 80 MB


class NearestNeighbours(FeatureRouter):
    """The mean label of the k nearest training questions, weighted by cosine similarity, drawn toward the LLM's rate.

    p = (Σ s·label + m·rate) / (Σ s + m) over the k neighbours with similarities s. The shrinkage m acts like m
    identical questions of average outcome: far neighbours change little. k and m are tuned on validation.

    Attributes:
        vectors_: float32 [T, D], the training questions.
        labels_: bool [T, N].
        k_: neighbours.
        shrinkage_: m.
    """

    vectors_: Matrix
    labels_: NDArray[np.bool_]
    k_: int
    shrinkage_: float

    def _fit(
        self, vectors: Matrix, labels: NDArray[np.bool_], validation: tuple[Matrix, NDArray[np.bool_]] | None
    ) -> None:
        self.vectors_, self.labels_ = vectors, labels.copy()
        self.k_, self.shrinkage_ = 40, 3.0
        if validation is not None:
            near = self._neighbours(validation[0], max(_NEIGHBOURS))
            self.k_, self.shrinkage_ = choose(
                product(_NEIGHBOURS, _SHRINKAGE), lambda setting: self._vote(*near, *setting), validation[1]
            )

    def _predict(self, vectors: Matrix) -> Floats:
        size = max(1, _CELLS // len(self.labels_))
        blocks = [vectors[start : start + size] for start in range(0, vectors.shape[0], size)]
        return np.concatenate(
            [self._vote(*self._neighbours(block, self.k_), self.k_, self.shrinkage_) for block in blocks]
        )

    def _held_out(self, vectors: Matrix, labels: NDArray[np.bool_]) -> Floats:
        others = max(len(labels) - 1, 1)
        size = max(1, _CELLS // len(self.labels_))
        predicted = []
        for start in range(0, len(labels), size):
            positions, similarity = self._neighbours(vectors[start : start + size], self.k_ + 1)
            rows = np.arange(start, start + len(positions))
            own = positions == rows[:, None]
            own[~own.any(axis=1), -1] = True  # beside equals it may not be among the nearest: then the last goes
            kept = (len(positions), -1)
            near = positions[~own].reshape(kept), similarity[~own].reshape(kept)
            rates = (self.rates_ * len(labels) - labels[rows]) / others
            predicted.append(self._vote(*near, self.k_, self.shrinkage_, rates))
        return np.concatenate(predicted)

    def _neighbours(self, vectors: Matrix, count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Positions and similarities of the nearest training questions, [Q, count], the most similar first."""
        count = min(count, len(self.labels_))
        similarity = np.maximum(dense(vectors @ self.vectors_.T), 0.0)
        nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(similarity, nearest, 1), axis=1, kind="stable")
        nearest = np.take_along_axis(nearest, order, 1)
        return nearest, np.take_along_axis(similarity, nearest, 1)

    def _vote(
        self,
        positions: NDArray[np.intp],
        similarity: NDArray[np.float32],
        k: int,
        shrinkage: float,
        rates: Floats | None = None,
    ) -> Floats:
        rates = self.rates_ if rates is None else rates
        weights = similarity[:, :k]
        right = np.einsum("qk,qkn->qn", weights, self.labels_[positions[:, :k]].astype(np.float32))
        return np.asarray((right + shrinkage * rates) / (weights.sum(axis=1, keepdims=True) + shrinkage))
