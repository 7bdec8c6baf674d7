"""A few lines of spans that stand above or below a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_tui.widgets.paint import Line, Painting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size
    from textual.strip import Strip

__all__ = ["Bar"]


class Bar(Painting):
    """Lines of spans, cut where they are too long."""

    DEFAULT_CSS = "Bar { height: auto; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: Sequence[Line] = ((),)

    def show(self, *lines: Line) -> None:
        """Other lines."""
        taller = len(lines) != len(self._lines)
        self._lines = lines
        self.refresh(layout=taller)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as there are."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        spans = self._lines[y] if y < len(self._lines) else ()
        return self.painted(spans)
