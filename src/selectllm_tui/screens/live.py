"""What is being sampled: how far each LLM is, how accurate, how fast, and how much of it is no answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.message import Message

from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.snapshots.live import LiveRow, live_rows
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.paint import line, named
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from selectllm_engine.api import Run

__all__ = ["LiveScreen", "live_table"]

EVERY = 3.0  # seconds between two looks at the cache
COLUMNS = (
    Column("llm", "LLM", 10, flex=2),
    Column("samples", "samples", 15, align="right", drop=3),
    Column("accuracy", "accuracy", 8, align="right"),
    Column("interval", " 95 % interval", 14, flex=3, drop=2),
    Column("width", "±", 5, align="right", drop=1),
    Column("speed", "tokens/s", 8, align="right", drop=4),
    Column("silent", "no answer", 9, align="right", drop=5),
)


class LiveScreen(Dialog[None]):
    """A row per LLM, read again every few seconds."""

    HINTS: ClassVar[dict[str, str]] = {"table_up table_down": "move", "dialog_leave": "back"}
    heading = "Sampling"
    DEFAULT_CSS = """
    LiveScreen > .box { height: 80%; }
    .-low LiveScreen > .box { height: 100%; }
    """

    class Ready(Message):
        """The figures are there; or, with an error, not."""

        def __init__(self, rows: Sequence[LiveRow], error: str = "") -> None:
            super().__init__()
            self.rows, self.error = rows, error

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def content(self) -> ComposeResult:
        """What is going on, the LLMs."""
        yield Bar(id="live-title")
        yield RowTable(id="live")

    def on_mount(self) -> None:
        """Starts to look."""
        self.query_one(Bar).show(line(("reading …", "muted")))
        self.query_one(RowTable).focus()
        self.set_interval(EVERY, self.read)
        self.read()

    @work(thread=True, exclusive=True, group="live", exit_on_error=False)
    def read(self) -> None:
        """Reads in a thread."""
        try:
            self.post_message(self.Ready(live_rows(self._run.cache, self._run.benchmark)))
        except Exception as error:  # a damaged file must not end in a traceback
            self.post_message(self.Ready((), str(error) or type(error).__name__))

    @on(Ready)
    def _ready(self, message: Ready) -> None:
        running = sum(each.running for each in message.rows)
        told = f"{running} being sampled" if running else "nothing is being sampled: selectllm generate"
        what = line((message.error, "warn")) if message.error else line((told, "accent" if running else "muted"))
        self.query_one(Bar).flow(what, line(("single samples of all splits", "muted")))
        self.query_one(RowTable).show(live_table(message.rows))


def live_table(rows: Sequence[LiveRow]) -> ListRows:
    """The rows for the table, their intervals on one scale."""
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    scale = min(ends, default=0.0), max(ends, default=1.0)
    return ListRows(COLUMNS, [row.llm for row in rows], [_cells(row, scale) for row in rows])


def _cells(row: LiveRow, scale: tuple[float, float]) -> list[Cell]:
    half = None if row.low is None or row.high is None else (row.high - row.low) / 2
    wanted = f"/{formats.count(row.wanted)}" if row.wanted else ""
    return [
        named(row.llm, "strong" if row.running else "plain", ("▸ " if row.running else "  ", "accent")),
        line((f"{formats.count(row.samples)}{wanted}", "muted")),
        line(formats.percent(row.accuracy)),
        partial(formats.interval, row.low, row.accuracy, row.high, scale),
        line((formats.percent(half), "muted")),
        line("" if row.tokens_per_second is None else formats.count(round(row.tokens_per_second))),
        line((formats.percent(row.silent), "muted")),
    ]
