"""`selectllm show`: one question, what every LLM answered, and what that came to."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn, note, text, write_csv, write_json, write_sheet
from selectllm_tui.cli.loaded_run import reading, voting
from selectllm_tui.cli.marks import mark
from selectllm_tui.cli.options import (
    Benchmark,
    CacheDir,
    Format,
    K,
    Output,
    Policy,
    PoolNames,
    SetupFile,
    Vote,
    complete,
    complete_router,
    names,
)
from selectllm_tui.notation import MISSING, number, percent
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectllm_engine.api import LLMVotes, QuestionView, Run
    from selectllm_engine.evaluation import Router
    from selectllm_engine.setups import Setup
    from selectllm_engine.store import Mark

__all__ = ["show", "verdict_lines", "votes_sheet"]

_TOLD = {  # of a generation, where its engine told
    "reasoning_tokens": "{:,} of them thoughts",
    "logprob": "mean log p {:.2f}",
    "answer_logprob": "of the answer {:.2f}",
}
WIDTH = 12  # cells of a bar that stands for all samples


def complete_question(ctx: typer.Context, incomplete: str) -> list[str]:
    from selectllm_engine.api import load

    try:
        ids = load(ctx.params.get("benchmark"), ctx.params.get("cache")).questions["question_id"]
        return complete(ids.to_list(), incomplete)[:100]
    except Exception:  # completion never disturbs the prompt
        return []


def show(
    question_id: Annotated[
        str | None, typer.Argument(metavar="QUESTION_ID", help="The question's id.", autocompletion=complete_question)
    ] = None,
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    router: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Show what this router would do.", autocompletion=complete_router),
    ] = None,
    policy: Policy = None,
    k: K = None,
    vote: Vote = "equal",
    generations: Annotated[bool, typer.Option("--generations", help="Also print all that the LLMs wrote.")] = False,
    disagreements: Annotated[
        bool,
        typer.Option(
            "--disagreements", help="List questions on which our verdict and the one that was imported differ."
        ),
    ] = False,
    verdicts: Annotated[
        bool,
        typer.Option("--verdicts", help="Per subject and LLM: accuracy by recorded and own verdicts, and which count."),
    ] = False,
    marks: Annotated[bool, typer.Option("--marks", help="List the questions with marks and notes.")] = False,
    form: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """One question: its text, marks and notes, every LLM's votes, the pooled vote and the verdict.

    With --disagreements instead: where an LLM's vote is right and the verdict that another tool recorded says wrong, or
    the other way round. With --verdicts: whose verdict counts. With --marks: what was marked and noted in the explorer.
    """
    about_all = {"--disagreements": disagreements, "--verdicts": verdicts, "--marks": marks}
    option = next((name for name, given in about_all.items() if given), None)
    if question_id is None and option is None:
        raise UsageError("missing argument 'QUESTION_ID'", "give one, or --disagreements, --verdicts or --marks")
    if question_id is not None and option is not None:
        raise UsageError(f"{option} is about all questions", "leave the question's id out")
    with reading(benchmark, cache, setup=setup) as run:
        if marks:
            _marks(run, form)
        elif verdicts:
            _verdicts(run, names(pool), form)
        elif question_id is None:
            _disagreements(run, names(pool), form)
        else:
            rule = voting(run, vote)
            asked = router if setup is None else _router_of(run, setup, question_id)
            view = run.question(question_id, pool=names(pool), router=asked, policy=policy, k=k, vote=rule)
            _write(view, run.cache.marks(run.benchmark).get(question_id), form, generations=generations)


def _router_of(run: Run, setup: Setup, question_id: str) -> Router | None:
    """What a setup's policy reads, over the split that the question is of."""
    from selectllm_engine.setups import setup_routers

    return next(iter(setup_routers(run, setup, run.question_row(question_id)["split"])), None)


def _write(view: QuestionView, left: Mark | None, form: Format, *, generations: bool) -> None:
    if form is Format.JSON:
        return write_json({**as_json(view, generations=generations), "mark": None if left is None else asdict(left)})
    if form is Format.CSV:
        return write_csv([_flat(each) for each in as_json(view)["llms"]])
    if form in {Format.TABLE, Format.MARKDOWN}:
        _question(view, left)
    write_sheet(votes_sheet(view, form), form)
    if form is Format.TABLE:
        sys.stdout.write("\n".join(["", *verdict_lines(view)]) + "\n")
        if generations:
            _generations(view)
    return None


