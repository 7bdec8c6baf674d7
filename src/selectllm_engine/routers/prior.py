"""`prior`: how often each LLM is right, whatever the question. The floor that every router must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from selectllm_engine.routers.base import check_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.routers.base import Labelled

__all__ = ["Prior"]


class Prior:
    """The LLMs' accuracies on the training questions.

    Attributes:
        rates_: float32 [N].
    """

    rates_: NDArray[np.float32]

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(
        self,
        questions: Sequence[str],
        labels: NDArray[np.bool_],
        *,
        validation: Labelled | None = None,  # noqa: ARG002
    ) -> Self:
        """Learn from labels [T, N]; nothing is tuned."""
        check_labels(questions, labels)
        self.rates_ = labels.mean(axis=0, dtype=np.float32)
        return self

    def held_out(self, questions: Sequence[str], labels: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The accuracies on all other training questions, [T, N]."""
        check_labels(questions, labels)
        return np.asarray((labels.sum(axis=0) - labels) / max(len(labels) - 1, 1), np.float32)

    def predict_proba(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The same row for every question, [Q, N]."""
        return np.tile(self.rates_, (len(questions), 1))
