"""Cost-aware by what each question is expected to take, against plain loops; and as ever where nobody expects it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plain import make_outcomes, speed_order
from selectllm_engine.evaluation import (
    POLICIES,
    Expected,
    Learner,
    Prepared,
    RouterScores,
    parse_policy,
    trade_off,
    view_of,
)
from selectllm_engine.evaluation.curves import LAMBDAS, aiq
from selectllm_engine.evaluation.question_burdens import better_by_question
from selectllm_engine.llms import Pool

LINES = np.array([[0.1, 0.001, 0.02], [0.5, 0.0, 0.05], [0.2, 0.002, 0.1]])
PRICES = np.array([[0.0, 1e-6, 3e-6], [0.0, 2e-6, 4e-6], [0.0, 1e-5, 2e-5]])


def made_up(split: str, seed: int, questions: int = 60, *, noise: float = 0.1):
    """Outcomes whose seconds and dollars are made from tokens, which are expected but for some noise."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(5, 80, (questions, 3, 2)).astype(np.float32)
    labels = rng.random((questions, 3)) < [0.4, 0.5, 0.6]
    latency, cost = (line[:, 0] + (line[:, 1:] * tokens).sum(axis=2) for line in (LINES, PRICES))
    outcomes = make_outcomes(labels=labels, latency=latency, cost=cost, split=split)
    expected = (tokens * rng.lognormal(0, noise, tokens.shape)).astype(np.float32)
    p = np.clip(0.5 * labels + 0.5 * rng.random(labels.shape), 0, 1).astype(np.float32)
    return replace(outcomes, expected=Expected(expected, {"latency": LINES, "cost": PRICES})), p


def viewed(test, validation, pool=None):
    return view_of(Prepared(test), Pool.of(test.llms, pool), Prepared(validation))


def plain_choice(p, burdens, largest, order, weight):
    """The LLM that cost-aware asks, for one question."""
    return max(order, key=lambda llm: np.float32(p[llm]) - np.float32(weight * burdens[llm] / largest))


def plain_aiq(outcomes, p, burdens):
    """AIQ where cost-aware looks at these burdens [Q][N], question by question."""
    seconds = outcomes.latency.astype(float).tolist()
    means = np.mean(seconds, axis=0).tolist()
    order, points = speed_order(outcomes, range(3)), []
    for weight in LAMBDAS:
        chosen = [plain_choice(p[q], burdens[q], max(means), order, weight) for q in range(len(seconds))]
        spent = [seconds[q][llm] for q, llm in enumerate(chosen)]
        right = [bool(outcomes.labels[q, llm]) for q, llm in enumerate(chosen)]
        points.append((float(np.mean(spent)), float(np.mean(right))))
    return aiq(points, min(means), max(means))


