"""The options of questions, and which of them is right, from whatever columns say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks.benchmark import LETTERS
from selectllm_engine.benchmarks.column_paths import PathValues, find, stripped, text_of
from selectllm_engine.benchmarks.draws import shuffled_within
from selectllm_engine.errors import BenchmarkError

if TYPE_CHECKING:
    from selectllm_engine.benchmarks.description import Description

__all__ = ["read_options", "shuffled"]


def read_options(rows: pl.DataFrame, description: Description, schema: pl.Schema, where: str) -> pl.DataFrame:
    """Per row `choices`, a list of texts, `right`, the place of the right one, and `problem` where one of them is none.

    `schema` is of all columns that `where` has, beside those of `rows`.

    Raises:
        BenchmarkError: a column is none of what options can be in.
    """
    if description.answer is None:
        table = rows.select(choices=_choices(description, schema, where), right=pl.lit(None, dtype=pl.Int64))
        return table.with_columns(problem=pl.lit(None, dtype=pl.String))
    table = rows.select(choices=_choices(description, schema, where))
    if (pattern := description.remove.get("choices")) is not None:
        each = pl.element().str.replace_all(pattern, "").str.strip_chars()
        table = table.with_columns(pl.col("choices").list.eval(each))
    if isinstance(description.choices, tuple) and description.answer in description.choices:
        right = pl.Series("right", [description.choices.index(description.answer)], dtype=pl.Int64)
        table = table.with_columns(right.new_from_index(0, rows.height) if rows.height else right.clear())
    else:
        table = table.with_columns(_right(rows, table, description, schema, where))
    count = pl.col("choices").list.len()
    problem = (
        pl.when(count.is_null() | (count < 2) | (count > len(LETTERS)))
        .then(pl.format("it has {} options", count.fill_null(0)))
        .when(_lacks_one(table["choices"]))
        .then(pl.lit("one of its options is empty"))
        .when(pl.col("right").is_null() | (pl.col("right") < 0) | (pl.col("right") >= count))
        .then(pl.lit("its answer is none of its options, or more than one"))
    )
    return table.select("choices", "right", problem=problem)


def _lacks_one(choices: pl.Series) -> pl.Series:
    """Whether one of a row's options is missing or empty."""
    each = choices.explode()
    if not (each.is_null() | (each == "")).any():
        return pl.Series([False]).new_from_index(0, len(choices))
    return choices.list.eval(pl.element().is_null() | (pl.element() == "")).list.any()


