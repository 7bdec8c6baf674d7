"""The screen in ASCII, for terminals and fonts that lack the rest: every glyph by one of the same width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

__all__ = ["AsciiGlyphs", "in_ascii"]

_BRAILLE = range(0x2800, 0x2900)
_GLYPHS: dict[str, str] = {
    **{chr(code): "+" for code in range(0x2500, 0x2580)},  # corners and crossings of lines
    **{chr(code): "#" for code in range(0x2580, 0x25A0)},  # blocks
    **dict.fromkeys("─━═╌┄┈▔▁⎯", "-"),
    **dict.fromkeys("│┃║▏▎▍▌▐▕▊▉", "|"),
    **dict.fromkeys("█▇▆▅▓", "#"),
    **dict.fromkeys("▄▃▀■▒", "="),
    **dict.fromkeys("▂░·∙•", "."),
    "✓": "+",
    "✗": "x",
    "●": "o",
    "○": ".",
    "◇": "<",
    "◆": "*",
    "★": "*",
    "▲": "^",
    "▼": "v",
    "▸": ">",
    "▶": ">",
    "◀": "<",
    "←": "<",
    "→": ">",
    "↑": "^",
    "↓": "v",
    "↵": "$",  # as cat -A shows where a line ends; / is a key
    "…": "~",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "λ": "l",
    "τ": "t",
    "μ": "u",
    "Δ": "d",
    "≥": ">",
    "≤": "<",
    "≈": "~",
    "◐": "o",
    "⌕": "/",
    "⚠": "!",
    "²": "2",
    "∞": "8",
    "±": "+",
    "◉": "@",
    "⚑": "M",  # the keys that mark and note
    "✎": "#",
    "🔎": "/ ",  # the palette's, of two cells
    "⟨": "<",  # what takes the place of invisible characters
    "⟩": ">",
    "⇥": ">",
    "◌": ".",
    **{chr(code): "?" for code in range(0x2400, 0x2427)},
    **{chr(code): " " if code == _BRAILLE.start else "." for code in _BRAILLE},
}
_TABLE = str.maketrans(_GLYPHS)


def in_ascii(text: str) -> str:
    """The explorer's own glyphs by ASCII ones; letters of other scripts stay, which are somebody's text."""
    return text if text.isascii() else text.translate(_TABLE)


class AsciiGlyphs(LineFilter):
    """Paints every line of the screen in ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same segments with other glyphs."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
