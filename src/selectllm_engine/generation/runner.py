"""Samples one LLM on its benchmarks: keeps the engine full, and flushes what it finishes to the cache.

What to sample is worked out under the writer's lock from what the cache holds. So the same command after any
interruption makes exactly the samples that are missing, and a larger K or limit only adds to them.
"""

from __future__ import annotations

import contextlib
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import polars as pl

from selectllm_engine.benchmarks import Benchmark
from selectllm_engine.errors import EngineError, LockedError, SelectLLMError, UsageError
from selectllm_engine.evaluation import parse_stop
from selectllm_engine.generation.confidence import answer_logprob
from selectllm_engine.generation.keeper import Keeper, Periods, Row
from selectllm_engine.generation.latency import fits_too, measure_latency
from selectllm_engine.generation.prompts import build_prompt, prompt_manifest, sampling_manifest, sampling_of
from selectllm_engine.generation.rounds import Ask, OneRound, Rounds, missing_of
from selectllm_engine.generation.spec import Task, WorkerSpec, choose_questions, missing_samples
from selectllm_engine.generation.weights import Weights, find_weights
from selectllm_engine.store import GENERATION_SCHEMA, TOLD

if TYPE_CHECKING:
    from selectllm_engine.generation.engine import Completion, Encoded, Engine
    from selectllm_engine.llms import LLM, Price, PromptStyle, Sampling, Wording
    from selectllm_engine.store import Cache, Writer

__all__ = ["Emit", "LoadEngine", "PromptSettings", "Stop", "encoder", "run"]

FLUSH_ROWS = 5_000  # a bound on memory
LEAST_ROOM = 64  # new tokens that must fit behind a prompt, where more than that are asked for
SHOTS = 5  # exemplars of a few-shot prompt
TIMED_FROM = 256  # prompts of which those to time are chosen

_Result = TypeVar("_Result")
LoadEngine = Callable[[WorkerSpec, Path | None], "Engine"]


class Emit(Protocol):
    """Tells the parent process something."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Send one event."""
        ...


@dataclass(slots=True)
class Stop:
    """How urgently to stop, set by another thread: 0 go on, 1 finish what is in flight, 2 now."""

    level: int = 0
    sampling: bool = False  # there may be completions that are not flushed


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSettings:
    """What a prompt and its completions depend on, besides the question."""

    chat: bool
    style: PromptStyle
    sampling: Sampling
    wording: Wording | None = None


