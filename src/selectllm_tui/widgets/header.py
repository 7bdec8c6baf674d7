"""The line that is always there: which benchmark, which setup, and what it achieves now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.reactive import reactive

from selectllm_tui.themes import BREAKPOINTS
from selectllm_tui.widgets.formats import MISSING, change, count, decimals, fixed, percent, points
from selectllm_tui.widgets.paint import Line, Painting, Span, fit, join, shorten, width_of

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.strip import Strip

    from selectllm_engine.evaluation import Row
    from selectllm_tui.shown_setup import ShownSetup

__all__ = ["Header", "Heading", "heading_lines"]

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
NARROW = BREAKPOINTS[1][0]  # below this width there are always two lines


@dataclass(frozen=True, slots=True)
class Heading:
    """What the header shows; `row` is None until the first figures are there, `before` where nothing changed.

    `symbol` is that of the policy's parameter; `recorded` says that the run comes with the package,
    `digits` are the decimals of seconds.
    """

    benchmark: str
    questions: int
    setup: ShownSetup
    row: Row | None = None
    before: Row | None = None
    note: str = ""
    symbol: str = ""
    recorded: bool = False
    digits: int | None = None


def heading_lines(heading: Heading, width: int, least: int) -> list[list[Span]]:
    """The header on at least so many lines, on more where something would be lost: up to two, a third for the note."""
    setup = heading.setup
    facts: list[Line] = [
        ((setup.split, "plain") if setup.split == "test" else (f" {setup.split} split ", "badge"),),
        ((f"{count(heading.questions)} questions", "plain"),) if heading.questions else (),
        ((f"K {setup.k}" if setup.k else "labels only", "plain"),),
        ((setup.protocol, "warn" if setup.protocol == "paper" else "muted"),),
        *([((setup.voting, "accent"),)] if setup.voting else []),
    ]
    short = [each for at, each in enumerate(facts) if at != 1]
    whose: list[Span] = [(" recorded", "muted")] if heading.recorded else []
    taken = width_of(join(short, " · ")) + width_of(whose) + 7  # margins, and the separator after it
    benchmark: Line = ((shorten(heading.benchmark, max(width - taken, 6)), "strong"), *whose)
    brand: list[Span] = [(" selectllm", "accent"), ("  ", "plain")]
    # What is said elsewhere too goes first where it is narrow: the count of questions, the name of the program.
    lefts = (
        [*brand, *join([benchmark, *facts], " · ")],
        [*brand, *join([benchmark, *short], " · ")],
        [(" ", "plain"), *join([benchmark, *short], " · ")],
    )
    note: list[Span] = [(f"  {heading.note}", "warn")] if heading.note else []
    figures = _figures(heading)
    right = [*_how(setup, heading.symbol, width), ("   ", "plain"), *figures, (" ", "plain")]
    if least == 1:
        left = next((each for each in lefts if width_of([*each, *note, *right]) + 2 <= width), None)
        if left is not None:
            return [_sides([*left, *note], right, width, figures)]
    beside = any(width_of([*each, *note]) + 2 <= width for each in lefts)
    right = [*note, (" ", "plain")] if beside else []
    left = next((each for each in lefts if width_of([*each, *right]) + 2 <= width), lefts[-1])
    how = [(" ", "plain"), *_how(setup, heading.symbol, width - width_of(figures) - 4)]
    made = [_sides(left, right, width, []), _sides(how, [*figures, (" ", "plain")], width, figures)]
    if note and not beside:
        made.append(fit([(f" {heading.note}", "warn")], width))
    return made + [fit((), width)] * (least - len(made))


def _figures(heading: Heading) -> list[Span]:
    """What the setup achieves, and the change."""
    row, before = heading.row, heading.before
    figures: list[Span] = [(f"{percent(row.accuracy if row else None).strip()} %", "accent")]
    if row:
        digits = decimals([row.latency]) if heading.digits is None else heading.digits
        if before:
            figures += _delta(change(points(row.accuracy), points(before.accuracy), 1))
        latency = MISSING if row.latency is None else fixed(row.latency, digits)
        figures += [("   ", "plain"), (f"{latency} s", "strong")]
        if before:
            figures += _delta(change(row.latency, before.latency, digits, more_is_better=False))
    return figures


def _how(setup: ShownSetup, symbol: str, width: int) -> list[Span]:
    """Pool, router and policy as `6 of 7 LLMs  knn:minilm → cost-aware λ 0.15`; a long router's name is shortened."""
    pool: list[Span] = [(f"{len(setup.pool)} of {len(setup.pool.run)} LLMs", "plain"), ("  ", "plain")]
    if not setup.chooses:
        who = f": {'all LLMs vote' if setup.k else 'best-single answers'}" if len(setup.pool) > 1 else ""
        return [*pool, (f"no router{who}", "muted")]
    policy: list[Span] = [(" → ", "muted"), (setup.policy, "plain")]
    if setup.parameter is not None:
        policy.append((f" {symbol} {setup.value_of(setup.policy)}", "plain"))
    router = shorten(setup.router or "no router", max(width - width_of([*pool, *policy]), 8))
    return [*pool, (router, "plain"), *policy]


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
    """The header; shows a spinner while `busy`. It gets taller where a setup needs it, and stays so."""

    DEFAULT_CSS = "Header { height: auto; background: $surface; }"

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

    def watch_heading(self) -> None:
        """Takes another line where it is needed."""
        if self.size.height != self.get_content_height(self.size, self.size, self.size.width):
            self.refresh(layout=True)

    _grown: tuple[int, str, int] = (0, "", 1)  # width, note, and the lines that have been needed with these

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Lines that this setup needs, or one before it did: the screen below must not jump with every key."""
        least, note = 2 if width < NARROW else 1, self.heading.note if self.heading else ""
        if self._grown[:2] == (width, note):
            least = max(least, self._grown[2])
        if self.heading is not None:
            least = len(heading_lines(self.heading, width, least))
        self._grown = (width, note, least)
        return least

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
