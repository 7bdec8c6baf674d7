"""Answers extracted from generations, kept per part: opening a run again never touches its texts.

A derived file is `v<extractor version>-<digest of its part>-<its own digest>.parquet`. All of them are safe to delete.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from selectllm_engine.answers import EXTRACTOR_VERSION, extract_answer
from selectllm_engine.errors import CacheError, DamagedError
from selectllm_engine.files import TEMPORARY, digest, parquet_bytes, write_atomic
from selectllm_engine.parts import MEASURED, Part, Parts, first_of_each, read_frame
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ANSWER_SCHEMA", "Progress", "carry_over", "read_answers", "sweep"]

ANSWER_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "sample": pl.Int32(),
        "answer": pl.String(),
        "prompt_tokens": pl.Int32(),
        "output_tokens": pl.Int32(),
        **MEASURED,
    }
)
Progress = Callable[[int, int], None]  # done, total
_NAME = re.compile(r"v(\d+)-([0-9a-f]{16})-([0-9a-f]{16})\.parquet")
_CHUNK = 5_000


def read_answers(
    parts: Parts,
    folder: Path,
    questions: pl.DataFrame,
    *,
    report: Callable[[Path, str], None],
    writable: bool,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """The answers of all sound parts, from `folder` or extracted now and, where possible, stored there.

    Damaged parts are reported and passed over. `progress` hears of extraction only, in generations.
    """

    def read(listed: Sequence[Part]) -> pl.DataFrame:
        known = {part: _stored(folder, part) for part in listed}
        todo = {part: _rows(part) for part in listed if known[part] is None}
        total, done = sum(todo.values()), 0
        frames = [pl.DataFrame(schema=ANSWER_SCHEMA)]
        for part in listed:
            answers = known[part]
            if answers is None:
                try:
                    answers, complete = _extract(
                        parts.sound_rows(part),
                        questions,
                        (lambda each, done=done: progress(done + each, total)) if progress else None,
                    )
                except DamagedError as error:
                    report(part.path, error.problem)
                    continue
                finally:
                    done += todo[part]
                if complete and writable:
                    with contextlib.suppress(CacheError):  # a full or read-only disk costs time only
                        _store(folder, part, answers)
            frames.append(answers)
        return first_of_each(pl.concat(frames, how="diagonal"))

    return parts.stable(read)


def carry_over(folder: Path, merged: Sequence[Part], into: Part) -> None:
    """Derive a merged part's answers from those of its sources, where they are all known."""
    known = [answers for part in merged if (answers := _stored(folder, part)) is not None]
    if len(known) == len(merged):
        _store(folder, into, first_of_each(pl.concat(known, how="diagonal")))


def sweep(folder: Path, parts: Sequence[Part]) -> None:
    """Remove what other extractor versions, parts that are gone and killed processes left."""
    live = {part.digest for part in parts}
    for path in folder.glob("*") if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        stale = match and (int(match[1]) != EXTRACTOR_VERSION or match[2] not in live)
        if stale or path.name.startswith(TEMPORARY):
            path.unlink(missing_ok=True)


def _stored(folder: Path, part: Part) -> pl.DataFrame | None:
    for path in folder.glob(f"v{EXTRACTOR_VERSION}-{part.digest}-*.parquet"):
        match = _NAME.fullmatch(path.name)
        try:
            if match and digest(path.read_bytes()) == match[3]:
                return read_frame(path)
        except (OSError, DamagedError):
            continue
    return None


def _store(folder: Path, part: Part, answers: pl.DataFrame) -> None:
    data = parquet_bytes(answers)
    write_atomic(folder / f"v{EXTRACTOR_VERSION}-{part.digest}-{digest(data)}.parquet", data)


def _rows(part: Part) -> int:
    try:
        return int(pl.scan_parquet(part.path, glob=False).select(pl.len()).collect().item())
    except FileNotFoundError:
        raise
    except (OSError, pl.exceptions.PolarsError):
        return 0


def _extract(
    rows: pl.DataFrame, questions: pl.DataFrame, progress: Callable[[int], None] | None
) -> tuple[pl.DataFrame, bool]:
    """The rows with their answers instead of their texts, and whether all their questions are known."""
    options = pl.col("choices").list.len().fill_null(4).alias("options")
    joined = rows.join(
        questions.select("question_id", "kind", options), on="question_id", how="left", maintain_order="left"
    )
    answers = pl.Series("answer", list(_answers(joined, progress)), dtype=pl.String)
    columns = [name for name in ANSWER_SCHEMA if name == "answer" or name in rows.columns]
    return joined.with_columns(answers).select(columns), not joined["options"].has_nulls()


def _answers(rows: pl.DataFrame, progress: Callable[[int], None] | None) -> Iterator[str | None]:
    done = 0
    for chunk in rows.select("text", "kind", "options").iter_slices(_CHUNK):
        for text, kind, options in chunk.iter_rows():
            yield None if kind is None else extract_answer(text, kind=kind, choices=options)
        done += chunk.height
        if progress:
            progress(done)
