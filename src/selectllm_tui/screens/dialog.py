"""What all dialogs over the main screen share."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from selectllm_tui.themes import BREAKPOINTS

__all__ = ["Dialog"]

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A box over the main screen; escape and q leave it without a result."""

    KEYS: ClassVar[dict[str, str]] = {"↑ ↓": "move", "↵": "choose", "esc": "leave"}  # named at the box's lower edge
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "leave", show=False)]
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > .box {
        border: round $accent; border-title-color: $accent; background: $surface; padding: 0 1;
        border-subtitle-color: $foreground 62%;
        width: 90%; max-width: 110; height: auto; max-height: 90%;
    }
    """

    def on_mount(self) -> None:
        """Names the keys."""
        for box in self.query(".box"):
            box.border_subtitle = "   ".join(f"[$accent]{key}[/] {what}" for key, what in self.KEYS.items())

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leaves with a result; a second key or click that comes before it has gone does not close what lies below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def action_leave(self) -> None:
        """Leaves without a result."""
        self.dismiss(None)
