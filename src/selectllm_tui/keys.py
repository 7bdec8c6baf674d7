"""The keys of one explorer: those of the table of commands or what a person chose instead, and how they are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from textual.keys import key_to_character

from selectllm_tui.keymap import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from textual.app import App

    from selectllm_tui.commands import Command

__all__ = ["NAMED", "USUAL", "Keys", "key_name", "keys_in"]

NAMED: dict[str, Command] = {command.setting: command for command in COMMANDS}
NAMES = {"enter": "↵", "escape": "esc", "space": "space", "up": "↑", "down": "↓", "left": "←", "right": "→"}
NAMES |= {"plus": "+", "minus": "-", "slash": "/", "backslash": "\\", "underscore": "_", "at": "@"}


def key_name(key: str) -> str:
    """A key as people write it."""
    if key.startswith("ctrl+"):
        return f"ctrl+{key_name(key.removeprefix('ctrl+'))}"
    if key[0] == "f" and key[1:].isdigit():
        return key.upper()
    written = NAMES.get(key) or key_to_character(key) or key
    return written if written.isprintable() else key


class Keys:
    """The keys of one explorer.

    Args:
        chosen: Textual's names of the keys that take the place of a command's own, by what `[tui.keys]` calls it.
    """

    def __init__(self, chosen: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._chosen = chosen or {}

    @property
    def keymap(self) -> dict[str, str]:
        """As Textual takes them, which knows bindings by the same names."""
        return {name: ",".join(keys) for name, keys in self._chosen.items()}

    def of(self, command: Command) -> tuple[str, ...]:
        """The keys of a command."""
        return self._chosen.get(command.setting, command.keys)

    def written(self, command: Command) -> str:
        """All keys of a command as people write them; those of its whole family where they are as they were."""
        if command.family and command.setting not in self._chosen:
            return command.family
        return " ".join(map(key_name, self.of(command)))

    def first(self, command: Command) -> str:
        """The key of a command for where there is little room."""
        return self.written(command).partition(" ")[0]

    def hint(self, names: str) -> str:
        """The first keys of some commands of `[tui.keys]`, for the edge of a box; what is none of them stays."""
        found = (NAMED.get(name.replace("-", "_"), name) for name in names.split())  # filters are named with a minus
        return " ".join(each if isinstance(each, str) else self.first(each) for each in found)

    def worded(self, text: str) -> str:
        """A sentence in which `{undo}` stands for the key of that command."""
        return re.sub(r"\{(\w+)\}", lambda found: self.first(NAMED[found[1]]) if found[1] in NAMED else found[0], text)

    def listed(self, commands: Iterable[Command]) -> Iterator[tuple[Command, str]]:
        """Commands with their keys as people write them, each family once."""
        seen: set[tuple[str, str]] = set()
        for command in commands:
            written = self.written(command)
            if not command.family or (command.scope, written) not in seen:
                seen.add((command.scope, written))
                yield command, written

    def llm_switch(self, key: str) -> Command | None:
        """What switches the LLM with a key, from anywhere."""
        return next((each for each in COMMANDS if each.llm is not None and key in self.of(each)), None)


USUAL = Keys()


def keys_in(app: App[Any]) -> Keys:
    """The keys of an app: the usual ones where that has none of its own."""
    keys = getattr(app, "keys", USUAL)
    return keys if isinstance(keys, Keys) else USUAL
