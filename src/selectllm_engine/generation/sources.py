"""Benchmarks to sample on, from their sources and the cache; of those that can't be read what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import Exemplar, known_sizes, load_benchmark, load_exemplars
from selectllm_engine.errors import BenchmarkError, SelectLLMError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from selectllm_engine.benchmarks import Description
    from selectllm_engine.store import Cache

__all__ = ["Source", "read_source", "unread_source"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Source:
    """A benchmark to sample on: its questions, whether the cache has them, and what prompts need.

    `notes` are what a person should know about it. `problem`: why it can't be read. Its questions are then nothing but
    ids and splits, as many as are known to be.
    """

    name: str
    questions: pl.DataFrame
    terse: bool
    exemplars: tuple[Exemplar, ...] = ()
    no_exemplars: str | None = None
    language: str | None = None
    stored: bool = False
    notes: tuple[str, ...] = ()
    problem: SelectLLMError | None = None


def read_source(
    cache: Cache,
    name: str,
    *,
    data: Path | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    exemplars: Path | None = None,
    description: Description | None = None,
) -> Source:
    """A benchmark from its source and the cache. What the cache has is used where neither `data` nor `sizes` is given.

    `description` says what the columns of a person's own questions mean. `exemplars` is a file of solved questions to
    use instead of the benchmark's own.

    Raises:
        SelectLLMError: it is not in the cache and can't be read either.
    """
    source = _read_source(cache, name, data=data, sizes=sizes, seed=seed, description=description)
    if exemplars is None:
        return source
    own = load_exemplars(exemplars)
    asked = set(source.questions["text"])
    if twice := [each.text for each in own if each.text in asked]:
        raise BenchmarkError(
            f"{len(twice)} exemplars of {exemplars.name} are questions of {name} too", "take them out of the file"
        )
    return replace(source, exemplars=own, no_exemplars=None)


def unread_source(name: str, problem: SelectLLMError) -> Source | None:
    """What can be planned of a benchmark that can't be read; None where its size is not known."""
    import polars as pl

    if (sizes := known_sizes(name)) is None:
        return None
    rows = [(f"{name}-{split}-{number}", split) for split, size in sizes.items() for number in range(size)]
    questions = pl.DataFrame(rows, schema=["question_id", "split"], orient="row")
    return Source(name=name, questions=questions, terse=False, problem=problem)


def _read_source(
    cache: Cache,
    name: str,
    *,
    data: Path | None,
    sizes: Mapping[str, int] | None,
    seed: int,
    description: Description | None,
) -> Source:
    stored = cache.questions(name) if name in cache.benchmarks() else None
    try:
        loaded = load_benchmark(name, data=data, sizes=sizes, seed=seed, description=description)
    except SelectLLMError as error:
        if stored is None or data is not None or sizes:
            raise
        prompt = _stored_prompt(cache, name)
        return Source(
            name=name,
            questions=stored,
            terse=bool(prompt.get("terse")),
            no_exemplars=str(error),
            language=prompt.get("language"),
            stored=True,
        )
    use_stored = stored is not None and data is None and not sizes
    questions = stored if use_stored and stored is not None else loaded.questions
    return Source(
        name=name,
        questions=questions,
        terse=loaded.terse,
        exemplars=loaded.exemplars,
        language=loaded.language,
        stored=stored is not None,
        notes=loaded.notes,
    )


def _stored_prompt(cache: Cache, name: str) -> dict[str, Any]:
    """How the cached run of a benchmark asked for answers, as far as its manifests say."""
    found: dict[str, object] = {}
    for llm in cache.llms(name):
        prompt = cache.manifest(name, llm).get("prompt") or {}
        if "terse" in prompt:
            found = prompt | found
            if prompt.get("language"):  # few-shot prompts and those in one's own words have none
                return prompt | found
    return found
