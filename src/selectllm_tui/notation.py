"""How figures and texts are written, on screens and in files, by the command line and the explorer alike."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any, TypeGuard

from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "MISSING",
    "csv_table",
    "known",
    "markdown",
    "markdown_table",
    "number",
    "p_value",
    "percent",
    "points",
    "points_span",
    "size",
    "span",
]

MISSING = "–"
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\|*_`<>[]"})


def known(value: float | None) -> TypeGuard[float]:
    """Whether there is a number."""
    return value is not None and not math.isnan(value)


def number(digits: int) -> Callable[[float | None], str]:
    """A number with so many decimals."""
    return lambda value: f"{value:.{digits}f}" if known(value) else MISSING


def percent(value: float | None) -> str:
    """A fraction as percent with one decimal, without the sign."""
    return f"{100 * value:.1f}" if known(value) else MISSING


def points(value: float | None) -> str:
    """A difference of fractions in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−") if known(value) else MISSING


def points_span(low: float | None, high: float | None) -> str:
    """An interval of a difference, in percentage points."""
    return f"{points(low)} … {points(high)}" if known(low) and known(high) else MISSING


def span(low: float | None, high: float | None) -> str:
    """An interval of a fraction, in percent."""
    return f"{percent(low)} – {percent(high)}" if known(low) and known(high) else MISSING


def size(bytes_: float | None) -> str:
    """A number of bytes with a fitting unit."""
    if bytes_ is None:
        return MISSING
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if bytes_ < 1024:
            return f"{bytes_:.1f} {unit}" if unit == "GiB" and bytes_ < 10 else f"{bytes_:.0f} {unit}"
        bytes_ /= 1024
    return f"{bytes_:.1f} TiB"


def p_value(value: float | None) -> str:
    """A p-value as papers print it: without the zero that each would begin with, for none is above 1."""
    if not known(value):
        return MISSING
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0") if value < 0.9995 else "1.00"


def markdown(text: str) -> str:
    """Text in which Markdown finds no markup; what is invisible in it is marked."""
    return visible(text).translate(_MARKDOWN)


def markdown_table(titles: Sequence[str], numeric: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts; columns that are `numeric` stand on the right."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |\n"

    rule = line("---:" if each else "---" for each in numeric)
    return line(map(markdown, titles)) + rule + "".join(line(map(markdown, cells)) for cells in rows)


def csv_table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows of values as CSV: lists as JSON, and text that a spreadsheet would run as a formula in quotes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_no_formula(title) for title in titles])
    writer.writerows([_no_formula(value) for value in row] for row in rows)
    return out.getvalue()


def _no_formula(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, allow_nan=False)
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return f"'{shown}" if re.match(r"[=+@]|-(?![\d.])", shown) else shown
