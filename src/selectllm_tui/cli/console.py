"""Tables on standard output, notes and progress on standard error: the one place that writes for all commands.

Fractions stay fractions in the machine formats (JSON, CSV); tables for people (terminal, Markdown, LaTeX) show percent.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from selectllm_tui.cli.options import Format
from selectllm_tui.notation import MISSING, csv_table, markdown, markdown_table
from selectllm_tui.untrusted import safe, visible

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Sheet",
    "SheetColumn",
    "aligned",
    "error_console",
    "fits",
    "note",
    "output_console",
    "shown_cells",
    "text",
    "write_json",
    "write_sheet",
    "write_table",
]


def text(value: object) -> str:
    """Any value as text; a dash where there is none."""
    return MISSING if value is None else visible(str(value))


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column for people: the row's field or fields, its heading, and how their values are shown.

    `drop` marks columns that are left out where no row has a value, or where a terminal is too narrow for them: the
    highest number first.
    """

    field: str | tuple[str, ...]
    title: str
    show: Callable[..., str] = text
    align: Literal["left", "right"] = "right"
    drop: int = 0

    def values(self, row: Mapping[str, object]) -> list[object]:
        """What `show` is called with."""
        fields = (self.field,) if isinstance(self.field, str) else self.field
        return [row.get(field) for field in fields]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a table says, wherever it is shown; the fields are as for `write_table`."""

    columns: Sequence[SheetColumn]
    rows: Sequence[Mapping[str, object]]
    title: str = ""
    footnotes: Sequence[str] = ()
    section: str | None = None
    styles: Sequence[str] = ()


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


def write_json(value: object) -> None:
    """JSON alone on standard output, plain ASCII, so that a terminal acts on nothing in it; objects with a schema."""
    if isinstance(value, dict):
        from selectllm_engine.evaluation.table import SCHEMA

        value = {"schema": SCHEMA, **value}
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")


def _room(form: Format) -> int | None:
    """How many characters a line has where people look, by the terminal, else $COLUMNS; None where neither says."""
    if form is not Format.TABLE:
        return None
    if sys.stdout.isatty():
        return output_console().width
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and int(said) > 0 else None


def fits(sheet: Sheet, form: Format) -> bool:
    """Whether a table with all its columns has room."""
    width = _room(form)
    return width is None or _width(_said(sheet.columns, sheet.rows), sheet.rows) <= width


def write_sheet(sheet: Sheet, form: Format, *, page: int | None = None) -> None:
    """Write a table on standard output, as `write_table` does."""
    write_table(
        sheet.columns,
        sheet.rows,
        form,
        title=sheet.title,
        footnotes=sheet.footnotes,
        section=sheet.section,
        styles=sheet.styles,
        page=page,
    )


def write_table(
    columns: Sequence[SheetColumn],
    rows: Sequence[Mapping[str, object]],
    form: Format,
    *,
    title: str = "",
    footnotes: Sequence[str] = (),
    section: str | None = None,
    styles: Sequence[str] = (),
    page: int | None = None,
) -> None:
    """Write rows on standard output.

    Args:
        columns: what people see, as far as there is room; the machine formats, csv and json, have every field of the
            rows instead.
        rows: at least one; mappings with the columns' fields.
        form: which form.
        title: a line above the table.
        footnotes: lines below it.
        section: a field; a rule separates rows that differ in it.
        styles: a Rich style per row, for a terminal.
        page: how many characters there are room for where neither a terminal nor $COLUMNS says; None for any number.
    """
    if form is Format.JSON:
        return write_json(list(rows))
    if form is Format.CSV:
        return _csv(rows)
    said, width = _said(columns, rows), _room(form) or page
    columns = said if width is None else _fitting(said, rows, width)
    if dropped := [column.title for column in said if column not in columns]:
        footnotes = [*footnotes, f"left out for want of room: {', '.join(dropped)}"]
    ends = [at for at in range(1, len(rows)) if section and rows[at - 1].get(section) != rows[at].get(section)]
    if form is Format.TABLE and sys.stdout.isatty():
        return _rich(columns, rows, title=title, footnotes=footnotes, ends=ends, styles=styles)
    cells = _cells(columns, rows)
    match form:
        case Format.MARKDOWN:
            _markdown(columns, cells, title, footnotes)
        case Format.LATEX:
            _latex(columns, cells, title, footnotes, ends)
        case _:
            _plain(columns, cells, title, footnotes)
    return None


def shown_cells(sheet: Sheet) -> tuple[list[SheetColumn], list[list[str]]]:
    """The columns that have anything to say, and every row's cells; both fit for a screen."""
    columns = _said(sheet.columns, sheet.rows)
    return columns, _cells(columns, sheet.rows)


def _said(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]]) -> list[SheetColumn]:
    return [
        replace(column, title=visible(column.title))
        for column in columns
        if not column.drop or any(_known(column, row) for row in rows)
    ]


def _known(column: SheetColumn, row: Mapping[str, object]) -> bool:
    return any(value is not None for value in column.values(row))


