"""Scores that another tool recorded: a file per LLM.

What says nothing new is left out of it: columns without any value, samples where each is the first, and ids where
the rows are about the first questions of the benchmark, in their order. The file then has a digest of the ids that it
counts on. Scores that are all 0 or 1 are truth values.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import DamagedError
from selectllm_engine.store.frames import check_frame, frame_of, parsing, write_frame
from selectllm_engine.store.parts import MEASURED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selectllm_engine.store.question_table import QuestionIds

__all__ = ["VERDICTS", "VERDICT_SCHEMA", "read_verdicts", "write_verdicts"]

VERDICTS = "verdicts.parquet"  # in an LLM's folder
VERDICT_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "sample": pl.Int32(),
        "score": pl.Float64(),  # 0 to 1
        "answer": pl.String(),  # as the other tool found it
        **MEASURED,
    }
)
_OPTIONAL = ("answer", *MEASURED)
_IDS = "question_ids"  # in the file's metadata: the digest of those that are left out


def write_verdicts(path: Path, rows: pl.DataFrame, questions: QuestionIds) -> None:
    """Write rows of VERDICT_SCHEMA, in place of what is there; raises CacheError.

    Args:
        path: the file.
        rows: at most one per question and sample.
        questions: of the benchmark; they may be written later.
    """
    known = questions.digest_of(rows["question_id"])
    nulls = rows.null_count().row(0, named=True)
    silent = [name for name in _OPTIONAL if nulls[name] == rows.height]
    if rows["sample"].eq(0).all():
        silent.append("sample")
    if known is not None:
        silent.append("question_id")
    rows = rows.drop(silent)
    if rows["score"].is_in((0.0, 1.0)).all():
        rows = rows.cast({"score": pl.Boolean})
    write_frame(path, rows, None if known is None else {_IDS: known})


def read_verdicts(path: Path, questions: Callable[[], QuestionIds]) -> pl.DataFrame:
    """Rows of VERDICT_SCHEMA; `questions` are asked for where the file counts on them.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it is truncated, changed, or was written for other questions.
    """
    data = check_frame(path)
    with parsing(path):
        rows = pl.read_parquet(io.BytesIO(data))
        told = pl.read_parquet_metadata(io.BytesIO(data)) if "question_id" not in rows.columns else {}
    if "question_id" not in rows.columns:
        ids = questions().first(rows.height, told.get(_IDS))
        if ids is None:
            raise DamagedError(f"{path} is about other questions than the benchmark has", "import its results again")
        rows = rows.with_columns(ids.alias("question_id"))
    if "sample" not in rows.columns:
        rows = rows.with_columns(sample=pl.lit(0, VERDICT_SCHEMA["sample"]))
    if rows.schema.get("score") == pl.Boolean:
        rows = rows.cast({"score": VERDICT_SCHEMA["score"]})
    return frame_of(path, rows, VERDICT_SCHEMA, optional=_OPTIONAL)
