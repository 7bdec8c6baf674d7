"""In which form to save what is on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.widgets.cells import Column, ListRows
from selectllm_tui.widgets.paint import line
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["FORMS", "ExportScreen"]

FORMS = {
    ".csv": ("c", "CSV", "the table, for spreadsheets and notebooks"),
    ".md": ("m", "Markdown", "the table, for a document"),
    ".svg": ("s", "SVG", "the screen as it is"),
}


class ExportScreen(Dialog[str]):
    """Dismisses with the suffix of the chosen form."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"choose('{suffix}')", name, show=False) for suffix, (key, name, _) in FORMS.items()
    ]
    DEFAULT_CSS = "ExportScreen > .box { max-width: 64; } ExportScreen RowTable { height: auto; }"

    def __init__(self, *, table: bool) -> None:
        super().__init__()
        self._suffixes = [suffix for suffix in FORMS if table or suffix == ".svg"]

    def compose(self) -> ComposeResult:
        """A row per form."""
        with Vertical(classes="box") as box:
            box.border_title = "Export into this folder"
            yield RowTable(id="forms", header=False, gap=2)

    def on_mount(self) -> None:
        """Fills the rows."""
        columns = (Column("key", "", 1), Column("name", "", 8), Column("what", "", 10, flex=1))
        lines = []
        for suffix in self._suffixes:
            key, name, what = FORMS[suffix]
            lines.append([line((key, "accent")), line(name), line((what, "muted"))])
        self.query_one(RowTable).show(ListRows(columns, self._suffixes, lines))
        self.query_one(RowTable).focus()

    def action_choose(self, suffix: str) -> None:
        """Chooses a form by its key."""
        if suffix in self._suffixes:
            self.dismiss(suffix)

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        self.dismiss(message.key)
