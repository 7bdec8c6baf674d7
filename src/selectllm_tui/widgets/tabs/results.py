"""The study's table for this pool: baselines, the router with every policy, the LLMs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from selectllm_tui.notation import points, points_span
from selectllm_tui.row_keys import RowKey
from selectllm_tui.snapshots.headline import current_key
from selectllm_tui.snapshots.results import Results
from selectllm_tui.transitions import choose_policy
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows, rule
from selectllm_tui.widgets.columns import TO_PIN
from selectllm_tui.widgets.paint import Line, line, named
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.tabs.base import Tab

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.timer import Timer

    from selectllm_engine.evaluation import Row
    from selectllm_tui.snapshots.results import ResultEntry
    from selectllm_tui.state import State
    from selectllm_tui.widgets.cells import Rows

__all__ = ["ResultsTab", "result_rows"]

LOSSES = ("unsolvable", "misrouted", "outvoted", "rescued")
FLASH = 0.9  # seconds for which a change is shown in its cell


class ResultsTab(Tab["Results"]):
    """The table of rows; a change is shown in its cell for under a second.

    Where figures take longer, the last ones stay until they are there, faint and behind a dot.
    """

    DEFAULT_CSS = "ResultsTab Bar { height: 3; padding-left: 2; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._before: Mapping[RowKey, Row] = {}
        self._last: dict[RowKey, Row] = {}  # of each row, for whatever setup
        self._results: Results | None = None
        self._state: State | None = None
        self._flash: Timer | None = None

    def compose(self) -> ComposeResult:
        """The table, and more about the row under the cursor."""
        yield RowTable(id="results")
        yield Bar(id="row-details")

    def show(self, snapshot: Results, state: State) -> None:
        """Renders the rows there are; changes are shown against what the setup before showed."""
        if self._state is not None and self._results is not None and state.setup != self._state.setup:
            self._before = dict(self._last)
            if self._flash is not None:
                self._flash.stop()
            self._flash = self.set_timer(FLASH, self._calm)
        self._results, self._state = snapshot, state
        self._last |= {each.key: each.row for each in snapshot.entries if each.row is not None}
        self._draw()

    def wait(self, state: State) -> None:
        """Marks all rows where they are those of another setup."""
        if self._results is not None and self._state is not None and state.setup != self._state.setup:
            self._results = Results(tuple(replace(each, row=None) for each in self._results.entries))
            self._draw()

    def _calm(self) -> None:
        self._before = {}
        self._draw()

    def _draw(self) -> None:
        if self._results is None or self._state is None or self.table is None:
            return
        self.table.sorted_by = self._state.view.sort_of("results")
        first = str(current_key(self._state.setup)) if not len(self.table.rows) else None
        rows = result_rows(self._results, self._state, self._before, self.digits, self.pinned, last=self._last)
        self.table.show(rows, cursor=first)
        self._tell()

    @property
    def rows(self) -> Rows | None:
        """The figures, also while changes are shown in their place."""
        if self._results is None or self._state is None:
            return None
        return result_rows(self._results, self._state, {}, self.digits, self.pinned)

    @property
    def records(self) -> list[dict[str, Any]] | None:
        """The rows as `evaluate --format csv` writes them."""
        entries = self._results.entries if self._results is not None else ()
        return [each.row.as_dict() for each in entries if each.row is not None]

    def on_row_table_moved(self) -> None:
        """Says more about the row under the cursor."""
        self._tell()

    def _tell(self) -> None:
        if self._results is not None and self.table is not None:
            key = self.table.key
            row = next((each.row for each in self._results.entries if str(each.key) == key), None)
            self.query_one(Bar).flow(*details(row, self.digits))

    @property
    def llm(self) -> str | None:
        """The LLM of the row."""
        return key.name if (key := self._key()).kind == "llm" else None

    def _key(self) -> RowKey:
        return RowKey.parse(self.table.key if self.table is not None else "")

    @property
    def row(self) -> str | None:
        """LLM and policy rows open."""
        return str(key) if (key := self._key()).kind in {"llm", "policy"} else None

    def opened(self, key: str, state: State) -> State:
        """A policy's row makes it the policy, an LLM's row switches the LLM."""
        kind, name = RowKey.parse(key)
        return choose_policy(state, name) if kind == "policy" else state.change(state.setup.toggle(name))


def details(row: Row | None, digits: int | None = None) -> list[Line]:
    """What the table has no room for: other latencies, what became of the wrong answers, the note."""
    if row is None:
        return [line("")]
    if digits is None:
        digits = formats.decimals([row.latency])
    p = formats.p_value(row.p)
    ends = [formats.percent(end) for end in (row.accuracy_low, row.accuracy_high) if end is not None]
    figures = [
        ("95 % interval", row.accuracy_low, f"{' to '.join(ends)} %"),
        (f"Δ against {row.reference}", row.delta, f"{points(row.delta)} points"),
        ("by question", row.delta_low, points_span(row.delta_low, row.delta_high)),
        ("by subject", row.delta_low_clustered, points_span(row.delta_low_clustered, row.delta_high_clustered)),
        ("raw p", row.p, p if p.startswith("<") else f"= {p}"),
        ("in parallel", row.latency_parallel, f"{formats.fixed(row.latency_parallel, digits)} s"),
        ("over right answers", row.latency_correct, f"{formats.fixed(row.latency_correct, digits)} s"),
        *((name, getattr(row, name), f"{formats.percent(getattr(row, name))} %") for name in LOSSES),
    ]
    parts = [line((f"{name} ", "muted"), (text, "plain")) for name, value, text in figures if value is not None]
    return [*([line((row.note, "accent"))] if row.note else []), *parts]


def columns_of(results: Results, *, published: bool, pinned: bool) -> list[Column]:
    """The columns that have figures."""
    rows = [each.row for each in results.entries if each.row is not None]
    made = [
        Column("name", "", 22, flex=1, sortable=True),
        Column("group", "group", 18, screen=False),
        Column("accuracy", "accuracy", 8, align="right", sortable=True),
        Column("interval", " 95 % interval", 14, flex=3, drop=2, export=False, sortable=True),
        Column("accuracy_low", "95 % from", 9, align="right", screen=False),
        Column("accuracy_high", "95 % to", 7, align="right", screen=False),
        Column("latency", "seconds", 7, align="right", sortable=True),
        Column("cost", "$/1000 q", 8, align="right", drop=3, sortable=True),
        Column("llms_per_question", "LLMs/q", 6, align="right", drop=4, sortable=True),
        Column("delta", "Δ", 6, align="right", drop=2, sortable=True),
        Column("gap_closed", "gap", 6, align="right", drop=4, sortable=True),
        Column("p", "raw p", 5, align="right", drop=3, sortable=True),
        TO_PIN,
        Column("published", "study % / s", 13, align="right", asked=True),
    ]
    absent = {
        "cost": all(row.cost is None for row in rows),
        "published": not published,
        "pinned": not pinned,
    }
    return [column for column in made if not absent.get(column.key)]


def result_rows(
    results: Results,
    state: State,
    before: Mapping[RowKey, Row],
    digits: int | None = None,
    pinned: Row | None = None,
    *,
    last: Mapping[RowKey, Row] | None = None,
) -> ListRows:
    """Rows for the table.

    `before` holds the rows against which changes are shown, `pinned` is a column's; those of `last` are shown, marked,
    where there are no others yet.
    """
    old = {each.key: (last or {}).get(each.key) for each in results.entries if each.row is None}
    results = Results(tuple(replace(each, row=each.row or old[each.key]) for each in results.entries))
    published = state.view.measure_of("results", "figures") == "published"
    columns = columns_of(results, published=published, pinned=pinned is not None)
    rows = [each.row for each in results.entries if each.row is not None]
    if digits is None:
        digits = formats.decimals([row.latency for row in rows])
    ends = [end for row in rows for end in (row.accuracy_low, row.accuracy_high, row.accuracy) if end is not None]
    scale = (min(ends, default=0.0), max(ends, default=1.0))
    keys: list[str] = []
    lines: list[list[Cell]] = []
    for title, entries in results.groups(state.view.sort_of("results")):
        if keys or title:
            keys.append("")
            lines.append([rule(title)])
        for each in entries:
            keys.append(str(each.key))
            cells = _cells(each, state, scale, digits, before.get(each.key))
            if each.row is not None:
                cells["pinned"] = line((formats.to_pin(each.row.accuracy, pinned), "muted"))
            if (row := old.get(each.key)) is not None:
                cells = {column: _faint(cell) for column, cell in cells.items()}
                cells["accuracy"] = line((f"· {formats.percent(row.accuracy)}", "faint"))
            lines.append([cells.get(column.key, ()) for column in columns])
    return ListRows(columns, keys, lines)


def _faint(cell: Cell) -> Cell:
    if callable(cell):
        return lambda width: [(text, "faint") for text, _ in cell(width)]
    return [(text, "faint") for text, _ in cell]


def _cells(
    each: ResultEntry, state: State, scale: tuple[float, float], digits: int, before: Row | None
) -> dict[str, Cell]:
    setup, row = state.setup, each.row
    current = each.key == current_key(setup)
    off = each.key.kind == "llm" and each.label not in setup.pool
    style = "muted" if off else "strong" if current else "plain"
    cells: dict[str, Cell] = {
        "name": named(each.label, style, ("▸ " if current else "  ", "accent"), after=each.detail),
        "group": line(each.group or "baselines"),
    }
    if row is None:
        return cells | {"accuracy": line(("·  ", "faint"))}
    accuracy, latency = line((formats.percent(row.accuracy), style)), line((formats.fixed(row.latency, digits), style))
    if before is not None:
        gained = formats.change(formats.points(row.accuracy), formats.points(before.accuracy), 1)
        slower = formats.change(row.latency, before.latency, digits, more_is_better=False)
        accuracy, latency = line(gained) if gained[0] else accuracy, line(slower) if slower[0] else latency
    return cells | {
        "accuracy": accuracy,
        "interval": partial(formats.interval, row.accuracy_low, row.accuracy, row.accuracy_high, scale)
        if row.accuracy is not None
        else line((row.note or "", "muted")),
        "accuracy_low": line(formats.percent(row.accuracy_low)),
        "accuracy_high": line(formats.percent(row.accuracy_high)),
        "latency": latency,
        "cost": line(formats.fixed(None if row.cost is None else 1000 * row.cost, formats.DOLLARS)),
        "llms_per_question": line((formats.fixed(row.llms_per_question, 1), "muted")),
        "gap_closed": line((formats.gap(row.gap_closed) if row.gap_closed is not None else "", style)),
        "delta": line((points(row.delta) if row.delta is not None else "", style)),
        "p": line((formats.p_value(row.p) if row.p is not None else "", "muted")),
        "published": line((each.published, "muted")),
    }
