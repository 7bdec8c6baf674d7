"""The line in which a note on a question is typed."""

from __future__ import annotations

from textual import on
from textual.widgets import Input

from selectllm_engine.store import LONGEST_NOTE
from selectllm_tui.screens.dialog import LineDialog
from selectllm_tui.untrusted import safe, visible

__all__ = ["NoteScreen"]


class NoteScreen(LineDialog[str]):
    """Dismisses with the note; empty where there shall be none."""

    placeholder = "a line"
    edge = "↵ keeps it, an empty one takes it away   {dialog_leave} leaves it as it was"
    longest = LONGEST_NOTE

    def __init__(self, question_id: str, note: str) -> None:
        super().__init__(visible(note))
        self.heading = safe(f"Note on {question_id}", limit=60)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