def expected_seconds(outcomes):
    return [
        [float(np.float32(a + b * prompt + c * output)) for (a, b, c), (prompt, output) in zip(LINES, row, strict=True)]
        for row in outcomes.expected.tokens.tolist()
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_choice_is_that_of_plain_loops(seed):
    validation, p = made_up("validation", seed, noise=2.0 if seed % 2 else 0.1)
    means = np.tile(validation.latency.mean(axis=0, dtype=float), (60, 1)).tolist()
    better = plain_aiq(validation, p, expected_seconds(validation)) > plain_aiq(validation, p, means)
    scores = RouterScores("fake", p, validation=p)
    assert Learner(None, Prepared(validation)).better_by_question(scores, "latency") is better


def test_both_are_chosen_somewhere():
    found = set()
    for seed in range(6):
        validation, p = made_up("validation", seed, noise=2.0 if seed % 2 else 0.1)
        found.add(Learner(None, Prepared(validation)).better_by_question(RouterScores("f", p, validation=p), "latency"))
    assert found == {True, False}


@pytest.mark.parametrize("by", ["latency", "cost"])
def test_it_is_better_where_the_curve_of_validation_is_higher(by):
    for seed in range(4):
        validation, p = made_up("validation", seed, noise=1.0)
        view, heights = viewed(validation, validation), []
        scores = RouterScores("fake", p, validation=p)
        found = view.learner.better_by_question(scores, by)
        means = view.prepared.mean_cost if by == "cost" else view.prepared.mean_latency
        for better in (False, True):
            view.learner.better_by_question = lambda *_, better=better: better
            points = [(each.burden, each.accuracy) for each in trade_off(view, scores, by=by)]
            heights.append(aiq(points, means.min(), means.max()))
        assert found is (heights[1] > heights[0] + 1e-9)


@pytest.mark.parametrize("policy", ["cost-aware:0.15", "cost-aware:0.6", "cost-aware:0.3:cost"])
@pytest.mark.parametrize("pool", [[0, 1, 2], [0, 2]])
def test_questions_go_where_plain_loops_send_them(policy, pool):
    (test, p), (validation, held_out) = made_up("test", 10), made_up("validation", 0)
    view = viewed(test, validation, [test.llms[llm] for llm in pool])
    scores = RouterScores("fake", p, validation=held_out)
    spec = parse_policy(policy)
    by = spec.by or "latency"
    order = speed_order(test, pool)
    means = getattr(test, by).mean(axis=0, dtype=float).tolist()
    for better in (True, False):
        view.learner.better_by_question = lambda *_, better=better: better
        burdens = test.expected.burden(by).tolist() if better else [means] * 60
        largest = max(means[llm] for llm in pool)
        chosen = [plain_choice(p[q], burdens[q], largest, order, spec.number) for q in range(60)]
        selection = view.policy(scores, spec)
        assert selection.choice.tolist() == chosen
        assert selection.notes == (f"{by} of each question" if better else f"each LLM's mean {by}",)
        row = view.policy_row(scores, spec)
        assert selection.notes[0] in row.notes
        taken = [float(test.latency[q, llm]) for q, llm in enumerate(chosen)]
        assert row.latency == pytest.approx(np.mean(taken))  # what it took, not what was expected


def test_lambda_is_tuned_with_the_same_burdens():
    (test, p), (validation, held_out) = made_up("test", 10), made_up("validation", 0)
    view, scores = viewed(test, validation), RouterScores("fake", p, validation=held_out)
    assert view.learner.better_by_question(scores, "latency")
    means = validation.latency.mean(axis=0, dtype=float).tolist()
    burdens, order = expected_seconds(validation), speed_order(validation, range(3))

    def merit(weight):
        chosen = [plain_choice(held_out[q], burdens[q], max(means), order, weight) for q in range(60)]
        right = np.mean([validation.labels[q, llm] for q, llm in enumerate(chosen)])
        return right, -np.mean([validation.latency[q, llm] for q, llm in enumerate(chosen)])

    grid = [round(0.05 * step, 9) for step in range(21)]
    assert view.tune(scores, parse_policy("cost-aware:auto")).parameter == max(grid, key=merit)


def test_a_tie_goes_to_the_means():
    validation, p = made_up("validation", 0)
    means = validation.latency.mean(axis=0, dtype=float)
    order = np.argsort(means)
    tiled = np.tile(means, (60, 1)).astype(np.float32)
    assert not better_by_question(p[:, order], validation.labels[:, order], validation.latency[:, order], tiled)


@given(
    hnp.arrays(np.bool_, (6, 2)),
    hnp.arrays(np.float32, (6, 2), elements=st.sampled_from([0.25, 0.5, 0.75])),
    hnp.arrays(np.float32, (6, 2), elements=st.sampled_from([0.0, 1.0, 2.0, 5.0])),
)
def test_what_is_expected_of_all_alike_is_never_better(labels, p, seconds):
    order = np.argsort(seconds.mean(axis=0), kind="stable")
    alike = np.tile(seconds.mean(axis=0, dtype=np.float64), (6, 1)).astype(np.float32)
    assert not better_by_question(*(each[:, order] for each in (p, labels, seconds, alike)))


def test_without_expectations_all_is_as_ever():
    (test, p), (validation, held_out) = made_up("test", 10), made_up("validation", 0)
    scores = RouterScores("fake", p, validation=held_out)
    as_ever = viewed(replace(test, expected=None), replace(validation, expected=None)).policy(
        scores, parse_policy("cost-aware:0.3")
    )
    assert as_ever.notes == ()
    unknown = replace(test.expected, tokens=np.where(np.arange(3)[:, None] == 2, np.nan, test.expected.tokens))
    some = replace(test, expected=unknown)  # nobody knows it of the third LLM
    found = viewed(some, validation).policy(scores, parse_policy("cost-aware:0.3"))
    assert found.notes == ()
    np.testing.assert_array_equal(found.choice, as_ever.choice)
    assert (
        viewed(some, validation, test.llms[:2]).policy(scores, parse_policy("cost-aware:0.3")).notes
    )  # these, it does


@pytest.mark.parametrize(
    "scores",
    [
        lambda p, held_out: RouterScores("without validation", p),
        lambda p, held_out: RouterScores("unseen", p, validation=held_out, unseen=True),
    ],
)
def test_what_validation_cannot_say_is_not_believed(scores):
    (test, p), (validation, held_out) = made_up("test", 10), made_up("validation", 0)
    found = viewed(test, validation).policy(scores(p, held_out), parse_policy("cost-aware:0.3"))
    assert found.notes == ("each LLM's mean latency",)
    as_ever = viewed(replace(test, expected=None), validation).policy(scores(p, held_out), parse_policy("cost-aware"))
    assert as_ever.notes == ()


def test_labels_of_the_questions_to_answer_never_matter():
    (test, p), (validation, held_out) = made_up("test", 10), made_up("validation", 0)
    scores, spec = RouterScores("fake", p, validation=held_out), parse_policy("cost-aware:0.3")
    found = viewed(test, validation).policy(scores, spec)
    other = viewed(replace(test, labels=~test.labels), validation).policy(scores, spec)
    np.testing.assert_array_equal(found.choice, other.choice)
    assert found.notes == other.notes == ("latency of each question",)


def test_lambda_begins_with_the_values_that_auto_tries():
    grid = POLICIES["cost-aware"].grid(1)
    assert list(LAMBDAS[: len(grid)]) == grid
    assert LAMBDAS[len(grid)] > grid[-1]
