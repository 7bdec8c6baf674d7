"""Setups are pinned and compared: a column, two side by side, and the questions that tell them apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selectllm_engine.api import load
from selectllm_tui.app import ExplorerApp
from selectllm_tui.screens.compare import CompareScreen, side_rows, verdict_parts
from selectllm_tui.screens.generations import GenerationsScreen
from selectllm_tui.shown_setup import ShownSetup
from selectllm_tui.snapshots.compare import apart, side_by_side
from selectllm_tui.snapshots.headline import current_key
from selectllm_tui.snapshots.model import Model
from selectllm_tui.state import PINS, State
from selectllm_tui.view import WHO_IS_RIGHT
from selectllm_tui.widgets.cells import drawn
from tui.explorers import main_of, press, settled

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from selectllm_tui.widgets.cells import Rows


def text_of(pilot: Pilot[None]) -> str:
    """What is on the screen."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


def cells(rows: Rows, column: str) -> dict[str, str]:
    """The texts of a column by the keys of its rows."""
    at = [each.key for each in rows.columns].index(column)
    keys = [place for place in range(len(rows)) if rows.key(place)]
    return {rows.key(n): "".join(text for text, _ in drawn(rows.cells(n)[at], 40)) for n in keys}


def two(cache: Path) -> tuple[Model, State]:
    """A state whose setup has another router than the pinned one."""
    model = Model(load("fake", cache))
    state = State(ShownSetup.of(model.space)).toggle_pin()
    return model, state.change(state.setup.with_router(model.space, 1))


def test_the_two_by_two_table_is_what_a_plain_loop_counts(cache: Path) -> None:
    model, state = two(cache)
    found = side_by_side(model, state)
    counts = dict.fromkeys(WHO_IS_RIGHT, 0)
    listed: dict[str, list[str]] = {name: [] for name in WHO_IS_RIGHT}
    verdicts = [model.verdicts(setup).right.tolist() for setup in found.setups]
    for q, (a, b) in enumerate(zip(*verdicts, strict=True)):
        name = "both" if a and b else "only_a" if a else "only_b" if b else "neither"
        counts[name] += 1
        listed[name].append(found.questions["question_id"][q])
    assert found.counts._asdict() == {
        "both": counts["both"],
        "only_first": counts["only_a"],
        "only_second": counts["only_b"],
        "neither": counts["neither"],
    }
    for name in WHO_IS_RIGHT:
        assert found.of(name)["question_id"].to_list() == listed[name]
        assert apart(model, state, name).sum() == counts[name]
    assert found.b.delta == (counts["only_b"] - counts["only_a"]) / found.counts.questions
    assert found.b.p == found.counts.p
    assert found.a == model.row(state.pinned, current_key(state.pinned))


async def test_from_the_first_screen_to_what_an_llm_wrote_on_a_question_that_was_lost(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        model = screen.model
        await press(pilot, "B", "r", "D")
        assert isinstance(app.screen, CompareScreen)
        lost = int(apart(model, screen.state, "only_a").sum())
        gained = int(apart(model, screen.state, "only_b").sum())
        assert lost + gained
        assert f"only the pinned setup is right {lost}" in text_of(pilot)
        assert f"only this setup is right {gained}" in text_of(pilot)
        await press(pilot, "enter")
        assert main_of(pilot) is app.screen
        assert screen.state.view.tab == "question"
        name = "only_a" if lost else "only_b"
        assert screen.state.view.cell == name
        assert f"{WHO_IS_RIGHT[name]} 1/{lost or gained}" in text_of(pilot)
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, GenerationsScreen)
        await press(pilot, "escape")
        ids = []
        for _ in range(lost or gained):
            ids.append(screen.state.view.question)
            await press(pilot, "n")
        assert ids == side_by_side(model, screen.state).of(name)["question_id"].to_list()
        await press(pilot, "escape")
        assert len(screen.listing.order) == (lost or gained)
        await press(pilot, "escape")
        assert screen.state.view.cell is None
        assert len(screen.listing.order) == 40


