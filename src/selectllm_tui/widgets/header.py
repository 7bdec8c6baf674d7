"""The line that is always there: which benchmark, which setup, and what it achieves now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.reactive import reactive

from selectllm_tui.formats import MISSING, change, count, decimals, fixed, percent, points
from selectllm_tui.widgets.paint import Line, Painting, Span, fit, join, width_of

if TYPE_CHECKING:
    from textual.strip import Strip

    from selectllm_engine.evaluation import Row
    from selectllm_tui.state import Setup

__all__ = ["Header", "Heading", "heading_lines"]

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@dataclass(frozen=True, slots=True)
class Heading:
    """What the header shows; `row` is None until the first figures are there, `before` where nothing changed.

    `symbol` is that of the policy's parameter.
    """

    benchmark: str
    questions: int
    setup: Setup
    row: Row | None = None
    before: Row | None = None
    note: str = ""
    symbol: str = ""


def heading_lines(heading: Heading, width: int, lines: int) -> list[list[Span]]:
    """The header as one line, or two where it is narrow."""
    setup, row, before = heading.setup, heading.row, heading.before
    facts: list[Line] = [
        ((heading.benchmark, "strong"),),
        ((setup.split, "plain"),),
        ((f"{count(heading.questions)} questions", "plain"),) if heading.questions else (),
        ((f"K {setup.k}" if setup.k else "labels only", "plain"),),
        ((setup.protocol, "warn" if setup.protocol == "paper" else "muted"),),
    ]
    how: list[Span] = [
        (f"{len(setup.pool)} of {len(setup.pool.run)} LLMs", "plain"),
        ("  ", "plain"),
        *policy(setup, heading.symbol),
    ]
    figures: list[Span] = [(f"{percent(row.accuracy if row else None).strip()} %", "accent")]
    if row:
        digits = decimals([row.latency])
        latency = MISSING if row.latency is None else fixed(row.latency, digits)
        if before:
            figures += _delta(change(points(row.accuracy), points(before.accuracy), 1))
        figures += [("   ", "plain"), (f"{latency} s", "strong")]
        if before:
            figures += _delta(change(row.latency, before.latency, digits, more_is_better=False))
    brand: list[Span] = [(" selectllm", "accent"), ("  ", "plain")]
    note: list[Span] = [(f"  {heading.note}", "warn")] if heading.note else []
    # What is said elsewhere too goes first where it is narrow: the count of questions, the name of the program.
    short = [each for at, each in enumerate(facts) if at != 2]
    lefts = ([*brand, *join(facts, " · ")], [*brand, *join(short, " · ")], [(" ", "plain"), *join(short, " · ")])

    def left(right: list[Span]) -> list[Span]:
        return next((each for each in lefts if width_of(each) + width_of(right) + 2 <= width), lefts[-1])

    if lines == 1:
        right = [*how, ("   ", "plain"), *figures, (" ", "plain")]
        return [_sides([*left([*note, *right]), *note], right, width, figures)]
    right = [*note, (" ", "plain")]
    return [
        _sides(left(right), right, width, note),
        _sides([(" ", "plain"), *how], [*figures, (" ", "plain")], width, figures),
    ]


def policy(setup: Setup, symbol: str) -> list[Span]:
    """Router and policy as `knn:minilm → cost-aware λ 0.15`."""
    if setup.router is None:
        return [("no router: all LLMs vote", "muted")]
    spans: list[Span] = [(setup.router, "plain"), (" → ", "muted"), (setup.policy, "plain")]
    if setup.parameter is not None:
        spans.append((f" {symbol} {setup.parameter:g}", "plain"))
    return spans


def _delta(span: Span) -> list[Span]:
    return [(" ", "plain"), span] if span[0] else []


def _sides(left: list[Span], right: list[Span], width: int, keep: list[Span]) -> list[Span]:
    """Left and right parts on one line; where it is narrow the left is cut first, then the right, `keep` last."""
    if width_of(left) + width_of(right) + 2 <= width:
        return [*left, (" " * (width - width_of(left) - width_of(right)), "plain"), *right]
    least = width_of(keep) + 1
    room = max(width - width_of(right) - 2, min(width_of(left), (width - least) // 2))
    left = fit(left, max(room, 0))
    rest = width - width_of(left) - 2
    if width_of(right) > rest:
        right = [*fit(right[: -len(keep) - 1], max(rest - least - 1, 0)), (" ", "plain"), *keep, (" ", "plain")]
    return [*left, ("  ", "plain"), *fit(right, max(rest, 0), "right")]


class Header(Painting):
    """The header; shows a spinner while `busy`."""

    DEFAULT_CSS = "Header { height: 1; background: $surface; }"

    heading: reactive[Heading | None] = reactive(None)
    busy: reactive[bool] = reactive(False)
    frame: reactive[int] = reactive(0)

    def on_mount(self) -> None:
        """Prepares the spinner."""
        self._spin = self.set_interval(0.1, self._advance, pause=True)

    def _advance(self) -> None:
        self.frame += 1

    def watch_busy(self, busy: bool) -> None:
        """Starts or stops the spinner."""
        (self._spin.resume if busy else self._spin.pause)()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, height = self.size
        lines = [[(" selectllm", "accent")]] if self.heading is None else heading_lines(self.heading, width, height)
        spans = lines[y] if y < len(lines) else []
        if self.busy and y == 0:
            spans = [(FRAMES[self.frame % len(FRAMES)], "accent"), *fit(spans, width)[0:]]
            first = spans[1]
            spans[1] = (first[0][1:], first[1]) if first[0].startswith(" ") else first
        return self.painted(spans)
