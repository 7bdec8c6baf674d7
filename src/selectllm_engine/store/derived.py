"""Answers extracted from generations, kept per part: opening a run again never touches its texts.

A derived file is `v<extractor version>-<digest of its part>.parquet`. All of them are safe to delete.

So a part that is damaged after its answers were extracted changes no figure, and goes unnoticed until its texts are
read or written beside: by `show --generations`, the explorer's question, `generate`, or `cache verify`.
"""

from __future__ import annotations

import contextlib
import re
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.answers import EXTRACTOR_VERSION, extract_answers
from selectllm_engine.errors import CacheError, DamagedError
from selectllm_engine.store.files import TEMPORARY
from selectllm_engine.store.frames import read_frame, write_frame
from selectllm_engine.store.parts import MEASURED, Part, Parts, first_of_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from selectllm_engine.store.files import Progress

__all__ = ["ANSWER_SCHEMA", "carry_over", "read_answers", "sweep"]

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
_NAME = re.compile(r"v(\d+)-([0-9a-f]{16})\.parquet")
_CHUNK = 5_000


def read_answers(
    parts: Parts,
    folder: Path,
    questions: Callable[[], pl.DataFrame],
    *,
    report: Callable[[Path, str], None],
    writable: bool,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """The answers of all sound parts, from `folder` or extracted now and, where possible, stored there.

    Damaged parts are reported and passed over. `questions` is called where something must be extracted; `progress`
    hears of that only, in generations.
    """

    def extract(todo: Sequence[Part]) -> Iterator[tuple[Part, pl.DataFrame]]:
        table = questions()
        sizes = {part: _rows(parts, part) for part in todo}
        total, done = sum(sizes.values()), 0
        for part in todo:
            try:
                rows = parts.sound_rows(part)
            except DamagedError as error:
                report(part.path, error.problem)
                continue
            answers, complete = _extract(rows, table, partial(_advance, progress, done, total))
            done += sizes[part]
            if complete and writable:
                with contextlib.suppress(CacheError):  # a full or read-only disk costs time only
                    write_frame(_path(folder, part), answers)
            yield part, answers

    def read(listed: Sequence[Part]) -> pl.DataFrame:
        known = {part: answers for part in listed if (answers := _stored(folder, part)) is not None}
        if todo := [part for part in listed if part not in known]:
            known.update(extract(todo))
            if writable:
                sweep(folder, listed)
        frames = [known[part] for part in listed if part in known]
        return first_of_each(pl.concat([pl.DataFrame(schema=ANSWER_SCHEMA), *frames], how="diagonal"))

    return parts.stable(read)


def carry_over(folder: Path, merged: Sequence[Part], into: Part) -> None:
    """Derive a merged part's answers from those of its sources, where they are all known."""
    known = [answers for part in merged if (answers := _stored(folder, part)) is not None]
    if len(known) == len(merged):
        write_frame(_path(folder, into), first_of_each(pl.concat(known, how="diagonal")))


def sweep(folder: Path, parts: Sequence[Part]) -> None:
    """Remove what other extractor versions, parts that are gone and killed processes left."""
    live = {part.digest for part in parts}
    for path in folder.glob("*") if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        stale = match and (int(match[1]) != EXTRACTOR_VERSION or match[2] not in live)
        if stale or path.name.startswith(TEMPORARY):
            with contextlib.suppress(OSError):
                path.unlink()


def _path(folder: Path, part: Part) -> Path:
    return folder / f"v{EXTRACTOR_VERSION}-{part.digest}.parquet"


def _stored(folder: Path, part: Part) -> pl.DataFrame | None:
    with contextlib.suppress(FileNotFoundError, DamagedError):
        return read_frame(_path(folder, part))
    return None


def _rows(parts: Parts, part: Part) -> int:
    try:
        return parts.sound_rows(part, ["sample"]).height
    except DamagedError:
        return 0


def _advance(progress: Progress | None, before: int, total: int, done: int) -> None:
    if progress:
        progress(before + done, total)


def _extract(rows: pl.DataFrame, questions: pl.DataFrame, advance: Callable[[int], None]) -> tuple[pl.DataFrame, bool]:
    """The rows with their answers instead of their texts, and whether all their questions are known."""
    options = questions.select("question_id", "kind", _options().alias("options"))
    joined = rows.join(options, on="question_id", how="left", maintain_order="left")
    answers: list[pl.Series] = [pl.Series(dtype=pl.String)]
    done = 0
    for chunk in joined.iter_slices(_CHUNK):
        answers.append(extract_answers(chunk["text"], chunk["kind"], chunk["options"]))
        done += chunk.height
        advance(done)
    columns = [name for name in ANSWER_SCHEMA if name == "answer" or name in rows.columns]
    return joined.with_columns(answer=pl.concat(answers)).select(columns), not joined["options"].has_nulls()


def _options() -> pl.Expr:
    """How many letters are options: as many as there are choices; without them as the subject's questions need.

    That is up to the last letter that is a gold answer or that a question lists at the beginning of a line, of 4 to 26.
    """
    listed = pl.col("text").str.extract_all(r"(?m)^[ \t]*\(?[A-Z][.):][ \t]").list.n_unique()
    last = pl.col("gold").str.extract(r"\A([A-Z])\z").str.to_integer(base=36) - 9  # "A" is the tenth digit
    lettered = pl.col("kind") == "letter"
    needed = pl.max_horizontal(pl.when(lettered).then(pl.max_horizontal(listed, last)).max().over("subject"), 4)
    return pl.coalesce(pl.col("choices").list.len().cast(pl.Int64), pl.when(lettered).then(needed.clip(4, 26)), 4)
