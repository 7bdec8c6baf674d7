"""Text of any length and from anyone: wrapped once, painted by the visible lines only, parts of it highlighted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.geometry import Size
from textual.scroll_view import ScrollView

from selectllm_tui.commands import bindings
from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.paint import STYLES, Line, Painting, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from textual.strip import Strip

__all__ = ["TextView", "wrap"]

_WORD = re.compile(r"\S+\s*|\s+")


def wrap(spans: Iterable[Span], width: int) -> list[list[Span]]:
    """Lines of at most `width` cells; breaks between words where possible, within them where not."""
    width = max(width, 1)
    lines: list[list[Span]] = [[]]
    used = 0
    for text, style in spans:
        for number, paragraph in enumerate(visible(text, newlines=True).split("\n")):
            if number:
                lines.append([])
                used = 0
            for word in _WORD.findall(paragraph):
                for piece in _pieces(word, width):
                    size = cell_len(piece.rstrip())
                    if used and used + size > width:
                        lines.append([])
                        used = 0
                    lines[-1].append((piece, style))
                    used += cell_len(piece)
    return lines


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word cut so that each piece fits."""
    if cell_len(word.rstrip()) <= width:
        yield word
        return
    start, used = 0, 0
    for at, char in enumerate(word):
        size = cell_len(char)
        if used + size > width:
            yield word[start:at]
            start, used = at, 0
        used += size
    yield word[start:]


class TextView(ScrollView, Painting, can_focus=True):
    """A text that scrolls."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)
    BINDINGS = bindings("text")
    DEFAULT_CSS = "TextView { overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._spans: Sequence[Span] = ()
        self._lines: list[list[Span]] = []
        self._width = 0

    @property
    def plain(self) -> str:
        """The text as it is shown."""
        return "\n".join("".join(text for text, _ in each) for each in self._lines)

    def show(self, spans: Sequence[Span]) -> None:
        """Another text."""
        self._spans = spans
        self._width = 0
        self.scroll_to(y=0, animate=False, force=True)
        self._wrap()
        self.refresh(layout=True)

    def line_of(self, style: str) -> int | None:
        """The first line that holds text of that style."""
        return next((at for at, spans in enumerate(self._lines) if any(each == style for _, each in spans)), None)

    def _wrap(self) -> None:
        width = self.size.width or 80
        if width != self._width:
            self._width = width
            self._lines = wrap(self._spans, width)
            self.virtual_size = Size(width, len(self._lines))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Lines that the text takes at that width."""
        if width != self._width:
            self._width, self._lines = width, wrap(self._spans, width)
            self.virtual_size = Size(width, len(self._lines))
        return len(self._lines)

    def on_resize(self) -> None:
        """Wraps again."""
        self._wrap()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        at = y + self.scroll_offset.y
        spans: Line = self._lines[at] if at < len(self._lines) else ()
        return self.painted(spans)
