"""One question: its text, and per LLM the votes as bars, the router's probability and what became of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from selectllm_tui import row_keys
from selectllm_tui.records import ballot_records
from selectllm_tui.row_keys import RowKey
from selectllm_tui.view import WHO_IS_RIGHT
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows, in_order, rule
from selectllm_tui.widgets.paint import Line, Span, line, named, shorten
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.tabs.base import Tab
from selectllm_tui.widgets.tabs.questions import VERDICT_STYLES, mark_parts, question_spans
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.app import ComposeResult

    from selectllm_tui.snapshots.question import Detail, ShownVotes
    from selectllm_tui.state import State

__all__ = ["QuestionTab", "ballot_rows", "question_title", "votes_line"]

# What columns sort by; votes by how many the most frequent answer has.
SORTS: dict[str, Callable[[ShownVotes], float | str | None]] = {
    "llm": lambda each: each.llm,
    "probability": lambda each: each.probability,
    "bar": lambda each: each.probability,
    "weight": lambda each: each.weight,
    "votes": lambda each: each.votes[0][1] if each.votes else None,
    "answer": lambda each: each.winner,
    "right": lambda each: each.right,
}
POOLED = "pooled"
UNLIKELY, SHOWN = 0.01, 4  # chances of an answer that are not said, and most answers of which they are
SHAPES = {"right": "▇", "wrong": "▒", "muted": "░"}  # of votes, so that colour is not needed


class QuestionTab(Tab["Detail | None"]):
    """Title, text, ballots."""

    DEFAULT_CSS = """
    QuestionTab #question-text { height: auto; max-height: 40%; margin: 1 0; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.detail: Detail | None = None

    def compose(self) -> ComposeResult:
        """Title, text, ballots."""
        yield Bar(id="question-title")
        yield TextView(id="question-text")
        yield RowTable(id="ballots")

    def show(self, snapshot: Detail | None, state: State) -> None:
        """Renders a question."""
        same = self.detail is not None and snapshot is not None and self.detail.question_id == snapshot.question_id
        self.detail = snapshot
        title, text = self.query_one("#question-title", Bar), self.query_one("#question-text", TextView)
        if snapshot is None:
            title.show(line(("no question within the filter", "muted")))
            text.show(())
            self.query_one(RowTable).show(ListRows(()))
            return
        title.flow(*question_title(snapshot, state))
        if not same:
            text.show(text_spans(snapshot))
        sort = state.view.sort_of("question")
        self.query_one(RowTable).sorted_by = sort
        self.query_one(RowTable).show(ballot_rows(snapshot, sort))

    @property
    def records(self) -> Iterator[dict[str, Any]] | None:
        """Every LLM's votes on the question."""
        return None if self.detail is None else ballot_records(self.detail)

    @property
    def llm(self) -> str | None:
        """The LLM of the ballot under the cursor."""
        kind, name = RowKey.parse(self.table.key if self.table is not None else "")
        return name if kind == "llm" else None

    @property
    def subject(self) -> str | None:
        """That of the question."""
        return None if self.detail is None else self.detail.subject

    @property
    def row(self) -> str | None:
        """Ballots of LLMs open their generations."""
        return self.llm


def question_title(detail: Detail, state: State) -> list[Line]:
    """Id, verdict, who answered, who should have, and the place within the filter."""
    selected = [each for each in detail.ballots if each.selected]
    routed = selected[0].llm if len(selected) == 1 else f"{len(selected)} LLMs"
    view = state.view
    within = (
        view.filter
        or (view.group[1] if view.group else "")
        or (WHO_IS_RIGHT[view.cell] if view.cell else "search" if view.search else "all")
    )
    return [
        line((detail.question_id, "strong")),
        line((detail.subject or "", "muted")) if detail.subject else (),
        line(VERDICT_STYLES[detail.verdict]),
        line(("answered by ", "muted"), (routed, "plain")) if selected else (),
        line(("oracle ", "muted"), (detail.oracle or "none is right", "plain")),
        line((f"{within} {detail.place or '–'}/{formats.count(detail.of)}", "accent")),
        *mark_parts(state.marks.get(detail.question_id)),
        *_chances(detail),
    ]


