"""Baselines beside the selections: repeatable, best-single at equal samples, and what all-llms says of its vote."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fakes import fake_outcomes
from plain import make_outcomes
from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation.baselines import SINGLE_AGAIN
from selectllm_engine.evaluation.conditional_logit import folds_of
from selectllm_engine.evaluation.details import detail
from selectllm_engine.evaluation.labelled_questions import labelled
from selectllm_engine.evaluation.learned_vote import learn, vote
from selectllm_engine.evaluation.repeatable import repeatable
from selectllm_engine.evaluation.tabulation import Prepared, compared_with, planned_row, tabulate, view_of
from selectllm_engine.evaluation.votes import majority_vote
from selectllm_engine.llms import Pool


def view_over(outcomes, pool=None, k=None, protocol="corrected"):
    return view_of(Prepared(outcomes, k), Pool.of(outcomes.llms, pool), protocol=protocol)


def names(view) -> list[str]:
    return [row.name for row in tabulate(view, [], [])]


def test_repeatable_is_on_the_scale_of_one_sample_and_says_so() -> None:
    outcomes = fake_outcomes(200)
    view = view_over(outcomes)
    table = tabulate(view, [], [])
    found = repeatable(outcomes.answers, outcomes.gold, view.mask)
    row = table.row("repeatable")
    assert (row.accuracy, table.repeatable_share) == (found.accuracy, found.share)
    figures = f"the best LLM has {100 * found.single:.1f} % and the oracle {100 * found.oracle:.1f} %"
    share = f"{100 * found.share:.0f} % of that gap is repeatable, or more"
    assert row.note == f"on the scale of one sample, where {figures}: {share}"
    on_another_scale = (row.delta, row.gap_closed, row.p, row.p_vs_best_single, row.misrouted, row.accuracy_low)
    assert set(on_another_scale) == {None}
    assert not row.reachable
    assert row.latency == pytest.approx((found.weights * outcomes.latency).sum(axis=1).mean(), rel=1e-5)
    assert detail(view, [], []).rows["repeatable"].v_b is None
    with pytest.raises(UsageError, match="compared with repeatable; it is on the scale of one sample"):
        compared_with(view, planned_row(view, "repeatable"))


def test_there_is_no_repeatable_row_where_nothing_repeats() -> None:
    outcomes = fake_outcomes(20)
    assert "repeatable" in names(view_over(outcomes))
    alone = (view_over(outcomes, k=1), view_over(outcomes, ["fake-a"]), view_over(outcomes, protocol="paper"))
    for view in (*alone, view_over(fake_outcomes(20, labels_only=True))):
        assert "repeatable" not in names(view)
        assert tabulate(view, [], []).repeatable_share is None


def test_best_single_gets_as_many_samples_where_there_are_enough() -> None:
    outcomes = fake_outcomes(60, llms=2, samples=6)
    view = view_over(outcomes, k=3)
    row = tabulate(view, [], []).row(SINGLE_AGAIN)
    best = view.best_single
    votes = [majority_vote(each.tolist()) for each in np.where(outcomes.answers < 0, None, outcomes.answers)[:, best]]
    right = np.array([vote.answer == gold for vote, gold in zip(votes, outcomes.gold, strict=True)])
    assert row.accuracy == pytest.approx(right.mean())
    assert (row.samples_per_question, row.llms_per_question) == (6, 1)
    assert row.latency == tabulate(view, [], []).row("best-single").latency
    assert row.note == f"6 samples of {outcomes.llms[best]}, as many as all-llms counts"
    assert row.accuracy + row.unsolvable + row.misrouted + row.outvoted == pytest.approx(1)
    assert SINGLE_AGAIN in names(view)
    for other in (view_over(outcomes, k=4), view_over(outcomes, ["fake-a"], k=3), view_over(fake_outcomes())):
        assert SINGLE_AGAIN not in names(other)
    table = tabulate(compared_with(view, planned_row(view, SINGLE_AGAIN)), [], [])
    assert table.row(SINGLE_AGAIN).delta == 0
    assert table.row("all-llms").delta == pytest.approx(table.row("all-llms").accuracy - row.accuracy)


def test_all_llms_says_how_many_samples_vote_and_how_often_two_tie() -> None:
    outcomes = make_outcomes([[[0], [1]], [[1], [0]], [[0], [0]], [[-1], [0]]])
    notes = tabulate(view_over(outcomes), [], []).row("all-llms").notes
    assert notes == ("one vote over 2 samples", "a tie on 2 of 4 questions, where fake-a decides")
    assert tabulate(view_over(fake_outcomes()), [], []).row("all-llms").note == "one vote over 15 samples"
    assert tabulate(view_over(fake_outcomes(), ["fake-a"]), [], []).row("all-llms").note is None
    labels_only = tabulate(view_over(make_outcomes(labels=[[True, False]])), [], []).row("all-llms")
    assert "samples" not in labels_only.note


@pytest.mark.parametrize(("accuracy", "ahead"), [([0.9, 0.0, 0.0], False), ([0.6, 0.6, 0.6], True)])
def test_a_learned_vote_that_is_not_ahead_where_it_was_not_fitted_says_so(accuracy, ahead):
    """By a fold at a time: what the others' weights make of its questions."""
    rng = np.random.default_rng(0)
    right = rng.random((2, 240, 3, 1)) < np.array(accuracy)[:, None]
    answers = np.where(right, 0, rng.integers(1, 9, right.shape))
    train, test = (make_outcomes(each, split=split) for each, split in zip(answers, ("train", "test"), strict=True))
    view = view_of(Prepared(test), Pool.of(test.llms), train=Prepared(train))
    known, fold, right = labelled(train, None), folds_of(240), []
    everyone = np.ones(3, dtype=bool)
    for each in range(5):
        others = np.flatnonzero(fold != each)
        part = replace(train, **{name: getattr(train, name)[others] for name in ("answers", "gold", "labels")})
        weights = learn(labelled(part, None), everyone, view.learner.of().penalty)
        said = vote(weights, known.tally, known.llms, everyone).code
        right += (said == known.gold)[fold == each].tolist()
    behind = 100 * (train.labels[:, view.best_single].mean() - np.mean(right))
    note = view.learned_vote_row().note
    assert ("not ahead" in note) is not ahead
    assert (behind < -2) if ahead else (behind >= 0)
    if not ahead:
        assert abs(float(note.partition("fitted: ")[2].split()[0]) - behind) < 1  # a Newton step away from such weights


def test_a_learned_vote_of_one_llm_has_no_such_note():
    train, test = (fake_outcomes(60, 2, 3, seed, split=split) for seed, split in enumerate(("train", "test")))
    view = view_of(Prepared(test), Pool.of(test.llms, test.llms[:1]), train=Prepared(train))
    assert "not ahead" not in (view.learned_vote_row().note or "")
