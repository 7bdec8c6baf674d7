"""Columns by dotted paths and templates over them, as polars expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import BenchmarkError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PathValues", "aliases_of", "find", "paths_in", "stripped", "text_of"]

_HOLE = re.compile(r"\{([^{}\s][^{}]*)\}")


@dataclass(frozen=True, slots=True)
class PathValues:
    """The values at a path, and of what type they are."""

    values: pl.Expr
    dtype: pl.DataType


def paths_in(text: str) -> list[str]:
    """The paths of a template, or the one path that a text without braces is."""
    return _HOLE.findall(text) or [text]


def find(path: str, schema: pl.Schema, where: str) -> PathValues:
    """What a dotted path leads to: into the fields of nested values, those of every element of a list, or to its n-th.

    Raises:
        BenchmarkError: there is no such column or field.
    """
    if path in schema:
        return PathValues(pl.col(path), schema[path])
    name, *steps = path.split(".")
    if name not in schema:
        like = nearest(name, schema, cutoff=0.8)
        has = ", ".join(map(repr, schema)) or "none"
        remedy = f"it has {has}" if like is None else f"did you mean {like!r}?"
        raise BenchmarkError(f"{where}: no column {name!r}", remedy)
    place = PathValues(pl.col(name), schema[name])
    for step in steps:
        deeper = _step(place, step)
        if deeper is None:
            raise BenchmarkError(f"{where}: {path!r} leads nowhere", f"{name!r} is {schema[name]}")
        place = deeper
    return place


def _step(place: PathValues, step: str) -> PathValues | None:
    if isinstance(place.dtype, pl.Struct):
        fields = {each.name: each.dtype for each in place.dtype.fields}
        return PathValues(place.values.struct.field(step), _dtype(fields[step])) if step in fields else None
    if isinstance(place.dtype, pl.List):
        inner = _dtype(place.dtype.inner)
        if step.isdecimal():
            return PathValues(place.values.list.get(int(step), null_on_oob=True), inner)
        deeper = _step(PathValues(pl.element(), inner), step)
        return None if deeper is None else PathValues(place.values.list.eval(deeper.values), pl.List(deeper.dtype))
    return None


def _dtype(given: object) -> pl.DataType:
    return given() if isinstance(given, type) else given  # type: ignore[return-value]


def text_of(template: str, schema: pl.Schema, where: str) -> pl.Expr:
    """The text of a column, a path or a template, without white space around it; null where it is empty.

    A list gives its first element, a truth value "yes" or "no". In a template what is missing leaves no text.
    """
    if _HOLE.search(template) is None:
        text = _written(find(template, schema, where))
    else:
        text = pl.concat_str(list(_pieces(template, schema, where)))
    text = stripped(text)
    return pl.when(text != "").then(text)


def stripped(text: pl.Expr) -> pl.Expr:
    """Texts, or lists of texts, without white space around them; not copied where there is none around any."""
    return text.map_batches(_stripped)


def _stripped(texts: pl.Series) -> pl.Series:
    each = texts.explode() if isinstance(texts.dtype, pl.List) else texts
    ends = (each, each.str.tail(1))
    if not any((((end < "!") & (end != "")) | (end >= "\x80")).any() for end in ends):  # nothing but ASCII that is seen
        return texts
    if isinstance(texts.dtype, pl.List):
        return texts.list.eval(pl.element().str.strip_chars())
    blank = any((end.str.head(1).str.strip_chars() == "").any() for end in ends)
    return texts.str.strip_chars() if blank else texts


def aliases_of(path: str, schema: pl.Schema, where: str) -> pl.Expr:
    """As `text_of`, but of a list all elements, between `|`."""
    place = find(path, schema, where) if _HOLE.search(path) is None else None
    if place is None or not isinstance(place.dtype, pl.List) or isinstance(place.dtype.inner, pl.Struct | pl.List):
        return text_of(path, schema, where)
    each = pl.element().cast(pl.String).str.replace_all("|", " ", literal=True)
    text = place.values.list.eval(each).list.drop_nulls().list.join("|").str.strip_chars("| \t\n")
    return pl.when(text != "").then(text)


def _pieces(template: str, schema: pl.Schema, where: str) -> Iterator[pl.Expr]:
    end = 0
    for hole in _HOLE.finditer(template):
        yield pl.lit(template[end : hole.start()])
        yield _written(find(hole[1], schema, where)).fill_null("")
        end = hole.end()
    yield pl.lit(template[end:])


def _written(place: PathValues) -> pl.Expr:
    if isinstance(place.dtype, pl.List):
        return _written(PathValues(place.values.list.first(), _dtype(place.dtype.inner)))
    if place.dtype == pl.Boolean:
        return pl.when(place.values).then(pl.lit("yes")).when(place.values.not_()).then(pl.lit("no"))
    return place.values.cast(pl.String)
