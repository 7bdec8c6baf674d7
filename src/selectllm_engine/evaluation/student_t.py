"""Student's t distribution for whole degrees of freedom, as finite sums (Abramowitz and Stegun 26.7.3 and 26.7.4)."""

from __future__ import annotations

import math
from functools import lru_cache

__all__ = ["t_quantile", "two_sided_p"]


def within(t: float, freedom: int) -> float:
    """P(|T| ≤ t) for t ≥ 0."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(odd + 2, freedom + 1, 2):
        total += term
        term *= (k - 1) / k * cosine**2
    if odd:
        return 2 / math.pi * (angle + sine * total)
    return sine * total


def two_sided_p(t: float, freedom: int) -> float:
    """P(|T| ≥ |t|), exact to about 1e-15."""
    return max(0.0, 1.0 - within(abs(t), freedom))


@lru_cache
def t_quantile(confidence: float, freedom: int) -> float:
    """The t with P(|T| ≤ t) = confidence, by halving."""
    low, high = 0.0, 1.0
    while within(high, freedom) < confidence:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if within(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2
