"""What was imported before and is judged anew from its files: what it was, and which figures moved."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from selectllm_engine.benchmarks import splits_of
from selectllm_engine.errors import CacheError, DamagedError
from selectllm_engine.importers.values import mapping, words
from selectllm_engine.store import VerdictChoice, load_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.importers.records import Reading
    from selectllm_engine.store import Cache

__all__ = ["accuracies", "digest_of", "facts_of", "tell_moved"]


def facts_of(cache: Cache, benchmark: str) -> dict[str, dict[str, object]]:
    """What stays of every LLM that was imported from files: its place in the run, and whose verdict counts."""
    found = {}
    for llm in cache.llms(benchmark):
        if digest_of(cache, benchmark, llm) is not None:
            manifest = cache.manifest(benchmark, llm)
            found[llm] = {"created": manifest.get("created"), "verdicts": VerdictChoice.of(manifest).stored()}
    return found


def digest_of(cache: Cache, benchmark: str, llm: str) -> str | None:
    """What the files of an LLM's import held; None where it was not imported from files."""
    try:
        origin = cache.manifest(benchmark, llm).get("origin")
    except DamagedError:
        return None
    return words(mapping(origin).get("digest"))


def accuracies(cache: Cache, benchmark: str) -> dict[str, dict[str, float]]:
    """Per split every LLM's accuracy, as far as it can be known."""
    found = {}
    for split in splits_of(cache.questions(benchmark)):
        with contextlib.suppress(CacheError):
            outcomes = load_outcomes(cache, benchmark, split)
            if len(outcomes.labels):
                found[split] = dict(zip(outcomes.llms, outcomes.labels.mean(axis=0).tolist(), strict=True))
    return found


def tell_moved(cache: Cache, benchmark: str, before: Mapping[str, Mapping[str, float]], reading: Reading) -> None:
    """Say which accuracies are others than before."""
    moved = [
        f"{llm} {100 * before[split][llm]:.1f} → {100 * accuracy:.1f} % ({split})"
        for split, now in accuracies(cache, benchmark).items()
        for llm, accuracy in now.items()
        if llm in before.get(split, {}) and round(before[split][llm], 4) != round(accuracy, 4)
    ]
    reading.note(f"judged anew: {', '.join(moved) if moved else 'every accuracy is as before'}")
    if cache.routers(benchmark) and moved:
        reading.note("routers were trained on the verdicts of before: train them again")
