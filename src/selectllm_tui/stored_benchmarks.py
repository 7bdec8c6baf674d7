"""The benchmarks of a cache, with what helps to choose one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.errors import SelectLLMError

if TYPE_CHECKING:
    from selectllm_engine.store import Cache

__all__ = ["StoredBenchmark", "stored_benchmarks"]


@dataclass(frozen=True, slots=True)
class StoredBenchmark:
    """One benchmark: its LLMs and questions, None where they can't be read; the day of its newest LLM.

    `recorded` is that of the run that comes with the package.
    """

    name: str
    llms: int | None = None
    questions: int | None = None
    date: str = ""
    recorded: bool = False


def stored_benchmarks(cache: Cache) -> list[StoredBenchmark]:
    """All benchmarks of a cache, by name. What is damaged in them is not told to `cache`, which is about one run."""
    from selectllm_engine.store import Cache

    looked_at = Cache(cache.root, packaged=cache.packaged)
    return [_look(looked_at, name) for name in looked_at.benchmarks()]


def _look(cache: Cache, name: str) -> StoredBenchmark:
    recorded = cache.is_packaged(name)
    try:
        llms = cache.llms(name)
        days = [str(cache.manifest(name, llm).get("created", ""))[:10] for llm in llms]
        return StoredBenchmark(name, len(llms), cache.questions(name).height, max(days, default=""), recorded)
    except SelectLLMError:
        return StoredBenchmark(name, recorded=recorded)
