"""`selectllm recommend`: what to run, what it takes, and how sure that is."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_tui.cli.console import Sheet, SheetColumn, note, write_json, write_sheet
from selectllm_tui.cli.import_report import watching
from selectllm_tui.cli.loaded_run import reading
from selectllm_tui.cli.options import Benchmark, CacheDir, Force, Format, Output
from selectllm_tui.cli.train import Encoders, parse_encoders
from selectllm_tui.notation import number, percent, points
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from selectllm_engine.setups import Recommendation

__all__ = ["recommend"]


class Preferred(StrEnum):
    """What is best of all that is within the limits."""

    ACCURACY = "accuracy"
    LATENCY = "latency"
    COST = "cost"


COLUMNS = [
    SheetColumn("name", "", align="left"),
    SheetColumn("pool", "LLMs", align="left", drop=1),
    SheetColumn("vote", "vote", align="left", drop=3),
    SheetColumn("k", "K", drop=4),
    SheetColumn("accuracy", "expected %", percent),
    SheetColumn("delta", "Δ", points),
    SheetColumn("latency", "latency s", number(2)),
    SheetColumn("cost", "cost $", number(5), drop=2),
    SheetColumn("test_accuracy", "test %", percent),
    SheetColumn("test_delta", "Δ on test", points),
]


def recommend(
    benchmark: Benchmark = None,
    max_latency: Annotated[
        float | None, typer.Option(metavar="S", help="At most so many seconds per question, on average.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="DOLLARS", help="At most so many dollars per question, on average.")
    ] = None,
    min_accuracy: Annotated[
        float | None, typer.Option(metavar="P", help="At least so large a share of right answers, such as 0.6.")
    ] = None,
    max_llms: Annotated[int | None, typer.Option(metavar="N", min=1, help="A pool of at most so many LLMs.")] = None,
    prefer: Annotated[
        Preferred,
        typer.Option(
            help="accuracy; or latency or cost: what takes least of all that is as accurate as best-single, or has "
            "--min-accuracy."
        ),
    ] = Preferred.ACCURACY,
    traffic: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Say dollars and hours for so many questions, too.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the setup to a file that ends in .toml.")
    ] = None,
    force: Force = False,
    encoder: Encoders = [],  # noqa: B006
    form: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """What to run: which LLMs, sent how, voting how; what that takes, and how sure it is.

    Pools, routers, policies, votes and numbers of samples are tried on train and validation alone. The test split is
    read once, for the figures that are shown. Routers that can't route a new question here don't take part.
    """
    from selectllm_engine.exporters import check_target
    from selectllm_engine.settings import read_settings
    from selectllm_engine.setups import write_setup

    if write is not None:
        check_target(write, (".toml",), force=force)
    encoders = {**read_settings().encoders, **parse_encoders(encoder)}
    with reading(benchmark, cache) as run, watching("looking for a setup") as show:
        found = run.recommend(
            max_latency=max_latency,
            max_cost=max_cost,
            min_accuracy=min_accuracy,
            max_llms=max_llms,
            prefer=prefer.value,
            encoders=encoders,
            progress=lambda _, done, total: show(done, total),
        )
    if form is Format.JSON:
        write_json(found.to_dict())
    elif form is Format.TABLE:
        _say(found, traffic)
    else:
        write_sheet(Sheet(COLUMNS, _rows(found), f"Setups for {found.benchmark}", found.notes), form)
    if write is not None:
        note(f"{write_setup(found.setup, write, force=force)}: written")
        if (samples := found.setup.samples) > 1:
            note(f"note: served, it asks each LLM for {samples} samples, as its accuracy has; its dollars are for one")


def _say(found: Recommendation, traffic: int | None) -> None:
    from selectllm_tui.recommendation_words import headline, how, told, trade

    lines = [headline(found), how(found.setup), "", *told(found, traffic)]
    if found.alternatives:
        lines += ["", "instead:", *(f"  {trade(found, each)}" for each in found.alternatives)]
    lines += ["", f"{found.tried:,} setups were compared; {_MEANING}", *found.notes]
    sys.stdout.write("".join(f"{visible(line)}\n" for line in lines))


_MEANING = "seconds and dollars are of one sample of each LLM asked, added up"


def _rows(found: Recommendation) -> list[dict[str, object]]:
    from selectllm_engine.setups import Proposed
    from selectllm_tui.records import proposed_record

    return list(map(proposed_record, (Proposed(found.setup, found.estimate, found.test), *found.alternatives)))
