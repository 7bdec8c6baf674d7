"""The explorer computes nothing of its own: its figures are those of `selectllm evaluate --format json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from selectllm_engine.api import load
from selectllm_tui import row_keys
from selectllm_tui.app import ExplorerApp
from selectllm_tui.cli import main
from selectllm_tui.row_keys import BOUND
from selectllm_tui.shown_setup import ShownSetup
from selectllm_tui.snapshots import snapshots
from selectllm_tui.snapshots.model import Model
from selectllm_tui.snapshots.tradeoff import Point, Tradeoff
from selectllm_tui.state import State
from selectllm_tui.widgets.tabs.tradeoff import front_parts
from tui.explorers import press, settled

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "all on": [],
    "another pool, router and K": ["2", "r", "comma", "comma"],
    "threshold moved": ["P", "P", "P", "equals_sign", "equals_sign"],
    "cascade on train": ["P", "minus", "t"],
    "top-m": ["P", "P", "plus"],
    "the study's protocol": ["C", "1"],
    "prediction on validation": ["p", "p", "t", "t"],
}


def evaluated(cache: Path, setup: ShownSetup, policy: str, capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    """The rows that the command prints for a setup, by name."""
    value = setup.parameter_of(policy)
    arguments = ["--pool", ",".join(setup.pool.names), "--router", setup.router, "--split", setup.split]
    arguments += ["--policy", policy if value is None else f"{policy}:{value:g}", "--k", str(setup.k)]
    arguments += ["--protocol", setup.protocol, "--format", "json", "--cache", str(cache)]
    assert main(["evaluate", *arguments]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
async def test_every_row_is_the_one_that_evaluate_prints(
    cache: Path, keys: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 50)) as pilot:
        screen = await settled(pilot)
        await press(pilot, *keys)
        setup = screen.state.setup
        shown = {each.key: each.row for each in screen.tab._results.entries}
    printed = evaluated(cache, setup, setup.policy, capsys)
    names = {BOUND: f"{setup.router} upper-bound"}
    baselines = map(row_keys.baseline, ("oracle", "random", "best-single", "all-llms"))
    for key in (*baselines, BOUND, *map(row_keys.llm, setup.pool.names)):
        row = shown[key].as_dict()
        assert row == printed[names.get(key, row["name"])], key
    for policy in screen.model.space.policies:
        assert (
            shown[row_keys.policy(policy)].as_dict()
            == evaluated(cache, setup, policy, capsys)[f"{setup.router} {policy}"]
        )
    assert screen.headline.row == shown[row_keys.policy(setup.policy)]


def test_all_tabs_show_the_same_figures(cache: Path) -> None:
    model = Model(load("fake", cache))
    state = State(ShownSetup.of(model.space))
    seen = {}
    for tab in ("results", "matrix", "tradeoff", "lessons"):
        seen[tab] = dict(snapshots(model, state.look(tab=tab), lambda *_: None))[tab]
    rows = {each.key: each.row for each in seen["results"].entries}
    for (router, policy), row in seen["matrix"].rows.items():
        if router == state.setup.router:
            assert row == rows[row_keys.policy(policy)]
    points = {point.label: point for point in seen["tradeoff"].points}
    assert points["threshold"].accuracy == rows[row_keys.policy("threshold")].accuracy
    assert seen["lessons"].row == rows[row_keys.policy("argmax")]
    assert seen["lessons"].lessons == load("fake", cache).lessons()


def test_the_front_is_beaten_by_no_point_that_can_be_had(cache: Path) -> None:
    model = Model(load("fake", cache))
    state = State(ShownSetup.of(model.space))
    shown = dict(snapshots(model, state.look(tab="tradeoff"), lambda *_: None))["tradeoff"]
    assert shown.front
    for point in shown.front:
        assert point.reachable
        assert not [
            each
            for each in shown.points
            if each.reachable and each.burden < point.burden and each.accuracy >= point.accuracy
        ]


def test_partial_results_say_which_rows_are_missing(cache: Path) -> None:
    model = Model(load("fake", cache), pace=-1.0)  # show after every row
    state = State(ShownSetup.of(model.space))
    steps = [snapshot for tab, snapshot in snapshots(model, state, lambda *_: None) if tab == "results"]
    assert len(steps) == len(steps[0].entries) + 2  # once more before what is learned, and at the end
    learned = [row_keys.baseline("learned-vote"), row_keys.policy("vote:auto"), row_keys.policy("cascade-value")]
    last = [{each.key for each in step.entries if each.row} for step in steps][-5]
    assert not last.intersection(learned)
    assert [each.key for each in steps[0].entries if each.row] == [row_keys.policy("argmax")]
    assert all(each.row for each in steps[-1].entries)


def test_the_front_is_rounded_as_the_table_is() -> None:
    point = Point("a", "llm", 0.0414, 0.5, reachable=True)
    for measure, digits, text in (("latency", 2, "0.04 s"), ("latency", 1, "0.0 s"), ("cost", 1, "41.400 $")):
        *_, (_, (figures, _)) = front_parts(Tradeoff(measure, (), (), (point,)), digits)
        assert figures == f" 50.0 % {text}"
