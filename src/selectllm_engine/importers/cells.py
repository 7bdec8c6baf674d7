"""Cells of foreign tables → texts, numbers and lists; what is none of them is named with its row."""

from __future__ import annotations

import ast
import contextlib
import json
import warnings
from typing import TYPE_CHECKING, Any

import polars as pl

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.printed_lists import names

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["lists", "numbers", "samples", "texts", "written"]

_NOTHING = ["", "na", "n/a", "nan", "none", "null", "<na>"]  # how tables write that there is no number
_TRUTH = {"true": 1.0, "false": 0.0}


def written(column: pl.Series, *, role: str = "assistant") -> pl.Series:
    """A column as text, empty texts as they are; of chat messages what those of this role say.

    Raises:
        ImportFormatError: it holds lists or objects that are no messages.
    """
    if column.dtype.is_nested():
        cells = [None if cell is None else _said(_plain(cell), role) for cell in column]
        if any(found is None for found, cell in zip(cells, column, strict=True) if cell is not None):
            raise ImportFormatError(
                f"column {column.name!r} holds {column.dtype}, not text", "write it as text, or as chat messages"
            )
        return pl.Series(column.name, cells, dtype=pl.String)
    found = column.cast(pl.String)
    # Begins with [ or {: said by order, since of most texts their first four bytes are all that is then looked at.
    chats = found.is_between("[", "\\", closed="left") | found.is_between("{", "|", closed="left")
    if not chats.any() or not (chats := chats & found.str.contains('"content"', literal=True)).any():
        return found
    pairs = zip(found, chats.fill_null(value=False), strict=True)
    return pl.Series(column.name, [_of_chat(cell, role) if chat else cell for cell, chat in pairs], dtype=pl.String)


def texts(column: pl.Series, *, role: str = "user") -> pl.Series:
    """A column as text; empty texts as null, and of chat messages what those of this role say.

    Raises:
        ImportFormatError: it holds lists or objects that are no messages.
    """
    found = written(column, role=role)
    if not (empty := found == "").any():
        return found
    return pl.DataFrame([found]).select(pl.when(~empty).then(pl.first())).to_series()


def _of_chat(cell: str, role: str) -> str:
    try:
        said = _said(json.loads(cell), role)
    except (ValueError, RecursionError):
        return cell
    return cell if said is None else said


def _plain(value: object) -> object:
    return value.to_list() if isinstance(value, pl.Series) else value


def _said(messages: object, role: str) -> str | None:
    """What the messages of this role say, or a lone message or its content; None for something else."""
    if isinstance(messages, dict):
        messages = [messages]
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        return None
    if not all("content" in each for each in messages):
        return None
    wanted = [each for each in messages if each.get("role", role) == role] or messages
    contents = [_content(each["content"]) for each in wanted]
    return "\n\n".join(each for each in contents if each is not None)


def _content(content: object) -> str | None:
    """A message's text: a string, or parts of which some are text."""
    if isinstance(content, list):
        parts = [each.get("text") for each in content if isinstance(each, dict)]
        return "\n".join(each for each in parts if isinstance(each, str))
    return content if isinstance(content, str) else None


def samples(column: pl.Series) -> pl.Series | None:
    """A column of lists of K values each, one per sample, as lists of texts; None for one of single values.

    Lists of chat messages are K samples where all are an assistant's. In text, all cells must be JSON lists of texts:
    what an LLM wrote may be a list.
    """
    if isinstance(column.dtype, (pl.List, pl.Array)):
        inner = column.dtype.inner
        if not (isinstance(inner, pl.DataType) and inner.is_nested()):
            return column.cast(pl.List(pl.String))
        cells: list[object] = [None if cell is None else _plain(cell) for cell in column]
    elif column.dtype == pl.String and (column.str.starts_with("[") | column.is_null()).all():
        cells = [None if cell is None else _literal_json(cell) for cell in column]
    else:
        return None
    found = [None if cell is None else _sampled(cell) for cell in cells]
    if not any(found) or any(each is None for each, cell in zip(found, cells, strict=True) if cell is not None):
        return None
    return pl.Series(column.name, found, dtype=pl.List(pl.String))


def _literal_json(cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return ""


def _sampled(values: object) -> list[str | None] | None:
    """The texts of K samples; None where it is something else."""
    if not isinstance(values, list) or not values:
        return None
    if all(isinstance(each, str) for each in values):
        return list(values)
    messages = all(isinstance(each, dict) and "content" in each for each in values)
    if messages and all(each.get("role") == "assistant" for each in values):
        return [_said(each, "assistant") for each in values]
    return None


def numbers(
    column: pl.Series, wrong: Callable[[int, str, str], ImportFormatError], *, decimal_comma: bool = False
) -> pl.Series:
    """A column as numbers: truth values are 1 and 0, empty cells and NaN null.

    Raises:
        ImportFormatError: a cell is no number; `wrong(row, problem, remedy)` makes the error.
    """
    if column.dtype.is_nested() or column.dtype.is_temporal() or column.dtype == pl.Binary:
        raise ImportFormatError(f"column {column.name!r} holds {column.dtype}, not numbers", "name another column")
    if column.dtype != pl.String:
        return column.cast(pl.Float64).fill_nan(None)
    if decimal_comma:
        column = column.str.replace(r"^(\s*[-+]?\d+),(\d+\s*)$", "$1.$2")
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
    """A column of lists, or of texts that hold a list in JSON or Python or texts between `|`, as lists of texts.

    Of objects `text` is the list (`{"text": [...], "label": [...]}`), else what the letters stand for.

    Raises:
        ImportFormatError: a cell is something else; `wrong(row, problem, remedy)` makes the error.
    """
    if isinstance(column.dtype, (pl.List, pl.Array)):
        if isinstance(column.dtype.inner, (pl.List, pl.Array)):
            raise wrong(0, f"{column.name} holds lists within lists", "write a list of texts")
        return column.cast(pl.List(pl.String))
    if isinstance(column.dtype, pl.Struct):  # what JSON can't say is in no list of texts
        cells = [None if cell is None else json.dumps(cell, default=str) for cell in column]
        column = pl.Series(column.name, cells, dtype=pl.String)
    found: list[list[str] | None] = []
    for row, cell in enumerate(texts(column)):
        values: Any = None
        if cell is not None and cell.lstrip().startswith(("[", "{", "(")):
            values = _options(_literal(cell))
            if not isinstance(values, list):
                raise wrong(row, f"{column.name} is no list", "write it as JSON, and close its brackets")
            values = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in values]
        elif cell is not None:
            values = [each.strip() for each in cell.split("|")]
        found.append(values or None)
    return pl.Series(column.name, found, dtype=pl.List(pl.String))


def _literal(cell: str) -> object:
    """What a text says in JSON, or as Python and NumPy print it; None for anything else."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if cell.lstrip().startswith("["):
        with contextlib.suppress(ValueError, SyntaxError):
            return names(cell)
    with warnings.catch_warnings(action="ignore"):  # of odd escapes in the texts
        try:
            return ast.literal_eval(cell.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None


def _options(found: object) -> object:
    if isinstance(found, tuple):
        return list(found)
    if not isinstance(found, dict):
        return found
    for name in ("text", "texts", "choices", "options"):
        if isinstance(found.get(name), (list, tuple)):
            return list(found[name])
    letters = sorted(found)
    if letters and [str(each).upper() for each in letters] == list(LETTERS[: len(letters)]):
        return [found[each] for each in letters]
    return None
