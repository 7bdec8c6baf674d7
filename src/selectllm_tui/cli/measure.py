"""`selectllm measure`: time single prompts again. It was called `latency`."""

from __future__ import annotations

from typing import Annotated

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.generate import (
    BaseUrl,
    Data,
    EngineName,
    Engines,
    Gpus,
    LLMs,
    TensorParallel,
    check_base_url,
    group_gpus,
    parse_gpus,
    read_sources,
)
from selectllm_tui.cli.options import Benchmark, CacheDir

__all__ = ["measure"]


def measure(
    benchmark: Benchmark = None,
    llm: LLMs = [],  # noqa: B006
    gpu: Gpus = None,
    tensor_parallel: TensorParallel = 1,
    engine: Engines = EngineName.VLLM,
    base_url: BaseUrl = None,
    data: Data = None,
    seed: Annotated[int, typer.Option(min=0, help="That the benchmark was made with.")] = 0,
    cache: CacheDir = None,
) -> None:
    """Time single prompts again, on this machine, with the prompts and settings of a stored run.

    Sixteen prompts per LLM, from short to long, one at a time and with nothing cached; a fit of seconds to tokens
    replaces the stored one. LLMs whose weights came from the hub need their name alone, and so do those at endpoints.
    """
    from selectllm_engine.generation.needs import find_needs
    from selectllm_engine.generation.plan import Request, at_endpoint, make_plan, stored_llm
    from selectllm_engine.settings import read_settings
    from selectllm_engine.store import open_cache
    from selectllm_tui.cli.generation_progress import run_plan
    from selectllm_tui.cli.plan_summary import show_plan

    if not llm:
        raise UsageError("which LLM to time is not said", "add --llm NAME=FOLDER")
    store = open_cache(cache)
    name = store.choose(benchmark)
    own = read_settings().llms
    gpus = parse_gpus(gpu)
    groups = group_gpus(gpus, tensor_parallel, engine)
    served = engine is EngineName.OPENAI
    llms = [stored_llm(store, name, each, own, served=served) for each in llm]
    if served:
        llms = at_endpoint(llms, check_base_url(base_url))
    sources = read_sources(store, [name], data=data, size=None, seed=seed)
    request = Request(samples=0, engine=engine.value, seed=seed, remeasure=True, tensor_parallel=tensor_parallel)
    plan = make_plan(store, sources, llms, request)
    needs = find_needs(plan, gpus=gpus)
    show_plan(plan, needs)
    needs.check()
    run_plan(plan, gpus=groups)
