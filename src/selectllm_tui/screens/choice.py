"""One of a few things, each with a key of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import keys_in
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.paint import line, named
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType

__all__ = ["Choice", "ChoiceScreen", "CopyScreen", "ExportScreen"]


class Choice(NamedTuple):
    """A name, and what it is in a few words."""

    name: str
    what: str


class ChoiceScreen(Dialog[str]):
    """Dismisses with the name in `[tui.keys]` of what was chosen, without what the dialog is called there."""

    DEFAULT_CSS = """
    ChoiceScreen > .box { max-width: 72; }
    ChoiceScreen RowTable { height: auto; }
    """
    scope = ""

    def __init__(self, choices: Mapping[str, Choice]) -> None:
        super().__init__()
        self._choices = choices

    def content(self) -> ComposeResult:
        """A row per choice."""
        yield RowTable(id="choices", header=False, gap=2)

    def on_mount(self) -> None:
        """Fills the rows."""
        keys = keys_in(self.app)
        signs = {name: keys.hint(f"{self.scope}_{name}") for name in self._choices}
        sign = Column("key", "", max(map(len, signs.values())))
        columns = (sign, Column("name", "", 10), Column("what", "", 10, flex=1, drop=1))
        lines: list[list[Cell]] = [
            [line((signs[name], "accent")), named(each.name, "plain"), line((each.what, "muted"))]
            for name, each in self._choices.items()
        ]
        self.query_one(RowTable).show(ListRows(columns, list(self._choices), lines))
        self.query_one(RowTable).focus()

    def action_pick(self, name: str) -> None:
        """Chooses by a key."""
        if name in self._choices:
            self.dismiss(name)

    def action_pick_first(self) -> None:
        """Chooses the first."""
        self.dismiss(next(iter(self._choices)))

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        self.dismiss(message.key)


class CopyScreen(ChoiceScreen):
    """What to copy; the key that opened it, pressed again, takes the first."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("copy")
    heading, scope = "Copy ({copy_first} again: the first)", "copy"


class ExportScreen(ChoiceScreen):
    """In which form to save."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("export")
    heading, scope = "Export into this folder", "export"
