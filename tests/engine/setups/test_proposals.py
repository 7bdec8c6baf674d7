"""What a proposal is right on and takes, against plain loops and the engine's own rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fakes import fake_outcomes
from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation import Expected, RouterScores, majority_vote, parse_policy, view_of
from selectllm_engine.llms import Pool
from selectllm_engine.setups.choice_data import ChoiceData
from selectllm_engine.setups.proposals import Proposal, Trials, policies_for


def made_up(questions=80, llms=4, samples=3, seed=1, **more):
    outcomes = fake_outcomes(questions, llms, samples, seed, split="train and validation", **more)
    p = np.random.default_rng(seed).random(outcomes.labels.shape).astype(np.float32)
    return ChoiceData(outcomes, (RouterScores("fake:router", p),))


def answer_of(outcomes, question, llms, samples):
    """A plain vote of some LLMs, in the order of the run."""
    said = [outcomes.answers[question, llm, sample] for llm in llms for sample in range(samples)]
    return majority_vote([str(code) if code >= 0 else None for code in said]).answer


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("pool", [(1,), (0, 2), (0, 1, 2, 3)])
def test_a_pool_that_votes(pool, k):
    data = made_up()
    tried = Trials(data, k).on(Proposal(pool))
    outcomes = data.outcomes
    gold = [str(code) for code in outcomes.gold]
    right = [answer_of(outcomes, q, pool, k) == gold[q] for q in range(80)]
    assert tried.right.tolist() == right
    seconds = [sum(outcomes.latency[q, llm] for llm in pool) for q in range(80)]
    assert tried.latency == pytest.approx(np.mean(seconds))
    assert tried.latency_error == pytest.approx(np.std(seconds) / np.sqrt(80), rel=1e-4)
    assert tried.llms == len(pool)
    assert np.isnan(tried.cost)


@pytest.mark.parametrize("policy", [policy for policy, asks in policies_for(4) if asks and policy != "margin"])
@pytest.mark.parametrize("pool", [(0, 2), (0, 1, 2, 3)])
def test_policies_are_those_of_evaluate(pool, policy):
    data = made_up()
    trials = Trials(data)
    tried = trials.on(Proposal(pool, "fake:router", policy))
    names = [data.outcomes.llms[llm] for llm in pool]
    view = view_of(trials.prepared, Pool.of(data.outcomes.llms, names))
    figures = view.figures(view.policy(data.routers[0], parse_policy(policy)))
    np.testing.assert_array_equal(tried.right, figures.right)
    assert tried.latency == pytest.approx(float(figures.latency.mean()))
    assert tried.llms == pytest.approx(figures.llms_per_question)


@pytest.mark.parametrize("better", [True, False])
def test_cost_aware_looks_at_what_it_looks_at_in_evaluate(better):
    data = made_up()
    tokens = np.random.default_rng(7).integers(1, 90, (80, 4, 2)).astype(np.float32)
    line = np.tile([0.1, 0.0, 0.05], (4, 1))
    outcomes = replace(data.outcomes, expected=Expected(tokens, {"latency": line, "cost": line * np.nan}))
    data = replace(data, outcomes=outcomes, by_question=frozenset({("fake:router", "latency")} if better else ()))
    few = np.arange(0, 80, 3)
    for each in (data, data.rows(few)):
        trials = Trials(each)
        tried = trials.on(Proposal((0, 2, 3), "fake:router", "cost-aware:0.3"))
        view = view_of(trials.prepared, Pool.of(outcomes.llms, [outcomes.llms[llm] for llm in (0, 2, 3)]))
        view.learner.better_by_question = lambda *_: better
        selection = view.policy(each.routers[0], parse_policy("cost-aware:0.3"))
        assert selection.notes == ("latency of each question" if better else "each LLM's mean latency",)
        np.testing.assert_array_equal(tried.right, view.figures(selection).right)


@pytest.mark.parametrize("policy", [policy for policy, asks in policies_for(3) if not asks])
def test_cascades_ask_no_router(policy):
    data = made_up(llms=3)
    trials = Trials(data)
    tried = trials.on(Proposal((0, 1, 2), None, policy))
    view = trials.view((0, 1, 2))
    figures = view.figures(view.policy(data.routers[0], parse_policy(policy)))
    np.testing.assert_array_equal(tried.right, figures.right)


def test_many_llms_vote_as_few_do():
    data = made_up(60, 11, 2)
    few, many = made_up(60, 10, 2), data
    for each in (few, many):
        trials = Trials(each)
        tried = trials.on(Proposal(tuple(range(8)), "fake:router", "threshold:0.4"))
        view = trials.view(tuple(range(8)))
        figures = view.figures(view.policy(each.routers[0], parse_policy("threshold:0.4")))
        np.testing.assert_array_equal(tried.right, figures.right)


def test_a_margin_is_learned_on_the_other_folds():
    """A router that knows each question's answer in one fold alone must not lead away from best-single there."""
    data = made_up(200, 2, 1, latency=(1, 2))
    labels = data.outcomes.labels
    knows = RouterScores("fake:knows", labels.astype(np.float32))
    trials = Trials(ChoiceData(data.outcomes, (knows,)))
    tried = trials.on(Proposal((0, 1), "fake:knows", "margin"))
    np.testing.assert_array_equal(tried.right, labels.any(axis=1))
    noise = RouterScores("fake:noise", np.random.default_rng(3).random(labels.shape).astype(np.float32))
    tried = Trials(ChoiceData(data.outcomes, (noise,))).on(Proposal((0, 1), "fake:noise", "margin"))
    assert tried.right.mean() <= labels.any(axis=1).mean()


def test_learned_votes_are_learned_on_other_questions():
    data = made_up(150, 3, 2)
    trials = Trials(data, penalty=10.0)
    whole = trials.on(Proposal((0, 1, 2), vote="learned")).right
    twice = trials.on(Proposal((0, 1, 2), vote="learned")).right
    np.testing.assert_array_equal(whole, twice)
    some = trials.on(Proposal((0, 1, 2), "fake:router", "top-m:2", "learned"))
    top = np.argsort(-data.routers[0].probabilities, axis=1)[:, :2]
    assert some.llms == 2
    seconds = np.take_along_axis(data.outcomes.latency, top, axis=1).sum(axis=1).mean()
    assert some.latency == pytest.approx(seconds, rel=1e-5)
    with pytest.raises(NotAvailableError):
        Trials(data).on(Proposal((0, 1, 2), vote="learned"))


def test_labels_alone_don_t_vote():
    trials = Trials(made_up(labels_only=True), penalty=1.0)
    assert not trials.learns
    with pytest.raises(NotAvailableError, match="labels only"):
        trials.on(Proposal((0, 1)))
    assert trials.on(Proposal((0, 1), "fake:router", "argmax")).llms == 1.0


def test_some_of_the_questions():
    data = made_up()
    rows = np.array([3, 5, 60])
    part = data.rows(rows)
    np.testing.assert_array_equal(part.outcomes.labels, data.outcomes.labels[rows])
    np.testing.assert_array_equal(part.routers[0].probabilities, data.routers[0].probabilities[rows])
    assert part.outcomes.questions["question_id"].to_list() == data.outcomes.questions["question_id"][rows].to_list()
    whole = Trials(data).on(Proposal((0, 3))).right
    np.testing.assert_array_equal(Trials(part).on(Proposal((0, 3))).right, whole[rows])


def test_dollars_in_the_place_of_seconds():
    assert "cost-aware:0.1:cost" in dict(policies_for(3, by="cost"))
    assert "cost-aware:0.1" in dict(policies_for(3))
    assert "top-m:3" not in dict(policies_for(3))
