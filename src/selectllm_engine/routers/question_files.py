"""Files of questions that are to be routed: CSV, TSV, JSON, JSONL or Parquet, read as foreign files are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import ImportFormatError, UsageError
from selectllm_engine.importers.cells import lists, texts
from selectllm_engine.importers.source_files import open_table
from selectllm_engine.routers.training_data import question_texts

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_questions"]


def read_questions(path: Path) -> pl.DataFrame:
    """The questions of a file: columns `id` where the file has it, and `question`, with the options of `choices`.

    The question is in the column `question`, or in the only one that there is.

    Raises:
        ImportFormatError: the file can't be read, or a row has no question.
        UnknownNameError: it has no such column.
        UsageError: it holds no question.
    """
    table = open_table(path)
    named = table.columns[0] if len(table.columns) == 1 else table.need("question")
    more = [name for name in ("id", "choices") if name in table.columns and name != named]
    rows = pl.concat(list(table.batches([named, *more], (), None)), how="vertical_relaxed")
    if rows.is_empty():
        raise UsageError(f"{path.name} holds no question", "write one a row, in a column named question")
    question = texts(rows[named])
    if question.has_nulls():
        empty = int(question.is_null().arg_max() or 0)
        raise ImportFormatError(f"{path.name}, row {empty + 1} has no question", "take the row out, or fill it in")

    def wrong(row: int, what: str, remedy: str) -> ImportFormatError:
        return ImportFormatError(f"{path.name}, row {row + 1}: {what}", remedy)

    none = pl.Series([None] * rows.height, dtype=pl.List(pl.String))
    choices = lists(rows["choices"], wrong) if "choices" in more else none
    asked = pl.DataFrame({"text": question, "choices": choices}).select(question=question_texts())
    return asked.insert_column(0, texts(rows["id"]).alias("id")) if "id" in more else asked
