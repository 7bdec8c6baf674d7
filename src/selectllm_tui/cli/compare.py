"""`selectllm compare`: two rows on the same questions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn, write_csv, write_json, write_next, write_sheet
from selectllm_tui.cli.loaded_run import hold_against, reading, voting
from selectllm_tui.cli.options import (
    Benchmark,
    CacheDir,
    Format,
    K,
    Output,
    PoolNames,
    Protocol,
    Split,
    Vote,
    complete_row,
    names,
)
from selectllm_tui.notation import number, p_value, percent, points, points_span

if TYPE_CHECKING:
    from selectllm_engine.insights import Cell, Comparison

__all__ = ["compare", "pair_sheets"]

TEXT = 60  # characters of a question in a list
ROWS = [
    SheetColumn("name", "", align="left"),
    SheetColumn("accuracy", "accuracy %", percent),
    SheetColumn("latency", "latency s", number(2)),
    SheetColumn("latency_p95", "95 % s", number(2), drop=2),
    SheetColumn("cost", "cost $", number(5), drop=1),
    SheetColumn("llms_per_question", "LLMs", number(2), drop=3),
]
COUNTS = [
    SheetColumn("a", "", align="left"),
    SheetColumn("right", "b right"),
    SheetColumn("wrong", "b wrong"),
]


def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", help="A row, by the name it has in evaluate, or a setup's file.", autocompletion=complete_row
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The row to compare it with.", autocompletion=complete_row)],
    benchmark: Benchmark = None,
    pool: PoolNames = None,
    split: Split = "test",
    k: K = None,
    vote: Vote = "equal",
    protocol: Protocol = "corrected",
    both: Annotated[bool, typer.Option("--both", help="List the questions on which both are right.")] = False,
    only_a: Annotated[bool, typer.Option("--only-a", help="List those on which only A is right.")] = False,
    only_b: Annotated[bool, typer.Option("--only-b", help="List those on which only B is right.")] = False,
    neither: Annotated[bool, typer.Option("--neither", help="List those on which neither is right.")] = False,
    form: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """Two rows of selectllm evaluate on the same questions: which is right where, how far apart they are, at what cost.

    Rows are LLMs, baselines ("oracle", "best-single"), and routers with a policy ("prior threshold:0.7"). --format csv
    has the questions alone, each with who is right. A file that ends in .toml is a setup, which brings its own pool, K,
    vote and protocol.
    """
    from selectllm_engine.evaluation import badged
    from selectllm_engine.setups import Setup, read_setup

    left, right = (read_setup(name) if name.lower().endswith(".toml") else name for name in (a, b))
    setups = [row for row in (left, right) if isinstance(row, Setup)]
    if len(setups) == 2 and (pool, k, vote, protocol) != (None, None, "equal", "corrected"):
        raise UsageError("both setups say pool, K, vote and protocol themselves", "leave out --pool, --k and the like")
    with reading(benchmark or next((each.benchmark for each in setups), None), cache) as run:
        for each in setups:
            hold_against(run, each)
        rule = voting(run, vote)
        found = run.compare(left, right, names(pool), k=k, protocol=protocol, split=split, vote=rule)
        labels = (Path(a).name if isinstance(left, Setup) else a, Path(b).name if isinstance(right, Setup) else b)
        found = replace(found, names=labels)
        title = f"{run.benchmark} · {badged(split)} · {found.counts.questions:,} questions"
    wanted: dict[Cell, bool] = {"both": both, "only_a": only_a, "only_b": only_b, "neither": neither}
    listed = [cell for cell, on in wanted.items() if on]
    if form is Format.JSON:
        return write_json({"benchmark": run.benchmark, "split": split, **as_json(found, listed)})
    if form is Format.CSV:
        return write_csv(_questions(found, listed or list(wanted)))
    _write(found, listed, form, title)
    return None


def as_json(found: Comparison, listed: list[Cell]) -> dict[str, object]:
    """Both rows, the 2 × 2 table, and the ids of the questions that are listed."""
    return {
        "questions": found.counts.questions,
        "names": list(found.names),
        "a": found.a.as_dict(),
        "b": found.b.as_dict(),
        "both": found.counts.both,
        "only_a": found.counts.only_first,
        "only_b": found.counts.only_second,
        "neither": found.counts.neither,
        "listed": {cell: found.of(cell)["question_id"].to_list() for cell in listed},
    }


def _questions(found: Comparison, cells: list[Cell]) -> list[dict[str, object]]:
    return [
        {"right": cell, **{field: row[field] for field in ("question_id", "subject", "text")}}
        for cell in cells
        for row in found.of(cell).iter_rows(named=True)
    ]


def _write(found: Comparison, listed: list[Cell], form: Format, title: str) -> None:
    both, counts = pair_sheets(found, title)
    write_sheet(both, form)
    write_next(counts, form)
    for cell in listed:
        questions = _questions(found, [cell])
        if not questions:
            sys.stdout.write(f"\n{WHO[cell]}: no question\n")
            continue
        columns = [
            SheetColumn("question_id", "question", align="left"),
            SheetColumn("subject", "subject", align="left", drop=1),
            SheetColumn("text", "text", _short, align="left", drop=2),
        ]
        write_next(Sheet(columns, questions, f"{WHO[cell]}: {len(questions):,}"), form)


def pair_sheets(found: Comparison, title: str = "") -> tuple[Sheet, Sheet]:
    """The two rows, and their 2 × 2 table with how far apart they are in sentences."""
    a, b = found.names
    both, only_a, only_b, neither = found.counts
    rows = [{**found.a.as_dict(), "name": f"a  {a}"}, {**found.b.as_dict(), "name": f"b  {b}"}]
    counts: list[dict[str, object]] = [
        {"a": "a right", "right": f"{both:,}", "wrong": f"{only_a:,}"},
        {"a": "a wrong", "right": f"{only_b:,}", "wrong": f"{neither:,}"},
    ]
    return (
        Sheet(ROWS, rows, title=title, footnotes=[each["note"] for each in rows if each["note"]]),
        Sheet(COUNTS, counts, footnotes=_difference(found)),
    )


WHO: dict[Cell, str] = {
    "both": "Both are right",
    "only_a": "Only a is right",
    "only_b": "Only b is right",
    "neither": "Neither is right",
}


def _short(value: str | None) -> str:
    joined = " ".join((value or "").split())
    return joined if len(joined) <= TEXT else f"{joined[: TEXT - 1]}…"


def _difference(found: Comparison) -> list[str]:
    """How far apart they are, in sentences."""
    row = found.a
    if row.p is None:
        why = "they are the same row" if not found.counts.discordant else "p would mean nothing on this split"
        return [f"Δ: a is {points(row.delta)} points more accurate than b; {why}"]
    ends = points_span(row.delta_low, row.delta_high)
    lines = [
        f"Δ: a is {points(row.delta)} points more accurate than b; p {p_value(row.p)} (exact McNemar test)",
        f"by question, for more questions of these kinds: 95 % interval {ends}",
    ]
    if row.p_clustered is not None:
        ends = points_span(row.delta_low_clustered, row.delta_high_clustered)
        few = "" if found.subjects is None or found.subjects >= 20 else ", which are few"
        lines.append(
            f"by subject, for questions of other kinds: {ends}, p {p_value(row.p_clustered)} "
            f"({found.subjects} subjects{few})"
        )
    return lines
