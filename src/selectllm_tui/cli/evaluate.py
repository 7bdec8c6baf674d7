"""`selectllm evaluate`: accuracy, latency and the gap that routers close, as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn, note, write_csv, write_json, write_sheet
from selectllm_tui.cli.loaded_run import reading, voting
from selectllm_tui.cli.options import (
    Against,
    Benchmark,
    CacheDir,
    Format,
    K,
    Output,
    Policies,
    PoolNames,
    Protocol,
    Routers,
    SetupFile,
    Split,
    Vote,
    names,
    several,
)
from selectllm_tui.cli.setup_file import rows_asked
from selectllm_tui.cli.table_fields import (
    FieldNames,
    SortField,
    check_fields,
    chosen_columns,
    chosen_fields,
    sorted_by,
)
from selectllm_tui.notation import number, p_value, percent, points, points_span, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.evaluation import Details, Row, Saving, Table

__all__ = ["evaluate", "left_out", "sheet", "write"]

PAGE = 120  # characters
ENOUGH_SUBJECTS = 20  # fewer give intervals that are too narrow

UNSEEN = (
    "routers know nothing of a question's subject: each was refitted on the others; forests know all subjects, and so "
    "have no rows"
)
FLATTERS = {
    "train": "routers learned from these questions, and best-single was chosen on them",
    "validation": "settings of routers, best-single, auto and confidence forests were chosen on these questions",
}

COLUMNS = [
    SheetColumn("name", "", align="left"),
    SheetColumn("accuracy", "accuracy %", percent),
    SheetColumn(("accuracy_low", "accuracy_high"), "95 % interval", span, drop=7),
    SheetColumn("delta", "Δ", points, drop=1),
    SheetColumn(("delta_low", "delta_high"), "Δ by question", points_span, drop=1),
    SheetColumn(("delta_low_clustered", "delta_high_clustered"), "Δ by subject", points_span, drop=3),
    SheetColumn("p", "raw p", p_value, drop=2),
    SheetColumn("latency", "latency s", number(2)),
    SheetColumn("latency_p50", "median s", number(2), drop=10),
    SheetColumn("latency_p95", "95 % s", number(2), drop=9),
    SheetColumn("latency_parallel", "parallel s", number(2), drop=11),
    SheetColumn("latency_correct", "if right s", number(2), drop=13),
    SheetColumn("cost", "cost $", number(5), drop=4),
    SheetColumn("llms_per_question", "LLMs", number(2), drop=5),
    SheetColumn("samples_per_question", "samples", number(1), drop=11),
    SheetColumn("gap_closed", "gap closed %", percent, drop=6),
    SheetColumn("unsolvable", "unsolvable %", percent, drop=12),
    SheetColumn("misrouted", "misrouted %", percent, drop=8),
    SheetColumn("outvoted", "outvoted %", percent, drop=8),
    SheetColumn("rescued", "rescued %", percent, drop=12),
]


def evaluate(
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
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Add bootstrap intervals, the share of each LLM, pass@K, train-to-test gaps, the quality of each "
            "router's probabilities, and accuracy by subject.",
        ),
    ] = False,
    against: Against = None,
    charge_router: Annotated[
        bool, typer.Option("--charge-router", help="Add routers' own time to the latency of their rows.")
    ] = False,
    unseen_subjects: Annotated[
        bool,
        typer.Option(
            "--unseen-subjects",
            help="What stays on subjects that routers have not learned from (see train --hold-out-subjects).",
        ),
    ] = False,
    fields: FieldNames = None,
    sort: SortField = None,
    form: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """Accuracy and latency of baselines, LLMs and routers on one pool.

    Without --router and --policy: baselines, LLMs, and every trained router with argmax.
    """
    if details and protocol == "paper":
        raise UsageError("the released code has no --details", "leave out --protocol paper")
    if details and form is Format.CSV:
        raise UsageError("--details are several tables, --format csv is one", "add --format json")
    check_fields(fields, form)
    with reading(benchmark, cache, setup=setup) as run:
        asked = (names(pool), *rows_asked(run, setup, several(router), several(policy)))
        how: dict[str, Any] = {"k": k, "split": split, "all_policies": every, "against": against}
        how["vote"] = voting(run, vote)
        how |= {"charge_router": charge_router, "unseen_subjects": unseen_subjects}
        more = run.details(*asked, **how) if details else None
        table = more.table if more else run.evaluate(*asked, protocol=protocol, **how)
        with_rows, stored = dict.fromkeys(row.router for row in table.rows), run.routers
        seconds = {name: run.router_seconds(name) for name in with_rows if name in stored}
        remarks = [UNSEEN] if unseen_subjects else []
        write(table, form, seconds=seconds, details=more, remarks=remarks, fields=fields, sort=sort)


def write(
    table: Table,
    form: Format,
    *,
    seconds: dict[str, float | None] | None = None,
    details: Details | None = None,
    remarks: Sequence[str] = (),
    fields: str | None = None,
    sort: str | None = None,
) -> None:
    """Write an evaluation on standard output, and what it leaves out on standard error.

    `seconds` are the routers' own, per question; `details` follow the table; `remarks` stand first below it; `fields`
    and `sort` are as for --columns and --sort.
    """
    table = replace(table, rows=tuple(sorted_by(table.rows, sort, lambda row: row.as_dict())))
    if (lacking := left_out(table)) is not None:
        note(f"note: {lacking}")
    if form is Format.JSON:
        return write_json(table.to_dict() | ({"details": details.to_dict()} if details else {}))
    if form is Format.CSV:
        return write_csv(chosen_fields([row.as_dict() for row in table.rows], fields))
    whole = sheet(table, seconds, remarks)
    shown = chosen_columns(whole.columns, whole.rows, fields, naming="name")
    write_sheet(replace(whole, columns=shown, section="kind" if sort is None else None), form, page=PAGE)
    if details:
        from selectllm_tui.cli.details import write_details

        write_details(details, form)
    return None


def left_out(table: Table) -> str | None:
    """Which questions no figure is over, and because of which LLMs; None where all are used."""
    if not table.left_out:
        return None
    lacking = ", ".join(f"{each.llm} ({each.questions})" for each in table.incomplete)
    few = f"fewer than {table.samples} samples, or no known verdict," if table.samples else "no known verdict"
    return (
        f"{table.left_out:,} of {table.left_out + table.questions:,} questions are left out: "
        f"some LLM has {few} of them: {lacking}"
    )


def sheet(table: Table, seconds: dict[str, float | None] | None = None, remarks: Sequence[str] = ()) -> Sheet:
    """The evaluation as a table for people, rows with their notes below; arguments as for `write`."""
    rows = [{**row.as_dict(), "name": name} for row, name in zip(table.rows, _names(table.rows), strict=True)]
    notes = [row["note"] for row in rows]
    marks = {reason: superscript(at) for at, reason in enumerate(dict.fromkeys(filter(None, notes)), start=1)}
    return Sheet(
        columns=columns(table),
        rows=[{**row, "name": f"{row['name']} {marks[row['note']]}" if row["note"] else row["name"]} for row in rows],
        title=table.title,
        footnotes=[*(f"{mark} {reason}" for reason, mark in marks.items()), *remarks, *footnotes(table, seconds or {})],
        section="kind",
        styles=_styles(table.rows),
    )


def _names(rows: Sequence[Row]) -> list[str]:
    """The rows' names, with the policy's value where several would be called alike: each is what `--against` takes."""
    called, names = Counter(row.name for row in rows), []
    for row in rows:
        parts = [f"{row.router} {row.policy}", None if row.parameter is None else f"{row.parameter:g}"]
        parts += [by for by in ("latency", "cost") if f"by {by}" in row.notes]
        names.append(row.name if called[row.name] == 1 else ":".join(filter(None, parts)))
    return names


def columns(table: Table) -> list[SheetColumn]:
    """The columns, with the p that counts: Holm's where rows are compared, else the raw one."""
    adjusted = SheetColumn("p_adjusted", "Holm p", p_value, drop=2)
    return [adjusted if table.compared and each.field == "p" else each for each in COLUMNS]


