"""Vote rules and the policies that learn from labelled questions, in rows: against plain loops; what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fakes import fake_outcomes
from plain import LEARNED_ORACLES, Taught, make_outcomes
from plain import vote as plain_equal_vote
from selectllm_engine.errors import NotAvailableError, UnknownNameError, UsageError
from selectllm_engine.evaluation import (
    LEARNED,
    PoolView,
    Prepared,
    RouterScores,
    VoteRule,
    best_m,
    detail,
    parse_policy,
    tabulate,
    view_of,
    weighed_vote,
)
from selectllm_engine.evaluation.best_m import cross_fitted_vote
from selectllm_engine.evaluation.cascade_value import learn_cascade, possible_chains
from selectllm_engine.evaluation.labelled_questions import labelled, opinions
from selectllm_engine.evaluation.learned_vote import choose_penalty, learn, vote
from selectllm_engine.evaluation.learner import Learner
from selectllm_engine.evaluation.policies import PolicySpec
from selectllm_engine.evaluation.vote_weights import VoteWeights
from selectllm_engine.evaluation.votes import tally
from selectllm_engine.llms import Pool

LATENCY = (1.0, 2.0, 5.0)


def made(questions, seed, split, samples=1, **settings):
    given = {"latency": LATENCY, "accuracy": [0.45, 0.55, 0.65], **settings}
    return fake_outcomes(questions, 3, samples, seed, split=split, **given)


def knowing(outcomes, seed=0):
    """A router that knows a little."""
    noise = np.random.default_rng(seed).normal(scale=0.15, size=outcomes.labels.shape)
    return np.clip(0.5 + 0.15 * outcomes.labels + noise, 0.02, 0.98).astype(np.float32)


class Case:
    """Three splits, a router, and a pool over them."""

    def __init__(self, seed=0, *, text=True, names=None, questions=(240, 120, 60), rule=None, samples=1):
        self.train, self.validation, self.test = (
            made(count, 10 * seed + at, split, samples)
            for at, (count, split) in enumerate(zip(questions, ("train", "validation", "test"), strict=True))
        )
        self.router = RouterScores(
            "knn:fake",
            knowing(self.test),
            validation=knowing(self.validation),
            train=knowing(self.train) if text else None,
        )
        self.view = view_of(
            Prepared(self.test),
            Pool.of(self.test.llms, names),
            Prepared(self.validation),
            train=Prepared(self.train),
            **({} if rule is None else {"vote": rule}),
        )

    def known(self, *, text):
        return labelled(
            self.train, self.validation, (self.router.train, self.router.validation) if text else (None, None)
        )


def penalty_of(case):
    """λ: chosen without opinions, for all routers."""
    return choose_penalty(case.known(text=False), np.ones(3, dtype=bool))


def taught(case, *, text):
    """The plain loops' view of a case: everything is learned anew."""
    known, plain, view = case.known(text=text), case.known(text=False), case.view
    order, penalty = view.order.tolist(), penalty_of(case)
    views = opinions(case.router.probabilities, known.rates) if text else None
    burden = np.concatenate([case.train.latency, case.validation.latency])
    chains = possible_chains(plain, order, burden, penalty, 1.0)
    cascade = learn_cascade(known, order, burden, penalty, 1.0, chains=chains)
    counted = tally(case.test.answers)

    def mask(llms):
        return np.isin(np.arange(3), list(llms))

    labels = [*(case.train.labels if text else []), *case.validation.labels]
    p = [*(case.router.train if text else []), *case.router.validation]
    return Taught(
        order=order,
        best_single=view.best_single,
        held_out=[[float(each) for each in row] for row in p],
        labels=[row.tolist() for row in labels],
        p=[[float(each) for each in row] for row in case.router.probabilities],
        cross_fitted=lambda llms: cross_fitted_vote(plain, mask(llms), penalty).right,
        confidence=lambda q, llms, weights: float(vote(weights, counted, known.llms, mask(llms), views).confidence[q]),
        cascade=cascade,
        at=cascade.at_budget(1.0),
        views=views,
    )


