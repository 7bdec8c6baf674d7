"""`forest`: a random forest over the question's features, one for all LLMs (the study's smaller routers)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selectllm_engine.routers.base import FeatureRouter, choose
from selectllm_engine.store import mean_over_trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Features, Floats, Matrix

__all__ = ["Forest"]

_LEAVES = (2, 5, 20)


class Forest(FeatureRouter):
    """A regression forest on labels of 0 and 1: it splits as Gini does, and its leaves' means are probabilities.

    The smallest leaf is tuned on validation: large leaves draw the predictions toward the LLMs' rates.

    Attributes:
        forest_: the fitted forest.
        leaf_: the smallest number of training questions in a leaf.
    """

    forest_: object
    leaf_: int

    def __init__(self, features: Features, *, trees: int = 100, seed: int = 0) -> None:
        super().__init__(features, seed=seed)
        self.trees = trees

    def _fit(
        self, vectors: Matrix, labels: NDArray[np.bool_], validation: tuple[Matrix, NDArray[np.bool_]] | None
    ) -> None:
        leaves = (5,) if validation is None else _LEAVES
        fitted = {leaf: self._grow(vectors, labels, leaf) for leaf in leaves}
        self.leaf_ = leaves[0]
        if validation is not None:
            self.leaf_ = choose(leaves, lambda leaf: _leaf_means(fitted[leaf], validation[0]), validation[1])
        self.forest_ = fitted[self.leaf_]

    def _predict(self, vectors: Matrix) -> Floats:
        return _leaf_means(self.forest_, vectors)

    def _refit(self, vectors: Matrix, labels: NDArray[np.bool_]) -> None:
        self.forest_ = self._grow(vectors, labels, self.leaf_)

    def _grow(self, vectors: Matrix, labels: NDArray[np.bool_], leaf: int) -> object:
        from sklearn.ensemble import RandomForestRegressor

        targets = labels.astype(np.float32)
        forest = RandomForestRegressor(
            self.trees, min_samples_leaf=leaf, max_features="sqrt", random_state=self.seed, n_jobs=-1
        ).fit(vectors, targets[:, 0] if targets.shape[1] == 1 else targets)
        forest.n_jobs = 1  # one question is answered faster without threads
        return forest


def _leaf_means(forest: Any, vectors: Matrix) -> NDArray[np.float64]:
    return mean_over_trees(forest, vectors).reshape(vectors.shape[0], -1)
