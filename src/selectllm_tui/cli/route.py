"""`selectllm route`: which LLMs would answer a new question, and why."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn, write_json, write_sheet
from selectllm_tui.cli.loaded_run import reading, voting
from selectllm_tui.cli.options import (
    Benchmark,
    CacheDir,
    Format,
    Output,
    PoolNames,
    SetupFile,
    complete_policy,
    complete_router,
    names,
)
from selectllm_tui.cli.train import Encoders, parse_encoders
from selectllm_tui.notation import number, percent
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.routers.routing import Routing

__all__ = ["route"]


def route(
    question: Annotated[str | None, typer.Argument(metavar="TEXT", help="The question, in quotes.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Many questions: CSV, JSON, JSONL or Parquet, in a column question, with choices and id where wanted.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Of --file: write .csv, .jsonl, .json or .parquet."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file --out that is there.")] = False,
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    router: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A trained router; without it stack, else the best on validation that can run here.",
            autocompletion=complete_router,
        ),
    ] = None,
    policy: Annotated[
        str, typer.Option(metavar="NAME[:VALUE]", help="How LLMs are chosen.", autocompletion=complete_policy)
    ] = "argmax",
    encoder: Encoders = [],  # noqa: B006
    form: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """Route a new question: how likely each LLM is right, which would answer, and the most similar training questions.

    With --file many questions at once: whom each would go to, p and confidence. No LLM is asked. Routers on an encoder
    need it again: --encoder NAME=FOLDER, unless it is on the hub.
    """
    from selectllm_engine.exporters import check_target
    from selectllm_engine.routers.chooser import choose_by
    from selectllm_engine.routers.question_files import read_questions
    from selectllm_engine.routers.routing import route as route_question
    from selectllm_engine.settings import read_settings
    from selectllm_engine.setups import chooser_of
    from selectllm_tui.cli.route_file import ENDINGS, route_file

    encoders = {**read_settings().encoders, **parse_encoders(encoder)}
    if (question is None) == (file is None):
        raise UsageError("a question is needed, or a file of them", 'selectllm route "TEXT", or --file FILE')
    if file is None and (out is not None or force):
        raise UsageError("--out and --force are for --file", "lead the output somewhere instead, such as > FILE")
    if file is not None:
        if out is not None:
            check_target(out, ENDINGS, force=force)
        questions = read_questions(file)
        with reading(benchmark, cache, setup=setup) as run:
            if setup is None:
                chooser: Chooser | Fixed = choose_by(run, router, policy, pool=names(pool), encoders=encoders)
            else:
                chooser = chooser_of(run, setup, encoders)
            return route_file(chooser, questions, form, out)
    if setup is not None and setup.router is None:
        to = f"every question goes to {', '.join(setup.pool)}"
        raise UsageError(
            f"the setup asks no router: {to if setup.policy is None else f'all are alike to {setup.policy}'}",
            "route with a setup that has one, or name one: --router NAME",
        )
    with reading(benchmark, cache, setup=setup) as run:
        how: dict[str, Any] = {} if setup is None else {"k": setup.k, "vote": voting(run, setup.vote)}
        routing = route_question(run, question or "", router, policy, pool=names(pool), encoders=encoders, **how)
    return write_json(as_json(routing)) if form is Format.JSON else _write(routing, form)


def as_json(routing: Routing) -> dict[str, object]:
    """The routing as JSON."""
    return {
        "question": routing.question,
        "router": routing.router,
        "policy": routing.policy.name,
        "parameter": routing.policy.parameter,
        "llms": [asdict(each) for each in routing.llms],
        "asked": list(routing.order),
        "reason": routing.reason,
        "nearest": [asdict(each) for each in routing.nearest],
    }


def _write(routing: Routing, form: Format) -> None:
    columns = [
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("probability", "p(right) %", percent),
        SheetColumn("forest", "confidence %", percent, drop=2),
        SheetColumn("latency", "seconds", number(2), drop=1),
        SheetColumn("asked", "asked", _share),
    ]
    rows = [asdict(each) for each in routing.llms]
    if form is not Format.TABLE:
        return write_sheet(Sheet(columns, rows), form)
    in_turn = any(each.asked is None for each in routing.llms)
    who = (" → " if in_turn else ", ").join(visible(name) for name in routing.order)
    write_sheet(Sheet(columns, rows, f"{routing.router} {routing.policy}"), form)
    lines = ["", f"{'asks in this order' if in_turn else 'asks'}: {who}", f"policy: {routing.reason}"]
    if routing.nearest:
        lines += ["", "most similar training questions, and who was right on them:"]
    for each in routing.nearest:
        right = ", ".join(visible(name) for name in each.right) or "none"
        text = visible(" ".join(each.text.split()), limit=100)
        lines += [f"  {each.similarity:.2f}  {visible(each.question_id)}: {text}", f"        {right}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return None


def _share(asked: float | None) -> str:
    if asked is None:
        return "perhaps"
    return {0.0: "", 1.0: "yes"}.get(asked) or ("" if asked == 0 else f"{100 * asked:.0f} %")