@pytest.mark.parametrize("name", LEARNED_ORACLES)
@pytest.mark.parametrize("text", [True, False], ids=["text", "no text"])
@pytest.mark.parametrize("names", [None, ["fake-a", "fake-c"]], ids=["all", "two"])
def test_learned_policies_equal_plain_loops(name, text, names):
    for seed in (1, 2):
        case = Case(seed, text=text, names=names)
        facts = taught(case, text=text)
        if name == "vote:auto":  # it ranks by all labelled questions, whatever the router knows of
            facts = replace(facts, labels=[*case.train.labels.tolist(), *case.validation.labels.tolist()])
        selection = case.view.policy(case.router, parse_policy(name))
        for q, row in enumerate(selection.mask):
            assert set(np.flatnonzero(row).tolist()) == LEARNED_ORACLES[name](facts, q), q


def test_the_learned_vote_is_a_baseline_wherever_it_can_be_had():
    case = Case()
    known = case.known(text=False)
    everyone = np.ones(3, dtype=bool)
    weights = learn(known, everyone, choose_penalty(known, everyone))
    right = vote(weights, tally(case.test.answers), known.llms, everyone).code == case.test.gold
    table = tabulate(case.view, [], [])
    row = table.row("learned-vote")
    assert row.accuracy == pytest.approx(right.mean())
    assert (row.vote, row.kind, row.llms_per_question) == ("learned", "baseline", 3.0)
    assert row.note == "one vote over 3 samples"
    names = [each.name for each in table.rows]
    assert names.index("learned-vote") == names.index("all-llms") + 1
    assert (table.row("all-llms").vote, table.row("oracle").vote, table.vote) == ("equal", None, "equal")
    few = Case(questions=(30, 19, 20))
    assert "learned-vote" not in [each.name for each in tabulate(few.view, [], []).rows]
    paper = view_of(few.view.prepared, few.view.pool, few.view.validation, "paper", train=few.view.train)
    assert "learned-vote" not in [each.name for each in tabulate(paper, [], []).rows]


@pytest.mark.parametrize("text", [True, False], ids=["text", "no text"])
@pytest.mark.parametrize("name", ["threshold:0.6", "top-m:2", "cascade:1"])
def test_the_learned_vote_serves_every_policy_that_asks_several(name, text):
    case = Case(3, text=text, rule=LEARNED, samples=2)
    known = case.known(text=text)
    weights = learn(known, np.ones(3, dtype=bool), penalty_of(case), popularity=False)
    views = opinions(case.router.probabilities, known.rates) if text else None
    equal = Case(3, text=text, samples=2)
    row = case.view.policy_row(case.router, parse_policy(name))
    selection = case.view.policy(case.router, parse_policy(name))
    np.testing.assert_array_equal(selection.mask, equal.view.policy(equal.router, parse_policy(name)).mask)
    right = []
    for q, asked in enumerate(selection.mask):
        chosen = set(np.flatnonzero(asked).tolist())
        alone = tally(case.test.answers[q : q + 1])
        said = plain_equal_vote(case.test, q, chosen)
        if len(chosen) > 1:
            done = vote(weights, alone, known.llms, asked, None if views is None else views[q : q + 1])
            said = done.code[0]
            assert selection.confidence[q] == pytest.approx(done.confidence[0])
        right.append(said == case.test.gold[q])
    assert row.accuracy == pytest.approx(np.mean(right))
    assert row.vote == "learned"
    assert row.latency == equal.view.policy_row(equal.router, parse_policy(name)).latency
    assert row.accuracy + row.unsolvable + row.misrouted + row.outvoted == pytest.approx(1)


