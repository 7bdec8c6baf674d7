"""What `generate` will do: which samples of which LLM on which benchmark are missing, and the room they take.

Planning reads the cache and the benchmarks, and writes nothing. A benchmark or an LLM that can't be planned is kept
with its problem, so that the others go on.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from selectllm_engine import machine
from selectllm_engine.errors import CacheError, SelectLLMError, UnknownNameError, UsageError
from selectllm_engine.evaluation import parse_stop
from selectllm_engine.generation.engine import SERVED
from selectllm_engine.generation.prompts import sampling_manifest, sampling_of, wording_manifest
from selectllm_engine.generation.rounds import missing_of
from selectllm_engine.generation.sources import Source
from selectllm_engine.generation.spec import Task, WorkerSpec, choose_questions, missing_samples
from selectllm_engine.generation.weights import local_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selectllm_engine.llms import LLM, PromptStyle, Wording
    from selectllm_engine.store import Cache

__all__ = [
    "Item",
    "Plan",
    "PlanRequest",
    "Source",
    "engine_of",
    "make_plan",
    "same_worker",
    "with_overrides",
]

BYTES_TERSE, BYTES_LONG = 60, 450  # of one stored generation, compressed, where none is stored yet
_ENOUGH_ROWS = 100  # stored generations to tell their size from


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What is asked for, for all LLMs and benchmarks alike. `max_tokens` and `prompt` override, where given.

    `stop`, `splits`, `limit` and `shard` are as in Task.

    `wording` goes with `prompt`: the words of zero-shot prompts, None the built-in ones. `concurrency`,
    `tensor_parallel`, `gpu_memory`, `ray` and `gpu_type` are as in WorkerSpec.
    """

    samples: int = 10
    stop: str | None = None
    limit: int | None = None
    shard: tuple[int, int] | None = None
    splits: tuple[str, ...] = ()
    engine: str = "vllm"
    seed: int = 0
    prompt: PromptStyle | None = None
    wording: Wording | None = None
    max_tokens: int | None = None
    remeasure: bool = False
    tensor_parallel: int = 1
    gpu_memory: float | None = None
    concurrency: int | None = None
    ray: str | None = None
    gpu_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One LLM on one benchmark; samples wanted in all, and how many of them exist or, by the rule, need not.

    `differs`: what exists was made with other settings; its worker will say with which.
    """

    llm: LLM
    source: Source
    questions: int
    total: int
    done: int
    to_time: bool
    bytes: int
    differs: bool = False
    problem: SelectLLMError | None = None

    @property
    def missing(self) -> int:
        """Samples to make."""
        return self.total - self.done

    @property
    def open(self) -> bool:
        """Whether a worker has anything to do."""
        problem = self.problem or self.source.problem
        return problem is None and bool(self.missing or self.to_time or self.differs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All items, LLM by LLM, and the benchmarks that could not be read, with their problems."""

    request: PlanRequest
    cache: Cache
    items: tuple[Item, ...]
    unread: Mapping[str, SelectLLMError] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Disk space that the missing samples will take, estimated."""
        return sum(item.bytes for item in self.items if item.problem is None)

    @property
    def free(self) -> int:
        """Disk space that is free where the cache is."""
        return machine.free(self.cache.root)

    def check_room(self) -> None:
        """Raise CacheError where the disk has too little room for what will be made."""
        room = sum(item.bytes for item in self.items if item.open)
        if room > self.free:
            raise CacheError(
                f"about {-(-room >> 20)} MiB are needed in {self.cache.root} and {self.free >> 20} MiB are free",
                "free some space or choose another --cache",
            )

    def store_questions(self) -> None:
        """Write the questions of all benchmarks that will be sampled to the cache."""
        for source in {id(item.source): item.source for item in self.items if item.open}.values():
            if not source.stored:
                self.cache.write_questions(source.name, source.questions)

    def specs(self) -> list[WorkerSpec]:
        """What the worker of each LLM is told; LLMs without anything to do have none, variants that of their LLM.

        Raises:
            CacheError: the disk has too little room.
        """
        self.check_room()
        request = self.request
        llms: dict[tuple[str | None, ...], LLM] = {}
        tasks: dict[str, list[Task]] = {}
        for item in self.items:
            if item.open:
                llm = with_overrides(item.llm, item.source.terse, request)
                first = llms.setdefault(same_worker(llm), llm)
                task = Task(
                    benchmark=item.source.name,
                    samples=request.samples,
                    stop=request.stop,
                    terse=item.source.terse,
                    language=item.source.language,
                    splits=request.splits,
                    limit=request.limit,
                    shard=request.shard,
                    exemplars=item.source.exemplars,
                    no_exemplars=item.source.no_exemplars,
                    llm=None if llm.name == first.name else llm,
                )
                tasks.setdefault(first.name, []).append(task)
        return [
            WorkerSpec(
                llm=llm,
                cache=str(self.cache.root),
                tasks=tuple(tasks[llm.name]),
                engine=engine_of(llm, request),
                seed=request.seed,
                remeasure=request.remeasure,
                tensor_parallel=request.tensor_parallel,
                gpu_memory=request.gpu_memory,
                concurrency=request.concurrency,
                ray=None if engine_of(llm, request) == SERVED else request.ray,
                gpu_type=request.gpu_type,
            )
            for llm in llms.values()
        ]


def make_plan(
    cache: Cache, sources: Mapping[str, Source | SelectLLMError], llms: Sequence[LLM], request: PlanRequest
) -> Plan:
    """Compare what is asked for with what the cache holds. Variants follow their LLM.

    Raises:
        UsageError: two LLMs of one name, or a split that a benchmark doesn't have.
    """
    names = [llm.name for llm in llms]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the LLM {name!r} is named twice", "give them different names")
    families = list(dict.fromkeys(llm.family for llm in llms))
    items = [
        _item(cache, source, llm, request)
        for llm in sorted(llms, key=lambda llm: (families.index(llm.family), llm.variant is not None))
        for source in sources.values()
        if not isinstance(source, SelectLLMError)
    ]
    problems = {
        name: source if isinstance(source, SelectLLMError) else source.problem for name, source in sources.items()
    }
    unread = {name: problem for name, problem in problems.items() if problem is not None}
    return Plan(request=request, cache=cache, items=tuple(items), unread=unread)


def _item(cache: Cache, source: Source, llm: LLM, request: PlanRequest) -> Item:
    ids = choose_questions(source.questions, request.splits, request.limit, request.shard)["question_id"].to_list()
    total, missing, problem, to_time, room, differs = len(ids) * request.samples, 0, None, True, 0, False
    try:
        if engine_of(llm, request) != SERVED:
            local_folder(llm.weights)
        manifest = _manifest(cache, source, llm)
        to_time = request.remeasure or manifest.get("latency") is None
        differs = bool(manifest) and _differs(manifest, with_overrides(llm, source.terse, request), source)
        sampled = cache.sampled(source.name, llm.name) if source.stored else None
        if sampled is None:
            missing = total
        else:
            lacking = missing_samples(ids, sampled, request.samples)
            if request.stop is not None and not sampled.is_empty():
                made = cache.made(source.name, llm.name, ids)
                lacking = missing_of(made, request.samples, parse_stop(request.stop))
            missing = sum(len(samples) for _, samples in lacking)
        each = BYTES_TERSE if source.terse else BYTES_LONG
        if sampled is not None and sampled.height >= _ENOUGH_ROWS:
            parts = cache.parts(source.name, llm.name).listed()
            each = sum(part.path.stat().st_size for part in parts) // sampled.height
        room = missing * each
    except SelectLLMError as error:
        problem = error
    return Item(
        llm=llm,
        source=source,
        questions=len(ids),
        total=total,
        done=total - missing,
        to_time=to_time,
        bytes=room,
        differs=differs,
        problem=problem,
    )


def _manifest(cache: Cache, source: Source, llm: LLM) -> dict[str, object]:
    with contextlib.suppress(UnknownNameError):
        return cache.manifest(source.name, llm.name)
    return {}


def _differs(manifest: Mapping[str, Any], llm: LLM, source: Source) -> bool:
    """Whether stored results were made with other settings, as far as that shows without the LLM's tokenizer."""
    prompt = manifest.get("prompt") or {}
    return (
        manifest.get("sampling") != sampling_manifest(sampling_of(llm, terse=source.terse))
        or llm.prompt not in {None, prompt.get("style")}
        or (llm.chat is False and manifest.get("chat"))  # whether there is a template only the tokenizer knows
        or prompt.get("terse") != source.terse
        or (
            prompt.get("style") == "zero-shot"
            and (
                prompt.get("wording") != (llm.wording and wording_manifest(llm.wording))
                or prompt.get("language") != (None if llm.wording else source.language)
            )
        )
    )


def same_worker(llm: LLM) -> tuple[str | None, ...]:
    """What LLMs have in common that one worker serves, one after the other, with weights loaded once."""
    return llm.family, llm.weights, llm.revision, llm.endpoint, llm.api_key_env


def engine_of(llm: LLM, request: PlanRequest) -> str:
    """The engine that runs an LLM: one with an endpoint is run by its server, whatever runs the others."""
    return SERVED if llm.endpoint is not None else request.engine


def with_overrides(llm: LLM, terse: bool, request: PlanRequest) -> LLM:
    """The LLM with the prompt and sampling that the request asks for, but for what makes a variant of it."""
    if request.prompt is not None and not (llm.variant and {"prompt", "system"} & llm.variant.changes.keys()):
        llm = replace(llm, prompt=request.prompt, wording=request.wording)
    if request.max_tokens is not None:
        sampling = sampling_of(llm, terse=terse)
        llm = replace(llm, sampling=replace(sampling, max_tokens=request.max_tokens))
    return llm
