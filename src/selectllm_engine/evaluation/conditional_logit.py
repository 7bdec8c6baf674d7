"""The conditional logit (McFadden 1974): which of a question's candidate answers is right, or none of them.

n questions, M candidates of all questions together, F features of a candidate, G features of "none". The model is

    P(a | q) = exp(x_a·w) / (exp(z_q·v) + Σ_b exp(x_b·w)),    P(none | q) = exp(z_q·v) / (the same),

fitted by penalised maximum likelihood: concave, without a seed, the same whoever computes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "CrossFit",
    "Design",
    "Posterior",
    "best_ridge",
    "cross_fitted",
    "fit",
    "folds_of",
    "gradient",
    "log_loss",
    "posterior",
    "products",
]

FOLDS = 5
TOLERANCE = 1e-7  # of the largest entry of the gradient, a sum over questions
MOST_STEPS = 60


class Posterior(NamedTuple):
    """`candidate` float64 [M], each candidate's chance of being right; `none` float64 [n], that none is."""

    candidate: NDArray[np.float64]
    none: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Design:
    """Questions as numbers.

    Attributes:
        questions: n.
        question: intp [M], the question of each candidate, ascending.
        features: float64 [F, M], one row per feature: sums over a question's candidates run along rows.
        none: float64 [G, n].
        right: bool [M], is the candidate the gold answer; at most one of a question is.
    """

    questions: int
    question: NDArray[np.intp]
    features: NDArray[np.float64]
    none: NDArray[np.float64]
    right: NDArray[np.bool_]

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """The first candidate of each question that has any."""
        return np.flatnonzero(np.diff(self.question, prepend=-1))

    @cached_property
    def asked(self) -> NDArray[np.intp]:
        """The questions that have a candidate."""
        return self.question[self.starts]

    @cached_property
    def gold(self) -> NDArray[np.float64]:
        """The features of what is right, added up over questions, [F + G]."""
        return np.concatenate([self.solved.sum(axis=1), self.unsolved.sum(axis=1)])

    @cached_property
    def solved(self) -> NDArray[np.float64]:
        """The features of the right candidates, [F, questions that have one]."""
        return np.compress(self.right, self.features, axis=1)

    @cached_property
    def unsolved(self) -> NDArray[np.float64]:
        """The features of "none" where no candidate is right, else 0, [G, n]."""
        none = self.none.copy()
        none[:, self.question[self.right]] = 0.0
        return none

    def rows(self, chosen: NDArray[np.bool_]) -> Design:
        """The design of some questions, bool [n], renumbered."""
        number = np.cumsum(chosen) - 1
        kept = chosen[self.question]
        return Design(
            questions=int(chosen.sum()),
            question=number[self.question[kept]],
            features=np.compress(kept, self.features, axis=1),
            none=np.compress(chosen, self.none, axis=1),
            right=self.right[kept],
        )


def posterior(design: Design, weights: NDArray[np.float64]) -> Posterior:
    """P of every candidate and of "none" under weights [F + G]."""
    count = len(design.features)
    # einsum, because threads (@) would only wait
    score = np.einsum("f,fm->m", weights[:count], design.features)
    return _softmax(design, score, np.einsum("g,gn->n", weights[count:], design.none))


def _softmax(design: Design, score: NDArray[np.float64], none: NDArray[np.float64]) -> Posterior:
    top = none.copy()
    if len(score):
        top[design.asked] = np.maximum(none[design.asked], np.maximum.reduceat(score, design.starts))
    candidate, nobody = np.exp(score - top[design.question]), np.exp(none - top)
    total = nobody + np.bincount(design.question, candidate, minlength=design.questions)
    return Posterior(candidate / total[design.question], nobody / total)


def log_loss(design: Design, weights: NDArray[np.float64]) -> float:
    """Mean negative log-likelihood in nats of what is right, the candidate or "none"."""
    return -_log_likelihood(design, posterior(design, weights)) / design.questions


def _log_likelihood(design: Design, found: Posterior) -> float:
    chance = found.none.copy()
    chance[design.question[design.right]] = found.candidate[design.right]
    return float(np.log(np.maximum(chance, np.finfo(float).tiny)).sum())


