"""What a plan needs of this machine, and what of that is missing: memory, disk, engine, GPUs, weights, questions.

Memory is estimated as bf16 weights, two bytes per parameter, and the KV cache of all samples of one question. The KV
cache of a token takes 2 (keys, values) × 2 bytes × layers × heads × head size, as the LLM's configuration says. Without
one, the shape follows from the number of parameters N: N ≈ 12 · layers · width² (Kaplan et al. 2020, arXiv 2001.08361)
at the width of 128 · layers that Llama 2 has; with as many key heads as query heads, the most there can be.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectllm_engine import machine
from selectllm_engine.errors import EngineError, SelectLLMError, UsageError
from selectllm_engine.generation.engine import RAY, SERVED, check_installed
from selectllm_engine.generation.plan import engine_of, same_worker, with_overrides
from selectllm_engine.generation.prompts import sampling_of
from selectllm_engine.generation.weights import check_access, count_parameters, present_folder, read_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selectllm_engine.generation.plan import Item, Plan, PlanRequest
    from selectllm_engine.llms import LLM

__all__ = ["Lack", "Need", "Needs", "check_gpus", "find_needs", "kv_bytes", "work_of"]

_BYTES = 2  # of a number in bf16
_PROMPT_TOKENS = 1024  # of a few-shot prompt; what it really takes only the tokenizer knows
_GIB = 1 << 30
VLLM_SHARE = 0.92  # of a GPU's memory that vLLM takes unless told otherwise; it starts only where so much is free
LEAST_SHARE = 0.05  # under which no LLM is worth trying


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing. `fatal`: without it nothing can run; else the rest goes on."""

    error: SelectLLMError
    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one LLM needs, in bytes: memory, and weights to download.

    `memory` is None where the LLM's size is not known. `least`, without which it can't even start, is the memory for
    its weights and one sequence; 0 where not known. `here`: its weights are on this machine.
    """

    memory: int | None
    least: int
    download: int
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a plan needs by LLM, variants counted with theirs; where downloads go, and what is missing."""

    llms: Mapping[str, Need]
    downloads: Path
    lacks: Sequence[Lack] = field(default_factory=list)

    @property
    def download(self) -> int:
        """Bytes of weights to download, as far as known."""
        return sum(need.download for need in self.llms.values())

    def check(self) -> None:
        """Raise the first thing without which nothing can run."""
        for lack in self.lacks:
            if lack.fatal:
                raise lack.error


def find_needs(plan: Plan, *, gpus: Sequence[str] = ()) -> Needs:
    """What the plan's LLMs need, compared with what is here.

    The hub is asked only where weights have to come from it, and for a few seconds at most.
    """
    names: dict[tuple[str | None, ...], str] = {}
    items: dict[str, list[Item]] = {}
    for item in plan.items:
        if item.missing or item.to_time or item.differs:
            items.setdefault(names.setdefault(same_worker(item.llm), item.llm.name), []).append(item)
    engines = {name: engine_of(each[0].llm, plan.request) for name, each in items.items()}
    llms = {name: _need(each, plan) for name, each in items.items() if engines[name] != SERVED}
    needs = Needs(llms=llms, downloads=_hub_cache())
    lacks = _devices(needs, gpus, plan.request) if llms and plan.request.ray is None else []
    if llms and plan.request.ray is not None:
        with _noting(lacks, fatal=True):
            check_installed(RAY)
    for engine in dict.fromkeys(engines.values()):
        with _noting(lacks, fatal=True):
            check_installed(engine)
    lacks += _questions(plan)
    absent = [name for name in llms if not llms[name].here and any(item.problem is None for item in items[name])]
    lacks += _weights([items[name][0].llm for name in absent])
    lacks += _room(plan, needs)
    return Needs(llms=llms, downloads=needs.downloads, lacks=lacks)


@contextlib.contextmanager
def _noting(lacks: list[Lack], *, fatal: bool = False) -> Iterator[None]:
    try:
        yield
    except SelectLLMError as error:
        lacks.append(Lack(error, fatal))


