"""Text of any length and from anyone: wrapped once, painted by the visible lines only, parts of it highlighted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.geometry import Size
from textual.scroll_view import ScrollView

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.paint import STYLES, Line, Painting, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.strip import Strip

__all__ = ["TextView", "wrap"]

NUMBER = 4  # digits of a paragraph's number stay below
_PIECE = re.compile(r"\S+|\s+")


def wrap(spans: Iterable[Span], width: int) -> list[list[Span]]:
    """Lines of at most `width` cells; breaks between words where possible, within them where not.

    What continues an indented paragraph is indented alike, and what continues a numbered one stands below its text.
    """
    wrapper = _Wrapper(max(width, 1))
    for text, style in spans:
        for number, paragraph in enumerate(visible(text, newlines=True).split("\n")):
            if number:
                wrapper.end_paragraph()
            for piece in _PIECE.findall(paragraph):
                if piece.isspace():
                    wrapper.space(piece, style)
                else:
                    wrapper.word.append((piece, style))
    wrapper.end_word()
    return wrapper.lines


class _Wrapper:
    """Fills lines; a word may be made of several spans."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[list[Span]] = [[]]
        self.word: list[Span] = []
        self.used = self.indent = 0

    def end_paragraph(self) -> None:
        self.end_word()
        self.lines.append([])
        self.used = self.indent = 0

    def space(self, text: str, style: str) -> None:
        self.end_word()
        size = cell_len(text)
        if not self.used:
            self.indent = min(size, self.width // 4)
        elif size > 1 and self.used < NUMBER and "".join(each for each, _ in self.lines[-1]).isdigit():
            self.indent = min(self.used + size, self.width // 4)
        if self.used + size <= self.width:
            self._put(text, style, size)

    def end_word(self) -> None:
        size = sum(cell_len(text) for text, _ in self.word)
        if self.used > self.indent and self.used + size > self.width:
            self._new_line()
        for text, style in self.word:
            if self.used + cell_len(text) <= self.width:
                self._put(text, style, cell_len(text))
            else:
                self._put_by_character(text, style)
        self.word = []

    def _put(self, text: str, style: str, size: int) -> None:
        self.lines[-1].append((text, style))
        self.used += size

    def _put_by_character(self, text: str, style: str) -> None:
        start = size = 0
        for at, char in enumerate(text):
            wide = cell_len(char)
            if self.used + size + wide > self.width and (size or self.used > self.indent):
                self._put(text[start:at], style, size)
                self._new_line()
                start, size = at, 0
            size += wide
        self._put(text[start:], style, size)

    def _new_line(self) -> None:
        self.lines.append([(" " * self.indent, "plain")] if self.indent else [])
        self.used = self.indent


class TextView(ScrollView, Painting, can_focus=True, inherit_bindings=False):
    """A text that scrolls."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)
    BINDINGS = bindings("text")
    DEFAULT_CSS = "TextView { overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._spans: Sequence[Span] = ()
        self._lines: list[list[Span]] = []
        self._width = 0

    def show(self, spans: Sequence[Span]) -> None:
        """Another text."""
        self._spans = spans
        self._width = 0
        self.scroll_to(y=0, animate=False, force=True)
        self._wrap()
        height = self.styles.height
        self.refresh(layout=height is not None and height.is_auto)

    def line_of(self, style: str) -> int | None:
        """The first line that holds text of that style."""
        return next((at for at, spans in enumerate(self._lines) if any(each == style for _, each in spans)), None)

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width or 80
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

    def action_half(self, step: int) -> None:
        """Half a screenful further."""
        self.scroll_to(y=self.scroll_offset.y + step * max(self.size.height // 2, 1), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        self._wrap()
        at = y + self.scroll_offset.y
        spans: Line = self._lines[at] if at < len(self._lines) else ()
        return self.painted(spans)
