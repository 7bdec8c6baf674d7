"""What `[tui]` of selectllm.toml says, with its names of themes, tabs, commands and keys looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.keys import _character_to_key

from selectllm_engine.errors import UsageError, did_you_mean
from selectllm_engine.settings import FILE
from selectllm_tui.keymap import COMMANDS, Command
from selectllm_tui.keymap_lookup import FIXED, key_name, named_in_settings
from selectllm_tui.tabs import ARRANGED, TABS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.settings import Settings

__all__ = ["AUTO", "Preferences", "preferences"]

AUTO = "auto"  # the theme that goes with the terminal's background
_NAMES = {  # keys that are no character
    *("tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown", "enter", "escape"),
    *("up", "down", "left", "right", *(f"f{number}" for number in range(1, 13))),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a person wants the explorer.

    Attributes:
        theme: its name, "auto", or None for the usual one or that of last time.
        ascii: draw with ASCII characters alone.
        start: the tab to start on; None for the first or that of last time.
        resume: start with the setup of last time.
        columns: of tabs, which are shown and in which order.
        keys: Textual's names of the keys that take the place of a command's own, by target and first own key.
    """

    theme: str | None = None
    ascii: bool = False
    start: str | None = None
    resume: bool = True
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    keys: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)


def preferences(settings: Settings) -> Preferences:
    """What the settings say of the explorer.

    Raises:
        UsageError: a name in them is not known, or a key would do two things.
    """
    given = settings.tui
    return Preferences(
        theme=_known("theme", given.get("theme"), (AUTO, *_themes())) if "theme" in given else None,
        ascii=given.get("glyphs") == "ascii",
        start=_known("start", given.get("start"), TABS) if "start" in given else None,
        resume=given.get("resume", True),
        columns=tuple((tab, _columns(tab, chosen)) for tab, chosen in given.get("columns", {}).items()),
        keys=_keys(given.get("keys", {})),
    )


def _themes() -> list[str]:
    from textual.theme import BUILTIN_THEMES

    from selectllm_tui.themes import THEMES

    return sorted({*BUILTIN_THEMES, *(theme.name for theme in THEMES)})


def _known(key: str, name: str | None, known: Mapping[str, object] | tuple[str, ...]) -> str:
    if name is None or name not in known:
        raise UsageError(f"{FILE}: tui.{key} is {name!r}", did_you_mean(name, known))
    return name


def _columns(tab: str, given: str | list[str]) -> tuple[str, ...]:
    """The columns chosen for a tab, with the one that says what a row is."""
    if tab not in ARRANGED:
        raise UsageError(f"{FILE}: there is no table tui.columns.{tab}", did_you_mean(tab, ARRANGED))
    known = TABS[tab].columns
    chosen = tuple(dict.fromkeys([given] if isinstance(given, str) else given))
    if unknown := next((each for each in chosen if each not in known), None):
        raise UsageError(f"{FILE}: tui.columns.{tab} has no column {unknown!r}", did_you_mean(unknown, known))
    return chosen if known[0] in chosen else (known[0], *chosen)


def _keys(given: Mapping[str, str | list[str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The chosen keys; raises UsageError where one isn't a key, or would do two things in one part of the screen."""
    named = named_in_settings()
    chosen: dict[Command, tuple[str, tuple[str, ...]]] = {}
    for name, keys in given.items():
        if name not in named:
            raise UsageError(f"{FILE}: there is no command tui.keys.{name}", did_you_mean(name, named))
        command = named[name]
        chosen[command] = (name, tuple(_key(name, each) for each in ([keys] if isinstance(keys, str) else keys)))
    for command, (name, taken) in chosen.items():
        for other in COMMANDS:
            others = chosen[other][1] if other in chosen else other.keys
            if other is not command and _meet(command, other) and (both := [key for key in taken if key in others]):
                raise UsageError(
                    f"{FILE}: tui.keys.{name} is {key_name(both[0])!r}, which is already the key of {other.title!r}",
                    "choose another, or give that command another key, too",
                )
    return {(command.target, command.keys[0]): each for command, (_, each) in chosen.items()}


def _meet(one: Command, other: Command) -> bool:
    """Whether a key of both would do two things: parts of the screen have keys of their own, the tabs share theirs."""
    here = one.target == other.target or "main" in {one.target, other.target} or other.target == "textual"
    apart = one.target in FIXED[:-1] or other.target in FIXED[:-1]
    return here and not apart and (not one.tabs or not other.tabs or bool({*one.tabs} & {*other.tabs}))


def _key(name: str, key: str) -> str:
    """Textual's name of a key; raises UsageError where it is none."""
    head, plus, last = key.rpartition("+") if len(key) > 1 else ("", "", key)
    plain = _character_to_key(last) if len(last) == 1 else last if last in _NAMES else None
    if plain is None or (plus and head not in {"ctrl", "alt", "shift", "super"}):
        raise UsageError(
            f"{FILE}: tui.keys.{name} has {key!r}, which is no key",
            "write a character, f1 to f12, ctrl+ with one of them, or a name such as space, pageup or up",
        )
    return f"{head}{plus}{plain}"
