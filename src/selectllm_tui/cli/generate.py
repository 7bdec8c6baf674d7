"""`selectllm generate`: sample LLMs."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import SelectLLMError, UnknownNameError, UsageError
from selectllm_tui.cli.console import note
from selectllm_tui.cli.options import CacheDir, complete_known_llm, complete_prompt, complete_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.generation.sources import Source
    from selectllm_engine.store import Cache

__all__ = [
    "BaseUrl",
    "Concurrency",
    "Data",
    "EngineName",
    "Engines",
    "GpuMemory",
    "Gpus",
    "LLMs",
    "TensorParallel",
    "check_base_url",
    "check_gpu_memory",
    "check_ray",
    "generate",
    "group_gpus",
    "parse_gpus",
    "parse_shard",
    "parse_sizes",
    "read_sources",
]

STUDY_BENCHMARKS = ("gsm8k", "mmlu")


class EngineName(StrEnum):
    """What runs the LLMs."""

    VLLM = "vllm"
    TRANSFORMERS = "transformers"
    OPENAI = "openai"


LLMs = Annotated[
    list[str],
    typer.Option(
        metavar="NAME[=FOLDER|HUB-ID|MODEL]",
        help="An LLM of the study or of selectllm.toml by its name, or any with its weights, or the name that a "
        "server has for it; repeat it for several. NAME/VARIANT is a variant of one, NAME/* it and all its variants.",
        autocompletion=complete_known_llm,
    ),
]
Gpus = Annotated[
    str | None,
    typer.Option(metavar="0,1…", help="Which GPUs; LLMs are handed out to them as they get free."),
]
Engines = Annotated[
    EngineName, typer.Option(help="What runs the LLMs: vllm or transformers on this machine, openai at an endpoint.")
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Where --engine openai finds a server, such as http://localhost:8000/v1; its key is read from "
        "$OPENAI_API_KEY.",
    ),
]
Concurrency = Annotated[
    int | None, typer.Option(min=1, help="Samples that an endpoint is asked for at the same time; 64 by default.")
]
TensorParallel = Annotated[
    int, typer.Option("--tensor-parallel", min=1, metavar="N", help="GPUs that compute one LLM together, with vllm.")
]
GpuMemory = Annotated[
    float | None,
    typer.Option(
        "--gpu-memory",
        min=0.01,
        max=1,
        metavar="SHARE",
        help="How much of a GPU's memory vllm takes, 0.92 unless told otherwise; less where others use the GPU too.",
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="auto|HOST:PORT",
        help="Compute on a Ray cluster that this machine is a node of: each LLM with as many replicas as there is room "
        "for.",
    ),
]
GpuType = Annotated[
    str | None,
    typer.Option(
        "--gpu-type",
        metavar="NAME|any",
        help="Which GPUs of a Ray cluster that has several types, as Ray names them; seconds are measured on one.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Read the benchmark from files instead of the hub.", exists=True),
]


def generate(
    benchmark: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="A built-in one, such as gsm8k or mmlu, or your own name with --data; repeat it.",
            autocompletion=complete_source,
        ),
    ] = [],  # noqa: B006
    data: Data = None,
    llm: LLMs = [],  # noqa: B006
    gpu: Gpus = None,
    tensor_parallel: TensorParallel = 1,
    gpu_memory: GpuMemory = None,
    ray: Ray = None,
    gpu_type: GpuType = None,
    engine: Engines = EngineName.VLLM,
    base_url: BaseUrl = None,
    concurrency: Concurrency = None,
    samples: Annotated[int, typer.Option(min=1, help="K, samples per question.")] = 10,
    stop: Annotated[
        str | None,
        typer.Option(
            metavar="decided|beta:P",
            help="Sample in rounds, and stop where nothing that is left can change a question's vote; beta:0.95 also "
            "where the leading answer stays ahead with that chance.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N questions of each split.")] = None,
    split: Annotated[list[str], typer.Option(metavar="NAME", help="Only these splits; repeat it.")] = [],  # noqa: B006
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Only every N-th of these questions, from the I-th on: each shard with a --cache of its own, and at "
            "the end cache merge.",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="train=N,…", help="Questions per split, of benchmarks that make their questions."),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            metavar="zero-shot|few-shot|NAME",
            help="NAME is a prompt in selectllm.toml. Else zero-shot for chat LLMs, few-shot for base ones.",
            autocompletion=complete_prompt,
        ),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Most new tokens of a sample.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of made or drawn questions, and of sampling.")] = 0,
    remeasure: Annotated[bool, typer.Option("--remeasure", help="Time single prompts again.")] = False,
    max_dollars: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            metavar="N",
            help="Stop once the samples of this command cost so much, at the LLMs' prices; what is in flight is "
            "finished, so that it may be a little more.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop after the plan.")] = False,
    cache: CacheDir = None,
) -> None:
    """Sample LLMs on benchmarks: K answers to every question, and the seconds that one prompt takes alone.

    Without --llm and --benchmark: the study's seven LLMs on gsm8k and mmlu. Own LLMs, prompts, benchmarks and defaults
    can be kept in selectllm.toml. Only what is missing is made, so that the
    same command goes on after any interruption, and larger --samples or --limit add to what is there. The first Ctrl-C
    finishes what is in flight, the second stops at once.
    """
    from selectllm_engine.evaluation import parse_stop
    from selectllm_engine.generation.llm_names import at_endpoint, parse_llms
    from selectllm_engine.generation.needs import find_needs
    from selectllm_engine.generation.plan import PlanRequest, make_plan
    from selectllm_engine.llms import STUDY
    from selectllm_engine.settings import read_settings
    from selectllm_engine.store import open_cache
    from selectllm_tui.cli.api_keys import allow_keys
    from selectllm_tui.cli.generation_progress import run_plan
    from selectllm_tui.cli.plan_summary import refuse_lacks, show_plan
    from selectllm_tui.cli.unanswered import note_unanswered

    gpus = parse_gpus(gpu)
    check_ray(ray, gpu_type, gpus, engine)
    groups = [] if ray and engine is EngineName.VLLM else group_gpus(gpus, tensor_parallel, engine)
    settings = read_settings()
    served = engine is EngineName.OPENAI
    llms = parse_llms(llm, settings.llms, served=served) or list(STUDY)
    if served:
        llms = at_endpoint(llms, check_base_url(base_url))
    if not dry_run:
        allow_keys(llms, settings)
    style, wording = settings.prompt(prompt) if prompt is not None else (None, None)
    request = PlanRequest(
        samples=samples,
        stop=None if stop is None else str(parse_stop(stop)),
        limit=limit,
        shard=parse_shard(shard),
        splits=tuple(split),
        engine=engine.value,
        seed=seed,
        prompt=style,
        wording=wording,
        max_tokens=max_tokens,
        remeasure=remeasure,
        tensor_parallel=tensor_parallel,
        gpu_memory=check_gpu_memory(gpu_memory, gpus or ([ray] if ray else []), engine),
        concurrency=concurrency,
        ray=ray,
        gpu_type=gpu_type,
    )
    if max_dollars is not None and (unpriced := [each.name for each in llms if each.price is None]):
        raise UsageError(
            f"--max-dollars needs prices, and {', '.join(unpriced)} has none", "give it a price in selectllm.toml"
        )
    store = open_cache(cache)
    names = list(dict.fromkeys(benchmark)) or list(STUDY_BENCHMARKS)
    plan = make_plan(store, read_sources(store, names, data=data, size=size, seed=seed), llms, request)
    needs = find_needs(plan, gpus=gpus)
    show_plan(plan, needs, gpus=gpus)
    if dry_run:
        refuse_lacks(needs)
    else:
        needs.check()
        try:
            run_plan(plan, gpus=groups, max_dollars=max_dollars)
        finally:
            note_unanswered(store, [(item.source.name, item.llm.name) for item in plan.items])


def read_sources(
    cache: Cache, names: list[str], *, data: Path | None, size: str | None, seed: int
) -> dict[str, Source | SelectLLMError]:
    """Every benchmark, or why it can't be read; where there is only one of unknown size, that is raised."""
    from selectllm_engine.benchmarks import known_names
    from selectllm_engine.generation.sources import read_source, unread_source
    from selectllm_engine.settings import OwnBenchmark, read_settings

    own = read_settings().benchmarks
    if data is not None and len(names) != 1:
        raise UsageError("--data is for one benchmark", "add --benchmark NAME, and run others by themselves")
    sources: dict[str, Source | SelectLLMError] = {}
    for name in names:
        known = own.get(name, OwnBenchmark())
        if data is None and name not in (all_names := dict.fromkeys([*known_names(), *own, *cache.benchmarks()])):
            raise UnknownNameError("benchmark", name, all_names)
        try:
            read = read_source(
                cache,
                name,
                data=data or known.data,
                sizes=parse_sizes(size),
                seed=seed,
                exemplars=known.exemplars,
                description=known.description,
            )
            for each in read.notes:
                note(f"note: {name}: {each}")
            sources[name] = read
        except SelectLLMError as error:
            unread = None if data or known.data or isinstance(error, UsageError) else unread_source(name, error)
            if unread is None and (len(names) == 1 or isinstance(error, UsageError)):
                raise
            sources[name] = unread or error
    return sources


