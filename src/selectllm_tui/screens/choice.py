"""One of a few things, each with a letter of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual import on
from textual.containers import Vertical

from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.paint import line, named
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual import events
    from textual.app import ComposeResult

__all__ = ["Choice", "ChoiceScreen"]

FEW = 9  # choices that a box takes the height of; more scroll
LONGEST_NAME = 44  # cells


class Choice(NamedTuple):
    """A letter, a name, and what it is in a few words."""

    letter: str
    name: str
    what: str


class ChoiceScreen(Dialog[str]):
    """Dismisses with the key of what was chosen; the letter that opened it, pressed again, takes the first."""

    DEFAULT_CSS = """
    ChoiceScreen > .box { max-width: 72; }
    ChoiceScreen RowTable { height: auto; }
    ChoiceScreen.-many > .box { height: 90%; }
    ChoiceScreen.-many RowTable { height: 1fr; }
    """

    def __init__(self, title: str, choices: Mapping[str, Choice], *, again: str = "") -> None:
        super().__init__()
        self._title, self._choices, self._again = title, choices, again

    def compose(self) -> ComposeResult:
        """A row per choice."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield RowTable(id="choices", header=False, gap=2)

    def on_mount(self) -> None:
        """Fills the rows."""
        self.set_class(len(self._choices) > FEW, "-many")
        longest = max((cell_len(visible(each.name)) for each in self._choices.values()), default=0)
        name = Column("name", "", min(max(longest, 10), LONGEST_NAME))
        columns = (Column("key", "", 1), name, Column("what", "", 10, flex=1, drop=1))
        lines: list[list[Cell]] = [
            [line((letter, "accent")), named(title, "plain"), line((what, "muted"))]
            for letter, title, what in self._choices.values()
        ]
        self.query_one(RowTable).show(ListRows(columns, list(self._choices), lines))
        self.query_one(RowTable).focus()

    def on_key(self, event: events.Key) -> None:
        """Chooses by a letter."""
        letters = {each.letter: key for key, each in self._choices.items()}
        if self._again:
            letters.setdefault(self._again, next(iter(self._choices)))
        found = letters.get(event.character) if event.character is not None else None
        if found is not None:
            event.stop()
            self.dismiss(found)

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        self.dismiss(message.key)
