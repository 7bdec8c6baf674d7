"""Which questions may be stored, and which may be added to those that are, after which none changes its place."""

from __future__ import annotations

import polars as pl
import xxhash

from selectllm_engine.benchmarks import QUESTION_SCHEMA
from selectllm_engine.errors import CacheError

__all__ = ["QuestionIds", "checked", "extended", "replaced"]

_IDENTITY = ("split", "text", "choices", "gold", "kind")  # what a question's id stands for


def checked(frame: pl.DataFrame, benchmark: str, *, distinct: bool = False) -> pl.DataFrame:
    """The frame with the columns of QUESTION_SCHEMA; `distinct` if it is known that no id repeats.

    Raises:
        CacheError: columns are missing, ids are missing or repeat, or a question has no split or text.
    """
    try:
        frame = frame.select(pl.col(name).cast(dtype) for name, dtype in QUESTION_SCHEMA.items())
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise CacheError(f"the questions of {benchmark} have wrong columns ({reason})") from error
    nulls = frame.null_count().row(0, named=True)
    for name in ("question_id", "split", "text"):
        if nulls[name]:
            raise CacheError(f"a question of {benchmark} has no {name}")
    if distinct or frame["question_id"].hash().n_unique() == frame.height:  # a shared hash costs time only
        return frame
    repeated = frame.filter(pl.col("question_id").is_duplicated())
    if not repeated.is_empty():
        raise CacheError(f"the question id {repeated['question_id'][0]!r} of {benchmark} is there twice")
    return frame


def extended(stored: pl.DataFrame, frame: pl.DataFrame, benchmark: str) -> pl.DataFrame:
    """The stored questions, then those of `frame` that are new.

    Raises:
        CacheError: an id stands for different questions in them.
    """
    if stored.is_empty():
        return frame
    both = stored.join(frame, on="question_id", suffix=" new")
    differs = both.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name} new")) for name in _IDENTITY))
    _refuse(differs, benchmark)
    return pl.concat([stored, frame.join(stored, on="question_id", how="anti", maintain_order="left")])


def replaced(stored: pl.DataFrame, frame: pl.DataFrame, benchmark: str) -> pl.DataFrame:
    """The stored questions in their order, those of `frame` as they are there, then its new ones.

    Raises:
        CacheError: an id stands for another text in them.
    """
    both = stored.select("question_id", "text").join(frame.select("question_id", new="text"), on="question_id")
    differs = both.filter(pl.col("text") != pl.col("new"))
    _refuse(differs, benchmark)
    kept = stored.join(frame, on="question_id", how="anti", maintain_order="left")
    order = pl.concat([stored["question_id"], frame["question_id"]]).unique(maintain_order=True).to_frame()
    return order.join(pl.concat([kept, frame]), on="question_id", maintain_order="left").select(stored.columns)


def _refuse(differs: pl.DataFrame, benchmark: str) -> None:
    if not differs.is_empty():
        raise CacheError(
            f"the id {differs['question_id'][0]!r} stands for another question in the cached {benchmark}",
            "choose another name for --benchmark or another --cache",
        )


class QuestionIds:
    """The ids of a benchmark's questions in their order, for files that count on it."""

    def __init__(self, ids: pl.Series) -> None:
        self._ids = ids
        self._digests: dict[int, str] = {}

    def digest_of(self, ids: pl.Series) -> str | None:
        """The digest of these ids, in this order, if they are the first ones; else None."""
        first = self._ids.head(len(ids))
        return self._digest(len(ids)) if len(ids) and first.equals(ids) else None

    def first(self, count: int, expected: str | None) -> pl.Series | None:
        """The first ids, if theirs is the digest that is expected; else None."""
        return self._ids.head(count) if count <= len(self._ids) and self._digest(count) == expected else None

    def _digest(self, count: int) -> str:
        if count not in self._digests:
            written = self._ids.head(count).str.join("\0").cast(pl.Binary).item()
            self._digests[count] = xxhash.xxh3_64_hexdigest(written)
        return self._digests[count]
