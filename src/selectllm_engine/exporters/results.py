"""All results of a run as one wide table for other tools; and how files are written for them.

Wide results have RouterBench's columns: `sample_id`, `prompt`, `eval_name` (the subject, else the benchmark's name),
and per LLM `<llm>` (the score), `<llm>|model_response` and `<llm>|total_cost` (dollars). Its cells hold one response:
a question with K samples is K rows, told apart by the column `sample`. Beside them stands what RouterBench doesn't know
and an import needs for the same figures: `split`, `gold`, `kind`, `choices` (a JSON list), `<llm>|latency` (seconds),
`<llm>|prompt_tokens`, `<llm>|output_tokens`, where another tool recorded one `<llm>|answer`, and where sampling
stopped before K `<llm>|stop`, such as "decided of 10"; and what people have left on questions, `marked` (true or
nothing) and `note`. Of these, columns without any value are left out.

A score is the one that another tool recorded, else whether the extracted answer is the gold one. Latency and cost are
those the figures use: the question's, repeated for each sample.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.errors import CacheError, UnknownNameError, UsageError
from selectllm_engine.store import load_outcomes, stop_of, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from selectllm_engine.evaluation import Outcomes
    from selectllm_engine.llms import Pool
    from selectllm_engine.run import StoredRun

__all__ = ["Exported", "check_target", "export_results", "save", "wide_results"]

_OWN = ("sample_id", "prompt", "eval_name", "sample", "split", "gold", "kind", "choices", "marked", "note")
_OF_LLM = ("latency", "prompt_tokens", "output_tokens", "answer", "stop")  # of each LLM, beside RouterBench's


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        path: where.
        rows: how many.
        llms: of which LLMs.
        notes: what a person should know about it.
    """

    path: Path
    rows: int
    llms: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check_target(path: Path, suffixes: Iterable[str], *, force: bool = False) -> str:
    """The suffix of a file that may be written.

    Raises:
        UsageError: a suffix that isn't one of these, or there is something already.
    """
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        raise UsageError(f"{path} has no known ending", f"name a file that ends in {' or '.join(suffixes)}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "name a file")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", "choose another name, or replace it with --force")
    return suffix


