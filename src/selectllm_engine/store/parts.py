"""One LLM's generations: Parquet parts that are written once, never changed, and named by their content.

A part is `<sequence>-<digest>.parquet`, the digest that of the file's bytes: whether a part is whole can always be
told, and what is derived from it can be named after it without reading it.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from selectllm_engine.errors import CacheError, DamagedError
from selectllm_engine.store.files import digest, read_file, sync_folder, write_atomic
from selectllm_engine.store.frames import SEAL_KEY, parsing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "GENERATION_SCHEMA",
    "MEASURED",
    "MOST_PARTS",
    "REORDERED",
    "TOLD",
    "Part",
    "Parts",
    "first_of_each",
    "part_metadata",
    "part_of",
]

GENERATION_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "sample": pl.Int32(),
        "text": pl.String(),
        "prompt_tokens": pl.Int32(),
        "output_tokens": pl.Int32(),
        "finish_reason": pl.String(),
    }
)
MEASURED = pl.Schema({"latency": pl.Float64(), "cost": pl.Float64()})  # columns that imported parts may add
# A third: which letter here the first, second, … option has that the LLM saw, where it saw them in another order.
REORDERED = pl.Schema({"letters": pl.String()})
# What can't be made up later, where an engine tells it: the mean natural logarithm of the probabilities of the
# completion's tokens, the same of those that its answer is made of, as the extractor of that day found it, and how many
# of its tokens were thoughts that are no part of the text.
TOLD = pl.Schema({"logprob": pl.Float32(), "answer_logprob": pl.Float32(), "reasoning_tokens": pl.Int32()})
_FURTHER = {**MEASURED, **REORDERED, **TOLD}
MOST_PARTS = 64  # more are merged into one
_NAME = re.compile(r"(\d{6,})-([0-9a-f]{16})\.parquet")
_ATTEMPTS = 8
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One file of generations. Sorts in the order of writing."""

    sequence: int
    digest: str
    path: Path