def footnotes(table: Table, seconds: dict[str, float | None]) -> list[str]:
    """How to read the columns."""
    if table.protocol == "paper":
        lines = ["latency: as the study's released code prints it, over correctly answered questions"]
    else:
        votes = f"; accuracy is of the vote over {table.k} samples" if table.k > 1 else ""
        lines = [f"latency: seconds to answer a prompt alone once, added up over the LLMs asked{votes}"]
    if table.badge is not None:
        lines.append(f"{FLATTERS[table.split]}: p and gap closed would mean nothing here")
    if any(row.p is not None for row in table.rows):
        single = f", {table.best_single}" if table.reference == "best-single" else ""
        lines.append(f"Δ: points of accuracy more than {table.reference}{single}, on the same questions")
        kinds = ""
        if any(row.p_clustered is not None for row in table.rows):
            few = ", which are few: take it as a rough guide" if (table.subjects or 0) < ENOUGH_SUBJECTS else ""
            kinds = f"; by subject, for questions of other kinds (here {table.subjects}{few})"
        lines.append(f"its 95 % interval: by question, for more questions of these kinds{kinds}")
        adjusted = f"adjusted by Holm over {table.compared} rows" if table.compared else "not adjusted"
        lines.append(f"p: exact McNemar test of Δ, by question, {adjusted}")
    if table.detectable_difference is not None:
        lines.append(
            f"a true difference of {100 * table.detectable_difference:.1f} points would be found significant four "
            "times in five; smaller ones are likely to be missed"
        )
    if table.saving is not None:
        lines.append(_saved(table.saving))
    timed = [f"{name} {1000 * each:.1f} ms" for name, each in seconds.items() if each is not None]
    if timed:
        charged = ", added to the latency of their rows" if table.router_charged else ""
        lines.append(f"routers' own time per question{charged}: {', '.join(timed)}")
    return lines


def _saved(saving: Saving) -> str:
    """What the same accuracy costs less, in a sentence."""
    parts = [
        f"{100 * abs(share):.0f} % {'less' if share >= 0 else 'more'} {what}"
        for share, what in ((saving.latency, "time"), (saving.cost, "money"))
        if share is not None
    ]
    here = "and so it is here" if saving.as_accurate else "which can't be said here"
    return (
        f"saving: {saving.row} takes {' and '.join(parts)} than best-single; chosen on validation, where it is as "
        f"accurate (worse by less than a point, 95 % one-sided), {here}"
    )


def superscript(value: int) -> str:
    """A footnote mark."""
    return str(value).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _styles(rows: Sequence[Row]) -> list[str]:
    """What is only there to compare with is dim; the most accurate of what can be had is bold."""
    best = max((row.accuracy for row in rows if row.reachable and row.accuracy is not None), default=None)
    return ["dim" if not row.reachable else "bold" if row.accuracy == best else "" for row in rows]
