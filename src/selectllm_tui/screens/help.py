"""What the keys do and what the figures mean, those of the tab on the screen first; a key can be found, and pressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widgets import Input

from selectllm_tui.commands import Command
from selectllm_tui.keymap import COMMANDS
from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import USUAL, Keys, keys_in
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.tabs import TABS
from selectllm_tui.widgets.cells import Column, ListRows
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.textview import wrap

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from selectllm_tui.widgets.paint import Span

__all__ = ["PARTS", "HelpEntry", "HelpScreen", "help_entries"]

PARTS: dict[str, str] = {  # `{undo}` stands for the key of that command
    "pool": (
        "The LLMs of the run, ● switched on, with their accuracy and seconds on the split that is shown; below, what "
        "is known of the one under the cursor. Numbers or {toggle_here} switch one, here the letters of those beyond "
        "the ninth, too (from anywhere {switch_llm} and the letter); {only} leaves only it on, {all} switches all on. "
        "{search_pool} lists those whose names have some words, {toggle_listed} switches all that are listed, {back} "
        "lists all again."
    ),
    "routers": (
        "The trained routers. {table_open} uses the one under the cursor, {router} the next. Those with `no new text` "
        "can't route a question of your own here: they need an encoder, or only their predictions are known."
    ),
    "policies": (
        "How a router's probabilities become a choice. {table_open} uses the policy under the cursor; {sliders_less} "
        "and {sliders_more} move its slider, {less} and {more} that of the policy in use. K is the number of samples "
        "that vote: {k_less} and {k_more} move it."
    ),
}
WIDTH = 76  # cells of a line, until it is known how many there are
KEYS = 12  # cells of a command's keys, where there is room for them


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """A paragraph of the help; `command` is the one that it is about, and that enter does."""

    spans: tuple[Span, ...]
    command: Command | None = None


def help_entries(tab: str, part: str = "", words: str = "", keys: Keys = USUAL) -> list[HelpEntry]:
    """The help: about the focused part and the tab, then every key by section, the tab's own first.

    With `words` only the commands that have all of them in their keys, their name or what they do.
    """
    wanted = words.casefold().split()
    own = [each for each in COMMANDS if each.tabs and tab in each.tabs]
    sections: dict[str, list[HelpEntry]] = {}
    for command, written in keys.listed([*own, *(each for each in COMMANDS if each not in own)]):
        section = f"On {TABS[tab].title}" if command in own else command.section
        told = keys.worded(command.help)
        said = f"{written} {command.setting} {command.title} {told} {section}".casefold()
        if all(each in said for each in wanted):
            entry = HelpEntry(((f"{written:>{KEYS}}", "accent"), ("  ", "plain"), (told, "plain")), command)
            sections.setdefault(section, []).append(entry)
    made = [] if wanted else _about(tab, part, keys)
    for title, entries in sections.items():
        made += [*([HelpEntry(())] if made else []), HelpEntry(((title, "strong"),)), *entries]
    return made or [HelpEntry((("no key does that", "muted"),))]


def _about(tab: str, part: str, keys: Keys) -> list[HelpEntry]:
    titled = [(TABS[tab].title, TABS[tab].about)]
    if part in PARTS:
        titled.insert(0, (part.capitalize(), PARTS[part]))
    made: list[HelpEntry] = []
    for title, text in titled:
        made += [
            *([HelpEntry(())] if made else []),
            HelpEntry(((title, "accent"),)),
            HelpEntry(((keys.worded(text), "plain"),)),
        ]
    return made


class HelpScreen(Dialog[Command]):
    """Lines with a cursor. Dismisses with the command that is to be done."""

    HINTS: ClassVar[dict[str, str]] = {"help_search": "search", "table_open": "press the key", "dialog_leave": "back"}
    BINDINGS: ClassVar[list[BindingType]] = bindings("help")
    heading = "Help"
    DEFAULT_CSS = """
    HelpScreen > .box { height: 90%; }
    HelpScreen Input { display: none; }
    HelpScreen Input.-shown { display: block; }
    """

    def __init__(self, tab: str, part: str) -> None:
        super().__init__()
        self._tab, self._part = tab, part
        self._entries: list[HelpEntry] = []

    def content(self) -> ComposeResult:
        """The lines, and what is searched."""
        yield RowTable(id="help", header=False)
        yield Input(placeholder="a key, or what it does", select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        """Fills it."""
        self._show()
        for table in self.query(RowTable):
            table.focus()

    def on_resize(self) -> None:
        """Wraps again."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        if not self.query(RowTable):  # left before it was there
            return
        table = self.query_one(RowTable)
        words = self.query_one(Input).value
        self._entries = help_entries(self._tab, self._part, words, keys_in(self.app))
        width = table.scrollable_content_region.width or WIDTH
        keys, lines = [], []
        for at, entry in enumerate(self._entries):
            for number, spans in enumerate(wrap(entry.spans, width)):
                keys.append(f"{at}.{number}")
                lines.append([spans])
        first = next((at for at, each in enumerate(self._entries) if each.command is not None), 0)
        table.show(ListRows((Column("line", "", 1, flex=1),), keys, lines), cursor=f"{first}.0" if words else None)

    def action_search(self) -> None:
        """Types what is looked for."""
        line = self.query_one(Input)
        line.add_class("-shown")
        line.focus()

    @on(Input.Changed)
    def _changed(self) -> None:
        self._show()

    @on(Input.Submitted)
    def action_to_lines(self) -> None:
        """From what was typed to what was found."""
        self.query_one(RowTable).focus()

    def action_leave(self) -> None:
        """Out of the search, then out of the help."""
        line = self.query_one(Input)
        if not line.has_class("-shown"):
            self.dismiss(None)
            return
        line.remove_class("-shown")
        line.value = ""
        self.query_one(RowTable).focus()

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        if (command := self._entries[int(message.key.partition(".")[0])].command) is not None:
            self.dismiss(command)
