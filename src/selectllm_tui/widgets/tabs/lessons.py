"""The study's five questions, answered for this pool, as a page to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from selectllm_tui.keys import USUAL, Keys, keys_in
from selectllm_tui.sentences import sentence
from selectllm_tui.untrusted import visible
from selectllm_tui.view import FILTERS
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.paint import LONGEST, shorten
from selectllm_tui.widgets.tabs.base import Tab
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from selectllm_engine.evaluation import Gap, Row
    from selectllm_engine.insights import Lessons
    from selectllm_tui.snapshots.lessons import Drawn
    from selectllm_tui.state import State
    from selectllm_tui.widgets.paint import Span

__all__ = ["LessonsTab", "lessons_spans"]

ANSWERS = {"yes": ("✓ yes", "right"), "no": ("✗ no", "wrong"), "partly": ("◐ partly", "accent")}
# The question that no yes or no answers: what its answer stands for.
OF_POLICIES = {"yes": ("✓ another than argmax is better", "right"), "no": ("✗ none is better than argmax", "wrong")}
UNKNOWN = ("– unknown", "muted")
# What a question ended as: name, shape (so that colour is not needed) and style.
LOSSES = (
    ("right", "█", "right"),
    ("outvoted", "▓", "accent"),
    ("misrouted", "▒", "wrong"),
    ("unsolvable", "░", "muted"),
)
WIDTH = 60


class LessonsTab(Tab["Drawn"]):
    """A page that scrolls."""

    DEFAULT_CSS = "LessonsTab TextView { height: 1fr; padding: 0 1; }"

    def compose(self) -> ComposeResult:
        """The page."""
        yield TextView(id="lessons-page")

    def show(self, snapshot: Drawn, state: State) -> None:
        """Renders the page."""
        self.query_one(TextView).show(lessons_spans(snapshot, state, keys_in(self.app)))

    def focus_default(self) -> None:
        """The page has the keys."""
        self.query_one(TextView).focus()


UNROUTED = {True: "all LLMs together", False: "best-single"}  # by whether there are votes


def lessons_spans(drawn: Drawn, state: State, keys: Keys = USUAL) -> list[Span]:
    """The page: losses of the setup, the five questions, the gaps."""
    setup = state.setup
    name = f"{setup.router or 'no router'} → {setup.policy}" if setup.chooses else UNROUTED[bool(setup.k)]
    spans: list[Span] = [
        ("Where accuracy is lost", "strong"),
        (", in % of the questions\n", "muted"),
        (f"{name}\n", "muted"),
        *_losses(drawn.row, keys),
    ]
    lessons = drawn.lessons
    if lessons is None:
        return [*spans, ("\n\ndrawing lessons …", "muted")]
    count = len(lessons.pool)
    spans += [("\n\nThe study's questions, for this pool of ", "strong"), (str(count), "strong"), ("\n", "plain")]
    for number, each in enumerate(lessons.lessons, 1):
        spans += [
            (f"\n{number}  ", "accent"),
            (f"{each.question}  ", "plain"),
            (OF_POLICIES if each.key == "policies" else ANSWERS).get(each.answer, UNKNOWN),
            ("\n   ", "plain"),
            (sentence(each), "muted"),
            ("\n", "plain"),
        ]
    return [*spans, *_gaps(lessons.gaps, setup.split), *_unanswered(lessons)]


def _unanswered(lessons: Lessons) -> list[Span]:
    """Whose samples hold no answer, which is no matter of what the LLM knows; nothing where all do."""
    silent = {name: each for name, each in lessons.unanswered.items() if each.missing or each.empty or each.cut}
    if not silent:
        return []
    size = min(max(cell_len(visible(name, limit=LONGEST)) for name in silent), 28)
    spans: list[Span] = [
        ("\n\nSamples without an answer\n", "strong"),
        (f"{'':{size}}   no answer   empty   cut off\n", "muted"),
    ]
    for name, each in silent.items():
        shares = (
            None if count is None else count / max(each.samples, 1) for count in (each.missing, each.empty, each.cut)
        )
        missing, empty, cut = (formats.percent(share) for share in shares)
        shown, warning = shorten(name, size), lessons.warnings.get(name)
        figures = f"   {missing:>9}   {empty:>5}   {cut:>7}"
        spans += [(shown + " " * (size - cell_len(shown)), "plain"), (figures, "warn" if warning else "muted")]
        if warning:
            spans.append((f"   ⚠ {warning}", "warn"))
        spans.append(("\n", "plain"))
    return spans


def _losses(row: Row, keys: Keys) -> list[Span]:
    if row.accuracy is None or row.unsolvable is None:
        return [(row.note or "not known", "muted")]
    parts = [("right", row.accuracy)] + [(name, getattr(row, name) or 0.0) for name, *_ in LOSSES[1:]]
    spans: list[Span] = []
    for (_, part), (_, shape, style) in zip(parts, LOSSES, strict=True):
        spans.append((shape * round(part * WIDTH), style))
    spans.append(("\n", "plain"))
    for (name, part), (_, shape, style) in zip(parts, LOSSES, strict=True):
        spans += [(shape, style), (f" {name} ", "muted"), (f"{formats.percent(part)}   ", "plain")]
    if row.rescued:
        spans += [("\nrescued by the vote alone ", "muted"), (formats.percent(row.rescued), "plain")]
    spans.append(("\nsee these questions:", "muted"))
    for name in FILTERS:
        if name in {loss for loss, *_ in LOSSES}:
            spans += [(f"  {keys.hint(f'filter_{name}')}", "accent"), (f" {name}", "muted")]
    return spans


def _gaps(gaps: tuple[Gap, ...], split: str) -> list[Span]:
    """Who is better on the train split than the others are: it has probably been seen in training."""
    spans: list[Span] = [("\n\nHas an LLM seen the train split?\n", "strong")]
    if not gaps:
        here = "the train split itself is shown: t shows another" if split == "train" else ""
        return [*spans, (here or "there is no train split to compare with", "muted")]
    size = min(max(cell_len(visible(each.llm, limit=LONGEST)) for each in gaps), 28)
    other = shorten(split, 10)
    wide = max(cell_len(other), 5)
    spans.append((f"{'':{size}}   train   {other:>{wide}}     gap\n", "muted"))
    for each in gaps:
        gap = f"{100 * each.gap:+.1f}".replace("-", "−")
        figures = f"   {formats.percent(each.train):>5}   {formats.percent(each.test):>{wide}}   {gap:>5}"
        name = shorten(each.llm, size)
        spans += [(name + " " * (size - cell_len(name)), "plain"), (figures, "warn" if each.alarm else "muted")]
        if each.alarm:
            spans.append((f"   ⚠ {100 * (each.gap - each.median):.1f} points above the pool's median", "warn"))
        spans.append(("\n", "plain"))
    if any(each.alarm for each in gaps):
        spans.append(("Routers trained on these labels will trust the marked LLMs too much.\n", "warn"))
    return spans
