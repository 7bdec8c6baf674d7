"""How sure a figure is: intervals, paired tests and their adjustment. numpy and the standard library only."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation.student_t import t_quantile, two_sided_p

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "FEWEST_CLUSTERS",
    "Clustered",
    "Interval",
    "as_accurate",
    "bootstrap",
    "clustered",
    "detectable_difference",
    "holm",
    "mcnemar",
    "newcombe",
    "two_proportions",
    "wilson",
]

Z95 = NormalDist().inv_cdf(0.975)
FEWEST_CLUSTERS = 5  # a standard error over fewer groups says nothing


class Interval(NamedTuple):
    """The two ends of a 95 % interval."""

    low: float
    high: float


def wilson(right: int, questions: int) -> Interval:
    """The 95 % score interval of a proportion (Wilson 1927)."""
    return _score_interval(right, questions, Z95)


def _score_interval(right: int, questions: int, z: float) -> Interval:
    share = right / questions
    squared = z**2 / questions
    centre = (share + squared / 2) / (1 + squared)
    half = z / (1 + squared) * math.sqrt(share * (1 - share) / questions + squared / (4 * questions))
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


def newcombe(both: int, only_first: int, only_second: int, neither: int, confidence: float = 0.95) -> Interval:
    """The interval of the first row's accuracy minus the second's, on the same questions.

    The paired score interval, method 10 of Newcombe (1998, Statistics in Medicine 17:2635): from the Wilson intervals
    of both and the continuity-corrected φ of the 2 × 2 table. It has a width where no question tells the rows apart,
    unlike Wald's.
    """
    questions = both + only_first + only_second + neither
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    first, second = both + only_first, both + only_second
    low_1, high_1 = _score_interval(first, questions, z)
    low_2, high_2 = _score_interval(second, questions, z)
    p_1, p_2 = first / questions, second / questions
    margins = first * (questions - first) * second * (questions - second)
    agreement: float = both * neither - only_first * only_second
    if agreement > 0:
        agreement = max(agreement - questions / 2, 0)
    phi = agreement / math.sqrt(margins) if margins else 0.0
    down, up = (
        math.sqrt(max(0.0, a**2 - 2 * phi * a * b + b**2))
        for a, b in ((p_1 - low_1, high_2 - p_2), (high_1 - p_1, p_2 - low_2))
    )
    difference = (only_first - only_second) / questions
    return Interval(max(-1.0, difference - down), min(1.0, difference + up))


class Clustered(NamedTuple):
    """A mean difference where questions of one group hang together: `groups`, its 95 % interval and two-sided p."""

    groups: int
    interval: Interval
    p: float


def clustered(differences: NDArray[np.number], groups: NDArray[np.integer]) -> Clustered | None:
    """What a mean difference says about other kinds of questions.

    SE² = G/(G − 1) · Σ_g (Σ_{q in g} (d_q − δ))² / Q², Student's t with G − 1 degrees of freedom (Miller 2024,
    arXiv 2411.00640). None under 5 groups.

    Args:
        differences: [Q], for example right − right of the reference.
        groups: [Q], each question's group, whole numbers from 0.
    """
    count = int(np.count_nonzero(np.bincount(groups)))
    if count < FEWEST_CLUSTERS:
        return None
    mean = float(differences.mean(dtype=np.float64))
    sums = np.bincount(groups, differences - mean)
    error = math.sqrt(count / (count - 1) * float(sums @ sums)) / len(groups)
    half = t_quantile(0.95, count - 1) * error
    if error == 0:
        return Clustered(count, Interval(mean, mean), 1.0 if mean == 0 else 0.0)
    return Clustered(count, Interval(mean - half, mean + half), two_sided_p(mean / error, count - 1))


def detectable_difference(questions: int, discordant: float) -> float | None:
    """The smallest difference of two accuracies that McNemar's test finds at α = .05 with a power of 80 %.

    The δ that solves Q = (z_{α/2}·√ψ + z_β·√(ψ − δ²))² / δ² (Connor 1987, Biometrics 43:207), ψ the share of
    questions on which exactly one of the two is right; None where even δ = ψ is too small to be found.
    """
    if not questions or not discordant or needed_questions(discordant, discordant) > questions:
        return None
    low, high = 0.0, discordant  # the larger δ, the fewer questions
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if needed_questions(middle, discordant) > questions else (low, middle)
    return high


def needed_questions(delta: float, discordant: float) -> float:
    """How many questions show a difference δ of two accuracies: the Q of `detectable_difference`."""
    z_beta = NormalDist().inv_cdf(0.8)
    return float((Z95 * math.sqrt(discordant) + z_beta * math.sqrt(max(0.0, discordant - delta**2))) ** 2 / delta**2)


def as_accurate(both: int, only_first: int, only_second: int, neither: int, margin: float = 0.01) -> bool:
    """Is the first row no worse than the second by more than `margin`, as far as these questions can say?

    That is so where the lower end of the one-sided 95 % interval of the difference is above −margin.
    """
    return newcombe(both, only_first, only_second, neither, confidence=0.9).low > -margin


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
    order, adjusted = np.argsort(ps, kind="stable"), np.zeros(len(ps))
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, np.asarray(ps)[order] * np.arange(len(ps), 0, -1)))
    return adjusted.tolist()


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
