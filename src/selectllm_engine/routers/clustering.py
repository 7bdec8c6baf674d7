"""`clustering`: the LLMs' accuracies in the question's cluster (the study's k-means with k = 50)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.routers.base import FeatureRouter, choose
from selectllm_engine.routers.features import dense

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Features, Floats, Matrix

__all__ = ["Clustering"]

_SHRINKAGE = (3.0, 10.0, 30.0, 100.0, 300.0)


class Clustering(FeatureRouter):
    """k-means on the training questions; per cluster, the LLMs' accuracies drawn toward their rates.

    p = (right in the cluster + m·rate) / (questions in the cluster + m). The shrinkage m is tuned on validation.

    Attributes:
        centers_: float32 [k, D].
        right_: float32 [k, N], how often each LLM was right on the cluster's training questions.
        sizes_: float32 [k], training questions per cluster.
        shrinkage_: m.
    """

    centers_: NDArray[np.float32]
    right_: NDArray[np.float32]
    sizes_: NDArray[np.float32]
    shrinkage_: float

    def __init__(self, features: Features, *, clusters: int = 50, seed: int = 0) -> None:
        super().__init__(features, seed=seed)
        self.clusters = clusters

    def _fit(
        self, vectors: Matrix, labels: NDArray[np.bool_], validation: tuple[Matrix, NDArray[np.bool_]] | None
    ) -> None:
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        clusters = min(self.clusters, vectors.shape[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct questions than clusters
            model = KMeans(clusters, n_init=3, random_state=self.seed).fit(vectors)
        member = np.eye(clusters, dtype=np.float32)[model.labels_]
        self.centers_ = model.cluster_centers_.astype(np.float32)
        self.right_ = member.T @ labels.astype(np.float32)
        self.sizes_ = member.sum(axis=0)
        self.shrinkage_ = 10.0
        if validation is not None:
            nearest = self._nearest(validation[0])
            self.shrinkage_ = choose(_SHRINKAGE, lambda m: self._rates(m)[nearest], validation[1])

    def _predict(self, vectors: Matrix) -> Floats:
        return self._rates(self.shrinkage_)[self._nearest(vectors)]

    def _held_out(self, vectors: Matrix, labels: NDArray[np.bool_]) -> Floats:
        # The clusters know no labels, so they may stay; the question's own label leaves its cluster's count.
        nearest, others = self._nearest(vectors), max(len(labels) - 1, 1)
        rates = (self.rates_ * len(labels) - labels) / others
        right, size = self.right_[nearest] - labels, self.sizes_[nearest][:, None] - 1
        return np.asarray((right + self.shrinkage_ * rates) / (size + self.shrinkage_))

    def _nearest(self, vectors: Matrix) -> NDArray[np.intp]:
        """The nearest center by Euclidean distance, [Q]: the vector's own length doesn't matter."""
        closeness = dense(vectors @ self.centers_.T) - 0.5 * (self.centers_**2).sum(axis=1)
        return np.asarray(closeness.argmax(axis=1))

    def _rates(self, shrinkage: float) -> NDArray[np.float32]:
        return np.asarray((self.right_ + shrinkage * self.rates_) / (self.sizes_[:, None] + shrinkage))
