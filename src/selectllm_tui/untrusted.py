"""The one path from data to a screen: text that anyone may have written, made visible and harmless.

Question text, model output, names and file contents can hold terminal escapes, bidirectional overrides, invisible
characters or markup. `visible` turns each such character into a printable mark (`␛`, `⟨U+202E⟩`) and `safe` wraps the
result so that Rich reads no markup in it. Letters of every script stay as they are.

Inside emoji sequences the joiner and the presentation selector are dropped rather than marked: terminals disagree on
the width of joined emoji, and apart they read the same. Anywhere else both are marked, so nothing can hide in them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["safe", "visible"]

MARKS_PER_LETTER = 4  # no orthography stacks more; a flood of them would paint over the neighbouring lines

# Every character has a kind; the rules are patterns over the string of kinds, which is as long as the text.
_PLAIN, _MARK, _HIDDEN, _EMOJI, _JOINER, _SELECTOR, _NEWLINE, _RETURN, _TAB = ".MXEJVNRT"
_SPECIAL = re.compile(
    r"(?P<drop>(?<=E)V?J(?=E)|(?<=E)V)"
    rf"|(?P<flood>(?<={_MARK * MARKS_PER_LETTER})M+)"
    r"|(?P<lone>(?<![.EM])M)"
    r"|(?P<newline>R?N)|(?P<tab>T)|(?P<hidden>[XJVR])"
)
_NAMED = {0x200D: _JOINER, 0xFE0E: _SELECTOR, 0xFE0F: _SELECTOR, 0x0A: _NEWLINE, 0x0D: _RETURN, 0x09: _TAB}
# Printable by category, yet drawn as nothing: fillers, grapheme joiner, vowel placeholders, variation selectors.
_BLANK = frozenset(
    {
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0),
        *range(0xFE00, 0xFE0E),
        *range(0xE0100, 0xE01F0),
    }
)


def _kind(code: int) -> str:
    if code in _NAMED:
        return _NAMED[code]
    char = chr(code)
    if code in _BLANK or not (char.isprintable() or unicodedata.category(char) == "Zs"):
        return _HIDDEN
    if 0x1161 <= code <= 0x11FF or unicodedata.category(char) in {"Mn", "Me"}:
        return _MARK  # Korean vowels and finals stack like combining marks
    if 0x2190 <= code <= 0x2BFF or 0x1F000 <= code <= 0x1FAFF:
        return _EMOJI
    return _PLAIN


class _Kinds(dict[int, str]):
    """Kinds by code point, worked out when first met: a table for `str.translate`."""

    def __missing__(self, code: int) -> str:
        kind = _kind(code)
        if len(self) < 20_000:  # hostile text may use every code point there is
            self[code] = kind
        return kind


_KINDS = _Kinds()


def visible(text: str, *, limit: int | None = None, newlines: bool = False) -> str:
    """`text` with every control, invisible or direction-changing character shown as a printable mark.

    Args:
        text: anything, lone surrogates included.
        limit: most characters of the result; what is longer is cut and ends in `…`.
        newlines: keep line breaks, and show tabs as four spaces; otherwise both become marks (`↵`, `⇥`).

    Applying it twice changes nothing more.
    """
    cut = False
    if limit is not None and len(text) > 8 * limit:  # no need to look at megabytes to show a line of them
        text, cut = text[: 8 * limit], True
    if not (text.isascii() and text.isprintable()):
        text = _mark(text, newlines=newlines)
    if limit is not None and (cut or len(text) > limit):
        text = text[: max(limit - 1, 0)] + "…"
    return text


def safe(text: str, style: str = "", *, limit: int | None = None, newlines: bool = False) -> Text:
    """`visible` text for Rich: no markup is read in it and nothing in it is highlighted."""
    from rich.text import Text

    return Text(visible(text, limit=limit, newlines=newlines), style=style)


def _mark(text: str, *, newlines: bool) -> str:
    text = text.replace("\ufe0f\u20e3", "\u20e3")  # keycaps: the selector between a digit and its box
    kinds = text.translate(_KINDS)
    parts: list[str] = []
    end = 0
    for match in _SPECIAL.finditer(kinds):
        start = match.start()
        parts.append(text[end:start])
        end = match.end()
        match match.lastgroup:
            case "drop":
                pass
            case "flood":
                parts.append(f"⟨+{end - start} marks⟩")
            case "lone":
                parts.append(f"◌{text[start]}")
            case "newline":
                parts.append("\n" if newlines else "↵")
            case "tab":
                parts.append("    " if newlines else "⇥")
            case _:
                parts.append(_name(ord(text[start])))
    parts.append(text[end:])
    return "".join(parts)


def _name(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode has a picture for each of the first control characters
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
