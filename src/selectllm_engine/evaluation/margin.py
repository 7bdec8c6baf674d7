"""Policy `margin`: leave best-single only where the predicted gain is large enough to be believed. N LLMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation.selection import Selection, best_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.figures import Floats

__all__ = ["Margin", "learn_margin", "with_margin"]

FEWEST = 20  # questions on which best-single must be left: one or two lucky ones have next to no standard error


class Margin(NamedTuple):
    """The smallest gain that counts.

    Attributes:
        least: m, a gain in probability that must be exceeded; infinite where leaving best-single never pays.
        left: the share of the labelled questions on which it is.
        gain: the mean gain in accuracy on them, less one standard error; 0 where it never pays.
    """

    least: float
    left: float
    gain: float


def learn_margin(probabilities: Floats, labels: NDArray[np.bool_], order: NDArray[np.intp], best_single: int) -> Margin:
    """The m with the largest mean gain minus one standard error; none where no such value is positive.

    Only those m count at which best-single is left on 20 labelled questions or more.

    Args:
        probabilities: [L, N] of labelled questions, held out: the router has not learned from the question itself.
        labels: bool [L, N].
        order: the pool's LLMs from fast to slow; probabilities that tie go to the first.
        best_single: the LLM to leave.
    """
    choice, gain = _gains(probabilities, order, best_single)
    rows = np.flatnonzero(gain > 0)
    ranked = rows[np.argsort(-gain[rows], kind="stable")]
    won = labels[ranked, choice[ranked]].astype(float) - labels[ranked, best_single]
    questions = len(labels)
    mean, square = np.cumsum(won) / questions, np.cumsum(won**2) / questions
    merit = mean - np.sqrt(np.maximum(square - mean**2, 0.0) / max(questions - 1, 1))
    levels = np.append(gain[ranked], 0.0)
    merit[: FEWEST - 1] = -np.inf
    merit[levels[:-1] == levels[1:]] = -np.inf  # questions of equal gain are left together
    if merit.max(initial=0.0) <= 0:
        return Margin(float("inf"), 0.0, 0.0)
    last = int(np.argmax(merit))
    return Margin(float(levels[last + 1]), (last + 1) / questions, float(merit[last]))


def with_margin(probabilities: Floats, order: NDArray[np.intp], best_single: int, margin: Margin) -> Selection:
    """The argmax where it is more than m above best-single, else best-single."""
    choice, gain = _gains(probabilities, order, best_single)
    return Selection(probabilities.shape[1], choice=np.where(gain > margin.least, choice, best_single))


def _gains(
    probabilities: Floats, order: NDArray[np.intp], best_single: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The LLM of the highest probability, [Q], and how far that is above best-single's, [Q]."""
    choice, best = best_of(probabilities, order)
    return choice, best.astype(np.float64) - probabilities[:, best_single]
