"""The footer: what the keys do here, dimmed where they can't, and for a moment why one couldn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message
from textual.reactive import reactive

from selectllm_tui.commands import COMMANDS, Command, keys_name, why_not
from selectllm_tui.widgets.paint import Painting, Span, fit, width_of

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from selectllm_tui.reasons import Context

__all__ = ["KeyBar"]

SECONDS = 4.0


class KeyBar(Painting):
    """Keys by rank, as many as fit; click one to press it. `say` replaces them by a sentence for a moment."""

    DEFAULT_CSS = "KeyBar { height: 1; background: $surface; }"

    context: reactive[Context | None] = reactive(None)
    message: reactive[Span | None] = reactive(None)

    @dataclass
    class Pressed(Message):
        """A key was clicked."""

        command: Command

    def say(self, text: str, *, style: str = "warn") -> None:
        """Shows a sentence for a few seconds."""
        self.message = (text, style)
        self._stamp = getattr(self, "_stamp", 0) + 1
        stamp = self._stamp
        self.set_timer(SECONDS, lambda: self._forget(stamp))

    def done(self) -> None:
        """Takes the progress of long work away."""
        if self.message is not None and self.message[1] == "muted":
            self.message = None

    def _forget(self, stamp: int) -> None:
        if stamp == self._stamp:
            self.message = None

    def entries(self, width: int) -> list[tuple[Command, list[Span]]]:
        """The commands that fit into `width` by their rank, in the order of the table."""
        if self.context is None:
            return []
        tab = self.context.state.view.tab
        acting = [each for each in COMMANDS if each.footer and (not each.tabs or tab in each.tabs)]
        chosen: dict[int, tuple[Command, list[Span]]] = {}
        used = 1
        for at in sorted(range(len(acting)), key=lambda at: acting[at].footer):
            command = acting[at]
            dim = why_not(command, self.context) is not None
            spans: list[Span] = [
                (keys_name(command), "faint" if dim else "accent"),
                (f" {command.title}  ", "faint" if dim else "muted"),
            ]
            if used + width_of(spans) <= width:
                chosen[at] = (command, spans)
                used += width_of(spans)
        return [chosen[at] for at in sorted(chosen)]

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The one line."""
        width = self.size.width
        if self.message is not None:
            spans: list[Span] = [(" ", "plain"), self.message]
        else:
            spans = [(" ", "plain"), *(span for _, entry in self.entries(width) for span in entry)]
        return self.painted(fit(spans, width))

    def on_click(self, event: events.Click) -> None:
        """A click on a key presses it; on a sentence dismisses it."""
        if self.message is not None:
            self.message = None
            return
        left = 1
        for command, spans in self.entries(self.size.width):
            right = left + width_of(spans)
            if left <= event.x < right - 1:
                self.post_message(self.Pressed(command))
                return
            left = right
