"""The line in which a note on a question is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from selectllm_engine.store import LONGEST_NOTE
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.untrusted import safe, visible

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["NoteScreen"]


class NoteScreen(Dialog[str]):
    """Dismisses with the note; empty where there shall be none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]
    DEFAULT_CSS = """
    NoteScreen { align: center bottom; background: transparent; }
    NoteScreen Input { border: round $accent; height: 3; border-title-color: $accent; }
    """

    def __init__(self, question_id: str, note: str) -> None:
        super().__init__()
        self._question, self._note = question_id, note

    def compose(self) -> ComposeResult:
        """The line."""
        line = Input(visible(self._note), placeholder="a line", select_on_focus=False, max_length=LONGEST_NOTE)
        line.border_title = safe(f"Note on {self._question}", limit=60)
        line.border_subtitle = "↵ keeps it, an empty one takes it away   esc leaves it as it was"
        yield line

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
