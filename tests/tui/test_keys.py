"""Keys for hands from elsewhere, and the help that finds a key and presses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from fakes import write_fake_run
from selectllm_tui.app import ExplorerApp
from selectllm_tui.keys import key_name
from selectllm_tui.palette import Palette
from selectllm_tui.preconditions import Context, alike
from selectllm_tui.screens.help import HelpScreen, help_entries
from selectllm_tui.screens.main import MainScreen
from selectllm_tui.shown_setup import ShownSetup, Space
from selectllm_tui.snapshots.search import terms
from selectllm_tui.state import State
from selectllm_tui.tabs import TABS
from selectllm_tui.transitions import search_alike
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.textview import TextView
from tui.explorers import press, settled, type_ahead, until

if TYPE_CHECKING:
    from pathlib import Path

START = State(ShownSetup.of(Space("fake", ("a", "b"), (), {"argmax": None}, 3, ("test",))))


async def test_function_keys_open_the_tabs_and_ctrl_with_an_arrow_steps_through_them(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        for at, name in enumerate(TABS, 1):
            await press(pilot, f"f{at}")
            assert screen.state.view.tab == name
        await press(pilot, "ctrl+right")
        assert screen.state.view.tab == "results"
        await press(pilot, "ctrl+left")
        assert screen.state.view.tab == list(TABS)[-1]


@pytest.mark.parametrize("size", [(120, 40), (20, 5)])
async def test_g_and_shift_g_go_to_the_first_and_last_row_of_every_table(cache: Path, size: tuple[int, int]) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=size) as pilot:
        screen = await settled(pilot)
        for name in TABS:
            screen.set_state(screen.state.look(tab=name, question="test-2"))
            await settled(pilot)
            if (table := screen.tab.table if screen.tab is not None else None) is None or table.id == "limits":
                continue
            table.focus()
            for key, far, near in (("G", "g", "home"), ("end", "home", "g")):
                await press(pilot, far)
                first = table.cursor
                await press(pilot, key)
                last = table.cursor
                assert not any(map(table.rows.key, range(last + 1, len(table.rows))))
                assert last > first
                await press(pilot, near)
                assert table.cursor == first
                assert not any(map(table.rows.key, range(first)))


async def test_half_a_screenful_down_and_up(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 20)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "f4")
        table = screen.query_one("#questions", RowTable)
        await press(pilot, "ctrl+d", "ctrl+d")
        assert table.cursor == 2 * ((table.size.height - 1) // 2) > 2
        await press(pilot, "ctrl+u", "ctrl+u")
        assert table.cursor == 0
        await press(pilot, "f6")
        page = screen.query_one("#lessons-page", TextView)
        await press(pilot, "ctrl+d")
        assert page.scroll_offset.y == page.size.height // 2
        await press(pilot, "ctrl+u")
        assert page.scroll_offset.y == 0


async def test_m_on_results_goes_to_the_misrouted_questions(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        entries = screen.query_one(KeyBar).entries(400)
        assert ("m", " misrouted  ") in [tuple(text for text, _ in spans) for _, spans in entries]
        await press(pilot, "m")
        assert (screen.state.view.tab, screen.state.view.filter) == ("questions", "misrouted")


async def test_keys_behind_one_that_opens_a_dialog_are_the_dialog_s_however_fast_they_come(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        type_ahead(pilot, "f4", "slash", *"test", "enter")
        await until(pilot, lambda: app.screen is screen and screen.state.view.search == "test")
        type_ahead(pilot, "f", "m", "y", "y", "2")
        await until(pilot, lambda: bool(screen.state.past) and app.screen is screen)
        await settled(pilot)
        assert (screen.state.view.tab, screen.state.view.filter) == ("questions", "misrouted")
        assert "question: " in (screen.query_one(KeyBar).message or ("",))[0]


def test_alike_adds_a_term_of_what_the_cursor_is_on_and_takes_it_away_again() -> None:
    of_llm = search_alike(Context(START, None, llm='name with "quotes"'))
    assert (of_llm.view.tab, of_llm.view.search) == ("questions", 'by:"name with "')
    both = search_alike(Context(of_llm, None, subject="leap years"))
    assert both.view.search == 'by:"name with " sub:"leap years"'
    assert [(each.kind, each.value) for each in terms(both.view.search)] == [
        ("by", "name with "),
        ("subject", "leap years"),
    ]
    assert search_alike(Context(both, None, subject="leap years")) == of_llm
    assert alike(Context(START, None)) is not None


async def test_the_star_lists_the_questions_of_a_subject_or_of_an_llm(tmp_path: Path) -> None:
    write_fake_run(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "f4")
        subject = screen.context().subject
        assert subject
        everything = screen.listing.total if screen.listing else 0
        await press(pilot, "asterisk")
        assert screen.state.view.search == f'sub:"{subject}"'
        assert screen.listing is not None
        assert 0 < len(screen.listing.order) < everything
        await press(
            pilot, "f5", "asterisk"
        )  # the same subject on the question's own tab: the cursor is on an LLM there
        assert screen.state.view.search == f'sub:"{subject}" by:"{app.main.state.setup.pool.run[0]}"'  # type: ignore[union-attr]
        await press(pilot, "f6", "asterisk")
        assert "the cursor is on no LLM" in (screen.query_one(KeyBar).message or ("",))[0]


def test_the_help_is_searched_in_keys_names_and_what_they_do() -> None:
    found = [each.command.name for each in help_entries("results", words="MISROUTED") if each.command]
    assert found == ["filter_misrouted", "misrouted"]
    by_key = [each.command.name for each in help_entries("results", words="ctrl+d") if each.command]
    assert by_key
    assert set(by_key) == {"half_down"}
    assert {"undo"} < {each.command.name for each in help_entries("results", words="setup change") if each.command} | {
        ""
    }
    assert [each.command for each in help_entries("results", words="no such thing")] == [None]


@pytest.mark.parametrize("size", [(120, 40), (40, 12), (20, 5)])
async def test_the_help_presses_the_key_under_the_cursor(cache: Path, size: tuple[int, int]) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=size) as pilot:
        screen = await settled(pilot)
        await press(pilot, "question_mark", "slash", *"misrouted", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        await settled(pilot)
        assert (screen.state.view.tab, screen.state.view.filter) == ("questions", "misrouted")


async def test_the_help_presses_keys_of_the_part_that_has_the_focus_and_of_no_other(cache: Path) -> None:
    async def done(words: str) -> None:
        await press(pilot, "question_mark", "slash", *words, "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        await settled(pilot)

    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "g")
        table = screen.query_one("#results", RowTable)
        await done("last row")
        assert table.cursor == len(table.rows) - 1
        await done("cell left")
        assert "not in the part" in (screen.query_one(KeyBar).message or ("",))[0]
        await done("1-9")
        assert "press a number" in (screen.query_one(KeyBar).message or ("",))[0]
        await press(pilot, "question_mark", "slash", *"by name", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, Palette))


async def test_the_search_of_the_help_is_left_before_the_help(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "question_mark", "slash", "u", "n", "d", "o")
        lines = app.screen.query_one(RowTable).rows
        assert len(lines) < 10
        await press(pilot, "escape")
        assert isinstance(app.screen, HelpScreen)
        assert not app.screen.query_one(Input).has_class("-shown")
        assert len(app.screen.query_one(RowTable).rows) > 100
        await press(pilot, "enter")  # the cursor is on a title: nothing to press
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))


def test_keys_with_ctrl_are_written_as_people_do() -> None:
    assert [key_name(key) for key in ("ctrl+right", "ctrl+d", "f5", "asterisk")] == ["ctrl+→", "ctrl+d", "F5", "*"]
