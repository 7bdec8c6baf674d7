"""Cells of foreign tables → texts, numbers and lists; what is none of them is named with its row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from selectllm_engine.errors import ImportFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["lists", "numbers", "texts", "written"]

_NOTHING = ["", "na", "n/a", "nan", "none", "null", "<na>"]  # how tables write that there is no number
_TRUTH = {"true": 1.0, "false": 0.0}


def written(column: pl.Series) -> pl.Series:
    """A column as text, empty texts as they are.

    Raises:
        ImportFormatError: it holds lists or objects.
    """
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise ImportFormatError(f"column {column.name!r} holds {column.dtype}, not text", "write it as text")
    return column.cast(pl.String)


def texts(column: pl.Series, *, blank: bool = False) -> pl.Series:
    """A column as text; empty texts as null, except where `blank` ones mean something, as an LLM's silence does.

    Raises:
        ImportFormatError: it holds lists or objects.
    """
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise ImportFormatError(f"column {column.name!r} holds {column.dtype}, not text", "write it as text")
    written = column.cast(pl.String)
    if blank or not (empty := written == "").any():
        return written
    return pl.DataFrame([written]).select(pl.when(~empty).then(pl.first())).to_series()


def numbers(column: pl.Series, wrong: Callable[[int, str, str], ImportFormatError]) -> pl.Series:
    """A column as numbers: truth values are 1 and 0, empty cells and NaN null.

    Raises:
        ImportFormatError: a cell is no number; `wrong(row, problem, remedy)` makes the error.
    """
    if column.dtype.is_nested() or column.dtype.is_temporal():
        raise ImportFormatError(f"column {column.name!r} holds {column.dtype}, not numbers", "name another column")
    if column.dtype != pl.String:
        return column.cast(pl.Float64).fill_nan(None)
    found = column.cast(pl.Float64, strict=False)
    if found.null_count() > column.null_count():
        folded = column.str.strip_chars().str.to_lowercase()
        spelled = folded.replace_strict(_TRUTH, default=None, return_dtype=pl.Float64)
        found = found.fill_null(spelled).fill_null(folded.cast(pl.Float64, strict=False))
        odd = (found.is_null() & column.is_not_null() & ~folded.is_in(_NOTHING)).arg_true()
        if len(odd):
            problem = f"{column.name} {column[odd[0]][:40]!r} is no number"
            raise wrong(int(odd[0]), problem, "correct it or leave the cell empty")
    return found.fill_nan(None)


def lists(column: pl.Series, wrong: Callable[[int, str, str], ImportFormatError]) -> pl.Series:
    """A column of lists, or of texts that hold a JSON list or texts between `|`, as lists of texts.

    Raises:
        ImportFormatError: a cell is something else; `wrong(row, problem, remedy)` makes the error.
    """
    if isinstance(column.dtype, (pl.List, pl.Array)):
        return column.cast(pl.List(pl.String))
    found: list[list[str] | None] = []
    for row, cell in enumerate(texts(column)):
        values: Any = None
        if cell is not None and cell.lstrip().startswith("["):
            try:
                values = json.loads(cell)
            except (ValueError, RecursionError):
                values = None
            if not isinstance(values, list):
                raise wrong(row, f"{column.name} is no JSON list", "close its brackets")
            values = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in values]
        elif cell is not None:
            values = [each.strip() for each in cell.split("|")]
        found.append(values or None)
    return pl.Series(column.name, found, dtype=pl.List(pl.String))
