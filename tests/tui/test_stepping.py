"""The question that a key means is the one under the cursor, and counts are those of the setup on the screen."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from textual.worker import WorkerCancelled

from selectllm_tui.app import ExplorerApp
from selectllm_tui.screens.filters import FilterScreen
from selectllm_tui.snapshots.questions import listing
from selectllm_tui.view import FILTERS
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.rows import RowTable
from tui.explorers import press, settled

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from selectllm_tui.screens.main import MainScreen


async def on_questions(pilot: Pilot[None]) -> MainScreen:
    screen = await settled(pilot)
    screen.set_state(screen.state.look(tab="questions"))
    return await settled(pilot)


def ids(screen: MainScreen) -> list[str]:
    rows = screen.tab.table.rows
    return [rows.key(at) for at in range(len(rows))]


async def test_stepping_goes_on_from_the_cursor(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_questions(pilot)
        shown = ids(screen)
        await press(pilot, "down", "down", "n")
        assert screen.tab.table.key == shown[3]
        await press(pilot, "N", "right_square_bracket")
        assert screen.tab.detail.question_id == shown[2]
        await press(pilot, "n")
        assert screen.tab.detail.question_id == shown[3]


async def test_the_first_question_is_followed_by_the_second(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_questions(pilot)
        shown = ids(screen)
        screen.set_state(screen.state.look(tab="question", question=None))
        await press(pilot, "n")
        assert screen.tab.detail.question_id == shown[1]


async def test_a_change_of_the_setup_leaves_the_cursor_where_it_is(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_questions(pilot)
        shown = ids(screen)
        await press(pilot, "enter", "escape", "down", "down", "down", "2", "p")
        assert screen.tab.table.key == shown[3]


async def test_a_step_right_after_a_filter_stays_within_it(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_questions(pilot)
        await press(pilot, "enter")
        within = listing(screen.model, screen.state.look(filter="unsolvable"))
        for command in ("filter_unsolvable", "next", "next"):  # faster than anything is computed
            app.screen.action_press(command)
        with contextlib.suppress(WorkerCancelled):
            await settled(pilot)
        await settled(pilot)
        found = [within.id_at(int(q)) for q in within.order]
        assert screen.tab.detail.question_id == found[1 % len(found)]


async def test_stepping_elsewhere_says_where_it_acts(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "n")
        assert screen.query_one(KeyBar).message[0] == "next: only on Questions and Question"


async def test_filters_are_counted_on_every_tab_for_the_setup_there_is(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_questions(pilot)
        screen.set_state(screen.state.look(tab="results"))
        for keys in (("f",), ("2", "f"), ("p", "f")):
            await press(pilot, *keys)
            assert isinstance(app.screen, FilterScreen)
            rows = app.screen.query_one(RowTable).rows
            counts = listing(screen.model, screen.state).counts
            for name in FILTERS:
                assert rows.cells(rows.find(name))[2][0][0] == f"{counts[name]:,}"
            await press(pilot, "escape")


async def test_the_column_that_rows_are_sorted_by_is_marked_or_named(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        for title in ("accuracy▼", "seconds▲", "Δ ▼"):
            await press(pilot, "s")
            assert title in screen.tab.table.render_line(0).text
        screen.set_state(screen.state.look(tab="questions"))
        await press(pilot, "s", "s")
        assert "1 2 3▲" in screen.tab.table.render_line(0).text
        await press(pilot, "s", "s")
        assert screen.query_one(KeyBar).message[0] == "sorted by subject"
