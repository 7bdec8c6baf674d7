"""`selectllm measure`: time single prompts again. It was called `latency`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import SelectLLMError, UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn, note, write_sheet
from selectllm_tui.cli.generate import (
    BaseUrl,
    Data,
    EngineName,
    Engines,
    GpuMemory,
    Gpus,
    LLMs,
    TensorParallel,
    check_base_url,
    check_gpu_memory,
    group_gpus,
    parse_gpus,
    read_sources,
)
from selectllm_tui.cli.options import Benchmark, CacheDir, Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.generation.spec import WorkerSpec

__all__ = ["measure"]


def measure(
    benchmark: Benchmark = None,
    llm: LLMs = [],  # noqa: B006
    gpu: Gpus = None,
    tensor_parallel: TensorParallel = 1,
    gpu_memory: GpuMemory = None,
    engine: Engines = EngineName.VLLM,
    base_url: BaseUrl = None,
    data: Data = None,
    seed: Annotated[int, typer.Option(min=0, help="That the benchmark was made with.")] = 0,
    dummy: Annotated[
        bool,
        typer.Option(
            "--dummy",
            help="Time an architecture by its config.json alone, with weights that vllm makes up; nothing is stored.",
        ),
    ] = False,
    cache: CacheDir = None,
) -> None:
    """Time single prompts again, on this machine, with the prompts and settings of a stored run.

    Sixteen prompts per LLM, from short to long, one at a time and with nothing cached; a fit of seconds to tokens
    replaces the stored one. LLMs whose weights came from the hub need their name alone, and so do those at endpoints.
    With --dummy no run is needed: LLM=FOLDER with a config.json shows what weights of that shape would take here.
    """
    from selectllm_engine.generation.llm_names import at_endpoint, parse_llms, stored_llms
    from selectllm_engine.generation.needs import check_gpus, find_needs
    from selectllm_engine.generation.plan import PlanRequest, make_plan
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.settings import read_settings
    from selectllm_engine.store import open_cache
    from selectllm_tui.cli.api_keys import allow_keys
    from selectllm_tui.cli.generation_progress import run_plan
    from selectllm_tui.cli.plan_summary import show_plan

    if not llm:
        raise UsageError("which LLM to time is not said", "add --llm NAME=FOLDER")
    settings = read_settings()
    gpus = parse_gpus(gpu)
    groups = group_gpus(gpus, tensor_parallel, engine)
    request = PlanRequest(
        samples=0,
        engine=engine.value,
        seed=seed,
        remeasure=True,
        tensor_parallel=tensor_parallel,
        gpu_memory=check_gpu_memory(gpu_memory, gpus, engine),
    )
    if dummy:
        from selectllm_engine.generation.dummy import config_folder
        from selectllm_engine.generation.engine import check_installed

        if engine is not EngineName.VLLM:
            raise UsageError(f"--dummy is not for --engine {engine.value}", "take --engine vllm")
        shapes = parse_llms(llm, settings.llms)
        for each in shapes:
            config_folder(each)
        check_gpus(gpus, request)
        check_installed(engine.value)
        specs = [
            WorkerSpec(
                llm=each,
                cache="",
                tasks=(),
                seed=seed,
                tensor_parallel=tensor_parallel,
                gpu_memory=request.gpu_memory,
                dummy=True,
            )
            for each in shapes
        ]
        return _time_dummies(specs, groups)
    store = open_cache(cache)
    name = store.choose(benchmark)
    served = engine is EngineName.OPENAI
    llms = stored_llms(store, name, llm, settings.llms, served=served)
    if served:
        llms = at_endpoint(llms, check_base_url(base_url))
    allow_keys(llms, settings)
    sources = read_sources(store, [name], data=data, size=None, seed=seed)
    plan = make_plan(store, sources, llms, request)
    needs = find_needs(plan, gpus=gpus)
    show_plan(plan, needs)
    needs.check()
    return run_plan(plan, gpus=groups)


def _time_dummies(specs: Sequence[WorkerSpec], gpus: Sequence[str]) -> None:
    """Time shapes in processes of their own and show what was found."""
    from selectllm_engine.generation import scheduler

    found: list[dict[str, object]] = []
    failed: dict[str, str] = {}
    with scheduler.Workers(specs, gpus=gpus, command=scheduler.WORKER) as workers:
        for event in workers:
            if event is None:
                continue
            match event.kind:
                case "phase":
                    note(f"{event.llm}: {event.fields['phase']}")
                case "latency":
                    fit = event.fields
                    row = {key: f"{1000 * fit[key]:.3f}" for key in ("a", "b", "c", "residual_rms")}
                    found.append({"llm": event.llm, **row, "hardware": fit["hardware"]})
                case "failed":
                    failed[event.llm] = str(SelectLLMError(event.fields["problem"], event.fields["remedy"]))
                    note(f"{event.llm}: {failed[event.llm]}")
    columns = [
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("a", "ms a prompt"),
        SheetColumn("b", "ms a prompt token"),
        SheetColumn("c", "ms a new token"),
        SheetColumn("residual_rms", "give or take, ms"),
        SheetColumn("hardware", "hardware", align="left"),
    ]
    if found:
        write_sheet(Sheet(columns, found), Format.TABLE)
    if failed:
        raise SelectLLMError(f"{', '.join(failed)} could not be timed", "the lines above say why")
