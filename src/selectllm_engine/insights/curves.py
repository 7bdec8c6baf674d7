"""Does more training data help: a router trained on growing parts of the train split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation import PolicySpec, RouterScores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import PoolView

__all__ = ["FRACTIONS", "CurvePoint", "learning_curve"]

FRACTIONS = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A router trained on part of the train split.

    Attributes:
        fraction, questions: how much of the train split, and how many questions that is.
        accuracy: of argmax on the evaluated split.
        upper_bound: of the router.
    """

    fraction: float
    questions: int
    accuracy: float
    upper_bound: float


def learning_curve(
    view: PoolView,
    name: str,
    fit: Callable[[NDArray[np.intp]], NDArray[np.float32]],
    train_questions: int,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> tuple[CurvePoint, ...]:
    """Does more training data help: train on growing parts of the train split, each within the next.

    Args:
        view: the pool over the evaluated split.
        name: the router's.
        fit: trains on these rows of the train split and returns probabilities float32 [Q, N] for the evaluated one.
        train_questions: how many rows there are.
        fractions: the parts.
        seed: of the order in which questions are taken.
    """
    order = np.random.default_rng(seed).permutation(train_questions)
    points = []
    for fraction in fractions:
        rows = np.sort(order[: max(1, round(fraction * train_questions))])
        scores = RouterScores(name, fit(rows))
        right = np.asarray(view.figures(view.policy(scores, PolicySpec("argmax"))).right)
        bound = np.asarray(view.figures(view.upper_bound(scores)).right)
        points.append(CurvePoint(fraction, len(rows), float(right.mean()), float(bound.mean())))
    return tuple(points)
