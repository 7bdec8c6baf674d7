"""`recommend` on made-up runs: what it says agrees with itself and with evaluate, and what can't be is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.errors import UsageError
from selectllm_engine.setups import Recommender, Wish, evaluate_setup, recommend
from selectllm_engine.setups.choice_data import choice_data
from selectllm_engine.setups.proposals import Proposal, Trials
from selectllm_engine.store.sealed_json import read_sealed, write_sealed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recommend")
    write_fake_run(folder, questions={"train": 120, "validation": 60, "test": 60}, samples=2)
    run = sl.load("fake", folder)
    for router in ("prior", "ridge:tfidf", "knn:tfidf"):
        sl.train(run, router)
    return folder


@pytest.fixture
def run(folder):
    return sl.load("fake", folder)


@pytest.fixture(scope="module")
def found(folder):
    return sl.load("fake", folder).recommend()


def test_the_routed_topics_are_found(found, run):
    """Each LLM is good at its own topics, which a router that reads the question knows."""
    assert found.verdict == "use"
    assert found.setup.router in ("ridge:tfidf", "knn:tfidf")
    assert found.reference == run.evaluate().best_single
    estimate = found.estimate
    assert estimate.accuracy_low < estimate.accuracy < estimate.accuracy_high
    assert estimate.delta_low < estimate.delta < estimate.delta_high
    assert estimate.questions == 180


def test_cost_aware_is_tried_as_evaluate_has_it(run):
    """By the tokens that the other questions let one expect of those that taught them."""
    data = choice_data(run)
    halves = [run.outcomes(split).expected.tokens for split in ("train", "validation")]
    np.testing.assert_array_equal(data.outcomes.expected.tokens, np.concatenate(halves))
    for router in ("ridge:tfidf", "knn:tfidf"):
        looks = run.learner().better_by_question(run.scores(router), "latency")
        assert ((router, "latency") in data.by_question) is looks
        assert (router, "cost") not in data.by_question  # there are no prices


def test_as_many_samples_are_served_as_voted(found):
    for setup in (found.setup, *(each.setup for each in found.alternatives)):
        assert setup.samples == setup.k


def test_the_test_row_is_evaluate_s(found, run):
    row = evaluate_setup(run, found.setup)
    assert (found.test.accuracy, found.test.latency) == (row.accuracy, row.latency)
    labels = run.outcomes("test").labels
    reference = labels[:, run.llms.index(found.reference)].mean()
    assert found.test.delta == pytest.approx(found.test.accuracy - reference)
    assert found.test.reference == found.reference
    for other in found.alternatives:
        assert other.setup != found.setup
        assert other.test.accuracy == evaluate_setup(run, other.setup).accuracy


def test_alternatives_are_expected_to_do_less_than_they_seem(found, run):
    """The most accurate of thousands is partly lucky, whether it is used or not."""
    data = choice_data(run)

    def seems(setup):
        place = [run.llms.index(name) for name in setup.pool]
        k = None if setup.k == 2 else setup.k
        proposal = Proposal(tuple(place), setup.router, setup.policy, setup.vote)
        return Trials(data, k, run.learner().of().penalty).on(proposal).right.mean()

    luck = seems(found.setup) - found.estimate.accuracy
    for other in found.alternatives:
        assert other.estimate.accuracy < seems(other.setup)
        assert other.estimate.accuracy <= seems(other.setup) - luck + 1e-9  # a trade is of one measure


def test_what_one_sample_of_each_gives_is_noted(found, run):
    place = tuple(run.llms.index(name) for name in found.setup.pool)
    proposal = Proposal(place, found.setup.router, found.setup.policy, found.setup.vote)
    data, penalty = choice_data(run), run.learner().of().penalty
    whole, one = (Trials(data, k, penalty).on(proposal).right.mean() for k in (None, 1))
    said = f"with one sample of each LLM in the place of all that vote: {100 * (one - whole):+.1f} points"
    assert any(note.startswith(said) for note in found.notes)


def test_it_is_data_for_other_programs(found):
    shown = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(shown)[:5] == ["benchmark", "verdict", "setup", "estimate", "test"]
    assert {"accuracy", "latency", "cost", "delta"} <= set(shown["estimate"])
    assert set(shown["alternatives"][0]) == {"setup", "estimate", "test"}
    assert shown["setup"]["pool"] == list(found.setup.pool)


def test_nothing_of_test_takes_part_in_the_choice(run, found, folder, tmp_path):
    """With other answers on test it is the same but for the figures of test."""
    rng = np.random.default_rng(0)
    real = run.outcomes("test")
    run._outcomes["test"] = replace(
        real, answers=rng.permuted(real.answers, axis=0), labels=rng.permuted(real.labels, axis=0)
    )
    other = recommend(run)
    assert (other.setup, other.estimate) == (found.setup, found.estimate)
    assert [each.setup for each in other.alternatives] == [each.setup for each in found.alternatives]
    assert other.test != found.test


def test_limits_are_kept(run, found):
    cheap = run.recommend(max_latency=0.3)
    assert cheap.estimate.latency <= 0.3
    one = run.recommend(max_llms=1)
    assert len(one.setup.pool) == 1
    assert one.verdict == "stay"
    assert one.needed is None
    fast = run.recommend(prefer="latency", min_accuracy=0.3)
    assert fast.estimate.latency <= found.estimate.latency


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"max_latency": 1e-6}, r"no setup answers within 1e-06 s: fake-. takes the least, 0\.\d+ s"),
        ({"min_accuracy": 0.99}, "no setup is right on 99.0 % of the labelled questions: the most accurate, "),
        ({"max_cost": 0.1}, "no LLM of fake has known dollars"),
        ({"prefer": "cost"}, "no LLM of fake has known dollars"),
    ],
)
def test_wishes_that_nothing_meets(run, wish, said):
    with pytest.raises(UsageError, match=said):
        run.recommend(**wish)


def test_too_few_labels(tmp_path):
    write_fake_run(tmp_path, questions={"train": 20, "validation": 10, "test": 40})
    with pytest.raises(UsageError, match="takes 50 labelled questions of train and validation; fake has 30"):
        sl.load("fake", tmp_path).recommend()


def test_without_train_or_test(tmp_path):
    write_fake_run(tmp_path, questions={"validation": 80})
    found = sl.load("fake", tmp_path).recommend()
    assert (found.test, found.agrees) == (None, None)
    assert found.estimate.questions == 80


def test_without_a_router_one_stays_or_votes(tmp_path):
    write_fake_run(tmp_path, questions={"train": 60, "validation": 30, "test": 30})
    found = sl.load("fake", tmp_path).recommend()
    assert found.setup.router is None
    assert all("chosen anew" in note or "one sample" in note for note in found.notes)


def test_routers_that_cannot_route_here_are_named(run, folder):
    made = run.cache.router_dir("fake", "knn:elsewhere", write=True)
    stored = run.cache.router_dir("fake", "knn:tfidf")
    for file in ("probabilities.parquet", "manifest.json"):
        (made / file).write_bytes((stored / file).read_bytes())
    try:
        data = choice_data(sl.load("fake", folder))
        assert "knn:elsewhere" not in [each.name for each in data.routers]
        (note,) = data.left_out
        assert note == "left out, for they can't route a new question on this machine: knn:elsewhere"
    finally:
        for file in made.iterdir():
            file.unlink()
        made.rmdir()


def test_cheap_routers_without_held_out_probabilities_are_refitted(run, folder):
    whole = {each.name: each.probabilities for each in choice_data(run).routers}
    manifest = run.cache.router_dir("fake", "knn:tfidf") / "manifest.json"
    content = read_sealed(manifest)
    write_sealed(manifest, {**content, "train_held_out": False})
    try:
        again = {each.name: each.probabilities for each in choice_data(sl.load("fake", folder)).routers}
    finally:
        write_sealed(manifest, content)
    np.testing.assert_allclose(again["knn:tfidf"], whole["knn:tfidf"], atol=1e-5)


def test_many_questions_are_searched_on_some_and_confirmed_on_all(run):
    heard = []
    found = Recommender(run, many=100).recommend(Wish(), lambda *told: heard.append(told))
    assert "searched on 100 of the 180 labelled questions; all confirmed" in found.notes
    assert found.estimate.questions == 180
    assert {"trying setups", "confirming on all questions", "trying fewer samples"} <= {what for what, _, _ in heard}
    assert all(done <= total for _, done, total in heard)


def test_pools_of_many_llms_grow(tmp_path):
    names = [f"fake-{chr(ord('a') + n)}" for n in range(11)]
    write_fake_run(tmp_path, llms=names, questions={"train": 60, "validation": 30, "test": 30}, samples=1)
    run = sl.load("fake", tmp_path)
    sl.train(run, "ridge:tfidf")
    found = run.recommend(max_llms=4)
    assert len(found.setup.pool) <= 4
    assert found.tried > 100


def test_subjects_lost_and_gained_are_significant(found, run):
    subjects = run.questions["subject"].unique().to_list()
    assert all(each.subject in subjects and each.p < 0.05 for each in found.subjects)
    assert [each.delta for each in found.subjects] == sorted(each.delta for each in found.subjects)


WISHES = [Wish(), Wish(max_llms=1), Wish(max_latency=0.5), Wish(max_llms=2, prefer="latency"), Wish()]


@pytest.mark.parametrize("many", [2000, 100])
def test_wish_after_wish_is_answered_as_if_it_were_the_first(run, many):
    recommender = Recommender(run, many=many)
    for wish in reversed(WISHES):
        assert recommender.recommend(wish).to_dict() == Recommender(run, many=many).recommend(wish).to_dict()


def test_what_was_interrupted_goes_on_where_it_was(run, found, monkeypatch):
    recommender = Recommender(run)
    steps = 0

    def impatient(*_):
        nonlocal steps
        steps += 1
        if steps % 3 == 0:
            raise InterruptedError

    tried = []
    monkeypatch.setattr(Trials, "on", lambda self, each, on=Trials.on: tried.append((self, each)) or on(self, each))
    while True:
        with suppress(InterruptedError):
            again = recommender.recommend(Wish(), impatient)
            break
    assert again.to_dict() == found.to_dict()
    assert len(tried) == len(set(tried))


def test_a_front_has_the_figures_of_its_setups(run, found):
    recommender = Recommender(run)
    front = recommender.front(Wish())
    assert len(front) > 1
    for each in front:
        assert each.test.accuracy == evaluate_setup(run, each.setup).accuracy
        assert each.test.reference == found.reference
        assert each.estimate.questions == 180
    assert [each.estimate.latency for each in front] == sorted(each.estimate.latency for each in front)
    known = {each.setup: each.estimate for each in found.alternatives}
    for each in front:  # by the same measure
        assert each.estimate.accuracy == known.get(each.setup, each.estimate).accuracy
    within = recommender.front(Wish(max_llms=1))
    assert all(len(each.setup.pool) == 1 for each in within)
