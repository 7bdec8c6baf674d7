"""New questions go to the LLMs, and are answered as, they are in the evaluation; what is loaded stays."""

import numpy as np
import pytest

import selectllm_engine as sl
from paths import ROOT
from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import POLICIES, majority_vote, parse_policy, pooled_votes, tally
from selectllm_engine.routers import chooser, routing
from selectllm_engine.routers.chooser import choose_by, choose_without
from selectllm_engine.routers.routing import route, route_all
from selectllm_engine.routers.training_data import question_texts
from selectllm_engine.store import as_vote_rule

ROUTER = "ridge:tfidf"
CHOICES = (*POLICIES, "threshold:auto", "top-m:3", "cost-aware:0.4", "cascade:0.6", "cascade-value:max")


@pytest.fixture(scope="module")
def run():
    return sl.load("reasoning", ROOT / "cache")


@pytest.fixture(scope="module")
def texts(run):
    return run.outcomes("test").questions.select(question_texts()).to_series().to_list()


def evaluated(run, router, policy, **how):
    """The selection of the evaluation, and what it answers."""
    view = run.view(**how)
    if policy is None:
        selection = view.everyone()
    else:
        scores = run.scores(router, forest=parse_policy(policy).needs_forest)
        selection = view.policy(scores, parse_policy(policy))
    return selection, codes(selection, view.prepared.tally)


def codes(selection, counted):
    return selection.answers if selection.answers is not None else pooled_votes(counted, selection.mask).code


@pytest.mark.parametrize("vote", ["equal", "learned"])
@pytest.mark.parametrize("policy", CHOICES)
def test_questions_of_the_benchmark_are_chosen_for_and_answered_as_in_the_evaluation(run, texts, policy, vote):
    rule = as_vote_rule(vote)
    expected, answers = evaluated(run, ROUTER, policy, vote=rule)
    chooser = choose_by(run, ROUTER, policy, vote=rule)
    beliefs = chooser.believe(texts)
    counted = run.prepared().tally
    selection = chooser.select(beliefs, counted)
    assert (selection.weights is None) == (expected.weights is None)
    np.testing.assert_array_equal(selection.mask, expected.mask)
    if selection.weights is None:
        np.testing.assert_array_equal(codes(chooser.vote(selection, beliefs, counted), counted), answers)


@pytest.mark.parametrize("vote", ["equal", "learned"])
@pytest.mark.parametrize("policy", [None, "cascade", "vote:auto", "cascade-value"])
def test_without_a_router_too(run, texts, policy, vote):
    rule = as_vote_rule(vote)
    chooser = choose_without(run, policy, vote=rule)
    beliefs, counted = chooser.believe(texts), run.prepared().tally
    voted = chooser.vote(chooser.select(beliefs, counted), beliefs, counted)
    view = run.view(vote=rule)
    if policy is None:
        expected = view.everyone()
    else:
        nothing = np.zeros(view.prepared.labels.shape, np.float32)
        expected = view.policy(sl.evaluation.RouterScores("nothing", nothing), parse_policy(policy))
    np.testing.assert_array_equal(voted.mask, expected.mask)
    np.testing.assert_array_equal(codes(voted, counted), codes(expected, counted))


def test_one_llm_alone_is_always_asked(run, texts):
    chooser = choose_without(run, pool=[run.llms[1]])
    assert (chooser.select(chooser.believe(texts[:3])).mask == (np.arange(len(run.llms)) == 1)).all()


def test_a_question_at_a_time_is_answered_as_all_at_once(run, texts):
    """By a loop over questions, each with a tally of its own, as a server has it."""
    rule = as_vote_rule("learned")
    for policy in ("top-m:2", "cascade-value:max"):
        _, answers = evaluated(run, ROUTER, policy, vote=rule)
        chooser, outcomes = choose_by(run, ROUTER, policy, vote=rule), run.outcomes("test")
        for place in range(0, len(texts), 10):
            counted = tally(outcomes.answers[place : place + 1])
            beliefs = chooser.believe([texts[place]])
            voted = chooser.vote(chooser.select(beliefs, counted), beliefs, counted)
            assert codes(voted, counted)[0] == answers[place], (policy, place)


def test_fewer_samples_vote_as_a_plain_loop_counts_them(run, texts):
    answers = run.outcomes("test").answers[:, :, :2]
    chooser, counted = choose_by(run, ROUTER, "top-m:2"), tally(answers)
    beliefs = chooser.believe(texts)
    found = codes(chooser.vote(selection := chooser.select(beliefs, counted), beliefs, counted), counted)
    for place, asked in enumerate(selection.mask):
        said = [str(code) if code >= 0 else None for llm in np.flatnonzero(asked) for code in answers[place, llm]]
        won = majority_vote(said).answer
        assert found[place] == (-1 if won is None else int(won))


def test_router_and_similar_questions_are_loaded_once(run, monkeypatch):
    loads, fits = [], []
    load, nearest = chooser.load_router, routing.Nearest
    monkeypatch.setattr(chooser, "load_router", lambda *given, **how: loads.append(given) or load(*given, **how))
    monkeypatch.setattr(routing, "Nearest", lambda *given: fits.append(given) or nearest(*given))
    fresh = sl.load("reasoning", ROOT / "cache")
    found = [route(fresh, "What is 17 + 25?", "knn:tfidf", policy) for policy in ("argmax", "top-m:2", "margin")]
    assert len(loads) == len(fits) == 1
    assert found[0].nearest == found[1].nearest


def test_many_questions_are_routed_at_once(run, texts):
    frame = route_all(choose_by(run, ROUTER, "top-m:2", pool=run.llms[:3]), texts)
    assert frame.columns == ["question", "asked", "confidence", *(f"{name}|p" for name in run.llms[:3])]
    for row in frame.head(5).iter_rows(named=True):
        found = route(run, row["question"], ROUTER, "top-m:2", pool=run.llms[:3])
        assert tuple(row["asked"]) == found.order
        chances = {each.llm: each.probability for each in found.llms}
        assert row["confidence"] == pytest.approx(max(chances[name] for name in found.order), abs=1e-6)
    forest = route_all(choose_by(run, ROUTER, "prediction"), texts[:3])
    assert forest["confidence"].to_list() == pytest.approx(run.scores(ROUTER).forest[:3].max(axis=1).tolist(), abs=1e-5)
    everyone = route_all(choose_without(run), texts[:2])
    by_speed = [run.llms[llm] for llm in run.prepared().order]
    assert everyone["asked"].to_list() == [by_speed] * 2
    assert everyone["confidence"].null_count() == 2
    chain = route_all(choose_by(run, ROUTER, "cascade"), texts[:1])
    assert chain["asked"].to_list() == [by_speed]


def test_a_forest_needs_a_validation_split(run, monkeypatch):
    monkeypatch.setattr(type(run), "scores", lambda *_, **__: sl.evaluation.RouterScores("x", np.zeros((1, 5))))
    with pytest.raises(UsageError, match="needs a validation split"):
        choose_by(run, ROUTER, "prediction")
