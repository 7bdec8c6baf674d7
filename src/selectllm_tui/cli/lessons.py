"""`selectllm lessons`: the study's five questions, answered for this run."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_tui.cli.console import Sheet, SheetColumn, output_console, write_csv, write_json, write_next, write_sheet
from selectllm_tui.cli.loaded_run import reading, voting
from selectllm_tui.cli.marks import mark
from selectllm_tui.cli.options import Benchmark, CacheDir, Format, K, Output, PoolNames, SetupFile, Split, Vote, names
from selectllm_tui.notation import number, p_value, percent, points, points_span
from selectllm_tui.sentences import limits, sentence, stays
from selectllm_tui.untrusted import safe, visible

if TYPE_CHECKING:
    from selectllm_engine import Run
    from selectllm_engine.insights import Lessons

__all__ = ["lessons", "lost", "train_test_gap_sheet", "unanswered_sheet", "unseen_sheet"]

CHEAP = ("logistic:tfidf", "knn:tfidf", "clustering:tfidf", "forest:tfidf", "mf:tfidf")  # routers a curve can retrain
LIMITS = ("detectable_difference", "repeatable_share")
ANSWERS = {"yes": ("✓", "green"), "no": ("✗", "red"), "partly": ("◐", "yellow")}


def lessons(
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    split: Split = "test",
    k: K = None,
    vote: Vote = "equal",
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Also train the TF-IDF routers on 10, 25, 50 and 100 %. Slower.")
    ] = False,
    form: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """What this run teaches: the study's five questions, where accuracy is lost, who has seen the train split.

    JSON and CSV hold all figures behind the answers.
    """
    with reading(benchmark, cache, setup=setup) as run:
        drawn = run.lessons(names(pool), k=k, split=split, vote=voting(run, vote))
        curve = _curve(run, names(pool), split) if learning_curve else []
    match form:
        case Format.JSON:
            write_json(as_json(drawn) | ({"learning_curve": curve} if learning_curve else {}))
        case Format.CSV if learning_curve:
            write_csv(curve)
        case Format.CSV:
            write_csv(_figures(drawn))
        case Format.TABLE:
            _read(drawn)
            _learned(curve, form)
        case _:
            columns = [SheetColumn(field, field, align="left") for field in ("question", "answer", "sentence")]
            write_sheet(Sheet(columns, _answers(drawn), _title(drawn), limits(drawn)), form)
            for each in (unseen_sheet(drawn), train_test_gap_sheet(drawn), unanswered_sheet(drawn)):
                write_next(each, form)
            _learned(curve, form)


def as_json(drawn: Lessons) -> dict[str, object]:
    """All lessons with their sentences and figures."""
    return {
        **{field: getattr(drawn, field) for field in ("benchmark", "split", "badge", "pool")},
        "lessons": _answers(drawn),
        "gaps": [asdict(each) for each in drawn.gaps],
        **{field: getattr(drawn, field) for field in ("losses", "router", *LIMITS)},
        "unseen": {each.router: {"seen": each.seen.accuracy, "unseen": each.unseen.accuracy} for each in drawn.unseen},
        "unanswered": {name: asdict(each) for name, each in drawn.unanswered.items()},
        "warnings": drawn.warnings,
    }


def _answers(drawn: Lessons) -> list[dict[str, object]]:
    return [
        {
            **{field: getattr(each, field) for field in ("key", "question", "answer")},
            "sentence": sentence(each),
            "figures": each.figures,
        }
        for each in drawn.lessons
    ]


def _curve(run: Run, pool: list[str] | None, split: str) -> list[dict[str, object]]:
    return [
        {"router": router, **asdict(point)}
        for router in CHEAP
        for point in run.learning_curve(router, pool, split=split)
    ]


def _learned(curve: list[dict[str, object]], form: Format) -> None:
    columns = [
        SheetColumn("router", "router", align="left"),
        SheetColumn("fraction", "of train %", lambda share: f"{100 * share:.0f}"),
        SheetColumn("questions", "questions", number(0)),
        SheetColumn("accuracy", "argmax %", percent),
        SheetColumn("upper_bound", "upper bound %", percent),
    ]
    write_next(Sheet(columns, curve, "Would more training data help?") if curve else None, form)


def _title(drawn: Lessons) -> str:
    from selectllm_engine.evaluation import badged

    return f"{drawn.benchmark} · {badged(drawn.split)} · pool of {len(drawn.pool)}: {', '.join(drawn.pool)}"


def _figures(drawn: Lessons) -> list[dict[str, object]]:
    return [
        {"key": each.key, "question": each.question, "answer": each.answer, "figure": name, "value": value}
        for each in drawn.lessons
        for name, value in (each.figures or {"": None}).items()
    ]


def _read(drawn: Lessons) -> None:
    console = output_console()
    console.print(safe(_title(drawn), "bold"), soft_wrap=True)
    width = min(console.width, 100) if console.is_terminal else 100
    for at, each in enumerate(drawn.lessons, start=1):
        symbol, style = ANSWERS.get(each.answer, ("–", "dim"))
        answer = each.answer if each.answer in ANSWERS else "unknown"
        shown = f"{mark(symbol, '')} {answer}".strip()
        console.print(safe(f"\n{at}  {each.question}  ", newlines=True) + safe(shown, style), soft_wrap=True)
        for line in _wrapped(sentence(each), width - 3):
            console.print(safe(f"   {line}", "dim"), soft_wrap=True)
    for said in limits(drawn):
        console.print()
        for line in _wrapped(said, width):
            console.print(safe(line), soft_wrap=True)
    if (stay := stays(drawn)) is not None:
        write_next(unseen_sheet(drawn), Format.TABLE)
        for line in _wrapped(stay, width):
            console.print(safe(line), soft_wrap=True)
    if (where := lost(drawn)) is not None:
        console.print(safe(f"\n{where}", newlines=True), soft_wrap=True)
    write_next(train_test_gap_sheet(drawn), Format.TABLE)
    write_next(unanswered_sheet(drawn), Format.TABLE)


def _wrapped(said: str, width: int) -> list[str]:
    """A sentence in lines, no number apart from its %."""
    return textwrap.wrap(visible(said).replace(" %", "\u00a0%"), width)


def lost(drawn: Lessons) -> str | None:
    """Where accuracy is lost, in a sentence; None where nobody knows."""
    losses = [f"{percent(share)} % {name}" for name, share in drawn.losses.items() if share is not None]
    who = f"{drawn.router} argmax" if drawn.router else "the best single LLM"
    return f"Where accuracy is lost with {who}: {', '.join(losses)}" if losses else None


def unseen_sheet(drawn: Lessons) -> Sheet | None:
    """Routers where they have learned from a question's subject, and where they have not; None without any."""
    if not drawn.unseen:
        return None
    columns = [
        SheetColumn("router", "router", align="left"),
        SheetColumn("seen", "argmax %", percent),
        SheetColumn("unseen", "unseen subjects %", percent),
        SheetColumn("delta", "Δ", points),
        SheetColumn(("low", "high"), "Δ by subject", points_span, drop=1),
    ]
    rows = [
        {
            "router": each.router,
            "seen": each.seen.accuracy,
            "unseen": each.unseen.accuracy,
            "delta": each.unseen.delta,
            "low": each.unseen.delta_low_clustered,
            "high": each.unseen.delta_high_clustered,
        }
        for each in drawn.unseen
    ]
    notes = ["Δ: of unseen subjects against best-single"]
    title = "What stays on subjects that routers have not learned from?"
    return Sheet(columns, rows, title=title, footnotes=notes)