def test_what_a_share_of_all_votes_means_is_known_only_where_all_of_them_vote():
    """Where most voters are weak, popular answers are suspect; where two good ones agree they must not be."""
    weights = VoteWeights(
        llms=("a", "b", "c"),
        own=(1.5, 1.2, -1.8),
        every=4.1,
        popularity=(-4.2, -13.5, -1.0),
        text=None,
        rates=(),
        none=(-6.4, 3.6),
        penalty=0.3,
        benchmark="fake",
        questions=600,
        samples=5,
    )
    agreed = [[0, 0, 0, 0, 1], [0, 0, 0, 0, 2], [3, 3, 3, 3, 3]]
    test = Prepared(make_outcomes([agreed] * 4, names=["a", "b", "c"]))
    scores = RouterScores("knn:fake", np.tile(np.float32([0.9, 0.8, 0.1]), (4, 1)))
    view = view_of(test, Pool.of(["a", "b", "c"]), vote=VoteRule("weights.json", weights))
    assert view.policy_row(scores, parse_policy("top-m:2")).accuracy == 1
    pair = view_of(test, Pool.of(["a", "b", "c"], ["a", "b"]), vote=VoteRule("weights.json", weights))
    assert pair.all_llms_row().accuracy == 1
    alone = vote(weights, test.tally, ("a", "b", "c"), np.array([True, True, False]))
    assert (alone.code != 0).all(), "weights for which it matters"


def test_all_llms_under_the_learned_vote_is_the_learned_vote():
    view = Case(1, rule=LEARNED).view
    table = tabulate(view, [], [])
    assert table.vote == "learned"
    assert replace(table.row("all-llms"), name="learned-vote") == table.row("learned-vote")
    assert table.row("best-single").vote is None


def test_a_pool_of_one_answers_as_ever():
    for rule in (None, LEARNED):
        case = Case(1, names=["fake-b"], rule=rule)
        alone = case.view.llm_row("fake-b")
        for row in (
            case.view.all_llms_row(),
            case.view.learned_vote_row(),
            *(case.view.policy_row(case.router, parse_policy(name)) for name in ("margin", "vote:auto", "top-m:1")),
        ):
            assert (row.accuracy, row.latency, row.vote) == (alone.accuracy, alone.latency, None)
        assert case.view.policy_row(case.router, parse_policy("cascade-value")).note.startswith("needs two LLMs")


def test_a_toggled_pool_is_learned_as_if_it_were_the_first():
    case = Case(2)
    case.view.learned_vote_row()
    shared = view_of(
        case.view.prepared,
        Pool.of(case.test.llms, ["fake-a", "fake-c"]),
        case.view.validation,
        train=case.view.train,
        learner=case.view.learner,
    )
    alone = Case(2, names=["fake-a", "fake-c"]).view
    # λ is chosen with all LLMs in both
    np.testing.assert_allclose(shared.learned_vote().confidence, alone.learned_vote().confidence, atol=1e-6)
    assert shared.learner.of().weights(shared.mask) is shared.learner.of().weights(shared.mask.copy())


def test_nothing_learned_looks_at_the_labels_it_is_judged_by():
    case = Case(4)
    other = replace(case.test, gold=np.full_like(case.test.gold, -1), labels=np.zeros_like(case.test.labels))
    blind = view_of(Prepared(other), case.view.pool, case.view.validation, train=case.view.train, vote=LEARNED)
    for name in ("margin", "vote:auto", "cascade-value", "cascade-value:max"):
        seen, unseen = (each.policy(case.router, parse_policy(name)) for each in (case.view, blind))
        np.testing.assert_array_equal(seen.mask, unseen.mask)
        np.testing.assert_array_equal(seen.answers, unseen.answers)


def test_margin_is_best_single_exactly_where_routing_cannot_help():
    case = Case(5)
    rng = np.random.default_rng(0)
    blind = RouterScores(
        "knn:fake",
        rng.random(case.test.labels.shape, dtype=np.float32),
        validation=np.tile(np.float32([0.6, 0.5, 0.4]), (120, 1)),  # sure of the worst
        train=np.tile(np.float32([0.6, 0.5, 0.4]), (240, 1)),
    )
    row, best = case.view.policy_row(blind, parse_policy("margin")), case.view.best_single_row()
    assert (row.accuracy, row.latency, row.p_vs_best_single) == (best.accuracy, best.latency, 1.0)
    assert row.note == "never leaves best-single: no gain is certain enough"
    told = RouterScores(
        "knn:fake",
        case.test.labels.astype(np.float32),
        validation=case.validation.labels.astype(np.float32),
        train=case.train.labels.astype(np.float32),
    )
    row = case.view.policy_row(told, parse_policy("margin"))
    choice = case.view.policy(told, parse_policy("margin")).choice
    assert row.accuracy == case.view.oracle_accuracy
    assert row.note.startswith(f"leaves best-single for {100 * (choice != case.view.best_single).mean():.1f} %")