def parse_gpus(text: str | None) -> list[str]:
    """The GPU numbers in `0,1`."""
    gpus = [each.strip() for each in text.split(",")] if text is not None else []
    if not all(each.isdecimal() for each in gpus) or len(set(gpus)) != len(gpus):
        raise UsageError(f"--gpu {text} names no GPUs", "give different numbers, such as 0 or 0,1")
    return gpus


def group_gpus(gpus: Sequence[str], tensor_parallel: int, engine: EngineName) -> list[str]:
    """What each worker gets: one GPU, or with `tensor_parallel` so many together, as `0,1`."""
    if tensor_parallel == 1:
        return list(gpus)
    if engine is not EngineName.VLLM:
        raise UsageError(f"--tensor-parallel is not for --engine {engine.value}", "leave it out, or take --engine vllm")
    if not gpus or len(gpus) % tensor_parallel:
        example = ",".join(map(str, range(tensor_parallel)))
        raise UsageError(
            f"--tensor-parallel {tensor_parallel} does not divide the {len(gpus)} of --gpu"
            if gpus
            else f"--tensor-parallel {tensor_parallel} needs GPUs, and --gpu names none",
            f"name {tensor_parallel} or a multiple, such as --gpu {example}",
        )
    return [",".join(gpus[at : at + tensor_parallel]) for at in range(0, len(gpus), tensor_parallel)]


