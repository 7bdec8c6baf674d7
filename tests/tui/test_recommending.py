"""The tab Recommend: what recommend says, within limits that keys move, and made the setup in use by one key."""

from __future__ import annotations

import json
import shlex
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import write_fake_run
from selectllm_engine.api import load
from selectllm_engine.setups import Recommender, search
from selectllm_tui.app import ExplorerApp
from selectllm_tui.cli import main
from selectllm_tui.limits import Limits, place_of, places_of, round_numbers
from selectllm_tui.recommendation_words import headline, trade
from selectllm_tui.screens.workers import Ticked
from selectllm_tui.snapshots.model import Model
from selectllm_tui.widgets.plot import Plot
from selectllm_tui.widgets.side import SliderTable
from tui.explorers import main_of, press, resize, settled, until
from tui.test_copies import copy
from tui.test_odd_runs import labels_only, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

STOPS = {"max_latency": (0.5, 0.8, 1.0), "max_llms": (1, 2), "prefer": ("accuracy", "latency")}


@given(
    st.lists(st.tuples(st.sampled_from([*STOPS, "max_cost"]), st.integers(-4, 4)), max_size=20),
)
def test_sliders_stay_within_their_ends(steps: list[tuple[str, int]]) -> None:
    limits = Limits()
    for name, step in steps:
        before, limits = limits, limits.slid(STOPS, name, step)
        if name not in STOPS:
            assert limits == before
            continue
        places = places_of(STOPS, name)
        at = min(max(place_of(STOPS, name, getattr(before, name)) + step, 0), len(places) - 1)
        assert getattr(limits, name) == places[at]
    assert limits.fit(STOPS) == limits
    assert Limits(0.7, 3.0, 99, "cost").fit(STOPS) == Limits()


@given(st.floats(1e-8, 1e5), st.floats(1e-8, 1e5))
def test_numbers_of_a_slider_are_round_and_in_order(low: float, high: float) -> None:
    found = round_numbers(low, high)
    assert all(low <= number < high for number in found)
    assert list(found) == sorted(set(found))
    assert all(float(f"{number:.2g}") == number for number in found)
    if high > 1.5 * low:
        assert found


async def recommending(pilot: Pilot[None], *keys: str) -> Any:
    screen = await settled(pilot)
    screen.set_state(screen.state.look(tab="recommend"))
    await settled(pilot)
    await press(pilot, *keys)
    return screen


