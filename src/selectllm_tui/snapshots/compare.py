"""The pinned setup (a) and the one on the screen (b), on the same questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation import TwoByTwo
from selectllm_engine.insights import CELLS, cells_of
from selectllm_tui.snapshots.headline import current_key

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from selectllm_engine.evaluation import Row
    from selectllm_engine.insights import Cell
    from selectllm_tui.shown_setup import ShownSetup
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.state import State

__all__ = ["SideBySide", "apart", "side_by_side"]


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """Two setups on the same questions.

    Attributes:
        setups: a, the pinned one, and b.
        a, b: their own rows; b's `delta`, intervals and p are against a.
        counts: both right, only a, only b, neither; None where one of them is not right or wrong on each question.
        cells: int8 [Q], each question's place in `CELLS`; None where `counts` is.
        questions: Q rows.
    """

    setups: tuple[ShownSetup, ShownSetup]
    a: Row
    b: Row
    counts: TwoByTwo | None
    cells: NDArray[np.int8] | None
    questions: pl.DataFrame

    def of(self, cell: Cell) -> pl.DataFrame:
        """The questions of a cell of the 2 × 2 table."""
        if self.cells is None:
            return self.questions.clear()
        return self.questions.filter(self.cells == CELLS.index(cell))


def side_by_side(model: Model, state: State) -> SideBySide:
    """The pinned setup and this one; there is a pinned one."""
    pinned, setup = state.pinned, state.setup
    assert pinned is not None  # noqa: S101 - preconditions.pinned refuses before
    right = model.right(pinned)
    key = current_key(setup)
    cells = _cells(model, pinned, setup)
    return SideBySide(
        setups=(pinned, setup),
        a=model.row(pinned, current_key(pinned)),
        b=model.row(setup, key) if right is None else model.row_against(setup, key, "the pinned setup", right),
        counts=None if cells is None else TwoByTwo(*np.bincount(cells, minlength=len(CELLS)).tolist()),
        cells=cells,
        questions=model.prepared(setup.split, setup.k).outcomes.questions,
    )


def apart(model: Model, state: State, cell: Cell) -> NDArray[np.bool_]:
    """Which questions are in a cell of the 2 × 2 table of the pinned setup and this one, bool [Q]."""
    cells = None if state.pinned is None else _cells(model, state.pinned, state.setup)
    if cells is None:
        return np.zeros(model.prepared(state.setup.split, state.setup.k).questions, dtype=bool)
    return np.asarray(cells == CELLS.index(cell))


def _cells(model: Model, pinned: ShownSetup, setup: ShownSetup) -> NDArray[np.int8] | None:
    a, b = model.right(pinned), model.right(setup)
    if a is None or b is None or a.dtype != np.bool_ or b.dtype != np.bool_:
        return None
    return cells_of(np.asarray(a, dtype=bool), np.asarray(b, dtype=bool))
