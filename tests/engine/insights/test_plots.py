"""What figures show, for both faces."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import fake_outcomes
from selectllm_engine.evaluation import PolicySpec, Prepared, RouterScores, TradeOff, tabulate, trade_off, view_of
from selectllm_engine.evaluation.policies import parse_policy
from selectllm_engine.insights import RouterMatrix, cascade_value_curve, cost_aware_curve, trade_off_plot
from selectllm_engine.llms import Pool


@pytest.fixture(scope="module")
def view():
    outcomes = fake_outcomes(cost=(3, 2, 1))
    return view_of(Prepared(outcomes), Pool.of(outcomes.llms))


@pytest.fixture(scope="module")
def routers(view):
    rng = np.random.default_rng(0)
    return [RouterScores(name, rng.random(view.prepared.labels.shape)) for name in ("a", "b")]


@pytest.mark.parametrize("by", ["latency", "cost"])
def test_a_trade_off_has_all_rows_and_a_front_of_what_can_be_run(view, routers, by) -> None:
    rows = tabulate(view, routers, [PolicySpec("argmax"), PolicySpec("threshold", 0.6)]).rows
    curve = list(cost_aware_curve(view, routers[0], by))
    assert curve == trade_off(view, routers[0], by=by)
    figure = trade_off_plot(rows, {"a": curve}, by)
    assert [point.row for point in figure.points] == [row for row in rows if row.name != "repeatable"]
    assert {point.row.name for point in figure.front if point.row} <= {row.name for row in rows if row.reachable}
    curved = [TradeOff(0.0, *point) for point in figure.curves["a"]]
    for ends in figure.front:
        for other in [*(point for point in figure.points if point.row.reachable), *curved]:
            assert not (other.burden <= ends.burden and other.accuracy > ends.accuracy)
    assert [each.accuracy for each in figure.front] == sorted(each.accuracy for each in figure.front)


def test_what_nobody_can_run_is_not_reachable(view, routers) -> None:
    rows = tabulate(view, routers[:1], [PolicySpec("random")]).rows
    assert [row.name for row in rows if not row.reachable] == ["oracle", "repeatable", "random", "a upper-bound"]


def test_rows_without_a_figure_and_curves_of_unknown_seconds_are_left_out(routers) -> None:
    outcomes = fake_outcomes()
    outcomes.latency[:, 1] = np.nan
    view = view_of(Prepared(outcomes), Pool.of(outcomes.llms))
    rows = tabulate(view, [], []).rows
    figure = trade_off_plot(rows, {"a": list(cost_aware_curve(view, routers[0], "latency"))}, "latency")
    assert figure.curves == {"a": ()}
    assert all(point.row.latency is not None for point in figure.points)
    assert len(figure.points) < len(rows)


def test_a_matrix_is_of_routers_and_policies_with_their_values(view, routers) -> None:
    specs = [PolicySpec("argmax"), PolicySpec("threshold", 0.5), PolicySpec("threshold", 0.9)]
    matrix = RouterMatrix.of(tabulate(view, routers, specs).rows)
    assert (matrix.routers, matrix.policies) == (("a", "b"), ("argmax", "threshold:0.5", "threshold:0.9"))
    accuracy = matrix.values("accuracy")
    assert accuracy["b", "argmax"] == view.policy_row(routers[1], specs[0]).accuracy
    assert accuracy[matrix.best("accuracy")] == max(accuracy.values())
    latency = matrix.values("latency")
    assert latency[matrix.best("latency")] == min(latency.values())
    assert RouterMatrix.of([]).best("gap") is None


@pytest.mark.parametrize("by", ["latency", "cost"])
def test_the_row_of_cascade_value_is_on_its_curve(by) -> None:
    train, validation, test = (
        fake_outcomes(count, 3, 1, seed, split=split, cost=(3, 2, 1))
        for seed, (count, split) in enumerate([(240, "train"), (120, "validation"), (60, "test")])
    )
    view = view_of(Prepared(test), Pool.of(test.llms), Prepared(validation), train=Prepared(train))
    router = RouterScores("a", np.full((60, 3), 0.5, np.float32))
    curve = cascade_value_curve(view, router, by)
    assert [each.weight for each in curve] == sorted(each.weight for each in curve)
    row = view.policy_row(router, parse_policy(f"cascade-value:1:{by}"))
    assert any(
        each.burden == pytest.approx(getattr(row, by), rel=1e-5) and each.accuracy == pytest.approx(row.accuracy)
        for each in curve
    )
    few = view_of(Prepared(test), Pool.of(test.llms), Prepared(validation))
    assert cascade_value_curve(few, router, by) == []
