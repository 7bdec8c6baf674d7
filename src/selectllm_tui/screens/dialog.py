"""What all dialogs over the main screen share."""

from __future__ import annotations

from typing import TypeVar

from textual.binding import Binding
from textual.screen import ModalScreen

__all__ = ["Dialog"]

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A box over the main screen; escape and q leave it without a result."""

    BINDINGS = [Binding("escape,q", "leave", "leave", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > .box {
        border: round $accent; border-title-color: $accent; background: $surface; padding: 0 1;
        width: 90%; max-width: 110; height: auto; max-height: 90%;
    }
    """

    def action_leave(self) -> None:
        """Leaves without a result."""
        self.dismiss(None)