@dataclass(slots=True, kw_only=True)
class PreparedTask:
    """A task with its lock held: prompts of all questions that lack samples, and which samples those are."""

    task: Task
    writer: Writer
    settings: PromptSettings
    price: Price | None
    total: int
    done: int
    prompts: dict[str, Encoded] = field(default_factory=dict)
    kinds: dict[str, tuple[str, int]] = field(default_factory=dict)  # of each question, and how many options it has
    missing: list[Ask] = field(default_factory=list)  # with rounds the most that may be made
    queue: OneRound | Rounds = field(default_factory=lambda: OneRound(()))
    timed: list[Encoded] = field(default_factory=list)  # of which some are timed; empty where nothing is to be

    def prompts_as(self, other: PreparedTask) -> bool:
        """Whether the prompts are as the other's, but for what a chat template is told."""
        ours, theirs = self.settings, other.settings
        return (self.task.benchmark, ours.style, ours.wording) == (other.task.benchmark, theirs.style, theirs.wording)

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence, prompt and completion."""
        prompts = [*self.prompts.values(), *self.timed]
        return max((each.tokens for each in prompts), default=0) + self.settings.sampling.max_tokens


def run(
    spec: WorkerSpec,
    cache: Cache,
    *,
    load_engine: LoadEngine,
    emit: Emit,
    stop: Stop,
    intervals: Periods = Periods(),  # noqa: B008 it is frozen
) -> bool:
    """Do all tasks of one LLM; True when none failed. One that fails is told of, and the others go on.

    Raises:
        SelectLLMError: nothing can be done at all: no weights, no engine.
    """
    failed = False
    with contextlib.ExitStack() as locks:
        writers: list[tuple[Task, Writer]] = []
        for task in spec.tasks:
            try:
                writers.append((task, locks.enter_context(cache.writer(task.benchmark, spec.llm_of(task).name))))
            except LockedError as error:
                remedy = error.remedy if task.shard is None else f"{error.remedy}; each shard has a --cache of its own"
                failed = _failed(_about(task, emit), task, LockedError(error.problem, remedy))
            except SelectLLMError as error:
                failed = _failed(_about(task, emit), task, error)
        if not writers:
            return False
        emit("phase", phase="preparing")
        weights = find_weights(spec.llm, known_revision=_known_revision(cache, spec))
        engine = load_engine(spec, weights.folder)
        tasks: list[PreparedTask] = []
        for task, writer in writers:
            try:
                about = _about(task, emit)
                tasks.append(_prepare(spec, task, writer, cache=cache, engine=engine, weights=weights, emit=about))
            except SelectLLMError as error:
                failed = _failed(_about(task, emit), task, error)
        if any(each.missing or each.timed for each in tasks):
            emit("phase", phase="loading")
            made = [cache.sampled(each.benchmark, spec.llm_of(each).name).height for each in spec.tasks]
            seed = _engine_seed(spec, made)
            fits: list[tuple[PreparedTask, dict[str, object]]] = []
            engine.start(longest=max(each.longest for each in tasks), seed=seed)
            for each in tasks:
                metadata = _metadata(engine, seed=seed)
                told = _about(each.task, emit)
                try:
                    _sample(engine, each, metadata, emit=told, stop=stop, intervals=intervals)
                    if each.timed and not stop.level and not engine.unfinished():
                        _time(engine, each, fits, emit=told, stop=stop)
                except SelectLLMError as error:
                    failed = _failed(told, each.task, error)
    return not failed


def _about(task: Task, emit: Emit) -> Emit:
    """Says with every event which LLM it is about, where that isn't the worker's."""
    return emit if task.llm is None else partial(emit, llm=task.llm.name)


def _failed(emit: Emit, task: Task, error: SelectLLMError) -> bool:
    emit("failed", benchmark=task.benchmark, problem=error.problem, remedy=error.remedy)
    return True


def _known_revision(cache: Cache, spec: WorkerSpec) -> str | None:
    """The commit that stored results of the LLM or of its variants were made with."""
    for task in spec.tasks:
        for name in dict.fromkeys((spec.llm_of(task).name, spec.llm.family)):
            with contextlib.suppress(SelectLLMError):
                weights = cache.manifest(task.benchmark, name).get("weights") or {}
                if weights.get("id") == spec.llm.weights and weights.get("revision"):
                    return str(weights["revision"])
    return None


def _engine_seed(spec: WorkerSpec, existing: Sequence[int]) -> int:
    """A seed that differs whenever other samples exist, so that added samples never repeat earlier draws."""
    benchmarks = [task.benchmark if task.llm is None else f"{task.llm.name}/{task.benchmark}" for task in spec.tasks]
    state = json.dumps([spec.seed, spec.llm.name, benchmarks, list(existing)])
    return int.from_bytes(blake2b(state.encode(), digest_size=4).digest(), "big") >> 1


def _metadata(engine: Engine, *, seed: int) -> dict[str, str]:
    from importlib.metadata import version

    return {
        "program": f"selectllm {version('selectllm')}",
        "python": platform.python_version(),
        "seed": str(seed),
        **engine.facts(),
    }


def _prepare(
    spec: WorkerSpec, task: Task, writer: Writer, *, cache: Cache, engine: Engine, weights: Weights, emit: Emit
) -> PreparedTask:
    """Compare the manifest, find out what is missing, and encode its prompts."""
    llm = spec.llm_of(task)
    settings = _settings(llm, task, chat=engine.chat if llm.chat is None else llm.chat and engine.chat)
    few_shot = settings.style == "few-shot"
    if few_shot and not task.exemplars:
        raise UsageError(
            f"few-shot prompts need exemplars of {task.benchmark}"
            + (f": {task.no_exemplars}" if task.no_exemplars else ""),
            "" if task.no_exemplars else "take zero-shot prompts: --prompt zero-shot",
        )
    writer.start(
        {
            "source": "generate",
            "weights": weights.manifest(),
            "chat": settings.chat,
            "prompt": prompt_manifest(
                settings.style,
                chat=settings.chat,
                terse=task.terse,
                exemplars=task.exemplars if few_shot else (),
                wording=settings.wording,
                language=task.language,
            ),
            "sampling": sampling_manifest(settings.sampling),
            "samples": task.samples,
            **({"stop": {"rule": task.stop, "samples": task.samples}} if task.stop else {}),
            "specialised": llm.specialised,
            "parameters": llm.parameters or weights.parameters,
            "price": None if llm.price is None else asdict(llm.price),
            "latency": None,
            **({} if llm.variant is None else {"variant": asdict(llm.variant)}),
        }
    )
    questions = choose_questions(cache.questions(task.benchmark), task.splits, task.limit, task.shard)
    ids = questions["question_id"].to_list()
    rule = None if task.stop is None else parse_stop(task.stop)
    made = None if rule is None else cache.made(task.benchmark, llm.name, ids)
    if rule is None or made is None:
        missing = missing_samples(ids, cache.sampled(task.benchmark, llm.name), task.samples)
    else:
        missing = missing_of(made, task.samples, rule)
    total = len(ids) * task.samples
    prepared = PreparedTask(
        task=task,
        writer=writer,
        settings=settings,
        price=llm.price,
        total=total,
        done=total - sum(len(samples) for _, samples in missing),
    )
    rows = {row["question_id"]: row for row in questions.iter_rows(named=True)}
    prepared.kinds = {each: (rows[each]["kind"], len(rows[each]["choices"] or ())) for each, _ in missing}
    encode = encoder(engine, task, settings)
    prepared.prompts = {question_id: encode(rows[question_id]) for question_id, _ in missing}
    too_long = {
        each for each, prompt in prepared.prompts.items() if not _fits(prompt, settings.sampling, engine.context)
    }
    if too_long:
        emit("skipped", benchmark=task.benchmark, questions=len(too_long), context=engine.context)
        prepared.prompts = {each: prompt for each, prompt in prepared.prompts.items() if each not in too_long}
    prepared.missing = [each for each in missing if each[0] not in too_long]
    if engine.by_length:  # the longest first: if memory is too small, that shows at once
        prepared.missing.sort(key=lambda each: -prepared.prompts[each[0]].tokens)
    prepared.queue = OneRound(prepared.missing)
    if rule is not None and made is not None:
        asked = (question_id for question_id, _ in prepared.missing)
        prepared.queue = Rounds(cache, task.benchmark, made, asked=asked, samples=task.samples, rule=rule)
    if spec.remeasure or cache.manifest(task.benchmark, llm.name).get("latency") is None:
        step = max(1, len(ids) // TIMED_FROM)
        # Few-shot prompts are all about as long; with fewer exemplars, b can be told from a.
        cuts = range(SHOTS, 0, -1) if few_shot else [SHOTS]
        encoded = [encode(rows[each], cuts[at % len(cuts)]) for at, each in enumerate(ids[::step])]
        prepared.timed = [each for each in encoded if _fits(each, settings.sampling, engine.context)]
    emit("task", benchmark=task.benchmark, done=prepared.done, total=total)
    return prepared


def _settings(llm: LLM, task: Task, *, chat: bool) -> PromptSettings:
    style = llm.prompt or ("zero-shot" if chat else "few-shot")
    sampling = sampling_of(llm, terse=task.terse)
    if sampling.thinking is not None and not (chat and style == "zero-shot"):
        raise UsageError(
            f"only a chat template can be told about thinking, and {llm.name} gets {style} prompts"
            + ("" if chat else " without one"),
            "leave thinking out, or take zero-shot prompts of an LLM with a template",
        )
    return PromptSettings(chat=chat, style=style, sampling=sampling, wording=llm.wording)


def encoder(engine: Engine, task: Task, settings: PromptSettings) -> Callable[..., Encoded]:
    """What makes a question's row, and how many exemplars it may have, the prompt that the engine takes."""
    benchmark = Benchmark(task.benchmark, pl.DataFrame(), task.exemplars, task.terse)

    def encode(question: Mapping[str, Any], shots: int = SHOTS) -> Encoded:
        exemplars = benchmark.exemplars_for(question["subject"], shots) if settings.style == "few-shot" else ()
        prompt = build_prompt(
            question,
            style=settings.style,
            chat=settings.chat,
            exemplars=exemplars,
            terse=task.terse,
            wording=settings.wording,
            language=task.language,
        )
        return engine.encode(replace(prompt, thinking=settings.sampling.thinking))

    return encode


