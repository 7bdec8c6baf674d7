"""The filters of questions, with how many each leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import keys_in
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.view import FILTERS
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.cells import Column, ListRows
from selectllm_tui.widgets.paint import line
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType

__all__ = ["FilterScreen"]

ALL = "all"


class FilterScreen(Dialog[str]):
    """Dismisses with the name of a filter, with an empty one for all."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("filters")
    heading = "Filter"
    DEFAULT_CSS = "FilterScreen RowTable { height: auto; }"

    def __init__(self, current: str | None, counts: Mapping[str, int]) -> None:
        super().__init__()
        self._current, self._counts = current, counts

    def content(self) -> ComposeResult:
        """A row per filter."""
        yield RowTable(id="filter-rows", header=False, gap=2)

    def on_mount(self) -> None:
        """Fills the rows."""
        self.show(self._counts, cursor=self._current or ALL)

    def show(self, counts: Mapping[str, int], *, cursor: str | None = None) -> None:
        """The rows with these counts."""
        self._counts = counts
        if not self.query(RowTable):
            return  # it is just being opened
        keys = keys_in(self.app)
        signs = {name: keys.hint(f"filters_{name}") for name in FILTERS}
        columns = (
            Column("key", "", max(map(len, signs.values()))),
            Column("name", "", 12),
            Column("count", "", 8, align="right"),
            Column("help", "", 10, flex=1),
        )
        lines = [[(), line("all"), (), line(("every question", "muted"))]]
        for name, each in FILTERS.items():
            count = counts.get(name)
            lines.append(
                [
                    line((signs[name], "accent")),
                    line((name, "strong" if name == self._current else "plain")),
                    line((formats.count(count) if count is not None else "", "plain")),
                    line((each.sentence, "muted")),
                ]
            )
        self.query_one(RowTable).show(ListRows(columns, [ALL, *FILTERS], lines), cursor=cursor)

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        self.dismiss("" if message.key == ALL else message.key)

    def action_pick(self, name: str) -> None:
        """Chooses a filter by its own key."""
        self.dismiss(name)