def test_a_router_that_says_the_same_of_all_questions_has_no_opinions():
    # Without the question itself an LLM's rate is lower where it is right: there is nothing else to learn from that.
    case = Case()
    train, validation = case.train.labels, case.validation.labels
    without = (train.sum(axis=0) - train) / (len(train) - 1)
    of_test, of_validation = (
        np.tile(train.mean(axis=0), (len(labels), 1)).astype(np.float32) for labels in (case.test.labels, validation)
    )
    router = RouterScores("prior", of_test, validation=of_validation, train=without.astype(np.float32))
    learned = case.view.learner.of(router)
    assert learned is case.view.learner.of()
    assert "no opinions" in case.view.policy_row(router, parse_policy("vote:auto")).note


def test_a_vote_over_subjects_that_the_router_has_not_seen_says_that_it_has():
    case = Case()
    router = replace(case.router, unseen=True)
    for name, said in (("vote:auto", True), ("top-m:2", False), ("argmax", False)):
        note = case.view.policy_row(router, parse_policy(name)).note or ""
        assert ("its vote was learned from all subjects" in note) == said
        assert "all subjects" not in (case.view.policy_row(case.router, parse_policy(name)).note or "")


def test_margin_learns_from_what_is_held_out():
    labels = np.tile([[True, False], [False, True], [False, True]], (40, 1))
    split = make_outcomes(labels=labels, latency=[1, 2], split="validation")
    view = view_of(Prepared(make_outcomes(labels=labels, latency=[1, 2])), Pool.of(split.llms), Prepared(split))
    told = np.asarray(labels, np.float32)
    alone = RouterScores("knn:fake", told, validation=told)
    assert view.policy_row(alone, parse_policy("margin")).accuracy == 1.0, "labels are enough, and one split"
    without = RouterScores("knn:fake", told)
    assert "has not learned from" in view.policy_row(without, parse_policy("margin")).note


def test_what_cannot_be_learned_says_why():
    few = Case(questions=(30, 19, 20))
    for name in ("vote:auto", "cascade-value"):
        assert few.view.policy_row(few.router, parse_policy(name)).note == (
            "a learned vote needs 50 labelled questions; there are 49"
        )
    with pytest.raises(UsageError, match=r"50 labelled questions.*leave out --vote learned"):
        Case(questions=(30, 19, 20), rule=LEARNED)
    some = Case(questions=(200, 99, 20))
    assert (
        "300 labelled questions; there are 299" in some.view.policy_row(some.router, parse_policy("cascade-value")).note
    )
    assert some.view.policy_row(some.router, parse_policy("vote:auto")).accuracy is not None
    only = make_outcomes(labels=[[True, False]] * 60)
    view = view_of(Prepared(only), Pool.of(only.llms), Prepared(replace(only, split="validation")))
    assert (
        "labels only"
        in view.policy_row(RouterScores("knn:fake", np.full((60, 2), 0.5, np.float32)), parse_policy("vote:auto")).note
    )
    with pytest.raises(UsageError, match="labels only"):
        view_of(Prepared(only), Pool.of(only.llms), vote=LEARNED)
    with pytest.raises(UsageError, match="every vote alike"):
        view_of(some.view.prepared, some.view.pool, protocol="paper", vote=LEARNED)