def gradient(design: Design, weights: NDArray[np.float64], ridge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the penalised log-likelihood, [F + G]: 0 at the optimum."""
    found = posterior(design, weights)
    expected = np.concatenate([design.features @ found.candidate, design.none @ found.none])
    return np.asarray(design.gold - expected - ridge * weights)


def fit(
    design: Design,
    ridge: NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
    *,
    tolerance: float = TOLERANCE,
    steps: int = MOST_STEPS,
) -> NDArray[np.float64]:
    """The weights [F + G] that maximise Σ_q ln P(right) − ½·Σ ridge·w².

    Newton's method; a step is halved while the objective falls, for an undamped one can diverge.

    Args:
        design: what to learn from.
        ridge: float64 [F + G], positive.
        start: weights to start from; zeros without it.
        tolerance: ends when no entry of the gradient is larger.
        steps: at most so many.
    """
    weights = np.zeros(len(ridge)) if start is None else start.astype(np.float64)
    found, value = _at(design, weights, ridge)
    for _ in range(steps):
        slope, curvature = _derivatives(design, found)
        slope -= ridge * weights
        if np.abs(slope).max(initial=0.0) < tolerance:
            break
        curvature[np.diag_indices_from(curvature)] += ridge
        step = np.linalg.solve(curvature, slope)
        for _ in range(40):
            moved = weights + step
            found, reached = _at(design, moved, ridge)
            if reached >= value - 1e-12 * abs(value):  # what rounding alone takes is no fall
                break
            step /= 2
        else:
            break  # nothing is gained any more
        weights, value = moved, reached
    return weights


def _at(design: Design, weights: NDArray[np.float64], ridge: NDArray[np.float64]) -> tuple[Posterior, float]:
    found = posterior(design, weights)
    return found, _log_likelihood(design, found) - 0.5 * float(ridge @ weights**2)


def _derivatives(design: Design, found: Posterior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradient [F + G] and negative Hessian [F + G, F + G] of the log-likelihood."""
    weighted, mean = _expected(design, found)
    return design.gold - mean.sum(axis=1), _curvature(design.features, weighted, design.none, mean)


def _expected(design: Design, found: Posterior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The candidates' features times their probabilities, [F, M], and all features' means by question, [F + G, n]."""
    count = len(design.features)
    weighted = design.features * found.candidate
    mean = np.zeros((count + len(design.none), design.questions))
    if len(design.question):
        mean[:count, design.asked] = np.add.reduceat(weighted, design.starts, axis=1)
    mean[count:] = design.none * found.none
    return weighted, mean


def _curvature(
    features: NDArray[np.float64], weighted: NDArray[np.float64], none: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    count = len(features)
    curvature = -products(mean, mean)
    curvature[:count, :count] += products(features, weighted)
    curvature[count:, count:] += products(none, mean[count:])
    return curvature


def products(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product left [A, M] · rightᵀ [M, B], in pieces too small for BLAS to share among threads.

    Threads would wait for a busy core longer than the work takes, and add up in another order each time.
    """
    size = max(1, 250_000 // (len(left) * len(right)))
    whole = left.shape[1] // size * size
    pieces = left[:, :whole].reshape(len(left), -1, size), right[:, :whole].reshape(len(right), -1, size)
    product = np.matmul(pieces[0].transpose(1, 0, 2), pieces[1].transpose(1, 2, 0)).sum(axis=0)
    return np.asarray(product + left[:, whole:] @ right[:, whole:].T)


@lru_cache(maxsize=8)
def folds_of(questions: int) -> NDArray[np.intp]:
    """Which of five folds each question is in, [n]: drawn once and for all, so that everything shares them."""
    fold = np.random.default_rng(0).permutation(questions) % FOLDS
    fold.flags.writeable = False
    return np.asarray(fold)


class CrossFit(NamedTuple):
    """`chance` of every question's candidates under weights of the other folds; `weights` [F + G], of all questions."""

    chance: Posterior
    weights: NDArray[np.float64]


def cross_fitted(design: Design, ridge: NDArray[np.float64], weights: NDArray[np.float64]) -> CrossFit:
    """The posterior of every question under weights learned on the other folds' questions.

    All are one of Newton's steps away from `weights`, which are near those of all questions (approximate
    cross-validation, Beirami et al. 2017): learning each to its end takes several times as long.
    """
    found = posterior(design, weights)
    weighted, mean = _expected(design, found)
    fold, count = folds_of(design.questions), len(design.features)
    own = fold[design.question]
    solved = own[design.right]
    slopes, curvatures = [], []
    for each in range(FOLDS):
        mine, candidates = fold == each, own == each
        none, expected = design.none[:, mine], mean[:, mine]
        right = np.concatenate([design.solved @ (solved == each), design.unsolved @ mine])
        slopes.append(right - expected.sum(axis=1))
        curvatures.append(_curvature(design.features[:, candidates], weighted[:, candidates], none, expected))
    slope, curvature = np.sum(slopes, axis=0) - ridge * weights, np.sum(curvatures, axis=0) + np.diag(ridge)
    steps = [np.linalg.solve(curvature - curvatures[each], slope - slopes[each]) for each in range(FOLDS)]
    others = weights[:, None] + np.stack(steps, axis=1)
    score = np.einsum("fm,fm->m", others[:count, own], design.features)
    none = np.einsum("gn,gn->n", others[count:, fold], design.none)
    return CrossFit(_softmax(design, score, none), weights + np.linalg.solve(curvature, slope))


def best_ridge(
    pairs: Sequence[tuple[Design, Design]], ridges: Sequence[NDArray[np.float64]], before: NDArray[np.float64]
) -> int:
    """Which of the ridges, from weak to strong, predicts best: the smallest log loss; ties: the stronger.

    Args:
        pairs: of each the first design is fitted to, the second judges.
        ridges: [F + G] each.
        before: a prior's negative logarithm for each ridge, in nats; added to the sum over the judges' questions.
    """
    losses = before.astype(np.float64)
    for learn, judge in pairs:
        weights = None
        for place in reversed(range(len(ridges))):
            weights = fit(learn, ridges[place], weights, tolerance=1e-2)
            losses[place] += judge.questions * log_loss(judge, weights)
    return len(ridges) - 1 - int(np.argmin(losses[::-1]))
