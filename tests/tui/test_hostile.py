"""Text from data stays text: on every tab and dialog, whatever is pressed and clicked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from textual.events import Paste

from fakes import fake_questions
from selectllm_engine.store.cache import Cache
from selectllm_tui.app import ExplorerApp
from selectllm_tui.tabs import TABS
from tui.explorers import ESCAPES, HOSTILE, INVISIBLE, MARKUP, idle, press, settled, write_hostile_run

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

# C0, DEL, C1, bidirectional controls, zero-width and line separators: nothing of it may reach a terminal from data.
RAW = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

SCROLLING = {"grab", "release", "scroll_up", "scroll_down"}  # what Textual's own scroll bars do


@pytest.fixture(scope="module")
def hostile_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    write_hostile_run(root)
    return root


def painted(pilot: Pilot[None]) -> list[str]:
    """Every line on the screen, and no link or action in any of it but the explorer's own."""
    compositor = pilot.app.screen._compositor
    lines = []
    for strip in compositor.render_strips():
        for segment in strip:
            for event, action in (segment.style.meta if segment.style else {}).items():
                if event.startswith("@"):
                    assert str(action).startswith("screen.show_tab(") or action in SCROLLING, action
            assert not (segment.style and segment.style.link), segment
        lines.append(strip.text)
    return lines


def check(pilot: Pilot[None]) -> str:
    lines = painted(pilot)
    for line in lines:
        assert not RAW.search(line), ascii(line)
    assert pilot.app.is_running
    return "\n".join(lines)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_every_tab_shows_hostile_data_harmlessly(hostile_cache: Path, size: tuple[int, int]) -> None:
    app = ExplorerApp(cache=hostile_cache)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        seen = ""
        for _ in TABS:
            seen += check(pilot)
            await press(pilot, "right_square_bracket")
        assert "⟨U+202E⟩" in seen
        assert "␛" in seen
        assert "[@click=app.quit]" in seen


async def test_keys_on_hostile_data_are_harmless(hostile_cache: Path) -> None:
    app = ExplorerApp(cache=hostile_cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for _ in TABS:
            await press(pilot, "2", "r", "p", "w", "s", "down", "u", "m", "right_square_bracket")
            check(pilot)


async def test_every_dialog_shows_hostile_data_harmlessly(hostile_cache: Path) -> None:
    app = ExplorerApp(cache=hostile_cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "right_square_bracket", "right_square_bracket", "right_square_bracket", "F", "enter")
        check(pilot)
        for opening in (["question_mark"], ["f"], ["e"], ["slash", "left_square_bracket"], ["ctrl+p"], ["ctrl+p", "l"]):
            await press(pilot, *opening)
            check(pilot)
            await press(pilot, "escape")
        await press(pilot, "escape", "escape", "enter", "y", "enter")
        shown = check(pilot)
        assert "␛" in shown
        for key in ("down", "down", "space", "escape"):
            await press(pilot, key)
            check(pilot)
        await press(pilot, "i", "left_square_bracket", "enter")  # the router can't be loaded, and its name is hostile
        assert "[@click=app.quit]" in check(pilot)


async def test_screens_for_when_there_is_nothing_to_explore_show_hostile_names_harmlessly(tmp_path: Path) -> None:
    for name in (MARKUP, f"two{ESCAPES}{INVISIBLE}"):
        Cache(tmp_path).write_questions(name, fake_questions({"test": 2}))
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in ([], ["down"], ["enter"], ["ctrl+r"]):  # a choice of benchmarks, then one without any LLM
            await pilot.press(*keys)
            await idle(app)
            await pilot.pause()
            shown = check(pilot)
        assert "␛" in shown


async def test_clicking_all_over_the_screen_runs_no_action_of_the_data(hostile_cache: Path) -> None:
    app = ExplorerApp(cache=hostile_cache)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        for tab in TABS:
            screen = pilot.app.screen
            screen.set_state(screen.state.look(tab=tab))
            await settled(pilot)
            for y in (2, 6, 12, 24):
                for x in (5, 30, 60):
                    await pilot.click(offset=(x, y))
                    await settled(pilot)
                    while pilot.app.screen is not screen:
                        await press(pilot, "escape")
                    if screen.state.view.tab != tab:
                        screen.set_state(screen.state.look(tab=tab))
                        await settled(pilot)
            check(pilot)


async def test_exports_of_hostile_data_hold_no_raw_control(
    hostile_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = ExplorerApp(cache=hostile_cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "e", "c", "e", "m", "e", "s")
    files = sorted(tmp_path.iterdir())
    assert [path.suffix for path in files] == [".csv", ".md", ".svg"]
    for path in files:
        assert not RAW.search(path.read_text("utf-8").replace("\n", "")), path.suffix
        assert re.fullmatch(r"[\w.-]+", path.name)


@pytest.mark.parametrize("opening", ["slash", "i", "ctrl+p"])
async def test_what_is_pasted_reaches_no_terminal_raw(hostile_cache: Path, opening: str) -> None:
    app = ExplorerApp(cache=hostile_cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, opening)
        app.post_message(Paste(HOSTILE))
        await pilot.pause()
        assert "⟨U+202E⟩" in check(pilot)
        await press(pilot, "enter")
        check(pilot)