async def test_the_tab_says_what_recommend_says(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(200, 60)) as pilot:
        screen = await recommending(pilot, "left", "left", "down", "left", "left")
        limits = screen.state.view.limits
        assert (limits.max_latency, limits.max_llms) == (screen.model.space.stops["max_latency"][-2], 1)
        await press(pilot, "right")
        found = load("fake", cache).recommend(**screen.state.view.limits.said)
        shown = text_of(pilot)
        assert headline(found) in shown
        assert all(trade(found, each)[:60] in shown for each in found.alternatives)
        assert [each.proposed.setup for each in screen.tab._offers][:3] == [
            found.setup,
            *(each.setup for each in found.alternatives),
        ]
        await copy(pilot, monkeypatch, "y", "s")
        shell = shlex.split(app.clipboard)[1:]
        await copy(pilot, monkeypatch, "y", "p")
        *before, last = app.clipboard.strip().splitlines()
        await copy(pilot, monkeypatch, "y", "v")
        assert app.clipboard.startswith("name,pool,vote,k,")
    names: dict[str, Any] = {}
    exec("\n".join([*before, f"found = {last}"]), names)  # noqa: S102
    assert names["found"].to_dict() == found.to_dict()
    assert main([*shell, "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(json.dumps(found.to_dict())) | {"schema": printed["schema"]}


async def test_a_slider_chooses_anew_and_searches_no_more(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    of_pool = search._of_pool
    monkeypatch.setattr(search, "_of_pool", lambda *given: tried.append(given[0]) or of_pool(*given))
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await recommending(pilot)
        pools = len(tried)
        assert pools == len(set(tried)) == 7
        assert isinstance(screen.focused, SliderTable)
        first = screen.tab._shown
        await press(pilot, "left", "left", "down", "left", "2", "t", "r")  # nor for another pool, split or router
        assert len(tried) == pools
        assert screen.tab._shown != first
        assert all(len(each.proposed.setup.pool) <= 2 for each in screen.tab._offers)
        limit = screen.state.view.limits.max_latency
        assert all(each.proposed.estimate.latency <= limit for each in screen.tab._offers)
        await press(pilot, "right", "up", "right", "right")
        assert screen.tab._shown.offers == first.offers


async def test_a_setup_of_the_table_becomes_the_one_in_use(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await recommending(pilot, "p", "tab")
        before = screen.state.setup
        for at, offer in enumerate(screen.tab._offers):
            screen.tab.table.move_to(str(at))
            await press(pilot, "enter")
            assert screen.headline.row.accuracy == offer.proposed.test.accuracy
            assert screen.headline.row.latency == offer.proposed.test.latency
            assert screen.state.setup.essence == offer.setup.essence
            await press(pilot, "enter")  # again: it is already
            await press(pilot, "u")
            assert screen.state.setup == before
        assert at > 2


async def test_a_search_is_stopped_and_goes_on(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = Event(), Event()

    class Slow(Recommender):
        def recommend(self, wish: Any, progress: Any = None) -> Any:
            begun.set()
            while not go_on.wait(0.01):
                progress("trying setups", 1, 9)
            return super().recommend(wish, progress)

    monkeypatch.setattr("selectllm_engine.setups.Recommender", Slow)
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.model.untold = 0.0
        screen.set_state(screen.state.look(tab="recommend"))
        await until(pilot, lambda: begun.is_set() and "1 of 9" in text_of(pilot))
        await pilot.press("down", "up", "2")  # keys act meanwhile
        assert "fake-b" not in screen.state.setup.pool
        await until(pilot, lambda: screen.threads.computing)
        await pilot.press("escape")
        assert not screen.threads.computing
        screen.post_message(Ticked(screen.threads.generation, 1, 9))  # was on its way
        await pilot.pause()
        assert "stopped: " in text_of(pilot)
        assert "looking for setups" in text_of(pilot)
        await settled(pilot)
        go_on.set()
        await press(pilot, "left")
        assert screen.tab._offers


async def test_where_nothing_can_be_recommended_the_reason_is_said(tmp_path: Path) -> None:
    write_fake_run(tmp_path, questions={"train": 20, "validation": 10, "test": 20})
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await recommending(pilot, "left", "enter")
        assert "to recommend takes 50 labelled questions of train and validation; fake has 30" in text_of(pilot)
        assert not screen.tab._offers


async def test_limits_that_nothing_meets_are_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selectllm_tui.snapshots.model.round_numbers", lambda *_: (0.001, 9.0))
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await recommending(pilot, "left", "left")
        assert "no setup answers within 0.001 s" in text_of(pilot)
        await press(pilot, "right")
        assert screen.tab._offers


async def test_dollars_are_limited_where_they_are_known(tmp_path: Path, cache: Path) -> None:
    assert set(Model(load("fake", cache)).space.stops) == {"max_latency", "max_llms", "prefer"}
    labels_only(tmp_path)
    run = load(None, tmp_path)
    stops = Model(run).space.stops
    assert set(stops) == {"max_latency", "max_cost", "max_llms", "prefer"}
    assert stops["prefer"] == ("accuracy", "latency", "cost")
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 50)) as pilot:
        screen = await recommending(pilot, "down", "left")
        assert screen.state.view.limits == Limits(max_cost=stops["max_cost"][-1])
        await press(pilot, "down", "down", "right", "right")
        assert screen.state.view.limits.prefer == "cost"
        assert f"$/1000 q ≤  {'─' * 10}" in text_of(pilot)
        assert screen.tab._offers or screen.tab._shown.problem


@pytest.mark.parametrize("plain", [False, True])
async def test_it_is_painted_at_any_size(cache: Path, monkeypatch: pytest.MonkeyPatch, plain: bool) -> None:
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await recommending(pilot)
        assert not screen.tab.query_one(Plot).display
        await press(pilot, "w")
        assert screen.tab.query_one(Plot).display
        assert "★" in text_of(pilot)
        for width, height in ((20, 5), (40, 12), (200, 60), (80, 24)):
            await resize(pilot, width, height)
            await press(pilot, "w", "tab", "down", "Z", "X", "0", "shift+tab")
        assert "★" in text_of(pilot)


async def test_limits_are_remembered(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await recommending(pilot, "left", "down", "left", "down", "right")
        limits = screen.state.view.limits
        app.exit()
    assert limits.prefer == "latency"
    again = ExplorerApp(cache=cache, resume=True)
    async with again.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert main_of(pilot).state.view.limits == limits
