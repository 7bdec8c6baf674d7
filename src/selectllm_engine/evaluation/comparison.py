"""Two rows on the same questions: how far apart they are, and how sure that is. Q questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation.statistics import Clustered, Interval, clustered, mcnemar, newcombe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.figures import Right

__all__ = ["Difference", "Reference", "TwoByTwo", "difference", "two_by_two"]


class TwoByTwo(NamedTuple):
    """On how many questions two rows are right: both, only one of them, neither."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def questions(self) -> int:
        """Q."""
        return sum(self)

    @property
    def discordant(self) -> float:
        """The share of questions on which exactly one of the two is right."""
        return (self.only_first + self.only_second) / self.questions

    @property
    def p(self) -> float:
        """Of McNemar's exact test."""
        return mcnemar(self.only_first, self.only_second)


def two_by_two(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> TwoByTwo:
    """The counts of two rows, bool [Q] each."""
    both = int(np.count_nonzero(first & second))
    one, other = int(np.count_nonzero(first)) - both, int(np.count_nonzero(second)) - both
    return TwoByTwo(both, one, other, len(first) - both - one - other)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The row that others are compared with: its name, and which questions it is right on (see `Figures.right`)."""

    name: str
    right: Right


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more accurate one row is than another.

    Attributes:
        delta: the difference in accuracy.
        counts: None where one of the two is an expectation: it has neither interval nor test.
        by_question: Newcombe's 95 % interval: what more questions of these kinds would show.
        by_subject: what questions of other kinds would show; None under 5 subjects, and where no question tells the two
            apart: that they never will is more than the questions say.
    """

    delta: float
    counts: TwoByTwo | None = None
    by_question: Interval | None = None
    by_subject: Clustered | None = None


def difference(first: Right, second: Right, subjects: NDArray[np.intp] | None) -> Difference:
    """The first row against the second; `subjects` intp [Q] numbers each question's, None where that is not known."""
    if first.dtype != np.bool_ or second.dtype != np.bool_:
        return Difference(float(first.mean(dtype=np.float64) - second.mean(dtype=np.float64)))
    counts = two_by_two(first, second)  # type: ignore[arg-type]
    apart: NDArray[np.int8] = first.view(np.int8) - second.view(np.int8)
    return Difference(
        delta=(counts.only_first - counts.only_second) / counts.questions,
        counts=counts,
        by_question=newcombe(*counts),
        by_subject=None if subjects is None or not counts.discordant else clustered(apart, subjects),
    )
