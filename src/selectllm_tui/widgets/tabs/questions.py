"""Every question with one mark per LLM, where it was routed and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual.containers import Vertical

from selectllm_engine.verdicts import Verdict
from selectllm_tui.keys import USUAL, Keys, keys_in
from selectllm_tui.records import question_records
from selectllm_tui.snapshots.search import hits, pattern_of
from selectllm_tui.untrusted import visible
from selectllm_tui.view import FILTERS, GROUPINGS, WHO_IS_RIGHT
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column
from selectllm_tui.widgets.columns import marks_column
from selectllm_tui.widgets.paint import LONGEST, Line, Span, line, named
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.tabs.base import Tab
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult

    from selectllm_engine.store import Mark
    from selectllm_tui.snapshots.questions import Questions
    from selectllm_tui.state import State

__all__ = [
    "VERDICT_STYLES",
    "QuestionRows",
    "QuestionsTab",
    "filter_parts",
    "id_width",
    "mark_parts",
    "mark_signs",
    "preview_spans",
    "question_spans",
    "short_id",
]

MARKS = {1: ("✓", "right"), 0: ("✗", "wrong"), -1: ("·", "muted")}
ID = 16  # most cells of an id
VERDICT_STYLES = {
    Verdict.RIGHT: ("✓ right", "right"),
    Verdict.UNSOLVABLE: ("○ unsolvable", "muted"),
    Verdict.MISROUTED: ("✗ misrouted", "wrong"),
    Verdict.OUTVOTED: ("✗ outvoted", "wrong"),
    Verdict.RESCUED: ("✓ rescued", "accent"),
    Verdict.UNKNOWN: ("– unknown", "muted"),
}


@dataclass
class QuestionRows:
    """Rows of a snapshot: cells are made for the visible ones only."""

    questions: Questions

    @cached_property
    def columns(self) -> Sequence[Column]:
        """One mark per LLM, close together where there are many."""
        llms = len(self.questions.llms)
        left = bool(self.questions.state.marks)
        size = max(id_width(self.questions.ids), len("question"))
        return (
            Column("question_id", "question", size, sortable=True),
            Column("mark", "", 2, screen=left, export=left, saved="mark"),
            marks_column("right", self.questions.llms, sortable=True),
            Column("verdict", "verdict", 13, sortable=True),
            Column("vote_share", "vote", 5, align="right", drop=2, sortable=True),
            Column("answered_by", "answered by", 16, screen=False),  # on the screen that mark is underlined
            Column("subject", "subject", 12, drop=4, sortable=True),
            Column("text", "text", 24 if llms <= 12 else 10, flex=8, drop=1, sortable=True),
            Column("note", "note", 16, flex=3, screen=False, export=left),
        )

    def __len__(self) -> int:
        return len(self.questions.order)

    def key(self, at: int) -> str:
        """The question's id."""
        return self.questions.id_at(int(self.questions.order[at]))

    def find(self, key: str) -> int | None:
        """Where a question is."""
        return self.questions.find(key)

    def cells(self, at: int) -> Sequence[Cell]:
        """See Rows."""
        shown = self.questions
        q = int(shown.order[at])
        row, share = shown.frame.row(q, named=True), shown.share_of(q)
        left = shown.state.marks.get(row["question_id"])
        return (
            partial(short_id, row["question_id"], shown.ids[0]),
            mark_signs(left),
            self._marks(q),
            line(VERDICT_STYLES[shown.verdict_of(q)]),
            line((f"{100 * share:.0f} %" if share is not None else "", "muted")),
            named(shown.answered_by(q), "plain"),
            line((row["subject"] or "", "muted")),
            self._text((row["text"] or "")[:LONGEST]),
            line((left.note if left else "", "plain")),
        )

    @cached_property
    def _pattern(self) -> str:
        return pattern_of(self.questions.state.view.search)

    def _text(self, text: str) -> Line:
        """A question's text with what the search has found in it."""
        spans: list[Span] = []
        end = 0
        for start, stop in hits(text, self._pattern) if self._pattern else ():
            spans += [(text[end:start], "muted"), (text[start:stop], "hit")]
            end = stop
        return [*spans, (text[end:], "muted")]

    def _marks(self, q: int) -> Line:
        shown = self.questions
        spans: list[Span] = []
        for n in range(len(shown.llms)):
            mark, style = MARKS[int(shown.judged.marks[q, n])]
            if not shown.on[n]:
                style = "faint"
            elif shown.judged.selected[q, n]:
                style = f"{style}-chosen"
            spans.append((mark, style))
        return spans


def mark_signs(left: Mark | None) -> Line:
    """What a person has left on a question: ⚑ a mark, ✎ a note."""
    if left is None:
        return ()
    return line(("⚑" if left.marked else " ", "warn"), ("✎" if left.note else " ", "accent"))


def mark_parts(left: Mark | None) -> list[Line]:
    """The same in words."""
    if left is None:
        return []
    marked = [line(("⚑ marked", "warn"))] if left.marked else []
    return [*marked, *([line(("✎ ", "accent"), (left.note, "plain"))] if left.note else [])]


def id_width(ids: tuple[str, int]) -> int:
    """Cells of a column of ids (see `Questions.ids`); the rest is the text's, which is what one reads."""
    shared, longest = ids
    return min(max(longest - len(shared), 1), ID)