def unanswered_sheet(drawn: Lessons) -> Sheet | None:
    """What of the samples is no answer; None where all are."""
    rows = [
        {
            "llm": name,
            **{part: None if count is None else count / max(each.samples, 1) for part, count in counts.items()},
        }
        for name, each in drawn.unanswered.items()
        for counts in [{"missing": each.missing, "empty": each.empty, "cut": each.cut}]
    ]
    if not any(row[part] for row in rows for part in ("missing", "empty", "cut")):
        return None
    columns = [
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("missing", "no answer %", percent),
        SheetColumn("empty", "empty %", percent),
        SheetColumn("cut", "cut off %", percent, drop=1),
    ]
    warnings = [f"⚠ {name}: {said}" for name, said in drawn.warnings.items()]
    styles = ["yellow" if row["llm"] in drawn.warnings else "" for row in rows]
    return Sheet(columns, rows, title="Samples without an answer", footnotes=warnings, styles=styles)


def train_test_gap_sheet(drawn: Lessons) -> Sheet | None:
    """How much better LLMs are on the train split; None without one."""
    if not drawn.gaps:
        return None
    columns = [
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("train", "train %", percent),
        SheetColumn("test", f"{drawn.split} %", percent),
        SheetColumn("gap", "train − test", lambda gap: number(1)(100 * gap)),
        SheetColumn("p", "p", p_value),
        SheetColumn("alarm", "", lambda alarm: mark("⚠", "warning") if alarm else "", align="left"),
    ]
    warned = [each for each in drawn.gaps if each.alarm]
    footnotes = [
        "train − test: points more accurate on the train split; p: two-proportion z test, Holm-adjusted",
        *(["⚠ has probably seen the train split; routers trained on it trust this LLM too much"] if warned else []),
    ]
    return Sheet(
        columns=columns,
        rows=[asdict(each) for each in drawn.gaps],
        title="Has an LLM seen the train split?",
        footnotes=footnotes,
        styles=["yellow" if each.alarm else "" for each in drawn.gaps],
    )
