"""What tables hold, as values for programs: one mapping per row, all with the same fields."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from selectllm_tui.notation import csv_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from selectllm_engine.insights import Subset
    from selectllm_engine.setups import Proposed
    from selectllm_tui.snapshots.question import Detail, ShownVotes
    from selectllm_tui.snapshots.questions import Questions

__all__ = ["ballot_records", "proposed_record", "question_records", "subset_record", "to_csv"]


def to_csv(records: Iterable[Mapping[str, Any]]) -> str:
    """Records as CSV; nothing where there are none."""
    rows = iter(records)
    first = next(rows, None)
    if first is None:
        return ""
    fields = list(first)
    return csv_table(fields, ([row[each] for each in fields] for row in (first, *rows)))


def subset_record(subset: Subset) -> dict[str, Any]:
    """A subset of the LLMs, as `pools --format csv` writes it."""
    held_out = {} if subset.validation is None else asdict(subset.validation)
    return {
        "rank": subset.rank,
        "front": subset.front,
        "size": len(subset.llms),
        "llms": list(subset.llms),
        **{f"validation_{name}": held_out.get(name) for name in ("pooled", "oracle")},
        **asdict(subset.figures),
    }


def proposed_record(each: Proposed) -> dict[str, Any]:
    """A setup with what is expected of it, as `recommend --format csv` writes it."""
    setup, estimate, test = each.setup, each.estimate, each.test
    return {
        "name": setup.name,
        "pool": ", ".join(setup.pool),
        "vote": setup.vote,
        "k": setup.k,
        "accuracy": estimate.accuracy,
        "delta": estimate.delta,
        "latency": estimate.latency,
        "cost": estimate.cost,
        "test_accuracy": None if test is None else test.accuracy,
        "test_delta": None if test is None else test.delta,
    }


def question_records(shown: Questions) -> Iterator[dict[str, Any]]:
    """The questions within the filter, in their order, with who is right: true, false, nothing without an answer."""
    for q in map(int, shown.order):
        row = shown.frame.row(q, named=True)
        marks = [None if mark < 0 else bool(mark) for mark in shown.judged.marks[q]]
        left = shown.state.marks.get(row["question_id"])
        yield {
            **{name: row[name] for name in ("question_id", "subject", "text", "gold")},
            "verdict": str(shown.verdict_of(q)),
            "vote_share": shown.share_of(q),
            "marked": left is not None and left.marked,
            "note": "" if left is None else left.note,
            "answered_by": [name for n, name in enumerate(shown.llms) if shown.judged.selected[q, n]],
            **dict(zip(shown.llms, marks, strict=True)),
        }


def ballot_records(detail: Detail) -> Iterator[dict[str, Any]]:
    """Every LLM's votes on a question, then the pooled ones."""
    for each in (*detail.ballots, *([detail.pooled] if detail.pooled is not None else [])):
        yield {"question_id": detail.question_id, "gold": detail.gold, **_ballot(each)}


def _ballot(each: ShownVotes) -> dict[str, Any]:
    return {
        "llm": each.llm or "pooled",
        "in_pool": each.on,
        "selected": each.selected,
        "probability": each.probability,
        "votes": each.votes,
        "answer": each.winner,
        "right": each.right,
        "tied": each.tied,
        "latency": each.latency,
        "weight": each.weight,
    }
