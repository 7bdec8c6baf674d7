"""What the keys do and what the figures mean, those of the tab on the screen first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from selectllm_tui.keymap import COMMANDS
from selectllm_tui.keymap_lookup import keys_name
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.tabs import TABS
from selectllm_tui.widgets.textview import TextView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from selectllm_tui.widgets.paint import Span

__all__ = ["PARTS", "HelpScreen", "help_spans"]

PARTS: dict[str, str] = {
    "pool": (
        "The LLMs of the run, ● switched on, with their accuracy and seconds on the split that is shown; below, what "
        "is known of the one under the cursor. Numbers or space switch one, x leaves only it on, a switches all on."
    ),
    "routers": (
        "The trained routers. ↵ uses the one under the cursor, r the next. Those with `no new text` can't route a "
        "question of your own here: they need an encoder, or only their predictions are known."
    ),
    "policies": (
        "How a router's probabilities become a choice. ↵ uses the policy under the cursor; ← and → move its slider, - "
        "and = that of the policy in use. K is the number of samples that vote: , and . move it."
    ),
}


def help_spans(tab: str, part: str = "") -> list[Span]:
    """The help: about the focused part and the tab, then every key by section, the tab's own first."""
    spans: list[Span] = [(f"{part.capitalize()}\n", "accent"), (f"{PARTS[part]}\n\n", "plain")] if part in PARTS else []
    spans += [(f"{TABS[tab].title}\n", "accent"), (f"{TABS[tab].about}\n", "plain")]
    own = [each for each in COMMANDS if each.tabs and tab in each.tabs]
    sections: dict[str, list[str]] = {}
    for command in [*own, *(each for each in COMMANDS if each not in own)]:
        if command.keys:
            section = f"On {TABS[tab].title}" if command in own else command.section
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
