"""Marks that a terminal's encoding lacks, as words: right and wrong must never look alike."""

from __future__ import annotations

import codecs
import sys

__all__ = ["mark", "words_for_marks"]

_ERRORS = "selectllm-words"
_WORDS = {
    "✓": "right",
    "✗": "wrong",
    "⚠": "warning:",
    "◐": "partly",
    "★": "*",
    "–": "-",
    "—": "-",
    "−": "-",
    "·": "-",
    "…": "...",
    "×": "x",
    "→": "->",
    "±": "+-",
    "≥": ">=",
    "≤": "<=",
    "█": "#",
    "─": "-",
    "━": "-",
    "│": "|",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "\u00a0": " ",
    "↵": "\\n",
    **{mark: f"^{digit}" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_WORDS.get(each, "?") for each in error.object[error.start : error.end]), error.end


def words_for_marks() -> None:
    """Have both output streams write words, and else a question mark, for what their encoding lacks."""
    codecs.register_error(_ERRORS, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)


def mark(symbol: str, word: str) -> str:
    """A mark for standard output, or the word where it can't be written; so that columns are as wide as they look."""
    try:
        symbol.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return word
    return symbol
