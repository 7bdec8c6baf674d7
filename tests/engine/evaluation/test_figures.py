"""Figures of a selection question by question, against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plain import make_outcomes
from selectllm_engine.evaluation.figures import figures_of
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import as_probabilities
from selectllm_engine.evaluation.selection import Selection

LABELS = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6)


@given(LABELS, st.data())
def test_an_expectation_is_the_mean_over_its_draw(labels, data):
    outcomes = make_outcomes(labels=labels, latency=[1, 2.5, 4], cost=[0.1, 0.2, 0.4])
    drawn = [data.draw(st.lists(st.sampled_from([0.0, 1.0, 3.0]), min_size=3, max_size=3)) for _ in labels]
    weights = np.array([[each / sum(row) for each in row] if any(row) else [1.0, 0.0, 0.0] for row in drawn])
    found = figures_of(Selection(3, weights=weights), Prepared(outcomes), np.arange(3))
    for question, row in enumerate(weights):
        assert found.right[question] == pytest.approx(sum(row * labels[question]))
        assert found.latency[question] == pytest.approx(sum(row * outcomes.latency[question]))
        assert found.cost[question] == pytest.approx(sum(row * outcomes.cost[question]))
    waited = (weights * outcomes.latency * np.array(labels)).sum()
    assert found.right_latency == pytest.approx(waited)


def test_several_llms_take_what_each_takes():
    outcomes = make_outcomes([[[0], [0], [1]], [[0], [1], [1]]], latency=[1, 2.5, 4], cost=[0.1, 0.2, 0.4])
    asked = np.array([[True, True, False], [False, True, True]])
    found = figures_of(Selection(3, several=asked), Prepared(outcomes), np.arange(3))
    assert found.latency == pytest.approx([3.5, 6.5])
    assert found.parallel == pytest.approx([2.5, 4])
    assert found.cost == pytest.approx([0.3, 0.6])
    assert found.right_latency == pytest.approx(found.latency[found.right].sum())
    assert 0 < found.right.sum() < 2


def test_what_several_llms_take_is_unknown_where_nothing_is_known():
    outcomes = make_outcomes(labels=[[True, False, True]] * 2, latency=[np.nan] * 3, cost=[np.nan] * 3)
    found = figures_of(Selection(3, several=np.ones((2, 3), bool)), Prepared(outcomes), np.arange(3))
    for each in (found.latency, found.parallel, found.cost):
        assert np.isnan(each).all()


def test_rounding_errors_beyond_0_and_1_are_cut_off():
    assert as_probabilities(np.array([-1e-9, 0.25, 1 + 1e-6])).tolist() == [0.0, 0.25, 1.0]
