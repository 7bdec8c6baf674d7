"""The K generations of one LLM for one question, the extracted answer highlighted where it was found."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.containers import Horizontal
from textual.message import Message

from selectllm_engine.benchmarks import LETTERS
from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.pager import in_pager
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.untrusted import safe, visible
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Column, ListRows
from selectllm_tui.widgets.paint import Line, Span, line
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from selectllm_engine.api import Run
    from selectllm_tui.snapshots.question import Detail

__all__ = ["GenerationsScreen", "ShownGeneration", "options_of", "samples_of"]

_EQUAL = ("expression", "text")  # kinds whose answers can be equal though written differently
FEWEST = 4  # options, where nothing says how many there are


class ShownGeneration:
    """One generation with the answer found in it.

    Attributes:
        number: which sample, from 0.
        text: the completion.
        answer: what was extracted, None where nothing was found.
        span: where in the text it was found.
        tokens: new tokens, None where unknown.
        finish: why it ended.
        right: is it the gold answer, or what counts as equal to it.
    """

    def __init__(
        self, row: dict[str, Any], kind: str, choices: int, gold: str, equal: Mapping[int, str | None] | None = None
    ) -> None:
        from selectllm_engine.answers import find_answer

        self.number: int = row["sample"]
        self.text: str = row["text"] or ""
        found = find_answer(self.text, kind=kind, choices=choices)
        self.answer = found.answer if found else None
        self.span = (found.start, found.end) if found else None
        self.tokens: int | None = row.get("output_tokens")
        self.finish: str = row.get("finish_reason") or ""
        counted = self.answer if equal is None else equal.get(self.number, self.answer)
        self.right = counted is not None and counted == gold


def samples_of(run: Run, detail: Detail, llm: str) -> list[ShownGeneration]:
    """The generations of an LLM for a question, in order of samples."""
    rows, choices = run.generations(detail.question_id, llm), options_of(detail)
    equal = None
    if detail.kind in _EQUAL and not rows.is_empty():
        answers = run.cache.answers(run.benchmark, llm).filter(question_id=detail.question_id)
        equal = dict(answers.select("sample", "answer").iter_rows())
    return [ShownGeneration(row, detail.kind, choices, detail.gold, equal) for row in rows.iter_rows(named=True)]


def options_of(detail: Detail) -> int:
    """How many letters are options of a question; where it lists none, up to the last that is gold or has a vote."""
    if detail.choices or detail.kind != "letter":
        return len(detail.choices) or FEWEST
    letters = [detail.gold, *(answer for ballot in detail.ballots for answer, _ in ballot.votes if answer)]
    return max(FEWEST, *(LETTERS.find(letter) + 1 for letter in letters))


class GenerationsScreen(Dialog[None]):
    """Samples on the left, the text of the one under the cursor on the right."""

    HINTS: ClassVar[dict[str, str]] = {
        "generations_next_sample generations_sample_before": "sample",
        "generations_text_down generations_text_up": "scroll",
        "generations_copy": "copy",
        "generations_pager": "in $PAGER",
        "dialog_leave": "back",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("generations")
    DEFAULT_CSS = """
    GenerationsScreen > .box { height: 90%; max-width: 160; width: 94%; }
    GenerationsScreen RowTable { width: 26; border-right: solid $line; }
    GenerationsScreen TextView { width: 1fr; padding: 0 0 0 1; }
    GenerationsScreen #generation-title { margin-bottom: 1; }
    """

    class Ready(Message):
        """The generations are read."""

        def __init__(self, samples: list[ShownGeneration], error: str = "") -> None:
            super().__init__()
            self.samples, self.error = samples, error

    def __init__(self, run: Run, detail: Detail, llm: str) -> None:
        super().__init__()
        self._run, self._detail, self._llm = run, detail, llm
        self._samples: list[ShownGeneration] = []
        self.heading = safe(llm, limit=60)

    def content(self) -> ComposeResult:
        """Title, samples, text."""
        yield Bar(id="generation-title")
        with Horizontal():
            yield RowTable(id="samples", header=False)
            yield TextView(id="generation")

    def on_mount(self) -> None:
        """Reads the generations."""
        self.query_one(Bar).show(line((self._detail.question_id, "strong"), ("   reading …", "muted")))
        self.read()
        self.query_one(RowTable).focus()

    @work(thread=True, exclusive=True, group="generations", exit_on_error=False)
    def read(self) -> None:
        """Reads them in a thread."""
        try:
            self.post_message(self.Ready(samples_of(self._run, self._detail, self._llm)))
        except Exception as error:  # a damaged file must not end in a traceback
            self.post_message(self.Ready([], str(error)))

    @on(Ready)
    def _ready(self, message: Ready) -> None:
        self._samples = message.samples
        self.query_one(Bar).show(self._title(message.error))
        columns = (Column("n", "", 3, align="right"), Column("right", "", 1), Column("answer", "", 8, flex=1))
        lines = [
            [
                line((str(each.number + 1), "muted")),
                line(("✓", "right") if each.right else ("✗", "wrong") if each.answer is not None else ("·", "muted")),
                line((each.answer if each.answer is not None else "none found", "plain" if each.answer else "muted")),
            ]
            for each in self._samples
        ]
        self.query_one(RowTable).show(ListRows(columns, [str(each.number) for each in self._samples], lines))
        self._show()

    def _title(self, error: str) -> Line:
        if error:
            return line((error, "warn"))
        if not self._samples:
            return line(("only labels are known for this LLM: no generations", "muted"))
        right = sum(each.right for each in self._samples)
        return line(
            (self._detail.question_id, "strong"),
            (f"   {right} of {len(self._samples)} right   gold ", "muted"),
            (self._detail.gold, "right"),
        )

    def on_row_table_moved(self) -> None:
        """Shows the text of the sample under the cursor."""
        self._show()

    def _show(self) -> None:
        found = self._sample()
        view = self.query_one(TextView)
        if found is None:
            view.show(())
            return
        view.show(generation_spans(found))
        at = view.line_of("hit")
        if at is not None:
            view.scroll_to(y=max(at - view.size.height // 2, 0), animate=False, force=True)

    def action_sample(self, step: int) -> None:
        """The next or previous sample."""
        self.query_one(RowTable).move(step)

    def _sample(self) -> ShownGeneration | None:
        key = self.query_one(RowTable).key
        return next((each for each in self._samples if str(each.number) == key), None)

    def action_copy_generation(self) -> None:
        """Copies the text of the sample."""
        if (main := getattr(self.app, "main", None)) is not None and (sample := self._sample()) is not None:
            main.threads.copy("generation", partial(visible, sample.text, newlines=True))

    def action_pager(self) -> None:
        """Opens the text of the sample in the person's pager."""
        if (sample := self._sample()) is not None and (problem := in_pager(self.app, sample.text)):
            self.query_one(Bar).show((*self._title(""), (f"   {problem}", "warn")))

    def action_scroll_text(self, step: int) -> None:
        """A screenful of the text up or down."""
        view = self.query_one(TextView)
        view.scroll_to(y=view.scroll_offset.y + step * max(view.size.height - 2, 1), animate=False, force=True)


def generation_spans(sample: ShownGeneration) -> list[Span]:
    """The text with the answer highlighted, and how it ended."""
    text = sample.text
    start, end = sample.span or (len(text), len(text))
    spans: list[Span] = [(text[:start], "plain"), (text[start:end], "hit"), (text[end:], "plain")]
    facts = [
        f"sample {sample.number + 1}",
        f"{sample.tokens} tokens" if sample.tokens is not None else "",
        f"ended by {sample.finish}" if sample.finish else "",
        "" if sample.answer is not None else "no answer found",
    ]
    return [*spans, ("\n\n" + " · ".join(fact for fact in facts if fact), "muted")]
