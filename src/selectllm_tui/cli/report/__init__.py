"""`selectllm report`: one page to send to colleagues."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import note
from selectllm_tui.cli.import_report import watching
from selectllm_tui.cli.loaded_run import reading, voting
from selectllm_tui.cli.options import (
    Against,
    Benchmark,
    CacheDir,
    Force,
    K,
    Policy,
    PoolNames,
    SetupFile,
    Split,
    Vote,
    complete_router,
    names,
)
from selectllm_tui.cli.train import Encoders, parse_encoders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.api import Run

__all__ = ["report"]


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that ends in .html.")],
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    router: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The router that the report is about.", autocompletion=complete_router),
    ] = None,
    policy: Policy = None,
    split: Split = "test",
    k: K = None,
    vote: Vote = "equal",
    against: Against = None,
    texts: Annotated[
        bool, typer.Option("--texts", help="Show the texts of the telling questions, not only their ids and votes.")
    ] = False,
    force: Force = False,
    encoder: Encoders = [],  # noqa: B006
    cache: CacheDir = None,
) -> None:
    """A page about a setup: what it gives, the table, plots, where accuracy is lost, lessons, pools, telling questions.

    One HTML file that needs no network and runs no script, for screens and paper. It is about the setup of the options;
    without any of them about the one that selectllm recommend finds. Plots need the extra figures.
    """
    from selectllm_engine.exporters import check_target, save
    from selectllm_engine.settings import read_settings

    check_target(file, (".html",), force=force)
    with reading(benchmark, cache, setup=setup) as run:
        from selectllm_tui.cli.report.about import About, usual_setup
        from selectllm_tui.cli.report.page import page

        voting(run, vote)  # says which LLMs the weights of a file know
        about: dict[str, Any] = {"field": None if setup is not None else names(pool)}
        if setup is None and (pool, router, policy, k, vote) == (None, None, None, None, "equal"):
            about |= _found(run, {**read_settings().encoders, **parse_encoders(encoder)})
            setup = about["found"] and about["found"].setup
        if setup is None:
            setup = usual_setup(run, names(pool), router, policy, vote=vote, k=k)
        about |= {"run": run, "setup": setup, "split": split, "against": against or "best-single", "texts": texts}
        save(file, page(About(**about), file.name).encode())
    note(f"{file}: written")


def _found(run: Run, encoders: Mapping[str, str]) -> dict[str, Any]:
    """The recommendation, or why there is none."""
    try:
        with watching("looking for a setup") as show:
            found = run.recommend(encoders=encoders, progress=lambda _, done, total: show(done, total))
    except UsageError as reason:
        return {"found": None, "no_find": reason.problem}
    return {"found": found}