def _fits(prompt: Encoded, sampling: Sampling, context: int | None) -> bool:
    return context is None or prompt.tokens + min(sampling.max_tokens, LEAST_ROOM) <= context


def _sample(
    engine: Engine,
    work: PreparedTask,
    metadata: Mapping[str, str],
    *,
    emit: Emit,
    stop: Stop,
    intervals: Periods,
) -> None:
    """Make the missing samples. Never keeps completions longer than the interval of writing, whatever ends it."""
    in_flight: dict[str, Ask] = {}  # by request: the question and its samples
    tokens, dollars = 0, 0.0
    refused: list[str] = []
    odd: Counter[str] = Counter()
    told = time.monotonic()

    def tell() -> None:
        counts = {"done": work.done + work.queue.spared, "spared": work.queue.spared, "tokens": tokens}
        emit("progress", benchmark=work.task.benchmark, **counts, dollars=dollars)

    stop.sampling = True
    emit("progress", benchmark=work.task.benchmark, done=work.done, tokens=0)  # speed is counted from here
    try:
        with Keeper(partial(_write, work, metadata), intervals=intervals, most=FLUSH_ROWS) as kept:
            while True:
                # A little more than is computed at once: every place freed within a step is taken in the next.
                while not stop.level and engine.unfinished() < engine.capacity + engine.capacity // 8:
                    if (following := work.queue.next()) is None:
                        break
                    question_id, samples = following
                    request = f"{work.writer.llm}/{work.task.benchmark}/{question_id}"
                    in_flight[request] = following
                    engine.submit(request, work.prompts[question_id], work.settings.sampling, len(samples))
                if stop.level > 1 or not in_flight:
                    break
                if stop.level:
                    engine.finish_soon()
                for finished in _guarded(engine.step):
                    if finished.request_id not in in_flight:
                        continue  # left over from a task that failed
                    question_id, samples = in_flight.pop(finished.request_id)
                    if finished.problem is not None:
                        refused += [] if stop.level else [finished.problem]
                        continue
                    prompt = work.prompts[question_id]
                    prompt_tokens = prompt.tokens if prompt.exact else finished.prompt_tokens
                    dollars += _dollars(work.price, prompt_tokens or prompt.tokens, finished.completions)
                    for sample, made in zip(samples, finished.completions, strict=True):
                        row = (question_id, sample, *_told(work, question_id, made, prompt_tokens))
                        kept.add(row, finished.hardware)
                        odd.update(_odd(made))
                        tokens += made.output_tokens or 0
                        work.done += 1
                    work.queue.add(question_id, samples, [each.text for each in finished.completions])
                kept.write_due()
                if (now := time.monotonic()) - told >= intervals.report:
                    told = now
                    tell()
    finally:
        work.queue.end()
        tell()
        stop.sampling = False
    _tell(work, odd, refused, emit=emit)