def _chances(detail: Detail) -> list[Line]:
    """What a learned vote believes: the answers that have a chance, and that none is right."""
    if detail.none is None:
        return []
    likely = [*detail.chances[:1], *(each for each in detail.chances[1:] if each[1] >= UNLIKELY)][:SHOWN]
    said = [(shorten(answer, 12), chance) for answer, chance in likely] + [("none is right", detail.none)]
    return [line((f"P {answer} ", "muted"), (f"{chance:.2f}".removeprefix("0"), "plain")) for answer, chance in said]


def text_spans(detail: Detail) -> list[Span]:
    """Question, choices, gold answer."""
    return question_spans(detail.text, detail.choices, detail.gold)


def columns_of(detail: Detail) -> tuple[Column, ...]:
    """The columns; maj is headed by K."""
    return (
        Column("llm", "  LLM", 20, flex=1, sortable=True),
        Column("probability", "p", 4, align="right", sortable=True),
        Column("bar", "(right)", 7, drop=2, export=False, sortable=True),
        *([Column("weight", "weight", 6, align="right", sortable=True)] if detail.chances else []),
        Column("votes", "votes", 18, flex=6, export=False, sortable=True),
        Column("counts", "votes", 24, flex=2, screen=False),
        Column("answer", f"maj@{detail.k}" if detail.k else "answer", 6, flex=1, align="right", sortable=True),
        Column("right", "", 1, sortable=True),
        Column("note", "", 11, drop=1),
    )


def ballot_rows(detail: Detail, sort: tuple[str, bool] | None = None) -> ListRows:
    """One row per LLM, and the pooled vote below."""
    keys, lines = [], []
    ballots = list(detail.ballots)
    if sort is not None:
        value = SORTS[sort[0]]
        ballots = in_order(ballots, value, descending=sort[1])
    for each in ballots:
        keys.append(str(row_keys.llm(each.llm)))
        lines.append(_cells(each, detail))
    if detail.pooled is not None:
        keys += ["", POOLED]
        lines += [[rule("")], _cells(detail.pooled, detail)]
    return ListRows(columns_of(detail), keys, lines)


def _cells(each: ShownVotes, detail: Detail) -> list[Cell]:
    style = "plain" if each.on else "faint"
    notes = [
        "" if each.on else "not in pool",
        "tie" if each.tied else "",
    ]
    probability = "" if each.probability is None else f"{each.probability:.2f}".removeprefix("0")
    mark = ("▸ " if each.selected and each.llm else "  ", "accent")
    return [
        named(each.llm or POOLED, style if each.llm else "strong", mark),
        line((probability, style)),
        line((formats.bar(each.probability or 0.0, 7), "accent" if each.selected else "muted")),
        *([line((formats.fixed(each.weight, 2) if each.weight is not None else "", style))] if detail.chances else []),
        partial(votes_line, each, detail.gold),
        line(", ".join(f"{'none' if answer is None else answer} ×{number}" for answer, number in each.votes)),
        line((each.winner if each.winner is not None else "–", style)),
        line(
            ("✓", "right")
            if each.right
            else ("✗", "wrong")
            if each.winner is not None or not each.votes
            else ("·", "muted")
        ),
        line((" · ".join(note for note in notes if note), "muted")),
    ]


def votes_line(each: ShownVotes, gold: str, width: int) -> Line:
    """The votes as bars, the most frequent answer first: `72 ▇▇▇▇▇▇  70 ▇▇  · ▇`."""
    total = sum(number for _, number in each.votes)
    shown = ["·" if answer is None else shorten(answer, 12) for answer, _ in each.votes]
    room = width - sum(cell_len(answer) + 3 for answer in shown)
    scale = min(max(room / max(total, 1), 0.0), 3.0)  # cells per vote
    scale = float(int(scale)) if scale >= 1 else max(scale, min(1.0, width / 2 / max(total, 1)))
    spans: list[Span] = []
    for (answer, number), name in zip(each.votes, shown, strict=True):
        size = max(round(number * scale), 1)
        style = "muted" if answer is None else "right" if answer == gold else "wrong"
        shape = SHAPES[style]
        spans += [
            (f"{name} ", ("plain" if answer is not None else "muted") if each.on else "faint"),
            (shape * size, style if each.on else "faint"),
            ("  ", "plain"),
        ]
    return spans
