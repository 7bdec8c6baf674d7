"""What all dialogs over the main screen share: a box with a title and its keys, or a line to type in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.containers import Vertical
from textual.markup import escape
from textual.screen import ModalScreen
from textual.widgets import Input

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import keys_in
from selectllm_tui.themes import BREAKPOINTS

if TYPE_CHECKING:
    from rich.text import Text
    from textual.app import ComposeResult
    from textual.binding import BindingType

__all__ = ["Dialog", "LineDialog"]

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A box over the main screen. Its keys are those of the table of commands; `content` is what it holds."""

    # What is named at the box's lower edge, by the commands whose keys do it.
    HINTS: ClassVar[dict[str, str]] = {"table_up table_down": "move", "table_open": "choose", "dialog_leave": "leave"}
    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog", "screen")
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > .box {
        border: round $accent; border-title-color: $accent; background: $surface; padding: 0 1;
        border-subtitle-color: $foreground 62%;
        width: 90%; max-width: 110; height: auto; max-height: 90%;
    }
    """
    heading: str | Text = ""  # of the box; `{undo}` stands for the key of that command

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box") as box:
            keys, heading = keys_in(self.app), self.heading
            box.border_title = keys.worded(heading) if isinstance(heading, str) else heading
            hints = (f"[$accent]{escape(keys.hint(names))}[/] {what}" for names, what in self.HINTS.items())
            box.border_subtitle = "   ".join(hints)
            yield from self.content()

    def content(self) -> ComposeResult:
        """What the box holds."""
        raise NotImplementedError

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leaves with a result; a second key or click that comes before it has gone does not close what lies below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def action_leave(self) -> None:
        """Leaves without a result."""
        self.dismiss(None)


class LineDialog(Dialog[T]):
    """A line to type in, at the lower edge of the screen."""

    DEFAULT_CSS = """
    LineDialog { align: center bottom; background: transparent; }
    LineDialog Input { border: round $accent; height: 3; border-title-color: $accent; }
    """
    placeholder = ""
    edge = ""  # what keys do; `{undo}` stands for the key of that command
    longest = 0  # characters, where there is a limit

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The line."""
        line = Input(self._text, placeholder=self.placeholder, select_on_focus=False, max_length=self.longest)
        line.border_title = self.heading
        line.border_subtitle = keys_in(self.app).worded(self.edge)
        yield line
