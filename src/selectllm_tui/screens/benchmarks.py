"""The benchmarks of the cache; choosing one opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.message import Message

from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.stored_benchmarks import StoredBenchmark, stored_benchmarks
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.paint import line, named
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from selectllm_engine.store import Cache

__all__ = ["RECORDED", "BenchmarkScreen", "benchmark_rows"]

RECORDED = "recorded run, comes with selectllm"
COLUMNS = (
    Column("benchmark", "  benchmark", 12, flex=1),
    Column("llms", "LLMs", 4, align="right", drop=1),
    Column("questions", "questions", 9, align="right", drop=2),
    Column("date", "newest LLM", 10, drop=3),
    Column("what", "", len(RECORDED), drop=4),
)


def benchmark_rows(found: Sequence[StoredBenchmark], current: str = "") -> ListRows:
    """One row per benchmark; the recorded run is called that, whatever there is room for."""
    lines: list[list[Cell]] = [
        [
            named(
                each.name,
                "strong" if each.name == current else "plain",
                ("▸ " if each.name == current else "  ", "accent"),
                after="recorded" if each.recorded else "",
            ),
            line((formats.MISSING if each.llms is None else formats.count(each.llms), "plain")),
            line((formats.MISSING if each.questions is None else formats.count(each.questions), "plain")),
            line((each.date, "muted")),
            line((RECORDED if each.recorded else "", "muted")),
        ]
        for each in found
    ]
    return ListRows(COLUMNS, [each.name for each in found], lines)


class BenchmarkScreen(Dialog[str]):
    """Dismisses with the name of the benchmark to open."""

    HINTS: ClassVar[dict[str, str]] = {"table_open": "open", "dialog_leave": "stay"}
    heading = "Open a benchmark"
    DEFAULT_CSS = "BenchmarkScreen > .box { height: 80%; } BenchmarkScreen RowTable { height: 1fr; }"

    class Looked(Message):
        """What there is to say of each benchmark."""

        def __init__(self, found: list[StoredBenchmark]) -> None:
            super().__init__()
            self.found = found

    def __init__(self, cache: Cache, current: str) -> None:
        super().__init__()
        self._cache, self._current = cache, current

    def content(self) -> ComposeResult:
        """A row per benchmark."""
        yield RowTable(id="benchmarks", gap=2)

    def on_mount(self) -> None:
        """Names at once, the rest when it is read."""
        self._show([StoredBenchmark(name) for name in self._cache.benchmarks()])
        self.query_one(RowTable).focus()
        self.look_at_all()

    @work(thread=True, exit_on_error=False)
    def look_at_all(self) -> None:
        """Reads in a thread."""
        self.post_message(self.Looked(stored_benchmarks(self._cache)))

    @on(Looked)
    def _looked(self, message: Looked) -> None:
        self._show(message.found)

    def _show(self, found: list[StoredBenchmark]) -> None:
        table = self.query_one(RowTable)
        table.show(benchmark_rows(found, self._current), cursor=table.key or self._current)

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        self.dismiss(message.key)