def _told(work: PreparedTask, question_id: str, made: Completion, prompt_tokens: int | None) -> tuple[object, ...]:
    """The row of a completion, from its text on."""
    kind, choices = work.kinds[question_id]
    sure = answer_logprob(made.text, made.tokens, kind=kind, choices=choices)
    counts = (prompt_tokens, made.output_tokens, made.finish_reason)
    return (made.text, *counts, made.logprob, sure, made.reasoning_tokens)


def _tell(work: PreparedTask, odd: Mapping[str, int], refused: Sequence[str], *, emit: Emit) -> None:
    """Of completions that came and are odd; raises EngineError for those that did not come."""
    if odd:
        emit("odd", benchmark=work.task.benchmark, **odd)
    if refused:
        questions = "1 question was" if len(refused) == 1 else f"{len(refused):,} questions were"
        raise EngineError(f"{questions} refused: {refused[0]}", "all others are done; the same command tries again")


def _dollars(price: Price | None, prompt_tokens: int, completions: Sequence[Completion]) -> float:
    """What a request cost at most: its prompt is paid for every sample, unless a server takes several at once."""
    if price is None:
        return 0.0
    made = sum(each.output_tokens or 0 for each in completions)
    return (prompt_tokens * len(completions) * price.input + made * price.output) / 1e6


def _odd(made: Completion) -> list[str]:
    """How a completion differs from one that an LLM ended itself or that reached its limit."""
    if made.finish_reason not in {"stop", "length"}:
        return [f"ended by {made.finish_reason}"]
    return [] if made.text.strip() else ["empty"]


def _guarded(work: Callable[[], _Result]) -> _Result:
    """What `work` returns; whatever a library raises in it as an EngineError."""
    try:
        return work()
    except SelectLLMError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        remedy = "free memory on the device, or take a smaller LLM" if "out of memory" in reason.lower() else ""
        raise EngineError(f"the engine failed ({type(error).__name__}: {reason})", remedy) from error


def _write(work: PreparedTask, metadata: Mapping[str, str], rows: list[Row], hardware: str | None) -> None:
    frame = pl.DataFrame(rows, schema={**GENERATION_SCHEMA, **TOLD}, orient="row")
    frame = frame.drop(name for name in TOLD if frame[name].is_null().all())
    made_on = {} if hardware is None else {"hardware": hardware}
    work.writer.append(frame, {**metadata, **made_on, "time": datetime.now(UTC).isoformat(timespec="seconds")})


def _time(
    engine: Engine,
    work: PreparedTask,
    fits: list[tuple[PreparedTask, dict[str, object]]],
    *,
    emit: Emit,
    stop: Stop,
) -> None:
    """Time single prompts, or take over what was fitted just now, of `fits`, to another variant's."""
    emit("phase", phase="timing", benchmark=work.task.benchmark)
    latency: dict[str, object] | None
    for timed, fit in fits:
        if timed.prompts_as(work) and fits_too(timed.settings.sampling, work.settings.sampling):
            latency = {**fit, "timed_with": timed.writer.llm}
            break
    else:
        latency = _guarded(
            lambda: measure_latency(engine, work.timed, work.settings.sampling, wanted=lambda: not stop.level)
        )
        if latency is not None:
            fits.append((work, latency))
    if latency is not None:
        work.writer.update(latency=latency)
        emit("latency", benchmark=work.task.benchmark, **latency)
