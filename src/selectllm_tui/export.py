"""What is on the screen as files: a table as CSV or Markdown, the screen as SVG."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.cells import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selectllm_tui.widgets.cells import Rows

__all__ = ["free_path", "to_csv", "to_markdown"]

WIDE = 60  # cells for columns that draw themselves by width


def _table(rows: Rows) -> Iterator[list[str]]:
    """Titles, then every row as text; rules and columns that only draw bars are left out."""
    kept = [at for at, column in enumerate(rows.columns) if column.export]
    yield [rows.columns[at].title.strip() or rows.columns[at].key for at in kept]
    for place in range(len(rows)):
        if rows.key(place):
            cells = rows.cells(place)
            yield [visible("".join(text for text, _ in drawn(cells[at], WIDE)).strip()) for at in kept]


def to_csv(rows: Rows) -> str:
    """The table as CSV. A leading `=`, `+`, `-` or `@` of text is quoted, so that no spreadsheet runs it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for cells in _table(rows):
        writer.writerow([f"'{cell}" if re.match(r"[=+@]|-(?![\d.])", cell) else cell for cell in cells])
    return out.getvalue()


def to_markdown(rows: Rows) -> str:
    """The table as Markdown."""
    lines = []
    for number, cells in enumerate(_table(rows)):
        lines.append("| " + " | ".join(re.sub(r"([\\|`*_<\[])", r"\\\1", cell) for cell in cells) + " |")
        if number == 0:
            rule = ["---:" if column.align == "right" else "---" for column in rows.columns if column.export]
            lines.append("|" + "|".join(rule) + "|")
    return "\n".join(lines) + "\n"


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """A path in the folder that doesn't exist yet."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "selectllm"
    path, number = folder / f"{stem}{suffix}", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path
