"""Tables on standard output, notes and progress on standard error: the one place that writes for all commands.

Fractions stay fractions in the machine formats (JSON, CSV); tables for people (terminal, Markdown, LaTeX) show percent.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from selectllm_tui.cli.options import Format
from selectllm_tui.untrusted import safe, visible

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Column",
    "error_console",
    "note",
    "number",
    "output_console",
    "p_value",
    "percent",
    "write_json",
    "write_table",
]

MISSING = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the row's field, its heading, and how a value is shown to people.

    `drop` columns leave a terminal that is too narrow, the highest first; other forms have them all.
    """

    field: str
    title: str
    show: Callable[[Any], str] = str
    align: Literal["left", "right"] = "right"
    drop: int = 0


def text(value: Any) -> str:
    """Any value as text; a dash where there is none."""
    return MISSING if value is None else visible(str(value))


def number(digits: int) -> Callable[[float | None], str]:
    """A number with so many decimals."""
    return lambda value: MISSING if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A fraction as percent with one decimal, without the sign."""
    return MISSING if value is None else f"{100 * value:.1f}"


def p_value(value: float | None) -> str:
    """A p-value as papers print it."""
    if value is None:
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def output_console() -> Console:
    """Standard output for Rich: no markup, no emoji codes, no highlighting of data."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def error_console() -> Console:
    """Standard error for progress displays."""
    from rich.console import Console

    return Console(stderr=True, markup=False, emoji=False, highlight=False)


def note(message: str) -> None:
    """One line for people on standard error."""
    sys.stderr.write(f"{visible(message)}\n")


def write_json(value: Any) -> None:
    """JSON alone on standard output, plain ASCII, so that a terminal acts on nothing in it."""
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_table(
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    form: Format,
    *,
    title: str = "",
    footnotes: Sequence[str] = (),
    styles: Sequence[str] = (),
) -> None:
    """Write rows in any form but JSON, whose shape is each command's own (`write_json`).

    Args:
        columns: what is shown; CSV has every field of the rows instead.
        rows: mappings with the columns' fields.
        form: table, csv, markdown or latex; json writes the rows alone.
        title: a line above the table.
        footnotes: lines below it.
        styles: a Rich style per row, for a terminal.
    """
    match form:
        case Format.JSON:
            write_json(list(rows))
        case Format.CSV:
            _csv(columns, rows)
        case Format.MARKDOWN:
            _markdown(columns, _cells(columns, rows), title, footnotes)
        case Format.LATEX:
            _latex(columns, _cells(columns, rows), title, footnotes)
        case Format.TABLE if sys.stdout.isatty():
            _rich(columns, rows, title, footnotes, styles)
        case Format.TABLE:
            _plain(columns, _cells(columns, rows), title, footnotes)


def _cells(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [[visible(column.show(row.get(column.field))) for column in columns] for row in rows]


def _csv(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
    fields = list(rows[0]) if rows else [column.field for column in columns]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(fields)
    for row in rows:
        writer.writerow(["" if row[each] is None else visible(str(row[each])) for each in fields])


def _plain(columns: Sequence[Column], cells: Sequence[Sequence[str]], title: str, footnotes: Sequence[str]) -> None:
    from rich.cells import cell_len

    lines = [[column.title for column in columns], *cells]
    widths = [max(cell_len(line[at]) for line in lines) for at in range(len(columns))]
    if title:
        sys.stdout.write(f"{visible(title)}\n\n")
    for line in lines:
        padded = [
            " " * (width - cell_len(cell)) + cell if column.align == "right" else cell + " " * (width - cell_len(cell))
            for cell, width, column in zip(line, widths, columns, strict=True)
        ]
        sys.stdout.write("  ".join(padded).rstrip() + "\n")
    if footnotes:
        sys.stdout.write("\n" + "".join(f"{visible(each)}\n" for each in footnotes))


def _rich(
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    title: str,
    footnotes: Sequence[str],
    styles: Sequence[str],
) -> None:
    from rich import box
    from rich.table import Table

    console = output_console()
    columns = _fitting(columns, rows, console.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(safe(column.title), justify=column.align, no_wrap=True, overflow="ellipsis")
    for at, cells in enumerate(_cells(columns, rows)):
        table.add_row(*[safe(cell) for cell in cells], style=styles[at] if styles else None)
    if title:
        console.print(safe(title, "bold"))
        console.print()
    console.print(table)
    if footnotes:
        console.print()
    for each in footnotes:
        console.print(safe(each, "dim"))


def _fitting(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], width: int) -> list[Column]:
    """The columns without those that may be dropped, as far as the terminal is too narrow."""
    from rich.cells import cell_len

    kept = list(columns)
    while True:
        cells = [[column.title for column in kept], *_cells(kept, rows)]
        needed = sum(max(cell_len(line[at]) for line in cells) + 2 for at in range(len(kept)))
        last = max(kept, key=lambda column: column.drop)
        if needed <= width or not last.drop:
            return kept
        kept.remove(last)


_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\|*_`<>[]"})
_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": "$<$", ">": "$>$", "–": "--", "±": r"$\pm$"}
)


def _markdown(columns: Sequence[Column], cells: Sequence[Sequence[str]], title: str, footnotes: Sequence[str]) -> None:
    def line(parts: Sequence[str]) -> str:
        return "| " + " | ".join(parts) + " |\n"

    out = sys.stdout.write
    if title:
        out(f"**{visible(title).translate(_MARKDOWN)}**\n\n")
    out(line([column.title.translate(_MARKDOWN) for column in columns]))
    out(line(["---:" if column.align == "right" else "---" for column in columns]))
    for row in cells:
        out(line([cell.translate(_MARKDOWN) for cell in row]))
    for each in footnotes:
        out(f"\n{visible(each).translate(_MARKDOWN)}\n")


def _latex(columns: Sequence[Column], cells: Sequence[Sequence[str]], title: str, footnotes: Sequence[str]) -> None:
    def line(parts: Sequence[str]) -> str:
        return " & ".join(part.translate(_LATEX) for part in parts) + " \\\\\n"

    out = sys.stdout.write
    if title:
        out(f"% {visible(title)}\n")
    out(f"\\begin{{tabular}}{{{''.join('r' if column.align == 'right' else 'l' for column in columns)}}}\n\\toprule\n")
    out(line([column.title for column in columns]))
    out("\\midrule\n")
    for row in cells:
        out(line(row))
    out("\\bottomrule\n\\end{tabular}\n")
    for each in footnotes:
        out(f"% {visible(each)}\n")
