"""What two to four LLMs wrote on one question, in columns: answers highlighted, words found, words apart marked."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.message import Message

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import keys_in
from selectllm_tui.pager import in_pager
from selectllm_tui.passages import MOST_WORDS, Place, in_all, overlaid, words_apart
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.screens.generations import samples_of
from selectllm_tui.screens.search import SearchScreen
from selectllm_tui.snapshots.search import hits
from selectllm_tui.themes import LOW
from selectllm_tui.untrusted import safe, visible
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.paint import Line, Span, line, named, width_of
from selectllm_tui.widgets.tabs.questions import question_spans
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from selectllm_engine.api import Run
    from selectllm_tui.screens.generations import ShownGeneration
    from selectllm_tui.snapshots.question import Detail

__all__ = ["FEWEST", "MOST", "SideBySideScreen", "column_spans", "picked", "shown_columns"]

FEWEST, MOST = 2, 4  # columns
NARROWEST, EASY = 26, 40  # cells of a column that can be read, and of one that is read with ease


def picked(detail: Detail, first: str | None) -> list[str]:
    """All LLMs: the one under the cursor, then those that were selected, then the rest of the pool, then the others."""
    ballots = sorted(detail.ballots, key=lambda each: (each.llm != first, not each.selected, not each.on))
    return [each.llm for each in ballots]


def shown_columns(wanted: int, active: int, width: int) -> list[int]:
    """The columns for which a width has room: the first, with which the others are compared, and the active one."""
    room = max(min(wanted, width // NARROWEST), 1)
    if active < room:
        return list(range(room))
    return [*range(room - 1), active]


def column_spans(sample: ShownGeneration, found: Sequence[Place], apart: Sequence[Place]) -> list[Span]:
    """A generation: words apart from the first column's, the answer, and what was searched for."""
    answer = [sample.span] if sample.span else []
    return overlaid(sample.text, ((apart, "apart"), (answer, "hit"), (found, "found")))


class GenerationColumn(Vertical):
    """An LLM's name and one of its generations."""

    def __init__(self, number: int) -> None:
        super().__init__(id=f"column-{number}", classes="column")
        self.number = number

    def compose(self) -> ComposeResult:
        """Name and text."""
        yield Bar(id=f"head-{self.number}")
        yield TextView(id=f"text-{self.number}")