def _disagreements(run: Run, llms: list[str] | None, form: Format) -> None:
    from selectllm_engine.insights import find_disagreements

    found = find_disagreements(run, llms)
    rows = found.rows.to_dicts()
    if rows:
        columns = [
            SheetColumn("question_id", "question", align="left"),
            SheetColumn("llm", "LLM", align="left"),
            SheetColumn("gold", "gold answer", _short, align="left"),
            SheetColumn("vote", "our vote", _short, align="left"),
            SheetColumn("right", "", _tick),
            SheetColumn("recorded_answer", "recorded", _short, align="left", drop=1),
            SheetColumn("recorded_score", "score", number(2)),
            SheetColumn("recorded_right", "", _tick),
        ]
        write_sheet(Sheet(columns, rows), form)
    elif form is Format.JSON:
        write_json([])
    note(f"{len(rows):,} of {found.judged:,} verdicts differ" if found.judged else "nothing has both verdicts")


def _marks(run: Run, form: Format) -> None:
    left = run.cache.marks(run.benchmark)
    asked = run.questions.filter(run.questions["question_id"].is_in(list(left)))
    fields = ("question_id", "split", "subject", "text", "gold")
    rows = [{**{each: row[each] for each in fields}, **asdict(left[row["question_id"]])} for row in asked.to_dicts()]
    columns = [
        SheetColumn("question_id", "question", align="left"),
        SheetColumn("split", "split", align="left", drop=1),
        SheetColumn("marked", "", lambda marked: "⚑" if marked else ""),
        SheetColumn("note", "note", align="left"),
        SheetColumn("text", "text", _short, align="left", drop=2),
    ]
    if rows or form is Format.JSON:
        write_sheet(Sheet(columns, rows), form)
    if not rows:
        note("nothing is marked: M and # in selectllm tui mark questions and note something on them")


def _verdicts(run: Run, llms: list[str] | None, form: Format) -> None:
    from selectllm_engine.insights import judgements
    from selectllm_tui.cli.verdicts import COLUMNS, FOOTNOTES

    rows = judgements(run.cache, run.benchmark, run.pool(llms).names).to_dicts()
    write_sheet(Sheet(COLUMNS, rows, footnotes=FOOTNOTES, section="subject"), form)


def _short(value: str | None) -> str:
    return MISSING if value is None else visible(value, limit=24)


def _tick(right: bool | None) -> str:
    return MISSING if right is None else mark("✓", "right") if right else mark("✗", "wrong")


def as_json(view: QuestionView, *, generations: bool = False) -> dict[str, Any]:
    """The view as JSON; what can't be known is null."""
    f1 = _likeness(view)
    return {
        **{
            field: view.question[field]
            for field in ("question_id", "split", "subject", "kind", "text", "choices", "gold")
        },
        "complete": view.complete,
        "pooled": None if view.pooled is None else asdict(view.pooled),
        "vote": view.vote,
        "answers": [{"answer": answer, "probability": p} for answer, p in view.answers],
        "none_right": view.none,
        "right": view.right,
        "verdict": view.verdict,
        "oracle": view.oracle,
        "note": view.note,
        "llms": [
            {
                **asdict(each),
                "votes": [
                    {"answer": answer, "count": count, **({"f1": f1(answer)} if f1 else {})}
                    for answer, count in each.votes
                ],
                "selected": _selected(view, each),
                **({"generations": view.generations(each.llm).to_dicts()} if generations else {}),
            }
            for each in view.llms
        ],
    }


def _likeness(view: QuestionView) -> Callable[[str | None], float] | None:
    """The F1 of an answer and the gold one, of kinds of which an answer can be right in part."""
    from selectllm_engine.answers import KINDS

    kind, gold = KINDS.get(view.question["kind"]), view.question["gold"]
    likeness = None if kind is None or gold is None else kind.likeness
    return None if likeness is None else lambda answer: likeness(answer, gold)


def _flat(llm: dict[str, Any]) -> dict[str, Any]:
    """An LLM's part of the JSON as cells: the vote beside its figures, all votes as JSON."""
    vote = llm["vote"] or dict.fromkeys(("answer", "count", "valid", "tied"))
    return {**llm, "vote": vote["answer"], **{f"vote_{name}": vote[name] for name in ("count", "valid", "tied")}} | {
        "votes": json.dumps(llm["votes"], ensure_ascii=False)
    }


def _selected(view: QuestionView, each: LLMVotes) -> bool | None:
    """Whether the router's policy asks it; None where there is no such choice, of which the note says why."""
    return None if view.note else each.selected