def save(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; raises CacheError."""
    try:
        write_atomic(path, data)
    except CacheError as error:
        raise CacheError(error.problem, "free some space or write elsewhere") from error


def export_results(
    run: StoredRun,
    path: Path,
    *,
    pool: Pool | Iterable[str] | None = None,
    splits: Sequence[str] | None = None,
    force: bool = False,
) -> Exported:
    """Write all results of a run as one wide table.

    Args:
        run: from `selectllm_engine.load`.
        path: a file that ends in .parquet or .csv.
        pool: which LLMs; None for all.
        splits: which splits; None for all.
        force: replace a file that is there.

    Raises:
        UsageError: the path can't be written to, or an LLM's name makes columns ambiguous.
        UnknownNameError: an unknown LLM or split.
        CacheError: results can't be read, or the file can't be written.
    """
    suffix = check_target(path, (".parquet", ".csv"), force=force)
    frame = wide_results(run, pool=pool, splits=splits)
    buffer = io.BytesIO()
    if suffix == ".csv":
        frame.write_csv(buffer)
    else:
        frame.write_parquet(buffer)
    save(path, buffer.getvalue())
    llms = run.pool(pool).names
    return Exported(path, frame.height, llms, (*_threshold_notes(run, llms),))


def wide_results(
    run: StoredRun, *, pool: Pool | Iterable[str] | None = None, splits: Sequence[str] | None = None
) -> pl.DataFrame:
    """All results of a run as one wide table, one row per question and sample, in the benchmark's order.

    Questions without any result have one row. Raises as `export_results` does.
    """
    llms = run.pool(pool).names
    _check_names(llms)
    wanted = list(run.splits if splits is None else splits)
    for split in wanted:
        if split not in run.splits:
            raise UnknownNameError("split", split, run.splits)
    questions = run.questions.filter(pl.col("split").is_in(wanted))
    found = [_results(run, llm, questions) for llm in llms]
    samples = pl.concat(
        [questions.select("question_id", sample=pl.lit(0, pl.Int32))]
        + [each.select("question_id", "sample") for each in found]
    ).unique()
    rows = questions.select(
        pl.col("question_id").alias("sample_id"),
        pl.col("text").alias("prompt"),
        pl.col("subject").fill_null(run.benchmark).alias("eval_name"),
        "split",
        "gold",
        "kind",
        pl.col("choices").map_elements(_as_json, return_dtype=pl.String),
    ).join(samples.sort("sample"), left_on="sample_id", right_on="question_id", maintain_order="left_right")
    for llm, each in zip(llms, found, strict=True):
        stop = stop_of(run.info(llm))
        said = pl.lit(None if stop is None else f"{stop[0]} of {stop[1]}", pl.String)
        named = each.join(_measured(run, llm, wanted), on="question_id", how="left").with_columns(stop=said)
        named = named.select(
            pl.col("question_id").alias("sample_id"),
            "sample",
            pl.col("score").alias(llm),
            pl.col("text").alias(f"{llm}|model_response"),
            *(pl.col(kind).alias(f"{llm}|{kind}") for kind in ("total_cost", *_OF_LLM)),
        )
        rows = rows.join(named, on=["sample_id", "sample"], how="left", maintain_order="left")
    return _arranged(rows.join(_marks(run), on="sample_id", how="left", maintain_order="left"), llms)


def _marks(run: StoredRun) -> pl.DataFrame:
    """What people have left on questions: sample_id, marked, note, null where it is neither."""
    left = run.cache.marks(run.benchmark)
    return pl.DataFrame(
        [(name, each.marked or None, each.note or None) for name, each in left.items()],
        schema={"sample_id": pl.String, "marked": pl.Boolean, "note": pl.String},
        orient="row",
    )


def _check_names(llms: Sequence[str]) -> None:
    for name in llms:
        if name in _OWN or "|" in name:
            raise UsageError(f"an LLM named {name!r} can't be told from the other columns", "leave it out with --pool")


def _as_json(choices: pl.Series) -> str:
    return json.dumps(choices.to_list(), ensure_ascii=False)


def _results(run: StoredRun, llm: str, questions: pl.DataFrame) -> pl.DataFrame:
    """An LLM's samples: question_id, sample, text, score, tokens, and the answer that another tool recorded."""
    key = ["question_id", "sample"]
    gold = questions.select("question_id", "gold")
    answers = run.cache.answers(run.benchmark, llm)
    right = (pl.col("answer") == pl.col("gold")).fill_null(value=False).cast(pl.Float64)
    score = pl.when(pl.col("gold").is_not_null()).then(right)
    own = answers.join(gold, on="question_id").select(*key, "prompt_tokens", "output_tokens", own=score)
    rows = run.cache.generations(run.benchmark, llm).select(*key, "text").join(own, on=key)
    recorded = run.cache.verdicts(run.benchmark, llm)
    if recorded is None:
        return rows.rename({"own": "score"}).with_columns(answer=pl.lit(None, pl.String))
    recorded = recorded.join(gold, on="question_id", how="semi").select(*key, "score", "answer")
    rows = rows.join(recorded, on=key, how="full", coalesce=True)
    return rows.with_columns(pl.coalesce("score", "own").alias("score")).drop("own")


def _measured(run: StoredRun, llm: str, splits: Sequence[str]) -> pl.DataFrame:
    """An LLM's seconds and dollars per question: question_id, latency, total_cost, null where unknown.

    Those of the run's figures; of questions that other LLMs lack, and that are in no figure, the LLM's own.
    """
    frames = []
    for split in splits:
        outcomes = run.outcomes(split)
        frames.append(_seconds_and_dollars(outcomes, llm))
        if outcomes.left_out_total:
            frames.append(_seconds_and_dollars(load_outcomes(run.cache, run.benchmark, split, llms=[llm]), llm))
    return pl.concat(frames).unique("question_id", keep="first")


def _seconds_and_dollars(outcomes: Outcomes, llm: str) -> pl.DataFrame:
    column = outcomes.llms.index(llm)
    found = {"latency": outcomes.latency[:, column], "total_cost": outcomes.cost[:, column]}
    # in 64 bits, so that a CSV file has all digits
    measured = {name: pl.Series(values.astype(np.float64)).fill_nan(None) for name, values in found.items()}
    return pl.DataFrame({"question_id": outcomes.questions["question_id"], **measured})


def _arranged(rows: pl.DataFrame, llms: Sequence[str]) -> pl.DataFrame:
    """RouterBench's columns first, in its order; the others without those that say nothing."""
    ours = [*_OWN[3:], *(f"{llm}|{kind}" for kind in _OF_LLM for llm in llms)]
    said = [name for name in ours if rows[name].null_count() < rows.height]
    if not rows["sample"].max():
        said.remove("sample")
    theirs = [f"{llm}{kind}" for kind in ("", "|model_response", "|total_cost") for llm in llms]
    return rows.select("sample_id", "prompt", "eval_name", *theirs, *said)


def _threshold_notes(run: StoredRun, llms: Sequence[str]) -> Iterator[str]:
    thresholds = {run.info(llm).get("threshold") for llm in llms} - {None, 0.5}
    if thresholds:
        values = ", ".join(f"{each:g}" for each in sorted(thresholds))  # type: ignore[type-var]
        yield f"scores count as right from {values} on: import it again with that --threshold"