def work_of(plan: Plan) -> dict[str, float]:
    """How much each worker's LLM has to compute, by its name: billions of parameters × samples that are missing.

    An LLM of unknown size counts as large as the others are on average.
    """
    items: dict[tuple[str | None, ...], list[Item]] = {}
    for item in plan.items:
        if item.open:
            items.setdefault(same_worker(item.llm), []).append(item)
    sizes = {each[0].llm.name: _size(each[0].llm)[1] for each in items.values()}
    known = [size for size in sizes.values() if size] or [1.0]
    mean = sum(known) / len(known)
    return {
        each[0].llm.name: (sizes[each[0].llm.name] or mean) * sum(item.missing for item in each)
        for each in items.values()
    }


def _size(llm: LLM) -> tuple[Path | None, float | None]:
    """The folder of an LLM's weights where they are here, and its parameters in billions where they are known."""
    folder, parameters = None, llm.parameters
    with contextlib.suppress(UsageError, EngineError):  # the item has it as its problem, or its worker will
        folder = present_folder(llm)
        if folder is not None:
            parameters = count_parameters(folder)
    return folder, parameters


def _need(items: Sequence[Item], plan: Plan) -> Need:
    folder, parameters = _size(items[0].llm)
    if parameters is None:
        return Need(memory=None, least=0, download=0, here=folder is not None)
    new = max(_new_tokens(item, plan) for item in items)
    weights = round(_BYTES * parameters * 1e9)
    token = kv_bytes(read_config(folder) if folder else {}, parameters)
    return Need(
        memory=weights + token * (_PROMPT_TOKENS + max(plan.request.samples, 1) * new),
        least=weights + token * (_PROMPT_TOKENS + new),
        download=weights if folder is None else 0,
        here=folder is not None,
    )


def _new_tokens(item: Item, plan: Plan) -> int:
    llm = with_overrides(item.llm, item.source.terse, plan.request)
    return sampling_of(llm, terse=item.source.terse).max_tokens


