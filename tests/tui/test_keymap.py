"""Every key is in the table of commands, in the help and in the docs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from paths import ROOT
from selectllm_tui.app import ExplorerApp
from selectllm_tui.keymap import COMMANDS
from selectllm_tui.keymap_lookup import markdown
from selectllm_tui.keys import NAMED, USUAL
from selectllm_tui.screens import actions
from selectllm_tui.screens.help import help_entries
from selectllm_tui.tabs import TABS
from tui.explorers import press, settled

if TYPE_CHECKING:
    from pathlib import Path

    from textual.dom import DOMNode

DOCS = ROOT / "docs" / "explorer.md"
TEXTUALS = {"ctrl+c", "super+c"}  # what is selected in a line that one types in
TYPING = {"Input", "QuestionInput", "CommandInput"}  # Textual's line editors have the keys of every line editor


def described(tab: str) -> str:
    return "\n".join("".join(text for text, _ in entry.spans) for entry in help_entries(tab))


def test_every_command_does_something() -> None:
    for command in COMMANDS:
        if command.scope in {"main", "pool"}:
            assert (command.do is not None) != hasattr(actions, f"do_{command.name}"), command.name


@pytest.mark.parametrize("tab", TABS)
def test_the_help_has_every_command_and_says_what_the_tab_is(tab: str) -> None:
    shown = described(tab)
    assert USUAL.worded(TABS[tab].about) in shown
    assert not re.search(r"\{\w+\}", shown), "no command of that name"
    for command in COMMANDS:
        assert f"{USUAL.written(command)}  {USUAL.worded(command.help)}" in shown, command.name


def test_the_docs_have_every_command() -> None:
    assert markdown() in DOCS.read_text("utf-8"), "run tools/keys.py"


def test_every_command_has_a_name_and_no_key_does_two_things_in_one_place() -> None:
    assert len(NAMED) == len(COMMANDS)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in NAMED)
    heard = [(command.scope, key) for command in COMMANDS for key in command.keys]
    assert sorted(heard) == sorted({*heard})


async def test_every_binding_of_every_screen_is_a_command(cache: Path) -> None:
    app = ExplorerApp(cache=cache)

    def check(node: DOMNode) -> None:
        for part in node.walk_children(with_self=True):
            if type(part).__name__ not in TYPING:
                for key, binding in part._bindings:
                    ours = binding.id in NAMED and key in NAMED[binding.id].keys
                    assert ours or key in TEXTUALS or type(part).__module__.startswith("textual."), (part, key, binding)

    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        for _ in TABS:
            await press(pilot, "right_square_bracket")
        check(screen)
        screen.set_state(screen.state.look(tab="question"))
        for opening in (["question_mark"], ["f"], ["e"], ["i"], ["enter"], ["slash"]):
            await press(pilot, *opening)
            assert app.screen is not screen
            check(app.screen)
            await press(pilot, "escape")
