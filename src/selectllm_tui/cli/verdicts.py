"""Whose verdict counts, as a table: what `import` says at its end, and `show --verdicts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectllm_tui.cli.console import Sheet, SheetColumn, aligned, note, text
from selectllm_tui.notation import percent
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COLUMNS", "FOOTNOTES", "note_verdicts", "rows_of_scores"]

USED = {"own": "ours", "recorded": "recorded"}
COLUMNS = [
    SheetColumn("subject", "subject", align="left", drop=1),
    SheetColumn("llm", "LLM", align="left"),
    SheetColumn("questions", "questions"),
    SheetColumn("recorded_accuracy", "recorded %", percent, drop=1),
    SheetColumn("own_accuracy", "ours %", percent, drop=1),
    SheetColumn("agreement", "agree %", percent, drop=2),
    SheetColumn("missing", "no answer %", percent, drop=2),
    SheetColumn("empty", "empty %", percent, drop=4),
    SheetColumn("cut", "cut off %", percent, drop=3),
    SheetColumn("used", "verdict", lambda used: USED.get(used, text(used)), align="left"),
]
FOOTNOTES = [
    "recorded, ours: accuracy by the log's verdicts and by our own reading of the texts",
    "no answer, empty, cut off: shares of the samples",
]
MOST = 60  # rows of a table on standard error


def note_verdicts(rows: Sequence[dict[str, Any]], benchmark: str) -> None:
    """Write the table on standard error, and a line for every subject whose recorded verdicts overrule ours."""
    shown = rows if len(rows) <= MOST else _by_llm(rows)
    for line in aligned(Sheet(COLUMNS, shown)):
        note(line)
    if len(shown) < len(rows):
        note(f"of all subjects together; selectllm show --verdicts --benchmark {visible(benchmark)} lists each")
    overruled = [row for row in rows if row["used"] == "recorded" and row["agreement"] is not None]
    subjects = list(dict.fromkeys(row["subject"] for row in overruled))
    for subject in subjects[:MOST]:
        alike = [row for row in overruled if row["subject"] == subject]
        worst = min(alike, key=lambda row: row["agreement"])
        name = f"{subject}: " if subject else ""
        choose = f"--verdicts {subject}=own" if subject else "--verdicts own"
        recorded, own = percent(worst["recorded_accuracy"]), percent(worst["own_accuracy"])
        note(
            f"{name}recorded verdicts are the labels, ours agree on {percent(worst['agreement'])} % only: "
            f"{worst['llm']} {recorded} % recorded, {own} % ours; the same import with {choose} takes ours"
        )


def rows_of_scores(scores: Mapping[str, Sequence[tuple[str | None, int, int]]]) -> list[dict[str, Any]]:
    """The rows of LLMs that have nothing but scores, from how many questions and right ones each subject has."""
    subjects = dict.fromkeys(subject for counts in scores.values() for subject, _, _ in counts)
    unknown = dict.fromkeys(("own_accuracy", "agreement", "missing", "empty", "cut"))
    return [
        {"subject": subject, "llm": llm, "questions": count, "recorded_accuracy": right / count, "used": "recorded"}
        | unknown
        for subject in subjects
        for llm, counts in scores.items()
        for name, count, right in counts
        if name == subject
    ]


def _by_llm(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of each LLM as one, weighted by questions."""
    found = []
    for llm in dict.fromkeys(row["llm"] for row in rows):
        own = [row for row in rows if row["llm"] == llm]
        used = {row["used"] for row in own}
        whole: dict[str, Any] = {"subject": None, "llm": llm, "questions": sum(row["questions"] for row in own)}
        for name in ("recorded_accuracy", "own_accuracy", "agreement", "missing", "empty", "cut"):
            known = [(row[name], row["questions"]) for row in own if row[name] is not None]
            total = sum(weight for _, weight in known)
            whole[name] = sum(value * weight for value, weight in known) / total if total else None
        found.append({**whole, "used": used.pop() if len(used) == 1 else "both, by subject"})
    return found
