"""What `[tui]` of selectllm.toml says, with its names of themes, tabs, commands and keys looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.binding import Binding

from selectllm_engine.errors import UsageError, did_you_mean
from selectllm_engine.settings import FILE
from selectllm_tui.commands.command import meet
from selectllm_tui.keys import NAMED, key_name
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
        keys: Textual's names of the keys that take the place of a command's own, by its name.
    """

    theme: str | None = None
    ascii: bool = False
    start: str | None = None
    resume: bool = True
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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


def _keys(given: Mapping[str, str | list[str]]) -> dict[str, tuple[str, ...]]:
    """The chosen keys; raises UsageError where one isn't a key, or would do two things where both are heard."""
    chosen: dict[str, tuple[str, ...]] = {}
    for name, keys in given.items():
        if name not in NAMED:
            raise UsageError(f"{FILE}: there is no command tui.keys.{name}", did_you_mean(name, NAMED))
        chosen[name] = tuple(_key(name, each) for each in ([keys] if isinstance(keys, str) else keys))
    for name, taken in chosen.items():
        new = {*taken} - {*NAMED[name].keys}  # what is its own already may stand behind another's
        for other, command in NAMED.items():
            gives_way = command.scope == "pool" and command.llm is not None  # a letter, which the prefix takes, too
            own = () if gives_way else command.keys
            both = {*taken} & {*chosen[other]} if other in chosen else new & {*own}
            if both and other != name and meet(NAMED[name].scope, command.scope):
                raise UsageError(
                    f"{FILE}: tui.keys.{name} is {key_name(min(both))!r}, which is already the key of {other!r}",
                    f"choose another, or give {other!r} another key, too",
                )
    return chosen


def _key(name: str, key: str) -> str:
    """Textual's name of a key; raises UsageError where it is none."""
    head, plus, last = key.rpartition("+") if len(key) > 1 else ("", "", key)
    plain = _named(last) if len(last) == 1 and last.isprintable() else last if last in _NAMES else None
    if plain is None or (plus and head not in {"ctrl", "alt", "shift", "super"}):
        raise UsageError(
            f"{FILE}: tui.keys.{name} has {key!r}, which is no key",
            "write a character, f1 to f12, ctrl+ with one of them, or a name such as space, pageup or up",
        )
    return f"{head}{plus}{plain}"


def _named(character: str) -> str:
    """What Textual calls the key of a character; commas and spaces part keys in its bindings."""
    apart = {",": "comma", " ": "space"}.get(character)
    return apart or next(iter(Binding.make_bindings([Binding(character, "")]))).key
