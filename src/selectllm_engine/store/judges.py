"""From the cache: both verdicts of an LLM, how they agree per subject, and whose counts where; see `agreement`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.store import agreement
from selectllm_engine.store.verdicts import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selectllm_engine.store.agreement import Judge
    from selectllm_engine.store.cache import Cache
    from selectllm_engine.store.files import Progress

__all__ = ["both_verdicts", "judges_of", "verdict_counts"]


def both_verdicts(cache: Cache, benchmark: str, llm: str, *, progress: Progress | None = None) -> pl.DataFrame:
    """The recorded verdict and our own on every question that an LLM has a result for; see `agreement.compare`.

    With the columns question_id, split, subject and gold of the question.
    """
    questions = cache.questions(benchmark).select("question_id", "split", "subject", "gold")
    answers = cache.answers(benchmark, llm, progress=progress)
    threshold = agreement.threshold_of(cache.manifest(benchmark, llm))
    return agreement.compare(questions, answers, cache.verdicts(benchmark, llm), threshold)


def verdict_counts(cache: Cache, benchmark: str, llm: str, *, progress: Progress | None = None) -> pl.DataFrame:
    """How many verdicts of both kinds an LLM has per subject, how many agree, and how many samples are silent.

    Made on the first call, and kept where the cache can be written; rows as of `agreement.count`.
    """

    def make() -> pl.DataFrame:
        answers = cache.answers(benchmark, llm, progress=progress)
        return agreement.count(cache.questions(benchmark), answers, both_verdicts(cache, benchmark, llm))

    parts = [part.digest for part in cache.parts(benchmark, llm).listed()]
    if not parts and (verdicts := cache.verdicts(benchmark, llm)) is not None:
        threshold = agreement.threshold_of(cache.manifest(benchmark, llm))
        return agreement.count_scores(cache.questions(benchmark), verdicts, threshold)
    place = cache.llm_folder(benchmark, llm)
    changes = [_state(path) for path in (cache.folder(benchmark) / "questions.parquet", place / VERDICTS)]
    state = [agreement.threshold_of(cache.manifest(benchmark, llm)), *changes, *parts]
    if cache.questions(benchmark)["kind"].eq("expression").any():
        from selectllm_engine.store.equal_answers import compared_as

        state.append(compared_as())
    return agreement.stored_counts(place / "answers", state, writable=not cache.is_packaged(benchmark), make=make)


def judges_of(cache: Cache, benchmark: str, *, progress: Progress | None = None) -> dict[str, dict[str | None, Judge]]:
    """Per LLM and subject whose verdict counts, of the LLMs that have texts; empty where nothing is recorded."""
    names = cache.llms(benchmark)
    judged = {name for name in names if (cache.llm_folder(benchmark, name) / VERDICTS).exists()}
    sampled = [name for name in names if cache.parts(benchmark, name).listed()]
    if not judged.intersection(sampled):
        return {}
    manifests = {name: cache.manifest(benchmark, name) for name in sampled}
    earlier = [name for name in judged.intersection(sampled) if _is_first(cache, benchmark, name, manifests[name])]
    counts = {name: verdict_counts(cache, benchmark, name, progress=progress) for name in sampled}
    judges = agreement.chosen_judges(
        counts,
        {name: agreement.VerdictChoice.of(manifest) for name, manifest in manifests.items()},
        [name for name in sampled if name in judged or manifests[name].get("scored")],
    )
    for name in sorted(earlier):
        for subject, judge in judges[name].items():
            row = counts[name].row(by_predicate=pl.col("subject").eq_missing(pl.lit(subject)), named=True)
            if judge == "recorded" and row["own"] and row["recorded"]:
                own, recorded = (100 * row[f"{way}_right"] / row[way] for way in ("own", "recorded"))
                of = f" in {subject}" if subject else ""
                cache.news.append(
                    f"{name} on {benchmark}{of}: recorded verdicts are the labels now, for ours agree on "
                    f"{100 * row['agreeing'] / max(row['both'], 1):.1f} % of them only: {own:.1f} → {recorded:.1f} %"
                )
    return judges


def _is_first(cache: Cache, benchmark: str, llm: str, manifest: Mapping[str, object]) -> bool:
    """Whether an LLM was imported before verdicts were compared, and has not been read since."""
    folder = cache.llm_folder(benchmark, llm) / "answers"
    return "verdicts" not in manifest and not any(folder.glob("judged-v*.parquet"))


def _state(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns
