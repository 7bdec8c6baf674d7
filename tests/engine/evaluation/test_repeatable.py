"""The repeatable oracle in plain loops, and where it must say all or nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.repeatable import repeatable


@st.composite
def sampled(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = draw(st.integers(1, 10)), draw(st.integers(1, 4)), draw(st.integers(2, 5))
    return rng.integers(-1, 3, size=shape).astype(np.int16), rng.integers(0, 3, size=shape[0]).astype(np.int16)


@given(sampled())
def test_the_repeatable_oracle_in_plain_loops(case):
    answers, gold = case
    questions, llms, samples = answers.shape
    pool = list(range(llms))[: max(1, llms - 1)]
    found = repeatable(answers, gold, np.arange(llms) < len(pool))
    right = [[[answers[q, n, k] == gold[q] for k in range(samples)] for n in pool] for q in range(questions)]
    rate = [sum(sum(right[q][n]) for q in range(questions)) / questions / samples for n in pool]
    scores, solved = [], []
    for q in range(questions):
        hits = 0
        for k in range(samples):
            choice = max(pool, key=lambda n: (sum(right[q][n]) - right[q][n][k], round(rate[n], 12), -n))
            hits += right[q][choice][k]
            solved.append(any(right[q][n][k] for n in pool))
        scores.append(hits / samples)
    np.testing.assert_allclose(found.right, scores)
    assert found.accuracy == pytest.approx(np.mean(scores))
    assert found.single == pytest.approx(max(rate))
    assert found.oracle == pytest.approx(np.mean(solved))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    assert (found.weights[:, len(pool) :] == 0).all()
    if found.share is None:
        assert found.oracle == found.single
    else:
        assert found.share == pytest.approx((found.accuracy - found.single) / (found.oracle - found.single))


@given(st.integers(0, 50))
def test_what_is_only_luck_is_not_repeatable(seed):
    rng = np.random.default_rng(seed)
    answers = np.where(rng.random((3000, 3, 5)) < 0.5, 0, 1).astype(np.int16)
    found = repeatable(answers, np.zeros(3000, np.int16), np.ones(3, bool))
    assert abs(found.share) < 0.15
    assert found.oracle > 0.85


def test_what_an_llm_always_knows_is_repeatable():
    answers = np.ones((100, 2, 4), np.int16)
    answers[:50, 0] = answers[50:, 1] = 0
    found = repeatable(answers, np.zeros(100, np.int16), np.ones(2, bool))
    assert (found.accuracy, found.oracle, found.single, found.share) == (1.0, 1.0, 0.5, 1.0)


def test_one_sample_repeats_nothing():
    with pytest.raises(NotAvailableError, match="two samples"):
        repeatable(np.zeros((3, 2, 1), np.int16), np.zeros(3, np.int16), np.ones(2, bool))
