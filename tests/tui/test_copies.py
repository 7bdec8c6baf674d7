"""What is copied: to the terminal, the system and tmux; the command and the Python give the same figures again."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from selectllm_engine.api import load
from selectllm_tui import clipboard
from selectllm_tui.app import ExplorerApp
from selectllm_tui.cli import main
from selectllm_tui.pager import in_pager
from selectllm_tui.reproduce import command
from selectllm_tui.screens.choice import ChoiceScreen
from selectllm_tui.screens.generations import GenerationsScreen
from selectllm_tui.shown_setup import ShownSetup
from selectllm_tui.snapshots.model import Model
from selectllm_tui.state import State
from tui.explorers import main_of, press, settled

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

NOTE = "sent to the terminal's clipboard, where it takes that (OSC 52)"


async def copy(pilot: Pilot[None], monkeypatch: pytest.MonkeyPatch, *keys: str) -> str:
    """Copies, and waits for what is said of it."""
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(main_of(pilot), "say", lambda text, *_: said.append(text))
        await press(pilot, *keys)
        while not said:
            await settled(pilot)
    return said[-1]


async def test_what_is_copied_is_the_question_on_the_screen(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        for tab in ("question", "questions"):
            screen.set_state(screen.state.look(tab=tab))
            await settled(pilot)
            await press(pilot, "y")
            assert isinstance(app.screen, ChoiceScreen)
            assert await copy(pilot, monkeypatch, "y") == f"question: {NOTE}"
            if tab == "question":
                detail = screen.tab.detail
            title, text = app.clipboard.split("\n\n")[:2]
            assert title.startswith(detail.question_id)
            assert detail.verdict in title
            assert text.startswith(detail.text)
            assert f"gold {detail.gold}" in app.clipboard
            assert all(ballot.llm in app.clipboard for ballot in detail.ballots)
            app.copy_to_clipboard("something else")


async def test_rows_cells_and_tables_are_copied(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        row = screen.headline.row
        await copy(pilot, monkeypatch, "y", "y")
        assert app.clipboard.startswith("▸ argmax\tfake:blurred")
        assert f"\t{100 * row.accuracy:.1f}\t" in app.clipboard
        assert "\n" not in app.clipboard
        await copy(pilot, monkeypatch, "y", "m")
        assert "| ▸ argmax | fake:blurred" in app.clipboard
        await copy(pilot, monkeypatch, "y", "v")
        assert app.clipboard.startswith("kind,name,")
        assert f",{row.accuracy}," in app.clipboard
        await copy(pilot, monkeypatch, "right_square_bracket", "right", "right", "y", "c")
        grid = screen.tab.table
        policy = screen.tab._matrix.policies[grid.place]
        accuracy = screen.tab._matrix.rows[grid.key, policy].accuracy
        assert app.clipboard.lstrip("▸◆ ") == f"{100 * accuracy:.1f}"


async def test_what_cannot_be_copied_is_said_and_the_clipboard_stays(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        app.copy_to_clipboard("before")
        screen.set_state(screen.state.look(tab="questions", search="nosuchword"))
        await settled(pilot)
        assert await copy(pilot, monkeypatch, "y", "v") == "CSV not copied: there is nothing to copy"
        assert app.clipboard == "before"
        screen.most_sent = 3
        screen.set_state(screen.state.look(search=""))
        await settled(pilot)
        assert await copy(pilot, monkeypatch, "y", "v") == "CSV: too long for the terminal, and no tool took it"
        assert app.clipboard == "before"


TABS = ["results", "matrix", "tradeoff", "questions", "question", "lessons", "pools"]
KEYS = {"as it starts": [], "much changed": ["2", "r", "P", "P", "comma", "t", "V"], "released code": ["C", "x"]}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
async def test_the_command_and_the_python_give_the_figures_again(
    cache: Path, keys: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(cache=cache)
    asked = {}
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, *keys)
        shown = {each.row.name: each.row for each in screen.tab._results.entries if each.row is not None}
        for tab in TABS:
            screen.set_state(screen.state.look(tab=tab))
            await settled(pilot)
            if tab == "questions":
                await press(pilot, "down")
            await copy(pilot, monkeypatch, "y", "s")
            asked[tab] = [shlex.split(app.clipboard)]
            await copy(pilot, monkeypatch, "y", "p")
            asked[tab].append(app.clipboard)
        question = screen.state.view.question
    for tab, ((program, *arguments), lines) in asked.items():
        assert program == "selectllm"
        assert main([*arguments, "--format", "json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        *before, last = lines.strip().splitlines()
        names: dict[str, object] = {}
        exec("\n".join([*before, f"found = {last}"]), names)  # noqa: S102
        found = names["found"]
        if tab in {"results", "tradeoff"}:
            rows = {row["name"]: row for row in printed["rows"]}
            again = {row.name: row.as_dict() for row in found.rows}
            assert rows == json.loads(json.dumps(again))
            alike = set(shown) & set(rows)
            assert screen.headline.row.name in alike
            for name in alike:
                row = json.loads(json.dumps(shown[name].as_dict()))
                assert rows[name] == row | {"p_adjusted": rows[name]["p_adjusted"]}, name  # of all rows that are asked
        elif tab in {"questions", "question"}:
            assert arguments[1] == question


def test_names_that_a_shell_would_act_on_are_quoted(cache: Path) -> None:
    model = Model(load("fake", cache))
    evil = "a; rm -rf ~'\x1b[201~\n$(x)"
    state = State(ShownSetup.of(model.space)).look(tab="question", question=evil)
    text = command(state, model.space, None)
    assert text.isprintable()
    words = text.removeprefix("selectllm show ").removesuffix(" --benchmark fake --router fake:blurred --policy argmax")
    done = subprocess.run(["bash", "-c", f"printf %s {words}"], capture_output=True, check=True)
    assert done.stdout.decode() == evil


@pytest.mark.parametrize("tool", ["wl-copy", "xclip", "xsel", "clip.exe"])
def test_the_systems_tools_and_tmux_get_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    for name in (tool, "tmux"):
        fake = tmp_path / name
        fake.write_text(f"#!{sys.executable}\nimport sys\nopen({str(fake)!r} + '.got', 'w').write(sys.stdin.read())\n")
        fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert clipboard.copy_beyond_the_terminal("x") == []  # no display, no tmux
    needs = {"wl-copy": "WAYLAND_DISPLAY", "clip.exe": "WSL_DISTRO_NAME"}.get(tool, "DISPLAY")
    monkeypatch.setenv(needs, "fake")
    monkeypatch.setenv("TMUX", "fake")
    assert clipboard.copy_beyond_the_terminal("a text", seconds=120.0) == [tool, "tmux's buffer"]
    assert (tmp_path / f"{tool}.got").read_text() == (tmp_path / "tmux.got").read_text() == "a text"


def test_a_tool_that_fails_has_taken_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "xclip"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(clipboard, "tools", lambda: {"xclip": [str(fake)]})
    assert clipboard.copy_beyond_the_terminal("x") == []
    monkeypatch.setattr(clipboard, "tools", lambda: {"xclip": [str(tmp_path / "nothing")]})
    assert clipboard.copy_beyond_the_terminal("x") == []


async def test_a_generation_is_copied_and_opened_in_the_pager(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="question"))
        await settled(pilot)
        await press(pilot, "enter")
        assert isinstance(app.screen, GenerationsScreen)
        assert await copy(pilot, monkeypatch, "n", "y") == f"generation: {NOTE}"
        assert app.clipboard == app.screen._samples[1].text
        await press(pilot, "E")  # no terminal to hand over
        assert "no pager can take the screen here" in str(app.screen.query_one("#generation-title")._lines)


class FakeApp:
    """An app that can be suspended."""

    def suspend(self) -> FakeApp:
        return self

    def __enter__(self) -> None:
        """Nothing to restore."""

    def __exit__(self, *_: object) -> None:
        """Nothing to take back."""


def test_the_pager_gets_what_can_be_seen_and_one_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen, pager = tmp_path / "seen", tmp_path / "pager"
    pager.write_text(f'#!/bin/sh\ncat "$2" > {seen}\n')
    pager.chmod(0o755)
    monkeypatch.setenv("PAGER", f"{pager} -R")
    assert in_pager(FakeApp(), "one\n\x1b[2Jtwo") == ""
    assert seen.read_text("utf-8") == "one\n␛[2Jtwo"
    monkeypatch.setenv("PAGER", str(tmp_path / "nothing"))
    assert "No such file" in in_pager(FakeApp(), "x")
    monkeypatch.setenv("PAGER", "'")
    assert "No closing quotation" in in_pager(FakeApp(), "x")
