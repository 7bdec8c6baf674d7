"""The Trade-off tab: points are walked, read out and used; accuracy alone; names in any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from selectllm_engine.api import load
from selectllm_engine.evaluation import parse_policy
from selectllm_tui.app import ExplorerApp
from selectllm_tui.row_keys import RowKey
from selectllm_tui.shown_setup import ShownSetup
from selectllm_tui.snapshots import snapshots
from selectllm_tui.snapshots.model import Model
from selectllm_tui.state import State
from selectllm_tui.widgets.plot import Plot, in_cells
from tui.explorers import press, settled, write_routed_run
from tui.test_comparing import text_of
from tui.test_odd_runs import no_latency

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from selectllm_tui.screens.main import MainScreen


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with enough labelled questions for cascade-value."""
    root = tmp_path_factory.mktemp("taught")
    write_routed_run(root, questions={"train": 220, "validation": 110, "test": 40})
    return root


async def tradeoff(pilot: Pilot[None]) -> tuple[MainScreen, Plot]:
    screen = await settled(pilot)
    screen.set_state(screen.state.look(tab="tradeoff"))
    await settled(pilot)
    return screen, screen.tab.query_one(Plot)


async def test_points_are_walked_and_read_out(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 50)) as pilot:
        screen, plot = await tradeoff(pilot)
        assert "Pareto front" in text_of(pilot)
        await press(pilot, "right")
        assert plot.key == f"policy:{screen.state.setup.policy}"
        order = [each.key for each in sorted((m for m in plot._marks if m.key), key=lambda m: (m.x, m.y))]
        at = order.index(plot.key)
        await press(pilot, "tab")
        assert plot.key == order[at + 1]
        await press(pilot, "left")
        assert plot.key == order[at]
        point = screen.tab._point
        await press(pilot, "up")
        above = screen.tab._point
        assert above.accuracy >= point.accuracy
        await press(pilot, "down")
        assert screen.tab._point is point
        shown = text_of(pilot)
        assert "Pareto front" not in shown
        for said in (point.label, f"accuracy {100 * point.accuracy:.1f} %", "seconds ", "Δ "):
            assert said in shown
        while plot.key != order[0]:
            await press(pilot, "shift+tab")
        await press(pilot, "shift+tab")
        assert screen.focused is not plot


async def test_a_point_is_used(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 50)) as pilot:
        screen, plot = await tradeoff(pilot)
        await press(pilot, "enter")
        assert "cursor is not on a row" in text_of(pilot)
        before = screen.state.setup
        for key in ("policy:threshold", f"llm:{before.pool.run[0]}"):
            plot.stand_on(next(each for each in plot._marks if each.key == key))
            await press(pilot, "enter")
        step = next(each for each in screen.tab._shown.steps if 0 < each.weight <= 1)
        plot.stand_on(next(each for each in plot._marks if each.key == step.key))
        await press(pilot, "enter")
        after = screen.state.setup
        assert (after.policy, after.parameter) == ("cost-aware", step.weight)
        assert before.pool.run[0] not in after.pool
        await press(pilot, "u", "u", "u")
        assert screen.state.setup == before
        plot.stand_on(next(each for each in plot._marks if each.key == "baseline:oracle"))
        await press(pilot, "enter")
        assert "to compare with, not to use" in text_of(pilot)
        assert screen.state.setup == before


def test_a_point_of_the_curve_is_what_its_setup_comes_to(cache: Path) -> None:
    model = Model(load("fake", cache))
    state = State(ShownSetup.of(model.space))
    shown = dict(snapshots(model, state.look(tab="tradeoff"), lambda *_: None))["tradeoff"]
    assert {(each.burden, each.accuracy) for each in shown.steps} == set(shown.curve)
    for step in shown.steps:
        setup = state.setup.at("cost-aware", step.weight, None)
        row = model.row(setup, RowKey("policy", "cost-aware"))
        assert row.accuracy == pytest.approx(step.accuracy)
        assert row.latency == pytest.approx(step.burden)
        assert row.delta == pytest.approx(step.delta)
        assert setup.fit(model.space) == setup  # kept when read again, and by the next explorer
        spec = parse_policy(setup.spec_of("cost-aware"))
        assert (spec.name, spec.parameter) == ("cost-aware", step.weight)
    assert max(step.weight for step in shown.steps) > 1
    far = state.setup.at("cost-aware", 5.0, None)
    assert far.with_parameter(model.space, 1) == far
    assert far.with_parameter(model.space, -1).parameter == 1.0


