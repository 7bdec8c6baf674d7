"""Whose verdict counts for each LLM and subject, with the figures behind it, as a table to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.store import judges_of, verdict_counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectllm_engine.store import Cache, Progress

__all__ = ["JUDGEMENTS", "judgements"]

JUDGEMENTS = pl.Schema(
    {
        "subject": pl.String(),
        "llm": pl.String(),
        "questions": pl.Int64(),
        "recorded_accuracy": pl.Float64(),  # null where nothing is recorded
        "own_accuracy": pl.Float64(),  # null without texts or gold answers
        "agreement": pl.Float64(),  # share of the questions with both verdicts on which they agree
        "missing": pl.Float64(),  # share of the samples without an answer; null without texts
        "empty": pl.Float64(),
        "cut": pl.Float64(),  # null, too, where nobody said why texts ended
        "used": pl.String(),  # "recorded" or "own"
    }
)


def judgements(
    cache: Cache, benchmark: str, llms: Iterable[str] | None = None, *, progress: Progress | None = None
) -> pl.DataFrame:
    """One row per subject and LLM, by subject in order of its first question.

    Args:
        cache: where the results are.
        benchmark: its name.
        llms: which LLMs; None for all.
        progress: told (done, total) generations where answers must be extracted first.
    """
    names = cache.llms(benchmark) if llms is None else list(llms)
    judges = judges_of(cache, benchmark, progress=progress)
    found = [pl.DataFrame(schema=JUDGEMENTS)]
    for name in names:
        counts = verdict_counts(cache, benchmark, name, progress=progress)
        with_texts = counts["samples"].sum() > 0
        own = judges.get(name, {})
        used = [own.get(subject, "own" if with_texts else "recorded") for subject in counts["subject"]]
        found.append(
            counts.select(
                "subject",
                pl.lit(name).alias("llm"),
                "questions",
                recorded_accuracy=_share("recorded_right", "recorded"),
                own_accuracy=_share("own_right", "own"),
                agreement=_share("agreeing", "both"),
                missing=_share("missing", "samples"),
                empty=_share("empty", "samples"),
                cut=_share("cut", "samples"),
                used=pl.Series(used, dtype=pl.String),
            )
        )
    whole = pl.concat(found)
    order = {subject: at for at, subject in enumerate(whole["subject"].unique(maintain_order=True))}
    place = pl.Series([order[subject] for subject in whole["subject"]], dtype=pl.Int64)
    return whole.with_columns(place=place).sort("place", maintain_order=True).drop("place")


def _share(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))
