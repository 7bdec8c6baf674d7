"""The line in which a search is typed; the list narrows with every letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.widgets import Input

from selectllm_tui.screens.dialog import LineDialog

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SearchScreen"]

# that find questions
TERMS = 'word  "two words"  -word  ~regex  3+  5-  vote<60  sub:subject  by:llm  mark:  note:word  -mark:'


class SearchScreen(LineDialog[str]):
    """Enter keeps the search, escape the one before."""

    def __init__(self, text: str, look: Callable[[str], None], what: str = TERMS, *, title: str = "Search") -> None:
        super().__init__(text)
        self._look, self.placeholder, self.heading = look, what, title

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._look(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
