"""Router × policy as a heat map: figures with a shade behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.reactive import reactive

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.tabs import TABS
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows, drawn
from selectllm_tui.widgets.paint import HEAT, Line, Span, line, named
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.tabs.base import Tab

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from selectllm_engine.insights import RouterMatrix
    from selectllm_tui.state import State

__all__ = ["GridTable", "MatrixTab", "matrix_rows"]

BARS = "▁▂▃▄▅▆▇"
TITLES = {"accuracy": "accuracy, %", "latency": "latency, s", "gap": "gap closed, %"}


class GridTable(RowTable):
    """A table whose cursor is one cell: up and down move the row, left and right the column."""

    BINDINGS = bindings("grid")
    place: reactive[int] = reactive(0)

    def _base(self, at: int) -> object:  # type: ignore[override]
        return self.ground if at == self.cursor else super()._base(at)

    def action_across(self, step: int) -> None:
        """Moves the cursor by a column."""
        self.place = min(max(self.place + step, 0), max(len(self.rows.columns) - 2, 0))

    def watch_place(self) -> None:
        """Tells."""
        self.post_message(self.Moved(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor to the cell."""
        at = self.column_at(event)
        if at is not None and at > 0:
            self.place = at - 1
        super().on_click(event)


class MatrixTab(Tab["RouterMatrix"]):
    """The heat map."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._matrix: RouterMatrix | None = None
        self._state: State | None = None

    def compose(self) -> ComposeResult:
        """What is shown, the grid."""
        yield Bar(id="matrix-title")
        yield GridTable(id="matrix", gap=1)

    def show(self, snapshot: RouterMatrix, state: State) -> None:
        """Renders the figures there are."""
        first = self._matrix is None
        self._matrix, self._state = snapshot, state
        grid = self.query_one(GridTable)
        if first and state.setup.router is not None:
            grid.place = snapshot.policies.index(state.setup.policy)
            grid.show(self._rows(None), cursor=state.setup.router)
        self._draw()

    def _draw(self) -> None:
        if self._matrix is None or self._state is None:
            return
        grid, measure = self.query_one(GridTable), self._state.view.measure_of("matrix", TABS["matrix"].measures[0])
        self.query_one(Bar).show(title(self._matrix, measure))
        grid.show(self._rows((grid.key, grid.place)))

    def _rows(self, cursor: tuple[str, int] | None) -> ListRows:
        assert self._matrix is not None and self._state is not None  # noqa: S101, PT018 - callers have looked
        return matrix_rows(self._matrix, self._state, cursor, self.digits, bars=getattr(self.app, "plain", False))

    @property
    def rows(self) -> ListRows | None:
        """The figures, without bars."""
        return (
            None
            if self._matrix is None or self._state is None
            else matrix_rows(self._matrix, self._state, None, self.digits)
        )

    @property
    def column(self) -> str:
        """The policy under the cursor, whose name the head may have no room for."""
        grid = next(iter(self.query(GridTable)), None)
        at = 0 if grid is None else grid.place + 1
        return grid.rows.columns[at].key if grid is not None and at < len(grid.rows.columns) else ""

    @property
    def records(self) -> list[dict[str, Any]] | None:
        """A row per pair, as `evaluate --format csv` writes them."""
        return None if self._matrix is None else [row.as_dict() for row in self._matrix.rows.values()]

    @property
    def cell(self) -> str | None:
        """The figure of the pair under the cursor."""
        rows, grid = self.rows, self.query_one(GridTable)
        at = rows.find(grid.key) if rows is not None else None
        if rows is None or at is None:
            return None
        return "".join(text for text, _ in drawn(rows.cells(at)[grid.place + 1], 20)).strip()

    def on_row_table_moved(self) -> None:
        """Repaints the cell under the cursor."""
        if self._matrix is not None and self._state is not None:
            grid = self.query_one(GridTable)
            grid.rows = self._rows((grid.key, grid.place))
            grid.refresh()

    def opened(self, key: str, state: State) -> State:
        """The pair becomes the setup's."""
        policies = self._matrix.policies if self._matrix is not None else ()
        policy = policies[self.query_one(GridTable).place] if policies else state.setup.policy
        return state.change(replace(state.setup, router=key, policy=policy))


def title(matrix: RouterMatrix, measure: str) -> Line:
    """Which figure is shown, and its best pair."""
    spans: list[Span] = [(TITLES[measure], "strong")]
    if not matrix.routers:
        return line(("no router is trained yet: selectllm train", "muted"))
    if best := matrix.best(measure):
        spans += [("   best ", "muted"), (f"{best[0]} → {best[1]}", "accent")]
    return spans


def matrix_rows(
    matrix: RouterMatrix, state: State, cursor: tuple[str, int] | None, digits: int | None = None, *, bars: bool = False
) -> ListRows:
    """One row per router, one column per policy; the best cell of all is marked.

    `bars` beside the figures say what shades say elsewhere: the higher, the better.
    """
    measure = state.view.measure_of("matrix", TABS["matrix"].measures[0])
    values, best = matrix.values(measure), matrix.best(measure)
    low, high = min(values.values(), default=0.0), max(values.values(), default=1.0)
    if measure != "latency":
        digits = 1
    elif digits is None:
        digits = formats.decimals(list(values.values()))
    columns = [Column("router", "", 12, flex=2)]
    columns += [
        Column(name, f"{name} ", 7, flex=1, align="right", saved=state.setup.spec_of(name)) for name in matrix.policies
    ]
    lines: list[list[Cell]] = []
    for router in matrix.routers:
        current = router == state.setup.router
        cells: list[Cell] = [named(router, "strong" if current else "plain", ("▸ " if current else "  ", "accent"))]
        for at, policy in enumerate(matrix.policies):
            value = values.get((router, policy))
            heat = 0 if value is None or high <= low else round((value - low) / (high - low) * (HEAT - 1))
            heat = HEAT - 1 - heat if measure == "latency" else heat
            style = "cell-cursor" if cursor == (router, at) else f"heat-{heat}"
            mark = "◆" if best == (router, policy) else "▸" if current and policy == state.setup.policy else ""
            text = formats.MISSING if value is None else f"{value if measure == 'latency' else 100 * value:.{digits}f}"
            bar = BARS[heat] if bars and value is not None else ""
            style = style if value is not None or cursor == (router, at) else "faint"
            cells.append(_cell(f"{mark}{text.replace('-', '−')}{bar}", style))
        lines.append(cells)
    return ListRows(columns, matrix.routers, lines)


def _cell(text: str, style: str) -> Cell:
    return lambda width: ((f"{text} ".rjust(width), style),)
