"""`--columns` and `--sort`: which fields of a table's rows are shown, and in which order the rows stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_tui.cli.console import SheetColumn, text
from selectllm_tui.cli.options import Format, names

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FieldNames", "SortField", "check_fields", "chosen_columns", "chosen_fields", "sorted_by"]

Thing = TypeVar("Thing")

FieldNames = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="FIELD,FIELD…", help="Only these fields, named as --format csv does, in this order."
    ),
]
SortField = Annotated[
    str | None,
    typer.Option("--sort", metavar="FIELD", help="Rows by a field, named as --format csv does; -FIELD: largest first."),
]


def check_fields(fields: str | None, form: Format) -> None:
    """Raises UsageError where a form has every field anyway."""
    if fields is not None and form is Format.JSON:
        raise UsageError("--format json has every field", "leave out --columns, or take --format csv")


def sorted_by(things: Sequence[Thing], by: str | None, record: Callable[[Thing], Mapping[str, object]]) -> list[Thing]:
    """The things in the order of a field of their records, those that have no value last; as they are without one.

    Raises:
        UnknownNameError: there is no such field.
    """
    if by is None or not things:
        return list(things)
    field, records = by.removeprefix("-"), [record(each) for each in things]
    _check([field], records[0])
    known = [at for at, each in enumerate(records) if each[field] is not None]
    rest = [at for at, each in enumerate(records) if each[field] is None]
    known.sort(key=lambda at: _comparable(records[at][field]), reverse=by.startswith("-"))
    return [things[at] for at in (*known, *rest)]


def chosen_columns(
    columns: Sequence[SheetColumn], rows: Sequence[Mapping[str, object]], fields: str | None, *, naming: str
) -> list[SheetColumn]:
    """The columns with these fields, and before them `naming`, which says what a row is; all without any.

    Raises:
        UnknownNameError: the rows have no such field.
    """
    asked = names(fields)
    if asked is None:
        return list(columns)
    _check(asked, rows[0])
    shown = {field: each for each in columns for field in (each.field,) if isinstance(field, str)}
    asked = asked if naming in asked else [naming, *asked]
    return [replace(shown[each], drop=0) if each in shown else SheetColumn(each, each, _short) for each in asked]


def chosen_fields(rows: Sequence[Mapping[str, object]], fields: str | None) -> list[Mapping[str, object]]:
    """The rows with these fields alone, for CSV; raises UnknownNameError."""
    asked = names(fields)
    if asked is None:
        return list(rows)
    _check(asked, rows[0])
    return [{each: row[each] for each in asked} for row in rows]


def _check(asked: Sequence[str], row: Mapping[str, object]) -> None:
    for each in asked:
        if each not in row:
            raise UnknownNameError("field", each, row)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else text(value)


def _comparable(value: Any) -> Any:
    """Texts without regard to case; lists, such as of LLMs, by their texts."""
    if isinstance(value, str):
        return value.casefold()
    return [str(each).casefold() for each in value] if isinstance(value, list | tuple) else value
