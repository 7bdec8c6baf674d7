from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plain import ORACLES, choose, make_outcomes, small_outcomes, small_scores, speed_order
from selectllm_engine.errors import NotAvailableError, UnknownNameError, UsageError
from selectllm_engine.evaluation.policies import POLICIES, PolicySpec, parse_policy
from selectllm_engine.evaluation.pool_view import PoolView
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.selection import Selection, top_of
from selectllm_engine.llms import Pool
from suites import policies_without_oracle


def view_of(outcomes, names=None, validation=None) -> PoolView:
    held_out = None if validation is None else Prepared(validation)
    return PoolView(Prepared(outcomes), Pool.of(outcomes.llms, names), held_out)


def selected(selection: Selection) -> list[set[int]]:
    return [set(np.flatnonzero(row).tolist()) for row in selection.mask]


def among(selection: Selection) -> list[set[int]]:
    """The LLMs selected; of an expectation those drawn from, each of which must be as likely as the others."""
    if selection.weights is None:
        return selected(selection)
    for row in selection.weights:
        assert row[row > 0] == pytest.approx(1 / np.count_nonzero(row))
    return [set(np.flatnonzero(row).tolist()) for row in selection.weights]


def scores(probabilities, **more) -> RouterScores:
    return RouterScores("knn:fake", np.asarray(probabilities, dtype=np.float32), **more)


def test_every_policy_has_a_plain_loop() -> None:
    assert policies_without_oracle() == [], "write a plain loop over one question into ORACLES of plain.py"


