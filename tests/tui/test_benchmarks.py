"""Benchmarks are switched inside: each is left and found again as it was, and the recorded run is called that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes import write_fake_run
from selectllm_engine.store import Cache
from selectllm_tui.app import ExplorerApp
from selectllm_tui.palette import ExplorerCommands
from selectllm_tui.resume import last_benchmark
from selectllm_tui.screens.benchmarks import RECORDED, BenchmarkScreen, benchmark_rows
from selectllm_tui.screens.message import ProblemScreen
from selectllm_tui.stored_benchmarks import StoredBenchmark, stored_benchmarks
from selectllm_tui.widgets.cells import drawn
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.rows import RowTable
from tui.explorers import main_of, press, settled, until

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from selectllm_tui.screens.main import MainScreen


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A cache of two benchmarks."""
    root = tmp_path / "two"
    write_fake_run(root, benchmark="first", llms=["a", "b", "c"])
    write_fake_run(root, benchmark="second", llms=["b", "c", "d", "e"])
    return root


def texts(table: RowTable) -> list[str]:
    return [
        " ".join("".join(text for text, _ in drawn(cell, 40)) for cell in table.rows.cells(at))
        for at in range(len(table.rows))
    ]


async def opened(pilot: Pilot[None], benchmark: str) -> MainScreen:
    await until(pilot, lambda: main_of(pilot).model.space.benchmark == benchmark)
    return await settled(pilot)


def test_what_there_is_to_say_of_each(two: Path) -> None:
    found = stored_benchmarks(Cache(two))
    assert [(each.name, each.llms, each.recorded) for each in found] == [("first", 3, False), ("second", 4, False)]
    questions = Cache(two).questions("first").height
    assert (found[0].questions, found[0].date[:3]) == (questions, "202")
    (two / "first" / "questions.parquet").write_bytes(b"damaged")
    cache = Cache(two)
    assert stored_benchmarks(cache)[0] == StoredBenchmark("first")
    assert not cache.problems  # they are another run's


def test_the_recorded_run_is_called_that(two: Path, tmp_path: Path) -> None:
    found = stored_benchmarks(Cache(tmp_path / "own", packaged=two))
    assert [each.recorded for each in found] == [True, True]
    rows = benchmark_rows(found, "second")
    for width in (20, 100):
        name = "".join(text for text, _ in drawn(rows.cells(1)[0], width))
        assert name.startswith("▸ second")
        assert "recorded" in name
    assert rows.cells(0)[4][0][0] == RECORDED


async def test_a_benchmark_is_opened_and_the_one_before_is_found_as_it_was(two: Path) -> None:
    app = ExplorerApp("first", two)
    async with app.run_test(size=(120, 40)) as pilot:
        first = await settled(pilot)
        await press(pilot, "2", "3", "u", "right_square_bracket")
        left = first.state
        await pilot.press("O")
        await settled(pilot)
        assert isinstance(app.screen, BenchmarkScreen)
        await until(pilot, lambda: "4 130 2026-01-01" in texts(app.screen.query_one(RowTable))[1])
        assert [row.split()[0] for row in texts(app.screen.query_one(RowTable))] == ["▸", "second"]
        await pilot.press("down", "enter")
        second = await opened(pilot, "second")
        assert second.state.view.tab == left.view.tab
        assert len(second.state.setup.pool) == 4
        await press(pilot, "1")
        {name: do for name, _, do in ExplorerCommands(second).entries()}["benchmark first"]()
        back = await opened(pilot, "first")
        assert back.state.setup == left.setup
        await press(pilot, "U")  # what was undone there before
        assert len(back.state.setup.pool) == 1
        back.open_benchmark("second")
        again = await opened(pilot, "second")
        assert len(again.state.setup.pool) == 3


async def test_undo_goes_back_to_the_benchmark_before_and_redo_forth_again(two: Path) -> None:
    app = ExplorerApp("first", two)
    async with app.run_test(size=(120, 40)) as pilot:
        first = await settled(pilot)
        await press(pilot, "2", "right_square_bracket")
        first.open_benchmark("second")
        await opened(pilot, "second")
        await press(pilot, "1", "u")
        await pilot.press("u")
        back = await opened(pilot, "first")
        assert back.state.setup == first.state.setup
        assert back.state.view.tab == "matrix"
        await press(pilot, "u")
        assert len(back.state.setup.pool) == 3
        assert not back.state.past
        await press(pilot, "U")
        assert back.state.setup == first.state.setup
        await pilot.press("U")
        again = await opened(pilot, "second")
        assert len(again.state.setup.pool) == 4
        await press(pilot, "U")
        assert len(again.state.setup.pool) == 3
        assert not again.state.future
        await press(pilot, "u")
        await pilot.press("u")
        back = await opened(pilot, "first")
        await pilot.press("U")
        await opened(pilot, "second")
        (two / "first" / "questions.parquet").write_bytes(b"damaged")
        before = main_of(pilot).state
        await pilot.press("u")
        await until(pilot, lambda: "reading" not in (main_of(pilot).query_one(KeyBar).message or ("reading",))[0])
        assert main_of(pilot).state.past == before.past  # it can be tried again


async def test_a_dialog_that_is_open_meanwhile_goes(two: Path) -> None:
    app = ExplorerApp("first", two)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        screen.open_benchmark("second")
        await pilot.press("question_mark")
        await opened(pilot, "second")
        assert app.screen is main_of(pilot)
        await press(pilot, "1", "q")


async def test_what_cannot_be_opened_is_said_and_nothing_lost(two: Path) -> None:
    app = ExplorerApp("first", two)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        (two / "second" / "questions.parquet").write_bytes(b"damaged")
        screen.open_benchmark("second")
        await until(pilot, lambda: "reading" not in (screen.query_one(KeyBar).message or ("reading",))[0])
        await press(pilot, "2", "ctrl+r")
        assert main_of(pilot).model.space.benchmark == "first"
        assert len(main_of(pilot).state.setup.pool) == 2


async def test_the_benchmark_that_was_open_last_is_resumed_with_its_state(two: Path) -> None:
    app = ExplorerApp("first", two)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "1")
        screen.open_benchmark("second")
        await opened(pilot, "second")
        await press(pilot, "2", "3", "q")
    assert last_benchmark(two) == "second"
    app = ExplorerApp(cache=two, resume=True)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert screen.model.space.benchmark == "second"
        assert screen.state.setup.pool.names == ("b", "e")
        screen.open_benchmark("first")
        screen = await opened(pilot, "first")
        assert screen.state.setup.pool.names == ("b", "c")


async def test_where_one_must_choose_each_is_described(two: Path) -> None:
    app = ExplorerApp(cache=two)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ProblemScreen))
        await until(pilot, lambda: len(app.screen.query(RowTable)) > 0)
        await until(pilot, lambda: len(app.screen.query_one(RowTable).rows) == 2)
        row = texts(app.screen.query_one(RowTable))[1].split()
        assert row[:2] == ["second", "4"]
        await pilot.press("down", "enter")
        assert (await settled(pilot)).model.space.benchmark == "second"


@pytest.mark.parametrize("text", ["[]", "{", "3", "[" * 100_000])
def test_a_damaged_note_of_the_last_benchmark_is_passed_over(two: Path, text: str) -> None:
    from selectllm_tui.resume import _path

    _path(two).parent.mkdir(parents=True)
    _path(two).write_text(text, encoding="utf-8")
    assert last_benchmark(two) is None
