"""`selectllm export`: results, predictions, tables and plots as files. One command per kind."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import note
from selectllm_tui.cli.loaded_run import reading, voting
from selectllm_tui.cli.options import (
    Benchmark,
    CacheDir,
    Force,
    Format,
    K,
    Policies,
    PoolNames,
    Protocol,
    Routers,
    SetupFile,
    Split,
    Vote,
    complete_router,
    names,
    several,
)
from selectllm_tui.cli.setup_file import rows_asked
from selectllm_tui.cli.train import Encoders, parse_encoders

if TYPE_CHECKING:
    from selectllm_engine.exporters import Exported

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False)

_TABLES = {".md": Format.MARKDOWN, ".tex": Format.LATEX, ".csv": Format.CSV, ".json": Format.JSON}


class PlotKind(StrEnum):
    """What a plot shows."""

    TRADE_OFF = "trade-off"
    MATRIX = "matrix"


class GatewayKind(StrEnum):
    """Whose gateway."""

    LITELLM = "litellm"


class Measure(StrEnum):
    """What a plot is by."""

    ACCURACY = "accuracy"
    GAP = "gap"
    LATENCY = "latency"
    COST = "cost"


@app.callback()
def _export() -> None:
    """Write results, predictions, tables and plots to files."""


@app.command()
def results(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that ends in .parquet or .csv.")],
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME,NAME…", help="train, validation or test; all without it.")
    ] = None,
    force: Force = False,
    cache: CacheDir = None,
) -> None:
    """Export all results as one wide table with RouterBench's columns.

    One row per question and sample: sample_id, prompt, eval_name, and per LLM its score, its text (|model_response)
    and its cost (|total_cost). Columns beside them hold what selectllm import routerbench needs to show the same again,
    and the marks and notes of the explorer. Texts stay as they are: in a spreadsheet, what begins with = is a formula.
    """
    from selectllm_engine.exporters import export_results

    with reading(benchmark, cache, setup=setup) as run:
        _report(export_results(run, file, pool=names(pool), splits=names(split), force=force))


@app.command()
def predictions(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that ends in .csv.")],
    router: Annotated[
        str | None, typer.Option(metavar="NAME", help="A trained router.", autocompletion=complete_router)
    ] = None,
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    force: Force = False,
    cache: CacheDir = None,
) -> None:
    """Export a router's predictions and the labels in the format of the study's released files.

    The CSV has the columns question, split, true_label, prediction, raw_predictions and confidence (logits), and says
    nothing about latency: the line to import it again, with latencies, is shown.
    """
    from selectllm_engine.exporters import export_predictions

    if router is None:
        raise UsageError(
            "predictions are a router's" if setup is None else "the setup has no router, and predictions are one's",
            "name one: --router NAME",
        )
    with reading(benchmark, cache, setup=setup) as run:
        _report(export_predictions(run, file, router, force=force))


@app.command()
def vote(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that ends in .json.")],
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    router: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Learn with this router's opinions; then they are needed wherever the file is used.",
            autocompletion=complete_router,
        ),
    ] = None,
    k: K = None,
    force: Force = False,
    cache: CacheDir = None,
) -> None:
    """Export the weights of a learned vote, for --vote FILE on another benchmark.

    A small JSON object; the LLMs are known by their names.
    """
    from selectllm_engine.exporters import export_vote

    with reading(benchmark, cache, setup=setup) as run:
        done = export_vote(run, file, pool=names(pool), router=router, k=k, force=force)
    note(f"{done.path}: weights of {len(done.llms)} LLMs from {done.rows:,} labelled questions")


@app.command()
def table(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that ends in .md, .tex, .csv or .json.")],
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    router: Routers = None,
    policy: Policies = None,
    every: Annotated[bool, typer.Option("--all", help="Every router with every policy.")] = False,
    split: Split = "test",
    k: K = None,
    vote: Vote = "equal",
    protocol: Protocol = "corrected",
    force: Force = False,
    cache: CacheDir = None,
) -> None:
    """Export the table that selectllm evaluate shows, as Markdown, LaTeX (booktabs), CSV or JSON."""
    from contextlib import redirect_stdout
    from io import StringIO

    from selectllm_engine.exporters import check_target, save
    from selectllm_tui.cli.evaluate import evaluate

    form = _TABLES[check_target(file, _TABLES, force=force)]
    with redirect_stdout(StringIO()) as out:
        evaluate(
            benchmark,
            setup,
            pool,
            router,
            policy,
            every=every,
            split=split,
            k=k,
            vote=vote,
            protocol=protocol,
            form=form,
            cache=cache,
        )
    save(file, out.getvalue().encode())
    note(f"{file}: written")


@app.command("figure", hidden=True)  # as it was called
@app.command()
def plot(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that ends in .svg.")],
    kind: Annotated[
        PlotKind,
        typer.Option(
            help="trade-off: accuracy against latency or cost, with the Pareto front; matrix: routers × policies."
        ),
    ] = PlotKind.TRADE_OFF,
    by: Annotated[
        Measure | None,
        typer.Option(
            help="latency or cost for a trade-off, else latency; accuracy, gap, latency or cost for a matrix, else "
            "accuracy."
        ),
    ] = None,
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    router: Routers = None,
    policy: Policies = None,
    split: Split = "test",
    k: K = None,
    vote: Vote = "equal",
    force: Force = False,
    cache: CacheDir = None,
) -> None:
    """Export a plot as SVG; needs the extra figures (matplotlib).

    A trade-off without --router shows the router that is best on validation, with all policies and the curve of
    cost-aware over λ; a matrix shows all routers.
    """
    from selectllm_engine.exporters import check_target, save
    from selectllm_tui.cli.plots import MATRIX, TRADE_OFF, matrix, trade_off

    check_target(file, (".svg",), force=force)
    draw, known = (trade_off, TRADE_OFF) if kind is PlotKind.TRADE_OFF else (matrix, MATRIX)
    measure = next(iter(known)) if by is None else by.value
    if measure not in known:
        raise UsageError(f"a {kind.value} is not drawn by {measure}", f"choose --by {' or '.join(known)}")
    with reading(benchmark, cache, setup=setup) as run:
        routers, policies = rows_asked(run, setup, several(router), several(policy))
        how: dict[str, Any] = {"by": measure, "k": k, "split": split, "vote": voting(run, vote)}
        drawn = draw(run, pool=names(pool), routers=routers, policies=policies, **how)
    save(file, drawn)
    note(f"{file}: written")


@app.command()
def gateway(
    kind: Annotated[GatewayKind, typer.Argument(metavar="KIND", help="litellm.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder for its files.")],
    setup: SetupFile = None,
    encoder: Encoders = [],  # noqa: B006
    force: Force = False,
    cache: CacheDir = None,
) -> None:
    """Export what LiteLLM's proxy needs to serve a setup where one LLM answers: its configuration, and a plugin.

    The LLMs are those of selectllm.toml, each with its endpoint. Keys, budgets and logs stay the proxy's; README.md in
    the folder says how to start it.
    """
    from selectllm_engine.serving.gateway import export_gateway
    from selectllm_engine.settings import read_settings
    from selectllm_tui.cli.api_keys import allow_keys

    del kind  # there is one
    if setup is None:
        raise UsageError("it is not said what the gateway shall serve", "name a setup: --setup FILE")
    settings = read_settings()
    allow_keys([settings.llms[name] for name in setup.pool if name in settings.llms], settings, unset=True)
    with reading(setup.benchmark, cache, setup=setup) as run:
        encoders = {**settings.encoders, **parse_encoders(encoder)}
        written = export_gateway(run, setup, folder, settings.llms, encoders, force=force)
    note(f"{folder}: {', '.join(each.name for each in written)}")
    if setup.k is not None and setup.k > 1:
        note(f"note: the setup's figures are of {setup.k} samples that vote, and a gateway asks for one")


def _report(done: Exported) -> None:
    """Say what was written, on standard error."""
    note(f"{done.path}: {done.rows:,} rows of {len(done.llms)} LLMs: {', '.join(done.llms)}")
    for each in done.notes:
        note(f"note: {each}")
