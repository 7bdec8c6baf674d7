"""The forest behind the policies `prediction` and `sorted-prediction`: every LLM's correctness from all confidences.

One random forest per router, fitted on validation over all LLMs of a run, so that toggling the pool only drops
outputs (the corrected form of the study's Prediction policy, which regresses one scalar).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from selectllm_engine.evaluation import as_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ConfidenceForest", "mean_over_trees"]


class ConfidenceForest:
    """A random forest from a router's probabilities [Q, N] to probabilities [Q, N].

    A regression forest on labels of 0 and 1 splits as Gini does and averages to probabilities, for all LLMs in one
    tree and without special cases for an LLM that is always right.

    Attributes:
        forest_: the fitted forest.
        out_of_bag_: float32 [V, N], for every validation question the mean of the trees that didn't see it: what
            tuning on validation must use.
    """

    forest_: Any
    out_of_bag_: NDArray[np.float32]

    def __init__(self, *, trees: int = 200, seed: int = 0) -> None:
        self.trees = trees
        self.seed = seed

    def fit(self, predicted: NDArray[np.float32], labels: NDArray[np.bool_]) -> Self:
        """Learn from a router's probabilities [V, N] for the validation questions and their labels [V, N]."""
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(
            self.trees, min_samples_leaf=5, max_features="sqrt", random_state=self.seed, n_jobs=-1
        )
        targets = labels.astype(np.float32)
        self.forest_ = forest.fit(predicted, targets[:, 0] if targets.shape[1] == 1 else targets)
        self.forest_.n_jobs = 1  # a single question is answered faster without threads
        self.out_of_bag_ = self._out_of_bag(predicted, targets)
        return self

    def predict_proba(self, predicted: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities [Q, N] from a router's probabilities [Q, N]."""
        if not len(predicted):
            return predicted.astype(np.float32)
        return as_probabilities(mean_over_trees(self.forest_, predicted).reshape(predicted.shape))

    def _out_of_bag(self, predicted: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the forest's own out-of-bag score, which leaves zeros where every tree saw a question; here the rate."""
        total = np.zeros(targets.shape)
        trees = np.zeros((len(targets), 1))
        for tree, seen in zip(self.forest_.estimators_, self.forest_.estimators_samples_, strict=True):
            unseen = np.ones(len(targets), bool)
            unseen[seen] = False
            if unseen.any():
                total[unseen] += tree.predict(predicted[unseen]).reshape(-1, targets.shape[1])
                trees[unseen] += 1
        return as_probabilities(np.where(trees > 0, total / np.maximum(trees, 1), targets.mean(axis=0)))


def mean_over_trees(forest: Any, rows: Any) -> NDArray[np.float64]:
    """What a fitted regression forest predicts for rows [Q, D], as its own `predict` does, [Q] or [Q, N].

    Scikit-learn's goes through a machinery for threads and processes, which is slow for one row, and changes filters of
    warnings under other threads that do the same.
    """
    if not hasattr(rows, "tocsr"):
        rows = np.ascontiguousarray(rows, np.float32)
    total = np.zeros((rows.shape[0], forest.n_outputs_))
    for each in forest.estimators_:
        total += each.tree_.predict(rows).reshape(total.shape)
    total /= len(forest.estimators_)
    return total[:, 0] if forest.n_outputs_ == 1 else total