def first_of_each(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without later repetitions of a question's sample."""
    key = ["question_id", "sample"]
    if rows.select(pl.struct(key).hash().n_unique()).item() == rows.height:  # a shared hash costs time only
        return rows
    return rows.unique(subset=key, keep="first", maintain_order=True)


class Parts:
    """The parts in one folder.

    `report(path, problem)` is told of every part that is passed over because it is damaged; `sound` remembers,
    across objects, which files were found whole, by path, size and time of change.
    """

    def __init__(self, folder: Path, *, report: Callable[[Path, str], None], sound: set[tuple[str, int, int]]) -> None:
        self.folder = folder
        self._report = report
        self._sound = sound

    def listed(self) -> list[Part]:
        """All parts in order; nothing is opened."""
        if not self.folder.is_dir():
            return []
        return sorted(part for path in self.folder.iterdir() if (part := part_of(path)))

    def check(self, part: Part) -> None:
        """Compare a part's bytes with its name.

        Raises:
            DamagedError: they differ, or can't be read.
            FileNotFoundError: the part was merged into another meanwhile.
        """
        stat = part.path.stat()
        mark = (str(part.path), stat.st_size, stat.st_mtime_ns)
        if mark in self._sound:
            return
        if digest(read_file(part.path)) != part.digest:
            raise DamagedError(f"{part.path} is truncated or changed", "see selectllm cache verify")
        self._sound.add(mark)

    def read(self, columns: Sequence[str] | None = None, *, question_id: str | None = None) -> pl.DataFrame:
        """The rows of all sound parts in order, the first of repeated samples only."""
        where = None if question_id is None else pl.col("question_id") == question_id
        return first_of_each(self.stable(lambda parts: self._read(parts, columns, where)))

    def stable(self, work: Callable[[list[Part]], _Result]) -> _Result:
        """Do something with the listed parts, again where a writer merged them meanwhile."""
        for _ in range(_ATTEMPTS):
            try:
                return work(self.listed())
            except FileNotFoundError:
                continue
        raise CacheError(f"the parts in {self.folder} keep changing", "try again")

    def sound_rows(
        self, part: Part, columns: Sequence[str] | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """The rows of one part.

        Raises:
            DamagedError: it is damaged or has other columns.
            FileNotFoundError: the part was merged into another meanwhile.
        """
        self.check(part)
        with parsing(part.path):
            found = pl.scan_parquet(part.path, glob=False)
            schema = found.collect_schema()
        expected = GENERATION_SCHEMA if columns is None else {name: GENERATION_SCHEMA[name] for name in columns}
        known = [name for name in _FURTHER if name in schema] if columns is None else []
        for name, dtype in {**expected, **{name: _FURTHER[name] for name in known}}.items():
            if schema.get(name) != dtype:
                raise DamagedError(f"{part.path} has no column {name} of type {dtype}", "see selectllm cache verify")
        if where is not None:
            found = found.filter(where)
        with parsing(part.path):
            return found.select(*expected, *known).collect()

    def _read(self, parts: Sequence[Part], columns: Sequence[str] | None, where: pl.Expr | None) -> pl.DataFrame:
        schema = GENERATION_SCHEMA if columns is None else {name: GENERATION_SCHEMA[name] for name in columns}
        frames = [pl.DataFrame(schema=schema)]
        for part in parts:
            try:
                frames.append(self.sound_rows(part, columns, where))
            except DamagedError as error:
                self._report(part.path, error.problem)
        return pl.concat(frames, how="diagonal")

    # From here on: for the one writer that holds the LLM's lock.

    def append(self, rows: pl.DataFrame, metadata: Mapping[str, str]) -> Part | None:
        """Write rows as one new part; no rows, no part.

        Raises:
            CacheError: columns or values are wrong, or the disk is full.
        """
        rows = _checked(rows)
        if rows.is_empty():
            return None
        existing = self.listed()
        return self._write(existing[-1].sequence + 1 if existing else 1, rows, metadata)

    def compact(self) -> tuple[Sequence[Part], Part] | None:
        """Merge all sound parts into one new part and return both; `discard` the old ones afterwards.

        Until then rows are there twice, which readers don't mind: nothing is lost wherever this is cut off.
        """
        merged: list[Part] = []
        frames: list[pl.DataFrame] = []
        origins: list[dict[str, str]] = []
        parts = self.listed()
        for part in parts:
            try:
                frames.append(self.sound_rows(part))
            except DamagedError as error:
                self._report(part.path, error.problem)
                continue
            merged.append(part)
            for origin in part_metadata(part.path):
                if origin not in origins:
                    origins.append(origin)
        if len(merged) < 2:
            return None
        rows = first_of_each(pl.concat(frames, how="diagonal"))
        return merged, self._write(parts[-1].sequence + 1, rows, {"compacted": json.dumps(origins)})

    def discard(self, parts: Sequence[Part]) -> None:
        """Remove parts whose rows are elsewhere."""
        for part in parts:
            part.path.unlink(missing_ok=True)
        sync_folder(self.folder)

    def _write(self, sequence: int, rows: pl.DataFrame, metadata: Mapping[str, str]) -> Part:
        buffer = io.BytesIO()
        rows.write_parquet(buffer, compression="zstd", metadata=dict(metadata))
        data = buffer.getvalue()
        part = Part(sequence, digest(data), self.folder / f"{sequence:06d}-{digest(data)}.parquet")
        write_atomic(part.path, data)
        return part


def part_of(path: Path) -> Part | None:
    """The part that a file is by its name."""
    match = _NAME.fullmatch(path.name)
    return Part(int(match[1]), match[2], path) if match else None


def part_metadata(path: Path) -> list[dict[str, str]]:
    """How the rows of a part were made: one entry per run that was merged into it.

    Parts of the recorded run carry a seal too, which says nothing of that.
    """
    with parsing(path):
        stored = {
            key: value for key, value in pl.read_parquet_metadata(path).items() if key not in {"ARROW:schema", SEAL_KEY}
        }
    if "compacted" in stored:
        with contextlib.suppress(ValueError, TypeError, RecursionError):  # a stranger's, which says nothing
            return [dict(each) for each in json.loads(stored["compacted"])]
    return [stored] if stored else []


def _checked(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in GENERATION_SCHEMA if name not in rows.columns]
    if missing:
        raise CacheError(f"generations lack the column {', '.join(missing)}")
    schema = {**GENERATION_SCHEMA, **{name: dtype for name, dtype in _FURTHER.items() if name in rows.columns}}
    try:
        rows = rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    except pl.exceptions.PolarsError as error:
        raise CacheError(f"generations have other column types than {dict(schema)}") from error
    if rows.select(pl.any_horizontal(pl.col("question_id", "sample", "text").is_null().any())).item():
        raise CacheError("generations without question, sample number or text")
    if not rows.is_empty() and rows.select(pl.col("sample").min()).item() < 0:
        raise CacheError("sample numbers start at 0")
    return rows
