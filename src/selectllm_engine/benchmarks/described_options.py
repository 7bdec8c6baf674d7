"""The options of questions, and which of them is right, from whatever columns say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks.benchmark import LETTERS
from selectllm_engine.benchmarks.draws import shuffled_within
from selectllm_engine.benchmarks.places import Place, find, text_of
from selectllm_engine.errors import BenchmarkError

if TYPE_CHECKING:
    from selectllm_engine.benchmarks.description import Description

__all__ = ["read_options", "shuffled"]


def read_options(rows: pl.DataFrame, description: Description, where: str) -> pl.DataFrame:
    """Per row `choices`, a list of texts, `right`, the place of the right one, and `problem` where one of them is none.

    Raises:
        BenchmarkError: a column is none of what options can be in.
    """
    schema = rows.schema
    table = rows.select(choices=_choices(description, schema, where), labels=_labels(description, schema, where))
    if (pattern := description.remove.get("choices")) is not None:
        each = pl.element().str.replace_all(pattern, "").str.strip_chars()
        table = table.with_columns(pl.col("choices").list.eval(each))
    if isinstance(description.choices, tuple) and description.answer in description.choices:
        right = pl.Series("right", [description.choices.index(description.answer)], dtype=pl.Int64)
        table = table.with_columns(right.new_from_index(0, rows.height) if rows.height else right.clear())
    else:
        table = table.with_columns(_right(rows, table, description, where))
    count = pl.col("choices").list.len()
    problem = (
        pl.when(count.is_null() | (count < 2) | (count > len(LETTERS)))
        .then(pl.format("it has {} options", count.fill_null(0)))
        .when(pl.col("choices").list.eval(pl.element().is_null() | (pl.element() == "")).list.any())
        .then(pl.lit("one of its options is empty"))
        .when(pl.col("right").is_null() | (pl.col("right") < 0) | (pl.col("right") >= count))
        .then(pl.lit("its answer is none of its options, or more than one"))
    )
    return table.select("choices", "right", problem=problem)


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
    place = find(description.choices, schema, where)
    if isinstance(place.dtype, pl.Struct):
        return _up_to_last([_of_field(place, each.name) for each in place.dtype.fields])
    if isinstance(place.dtype, pl.List) and not isinstance(place.dtype.inner, pl.Struct | pl.List):
        return place.values.list.eval(pl.element().cast(pl.String).str.strip_chars())
    if place.dtype == pl.String:
        written = place.values.str.strip_chars()
        listed = pl.when(written.str.starts_with("[")).then(written).str.json_decode(pl.List(pl.String))
        return pl.coalesce(listed, written.str.split("|").list.eval(pl.element().str.strip_chars()))
    raise BenchmarkError(f"{where}: {description.choices!r} is {place.dtype}", "name the place of their texts in it")


def _of_field(place: Place, name: str) -> pl.Expr:
    text = place.values.struct.field(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _up_to_last(texts: list[pl.Expr]) -> pl.Expr:
    """The texts as a list, without those that are missing at its end."""
    count = pl.max_horizontal(
        pl.when(text.is_not_null()).then(pl.lit(number, pl.Int64)).otherwise(0) for number, text in enumerate(texts, 1)
    )
    return pl.concat_list(texts).list.head(count)


def _labels(description: Description, schema: pl.Schema, where: str) -> pl.Expr:
    """What the answer calls each option: a list of texts per row; null where these are letters in their order."""
    if isinstance(description.labels, tuple) and description.labels:
        return pl.lit(pl.Series([list(description.labels)], dtype=pl.List(pl.String))).first()
    if isinstance(description.labels, str):
        place = find(description.labels, schema, where)
        return place.values.list.eval(pl.element().cast(pl.String).str.strip_chars())
    if isinstance(description.choices, str):
        place = find(description.choices, schema, where)
        if isinstance(place.dtype, pl.Struct):
            names = [each.name for each in place.dtype.fields]
            return pl.lit(pl.Series([names], dtype=pl.List(pl.String))).first()
    return pl.lit(None, dtype=pl.List(pl.String))


def _right(rows: pl.DataFrame, table: pl.DataFrame, description: Description, where: str) -> pl.Series:
    """The place of the right option; null where the answer says none, or more than one."""
    place = find(description.answer, rows.schema, where) if "{" not in description.answer else None
    if place is not None and place.dtype.is_integer() and not description.labels:
        return rows.select(right=place.values.cast(pl.Int64))["right"]
    if place is not None and isinstance(place.dtype, pl.List):
        marks = rows.select(marks=place.values.list.eval(pl.element().cast(pl.Int64)))["marks"]
        return pl.select(right=pl.when(marks.list.sum() == 1).then(marks.list.arg_max().cast(pl.Int64)))["right"]
    answer = text_of(description.answer, rows.schema, where)
    if (pattern := description.patterns.get("answer")) is not None:
        answer = answer.str.extract(pattern)
    table = table.with_columns(rows.select(answer=answer)).with_row_index("row")
    each = table.select("row", "answer", "choices", "labels", at=pl.int_ranges(pl.col("choices").list.len()))
    labels = pl.col("labels").list.get(pl.col("at"), null_on_oob=True)
    bare = pl.col("answer").str.strip_chars("(). ")
    each = each.explode("choices", "at").with_columns(
        label=pl.coalesce(labels, pl.lit(LETTERS).str.slice(pl.col("at"), 1)),
        bare=pl.when(pl.col("labels").is_null()).then(bare.str.to_uppercase()).otherwise("answer"),
    )
    fits = pl.col("label") == pl.col("bare")
    if not description.labels:  # a text may be meant
        fits = fits | (pl.col("choices") == pl.col("answer"))
    found = each.filter(fits).group_by("row").agg(right=pl.col("at").first(), several=pl.len())
    found = found.filter(pl.col("several") == 1).select("row", pl.col("right").cast(pl.Int64))
    return table.select("row").join(found, on="row", how="left", maintain_order="left")["right"]
