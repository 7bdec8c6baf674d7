"""How sure a figure is: intervals, paired tests and their adjustment. numpy and the standard library only."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Interval", "bootstrap", "holm", "mcnemar", "two_proportions", "wilson"]

Z95 = NormalDist().inv_cdf(0.975)


class Interval(NamedTuple):
    """The two ends of a 95 % interval."""

    low: float
    high: float


def wilson(right: int, questions: int) -> Interval:
    """The 95 % score interval of a proportion (Wilson 1927)."""
    share = right / questions
    squared = Z95**2 / questions
    centre = (share + squared / 2) / (1 + squared)
    half = Z95 / (1 + squared) * math.sqrt(share * (1 - share) / questions + squared / (4 * questions))
    return Interval(centre - half if right else 0.0, centre + half if right < questions else 1.0)


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p of McNemar's test: 2·P(X ≤ min), X ~ Binomial(both counts together, 1/2), at most 1.

    The tail is its largest term, by log-gamma, times a sum of ratios of neighbouring terms: exact to about 1e-9
    for hundreds of thousands of questions.
    """
    trials, least = only_first + only_second, min(only_first, only_second)
    if only_first == only_second:
        return 1.0
    log_term = math.lgamma(trials + 1) - math.lgamma(least + 1) - math.lgamma(trials - least + 1) - trials * math.log(2)
    # P(X = least - 1) / P(X = least), then down to P(X = 0): a falling product, so it may underflow harmlessly.
    ratios = np.arange(least, 0, -1) / np.arange(trials - least + 1, trials + 1)
    with np.errstate(under="ignore"):
        tail = 1.0 + float(np.cumprod(ratios).sum())
    return min(1.0, 2.0 * math.exp(log_term) * tail)


def two_proportions(right_a: int, of_a: int, right_b: int, of_b: int) -> float:
    """The two-sided p of the pooled z test that two independent samples have the same proportion."""
    pooled = (right_a + right_b) / (of_a + of_b)
    variance = pooled * (1 - pooled) * (1 / of_a + 1 / of_b)
    if variance == 0:
        return 1.0
    z = abs(right_a / of_a - right_b / of_b) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def holm(ps: Sequence[float]) -> list[float]:
    """The ps of several tests, adjusted step by step (Holm 1979), in the order given."""
    adjusted = [0.0] * len(ps)
    running = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        running = max(running, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = running
    return adjusted


def bootstrap(
    columns: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval | None:
    """The 95 % percentile interval of a statistic of means, over resampled questions.

    `columns` is [figures, Q]; `statistic` gets the figures' means [figures, resamples] and gives one value for each
    resample. The same seed and Q resample the same questions, so intervals of different rows are paired. None where
    the statistic is undefined (NaN) throughout.
    """
    questions = columns.shape[1]
    kept = questions * resamples <= KEPT_DRAWS
    blocks = _kept_draws(questions, resamples, seed) if kept else _draws(questions, resamples, seed)
    # Counting how often each is drawn beats gathering what is drawn; einsum, because threads (@) would only wait.
    sums = np.concatenate([np.einsum("fq,rq->fr", columns, drawn) for drawn in blocks], axis=1)
    values = statistic(sums / questions)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))


KEPT_DRAWS = 2**25  # up to 64 MB of draws stay for the next row
BLOCK = 2**15  # draws at a time: what is counted stays in the processor's cache


def _draws(questions: int, resamples: int, seed: int) -> Iterator[NDArray[np.int16]]:
    """How often each resample draws each question, int16 [r, Q], in blocks of resamples."""
    rng = np.random.default_rng(seed)
    at_once = max(1, BLOCK // questions)
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        drawn = rng.integers(questions, size=(count, questions))
        drawn += np.arange(count)[:, None] * questions
        counted = np.bincount(drawn.ravel(), minlength=count * questions)
        yield counted.reshape(count, questions).astype(np.int16)


@lru_cache(maxsize=1)
def _kept_draws(questions: int, resamples: int, seed: int) -> tuple[NDArray[np.int16], ...]:
    return tuple(_draws(questions, resamples, seed))
