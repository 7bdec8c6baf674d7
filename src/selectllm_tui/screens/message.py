"""A screen for when there is nothing to explore: while it loads, where it is empty, damaged or one must choose."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import keys_in
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.formats import bar, count
from selectllm_tui.widgets.paint import Line, Span, line
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from selectllm_tui.state import Opener
    from selectllm_tui.stored_benchmarks import StoredBenchmark

__all__ = ["COMMANDS", "LoadingScreen", "ProblemScreen", "progress_line"]

# What makes results, for people who have none yet.
COMMANDS = (
    ("selectllm generate --benchmark reasoning --llm NAME=FOLDER", "sample an LLM (needs selectllm[vllm])"),
    ("selectllm import lm-eval FOLDER --benchmark NAME", "bring another tool's results"),
    ("selectllm train --all", "train routers on them"),
    ("selectllm cache verify", "find damaged files"),
    ("selectllm doctor", "see what is installed"),
)
WIDTH = 36
SURE = 2.0  # seconds after which what is left can be guessed


def progress_line(done: int, total: int, seconds: float = 0.0) -> Line:
    """How far answers are extracted, and after how many seconds: what is left is guessed from that."""
    part = done / total if total else 0.0
    filled = bar(part, WIDTH)
    left = seconds * (1 - part) / part if part and seconds > SURE else None
    return line(
        (filled, "accent"),
        ("·" * (WIDTH - len(filled)), "faint"),
        (f"  {count(done)} of {count(total)}", "muted"),
        (f", {left:.0f} s left" if left else "", "muted"),
    )


class LoadingScreen(Screen[None]):
    """While the run is read."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("loading")
    DEFAULT_CSS = """
    LoadingScreen { align: center middle; }
    LoadingScreen Bar { width: 78; max-width: 100%; height: 5; }
    """

    def compose(self) -> ComposeResult:
        """A few words in the middle."""
        yield Bar(id="loading")

    def on_mount(self) -> None:
        """Says what it does."""
        self._started = monotonic()
        self.query_one(Bar).show(line(("selectllm", "accent")), (), line(("reading results …", "muted")))

    def progress(self, done: int, total: int) -> None:
        """Answers are being extracted: done of total."""
        self.query_one(Bar).show(
            line(("selectllm", "accent"), ("  extracting answers, once", "muted")),
            (),
            progress_line(done, total, monotonic() - self._started),
            (),
            line((keys_in(self.app).hint("loading_leave"), "accent"), (" leave; what is extracted is kept", "muted")),
        )


class ProblemScreen(Screen[None]):
    """What is wrong, and what to do about it; where there are benchmarks, one can be opened."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("problem")
    DEFAULT_CSS = """
    ProblemScreen { align: center middle; }
    ProblemScreen .box {
        border: round $line; border-title-color: $accent; padding: 1 2; width: 90%; max-width: 100; height: auto;
    }
    ProblemScreen TextView { height: auto; max-height: 8; margin-bottom: 1; }
    ProblemScreen RowTable { height: auto; max-height: 12; margin-bottom: 1; }
    """

    @dataclass
    class Picked(Message):
        """A benchmark was chosen, or is what undo or redo leads to."""

        benchmark: str
        by: Opener = "choice"

    def __init__(self, problem: str, remedy: str, benchmarks: Sequence[StoredBenchmark] = ()) -> None:
        super().__init__()
        self._problem, self._remedy, self._benchmarks = problem, remedy, benchmarks

    def compose(self) -> ComposeResult:
        """The words, the benchmarks, the commands, the keys."""
        with Vertical(classes="box") as box:
            box.border_title = "selectllm"
            yield TextView(id="problem")
            if self._benchmarks:
                yield RowTable(id="benchmarks", gap=2)
            else:
                yield Bar(id="remedies")
            yield Bar(id="problem-keys")

    def on_mount(self) -> None:
        """Fills them."""
        self.query_one(TextView).show([(self._problem, "strong"), ("\n", "plain"), (self._remedy, "plain")])
        hints = {"problem_again": "try again", "problem_leave": "leave"}
        if self._benchmarks:
            from selectllm_tui.screens.benchmarks import benchmark_rows

            self.query_one("#benchmarks", RowTable).show(benchmark_rows(self._benchmarks))
            self.query_one("#benchmarks", RowTable).focus()
            hints = {"table_open": "open", **hints}
        else:
            size = max(len(command) for command, _ in COMMANDS)
            self.query_one("#remedies", Bar).show(
                *(line((f"{command:{size}}", "accent"), (f"   {what}", "muted")) for command, what in COMMANDS), ()
            )
        keys = keys_in(self.app)
        told: list[Span] = []
        for names, what in hints.items():
            told += [(keys.hint(names), "accent"), (f" {what}   ", "muted")]
        self.query_one("#problem-keys", Bar).show(line(*told))

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        self.post_message(self.Picked(message.key))
