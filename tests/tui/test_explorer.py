"""The explorer as a person drives it: keys in, state and screen out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes import write_fake_run
from selectllm_tui.app import ExplorerApp
from selectllm_tui.screens.main import MainScreen
from selectllm_tui.screens.message import ProblemScreen

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cache")
    write_fake_run(root)
    return root


async def settled(pilot: Pilot[None]) -> MainScreen:
    """Waits until the run is loaded and all of the screen is computed."""
    while True:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        if not list(pilot.app.workers):
            break
    assert isinstance(pilot.app.screen, MainScreen)
    return pilot.app.screen


async def test_toggling_an_llm_changes_pool_and_figures(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert screen.headline is not None
        everyone = screen.headline.row.accuracy
        await pilot.press("3")
        await settled(pilot)
        assert screen.state.setup.pool.names == ("fake-a", "fake-b")
        assert screen.headline.before is not None
        assert screen.headline.before.accuracy == everyone
        assert screen.headline.row.accuracy != everyone


async def test_the_last_llm_stays_on_and_the_reason_is_said(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await pilot.press("1", "2", "3")
        await settled(pilot)
        assert screen.state.setup.pool.names == ("fake-c",)
        assert "at least one LLM" in screen.query_one("KeyBar").message[0]


async def test_an_empty_cache_says_what_to_do(tmp_path: Path) -> None:
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test() as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, ProblemScreen)
