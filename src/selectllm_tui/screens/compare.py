"""Two setups side by side: what differs, their figures, their 2 × 2 table, and the questions of each of its cells."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.message import Message

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.notation import points, points_span, span
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.state import State
from selectllm_tui.view import WHO_IS_RIGHT
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.paint import LONGEST, Line, line, named
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.tabs.questions import id_width, short_id

if TYPE_CHECKING:
    import polars as pl
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from selectllm_tui.shown_setup import ShownSetup
    from selectllm_tui.snapshots.compare import SideBySide
    from selectllm_tui.snapshots.model import Model

__all__ = ["CompareScreen", "QuestionsOfCell", "side_rows", "verdict_parts"]

ORDER = tuple(WHO_IS_RIGHT)


class QuestionsOfCell:
    """Rows of a frame of questions; cells are made for the visible ones only."""

    def __init__(self, frame: pl.DataFrame, ids: tuple[str, int]) -> None:
        self.frame, self.shared = frame, ids[0]
        self.columns = (
            Column("question_id", "", id_width(ids)),
            Column("subject", "", 12, drop=2),
            Column("text", "", 20, flex=1),
        )

    def __len__(self) -> int:
        return self.frame.height

    def key(self, at: int) -> str:
        """The question's id."""
        return str(self.frame["question_id"][at])

    def find(self, key: str) -> int | None:
        """Where a question is."""
        found = (self.frame["question_id"] == key).arg_true()
        return int(found[0]) if len(found) else None

    def cells(self, at: int) -> tuple[Cell, ...]:
        """See Rows."""
        row = self.frame.row(at, named=True)
        return (
            partial(short_id, row["question_id"], self.shared),
            line((row["subject"] or "", "muted")),
            line(((row["text"] or "")[:LONGEST], "plain")),
        )


