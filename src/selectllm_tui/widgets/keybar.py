"""The footer: what the keys do here, dimmed where they can't, and for a moment why one couldn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message
from textual.reactive import reactive

from selectllm_tui.keymap_lookup import footer, why_not
from selectllm_tui.keys import keys_in
from selectllm_tui.widgets.paint import Painting, Span, fit, width_of

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from selectllm_tui.commands import Command
    from selectllm_tui.preconditions import Context

__all__ = ["KeyBar"]

SECONDS = 4.0


class KeyBar(Painting):
    """Keys by rank, as many as fit; click one to press it. `say` replaces them by a sentence for a moment."""

    DEFAULT_CSS = "KeyBar { height: 1; background: $surface; }"

    context: reactive[Context | None] = reactive(None)
    message: reactive[Span | None] = reactive(None)
    prefix: reactive[str] = reactive("")  # what the next key is taken for

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
        """The commands that fit into `width` by their rank, in the order of their places."""
        if self.context is None:
            return []
        chosen: list[tuple[tuple[bool, bool, int], Command, list[Span]]] = []
        used, keys = 1, keys_in(self.app)
        for command, title, place in footer(self.context.state.view.tab):
            dim = why_not(command, self.context) is not None
            spans: list[Span] = [
                (keys.first(command), "faint" if dim else "accent"),
                (f" {title}  ", "faint" if dim else "muted"),
            ]
            if used + width_of(spans) <= width + 2:  # the last one needs no space after it
                chosen.append((place, command, spans))
                used += width_of(spans)
        return [(command, spans) for _, command, spans in sorted(chosen, key=lambda each: each[0])]

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The one line."""
        width = self.size.width
        if told := (self.prefix, "accent") if self.prefix else self.message:
            spans: list[Span] = [(" ", "plain"), told]
        else:
            spans = [(" ", "plain"), *(span for _, entry in self.entries(width) for span in entry)]
            spans[-1] = (spans[-1][0].rstrip(), spans[-1][1])
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