@pytest.mark.parametrize("name", [name for name in POLICIES if name in ORACLES])
@given(data=st.data())
@settings(max_examples=60)
def test_policies_equal_plain_loops(name: str, data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    llms = len(outcomes.llms)
    validation = data.draw(small_outcomes(llms=llms, split="validation"))
    router = data.draw(small_scores(len(outcomes.labels), llms))
    pool = data.draw(st.sets(st.integers(0, llms - 1), min_size=1))
    view = view_of(outcomes, [outcomes.llms[n] for n in pool], validation)
    info = POLICIES[name]
    value = data.draw(st.sampled_from(info.grid(len(pool)))) if info.symbol else None
    ascending = sorted(speed_order(outcomes, pool), key=lambda n: validation.labels[:, n].sum())
    assert among(view.policy(router, PolicySpec(name, value))) == choose(
        name, value or 0.0, router, outcomes=outcomes, pool=pool, ascending=ascending
    )


def test_ties_go_to_the_faster_then_the_cheaper_then_run_order() -> None:
    labels = [[True, True, True]]
    by_speed = make_outcomes(labels=labels, latency=[3, 2, 2], cost=[1, 2, 1])
    tied = scores([[0.7, 0.7, 0.7]])
    assert selected(view_of(by_speed).policy(tied, PolicySpec("argmax"))) == [{2}]
    alike = make_outcomes(labels=labels, latency=[2, 2, 2])
    assert selected(view_of(alike).policy(tied, PolicySpec("argmax"))) == [{0}]
    unknown_last = make_outcomes(labels=labels, latency=[np.nan, 9, np.nan])
    assert selected(view_of(unknown_last).policy(tied, PolicySpec("argmax"))) == [{1}]


def test_random_is_uniform_over_the_top_three_where_unsure_else_argmax() -> None:
    outcomes = make_outcomes(labels=[[True] * 4] * 3, latency=[4, 3, 2, 1])
    router = scores([[0.6, 0.5, 0.4, 0.3], [0.61, 0.5, 0.4, 0.3], [0.2, 0.2, 0.2, 0.2]])
    weights = view_of(outcomes).policy(router, PolicySpec("random")).weights
    third = 1 / 3
    np.testing.assert_allclose(weights, [[third, third, third, 0], [1, 0, 0, 0], [0, third, third, third]])
    pair = view_of(outcomes, ["fake-a", "fake-d"]).policy(router, PolicySpec("random")).weights
    np.testing.assert_allclose(pair, [[0.5, 0, 0, 0.5], [1, 0, 0, 0], [0.5, 0, 0, 0.5]])


def test_an_expectation_is_drawn_by_a_seed() -> None:
    weights = np.tile([0.25, 0.0, 0.75], (4000, 1))
    drawn = Selection(3, weights=weights).drawn(seed=1)
    assert np.array_equal(drawn.choice, Selection(3, weights=weights).drawn(seed=1).choice)
    counts = np.bincount(drawn.choice, minlength=3) / 4000
    assert counts[1] == 0
    assert counts[2] == pytest.approx(0.75, abs=0.03)
    certain = Selection(3, choice=np.array([1]))
    assert certain.drawn() is certain


@given(st.data())
def test_top_of_takes_exactly_m_best_first_of_equals(data: st.DataObject) -> None:
    table = data.draw(small_scores(4, 5)).probabilities
    order, m = np.array(data.draw(st.permutations(range(5)))), data.draw(st.integers(1, 6))
    expected = [set(sorted(order.tolist(), key=lambda n: -row[n])[:m]) for row in table]
    assert [set(np.flatnonzero(row).tolist()) for row in top_of(table, order, m)] == expected


def test_cost_aware_uses_cost_where_latency_is_unknown_or_when_told_to() -> None:
    labels = [[True, True]]
    router = scores([[0.8, 0.7]])
    both = make_outcomes(labels=labels, latency=[1, 10], cost=[10, 1])
    assert selected(view_of(both).policy(router, PolicySpec("cost-aware", 0.5))) == [{0}]
    assert selected(view_of(both).policy(router, PolicySpec("cost-aware", 0.5, "cost"))) == [{1}]
    cost_only = make_outcomes(labels=labels, latency=[np.nan, 10], cost=[10, 1])
    assert selected(view_of(cost_only).policy(router, PolicySpec("cost-aware", 0.5))) == [{1}]
    neither = make_outcomes(labels=labels, latency=[np.nan, 10])
    with pytest.raises(NotAvailableError, match="latency or cost"):
        view_of(neither).policy(router, PolicySpec("cost-aware", 0.5))


def test_cascade_counts_silent_samples_and_stops_at_the_share() -> None:
    # LLM b is the fastest; 2 of its 3 samples agree, 1 is silent.
    answers = [[[1, 1, 1], [0, 0, -1]]]
    outcomes = make_outcomes(answers, latency=[2, 1])
    router = scores([[0.5, 0.5]])
    assert selected(view_of(outcomes).policy(router, PolicySpec("cascade", 2 / 3))) == [{1}]
    assert selected(view_of(outcomes).policy(router, PolicySpec("cascade", 0.67))) == [{0, 1}]


def test_a_cascade_over_one_sample_each_asks_two_llms_at_least() -> None:
    outcomes = make_outcomes([[[0], [0], [1]], [[0], [1], [1]], [[-1], [-1], [-1]]], latency=[1, 2, 3])
    router = scores([[0.5, 0.5, 0.5]] * 3)
    assert selected(view_of(outcomes).policy(router, PolicySpec("cascade", 1.0))) == [{0, 1}, {0, 1, 2}, {0, 1, 2}]
    assert selected(view_of(outcomes, ["fake-b"]).policy(router, PolicySpec("cascade", 1.0))) == [{1}] * 3


def test_policies_without_their_data_say_why() -> None:
    labels_only = make_outcomes(labels=[[True, False]])
    router = scores([[0.5, 0.5]])
    view = view_of(labels_only)
    with pytest.raises(NotAvailableError, match="labels only"):
        view.policy(router, PolicySpec("cascade", 0.8))
    for name in ("prediction", "sorted-prediction"):
        with pytest.raises(NotAvailableError, match="validation"):
            view.policy(router, PolicySpec(name))
    with pytest.raises(NotAvailableError, match="validation"):
        view.policy(router, PolicySpec("threshold", "auto"))


def test_auto_takes_the_most_accurate_value_then_the_faster_then_the_smaller() -> None:
    outcomes = make_outcomes(labels=[[True, True]], latency=[1, 2])
    validation = make_outcomes(labels=[[True, False], [True, False]], latency=[1, 2], split="validation")
    probabilities = [[0.5, 0.82], [0.3, 0.4]]  # LLM a, the right one, wins both once λ/2 > 0.32
    router = scores([[0.5, 0.6]], validation=np.array(probabilities, dtype=np.float32))
    tuned = view_of(outcomes, validation=validation).tune(router, PolicySpec("cost-aware", "auto"))
    assert tuned.parameter == pytest.approx(0.65)
    assert view_of(outcomes, validation=validation).tune(router, PolicySpec("argmax")) == PolicySpec("argmax")


def test_auto_never_looks_at_the_evaluated_split() -> None:
    validation = make_outcomes(labels=[[True, False]], latency=[1, 2], split="validation")
    held_out = np.array([[0.5, 0.8]], dtype=np.float32)
    tuned = {
        view_of(make_outcomes(labels=[labels], latency=[1, 2]), validation=validation)
        .tune(scores([[0.1, 0.9]], validation=held_out), PolicySpec("cost-aware", "auto"))
        .parameter
        for labels in ([True, False], [False, True])
    }
    assert len(tuned) == 1


@pytest.mark.parametrize("text", ["argmax", "threshold:0.6", "cost-aware:auto", "cost-aware:0.2:cost", "top-m:3"])
def test_policy_text_survives_a_round_trip(text: str) -> None:
    assert str(parse_policy(text)) == text


def test_a_missing_value_is_the_default() -> None:
    assert parse_policy("threshold") == PolicySpec("threshold", 0.6)
    assert parse_policy(" cost-aware:cost ") == PolicySpec("cost-aware", 0.15, "cost")


@pytest.mark.parametrize(
    "text",
    ["argmax:1", "threshold:2", "threshold:x", "threshold:nan", "threshold:", "top-m:0", "top-m:1.5", "top-m:1:2"],
)
def test_values_that_a_policy_does_not_take(text: str) -> None:
    with pytest.raises(UsageError):
        parse_policy(text)


def test_unknown_policy_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'argmax'"):
        parse_policy("argmx")


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_says_in_a_line_what_it_does(name: str) -> None:
    info = POLICIES[name]
    assert 10 < len(info.help) < 90
    if info.symbol:
        assert info.default in [pytest.approx(value) for value in info.grid(3)]