def test_points_of_cascade_value_s_curve_are_budgets_that_can_be_set(taught: Path) -> None:
    model = Model(load("fake", taught))
    state = State(ShownSetup.of(model.space))
    seen = [tab for _, tab in snapshots(model, state.look(tab="tradeoff"), lambda *_: None)]
    shown = seen[-1]
    assert shown.value_steps
    assert len({(each.burden, each.accuracy) for each in shown.value_steps}) == len(shown.value_steps)
    assert {(each.burden, each.accuracy) for each in shown.value_steps} <= {*shown.value_curve}
    for step in shown.value_steps:
        setup = state.setup.at("cascade-value", step.weight, None)
        assert setup.fit(model.space) == setup
        assert parse_policy(setup.spec_of("cascade-value")).parameter == step.weight
        row = model.row(setup, RowKey("policy", "cascade-value"))
        assert (row.accuracy, row.latency, row.delta) == (step.accuracy, step.burden, step.delta)


async def test_a_budget_on_the_curve_is_used(taught: Path) -> None:
    app = ExplorerApp(cache=taught)
    async with app.run_test(size=(160, 50)) as pilot:
        screen, plot = await tradeoff(pilot)
        step = screen.tab._shown.value_steps[-1]
        plot.stand_on(next(each for each in plot._marks if each.key == step.key))
        await pilot.pause()
        assert step.label in text_of(pilot)
        await press(pilot, "enter")
        assert (screen.state.setup.policy, screen.state.setup.parameter) == ("cascade-value", step.weight)


async def test_accuracy_alone_where_neither_latency_nor_cost_is_known(tmp_path: Path) -> None:
    no_latency(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen, plot = await tradeoff(pilot)
        assert "neither latency nor cost is known" in text_of(pilot)
        assert screen.tab._shown.measure == "accuracy"
        accuracies = [mark.y for mark in sorted(plot._marks, key=lambda mark: mark.x)]
        assert accuracies == sorted(accuracies)
        assert len(accuracies) > len(screen.model.space.llms)
        await press(pilot, "tab", "tab", "enter")
        assert "accuracy " in text_of(pilot)


@pytest.mark.parametrize("text", ["漢字", "e\u0301a", "שלום", "a漢\u0301b", ""])
def test_labels_by_cells_are_as_wide_as_they_are(text: str) -> None:
    cells = in_cells(text)
    assert "".join(cells) == text
    assert len(cells) == cell_len(text)
    assert all(sum(map(cell_len, cells[at : at + 2])) <= 3 for at in range(len(cells)))


async def test_names_in_any_script_are_whole_and_lines_as_wide_as_the_screen(tmp_path: Path) -> None:
    names = ["漢字模型", "ミニ-7b", "מודל-א", "نموذج-ب", "é\u0301tude"]
    write_routed_run(tmp_path, llms=names)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 50)) as pilot:
        screen, _ = await tradeoff(pilot)
        lines = [strip.text for strip in screen._compositor.render_strips()]
        assert {cell_len(line) for line in lines} == {160}
        right_of_panel = [line[line.find("│", 2) :] for line in lines]
        assert any("漢字模型" in line for line in right_of_panel)
        assert not any("מודל" in line and "نموذج" in line for line in right_of_panel)


@pytest.mark.parametrize("size", [(20, 5), (60, 12)])
async def test_small_terminals_without_colours(
    cache: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=size) as pilot:
        await tradeoff(pilot)
        await press(pilot, "tab", "tab", "up", "Z", "right", "shift+left", "enter", "0")