def kv_bytes(config: Mapping[str, Any], parameters: float) -> int:
    """Bytes of the KV cache per token, from a configuration, or from the number of parameters in billions."""
    try:
        heads = int(config["num_attention_heads"])
        size = int(config.get("head_dim") or config["hidden_size"] // heads)
        return 2 * _BYTES * int(config["num_hidden_layers"]) * int(config.get("num_key_value_heads") or heads) * size
    except (KeyError, TypeError, ValueError, ArithmeticError):
        layers = float((parameters * 1e9 / (12 * 128**2)) ** (1 / 3))
        return round(2 * _BYTES * layers * 128 * layers)


def _hub_cache() -> Path:
    """Where the hub's client keeps what it downloads."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return machine.expanded(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def check_gpus(gpus: Sequence[str], request: PlanRequest) -> Sequence[machine.Gpu]:
    """The GPUs of these numbers.

    Raises:
        EngineError: one is not here, or has too little free memory for vLLM to start.
    """
    found = {gpu.number: gpu for gpu in machine.gpus()} if gpus else {}
    if lost := [each for each in gpus if each not in found]:
        there = f"only GPU{'s' if len(found) > 1 else ''} {', '.join(found)}" if found else "nvidia-smi finds none"
        remedy = "name others with --gpu" if found else "leave --gpu out to compute on the CPU, or take another machine"
        raise EngineError(f"no GPU {', '.join(lost)} here, {there}", remedy)
    asked = [found[each] for each in gpus]
    share = request.gpu_memory or VLLM_SHARE
    for gpu in asked if request.engine == "vllm" else ():
        if gpu.free < share * gpu.memory:
            problem = f"GPU {gpu.number} has {gpu.free / _GIB:.0f} of {gpu.memory / _GIB:.0f} GiB free"
            fits = int(100 * gpu.free / gpu.memory) / 100
            smaller = f", or --gpu-memory {fits:g}" if fits >= LEAST_SHARE else ""
            raise EngineError(
                f"{problem}, and vLLM takes {100 * share:.0f} %",
                f"end what else runs there, or take another GPU{smaller}",
            )
    return asked


def _devices(needs: Needs, gpus: Sequence[str], request: PlanRequest) -> list[Lack]:
    if not gpus:
        remedy = "take a smaller LLM, or a machine with more"
        return _too_large(needs, machine.memory() or 0, "this machine has {} of memory", remedy)
    try:
        asked = check_gpus(gpus, request)
    except EngineError as error:
        return [Lack(error, fatal=True)]
    if request.engine == "vllm":
        has = min((request.gpu_memory or VLLM_SHARE) * gpu.memory for gpu in asked)
        what = "vLLM takes {} of a GPU's memory"
    else:
        has, what = min(gpu.free for gpu in asked), "a GPU has {} of memory free"
    remedy = "take a GPU with more, --tensor-parallel N, or a smaller --max-tokens"
    return _too_large(needs, has * request.tensor_parallel, what, remedy)


def _too_large(needs: Needs, has: float, what: str, remedy: str) -> list[Lack]:
    """LLMs that can't even start in so many bytes; 0 where not known."""
    large = [f"{name} ({need.least / _GIB:.0f} GiB)" for name, need in needs.llms.items() if need.least > has > 0]
    if not large:
        return []
    there = what.format(f"{has / _GIB:.0f} GiB")
    return [Lack(EngineError(f"{there}, too little for {', '.join(large)}", remedy))]


def _questions(plan: Plan) -> list[Lack]:
    lacks = [
        Lack(SelectLLMError(f"questions of {name}: {error.problem}", error.remedy))
        for name, error in plan.unread.items()
    ]
    found: dict[tuple[str, str, str], list[str]] = {}
    for item in plan.items:
        if item.problem is not None:
            problem, remedy = item.problem.problem, item.problem.remedy
        elif item.differs:
            problem = "stored results were made with other settings"
            remedy = "use another name, another --cache, or the same settings"
        else:
            continue
        found.setdefault((item.llm.name, problem, remedy), []).append(item.source.name)
    for (llm, problem, remedy), benchmarks in found.items():
        lacks.append(Lack(SelectLLMError(f"{llm} on {', '.join(benchmarks)}: {problem}", remedy)))
    for source in {id(item.source): item.source for item in plan.items}.values():
        if source.no_exemplars is None:
            continue
        without = [
            item.llm
            for item in plan.items
            if item.open
            and item.source is source
            and with_overrides(item.llm, source.terse, plan.request).prompt == "few-shot"
        ]
        if without:
            names = ", ".join(llm.name for llm in without)
            problem = f"{source.name} has no exemplars for the few-shot prompts of {names}"
            remedy = "or leave them out" if any(llm.variant for llm in without) else "or take --prompt zero-shot"
            lacks.append(Lack(SelectLLMError(f"{problem}: {source.no_exemplars}", remedy)))
    return lacks


def _weights(absent: Sequence[LLM]) -> list[Lack]:
    """Why weights that are not here can't be fetched."""
    if not absent:
        return []
    lacks: list[Lack] = []
    if (reason := machine.hub_problem()) is not None:
        problem = (
            f"weights of {', '.join(llm.name for llm in absent)}: not here, and the hub cannot be reached ({reason})"
        )
        return [Lack(EngineError(problem, "connect this machine, or name folders: --llm NAME=FOLDER"))]
    for llm in absent:
        try:
            check_access(llm)
        except EngineError as error:
            lacks.append(Lack(EngineError(f"weights of {llm.name}: {error.problem}", error.remedy)))
    return lacks


def _room(plan: Plan, needs: Needs) -> list[Lack]:
    lacks: list[Lack] = []
    with _noting(lacks, fatal=True):
        plan.check_room()
    free = machine.free(needs.downloads)
    if needs.download > free:
        problem = f"weights take about {needs.download / _GIB:.0f} GiB in {needs.downloads}"
        remedy = "free some space, or name another place in HF_HOME"
        lacks.append(Lack(EngineError(f"{problem}, and {free / _GIB:.0f} GiB are free", remedy)))
    return lacks
