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
    "write_csv",
    "write_json",
    "write_next",
    "write_sheet",
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


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a table says, wherever it is shown.

    Attributes:
        columns: what people see, as far as there is room; the machine formats, csv and json, have every field of the
            rows instead.
        rows: at least one; mappings with the columns' fields.
        title: a line above the table.
        footnotes: lines below it.
        section: a field; a rule separates rows that differ in it.
        styles: a Rich style per row, for a terminal.
    """

    columns: Sequence[SheetColumn]
    rows: Sequence[Mapping[str, object]]
    title: str = ""
    footnotes: Sequence[str] = ()
    section: str | None = None
    styles: Sequence[str] = ()

    @property
    def ends(self) -> set[int]:
        """The rows, but for the first, with which a section begins."""
        of = [row.get(self.section) if self.section else None for row in self.rows]
        return {at for at in range(1, len(of)) if of[at - 1] != of[at]}


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
    width, columns = _room(form), _said(sheet)
    return width is None or sum(_widths(columns, _cells(columns, sheet.rows))) + _GAP * (len(columns) - 1) <= width


def write_sheet(sheet: Sheet, form: Format, *, page: int | None = None) -> None:
    """Write a table on standard output.

    `page` is how many characters there are room for where neither a terminal nor $COLUMNS says; None for any number.
    """
    if form is Format.JSON:
        return write_json(list(sheet.rows))
    if form is Format.CSV:
        return write_csv(sheet.rows)
    said, width = _said(sheet), _room(form) or page
    columns = said if width is None else _fitting(said, sheet.rows, width)
    dropped = [column.title for column in said if column not in columns]
    lacks = [f"left out for want of room: {', '.join(dropped)}"] if dropped else []
    plain = _rich if sys.stdout.isatty() else _plain
    write = {Format.MARKDOWN: _markdown, Format.LATEX: _latex}.get(form, plain)
    return write(replace(sheet, columns=columns, footnotes=[*sheet.footnotes, *lacks]), _cells(columns, sheet.rows))


def write_next(sheet: Sheet | None, form: Format) -> None:
    """Write a table that there may be, after an empty line."""
    if sheet is not None:
        sys.stdout.write("\n")
        write_sheet(sheet, form)


def write_csv(rows: Sequence[Mapping[str, object]]) -> None:
    """Every field of the rows, of which there is one at least, on standard output."""
    fields = list(rows[0])
    sys.stdout.write(csv_table(fields, ([row[each] for each in fields] for row in rows)))


def shown_cells(sheet: Sheet) -> tuple[list[SheetColumn], list[list[str]]]:
    """The columns that have anything to say, and every row's cells; both fit for a screen."""
    columns = _said(sheet)
    return columns, _cells(columns, sheet.rows)


def _said(sheet: Sheet) -> list[SheetColumn]:
    """The columns with their titles, without those that may be dropped and have no value."""
    return [
        replace(column, title=visible(column.title))
        for column in sheet.columns
        if not column.drop or any(value is not None for row in sheet.rows for value in column.values(row))
    ]


def _cells(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]]) -> list[list[str]]:
    return [[visible(column.show(*column.values(row))) for column in columns] for row in rows]


def aligned(sheet: Sheet) -> list[str]:
    """A plain table as lines: the headings, and a line per row."""
    return _aligned(*shown_cells(sheet))


def _aligned(columns: Sequence[SheetColumn], cells: Sequence[Sequence[str]]) -> list[str]:
    from rich.cells import cell_len

    widths, lines = _widths(columns, cells), []
    for line in [[column.title for column in columns], *cells]:
        room = [" " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
        each = zip(columns, line, room, strict=True)
        lines.append("  ".join(gap + cell if column.align == "right" else cell + gap for column, cell, gap in each))
    return [line.rstrip() for line in lines]


def _plain(sheet: Sheet, cells: Sequence[Sequence[str]]) -> None:
    lines = [visible(sheet.title), ""] if sheet.title else []
    lines += _aligned(sheet.columns, cells)
    lines += ["", *map(visible, sheet.footnotes)] if sheet.footnotes else []
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _rich(sheet: Sheet, cells: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    console, ends = output_console(), sheet.ends
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in sheet.columns:
        table.add_column(safe(column.title), justify=column.align, no_wrap=True, overflow="ellipsis")
    for at, row in enumerate(cells):
        if at in ends:
            table.add_section()
        table.add_row(*map(safe, row), style=sheet.styles[at] if sheet.styles else None)
    if sheet.title:
        console.print(safe(sheet.title, "bold"))
        console.print()
    console.print(table)
    if sheet.footnotes:
        console.print()
    for each in sheet.footnotes:
        console.print(safe(each, "dim"))


def _fitting(columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]], width: int) -> list[SheetColumn]:
    """The columns without those that may be dropped, as far as there is too little room."""
    kept, widths = list(columns), dict(zip(columns, _widths(columns, _cells(columns, rows)), strict=True))
    while sum(widths[column] for column in kept) + _GAP * (len(kept) - 1) > width:
        last = max(kept, key=lambda column: column.drop)
        if not last.drop:
            break
        kept.remove(last)
    return kept


def _widths(columns: Sequence[SheetColumn], cells: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip([column.title for column in columns], *cells, strict=True)]


_GAP = 3  # between columns, where there may be rules


_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": "$<$", ">": "$>$", "–": "--", "±": r"$\pm$", "×": r"$\times$"}
    | {"Δ": r"$\Delta$", "−": "$-$", "…": r"\dots{}"}
    | {"★": r"$\star$", "✓": r"$\surd$", "✗": r"$\times$"}  # which no font of LaTeX's own has
    | {mark: f"$^{digit}$" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
)


def _markdown(sheet: Sheet, cells: Sequence[Sequence[str]]) -> None:
    numeric = [column.align == "right" for column in sheet.columns]
    head = f"**{markdown(sheet.title)}**\n\n" if sheet.title else ""
    foot = "".join(f"\n{markdown(each)}\n" for each in sheet.footnotes)
    sys.stdout.write(head + markdown_table([column.title for column in sheet.columns], numeric, cells) + foot)


def _latex(sheet: Sheet, cells: Sequence[Sequence[str]]) -> None:
    def line(parts: Sequence[str]) -> str:
        row = " & ".join(part.translate(_LATEX) for part in parts)
        return (
            f"{'{}' if row.startswith(('[', '*')) else ''}{row} \\\\\n"  # the row above ends in \\, which takes these
        )

    out, ends = sys.stdout.write, {0, *sheet.ends}
    sides = "".join(column.align[0] for column in sheet.columns)
    if sheet.title:
        out(f"% {visible(sheet.title)}\n")
    out(f"\\begin{{tabular}}{{{sides}}}\n\\toprule\n")
    out(line([column.title for column in sheet.columns]))
    for at, row in enumerate(cells):
        if at in ends:
            out("\\midrule\n")
        out(line(row))
    out("\\bottomrule\n\\end{tabular}\n")
    for each in sheet.footnotes:
        out(f"% {visible(each)}\n")
