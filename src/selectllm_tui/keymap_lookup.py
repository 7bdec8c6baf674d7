"""What Textual, the footer and the docs make of the table of keys, and whether a command can act."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from selectllm_tui.keymap import COMMANDS
from selectllm_tui.keys import USUAL
from selectllm_tui.tabs import TABS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selectllm_tui.commands import Command, Scope
    from selectllm_tui.preconditions import Context

__all__ = ["bindings", "footer", "markdown", "why_not"]

_OWN = 10  # the rank of a tab's own commands


@cache
def footer(tab: str) -> tuple[tuple[Command, str, tuple[bool, bool, int]], ...]:
    """The commands that the footer offers on a tab, the most important first.

    Each with its title there and its place on the line: everybody's, the tab's own, help and the like.
    """
    own = TABS[tab].footer
    heard = [(at, command) for at, command in enumerate(COMMANDS) if command.scope in {"main", "app"}]
    named = {command.name: (command, at) for at, command in heard}
    ranks = {name: command.rank for name, (command, _) in named.items() if command.rank is not None}
    offered = []
    for name in sorted({*ranks, *own}, key=lambda name: (*_rank(name, ranks, [*own]), named[name][1])):
        command, at = named[name]
        if not command.tabs or tab in command.tabs:
            offered.append((command, own.get(name) or command.title, (command.at_end, name in own, at)))
    return tuple(offered)


def _rank(name: str, ranks: Mapping[str, int], own: Sequence[str]) -> tuple[int, int]:
    """A tab's own commands come in their order after the first four of everybody's."""
    rank = ranks.get(name, _OWN)
    return (_OWN, own.index(name)) if name in own and rank >= _OWN else (rank, 0)


def bindings(*scopes: Scope) -> list[BindingType]:
    """The bindings of a screen or a part of one, known to Textual by what `[tui.keys]` calls them."""
    return [
        Binding(key, _action(command), command.title, show=False, id=command.setting, priority=command.scope == "app")
        for command in COMMANDS
        if command.scope in scopes
        for key in command.keys
    ]


def _action(command: Command) -> str:
    return command.action or f"screen.press('{command.setting}')"


def why_not(command: Command, context: Context) -> str | None:
    """Why a command cannot act now; None where it can."""
    if context.space is None and command.name not in {"quit", "help", "reload", "back"}:
        return "no results are loaded"
    if command.tabs and context.state.view.tab not in command.tabs:
        *others, last = (TABS[tab].title for tab in command.tabs)
        return f"only on {', '.join(others)} and {last}" if others else f"only on {last}"
    return command.reason(context)


def markdown() -> str:
    """The table of keys for the docs."""
    rows = ["| key | what it does | in `[tui.keys]` |", "|---|---|---|"]
    for section, commands in groupby(USUAL.listed(COMMANDS), lambda each: each[0].section):
        rows.append(f"| | **{section}** | |")
        for command, written in commands:
            family = [each.setting for each in COMMANDS if command.family and each.family == command.family]
            names = f"`{family[0]}` to `{family[-1]}`" if family else f"`{command.setting}`"
            rows.append(
                f"| {' '.join(f'`{key}`' for key in written.split(' '))} | {USUAL.worded(command.help)} | {names} |"
            )
    return "\n".join(rows) + "\n"