async def test_other_cells_and_other_pins(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 50)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "B", "1", "B", "r", "D")
        assert screen.state.pin == 1
        assert "a: pinned 2 of 2" in text_of(pilot)
        assert "router" in text_of(pilot)
        await press(pilot, "1", "9")
        assert "a: pinned 1 of 2" in text_of(pilot)
        both = int(apart(screen.model, replace(screen.state, pin=0), "both").sum())
        await press(pilot, "right", "right")
        before = app.screen._cell
        await press(pilot, "left", "right")
        assert app.screen._cell == before
        while app.screen._cell != tuple(WHO_IS_RIGHT).index("both"):
            await press(pilot, "right")
        assert len(app.screen.query_one("#apart").rows) == both
        await press(pilot, "enter")
        assert (screen.state.pin, screen.state.view.cell) == (0, "both")


async def test_pins_are_at_most_four_and_taken_away_by_the_same_key(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "D")
        assert "nothing is pinned" in text_of(pilot)
        await press(pilot, "B")
        assert "pinned, 1 of 4" in text_of(pilot)
        await press(pilot, "D")
        assert "this is the pinned setup" in text_of(pilot)
        for _ in range(PINS):
            await press(pilot, "p", "B")
        assert len(screen.state.pins) == PINS
        assert "4 are pinned already" in text_of(pilot)
        await press(pilot, "P", "B")
        assert len(screen.state.pins) == PINS - 1
        assert "pinned no more; 3 left" in text_of(pilot)
        assert screen.state.setup not in screen.state.pins


async def test_tables_show_the_difference_to_the_pin(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 50)) as pilot:
        screen = await settled(pilot)
        assert "pinned" not in [each.key for each in screen.tab.rows.columns]
        pinned = screen.headline.row.accuracy
        await press(pilot, "B", "1", "r")
        shown = cells(screen.tab.rows, "pinned")
        rows = {str(each.key): each.row for each in screen.tab._results.entries}
        for key, text in shown.items():
            accuracy = rows[key].accuracy
            assert text == ("" if accuracy is None else f"{100 * (accuracy - pinned):+.1f}".replace("-", "−"))
        await press(pilot, "left_square_bracket", "left_square_bracket")
        subsets = screen.tab._subsets
        for key, text in cells(screen.tab.rows, "pinned").items():
            assert text == f"{100 * (subsets[key].figures.pooled - pinned):+.1f}".replace("-", "−")


async def test_pins_are_kept_for_the_next_time(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "B", "2", "B", "r", "D", "enter")
        kept = screen.state
        await pilot.press("q")
    again = ExplorerApp(cache=cache, resume=True)
    async with again.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert (screen.state.pins, screen.state.pin) == (kept.pins, kept.pin)
        assert screen.state.view == kept.view


async def test_a_pinned_setup_is_gone_back_to_by_name(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        first = screen.state.setup
        await press(pilot, "B", "1", "p", "ctrl+p")
        await press(pilot, *"pinnedsetup1", "enter")
        assert screen.state.setup == first


def test_a_pin_of_another_split_is_looked_at_on_the_questions_on_the_screen(cache: Path) -> None:
    model, state = two(cache)
    state = state.change(state.setup.with_split(model.space))
    assert state.pinned.split == state.setup.split != "test"
    found = side_by_side(model, state)
    assert found.counts.questions == model.prepared(state.setup.split, state.setup.k).questions
    assert found.a.p is None


def test_an_expectation_has_no_table_and_says_so(cache: Path) -> None:
    model, state = two(cache)
    state = state.change(replace(state.setup, policy="random"))
    found = side_by_side(model, state)
    assert found.counts is None
    assert found.of("both").is_empty()
    assert not apart(model, state, "both").any()
    assert "no 2 × 2 table" in verdict_parts(found, 0)[0][0][0]
    assert cells(side_rows(found, state), "b")["policy"] == "random"
