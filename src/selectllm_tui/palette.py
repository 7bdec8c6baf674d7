"""The command palette: every command by name, and every LLM, router, policy and theme."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Provider
from textual.content import Content

from selectllm_tui.keymap import COMMANDS
from selectllm_tui.keymap_lookup import why_not
from selectllm_tui.keys import keys_in
from selectllm_tui.llm_names import families
from selectllm_tui.screens.main import MainScreen
from selectllm_tui.untrusted import safe, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.events import Click

from textual.command import Hits

__all__ = ["ExplorerCommands", "Palette"]

Entry = tuple[str, str, "Callable[[], None]"]  # name, help, what it does


class _Commands(CommandList):
    """Textual's list, on which a click may come that meant what has gone meanwhile."""

    async def _on_click(self, event: Click) -> None:
        event.prevent_default()
        with suppress(IndexError):
            await super()._on_click(event)


class Palette(CommandPalette):
    """Textual's palette, whose list can be asked for a page before it has one, and which closes once."""

    def on_mount(self) -> None:
        """Textual makes the list itself, of a class that can't be chosen."""
        self.query_one(CommandList).__class__ = _Commands

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Leaves; a second click that comes before it has gone does not close what lies below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):  # nothing is laid out yet, or there is no line for it
            super()._action_command_list(action)


class ExplorerCommands(Provider):
    """What the palette offers on the main screen."""

    def entries(self) -> Iterator[Entry]:
        """All of it."""
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return
        context, keys = screen.context(), keys_in(screen.app)
        for command in COMMANDS:
            if command.palette:
                reason = why_not(command, context)
                told = keys.worded(reason) if reason else f"{keys.worded(command.help)}  ({keys.written(command)})"
                yield command.title, told, partial(screen.perform, command)
        state, space = screen.state, screen.model.space
        for name in space.llms:
            verb = "off" if name in state.setup.pool else "on"
            yield f"switch {name} {verb}", "an LLM of the run", partial(screen.toggle, name)
        for word, llms in families(space.llms).items():
            pool = set(state.setup.pool.names)
            off = set(llms) < pool
            changed = state.setup.with_pool(pool - set(llms) if off else {*pool, *llms})
            verb = "off" if off else "on"
            yield f"switch all {word} {verb}", f"{len(llms)} LLMs", partial(screen.set_state, state.change(changed))
        for name in space.routers:
            yield f"router {name}", "use this router", partial(screen.change, router=name)
        for name in space.policies:
            yield f"policy {name}", "use this policy", partial(screen.change, policy=name)
        for at, pin in enumerate(state.pins, 1):
            sentence = f"go back to the pinned setup: {pin.sentence}"
            yield f"pinned setup {at}", sentence, partial(screen.set_state, state.change(pin))
        for split in space.splits:
            yield f"split {split}", "show this split", partial(screen.change, split=split)
        for name in screen.model.run.cache.benchmarks():
            if name != space.benchmark:
                yield f"benchmark {name}", "open this benchmark", partial(screen.open_benchmark, name)
        app = screen.app
        for name in sorted(app.available_themes):
            yield f"theme {name}", "change the colours", partial(setattr, app, "theme", name)

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, sentence, callback in self.entries():
            yield DiscoveryHit(safe(name), callback, text=visible(name), help=_plain(sentence))

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for name, sentence, callback in self.entries():
            shown = visible(name)
            score, offsets = matcher.fuzzy_search.match(query, shown)
            if score > 0:
                text = Text(shown)
                for at in offsets:
                    text.stylize("bold underline", at, at + 1)
                yield Hit(score, text, callback, text=shown, help=_plain(sentence))


def _plain(sentence: str) -> str:
    """A sentence as the markup that shows it as it is: the palette reads markup in its help."""
    return Content(visible(sentence)).markup
