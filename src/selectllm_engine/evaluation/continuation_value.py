"""What asking one more LLM is worth: least squares from the end of a chain backwards.

Longstaff and Schwartz (2001, Review of Financial Studies 14:113), for a price μ of one unit of burden:

    V_M = right_M;  m = M − 1 … 1:  y = V_{m+1} − μ·burden_{m+1},  w_m = ridge(y − P_m ~ 1, P, P², P³, ℓ, ℓ·P)
    go on where x·w_m > 0;  V_m = y where on, right_m elsewhere

with P the probability of the leading answer after m LLMs and ℓ the router's opinion of the next one. Where to start is
predicted from the opinions alone: V_j − μ·burden_j of each suffix j … M of the chain.

L labelled questions, Q questions to answer, M LLMs of the chain, U prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation.conditional_logit import products

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Backward", "Reached", "first_places", "go_features", "predicted", "start_features"]

GO_RIDGE, START_RIDGE = 1.0, 10.0


class Reached(NamedTuple):
    """The vote of a stretch of the chain on the labelled questions, cross-fitted: right bool [L], P float64 [L]."""

    right: NDArray[np.bool_]
    chance: Floats


def go_features(chance: Floats, opinions: Floats | None, place: int) -> Floats:
    """What going on after a place is judged by: 1, P, P², P³ and, with text, the next LLM's ℓ and ℓ·P, [4 or 6, Q]."""
    rows = [np.ones_like(chance), chance, chance**2, chance**3]
    if opinions is not None:
        rows += [opinions[:, place + 1], opinions[:, place + 1] * chance]
    return np.stack(rows)


def start_features(opinions: Floats | None, questions: int) -> Floats:
    """What a start is judged by: 1 and, with text, the opinions of the chain and their mean, [1 or M + 2, Q]."""
    ones = np.ones((1, questions))
    return ones if opinions is None else np.vstack([ones, opinions.T, opinions.mean(axis=1)])


def _ridge(x: Floats, y: Floats, penalty: float, learn: NDArray[np.bool_]) -> Floats:
    """The weights [X, U] that predict y [U, L] from x [X, L], learned on some questions."""
    own = x * learn
    return np.asarray(np.linalg.solve(products(own, x) + penalty * np.eye(len(x)), products(own, y)))


def predicted(x: Floats, weights: Floats) -> Floats:
    """The weights [X, U] applied to x [X, Q], [U, Q]."""
    return np.asarray(np.einsum("xu,xq->uq", weights, x))  # threads (@) would only wait


def first_places(x: Floats, start: Floats) -> NDArray[np.intp]:
    """Where to start at each price, [U, Q], by the weights [M, X, U] of each start and what it is judged by [X, Q]."""
    return np.asarray(np.einsum("mxu,xq->muq", start, x).argmax(axis=0))


class Backward:
    """The induction from the end, learned on some questions, bool [L], and followed on all of them.

    Attributes:
        go, start: the weights, as in CascadeValue.
    """

    def __init__(
        self,
        reached: dict[tuple[int, int], Reached],
        opinions: Floats | None,
        steps: Floats,
        prices: Floats,
        learn: NDArray[np.bool_],
    ) -> None:
        self.go: dict[tuple[int, int], Floats] = {}
        questions, length = steps.shape
        self._reached = reached
        self._burden = np.cumsum(np.hstack([np.zeros((questions, 1)), steps]), axis=1)
        self._x = start_features(opinions, questions)
        self._last = np.empty((length, len(prices), questions), dtype=np.int8)
        values = []
        for begin in range(length):
            last = self._last[begin]
            last[:] = length - 1
            value = np.repeat(reached[begin, length - 1].right[None].astype(float), len(prices), axis=0)
            for place in reversed(range(begin, length - 1)):
                stop = reached[begin, place]
                value -= prices[:, None] * steps[:, place + 1]
                x = go_features(stop.chance, opinions, place)
                weights = self.go[begin, place] = _ridge(x, value - stop.chance, GO_RIDGE, learn)
                stops = predicted(x, weights) <= 0
                np.copyto(value, stop.right, where=stops)
                last[stops] = place
            value -= prices[:, None] * steps[:, begin]
            values.append(_ridge(self._x, value, START_RIDGE, learn))
        self.start = np.stack(values)

    def taken(self, own: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Floats]:
        """Right answers and burden of the chosen start on some questions, [U, own] each."""
        first = first_places(self._x[:, own], self.start)
        last = np.take_along_axis(self._last[:, :, own], first[None], axis=0)[0]
        length, place = len(self.start), np.arange(first.shape[1])
        right = np.zeros((length, length, len(place)), dtype=bool)
        for places, stop in self._reached.items():
            right[places] = stop.right[own]
        burden = self._burden[own]
        return right[first, last, place], burden[place, last + 1] - burden[place, first]