def test_cascade_value_budgets():
    case = Case(1, questions=(400, 200, 300))
    rows = {
        text: case.view.policy_row(case.router, parse_policy(f"cascade-value:{text}")) for text in ("0.5", "1", "max")
    }
    best = case.view.best_single_row()
    assert rows["1"].latency <= 1.1 * best.latency
    assert rows["max"].latency >= rows["1"].latency >= rows["0.5"].latency
    assert (rows["1"].policy, rows["1"].parameter) == ("cascade-value", 1.0)
    assert (rows["max"].policy, rows["max"].parameter) == ("cascade-value:max", None)
    assert rows["1"].note.startswith("chain: fake-")
    assert {row.vote for row in rows.values()} <= {"learned", None}
    unknown = case.view.policy_row(case.router, parse_policy("cascade-value:1:cost"))
    assert unknown.note == "needs the cost of every LLM of the pool"


def test_cascade_value_counts_dollars_when_told_to():
    def priced(outcomes):
        return replace(outcomes, cost=np.ascontiguousarray(outcomes.latency[:, ::-1]))

    case = Case(1)
    view = view_of(
        Prepared(priced(case.test)),
        case.view.pool,
        Prepared(priced(case.validation)),
        train=Prepared(priced(case.train)),
    )
    by = {
        text: view.policy_row(case.router, parse_policy(text)) for text in ("cascade-value:1", "cascade-value:1:cost")
    }
    assert by["cascade-value:1"] != by["cascade-value:1:cost"]
    assert "by cost" in by["cascade-value:1:cost"].note


@pytest.mark.parametrize(
    "text", ["vote:auto", "margin", "cascade-value:1", "cascade-value:max", "cascade-value:2:cost"]
)
def test_policy_text_survives_a_round_trip(text):
    assert str(parse_policy(text)) == text


def test_policies_take_what_they_take():
    assert parse_policy("cascade-value") == PolicySpec("cascade-value", 1.0)
    assert parse_policy("cascade-value:cost") == PolicySpec("cascade-value", 1.0, "cost")
    assert parse_policy("cascade-value:max").parameter == math.inf
    for text in ("cascade-value:auto", "cascade-value:0", "vote:auto:1", "margin:1", "threshold:max", "top-m:max"):
        with pytest.raises((UsageError, UnknownNameError)):
            parse_policy(text)


def test_weights_of_another_run_are_used_as_they_are():
    case, other = Case(1), Case(9)
    known = other.known(text=False)
    weights = learn(known, np.array([True, True, False]), 3.0)
    rule = VoteRule("weights.json", replace(weights, llms=("fake-b", "fake-c"), own=weights.own))
    view = view_of(case.view.prepared, case.view.pool, case.view.validation, train=case.view.train, vote=rule)
    row, selection = view.all_llms_row(), view.everyone()
    done = vote(rule.weights, tally(case.test.answers), case.test.llms, np.ones(3, dtype=bool))
    np.testing.assert_array_equal(selection.answers, done.code)
    assert row.vote == "weights.json"
    # asked without a weight: every sample counts alike
    alone = RouterScores("knn:fake", np.tile(np.float32([0.9, 0.1, 0.1]), (60, 1)))
    assert view.policy_row(alone, parse_policy("threshold:0.6")).accuracy == view.llm_row("fake-a").accuracy
    strangers = VoteRule("weights.json", replace(weights, llms=("x", "y")))
    row = view_of(case.view.prepared, case.view.pool, case.view.validation, vote=strangers).all_llms_row()
    assert (row.accuracy, row.note) == (None, "weights.json has no weight for any of these LLMs")


def test_weights_with_text_need_a_router():
    case = Case(1)
    weights = learn(case.known(text=True), np.ones(3, dtype=bool), 3.0)
    view = view_of(case.view.prepared, case.view.pool, case.view.validation, vote=VoteRule("w", weights))
    assert "a router's probabilities" in view.all_llms_row().note
    with pytest.raises(NotAvailableError, match="a router's probabilities"):
        view.everyone()
    assert view.policy_row(case.router, parse_policy("top-m:2")).accuracy is not None


