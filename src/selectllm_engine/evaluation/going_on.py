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

__all__ = ["Backward", "Reached", "go_features", "predicted", "start_features"]

GO_RIDGE, START_RIDGE = 1.0, 10.0


class Reached(NamedTuple):
    """The vote of a stretch of the chain on the labelled questions, cross-fitted: right bool [L], P float64 [L]."""

    right: NDArray[np.bool_]
    chance: Floats


def go_features(chance: Floats, opinions: Floats | None, place: int) -> Floats:
    """What going on after a place is judged by: 1, P, P², P³ and, with text, the next LLM's ℓ and ℓ·P, [Q, 4 or 6]."""
    columns = [np.ones_like(chance), chance, chance**2, chance**3]
    if opinions is not None:
        columns += [opinions[:, place + 1], opinions[:, place + 1] * chance]
    return np.stack(columns, axis=1)


def start_features(opinions: Floats | None, questions: int) -> Floats:
    """What a start is judged by: 1 and, with text, the opinions of the chain and their mean, [Q, 1 or M + 2]."""
    ones = np.ones((questions, 1))
    return ones if opinions is None else np.hstack([ones, opinions, opinions.mean(axis=1, keepdims=True)])


def _ridge(x: Floats, y: Floats, penalty: float) -> Floats:
    return np.asarray(np.linalg.solve(products(x.T, x.T) + penalty * np.eye(x.shape[1]), products(x.T, y.T)))


def predicted(x: Floats, weights: Floats) -> Floats:
    """The product x [Q, X] · weights [X, U]."""
    return np.asarray(np.einsum("qx,xu->qu", x, weights))  # threads (@) would only wait


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
        self._x = start_features(opinions, questions)
        self._right, self._spent, values = [], [], []
        for begin in range(length):
            right = np.repeat(reached[begin, length - 1].right[:, None].astype(float), len(prices), axis=1)
            spent = np.zeros_like(right)
            for place in reversed(range(begin, length - 1)):
                stop = reached[begin, place]
                further = spent + steps[:, place + 1 : place + 2]
                x = go_features(stop.chance, opinions, place)
                gain = right - prices * further - stop.chance[:, None]
                weights = self.go[begin, place] = _ridge(x[learn], gain[learn], GO_RIDGE)
                on = predicted(x, weights) > 0
                right = np.where(on, right, stop.right[:, None])
                spent = np.where(on, further, 0.0)
            spent += steps[:, begin : begin + 1]
            self._right.append(right)
            self._spent.append(spent)
            values.append(_ridge(self._x[learn], (right - prices * spent)[learn], START_RIDGE))
        self.start = np.stack(values)

    def taken(self, own: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Right answers and burden of the chosen start on some questions, [own, U] each."""
        first = np.einsum("qx,mxu->mqu", self._x[own], self.start).argmax(axis=0)[None]
        right, spent = (
            np.take_along_axis(np.stack([each[own] for each in values]), first, axis=0)[0]
            for values in (self._right, self._spent)
        )
        return right, spent
