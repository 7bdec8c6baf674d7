"""How every LLM does so far while it is sampled, read from the cache and not from the loaded run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.evaluation import reach, wilson
from selectllm_engine.store import stop_of
from selectllm_tui.cache_activity import sampling

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from selectllm_engine.evaluation import StopRule
    from selectllm_engine.store import Cache

__all__ = ["LiveRow", "live_rows", "speed"]

RECENT = 8  # files of samples over which speed is taken


@dataclass(frozen=True, slots=True)
class LiveRow:
    """What is known of an LLM's samples of all splits.

    Attributes:
        running: whether a process is writing them at this moment.
        samples, wanted: samples there are, and samples of all questions; of one whose vote needs no more, those there.
        accuracy, low, high: share of single samples that are right, and its 95 % Wilson interval, for which all samples
            of a question count as one; None where there are none.
        silent: share of samples without an answer; None where there are none.
        tokens_per_second: new tokens per second, of late; None where that can't be told.
    """

    llm: str
    running: bool
    samples: int
    wanted: int
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    silent: float | None = None
    tokens_per_second: float | None = None


def live_rows(cache: Cache, benchmark: str) -> list[LiveRow]:
    """A row per LLM, those that are being sampled first; one whose files come and go at this moment is left out."""
    running = {each.llm for each in sampling(cache, benchmark)}
    rows = []
    for llm in cache.llms(benchmark):
        try:
            rows.append(_row(cache, benchmark, llm, running=llm in running))
        except (SelectLLMError, OSError):
            continue
    return sorted(rows, key=lambda each: not each.running)


def _row(cache: Cache, benchmark: str, llm: str, *, running: bool) -> LiveRow:
    answers, questions = cache.answers(benchmark, llm), cache.questions(benchmark)
    manifest = cache.manifest(benchmark, llm)
    samples = int(manifest.get("samples") or 0)
    wanted = samples * questions.height
    if (stop := stop_of(manifest)) is not None and stop[1] >= samples:
        wanted -= _spared(answers, samples, stop[0])
    row = LiveRow(llm, running, answers.height, wanted)
    if answers.is_empty():
        return row
    golds = answers.select("question_id", "answer").join(questions.select("question_id", "gold"), on="question_id")
    right, known = int((golds["answer"] == golds["gold"]).sum()) / answers.height, golds["question_id"].n_unique()
    low, high = wilson(round(right * known), known)
    latest = [(part.path.stat().st_mtime, part.path) for part in cache.parts(benchmark, llm).listed()[-RECENT:]]
    return replace(
        row,
        accuracy=right,
        low=low,
        high=high,
        silent=answers["answer"].null_count() / answers.height,
        tokens_per_second=speed([(time, _tokens(path)) for time, path in latest]) if running else None,
    )


def _spared(answers: pl.DataFrame, samples: int, rule: StopRule) -> int:
    """How many samples are not needed of questions where sampling may stop."""
    import polars as pl

    spared = 0
    by_question = answers.sort("question_id", "sample").group_by("question_id").agg("answer", pl.col("sample").max())
    for said, last in by_question.select("answer", "sample").iter_rows():
        if last + 1 == len(said) < samples and reach(said, samples, rule) == samples:
            spared += samples - len(said)
    return spared


def _tokens(path: Path) -> int:
    import polars as pl

    return int(pl.scan_parquet(path).select(pl.col("output_tokens").sum()).collect().item() or 0)


def speed(files: Sequence[tuple[float, int]]) -> float | None:
    """New tokens per second, of files by their time (s) and tokens: those of all but the first, since the first."""
    passed = files[-1][0] - files[0][0] if files else 0.0
    return sum(tokens for _, tokens in files[1:]) / passed if passed > 0 else None