def _question(view: QuestionView, left: Mark | None) -> None:
    row = view.question
    facts = [row["question_id"], row["split"], *([row["subject"]] if row["subject"] else [])]
    lines = [" · ".join(visible(str(each)) for each in facts), "", visible(row["text"] or "", newlines=True), ""]
    for letter, choice in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", row["choices"] or [], strict=False):
        lines.append(f"({letter}) {visible(choice)}")
    lines += [f"gold answer: {text(row['gold'])}", ""]
    if left is not None:
        said = [*(["marked"] if left.marked else []), *([f"note: {visible(left.note)}"] if left.note else [])]
        lines += [", ".join(said), ""]
    sys.stdout.write("\n".join(lines) + "\n")


def votes_sheet(view: QuestionView, form: Format) -> Sheet:
    """Every LLM's votes, and what the router thinks of it."""
    return Sheet(_columns(view, form), [_row(view, each) for each in view.llms])


def _columns(view: QuestionView, form: Format) -> list[SheetColumn]:
    samples = max((each.silent + sum(count for _, count in each.votes) for each in view.llms), default=0)

    def counts(votes: list[tuple[str, int]], silent: int) -> str:
        listed = [(visible(answer, limit=24), count) for answer, count in votes] + (
            [("none", silent)] if silent else []
        )
        if form is not Format.TABLE:
            return ", ".join(f"{answer} {count}×" for answer, count in listed)
        bars = ((answer, "█" * max(1, round(count / samples * WIDTH)), count) for answer, count in listed)
        return "  ".join(f"{answer} {bar} {count}" for answer, bar, count in bars)

    return [
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("right", "", _tick),
        SheetColumn("answer", "vote", align="left"),
        *([SheetColumn("f1", "F1", number(2))] if _likeness(view) else []),
        SheetColumn(("votes", "silent"), "samples", counts, align="left", drop=1),
        SheetColumn("latency", "seconds", number(2)),
        SheetColumn("cost", "cost $", number(5), drop=3),
        SheetColumn("probability", "p(right)", number(2), drop=2),
        *([SheetColumn("weight", "weight", number(2), drop=2)] if view.answers else []),
        SheetColumn("selected", "asked", lambda asked: "" if not asked else "yes", drop=2),
    ]


def _row(view: QuestionView, each: LLMVotes) -> dict[str, object]:
    answer, sampled, f1 = None, bool(each.votes or each.silent), _likeness(view)
    if each.vote is not None and each.vote.answer is not None:
        answer = visible(each.vote.answer, limit=24) + (" (tied)" if each.vote.tied else "")
    return {
        **asdict(each),
        "answer": answer,
        "f1": f1(each.vote.answer) if f1 and each.vote is not None else None,
        "votes": list(each.votes) if sampled else None,
        "silent": each.silent if sampled else None,
        "selected": _selected(view, each),
    }


def verdict_lines(view: QuestionView) -> list[str]:
    """What was answered, and what became of it, a sentence each."""
    lines = []
    if view.pooled is not None:
        who = "pooled vote of the LLMs asked" if any(_selected(view, each) for each in view.llms) else "pooled vote"
        tied = ", tied" if view.pooled.tied else ""
        lines.append(f"{who}: {text(view.pooled.answer)} ({view.pooled.count} of {view.pooled.valid} answers{tied})")
    if view.answers:
        shown = ", ".join(f"{visible(answer, limit=24)} {percent(p)} %" for answer, p in view.answers)
        lines.append(f"{visible(view.vote or '')} vote: {shown}; none of them {percent(view.none)} %")
    if view.verdict is not None:
        lines.append(f"{view.verdict}: {view.verdict.sentence}")
    if view.oracle is not None:
        lines.append(f"the oracle asks {visible(view.oracle)}")
    if not view.complete:
        lines.append("left out of all figures: some LLM has too few samples of it")
    if view.note:
        lines.append(visible(view.note))
    return lines


def _generations(view: QuestionView) -> None:
    for each in view.llms:
        for row in view.generations(each.llm).iter_rows(named=True):
            facts = [visible(each.llm), f"sample {row['sample']}"]
            facts += [f"{row['output_tokens']} tokens"] if row["output_tokens"] is not None else []
            facts += [visible(row["finish_reason"])] if row["finish_reason"] else []
            facts += [form.format(row[name]) for name, form in _TOLD.items() if row.get(name) is not None]
            sys.stdout.write(f"\n── {' · '.join(facts)}\n{visible(row['text'], newlines=True)}\n")
