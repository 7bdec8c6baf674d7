"""Votes where sampling stopped before K: against fractions added up in plain loops."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import fake_outcomes
from selectllm_engine.evaluation.metrics import pass_at_k
from selectllm_engine.evaluation.outcomes import NOT_FOUND, NOT_SAMPLED, samples_made, unanswered_of
from selectllm_engine.evaluation.stop_rules import StopRule, next_round, parse_stop
from selectllm_engine.evaluation.votes import llm_votes, pooled_votes, prefix_leading_votes, tally, with_k


def stopped(answers, rule):
    """What rounds make of answers [Q, N, K] that are all there."""
    left = np.full_like(answers, NOT_SAMPLED)
    samples = answers.shape[2]
    for q, n in np.ndindex(answers.shape[:2]):
        said = [None if code < 0 else str(code) for code in answers[q, n].tolist()]
        made = 0
        while more := next_round(said[:made], samples, rule):
            made += more
        left[q, n, :made] = answers[q, n, :made]
    return left


def random_run(seed, samples):
    random = np.random.default_rng(seed)
    questions, llms = random.integers(1, 6), random.integers(1, 5)
    return random.integers(NOT_FOUND, 3, (questions, llms, samples)).astype(np.int16)


def plain_pooled(answers, mask):
    """Winner, its votes of 1 per LLM, and whether another has as many."""
    totals = {}
    for llm in np.flatnonzero(mask):
        codes = [code for code in answers[llm].tolist() if code != NOT_SAMPLED]
        for code in codes:
            if code >= 0:
                totals[code] = totals.get(code, 0) + Fraction(1, len(codes))
    if not totals:
        return NOT_FOUND, 0, False
    most = max(totals.values())
    leaders = [code for code, total in totals.items() if total == most]
    return leaders[0], most, len(leaders) > 1


@pytest.mark.parametrize("samples", [1, 2, 5, 10, 40])
def test_own_votes_of_200_random_runs_are_those_of_all_samples(samples):
    saved = 0
    for seed in range(200):
        whole = random_run(seed, samples)
        part = stopped(whole, StopRule())
        saved += np.count_nonzero(part == NOT_SAMPLED)
        for k in range(1, samples + 1):
            assert (llm_votes(tally(part[:, :, :k])).code == llm_votes(tally(whole[:, :, :k])).code).all()
    assert saved or samples < 3


@given(st.integers(0, 2**32), st.sampled_from([2, 5, 10, 40]), st.sampled_from(["decided", "beta:0.8", "beta:0.95"]))
def test_pooled_votes_add_up_shares(seed, samples, rule):
    answers = stopped(random_run(seed, samples), parse_stop(rule))
    counted, llms = tally(answers), answers.shape[1]
    mask = np.random.default_rng(seed).random(llms) < 0.7
    found = pooled_votes(counted, mask)
    expected = [plain_pooled(row, mask) for row in answers]
    assert found.code.tolist() == [code for code, _, _ in expected]
    assert found.tied.tolist() == [tied for _, _, tied in expected]
    assert np.allclose(found.count / counted.ballots, [float(votes) for _, votes, _ in expected])
    for asked, lead in enumerate(prefix_leading_votes(counted, range(llms)), 1):
        of_first = [plain_pooled(row, np.arange(llms) < asked)[1] for row in answers]
        assert np.allclose(lead / counted.ballots, [float(votes) for votes in of_first])


def test_shares_beyond_64_bits_are_rounded():
    """The least common multiple of 40 numbers of samples would have 53 bits, and the order of votes as many again."""
    answers = np.full((40, 60, 40), NOT_SAMPLED, dtype=np.int16)
    for question in range(40):
        answers[question, :, : question + 1] = np.arange(60)[:, None] % 3
    found = tally(answers)
    assert found.count.dtype == np.int64
    assert (found.count == found.ballots).all()
    votes = pooled_votes(found, np.ones(60, dtype=bool))
    assert votes.tied.all()
    assert (votes.code == 0).all()
    assert (votes.count == 20 * found.ballots).all()


def test_nothing_changes_where_all_samples_are_there():
    answers = random_run(3, 10)
    found = tally(answers)
    assert samples_made(answers) is None
    assert (found.ballots, found.count.dtype) == (10, np.int32)


def test_what_needs_all_samples_is_not_known():
    answers = np.array([[[0, 0, NOT_SAMPLED]], [[0, 1, 1]]], dtype=np.int16)
    outcomes = replace(
        fake_outcomes(questions=2, llms=1, samples=3), answers=answers, gold=np.zeros(2, np.int16), unanswered=()
    )
    assert pass_at_k(outcomes) is None
    assert pass_at_k(with_k(outcomes, 2)).tolist() == [1.0]
    assert samples_made(answers).tolist() == [[2], [3]]
    assert unanswered_of(outcomes) == {}
