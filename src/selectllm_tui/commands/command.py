"""One thing that keys do, and where they do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from selectllm_tui import preconditions

if TYPE_CHECKING:
    from selectllm_tui import transitions as to

__all__ = ["Command", "Scope", "commands_of", "meet"]

# What hears a key: all of the explorer, the main screen or its dialogs, a part with the cursor, one dialog.
# fmt: off
Scope = Literal[
    "app", "screen", "main", "pool", "table", "grid", "sliders", "plot", "text",
    "dialog", "generations", "side_by_side", "comparison", "groups", "filters", "copy", "export", "help", "ask",
    "loading", "problem",
]
# fmt: on
DIALOG: tuple[Scope, ...] = ("dialog", "screen")
LISTING: tuple[Scope, ...] = ("comparison", "groups", "filters", "copy", "export", "help")
READING: tuple[Scope, ...] = ("generations", "side_by_side", "ask", "problem")
# What hears the keys that a scope doesn't take, where both may not have one key. The pool's letters are the main
# screen's, too: where the cursor is in the pool, they are the LLMs'. The plot takes tab from the screen until its last
# point.
BEHIND: dict[Scope, tuple[Scope, ...]] = {
    "main": ("screen",),
    "pool": ("table", "screen"),
    "table": ("main", "dialog", "screen", *LISTING, *READING),
    "grid": ("table", "main", "screen"),
    "sliders": ("table", "main", "screen"),
    "plot": ("main",),
    "text": ("main", "dialog", "screen", *READING),
    "dialog": ("screen",),
    **dict.fromkeys((*LISTING, "generations", "side_by_side", "ask"), DIALOG),
}
UNPREFIXED: tuple[Scope, ...] = ("app", "screen", "main", "pool")  # whose commands `[tui.keys]` calls by their names


def meet(one: Scope, other: Scope) -> bool:
    """Whether a key of both would do two things."""
    return one == other or "app" in (one, other) or other in BEHIND.get(one, ()) or one in BEHIND.get(other, ())


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that keys do.

    Attributes:
        name: what it is called in code, once in a scope.
        keys: Textual's names of its keys.
        title: for the footer and the palette, a few words.
        help: one sentence for the help.
        section: under which heading of the help it stands.
        scope: what hears its keys.
        tabs: the tabs on which it acts; empty for all.
        palette: whether the palette offers it.
        reason: why it cannot act now, or None.
        do: the state that it leads to; None where more is done than that, by `screens.actions.do_<name>`, or where it
            has an action.
        action: Textual's action of the part of the screen or the dialog.
        rank: its place among those for which the footer has room, the smaller the sooner; a tab's own come in between.
        at_end: whether it stands at the end of the footer.
        llm: the place in the run of the LLM that it switches.
        family: how the keys of all commands like it are written, which help and docs name once.
    """

    name: str
    keys: tuple[str, ...]
    title: str
    help: str
    section: str
    scope: Scope = "main"
    tabs: tuple[str, ...] = ()
    palette: bool = True
    reason: preconditions.Reason = preconditions.always
    do: to.Transition | None = None
    action: str = ""
    rank: int | None = None
    at_end: bool = False
    llm: int | None = None
    family: str = ""

    @property
    def setting(self) -> str:
        """What `[tui.keys]` calls it."""
        return self.name if self.scope in UNPREFIXED else f"{self.scope}_{self.name}"


def commands_of(scope: Scope, section: str, *rows: tuple[str, str, str, str], family: str = "") -> tuple[Command, ...]:
    """Those of a part of the screen or of a dialog: name, keys, action and help of each."""
    return tuple(
        Command(
            name,
            tuple(keys.split()),
            name.replace("_", " "),
            sentence,
            section,
            scope,
            palette=False,
            action=action,
            family=family,
        )
        for name, keys, action, sentence in rows
    )
