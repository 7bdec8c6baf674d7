"""What the keys do and what the figures mean, those of the tab on the screen first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from selectllm_tui.bindings import keys_name
from selectllm_tui.keymap import COMMANDS
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.state import TABS
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from selectllm_tui.widgets.paint import Span

__all__ = ["ABOUT", "PARTS", "HelpScreen", "help_spans"]

PARTS: dict[str, str] = {
    "pool": (
        "The LLMs of the run, ● switched on, with their accuracy and seconds on the split that is shown; below, what "
        "is known of the one under the cursor. Numbers or space switch one, x leaves only it on, a switches all on."
    ),
    "routers": "The trained routers. ↵ uses the one under the cursor, r the next.",
    "policies": (
        "How a router's probabilities become a choice. ↵ uses the policy under the cursor; ← and → move its slider, - "
        "and = that of the policy in use. K is the number of samples that vote: , and . move it."
    ),
}
ABOUT: dict[str, str] = {
    "results": (
        "One row per way to answer: baselines, the router with every policy, each LLM alone. accuracy is the share of "
        "questions answered right, in percent, with its 95 % Wilson interval drawn on a scale common to all rows. "
        "seconds is the latency: the time to answer a prompt once, one at a time, summed over the LLMs that answer; "
        "accuracy is maj@K's. LLMs/q is how many LLMs answer a question. gap is the part of the way from best-single "
        "to the oracle. p compares with best-single on the same questions (McNemar, not adjusted for looking at many "
        "rows). Below the table is more about the row under the cursor. ↵ on a policy makes it the policy, on an LLM "
        "switches it."
    ),
    "matrix": (
        "Every router (down) with every policy (across), at the values of the sliders; the stronger the shade, the "
        "better. ◆ is the best pair, ▸ the one in use. ↵ goes to the pair under the cursor, w changes the figure."
    ),
    "tradeoff": (
        "Accuracy against seconds (w: dollars) per question, on a logarithmic scale: LLMs, baselines, the router's "
        "policies, the curve of cost-aware over λ, and the Pareto front: what nothing else beats in both; best is the "
        "upper left. Z and X zoom, the arrows move, 0 brings everything back; the mouse's wheel and drag do too. A "
        "label that has no room is left out: zoom in to see it."
    ),
    "questions": (
        "One line per question, one mark per LLM: ✓ right, ✗ wrong, · no answer found; underlined are the LLMs that "
        "were selected, faint those outside the pool. vote is the winning answer's share of the selected LLMs' "
        "samples. Wrong answers are exactly one of unsolvable (no LLM of the pool is right), misrouted (one is, none "
        "selected is) and outvoted (a selected one is, the pooled vote is not); rescued: only the pooled vote is right."
    ),
    "question": (
        "What the router believed (p: probability of being right), what each LLM's samples voted for and what the vote "
        "of the selected LLMs (▸) came to; pooled is all their samples in one vote. Ties go to the answer seen first. "
        "↵ on an LLM shows its generations."
    ),
    "lessons": (
        "Where the setup loses accuracy, then the study's five questions, answered for this pool and split with the "
        "figures behind each answer; last, which LLMs do better on train than the others: they may have seen it."
    ),
    "pools": (
        "The best subsets of all LLMs of the run, ranked on validation by their pooled vote; the other figures are "
        "those of the split on the screen: pooled vote, oracle and seconds if all of the subset answer. ★ marks the "
        "Pareto front where they are ranked, ▸ the pool in use. ↵ makes the subset under the cursor the pool; u brings "
        "the old one back."
    ),
}


def help_spans(tab: str, part: str = "") -> list[Span]:
    """The help: about the focused part and the tab, then every key by section, the tab's own first."""
    spans: list[Span] = [(f"{part.capitalize()}\n", "accent"), (f"{PARTS[part]}\n\n", "plain")] if part in PARTS else []
    spans += [(f"{TABS[tab]}\n", "accent"), (f"{ABOUT[tab]}\n", "plain")]
    own = [each for each in COMMANDS if each.tabs and tab in each.tabs]
    sections: dict[str, list[str]] = {}
    for command in [*own, *(each for each in COMMANDS if each not in own)]:
        if command.keys:
            section = f"On {TABS[tab]}" if command in own else command.section
            sections.setdefault(section, []).append(f"{keys_name(command):>12}  {command.help}")
    for title, lines in sections.items():
        spans.append((f"\n{title}\n", "strong"))
        spans.extend((f"{each}\n", "plain") for each in lines)
    return spans


class HelpScreen(Dialog[None]):
    """A text that scrolls."""

    KEYS: ClassVar[dict[str, str]] = {"↑ ↓ pageup pagedown": "scroll", "esc": "back"}
    DEFAULT_CSS = "HelpScreen > .box { height: 90%; } HelpScreen TextView { height: 1fr; }"

    def __init__(self, tab: str, part: str) -> None:
        super().__init__()
        self._tab, self._part = tab, part

    def compose(self) -> ComposeResult:
        """The text."""
        with Vertical(classes="box") as box:
            box.border_title = "Help"
            yield TextView(id="help")

    def on_mount(self) -> None:
        """Fills it."""
        self.query_one(TextView).show(help_spans(self._tab, self._part))
        self.query_one(TextView).focus()
