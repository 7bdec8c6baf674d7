"""Figures that one small change in the code would move, which no quick test had noticed: perf/mutation.py found it."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from fakes import fake_outcomes
from plain import make_outcomes
from selectllm_engine.evaluation import cascade_value
from selectllm_engine.evaluation.baselines import SINGLE_AGAIN, right_at_equal_samples, row_at_equal_samples
from selectllm_engine.evaluation.best_m import GroupVotes, leading
from selectllm_engine.evaluation.candidates import candidates_of
from selectllm_engine.evaluation.cascade_chain import chains_of
from selectllm_engine.evaluation.conditional_logit import Posterior
from selectllm_engine.evaluation.details import detail
from selectllm_engine.evaluation.figures import BLOCK, figures_of
from selectllm_engine.evaluation.labelled_questions import labelled
from selectllm_engine.evaluation.learned_policies import cascade_chain
from selectllm_engine.evaluation.metrics import by_subject
from selectllm_engine.evaluation.policies import PolicySpec
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.saving import find_saving
from selectllm_engine.evaluation.selection import Selection
from selectllm_engine.evaluation.tabulation import plan, tabulate, view_of
from selectllm_engine.evaluation.votes import tally
from selectllm_engine.llms import Pool

ARGMAX = PolicySpec("argmax")


def view_over(outcomes, validation=None, pool=None):
    held_out = None if validation is None else Prepared(validation)
    return view_of(Prepared(outcomes), Pool.of(outcomes.llms, pool), held_out)


def router(outcomes, validation=None, **fields):
    def drawn(shape):
        return np.random.default_rng(0).random(shape, dtype=np.float32)

    there = None if validation is None else drawn(validation.labels.shape)
    return RouterScores("knn:fake", drawn(outcomes.labels.shape), validation=there, **fields)


def test_blocks_of_questions_are_added_up_once():
    outcomes = fake_outcomes(BLOCK + 20, 3, 1, cost=(3, 2, 1))
    asked = np.random.default_rng(0).random((BLOCK + 20, 3)) < 0.6
    asked[:, 0] |= ~asked.any(axis=1)
    whole = figures_of(Selection(3, several=asked), Prepared(outcomes), np.arange(3))
    arrays = ("answers", "gold", "labels", "latency", "cost")
    for part in (slice(0, 50), slice(BLOCK - 10, BLOCK + 20)):
        some = {name: getattr(outcomes, name)[part] for name in arrays}
        cut = replace(outcomes, questions=outcomes.questions[part], vocabulary=outcomes.vocabulary[part], **some)
        piece = figures_of(Selection(3, several=asked[part]), Prepared(cut), np.arange(3))
        for name in ("right", "chosen_right", "latency", "parallel", "cost"):
            np.testing.assert_array_equal(getattr(piece, name), getattr(whole, name)[part])
    assert whole.llms_per_question == asked.sum() / len(asked)


def test_the_time_of_right_answers_is_of_those_that_more_samples_get_right():
    outcomes = fake_outcomes(60, 2, 6)
    view = view_of(Prepared(outcomes, 3), Pool.of(outcomes.llms))
    row, right = row_at_equal_samples(view), right_at_equal_samples(view)
    assert row.latency_correct == pytest.approx(outcomes.latency[right, view.best_single].mean(), rel=1e-5)
    assert (right != view.best_right).any()


def test_a_router_that_is_charged_is_so_in_the_details_and_for_its_rows_alone():
    outcomes = fake_outcomes()
    view, scores = view_over(outcomes), router(outcomes, seconds_per_question=0.5)
    free, charged = (detail(view, [scores], [ARGMAX], charge_router=each) for each in (False, True))
    assert charged.table.row("knn:fake argmax").latency == pytest.approx(
        free.table.row("knn:fake argmax").latency + 0.5
    )
    assert charged.table.row("best-single").latency == free.table.row("best-single").latency
    assert (charged.table.vote, free.table.row("random").outvoted) == ("equal", 0.0)
    quality = charged.to_dict()["routers"]["knn:fake"]["quality"]["fake-a"]
    assert set(quality) == {"auroc", "brier", "calibration_error", "f1"}


def test_every_row_of_a_plan_has_its_name_and_is_right_as_often_as_it_says():
    outcomes, validation = fake_outcomes(60, 2, 6), fake_outcomes(120, 2, 6, 1, split="validation")
    view = view_of(Prepared(outcomes, 3), Pool.of(outcomes.llms), Prepared(validation, 3))
    planned = {each.name: each for each in plan(view, [router(outcomes, validation)], [ARGMAX])}
    named = ("oracle", "random", "best-single", "all-llms", "learned-vote", SINGLE_AGAIN, "fake-a", "knn:fake argmax")
    for name in named:
        row = planned[name].row()
        assert row.name == name
        assert float(np.mean(planned[name].right())) == pytest.approx(row.accuracy), name


def test_of_equal_savings_the_first_row_is_told():
    right = [[False, True]] * 2 + [[True, True]] * 898
    validation = make_outcomes(labels=right, latency=[1, 4], split="validation")
    outcomes = make_outcomes(labels=right, latency=[1, 4])
    to_the_fast = np.full((900, 2), [0.9, 0.1], np.float32)
    scores = RouterScores("a", to_the_fast, validation=to_the_fast)
    found = find_saving(view_over(outcomes, validation), [scores], [ARGMAX])
    assert found is not None
    assert found.row == "fake-a"  # before "a argmax", which takes as long


def test_a_value_that_is_as_accurate_is_the_faster_one():
    answers = [[[0], [0], [0]]] * 4
    outcomes = make_outcomes(answers, latency=[1, 2, 4])
    validation = make_outcomes(answers, latency=[1, 2, 4], split="validation")
    view, scores = view_over(outcomes, validation), router(outcomes, validation)
    assert view.tune(scores, PolicySpec("top-m", "auto")).parameter == 1
    selection = view.policy(scores, PolicySpec("top-m", "auto"))
    assert view.figures(selection).llms_per_question == 1


def test_a_number_of_numpys_is_one():
    parameter = PolicySpec("threshold", np.float64(0.5)).parameter
    assert (parameter, type(parameter)) == (0.5, float)


def test_a_cascade_that_does_not_pay_asks_best_single_alone():
    def chain(pays):
        cascade = SimpleNamespace(chain=(1, 0), best_single=0, at_budget=lambda _: 3, pays=lambda *_: pays)
        learned = SimpleNamespace(cascade=lambda *_: cascade)
        return cascade_chain(SimpleNamespace(learned=lambda: learned, order=np.arange(2)), math.inf, None)

    assert (chain(pays=True), chain(pays=False)) == ((1, 0), (0,))


def test_a_fold_learns_from_the_others_alone(monkeypatch):
    taught = []

    class Recorded(cascade_value.Backward):
        def __init__(self, *args):
            self.learn = args[-1]
            super().__init__(*args)

        def taken(self, questions):
            taught.append(int((self.learn & questions).sum()))
            return super().taken(questions)

    monkeypatch.setattr(cascade_value, "Backward", Recorded)
    train = fake_outcomes(320, 2, 1, split="train", latency=[1.0, 5.0])
    cascade_value.learn_cascade(labelled(train, None), [0, 1], train.latency, 3.0)
    assert taught
    assert set(taught) == {0}


def test_a_budget_below_every_llm_leaves_what_is_given():
    known = labelled(fake_outcomes(300, 3, 1, split="train"), None)
    chains = chains_of(GroupVotes(known, 3.0), [0, 1, 2], np.array([1.0, 2.0, 2.5]), best_single=2, budget=1e-9)
    assert chains == [(2,)]


def test_the_first_candidate_can_lead():
    found = candidates_of(tally(np.array([[[0], [0]]], np.int16)), np.array([True, True]))
    right, chance = leading(found, Posterior(np.array([0.9]), np.array([0.1])), np.array([True]))
    assert (right.tolist(), chance.tolist()) == ([True], [0.9])


def test_intervals_that_are_not_known_are_numbers_none_the_less():
    view = view_over(fake_outcomes(20, labels_only=True))
    frame = by_subject(view, view.everyone())
    assert frame["accuracy_high"].null_count() == frame.height
    assert frame.schema["accuracy_high"] == pl.Float64


def test_rows_that_the_papers_figures_lack_are_of_their_kind_none_the_less():
    outcomes = make_outcomes(labels=[[True, False], [False, True]] * 4)
    view = view_of(Prepared(outcomes), Pool.of(outcomes.llms), protocol="paper")
    scores = router(outcomes, note="it was trained elsewhere")
    rows = {row.name: row for row in tabulate(view, [scores], [ARGMAX]).rows}
    assert rows["best-single"].kind == "baseline"
    for name, kind in (("knn:fake argmax", "router"), ("knn:fake upper-bound", "baseline")):
        row = rows[name]
        assert (row.kind, row.router, row.accuracy, row.note) == (kind, "knn:fake", None, "it was trained elsewhere")
