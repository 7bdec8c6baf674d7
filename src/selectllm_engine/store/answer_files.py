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

from selectllm_engine.answers import EXTRACTOR_VERSION
from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import CacheError, DamagedError
from selectllm_engine.store.files import TEMPORARY
from selectllm_engine.store.frames import read_derived, write_frame
from selectllm_engine.store.option_counts import with_options
from selectllm_engine.store.parts import MEASURED, Part, Parts, first_of_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from selectllm_engine.store.files import Progress

__all__ = ["ANSWER_SCHEMA", "answers_in", "carry_over", "read_answers", "sweep"]

ANSWER_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "sample": pl.Int32(),
        "answer": pl.String(),
        "prompt_tokens": pl.Int32(),
        "output_tokens": pl.Int32(),
        **MEASURED,
        "empty": pl.Boolean(),  # whether the text has nothing but white space
        "cut": pl.Boolean(),  # whether it ended because there was no room for more; null where nobody said
    }
)
_CUT = ("length", "max_tokens", "model_length", "max_output_tokens")  # what engines and tools call that
_ENDS = ("empty", "cut")
_LATER = (*MEASURED, *_ENDS)  # not in every file
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
    renewed: Callable[[pl.DataFrame, pl.DataFrame], None] | None = None,
) -> pl.DataFrame:
    """The answers of all sound parts, from `folder` or extracted now and, where possible, stored there.

    Damaged parts are reported and passed over. `questions` is called where something must be extracted; `progress`
    hears of that only, in generations; `renewed` of the answers that an earlier extractor had found, and of those that
    take their place.
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
        known = {
            part: _with_ends(parts, part, found) for part in listed if (found := _stored(folder, part)) is not None
        }
        if todo := [part for part in listed if part not in known]:
            outdated = {part: found for part in todo if (found := _outdated(folder, part)) is not None}
            known.update(extract(todo))
            if renewed is not None and (both := [part for part in todo if part in outdated and part in known]):
                renewed(
                    pl.concat([outdated[part] for part in both], how="diagonal"),
                    pl.concat([known[part] for part in both], how="diagonal"),
                )
            if writable:
                sweep(folder, listed)
        frames = [known[part] for part in listed if part in known]
        return first_of_each(pl.concat([pl.DataFrame(schema=ANSWER_SCHEMA), *frames], how="diagonal"))

    return parts.stable(read)


def answers_in(rows: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
    """The answers in generations that are not stored yet."""
    return _extract(rows, questions, lambda _: None)[0]


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
        stale = stale or (
            path.name.startswith("judged-v") and not path.name.startswith(f"judged-v{EXTRACTOR_VERSION}-")
        )
        if stale or path.name.startswith(TEMPORARY):
            with contextlib.suppress(OSError):
                path.unlink()


def _with_ends(parts: Parts, part: Part, answers: pl.DataFrame) -> pl.DataFrame:
    """The answers, with how their texts ended also where they were stored before that was."""
    if not answers["empty"].has_nulls():
        return answers
    try:
        rows = parts.sound_rows(part, ["question_id", "sample", "text", "finish_reason"])
    except DamagedError:  # its answers are as good as before
        return answers.with_columns(pl.lit(None, pl.Boolean).alias(name) for name in _ENDS)
    return answers.drop(_ENDS).join(
        _ended(rows).drop("text", "finish_reason"), on=["question_id", "sample"], how="left"
    )


def _ended(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of generations with `empty` and `cut`."""
    reason = pl.col("finish_reason").str.to_lowercase()
    return rows.with_columns(empty=~pl.col("text").str.contains(r"\S"), cut=reason.is_in(_CUT))


def _path(folder: Path, part: Part) -> Path:
    return folder / f"v{EXTRACTOR_VERSION}-{part.digest}.parquet"


def _stored(folder: Path, part: Part) -> pl.DataFrame | None:
    return read_derived(_path(folder, part), ANSWER_SCHEMA, optional=_LATER)


def _outdated(folder: Path, part: Part) -> pl.DataFrame | None:
    """What the last earlier extractor found."""
    versions = {
        path: match for path in folder.glob(f"v*-{part.digest}.parquet") if (match := _NAME.fullmatch(path.name))
    }
    newest = sorted(versions, key=lambda path: int(versions[path][1]), reverse=True)
    found = (read_derived(path, ANSWER_SCHEMA, optional=_LATER) for path in newest)
    return next((each for each in found if each is not None), None)


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
    joined = rows.join(with_options(questions, rows), on="question_id", how="left", maintain_order="left")
    answers = _answers(joined, advance)
    if "letters" in joined.columns:
        answers = _in_one_order(answers, joined["letters"])
    columns = [name for name in ANSWER_SCHEMA if name in {"answer", *_ENDS} or name in rows.columns]
    return _ended(joined).with_columns(answers).select(columns), not joined["options"].has_nulls()


def _in_one_order(answers: pl.Series, letters: pl.Series) -> pl.Series:
    """Letters of options that the LLM saw in another order, as the letters that these options have here."""
    pairs = zip(answers, letters, strict=True)
    return pl.Series("answer", [_here(answer, order) for answer, order in pairs], dtype=pl.String)


def _here(answer: str | None, order: str | None) -> str | None:
    place = LETTERS.find(answer) if answer is not None and order is not None else -1
    return order[place] if order is not None and 0 <= place < len(order) else answer


def _answers(rows: pl.DataFrame, advance: Callable[[int], None]) -> pl.Series:
    from selectllm_engine.answers import extract_answers  # its patterns are compiled, for which there may be no need

    found: list[pl.Series] = [pl.Series(dtype=pl.String)]
    done = 0
    for chunk in rows.iter_slices(_CHUNK):
        found.append(extract_answers(chunk["text"], chunk["kind"], chunk["options"]))
        done += chunk.height
        advance(done)
    return pl.concat(found).alias("answer")