def check_gpu_memory(share: float | None, gpus: Sequence[str], engine: EngineName) -> float | None:
    """The share, where something takes it."""
    if share is not None and engine is not EngineName.VLLM:
        raise UsageError(f"--gpu-memory is not for --engine {engine.value}", "leave it out, or take --engine vllm")
    if share is not None and not gpus:
        raise UsageError("--gpu-memory needs a GPU, and --gpu names none", "name one, such as --gpu 0")
    return share


def check_ray(address: str | None, gpu_type: str | None, gpus: Sequence[str], engine: EngineName) -> None:
    """That a cluster's address is one, and goes with the other options."""
    if address is None:
        if gpu_type is not None:
            raise UsageError("--gpu-type is for GPUs of a Ray cluster", "leave it out, or add --ray auto")
        return
    if engine is EngineName.OPENAI:
        raise UsageError("--ray is not for --engine openai", "leave it out: servers compute by themselves")
    if gpus:
        raise UsageError("--gpu names GPUs of this machine, and --ray takes a cluster's", "leave one of them out")
    if address != "auto" and not re.fullmatch(r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:.]+\]:\d{1,5}", address):
        raise UsageError(f"--ray {address} is no address", "write auto, or HOST:PORT as ray start --head shows it")


def check_base_url(url: str | None) -> str | None:
    """A server's address, without a password: addresses are shown and kept in logs."""
    from selectllm_engine.settings import KEYS

    if url is not None and not KEYS["defaults"]["base_url"].fits(url):
        raise UsageError("--base-url is no address of a server", f"it must be {KEYS['defaults']['base_url'].words}")
    return url


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """`1/8` as numbers: the first of eight."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard {text} is none", "write I/N, from 1/N to N/N")
    return int(found[1]), int(found[2])


def parse_sizes(text: str | None) -> dict[str, int] | None:
    """`train=400,test=200` as a mapping."""
    if text is None:
        return None
    sizes = {}
    for each in text.split(","):
        split, _, number = each.strip().partition("=")
        if not (split and number.isdecimal()):
            raise UsageError(f"--size {text} names no sizes", "write --size train=400,validation=200,test=400")
        sizes[split] = int(number)
    return sizes
