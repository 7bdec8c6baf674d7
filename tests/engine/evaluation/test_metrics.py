from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plain import make_outcomes
from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.curves import aiq
from selectllm_engine.evaluation.metrics import (
    by_subject,
    pass_at_k,
    quality,
    regret,
    selection_entropy,
    selection_shares,
    trade_off,
    value_over_best,
)
from selectllm_engine.evaluation.pool_view import PoolView
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.selection import Selection
from selectllm_engine.llms import Pool


def view_of(outcomes) -> PoolView:
    return PoolView(Prepared(outcomes), Pool.of(outcomes.llms))


def test_pass_at_k_needs_one_right_sample() -> None:
    outcomes = make_outcomes([[[1, 1, 0], [2, 2, 2]], [[0, 0, 0], [1, 0, 1]]])
    assert pass_at_k(outcomes).tolist() == [1.0, 0.5]
    assert pass_at_k(make_outcomes(labels=[[True]])) is None


def test_value_and_regret() -> None:
    assert value_over_best(0.6, 0.5) == pytest.approx(1.2)
    assert value_over_best(0.6, 0.0) is None
    assert regret(0.6, 0.9) == pytest.approx(0.3)


def test_entropy_is_0_for_one_llm_and_log_n_for_all_alike() -> None:
    one = selection_shares(Selection(4, choice=np.array([2, 2])))
    assert (one.tolist(), selection_entropy(one)) == ([0, 0, 1, 0], 0.0)
    alike = selection_shares(Selection(4, several=np.ones((3, 4), dtype=bool)))
    assert selection_entropy(alike) == pytest.approx(2.0)
    expected = selection_shares(Selection(2, weights=np.array([[0.25, 0.75], [0.75, 0.25]])))
    assert expected.tolist() == [0.5, 0.5]


def test_aiq_by_hand() -> None:
    # (0, .4) to (4, .8); the point at 2 lies below their line, the last below what was reached: area 1.6 + .8·2 of 6.
    points = [(0.0, 0.4), (2.0, 0.5), (4.0, 0.8), (6.0, 0.7)]
    assert aiq(points, 0.0, 6.0) == pytest.approx((0.5 * (0.4 + 0.8) * 4 + 0.8 * 2) / 6)
    assert aiq([(2.0, 0.5)], 0.0, 4.0) == pytest.approx(0.25)  # nothing is had for less than 2
    assert aiq([(1.0, 0.5)], 1.0, 3.0) == pytest.approx(0.5)
    assert aiq([(1.0, 0.3), (1.0, 0.5)], 1.0, 3.0) == pytest.approx(0.5)
    assert aiq(points, 1.0, 1.0) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_aiq_is_at_least_every_points_own_and_at_most_the_best(points: list[tuple[float, float]]) -> None:
    whole = aiq(points, 0.0, 1.0)
    assert whole <= max(y for _, y in points) + 1e-9
    for x, y in points:
        assert whole >= y * (1 - x) - 1e-9


def test_trade_off_runs_from_argmax_to_the_fastest_llm() -> None:
    outcomes = make_outcomes(labels=[[True, False], [False, True]], latency=[1, 3])
    curve = trade_off(view_of(outcomes), RouterScores("r", np.array([[0.6, 0.9], [0.2, 0.9]], dtype=np.float32)))
    assert (curve[0].weight, curve[0].burden, curve[0].accuracy) == (0.0, 3.0, 0.5)
    assert (curve[-1].burden, curve[-1].accuracy) == (1.0, 0.5)
    assert max(point.accuracy for point in curve) == 1.0
    unknown = make_outcomes(labels=[[True, False]], latency=[1, np.nan])
    with pytest.raises(NotAvailableError):
        trade_off(view_of(unknown), RouterScores("r", np.array([[0.6, 0.9]], dtype=np.float32)))


def test_by_subject_adds_up() -> None:
    outcomes = make_outcomes(labels=[[True, False], [False, True], [False, True]], latency=[1, 2])
    view = view_of(outcomes)
    frame = by_subject(view, view.one(0))
    assert frame.select("subject", "questions", "accuracy", "oracle").rows() == [
        ("subject-0", 2, 0.5, 1.0),
        ("subject-1", 1, 0.0, 1.0),
    ]
    assert (frame["accuracy_low"] <= frame["accuracy"]).all()
    assert by_subject(view, view.everyone())["accuracy"].null_count() == 2
    assert by_subject(view, view.anyone())["accuracy_low"].null_count() == 2


@given(
    hnp.arrays(np.float64, (30, 2), elements=st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])),
    hnp.arrays(np.bool_, (30, 2)),
)
def test_quality_equals_scikit_learn(p: np.ndarray, labels: np.ndarray) -> None:
    from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

    *each, whole = quality(p, labels, ["a", "b"])
    for n, one in enumerate(each):
        if 0 < labels[:, n].sum() < 30:
            assert one.auroc == pytest.approx(roc_auc_score(labels[:, n], p[:, n]))
        else:
            assert one.auroc is None
        assert one.brier == pytest.approx(brier_score_loss(labels[:, n], p[:, n], pos_label=True, labels=[False, True]))
        assert one.f1 == pytest.approx(f1_score(labels[:, n], p[:, n] >= 0.5, zero_division=0.0))
    assert whole.llm is None
    assert whole.f1 == pytest.approx(f1_score(labels, p >= 0.5, average="weighted", zero_division=0.0))


def test_calibration_error_by_hand() -> None:
    # Ten bins of one question each: |p - label| on average.
    p = np.linspace(0.05, 0.95, 10)[:, None]
    labels = np.array([[n >= 5] for n in range(10)])
    expected = np.mean([min(x, 1 - x) for x in p[:, 0]])
    assert quality(p, labels, ["a"])[0].calibration_error == pytest.approx(expected)
    perfect = quality(np.full((20, 1), 0.5), np.arange(20)[:, None] % 2 == 0, ["a"])[0]
    assert perfect.calibration_error == pytest.approx(0.0)
    assert math.isclose(perfect.brier, 0.25)
