"""A table on the screen as Markdown, and where files of it go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selectllm_tui.notation import markdown_table
from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.cells import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selectllm_tui.widgets.cells import Rows

__all__ = ["free_path", "to_markdown"]

WIDE = 10_000  # cells for columns that draw themselves by width: no name is shortened in a file


def _saved(rows: Rows) -> list[int]:
    """The places of the columns that go into files: not those that only draw bars."""
    return [at for at, column in enumerate(rows.columns) if column.export]


def _numeric(rows: Rows) -> list[bool]:
    return [rows.columns[at].align == "right" for at in _saved(rows)]


def _table(rows: Rows) -> Iterator[list[str]]:
    """Titles, then every row as text; rules are left out."""
    kept = _saved(rows)
    yield [visible(rows.columns[at].saved or rows.columns[at].title.strip() or rows.columns[at].key) for at in kept]
    for place in range(len(rows)):
        if rows.key(place):
            cells = rows.cells(place)
            yield [
                visible(rows.columns[at].space.join(text for text, _ in drawn(cells[at], WIDE)).strip()) for at in kept
            ]


def to_markdown(rows: Rows) -> str:
    """The table as Markdown."""
    titles, *lines = _table(rows)
    return markdown_table(titles, _numeric(rows), lines)


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """A path in the folder that doesn't exist yet."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "selectllm"
    path, number = folder / f"{stem}{suffix}", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path