class CompareScreen(Dialog[State]):
    """Dismisses with the state in which a chosen question is open, among those of its cell."""

    HINTS: ClassVar[dict[str, str]] = {
        "comparison_cell_before comparison_next_cell": "who is right",
        "comparison_pin_1": "another pin",
        "table_open": "open",
        "dialog_leave": "back",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("comparison")
    heading = "Compare"
    DEFAULT_CSS = """
    CompareScreen > .box { height: 90%; max-width: 160; width: 94%; }
    CompareScreen #sides { height: auto; max-height: 50%; }
    CompareScreen Bar { margin-top: 1; }
    CompareScreen #apart { min-height: 3; }
    """

    class Ready(Message):
        """The two are compared."""

        def __init__(self, state: State, found: SideBySide | None, error: str = "") -> None:
            super().__init__()
            self.state, self.found, self.error = state, found, error

    def __init__(self, model: Model, state: State, digits: int | None) -> None:
        super().__init__()
        self._model, self._state, self._digits = model, state, digits
        self._found: SideBySide | None = None
        self._cell = 0
        self._ids = ("", 0)

    def content(self) -> ComposeResult:
        """Figures, who is right, questions."""
        yield RowTable(id="sides", gap=2, cursor=False)
        yield Bar(id="verdict")
        yield RowTable(id="apart", header=False, gap=2)

    def on_mount(self) -> None:
        """Starts to compare."""
        self.query_one("#sides", RowTable).can_focus = False
        self.query_one("#apart", RowTable).focus()
        self.query_one(Bar).show(line(("comparing …", "muted")))
        self.compare(self._state)

    @work(thread=True, exclusive=True, group="compare", exit_on_error=False)
    def compare(self, state: State) -> None:
        """Compares in a thread."""
        from selectllm_tui.snapshots.compare import side_by_side

        try:
            self.post_message(self.Ready(state, side_by_side(self._model, state)))
        except Exception as error:  # what can't be computed must not end in a traceback
            self.post_message(self.Ready(state, None, str(error) or type(error).__name__))

    @on(Ready)
    def _ready(self, message: Ready) -> None:
        from selectllm_tui.snapshots.questions import shared_ids

        if message.state is not self._state:
            return
        self._found = message.found
        if message.found is None:
            self.query_one(Bar).show(line((message.error, "warn")))
            return
        self._ids = shared_ids(message.found.questions)
        counts = message.found.counts
        if counts is not None:  # the first that has questions
            self._cell = next((at for at, n in enumerate((counts.only_first, counts.only_second)) if n), 0)
        self.query_one("#sides", RowTable).show(side_rows(message.found, self._state, self._digits))
        self._show_cell()

    def _show_cell(self) -> None:
        if self._found is None:
            return
        self.query_one(Bar).flow(*verdict_parts(self._found, self._cell))
        rows = QuestionsOfCell(self._found.of(ORDER[self._cell]), self._ids)
        self.query_one("#apart", RowTable).show(rows, cursor=rows.key(0) if len(rows) else None)

    def action_cell(self, step: int) -> None:
        """The questions of the next cell."""
        self._cell = (self._cell + step) % len(ORDER)
        self._show_cell()

    def action_pin(self, number: int) -> None:
        """Compares with another pinned setup."""
        if number <= len(self._state.pins):
            self._state = replace(self._state, pin=number - 1)
            self.compare(self._state)

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        look = {"tab": "question", "question": message.key, "cell": ORDER[self._cell]}
        self.dismiss(self._state.look(**look, filter=None, search="", group=None))


def side_rows(found: SideBySide, state: State, digits: int | None = None) -> ListRows:
    """What differs between the two setups, then their figures."""
    a, b = found.setups
    at = next((at for at, each in enumerate(state.pins, 1) if replace(each, split=a.split) == a), 0)
    many = f" {at} of {len(state.pins)}" if len(state.pins) > 1 else ""
    columns = (
        Column("what", "", 12),
        Column("a", f"a: pinned{many}", 14, flex=1),
        Column("b", "b: this setup", 14, flex=1),
        Column("apart", "b − a", 8, align="right"),
    )
    keys: list[str] = []
    lines: list[list[Cell]] = []
    for what, (one, other) in _settings(a, b).items():
        keys.append(what)
        lines.append([line((what, "muted")), named(one, "plain"), named(other, "plain"), ()])
    if digits is None:
        digits = formats.decimals([found.a.latency, found.b.latency])
    for what, one, other, apart in _figures(found, digits):
        keys.append(what)
        lines.append([line((what, "muted")), line((one, "strong")), line((other, "strong")), line((apart, "accent"))])
    return ListRows(columns, keys, lines)


def _settings(a: ShownSetup, b: ShownSetup) -> dict[str, tuple[str, str]]:
    """What the two are, as far as they differ."""

    def pool(setup: ShownSetup) -> str:
        off = [name for name in setup.pool.run if name not in setup.pool]
        shown = ", ".join(setup.pool.names) if len(setup.pool) <= len(off) else f"all but {', '.join(off)}"
        return f"{len(setup.pool)}: {shown}" if off else f"{len(setup.pool)}: all"

    def policy(setup: ShownSetup) -> str:
        return f"{setup.policy} {setup.value_of(setup.policy)}".rstrip() if setup.chooses else "none"

    said = {
        "LLMs": (pool(a), pool(b)),
        "router": (a.router or "none", b.router or "none"),
        "policy": (policy(a), policy(b)),
        "samples": (f"K {a.k}", f"K {b.k}"),
        "looks at": (a.by or "seconds first", b.by or "seconds first"),
        "vote": (a.vote, b.vote),
        "protocol": (a.protocol, b.protocol),
    }
    return {what: sides for what, sides in said.items() if sides[0] != sides[1]}


def _figures(found: SideBySide, digits: int) -> list[tuple[str, str, str, str]]:
    a, b = found.a, found.b
    rows = [
        ("accuracy %", formats.percent(a.accuracy), formats.percent(b.accuracy), points(b.delta)),
        ("95 %", span(a.accuracy_low, a.accuracy_high), span(b.accuracy_low, b.accuracy_high), ""),
    ]
    for what, one, other, places in (
        ("seconds", a.latency, b.latency, digits),
        ("$/1000 q", _thousand(a.cost), _thousand(b.cost), formats.DOLLARS),
    ):
        if one is not None or other is not None:
            apart = "" if one is None or other is None else f"{other - one:+.{places}f}".replace("-", "−")
            rows.append((what, formats.fixed(one, places), formats.fixed(other, places), apart))
    return [(what, one.strip(), other.strip(), apart) for what, one, other, apart in rows]


def _thousand(cost: float | None) -> float | None:
    return None if cost is None else 1000 * cost


def verdict_parts(found: SideBySide, cell: int) -> list[Line]:
    """How many questions each cell of the 2 × 2 table has, the listed one marked, and what they say."""
    if found.counts is None:
        return [line(("no 2 × 2 table: one of the two is not right or wrong on each question", "warn"))]
    both, only_a, only_b, neither = found.counts
    parts: list[Line] = []
    for at, (name, count) in enumerate(zip(ORDER, (only_a, only_b, both, neither), strict=True)):
        chosen = at == cell
        parts.append(
            line(
                ("▸ " if chosen else "", "accent"),
                (f"{WHO_IS_RIGHT[name]} ", "strong" if chosen else "muted"),
                (formats.count(count), "accent" if chosen else "plain"),
            )
        )
    b = found.b
    if b.delta_low is not None:
        ends = points_span(b.delta_low, b.delta_high)
        parts.append(line(("b − a ", "muted"), (points(b.delta), "plain"), (f", by question {ends}", "plain")))
    if b.delta_low_clustered is not None:
        ends = points_span(b.delta_low_clustered, b.delta_high_clustered)
        parts.append(line(("by subject ", "muted"), (ends, "plain")))
    if b.p is not None:
        parts.append(line(("raw p ", "muted"), (formats.p_value(b.p), "plain"), (" (McNemar)", "muted")))
    return parts
