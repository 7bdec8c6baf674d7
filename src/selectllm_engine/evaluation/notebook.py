"""How results show in a notebook: small HTML tables. Names come from data, so that nothing of them is read as markup.

What a terminal shows goes through `selectllm_tui.untrusted`; this is the engine's own, for it knows no terminal.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["html_table", "percent", "plain"]

MISSING = "–"


def plain(text: object) -> str:
    """A text for HTML: markup escaped, control and bidirectional characters as their codes."""
    return escape("".join(_shown(char) for char in str(text)))


def _shown(char: str) -> str:
    return char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()


def percent(share: float | None) -> str:
    """A fraction in percent with one decimal."""
    return MISSING if share is None else f"{100 * share:.1f}"


def html_table(caption: str, heads: Sequence[str], sections: Iterable[Iterable[Sequence[str | None]]]) -> str:
    """A table of texts with a caption: one head per column, rows by section; the first column is on the left."""
    head = _row("th", heads)
    bodies = ("".join(_row("td", row) for row in rows) for rows in sections)
    body = "".join(f"<tbody>{each}</tbody>" for each in bodies if each)
    return f"<table><caption{_LEFT}>{plain(caption)}</caption><thead>{head}</thead>{body}</table>"


_LEFT = ' style="text-align: left"'


def _row(tag: str, cells: Sequence[str | None]) -> str:
    texts = (plain(MISSING if cell is None else cell) for cell in cells)
    return "<tr>" + "".join(f"<{tag}{'' if at else _LEFT}>{text}</{tag}>" for at, text in enumerate(texts)) + "</tr>"