def test_auto_is_tuned_under_weights_that_train_alone_teaches():
    case = Case(6, rule=LEARNED)
    tuned = case.view.policy_row(case.router, parse_policy("top-m:auto"))
    alone, everyone = labelled(case.train, None, (case.router.train, None)), np.ones(3, dtype=bool)
    weights = learn(alone, everyone, choose_penalty(labelled(case.train, None), everyone))
    views = opinions(case.router.validation, alone.rates)
    merits = []
    for m in (1, 2, 3):
        right = []
        for q in range(120):
            asked = np.zeros(3, dtype=bool)
            asked[sorted(case.view.order, key=lambda n, q=q: -case.router.validation[q, n])[:m]] = True
            done = vote(weights, tally(case.validation.answers[q : q + 1]), case.test.llms, asked, views[q : q + 1])
            code = done.code[0] if m > 1 else plain_equal_vote(case.validation, q, set(np.flatnonzero(asked)))
            right.append(code == case.validation.gold[q])
        merits.append(np.mean(right))
    assert tuned.parameter == 1 + int(np.argmax(merits))


def test_a_question_under_a_learned_vote():
    case = Case(1, rule=LEARNED, samples=2)
    selection = case.view.policy(case.router, parse_policy("top-m:2"))
    weights = selection.voters
    views = opinions(case.router.probabilities, np.array(weights.rates))
    for q in (0, 7):
        seen = weighed_vote(selection, case.test, case.router, q)
        asked = set(np.flatnonzero(selection.mask[q]).tolist())
        assert seen.weights == pytest.approx(
            {weights.llms[n]: weights.weight(weights.llms[n], views[q, n]) for n in asked}
        )
        assert seen.answers[0][0] == selection.answers[q]
        assert seen.answers[0][1] == pytest.approx(selection.confidence[q])
        assert seen.none + sum(p for _, p in seen.answers) == pytest.approx(1)
    assert weighed_vote(case.view.one(1), case.test, case.router, 0) is None
    cascade = case.view.policy(case.router, parse_policy("cascade-value"))
    for q, asked in enumerate(cascade.mask[:20]):
        seen = weighed_vote(cascade, case.test, case.router, q)
        assert (seen is None) == (asked.sum() == 1)
        assert seen is None or seen.answers[0] == (cascade.answers[q], pytest.approx(cascade.confidence[q]))


def test_details_say_how_well_confidences_are_calibrated():
    case = Case(1, rule=LEARNED)
    rows = detail(case.view, [case.router], [parse_policy("vote:auto"), parse_policy("argmax")]).rows
    assert rows["knn:fake argmax"].vote_calibration_error is rows["best-single"].vote_calibration_error is None
    selection = case.view.learned_vote()
    right = selection.answers == case.test.gold
    parts = np.array_split(np.argsort(selection.confidence, kind="stable"), 10)
    error = sum(len(part) * abs(selection.confidence[part].mean() - right[part].mean()) for part in parts) / len(right)
    assert rows["learned-vote"].vote_calibration_error == pytest.approx(error)


def test_what_is_learned_of_a_group_serves_every_pool(monkeypatch):
    """Nothing is learned twice, whatever the pool, and the figures are those of a fresh start."""
    case = Case(1)
    fitted, learned, shared = best_m.cross_fitted_vote, [], True

    def noted(known, mask, penalty, **how):
        if shared:
            learned.append((id(known), mask.tobytes(), *how))
        return fitted(known, mask, penalty, **how)

    monkeypatch.setattr(best_m, "cross_fitted_vote", noted)
    for names in (["fake-a", "fake-c"], None, ["fake-b", "fake-c"]):
        pool, anew = Pool.of(case.test.llms, names), Case(1, names=names)
        view = PoolView(case.view.prepared, pool, case.view.validation, case.view.train, learner=case.view.learner)
        for name in ("vote:auto", "cascade-value"):
            shared = True
            row = view.policy_row(case.router, parse_policy(name))
            shared = False
            assert row == anew.view.policy_row(anew.router, parse_policy(name))
    assert len(learned) == len(set(learned)) > 3


def test_without_labelled_questions_no_cascade_is_learned():
    with pytest.raises(NotAvailableError, match="needs"):
        Learner(None, None).of().cascade((0, 1), None, 1.0)