def shuffled(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The same options in a random order, with the place that the right one got."""
    counts = table["choices"].list.len().fill_null(0).cast(pl.Int64).to_numpy()
    order = shuffled_within(counts, seed)
    if not order.size:
        return table
    found = (order == table["right"].fill_null(-1).to_numpy()[:, None]).argmax(axis=1)
    table = table.with_columns(order=pl.Series(order).cast(pl.List(pl.Int64)), found=pl.Series(found), count=counts)
    moved = pl.col("choices").list.gather(pl.col("order").list.head(pl.col("count")))
    right = pl.when(pl.col("right").is_not_null()).then("found")
    return table.with_columns(choices=moved, right=right).drop("order", "found", "count")


def _choices(description: Description, schema: pl.Schema, where: str) -> pl.Expr:
    """A list of texts per row, from several columns, a list, a table of texts by letter, or a list that is written."""
    if isinstance(description.choices, tuple):
        return _up_to_last([text_of(each, schema, where) for each in description.choices])
    if (pattern := description.patterns.get("choices")) is not None:
        return stripped(text_of(description.choices, schema, where).str.extract_all(pattern))
    place = find(description.choices, schema, where)
    if isinstance(place.dtype, pl.Struct):
        return _up_to_last([_of_field(place, each.name) for each in place.dtype.fields])
    if isinstance(place.dtype, pl.List) and not isinstance(place.dtype.inner, pl.Struct | pl.List):
        return stripped(place.values.cast(pl.List(pl.String)))
    if place.dtype == pl.String:
        written = place.values.str.strip_chars()
        listed = pl.when(written.str.starts_with("[")).then(written).str.json_decode(pl.List(pl.String))
        return pl.coalesce(listed, stripped(written.str.split("|")))
    raise BenchmarkError(f"{where}: {description.choices!r} is {place.dtype}", "name the place of their texts in it")


def _of_field(place: PathValues, name: str) -> pl.Expr:
    text = stripped(place.values.struct.field(name).cast(pl.String))
    return pl.when(text != "").then(text)


def _up_to_last(texts: list[pl.Expr]) -> pl.Expr:
    """The texts as a list, without those that are missing at its end."""
    return pl.concat_arr(texts).arr.to_list().map_batches(_without_tail)  # concat_list takes ten times as long


def _without_tail(lists: pl.Series) -> pl.Series:
    rows, last = lists.to_frame("of"), pl.col("of").list.last().is_null() & (pl.col("of").list.len() > 0)
    while rows.select(last.any()).item():
        rows = rows.with_columns(
            pl.when(last).then(pl.col("of").list.head(pl.col("of").list.len() - 1)).otherwise("of")
        )
    return rows["of"]


def _right(
    rows: pl.DataFrame, table: pl.DataFrame, description: Description, schema: pl.Schema, where: str
) -> pl.Series:
    """The place of the right option; null where the answer says none, or more than one."""
    answer_at = description.answer or ""
    place = find(answer_at, schema, where) if "{" not in answer_at else None
    if place is not None and place.dtype.is_integer() and not description.labels:
        return rows.select(right=place.values.cast(pl.Int64))["right"]
    if place is not None and isinstance(place.dtype, pl.List):
        marks = rows.select(marks=place.values.list.eval(pl.element().cast(pl.Int64)))["marks"]
        return pl.select(right=pl.when(marks.list.sum() == 1).then(marks.list.arg_max().cast(pl.Int64)))["right"]
    answer = text_of(answer_at, schema, where)
    if (pattern := description.patterns.get("answer")) is not None:
        answer = answer.str.extract(pattern)
    table = table.with_columns(rows.select(answer=answer))
    if isinstance(description.labels, str):
        labels = find(description.labels, schema, where).values
        table = table.with_columns(rows.select(labels=stripped(labels.cast(pl.List(pl.String)))))
        return _only(table, [pl.col("labels").list.get(at, null_on_oob=True) for at in range(len(LETTERS))])
    if names := description.labels or _fields(description, schema, where):
        return _only(table, list(map(pl.lit, names)), texts=not description.labels)
    if table["answer"].is_in(list(LETTERS)).all() and (table["choices"].explode().str.len_bytes() > 1).all():
        return _only(table, list(map(pl.lit, LETTERS)))  # the same in half the time: no answer is an option's text
    table = table.with_columns(named=pl.col("answer").str.strip_chars("(). ").str.to_uppercase())
    return _only(table, list(map(pl.lit, LETTERS)), named="named", texts=True)


def _fields(description: Description, schema: pl.Schema, where: str) -> tuple[str, ...]:
    """What a table of texts calls them; nothing where the options are something else."""
    if isinstance(description.choices, str) and "choices" not in description.patterns:
        place = find(description.choices, schema, where)
        if isinstance(place.dtype, pl.Struct):
            return tuple(each.name for each in place.dtype.fields)
    return ()


def _only(table: pl.DataFrame, labels: list[pl.Expr], *, named: str = "answer", texts: bool = False) -> pl.Series:
    """The place of the only option whose label is what `named` says, or whose text is the answer where `texts`."""
    longest = min(int(table["choices"].list.len().cast(pl.Int64).max() or 0), len(labels))  # type: ignore[arg-type]
    fits = []
    for at in range(longest):
        fit = labels[at] == pl.col(named)
        if texts:
            fit |= pl.col("choices").list.get(at, null_on_oob=True) == pl.col("answer")
        fits.append((fit & (pl.col("choices").list.len() > at)).fill_null(value=False))
    if not fits:
        return pl.Series("right", [None] * table.height, dtype=pl.Int64)
    place = pl.coalesce(pl.when(fit).then(pl.lit(at, pl.Int64)) for at, fit in enumerate(fits))
    return table.select(right=pl.when(pl.sum_horizontal(fits) == 1).then(place))["right"]
