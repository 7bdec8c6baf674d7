"""The line in which a search is typed; the list narrows with every letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from selectllm_tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

__all__ = ["SearchScreen"]

# that find questions
TERMS = 'word  "two words"  -word  ~regex  3+  5-  vote<60  sub:subject  by:llm  mark:  note:word  -mark:'


class SearchScreen(Dialog[str]):
    """Enter keeps the search, escape the one before."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]
    DEFAULT_CSS = """
    SearchScreen { align: center bottom; background: transparent; }
    SearchScreen Input { border: round $accent; height: 3; border-title-color: $accent; }
    """

    def __init__(self, text: str, look: Callable[[str], None], what: str = TERMS, *, title: str = "Search") -> None:
        super().__init__()
        self._text, self._look, self._what, self._title = text, look, what, title

    def compose(self) -> ComposeResult:
        """The line."""
        line = Input(self._text, placeholder=self._what, select_on_focus=False)
        line.border_title = self._title
        yield line

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._look(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
