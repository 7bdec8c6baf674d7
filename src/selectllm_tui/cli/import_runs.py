"""`selectllm import helm` and further commands that read other tools' runs: what they share is in `import_options`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_tui.cli.import_logs import Log, Tasks
from selectllm_tui.cli.import_options import Kind, NewBenchmark, Seed, SplitBy, Threshold, chosen
from selectllm_tui.cli.import_report import report, watching
from selectllm_tui.cli.options import CacheDir, names

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectllm_engine.importers import Imported
    from selectllm_engine.store import Cache, Progress

__all__ = ["helm", "lighteval", "opencompass", "promptfoo", "routerarena", "simple_evals"]

Metric = Annotated[
    str | None, typer.Option(metavar="NAME", help="Which metric is the verdict; without it the best known.")
]


def helm(
    path: Log,
    benchmark: NewBenchmark,
    task: Tasks = None,
    metric: Metric = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    cache: CacheDir = None,
) -> None:
    """Import HELM's benchmark_output, a suite or a run in it: what helm-run or helm-summarize left there.

    A scenario is a subject, completions are samples, and LLMs are joined on the instance. Several ways to run an LLM on
    a scenario are several LLMs, named after what differs. Perturbed instances are passed over.
    """
    from selectllm_engine.importers.helm import import_helm

    options = chosen(split_by, seed, threshold, kind)
    _import(
        cache,
        lambda stored, progress: import_helm(
            stored, path, benchmark, options=options, tasks=names(task), metric=metric, progress=progress
        ),
    )


def lighteval(
    path: Log,
    benchmark: NewBenchmark,
    task: Tasks = None,
    metric: Metric = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    cache: CacheDir = None,
) -> None:
    """Import what lighteval wrote with --save-details: its output folder, or one details_*.parquet.

    A task is a subject, the texts of a document are samples. Runs of one LLM with other shots or generation settings
    are several LLMs; of equal runs the newest counts.
    """
    from selectllm_engine.importers.lighteval import import_lighteval

    options = chosen(split_by, seed, threshold, kind)
    _import(
        cache,
        lambda stored, progress: import_lighteval(
            stored, path, benchmark, options=options, tasks=names(task), metric=metric, progress=progress
        ),
    )


def opencompass(
    path: Log,
    benchmark: NewBenchmark,
    task: Tasks = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    cache: CacheDir = None,
) -> None:
    """Import OpenCompass's predictions, with the verdicts in results/ beside them: a work dir, or one run in it.

    A dataset is a subject; several predictions of a question are samples. Verdicts per question are in results/ with
    --dump-eval-details. Of several runs the newest counts.
    """
    from selectllm_engine.importers.opencompass import import_opencompass

    options = chosen(split_by, seed, threshold, kind)
    _import(
        cache,
        lambda stored, progress: import_opencompass(
            stored, path, benchmark, options=options, tasks=names(task), progress=progress
        ),
    )


def promptfoo(
    path: Log,
    benchmark: NewBenchmark,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which named score is the verdict; without it whether the test passed."),
    ] = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    cache: CacheDir = None,
) -> None:
    """Import what promptfoo eval --output wrote as .json or .jsonl, with latency, tokens and cost.

    A test is a question, known by its variables; --repeat makes samples. A provider with several prompts is several
    LLMs, named after the prompt. Calls that failed are skipped, tests without an assertion have no verdict.
    """
    from selectllm_engine.importers.promptfoo import import_promptfoo

    options = chosen(split_by, seed, threshold, kind)
    _import(
        cache,
        lambda stored, progress: import_promptfoo(
            stored, path, benchmark, options=options, metric=metric, progress=progress
        ),
    )


def routerarena(
    path: Log,
    benchmark: NewBenchmark,
    routers: Annotated[
        bool, typer.Option("--routers", help="Each file of predictions is one LLM, named after its router.")
    ] = False,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    cache: CacheDir = None,
) -> None:
    """Import RouterArena's predictions (<router>.json) or cached results (<LLM>.jsonl), with tokens and cost.

    The LLMs that answered are imported. As a router asks few LLMs each question, predictions alone may leave no
    question that all of them answered: add the cached results, or compare routers with --routers.
    """
    from selectllm_engine.importers.routerarena import import_routerarena

    options = chosen(split_by, seed, threshold, kind)
    _import(
        cache,
        lambda stored, progress: import_routerarena(
            stored, path, benchmark, options=options, routers=routers, progress=progress
        ),
    )


def simple_evals(
    path: Log,
    benchmark: NewBenchmark,
    task: Tasks = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    cache: CacheDir = None,
) -> None:
    """Import simple-evals' <eval>_<LLM>_<time>_allresults.json, a file or a folder with some.

    An evaluation is a subject, repetitions of a question are samples. Older versions wrote averages and reports only.
    """
    from selectllm_engine.importers.simple_evals import import_simple_evals

    options = chosen(split_by, seed, threshold, kind)
    _import(
        cache,
        lambda stored, progress: import_simple_evals(
            stored, path, benchmark, options=options, tasks=names(task), progress=progress
        ),
    )


def _import(cache: CacheDir, work: Callable[[Cache, Progress], Imported]) -> None:
    from selectllm_engine.store import open_cache

    stored = open_cache(cache)
    with watching("reading") as progress:
        done = work(stored, progress)
    report(done, stored)
