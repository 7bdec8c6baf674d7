"""Curves of accuracy over seconds or dollars: where they are looked at, what they are worth, what nothing beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LAMBDAS", "aiq", "pareto_front"]

Burden = TypeVar("Burden", float, tuple[float, int])

# Those that `cost-aware:auto` tries; beyond 1 the penalty outweighs any probability, the last always takes the fastest.
LAMBDAS = (*(round(0.05 * step, 9) for step in range(21)), 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 1e6)


def pareto_front(points: Sequence[tuple[Burden, float]]) -> list[int]:
    """Which of the points (burden, accuracy) no other one beats in both, from cheap to accurate."""
    front: list[int] = []
    for at in sorted(range(len(points)), key=lambda at: (points[at][0], -points[at][1])):
        if not front or points[at][1] > points[front[-1]][1]:
            front.append(at)
    return front


def aiq(points: Sequence[tuple[float, float]], low: float, high: float) -> float | None:
    """Average improvement in quality: the mean height over low..high of the points' non-decreasing convex hull.

    RouterBench (arXiv 2403.12031): points are (cost, accuracy); the hull is their upper one, carried on flat to the
    right of the best point. Left of the cheapest point it counts as 0. None where low is not below high.
    """
    if not low < high or not points:
        return None
    hull: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if hull and y <= hull[-1][1]:
            continue  # never decreasing; of equal x the highest came first
        while len(hull) > 1 and _above(hull[-2], (x, y), hull[-1]):
            hull.pop()
        hull.append((x, y))
    xs, ys = np.array(hull).T
    # The hull is linear between its corners, so the trapezoid rule over them is exact.
    corners = np.unique(np.clip([low, high, *xs], max(low, xs[0]), max(high, xs[0])))
    heights = np.interp(corners, xs, ys)
    return float(np.sum((heights[1:] + heights[:-1]) / 2 * np.diff(corners)) / (high - low))


def _above(left: tuple[float, float], right: tuple[float, float], middle: tuple[float, float]) -> bool:
    """Whether the line from left to right runs on or above the middle point."""
    return (middle[1] - left[1]) * (right[0] - left[0]) <= (right[1] - left[1]) * (middle[0] - left[0])