class SideBySideScreen(Dialog[None]):
    """Question and gold answer on top, a column per LLM below."""

    HINTS: ClassVar[dict[str, str]] = {
        "side_by_side_column_before side_by_side_next_column": "column",
        "side_by_side_llm_before side_by_side_next_llm": "LLM",
        "side_by_side_next_sample side_by_side_sample_before": "sample",
        "side_by_side_more_columns side_by_side_fewer_columns": "columns",
        "side_by_side_find": "find",
        "side_by_side_words_apart": "words apart",
        "side_by_side_copy": "copy",
        "dialog_leave": "back",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("side_by_side")
    VERTICAL_BREAKPOINTS = LOW
    DEFAULT_CSS = """
    SideBySideScreen > .box { height: 96%; max-width: 100%; width: 98%; }
    SideBySideScreen.-low > .box { height: 100%; width: 100%; max-height: 100%; }
    SideBySideScreen #asked { height: auto; max-height: 25%; margin-bottom: 1; }
    SideBySideScreen.-low #asked { display: none; }
    SideBySideScreen #columns-note { max-height: 2; }
    SideBySideScreen.-low #columns-note { max-height: 1; }
    SideBySideScreen .column { width: 1fr; padding-left: 1; border-left: solid $line; }
    SideBySideScreen .column:focus-within { border-left: thick $accent; }
    SideBySideScreen TextView { height: 1fr; }
    """

    class Ready(Message):
        """The generations of an LLM are read."""

        def __init__(self, llm: str, samples: list[ShownGeneration], error: str = "") -> None:
            super().__init__()
            self.llm, self.samples, self.error = llm, samples, error

    class Compared(Message):
        """Where the words of some texts are apart."""

        def __init__(self, texts: tuple[str, ...], apart: list[list[Place]]) -> None:
            super().__init__()
            self.texts, self.apart = texts, apart

    def __init__(self, run: Run, detail: Detail, llm: str | None) -> None:
        super().__init__()
        self._run, self._detail = run, detail
        self._llms = picked(detail, llm)
        self._wanted = 0  # columns; known with the width
        self._active = 0
        self._samples: dict[str, list[ShownGeneration]] = {}
        self._errors: dict[str, str] = {}
        self._at: dict[str, int] = {}  # the sample that is shown of an LLM
        self._marking = False  # whether words apart are marked
        self._apart: tuple[tuple[str, ...], list[list[Place]]] = ((), [])
        self._painted: dict[int, list[Span]] = {}  # by column
        self._looked_at: dict[int, tuple[str, Sequence[Place]]] = {}  # the text, and what was found in it
        self._search = ""
        self._said = ""
        self.heading = safe(f"{detail.question_id}: side by side", limit=60)

    def content(self) -> ComposeResult:
        """Question, what there is no room for, columns."""
        yield TextView(id="asked")
        yield Bar(id="columns-note")
        with Horizontal():
            for number in range(MOST):
                yield GenerationColumn(number)

    def on_mount(self) -> None:
        """Shows the question and reads what there is room for."""
        detail = self._detail
        self.query_one("#asked", TextView).show(question_spans(detail.text, detail.choices, detail.gold))
        self._lay_out()
        self._focus()

    def on_resize(self) -> None:
        """There may be room for more columns, or for fewer."""
        self._lay_out()

    # What is shown

    @property
    def _columns(self) -> list[str]:
        """The LLMs of the columns that are wanted."""
        return self._llms[: self._wanted]

    def _lay_out(self) -> None:
        """Shows the columns that there is room for, and says which there is none for."""
        width = self.query_one(".box").scrollable_content_region.width
        if not width:
            return
        if not self._wanted:
            self._wanted = min(max(width // EASY, FEWEST), MOST, len(self._llms))
        shown = shown_columns(self._wanted, self._active, width)
        for number in range(MOST):
            self.query_one(f"#column-{number}").display = number in shown
        parts: list[Line] = []
        if len(shown) < self._wanted:
            keys = keys_in(self.app).hint("side_by_side_column_before side_by_side_next_column")
            missing = f"{len(shown)} of {self._wanted} columns fit: {keys} for the rest"
            parts.append(line((missing, "warn")))
        if self._said:
            parts.append(line((self._said, "muted")))
        self.query_one("#columns-note", Bar).flow(*parts)
        self.query_one("#columns-note").display = bool(parts)
        for llm in self._columns:
            if llm not in self._samples:
                self._samples[llm] = []
                self.read(llm)
        self._show()

    def _show(self) -> None:
        """The heads and texts of all columns."""
        texts = tuple(sample.text if (sample := self._sample(llm)) else "" for llm in self._columns)
        compared = self._marking and self._apart[0] == texts
        pattern = f"(?i){re.escape(self._search)}" if self._search else ""
        for number, llm in enumerate(self._columns):
            sample = self._sample(llm)
            found = hits(sample.text, pattern) if sample is not None and pattern else []
            self.query_one(f"#head-{number}", Bar).show(self._head(llm, sample, found))
            view = self.query_one(f"#text-{number}", TextView)
            if sample is None:
                view.show([(self._errors.get(llm, ""), "warn")])
                self._painted.pop(number, None)
                continue
            spans = column_spans(sample, found, self._apart[1][number] if compared else [])
            if spans != self._painted.get(number):
                self._paint(view, spans, found, same=self._looked_at.get(number) == (sample.text, found))
                self._painted[number], self._looked_at[number] = spans, (sample.text, found)
        if self._marking and not compared:
            self.compare(texts)

    def _paint(self, view: TextView, spans: list[Span], found: Sequence[Place], *, same: bool) -> None:
        """Another text, at what was found in it or else at its answer; the same one stays where it is."""
        kept = view.scroll_offset.y
        view.show(spans)
        at = None if same else view.line_of("found" if found else "hit")
        top = kept if same else 0 if at is None else max(at - view.size.height // 2, 0)
        view.scroll_to(y=top, animate=False, force=True)

    def _head(self, llm: str, sample: ShownGeneration | None, found: Sequence[Place]) -> Line:
        width = max(self.query_one("#head-0").size.width, 10)
        if sample is None:
            return named(llm, "strong")(width)
        right = ("✓", "right") if sample.right else ("✗", "wrong") if sample.answer is not None else ("·", "muted")
        facts = [f" {sample.number + 1}/{len(self._samples[llm])}"]
        facts += [f" {len(found)}×"] if self._search else []
        answer = f" {visible(sample.answer, limit=8)}" if sample.answer is not None else ""
        after = [right, (answer, "plain"), ("".join(facts), "muted")]
        room = max(width - width_of(after) - 1, 4)
        return [*named(llm, "strong")(room), (" ", "plain"), *after]

    def _sample(self, llm: str) -> ShownGeneration | None:
        samples = self._samples.get(llm)
        return samples[self._at.get(llm, 0)] if samples else None

    # What is read and compared

    @work(thread=True, group="texts", exit_on_error=False)
    def read(self, llm: str) -> None:
        """Reads the generations of an LLM in a thread."""
        try:
            samples = samples_of(self._run, self._detail, llm)
            none = "" if samples else "only labels are known for this LLM: no generations"
            self.post_message(self.Ready(llm, samples, none))
        except Exception as error:  # a damaged file must not end in a traceback
            self.post_message(self.Ready(llm, [], str(error) or type(error).__name__))

    @on(Ready)
    def _ready(self, message: Ready) -> None:
        self._samples[message.llm] = message.samples
        self._errors[message.llm] = message.error
        self._show()

    @work(thread=True, exclusive=True, group="words", exit_on_error=False)
    def compare(self, texts: tuple[str, ...]) -> None:
        """Compares the first column's words with the others' in a thread."""
        pairs = [words_apart(texts[0], other) for other in texts[1:]]
        alone = in_all([own for own, _ in pairs])  # what no other column has
        self.post_message(self.Compared(texts, [alone, *(places for _, places in pairs)]))

    @on(Compared)
    def _compared(self, message: Compared) -> None:
        self._apart = (message.texts, message.apart)
        if self._marking:
            self._show()

    # Keys

    def _focus(self) -> None:
        self.query_one(f"#text-{self._active}", TextView).focus()

    def on_descendant_focus(self) -> None:
        """A click or tab makes a column the active one, too."""
        focused = self.focused.parent if self.focused is not None else None
        if isinstance(focused, GenerationColumn):
            self._active = focused.number

    def action_column(self, step: int) -> None:
        """Another column."""
        self._active = (self._active + step) % max(self._wanted, 1)
        self._lay_out()
        self._focus()

    def action_columns(self, step: int) -> None:
        """A column more or less."""
        self._wanted = min(max(self._wanted + step, FEWEST), MOST, len(self._llms))
        self._active = min(self._active, self._wanted - 1)
        self._lay_out()
        self._focus()

    def action_other_llm(self, step: int) -> None:
        """Another LLM in the active column: one that is in none."""
        at, spare = self._active, self._llms[self._wanted :]
        if not spare:
            self._say("all LLMs are on the screen")
            return
        ring = [self._llms[at], *spare]
        self._llms[at], *self._llms[self._wanted :] = ring[step:] + ring[:step]
        self._lay_out()

    def action_sample(self, step: int) -> None:
        """Another sample in the active column."""
        llm = self._columns[self._active]
        if samples := self._samples.get(llm):
            self._at[llm] = (self._at.get(llm, 0) + step) % len(samples)
            self._show()

    def action_words_apart(self) -> None:
        """Marks the words that differ from the first column's, or no more."""
        self._marking = not self._marking
        self._say(f"underlined: words apart from the first column's, of the first {MOST_WORDS:,}" * self._marking)
        self._show()

    def action_find(self) -> None:
        """Asks for what is to be found in all columns."""
        before = self._search

        def look(text: str) -> None:
            self._search = text
            self._show()

        def done(text: str | None) -> None:
            look(before if text is None else text)

        self.app.push_screen(SearchScreen(before, look, "words in all columns"), done)

    def action_copy_generation(self) -> None:
        """Copies the text of the active column."""
        sample = self._sample(self._columns[self._active])
        if (main := getattr(self.app, "main", None)) is not None and sample is not None:
            main.threads.copy("generation", partial(visible, sample.text, newlines=True))

    def action_pager(self) -> None:
        """Opens the text of the active column in the person's pager."""
        sample = self._sample(self._columns[self._active])
        if sample is not None and (problem := in_pager(self.app, sample.text)):
            self._say(problem)

    def action_scroll_text(self, step: int) -> None:
        """A screenful of the active column's text up or down."""
        view = self.query_one(f"#text-{self._active}", TextView)
        view.scroll_to(y=view.scroll_offset.y + step * max(view.size.height - 2, 1), animate=False, force=True)

    def _say(self, text: str) -> None:
        self._said = text
        self._lay_out()
