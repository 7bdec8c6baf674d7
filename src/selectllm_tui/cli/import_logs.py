"""`selectllm import lm-eval` and `inspect`: logs of evaluation tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selectllm_tui.cli.import_options import (
    Again,
    Kind,
    Latency,
    NewBenchmark,
    Seed,
    SplitBy,
    Threshold,
    Verdicts,
    chosen,
    seconds,
)
from selectllm_tui.cli.import_report import report, watching
from selectllm_tui.cli.options import CacheDir, names

__all__ = ["inspect", "lm_eval"]

Log = Annotated[Path, typer.Argument(metavar="PATH", help="The tool's output folder, or one file.")]
OneLLM = Annotated[
    str | None, typer.Option("--llm", "--llm-name", metavar="NAME", help="Name of the LLM, where all files are of one.")
]
Tasks = Annotated[str | None, typer.Option("--task", metavar="TASK,TASK…", help="Only these tasks.")]


def lm_eval(
    path: Log,
    benchmark: NewBenchmark,
    llm: OneLLM = None,
    task: Tasks = None,
    filter_: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="NAME",
            help="Whose verdicts are recorded; without it a majority's, else the log's first.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which metric is the verdict; acc_norm picks choices by log-likelihood per character.",
        ),
    ] = None,
    latency: Latency = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    verdicts: Verdicts = None,
    again: Again = False,
    cache: CacheDir = None,
) -> None:
    """Import what lm-eval wrote with --log_samples: generative and multiple-choice tasks, of one LLM or several.

    The K texts of a document are K samples; LLMs are joined on the document. A task is a subject. Of several runs of
    one LLM on one task with the same settings the newest counts; other settings make another LLM.
    """
    from selectllm_engine.importers.lm_eval import import_lm_eval
    from selectllm_engine.store import open_cache

    stored = open_cache(cache)
    with watching("reading") as progress:
        done = import_lm_eval(
            stored,
            path,
            benchmark,
            options=chosen(split_by, seed, threshold, kind, verdicts, again=again),
            llm=llm,
            tasks=names(task),
            filter_name=filter_,
            metric=metric,
            latency=None if latency is None else seconds(latency),
            progress=progress,
        )
    report(done, stored)


def inspect(
    path: Log,
    benchmark: NewBenchmark,
    llm: OneLLM = None,
    task: Tasks = None,
    scorer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[.KEY]",
            help="Whose verdicts are recorded, of a score with several parts which part; without it the log's first.",
        ),
    ] = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    verdicts: Verdicts = None,
    again: Again = False,
    cache: CacheDir = None,
) -> None:
    """Import Inspect's .eval and JSON logs: epochs are samples, with their latency, tokens and cost.

    LLMs are joined on the question. A task is a subject. Of several runs of one LLM on one task with the same settings
    the newest successful one counts; other settings, such as the reasoning effort, make another LLM. Samples that
    failed are skipped.
    """
    from selectllm_engine.importers.inspect import import_inspect
    from selectllm_engine.store import open_cache

    stored = open_cache(cache)
    with watching("reading") as progress:
        done = import_inspect(
            stored,
            path,
            benchmark,
            options=chosen(split_by, seed, threshold, kind, verdicts, again=again),
            llm=llm,
            tasks=names(task),
            scorer=scorer,
            progress=progress,
        )
    report(done, stored)
