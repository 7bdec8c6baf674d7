"""What a worker process is told, as JSON: one LLM, and what to sample of it on which benchmarks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import Exemplar, splits_of
from selectllm_engine.errors import UnknownNameError
from selectllm_engine.llms import LLM, Price, Sampling, Variant, Wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

__all__ = ["Task", "WorkerSpec", "choose_questions", "missing_samples"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Samples of one LLM on one benchmark, whose questions are in the cache.

    Attributes:
        splits: which splits, all where empty.
        limit: the first so many questions of each split.
        shard: (i, n): of these every n-th alone, from the i-th on.
        samples: K, how many each question should have at the end.
        stop: the rule by which fewer will do, as `parse_stop` reads it; None for all of them.
        exemplars: the benchmark's, for few-shot prompts.
        no_exemplars: why there are none, where they could not be read.
        language: that answers are asked for in, as of a `Benchmark`.
        llm: whose samples, where that isn't the worker's LLM but one with the same weights.
    """

    benchmark: str
    samples: int
    terse: bool
    stop: str | None = None
    splits: tuple[str, ...] = ()
    limit: int | None = None
    shard: tuple[int, int] | None = None
    exemplars: tuple[Exemplar, ...] = ()
    no_exemplars: str | None = None
    language: str | None = None
    llm: LLM | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """One LLM's work, and that of its variants.

    Attributes:
        llm: whose weights are loaded; its name is the worker's.
        remeasure: whether single prompts are timed again where that was done before.
        tensor_parallel: GPUs that compute together.
        gpu_memory: the share of a GPU's memory that vLLM takes; None for its own.
        dummy: time its configuration alone, with weights that are made up, and sample nothing.
        ray: replicas compute, on a Ray cluster: its address, `auto`, or `local` for the GPUs that the worker gets.
        gpu_type: the only type of GPU that replicas take there, or `any`; None where there may be only one.
        concurrency: samples that an endpoint is asked for at the same time; None for the engine's own number.
    """

    llm: LLM
    cache: str
    tasks: tuple[Task, ...]
    engine: str = "vllm"
    seed: int = 0
    remeasure: bool = False
    tensor_parallel: int = 1
    gpu_memory: float | None = None
    concurrency: int | None = None
    dummy: bool = False
    ray: str | None = None
    gpu_type: str | None = None

    def llm_of(self, task: Task) -> LLM:
        """Whose samples a task makes."""
        return task.llm or self.llm

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> WorkerSpec:
        """The inverse of `to_json`."""
        given = json.loads(text)
        return cls(**{**given, "llm": _llm(given["llm"]), "tasks": tuple(_task(each) for each in given["tasks"])})


def _llm(given: dict[str, Any]) -> LLM:
    sampling = given["sampling"]
    if sampling is not None:
        sampling = Sampling(**{**sampling, "stop": tuple(sampling["stop"])})
    price = None if given["price"] is None else Price(**given["price"])
    wording = None if given["wording"] is None else Wording(**given["wording"])
    aliases = tuple(given["aliases"])
    variant = None if given["variant"] is None else _variant(**given["variant"])
    own = {"sampling": sampling, "price": price, "wording": wording, "aliases": aliases, "variant": variant}
    return LLM(**{**given, **own})


def _variant(of: str, changes: dict[str, Any]) -> Variant:
    return Variant(of=of, changes={**changes, **({"stop": tuple(changes["stop"])} if "stop" in changes else {})})


def _task(given: dict[str, Any]) -> Task:
    exemplars = tuple(
        Exemplar(**{**each, "choices": None if each["choices"] is None else tuple(each["choices"])})
        for each in given["exemplars"]
    )
    llm = None if given["llm"] is None else _llm(given["llm"])
    shard = None if given["shard"] is None else tuple(given["shard"])
    return Task(**{**given, "splits": tuple(given["splits"]), "shard": shard, "exemplars": exemplars, "llm": llm})


def choose_questions(
    questions: pl.DataFrame, splits: Sequence[str], limit: int | None, shard: tuple[int, int] | None = None
) -> pl.DataFrame:
    """The questions of some splits (all where empty), the first `limit` of each, in their order; of them a `shard`.

    Raises:
        UnknownNameError: no question has such a split.
    """
    import polars as pl

    known = splits_of(questions)
    for split in splits:
        if split not in known:
            raise UnknownNameError("split", split, known)
    chosen = questions.filter(pl.col("split").is_in(list(splits))) if splits else questions
    if limit is not None:
        chosen = chosen.filter(pl.int_range(pl.len()).over("split") < limit)
    return chosen if shard is None else chosen[shard[0] - 1 :: shard[1]]


def missing_samples(
    question_ids: Sequence[str], sampled: pl.DataFrame, samples: int
) -> list[tuple[str, tuple[int, ...]]]:
    """Per question, in order, the sample numbers below `samples` that don't exist; complete questions are left out."""
    existing: dict[str, set[int]] = {}
    for question_id, sample in sampled.select("question_id", "sample").iter_rows():
        existing.setdefault(question_id, set()).add(sample)
    nothing: set[int] = set()
    missing = []
    for question_id in question_ids:
        have = existing.get(question_id, nothing)
        if lacking := tuple(sample for sample in range(samples) if sample not in have):
            missing.append((question_id, lacking))
    return missing
