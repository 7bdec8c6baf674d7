"""The best subsets of the LLMs; opening one makes it the pool."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from selectllm_tui.records import subset_record
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.paint import Line, Span, line
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.tabs.base import Tab

if TYPE_CHECKING:
    from collections.abc import Collection

    from textual.app import ComposeResult

    from selectllm_engine.evaluation import Row
    from selectllm_engine.insights import Subset, Subsets
    from selectllm_tui.state import State

__all__ = ["PoolsTab", "marks_column", "pool_marks", "pool_rows", "pools_title"]

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
    return (Column("rank", "", 4, align="right"), Column("front", "", 1), marks_column(llms), *FIGURES)


def marks_column(llms: tuple[str, ...], drop: int = 0) -> Column:
    """A column with a mark for each LLM of a run."""
    space = " " if len(llms) <= 12 else ""
    numbers = space.join(str(at) if at <= 9 else "·" for at in range(1, len(llms) + 1))
    return Column("marks", numbers, len(numbers), drop=drop, saved=", ".join(llms))


FIGURES = (
    Column("llms", "LLMs", 16, flex=3, drop=5),
    Column("held_out", "validation", 10, align="right", drop=2),
    Column("accuracy", "pooled", 8, align="right", sortable=True),
    Column("bar", "", 8, flex=1, drop=3, export=False),
    Column("oracle", "oracle", 8, align="right", drop=1),
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
        columns = (*columns, Column("pinned", "Δ pin", 6, align="right", drop=2, saved="Δ to the pin"))
        for each, cells in zip(shown, lines, strict=True):
            cells.append(line((formats.to_pin(each.figures.pooled, pinned), "muted")))
    return ListRows(columns, [str(each.rank) for each in shown], lines)


def _accuracy(each: Subset) -> float | None:
    return each.figures.pooled if each.figures.pooled is not None else each.figures.oracle


def _sorted(shown: list[Subset], column: str, descending: bool) -> list[Subset]:
    def merit(each: Subset) -> float:
        value = {"accuracy": _accuracy(each), "latency": each.figures.latency, "size": len(each.llms)}[column]
        return float("inf") if value is None else value

    return sorted(shown, key=merit, reverse=descending)


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
    spans: list[Span] = []
    for name in run:
        if spans and len(run) <= 12:
            spans.append((" ", "plain"))
        spans.append(("●", "accent") if name in pool else ("·", "faint"))
    return spans


def _bar(part: float, width: int) -> Line:
    return ((formats.bar(0.05 + 0.95 * part, width), "accent"),)
