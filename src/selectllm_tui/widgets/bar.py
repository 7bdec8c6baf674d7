"""A few lines of spans that stand above or below a table, or parts that flow onto as many lines as they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.paint import Line, Painting, Span, fit, width_of
from selectllm_tui.widgets.textview import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size
    from textual.strip import Strip

__all__ = ["Bar"]

GAP = 3  # cells between parts that flow
LINES = 3  # that one of them may take


class Bar(Painting):
    """Lines of spans, cut where they are too long."""

    DEFAULT_CSS = "Bar { height: auto; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: Sequence[Line] = ((),)
        self._parts: Sequence[Line] = ()

    def show(self, *lines: Line) -> None:
        """Other lines."""
        self._set(lines, ())

    def flow(self, *parts: Line) -> None:
        """Parts beside each other, onto further lines where the width ends."""
        self._set((), tuple(part for part in parts if part))

    def _set(self, lines: Sequence[Line], parts: Sequence[Line]) -> None:
        before = len(self._laid_out(self.size.width))
        self._lines, self._parts = lines, parts
        height = self.styles.height
        by_lines = height is None or height.is_auto
        self.refresh(layout=by_lines and before != len(self._laid_out(self.size.width)))

    def _laid_out(self, width: int) -> Sequence[Line]:
        if not self._parts:
            return self._lines
        rows: list[list[Span]] = [[]]
        used = 0
        for part in self._parts:
            size = width_of(part)
            if size > width > 0:  # a sentence; a name of any length takes no more than a few lines
                short = [(visible(text, limit=LINES * width), style) for text, style in part]
                rows = [*(rows if used else rows[:-1]), *wrap(short, width)[:LINES]]
                used = width
                continue
            if used and used + GAP + size > width:
                rows.append([])
                used = 0
            if used:
                rows[-1].append((" " * GAP, "plain"))
                used += GAP
            rows[-1].extend(part)
            used += size
        return rows

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as it takes."""
        return len(self._laid_out(width))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, height = self.size
        lines = self._laid_out(width)
        if y == height - 1 and len(lines) > height:  # there is more than room for it
            return self.painted([*fit(lines[y], width - 2), (" …", "muted")])
        return self.painted(lines[y] if y < len(lines) else ())
