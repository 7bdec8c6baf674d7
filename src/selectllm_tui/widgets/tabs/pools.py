"""The best subsets of the LLMs; opening one makes it the pool."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from selectllm_tui.records import subset_record
from selectllm_tui.view import LLM_COLUMN
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows, in_order
from selectllm_tui.widgets.columns import TO_PIN, marks_column
from selectllm_tui.widgets.paint import Line, line
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.tabs.base import Tab

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from textual.app import ComposeResult

    from selectllm_engine.evaluation import Row
    from selectllm_engine.insights import Subset, Subsets
    from selectllm_tui.state import State

__all__ = ["PoolsTab", "pool_marks", "pool_rows", "pools_title"]

MOST = 400  # subsets that are listed; the front is always among them


class PoolsTab(Tab["Subsets"]):
    """What ranks, the table."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._subsets: dict[str, Subset] = {}

    def compose(self) -> ComposeResult:
        """What ranks, the table."""
        yield Bar(id="pools-title")
        yield RowTable(id="subsets", gap=2)

    def show(self, snapshot: Subsets, state: State) -> None:
        """Renders the subsets."""
        self._subsets = {str(each.rank): each for each in snapshot.subsets}
        self.query_one(Bar).flow(*pools_title(snapshot))
        if self.table is not None:
            self.table.sorted_by = state.view.sort_of("pools")
            self.table.show(pool_rows(snapshot, state, self.digits, self.pinned))

    @property
    def records(self) -> list[dict[str, Any]] | None:
        """Every subset, as `pools --format csv` writes them."""
        return [subset_record(each) for each in self._subsets.values()]

    def opened(self, key: str, state: State) -> State:
        """The subset becomes the pool."""
        return state.change(state.setup.with_pool(self._subsets[key].llms))


def pools_title(subsets: Subsets) -> list[Line]:
    """How many there are and what ranks them."""
    votes = "pooled vote" if subsets.ranked_by == "pooled" else "oracle"
    ranked = next(iter(subsets.subsets), None)
    where = "validation" if ranked is not None and ranked.validation is not None else subsets.split
    number = len(subsets.subsets)
    parts: list[Line] = [
        line((f"{formats.count(number)} subset{'s' if number != 1 else ''}", "strong")),
        line((f"ranked by their {votes} on {where}", "muted")),
        line(("★", "accent"), (" no other there is as accurate and as fast", "muted")),
        line(("▸", "accent"), (" the pool in use", "muted")),
    ]
    if not subsets.exhaustive:
        parts.append(line(("the best found, not all", "warn")))
    return [*parts, *(line((note, "warn")) for note in subsets.notes)]


def columns_of(llms: tuple[str, ...]) -> tuple[Column, ...]:
    """One mark per LLM of the run, then figures."""
    rank, front = Column("rank", "", 4, align="right", sortable=True), Column("front", "", 1, sortable=True)
    return (rank, front, marks_column("marks", llms, sortable=True), *FIGURES)


FIGURES = (
    Column("llms", "LLMs", 16, flex=3, drop=5, sortable=True),
    Column("validation_pooled", "validation", 10, align="right", drop=2, sortable=True),
    Column("pooled", "pooled", 8, align="right", sortable=True),
    Column("bar", "", 8, flex=1, drop=3, export=False),
    Column("oracle", "oracle", 8, align="right", drop=1, sortable=True),
    Column("latency", "seconds", 8, align="right", sortable=True),
    Column("size", "LLMs", 6, align="right", drop=4, sortable=True, saved="size"),
)


def pool_rows(subsets: Subsets, state: State, digits: int | None = None, pinned: Row | None = None) -> ListRows:
    """One row per subset: the best, all of the front, and the pool there is; `pinned` is a column's."""
    current = set(state.setup.pool.names)
    shown = [each for each in subsets.subsets if each.rank <= MOST or each.front or set(each.llms) == current]
    if sort := state.view.sort_of("pools"):
        shown = _sorted(shown, *sort)
    if digits is None:
        digits = formats.decimals([each.figures.latency for each in shown])
    best = max((_accuracy(each) or 0.0 for each in shown), default=1.0)
    least = min((_accuracy(each) or 0.0 for each in shown), default=0.0)
    run = state.setup.pool.run
    lines = [_cells(each, run, set(each.llms) == current, digits, (least, best)) for each in shown]
    columns = columns_of(run)
    if pinned is not None:
        columns = (*columns, TO_PIN)
        for each, cells in zip(shown, lines, strict=True):
            cells.append(line((formats.to_pin(each.figures.pooled, pinned), "muted")))
    return ListRows(columns, [str(each.rank) for each in shown], lines)


def _accuracy(each: Subset) -> float | None:
    return each.figures.pooled if each.figures.pooled is not None else each.figures.oracle


def _sorted(shown: list[Subset], column: str, descending: bool) -> list[Subset]:
    values: dict[str, Callable[[Subset], float | str | None]] = {
        "rank": lambda each: each.rank,
        "front": lambda each: each.front,
        "llms": lambda each: " + ".join(each.llms),
        "validation_pooled": lambda each: each.validation.pooled if each.validation is not None else None,
        "pooled": _accuracy,
        "pinned": _accuracy,
        "oracle": lambda each: each.figures.oracle,
        "latency": lambda each: each.figures.latency,
        "size": lambda each: len(each.llms),
    }
    value = values.get(column) or (lambda each: column.removeprefix(LLM_COLUMN) in each.llms)
    return in_order(shown, value, descending=descending)


def _cells(each: Subset, run: tuple[str, ...], current: bool, digits: int, scale: tuple[float, float]) -> list[Cell]:
    held_out = each.validation.pooled if each.validation is not None else None
    style = "strong" if current else "plain"
    part = ((_accuracy(each) or 0.0) - scale[0]) / max(scale[1] - scale[0], 1e-9)
    return [
        line(("▸ " if current else "", "accent"), (str(each.rank), style if current else "muted")),
        line(("★" if each.front else "", "accent")),
        pool_marks(each.llms, run),
        line((" + ".join(each.llms), style)),
        line((formats.percent(held_out), "muted")),
        line((formats.percent(each.figures.pooled), style)),
        partial(_bar, part),
        line((formats.percent(each.figures.oracle), "muted")),
        line((formats.fixed(each.figures.latency, digits), style)),
        line((str(len(each.llms)), "muted")),
    ]


def pool_marks(pool: Collection[str], run: tuple[str, ...]) -> Line:
    """A mark for each LLM of a run, those of a pool filled."""
    return [("●", "accent") if name in pool else ("·", "faint") for name in run]


def _bar(part: float, width: int) -> Line:
    return ((formats.bar(0.05 + 0.95 * part, width), "accent"),)
