"""A question of one's own: what the router believes, which LLMs would answer, and what resembles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.message import Message
from textual.widgets import Input

from selectllm_engine.errors import SelectLLMError
from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.paint import Span, line, named
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from selectllm_engine.api import Run
    from selectllm_engine.routers.routing import Routing
    from selectllm_tui.shown_setup import ShownSetup, Space

__all__ = ["AskScreen", "llm_rows", "neighbour_spans"]


class QuestionInput(Input):
    """A line that takes all of what is pasted: the base class takes the first line of it."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(" ".join(event.text.split()))


class AskScreen(Dialog[None]):
    """A line to type in, the LLMs, the nearest training questions. No LLM is asked."""

    HINTS: ClassVar[dict[str, str]] = {
        "↵": "route it",
        "next_part": "to the table, where",
        "ask_router ask_policy": "change",
        "dialog_leave": "back",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("ask")
    heading = "Route a question of your own"
    DEFAULT_CSS = """
    AskScreen Input { border: round $line; height: 3; }
    AskScreen Input:focus { border: round $accent; }
    AskScreen RowTable { height: auto; max-height: 14; }
    AskScreen #ask-note { margin: 0 0 1 0; }
    AskScreen TextView { height: auto; max-height: 12; margin-top: 1; }
    """

    class Routed(Message):
        """The question is routed, or can't be."""

        def __init__(self, question: str, routing: Routing | None, problem: str = "") -> None:
            super().__init__()
            self.question, self.routing, self.problem = question, routing, problem

    def __init__(self, run: Run, setup: ShownSetup, space: Space) -> None:
        super().__init__()
        self._run, self._setup, self._space = run, setup, space
        self._question = ""
        self._instead = ""  # of which router another one routes, which can run here

    def content(self) -> ComposeResult:
        """A line, a note, the LLMs, what resembles it."""
        yield QuestionInput(placeholder="type or paste a question, then ↵")
        yield Bar(id="ask-note")
        yield RowTable(id="llms", gap=2)
        yield TextView(id="neighbours")

    def on_mount(self) -> None:
        """Says with what it routes: the setup's router, or the first that can run here."""
        if self._setup.router not in self._space.routers and self._space.routers:
            self._instead = self._setup.router or ""
            self._setup = self._setup.with_router(self._space, 1)
        self.query_one(Bar).show(self._with())
        self.query_one(Input).focus()

    def _with(self) -> tuple[Span, ...]:
        if not self._space.routers:
            return line(("none of the routers can read a new text here", "warn"))
        policy = f"{self._setup.policy} {self._setup.value_of(self._setup.policy)}".rstrip()
        spans: list[Span] = [
            ("with ", "muted"),
            (self._setup.router or "", "plain"),
            (" → ", "muted"),
            (policy, "plain"),
        ]
        if self._instead:
            spans.append((f"   {self._instead} can't read a new text here", "warn"))
        return line(*spans)

    def action_router(self, step: int) -> None:
        """Another router, of those that can run here."""
        self._instead = ""
        self._change(self._setup.with_router(self._space, step))

    def action_policy(self, step: int) -> None:
        """Another policy."""
        self._change(self._setup.with_policy(self._space, step))

    def _change(self, setup: ShownSetup) -> None:
        self._setup = setup
        self.query_one(Bar).show(self._with())
        if self._question.strip():
            self.route(self._question, setup)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self._question = event.value
        self.query_one(Bar).show(line(("routing …", "muted")))
        self.route(event.value, self._setup)

    @work(thread=True, exclusive=True, group="ask", exit_on_error=False)
    def route(self, question: str, setup: ShownSetup) -> None:
        """Routes in a thread: loading a router can take a while."""
        from selectllm_engine.routers.routing import route
        from selectllm_engine.settings import read_settings

        spec = setup.spec_of(setup.policy)
        try:
            encoders = read_settings().encoders
            routing = route(self._run, question, setup.router, spec, pool=setup.pool, encoders=encoders)
            self.post_message(self.Routed(question, routing))
        except SelectLLMError as error:
            self.post_message(self.Routed(question, None, str(error)))
        except Exception as error:  # a damaged router must not end in a traceback
            self.post_message(self.Routed(question, None, f"{type(error).__name__}: {error}"))

    @on(Routed)
    def _routed(self, message: Routed) -> None:
        if message.question != self._question:
            return
        routing = message.routing
        note = (message.problem, "warn") if routing is None else (routing.reason, "muted")
        self.query_one(Bar).show(line(note) if routing is None else (*self._with(), ("   ", "plain"), note))
        self.query_one(RowTable).show(ListRows(()) if routing is None else llm_rows(routing))
        self.query_one(TextView).show(() if routing is None else neighbour_spans(routing))


def llm_rows(routing: Routing) -> ListRows:
    """One row per LLM of the pool: probability, latency, whether it is asked."""
    columns = (
        Column("llm", "  LLM", 22, flex=2),
        Column("p", "p(right)", 8, align="right"),
        Column("bar", "", 10, flex=1, drop=1),
        Column("latency", "seconds", 7, align="right"),
        Column("asked", "asked", 8),
    )
    digits = formats.decimals([each.latency for each in routing.llms])
    lines: list[list[Cell]] = []
    for each in routing.llms:
        chosen = each.llm in routing.order
        share = "perhaps" if each.asked is None else "yes" if each.asked == 1 else f"{100 * each.asked:.0f} %"
        lines.append(
            [
                named(each.llm, "strong" if chosen else "plain", ("▸ " if chosen else "  ", "accent")),
                line(f"{each.probability:.2f}".removeprefix("0")),
                line((formats.bar(each.probability, 10), "accent" if chosen else "muted")),
                line((formats.fixed(each.latency, digits), "muted")),
                line((share if each.asked is None or each.asked > 0 else "", "plain")),
            ]
        )
    return ListRows(columns, [each.llm for each in routing.llms], lines)


def neighbour_spans(routing: Routing) -> list[Span]:
    """The most similar training questions, and who was right on them."""
    spans: list[Span] = [("Most similar training questions, and who was right on them\n", "strong")]
    for each in routing.nearest:
        spans += [
            (f"{each.similarity:.2f}  ", "accent"),
            (" ".join(each.text[:300].split()), "plain"),
            ("\n      ", "plain"),
            (", ".join(each.right) or "none", "muted"),
            ("\n", "plain"),
        ]
    return spans if routing.nearest else []
