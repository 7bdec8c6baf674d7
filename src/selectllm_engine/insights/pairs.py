"""Two rows against each other: on which questions is each right, how far apart are they, what does each take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import Reference, TwoByTwo, compared_with, two_by_two

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from numpy.typing import NDArray

    from selectllm_engine.evaluation import PlannedRow, PoolView, Row

__all__ = ["CELLS", "Cell", "ComparedRow", "Comparison", "cells_of", "compare_sides"]

Cell: TypeAlias = Literal["both", "only_a", "only_b", "neither"]
CELLS: tuple[Cell, ...] = ("both", "only_a", "only_b", "neither")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two rows on the same questions.

    Attributes:
        names: what the two were asked for as.
        a: the first row, compared with the second: its `delta`, intervals and p.
        b: the second row.
        counts: on how many questions both are right, only the first, only the second, neither.
        questions: Q rows; columns question_id, subject, text and others of the benchmark.
        cells: int8 [Q], each question's place in `CELLS`.
        subjects: how many kinds of questions there are; None where no question has a subject.
    """

    names: tuple[str, str]
    a: Row
    b: Row
    counts: TwoByTwo
    questions: pl.DataFrame
    cells: NDArray[np.int8]
    subjects: int | None

    def __repr__(self) -> str:
        both, only_a, only_b, neither = self.counts
        found = f"both {both:,}, only a {only_a:,}, only b {only_b:,}, neither {neither:,}"
        return f"<Comparison of {self.names[0]!r} and {self.names[1]!r}: {found}>"

    def of(self, cell: Cell) -> pl.DataFrame:
        """The questions of one cell of the 2 × 2 table."""
        return self.questions.filter(self.cells == CELLS.index(cell))


class ComparedRow(NamedTuple):
    """One of two rows that are compared.

    Attributes:
        name: what it is called.
        view: its pool over the evaluated split.
        find: gives its row of a view; raises UnknownNameError.
    """

    name: str
    view: PoolView
    find: Callable[[PoolView], PlannedRow]

    def right(self) -> Reference:
        """On which questions it is right; raises UsageError where it has no accuracy, or is an expectation."""
        found = compared_with(self.view, self.find(self.view)).reference.right
        if found.dtype != np.bool_:
            raise UsageError(f"{self.name} is an expectation", "compare rows that are right or wrong on each question")
        return Reference(self.name, found)

    def row(self, reference: Reference) -> Row:
        """Its row, compared with another's right questions."""
        return self.find(self.view.against(reference)).row()


def cells_of(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Each question's place in `CELLS`, int8 [Q], from which two rows are right on, bool [Q] each."""
    return np.select([a & b, a, b], [0, 1, 2], 3).astype(np.int8)


def compare_sides(a: ComparedRow, b: ComparedRow) -> Comparison:
    """Compare two rows on the same questions, each of a view of its own.

    Raises:
        UnknownNameError: there is no such row.
        UsageError: one of them has no accuracy, or is an expectation, which is right on no question for certain.
    """
    reference = b.right()
    right_a, right_b = (np.asarray(each.right, dtype=bool) for each in (a.right(), reference))
    prepared = a.view.prepared
    subjects = prepared.subjects
    return Comparison(
        names=(a.name, b.name),
        a=a.row(reference),
        b=b.row(reference),
        counts=two_by_two(right_a, right_b),
        questions=prepared.outcomes.questions,
        cells=cells_of(right_a, right_b),
        subjects=None if subjects is None else int(subjects.max()) + 1,
    )