def short_id(text: str, shared: str, width: int) -> Line:
    """An id without what all of them begin with; where there is no room, its end."""
    shown = visible(text.removeprefix(shared) or text, limit=LONGEST)
    cut = shown
    while shown and cell_len(shown) > width - (len(shown) < len(cut)):
        shown = shown[max(len(shown) - width, 1) :]
    return (("…" if len(shown) < len(cut) else "", "muted"), (shown, "plain"))


def question_spans(text: str, choices: Sequence[str], gold: str) -> list[Span]:
    """Question, choices, gold answer."""
    spans: list[Span] = [(text, "plain")]
    for at, choice in enumerate(choices):
        letter = chr(ord("A") + at)
        right = letter == gold
        spans += [("\n", "plain"), (f"({letter}) ", "accent"), (choice, "right" if right else "plain")]
    return [*spans, ("\n", "plain"), ("gold ", "muted"), (gold, "right")]


def preview_spans(questions: Questions, key: str) -> list[Span]:
    """A question as far as there is room for it: its text, the gold answer, and which LLM is right."""
    q = questions.index(key)
    if q is None:
        return []
    row = questions.frame.row(q, named=True)
    spans = question_spans((row["text"] or "")[:LONGEST], row["choices"] or (), row["gold"] or "")
    for part in mark_parts(questions.state.marks.get(key)):
        spans += [("\n", "plain"), *part]
    spans.append(("\n", "plain"))
    for n, name in enumerate(questions.llms):
        mark, style = MARKS[int(questions.judged.marks[q, n])]
        chosen = bool(questions.judged.selected[q, n])
        spans += [("\n", "plain"), (mark, style if questions.on[n] else "faint"), ("▸" if chosen else " ", "accent")]
        spans.append((name, "strong" if chosen else "plain" if questions.on[n] else "faint"))
    return spans


def filter_parts(questions: Questions, state: State, keys: Keys = USUAL) -> list[Line]:
    """How many questions each filter leaves, with its key; the chosen one stands out."""
    view = state.view
    none = f" none, {keys.hint('back')} shows all" if not len(questions.order) and questions.total else ""
    parts: list[Line] = [
        line((f"{formats.count(len(questions.order))} of {formats.count(questions.total)}", "strong"), (none, "warn")),
    ]
    for chip in questions.chips:
        effect = f" {chip.problem}" if chip.problem else f" −{formats.count(chip.taken)}"
        parts.append(line(("⌕ ", "accent"), (chip.text, "strong"), (effect, "warn" if chip.problem else "muted")))
    if view.group is not None:
        by, value = view.group
        parts.append(line((f"{GROUPINGS[by]} ", "muted"), (value or "none", "strong")))
    if view.cell is not None:
        parts.append(line((WHO_IS_RIGHT[view.cell], "strong")))
    for name in FILTERS:
        chosen = view.filter == name
        count = formats.count(questions.counts[name]) if name in questions.counts else formats.MISSING
        parts.append(
            line(
                (keys.hint(f"filter_{name}"), "accent"),
                (f" {name}", "strong" if chosen else "muted"),
                (f" {count}", "accent" if chosen else "plain"),
            )
        )
    return parts


class QuestionsTab(Tab["Questions"]):
    """A line of filters above the table; where there is room, the question under the cursor."""

    DEFAULT_CSS = """
    QuestionsTab #questions { width: 1fr; }
    QuestionsTab #preview { display: none; height: 30%; border-top: solid $line; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._questions: Questions | None = None

    def compose(self) -> ComposeResult:
        """Filters, table, preview."""
        yield Bar(id="filters")
        with Vertical(id="questions-body"):
            yield RowTable(id="questions", gap=2)
            yield TextView(id="preview")

    def on_mount(self) -> None:
        """The preview never has the keys."""
        self.query_one(TextView).can_focus = False

    def on_row_table_moved(self) -> None:
        """Shows the question under the cursor."""
        self._preview()

    def on_resize(self) -> None:
        """There may be room for the preview now."""
        self._preview()

    def _preview(self) -> None:
        preview = self.query_one(TextView)
        if self._questions is not None and self.table is not None and preview.display:
            preview.show(preview_spans(self._questions, self.table.key))

    def show(self, snapshot: Questions, state: State) -> None:
        """Renders the questions within the filter."""
        self._questions = snapshot
        self.query_one(Bar).flow(*filter_parts(snapshot, state, keys_in(self.app)))
        if self.table is not None:
            self.table.sorted_by = state.view.sort_of("questions")
            self.table.show(QuestionRows(snapshot), cursor=state.view.question)
        self._preview()

    @property
    def subject(self) -> str | None:
        """That of the question under the cursor."""
        if self._questions is None or self.table is None or not self.table.key:
            return None
        at = self.table.rows.find(self.table.key)
        return None if at is None else self._questions.frame["subject"][int(self._questions.order[at])]

    @property
    def records(self) -> Iterator[dict[str, Any]] | None:
        """The questions within the filter."""
        return None if self._questions is None else question_records(self._questions)

    def opened(self, key: str, state: State) -> State:
        """A question opens on its own tab."""
        return state.look(tab="question", question=key)
