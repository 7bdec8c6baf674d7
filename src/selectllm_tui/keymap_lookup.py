"""What Textual, the footer, the help and the docs make of the table of keys."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from selectllm_tui.keymap import COMMANDS, Command, Target
from selectllm_tui.tabs import TABS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selectllm_tui.preconditions import Context

__all__ = [
    "FIXED",
    "at_key",
    "bindings",
    "choose_keys",
    "first_key",
    "footer",
    "key_name",
    "keys_name",
    "keys_of",
    "markdown",
    "named_in_settings",
    "of_target",
    "why_not",
]

FIXED = ("generations", "columns", "pool", "textual")  # parts whose keys stay: what they are is said elsewhere, too
_OWN = 10  # the rank of a tab's own commands
NAMES = {
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "full_stop": ".",
    "comma": ",",
    "slash": "/",
    "number_sign": "#",
    "question_mark": "?",
    "asterisk": "*",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "enter": "↵",
    "escape": "esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "semicolon": ";",
    "ampersand": "&",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "underscore": "_",
    "vertical_line": "|",
    "backslash": "\\",
    "quotation_mark": '"',
}
SPANS = {"toggle": "1-9", "toggle_by_letter": "b-z A-Z"}  # of commands that take many keys


def key_name(key: str) -> str:
    """A key as people write it."""
    if key.startswith("ctrl+"):
        return f"ctrl+{key_name(key.removeprefix('ctrl+'))}"
    return NAMES.get(key, key.upper() if key[0] == "f" and key[1:].isdigit() else key)


def keys_name(command: Command) -> str:
    """All keys of a command as people write them."""
    return SPANS.get(command.name) or " ".join(key_name(key) for key in keys_of(command))


_CHOSEN: dict[tuple[str, str], tuple[str, ...]] = {}  # by target and first own key; of the explorer that runs


def choose_keys(keys: Mapping[tuple[str, str], tuple[str, ...]]) -> dict[str, str]:
    """Other keys than the table's from now on, by target and a command's first own key; returns Textual's keymap."""
    _CHOSEN.clear()
    _CHOSEN.update(keys)
    return {
        f"{command.target}:{key}": ",".join(chosen)
        for command in COMMANDS
        if command.keys and (chosen := keys.get((command.target, command.keys[0])))
        for key in command.keys
    }


def keys_of(command: Command) -> tuple[str, ...]:
    """The keys that a command has now."""
    return _CHOSEN.get((command.target, next(iter(command.keys), "")), command.keys)


def named_in_settings() -> dict[str, Command]:
    """The commands whose keys can be chosen, by the names that `[tui.keys]` has for them."""
    named: dict[str, Command] = {}
    for command in COMMANDS:
        if command.keys and command.target not in FIXED and command.name not in SPANS:
            name = command.name if command.target == "main" else f"{command.target}_{command.title}".replace(" ", "_")
            named[name] = command
    return named


def first_key(command: Command) -> str:
    """The key of a command for the footer, which has little room."""
    return keys_name(command).partition(" ")[0]


@cache
def footer(tab: str) -> tuple[tuple[Command, str, tuple[bool, bool, int]], ...]:
    """The commands that the footer offers on a tab, the most important first.

    Each with its title there and its place on the line: everybody's, the tab's own, help and the like.
    """
    own = TABS[tab].footer
    named = {command.name: (command, at) for at, command in reversed([*enumerate(COMMANDS)]) if command.keys}
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


def of_target(target: Target) -> Iterator[Command]:
    """The commands that a part of the screen binds."""
    return (command for command in COMMANDS if command.target == target)


def bindings(target: Target) -> list[BindingType]:
    """The bindings of a part of the screen.

    Keys of the main screen and of its pool all lead to `press`, which looks up what the key does on the current tab.
    """
    made: dict[str, Binding] = {}
    for command in of_target(target):
        for key in command.keys:
            action = f"press('{key}')" if target in {"main", "pool"} else command.name
            made.setdefault(key, Binding(key, action, command.title, show=False, id=f"{target}:{key}"))
    return list(made.values())


def at_key(key: str, tab: str, target: Target = "main") -> Command | None:
    """What a key of the main screen does on a tab; where it acts on other tabs only, that command."""
    candidates = [command for command in of_target(target) if key in command.keys]
    return next((each for each in candidates if not each.tabs or tab in each.tabs), next(iter(candidates), None))


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
    names = {command: name for name, command in named_in_settings().items()}
    section = ""
    for command in COMMANDS:
        if not command.keys:  # the palette's alone
            continue
        if command.section != section:
            section = command.section
            rows.append(f"| | **{section}** | |")
        keys = " ".join(f"`{key}`" for key in keys_name(command).split(" "))
        rows.append(f"| {keys} | {command.help} | {f'`{names[command]}`' if command in names else ''} |")
    return "\n".join(rows) + "\n"