def _cells(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]]) -> list[list[str]]:
    return [[visible(column.show(*column.values(row))) for column in columns] for row in rows]


def _csv(rows: Sequence[Mapping[str, object]]) -> None:
    fields = list(rows[0])
    sys.stdout.write(csv_table(fields, ([row[each] for each in fields] for row in rows)))


def _plain(
    columns: Sequence[SheetColumn], cells: Sequence[Sequence[str]], title: str, footnotes: Sequence[str]
) -> None:
    if title:
        sys.stdout.write(f"{visible(title)}\n\n")
    sys.stdout.write("".join(f"{line}\n" for line in _aligned(columns, cells)))
    if footnotes:
        sys.stdout.write("\n" + "".join(f"{visible(each)}\n" for each in footnotes))


def aligned(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]]) -> list[str]:
    """A plain table as lines: the headings, and a line per row."""
    return _aligned(columns, _cells(columns, rows))


def _aligned(columns: Sequence[SheetColumn], cells: Sequence[Sequence[str]]) -> list[str]:
    from rich.cells import cell_len

    lines = [[column.title for column in columns], *cells]
    widths = [max(cell_len(line[at]) for line in lines) for at in range(len(columns))]
    padded = [
        [
            " " * (width - cell_len(cell)) + cell if column.align == "right" else cell + " " * (width - cell_len(cell))
            for cell, width, column in zip(line, widths, columns, strict=True)
        ]
        for line in lines
    ]
    return ["  ".join(each).rstrip() for each in padded]


def _rich(
    columns: Sequence[SheetColumn],
    rows: Sequence[Mapping[str, object]],
    *,
    title: str,
    footnotes: Sequence[str],
    ends: Sequence[int],
    styles: Sequence[str],
) -> None:
    from rich import box
    from rich.table import Table

    console = output_console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(safe(column.title), justify=column.align, no_wrap=True, overflow="ellipsis")
    for at, cells in enumerate(_cells(columns, rows)):
        if at in ends:
            table.add_section()
        table.add_row(*[safe(cell) for cell in cells], style=styles[at] if styles else None)
    if title:
        console.print(safe(title, "bold"))
        console.print()
    console.print(table)
    if footnotes:
        console.print()
    for each in footnotes:
        console.print(safe(each, "dim"))


def _fitting(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]], width: int) -> list[SheetColumn]:
    """The columns without those that may be dropped, as far as there is too little room."""
    kept, widths = list(columns), dict(zip(columns, _widths(columns, rows), strict=True))
    while sum(widths[column] for column in kept) + _GAP * (len(kept) - 1) > width:
        last = max(kept, key=lambda column: column.drop)
        if not last.drop:
            break
        kept.remove(last)
    return kept


def _width(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]]) -> int:
    return sum(_widths(columns, rows)) + _GAP * (len(columns) - 1)


def _widths(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]]) -> list[int]:
    from rich.cells import cell_len

    lines = [[column.title for column in columns], *_cells(columns, rows)]
    return [max(map(cell_len, column)) for column in zip(*lines, strict=True)]


_GAP = 3  # between columns, where there may be rules


_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": "$<$", ">": "$>$", "–": "--", "±": r"$\pm$", "×": r"$\times$"}
    | {"Δ": r"$\Delta$", "−": "$-$", "…": r"\dots{}"}
    | {"★": r"$\star$", "✓": r"$\surd$", "✗": r"$\times$"}  # which no font of LaTeX's own has
    | {mark: f"$^{digit}$" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
)


def _markdown(
    columns: Sequence[SheetColumn], cells: Sequence[Sequence[str]], title: str, footnotes: Sequence[str]
) -> None:
    numeric = [column.align == "right" for column in columns]
    head = f"**{markdown(title)}**\n\n" if title else ""
    foot = "".join(f"\n{markdown(each)}\n" for each in footnotes)
    sys.stdout.write(head + markdown_table([column.title for column in columns], numeric, cells) + foot)


def _latex(
    columns: Sequence[SheetColumn],
    cells: Sequence[Sequence[str]],
    title: str,
    footnotes: Sequence[str],
    ends: Sequence[int],
) -> None:
    def line(parts: Sequence[str]) -> str:
        row = " & ".join(part.translate(_LATEX) for part in parts)
        return (
            f"{'{}' if row.startswith(('[', '*')) else ''}{row} \\\\\n"  # the row above ends in \\, which takes these
        )

    out = sys.stdout.write
    if title:
        out(f"% {visible(title)}\n")
    out(f"\\begin{{tabular}}{{{''.join('r' if column.align == 'right' else 'l' for column in columns)}}}\n\\toprule\n")
    out(line([column.title for column in columns]))
    for at, row in enumerate(cells):
        if at in (0, *ends):
            out("\\midrule\n")
        out(line(row))
    out("\\bottomrule\n\\end{tabular}\n")
    for each in footnotes:
        out(f"% {visible(each)}\n")
