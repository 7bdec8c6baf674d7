"""Styled text to terminal cells: the one place where the explorer's widgets turn strings into strips.

A `Line` is a sequence of spans, (text, style name). Text may come from anyone: `paint` makes it visible before
measuring it, so no widget can forget to. Style names are component classes, resolved to colours by the widget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from selectllm_tui.untrusted import visible

__all__ = [
    "HEAT",
    "LONGEST",
    "STYLES",
    "Align",
    "Line",
    "Painting",
    "Span",
    "fit",
    "join",
    "line",
    "named",
    "paint",
    "shorten",
    "width_of",
]

Span = tuple[str, str]
Line = Sequence[Span]
Align = Literal["left", "right", "center"]

HEAT = 7  # shades of the heat map

# The component classes every painting widget has; themes.py gives them their colours.
STYLES = frozenset(
    f"paint--{name}"
    for name in (
        *("plain", "strong", "muted", "faint", "accent", "right", "wrong", "warn", "up", "down", "header", "hit"),
        *("right-chosen", "wrong-chosen", "muted-chosen", "cell-cursor", "badge", "found", "apart"),
        *(f"heat-{shade}" for shade in range(HEAT)),
    )
)
LONGEST = 2000  # characters of one span that can matter on one line of any screen


def line(*spans: Span | str) -> tuple[Span, ...]:
    """A line from spans and plain strings."""
    return tuple((span, "plain") if isinstance(span, str) else span for span in spans)


def width_of(spans: Line) -> int:
    """Cells that a line takes."""
    return sum(cell_len(visible(text, limit=LONGEST)) for text, _ in spans)


def fit(spans: Line, width: int, align: Align = "left") -> list[Span]:
    """A line of visible text, cut (with an ellipsis) or padded to exactly `width` cells."""
    shown = [(visible(text, limit=LONGEST), style) for text, style in spans]
    total = sum(cell_len(text) for text, _ in shown)
    if total <= width:
        left = {"left": 0, "right": width - total, "center": (width - total) // 2}[align]
        return [(" " * left, "plain"), *shown, (" " * (width - total - left), "plain")]
    kept: list[Span] = []
    room = width - 1
    for text, style in shown:
        size = cell_len(text)
        if size > room:
            kept.append((set_cell_size(text, room), style))
            kept.append(("…" if width > 0 else "", style))
            break
        kept.append((text, style))
        room -= size
    return kept


@lru_cache(maxsize=512)
def _inked(partial: Style, full: Style) -> Style:
    """`partial` in the colours of `full`, which are blended with what is behind; no background of its own, none."""
    return partial + Style(color=full.color, bgcolor=full.bgcolor if partial.bgcolor is not None else None)


class Painting(Widget):
    """A widget that paints lines: it knows the styles' colours in the current theme."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)

    _ground: Style | None = None

    def notify_style_update(self) -> None:
        """Forgets colours that a theme or a focus has changed."""
        self._ground = None
        super().notify_style_update()

    @property
    def ground(self) -> Style:
        """The widget's own colours; asking Textual for them on every line takes longer than painting it."""
        if self._ground is None:
            self._ground = self.rich_style
        return self._ground

    def style_of(self, name: str) -> Style:
        """The colours of a style name."""
        names = f"paint--{name}"
        return _inked(self.get_component_rich_style(names, partial=True), self.get_component_rich_style(names))

    def painted(self, spans: Line) -> Strip:
        """A line as wide as the widget."""
        return paint(spans, self.size.width, self.style_of, self.ground)


def paint(spans: Line, width: int, style_of: Callable[[str], Style], base: Style, align: Align = "left") -> Strip:
    """A strip of exactly `width` cells."""
    merged: list[Span] = []
    for text, style in fit(spans, width, align):
        if merged and merged[-1][1] == style:
            merged[-1] = (merged[-1][0] + text, style)
        elif text:
            merged.append((text, style))
    if base.reverse:  # a cursor of two colours: what it covers keeps its weight and loses its colour
        return Strip([Segment(text, base + _colourless(style_of(style))) for text, style in merged], width)
    return Strip([Segment(text, base + style_of(style)) for text, style in merged], width)


def _colourless(style: Style) -> Style:
    return Style(bold=style.bold, underline=style.underline)


def shorten(name: str, width: int) -> str:
    """A visible name of at most `width` cells; cut before its middle: names of a family differ at their ends."""
    name = visible(name, limit=LONGEST)
    if cell_len(name) <= width:
        return name
    head = max((width - 1) // 3, 0)
    tail = max(width - 1 - head, 0)
    start, end = set_cell_size(name, head), ""
    for char in reversed(name):
        if cell_len(char + end) > tail:
            break
        end = char + end
    return f"{start}…{end}"


def named(name: str, style: str, *before: Span, after: str = "") -> Callable[[int], Line]:
    """A cell that shortens a name to the width of its column, with something before and (muted) after it."""

    def draw(width: int) -> Line:
        room = width - width_of(before)
        short = shorten(name, room)
        rest = room - cell_len(short) - 2
        spans: list[Span] = [*before, (short, style)]
        if after and rest >= min(cell_len(visible(after, limit=LONGEST)), 6):
            spans.append((f"  {shorten(after, rest)}", "muted"))
        return spans

    return draw


def join(parts: Iterable[Line], separator: str = "  ") -> list[Span]:
    """Lines one after the other with a separator between them."""
    joined: list[Span] = []
    for part in parts:
        if joined and part:
            joined.append((separator, "plain"))
        joined.extend(part)
    return joined
