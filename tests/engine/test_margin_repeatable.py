"""Policy margin and the repeatable oracle, against plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selectllm_engine.evaluation.margin import Margin, learn_margin, with_margin
from selectllm_engine.evaluation.policies import NotAvailableError
from selectllm_engine.evaluation.repeatable import repeatable


@st.composite
def routed(draw):
    """Probabilities on a coarse grid, labels and a pool of three of four LLMs."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    questions = draw(st.integers(1, 60))
    p = rng.choice([0.1, 0.3, 0.5, 0.7, 0.9], size=(questions, 4)).astype(np.float32)
    labels = rng.random((questions, 4)) < np.where(rng.random() < 0.5, p, 0.5)
    return np.asfortranarray(p), labels, rng.permutation(4)[:3]


@given(routed())
def test_the_margin_is_the_best_of_all_thresholds(case):
    p, labels, order = case
    best_single = int(order[1])
    found = learn_margin(p, labels, order, best_single)

    def worth(least):
        """Mean gain minus one standard error of leaving best-single above a threshold."""
        won, left = [], 0
        for q in range(len(p)):
            choice = max(order, key=lambda llm: p[q, llm])
            gain = float(p[q, choice]) - float(p[q, best_single])
            left += gain > least
            won.append(float(labels[q, choice]) - float(labels[q, best_single]) if gain > least else 0.0)
        if left < 20:
            return -math.inf
        mean = sum(won) / len(won)
        return mean - math.sqrt(sum((w - mean) ** 2 for w in won) / len(won) / (len(won) - 1))

    gains = {0.0, *(float(p[q].max()) - float(p[q, best_single]) for q in range(len(p)))}
    top = max(worth(least) for least in gains if least >= 0)
    if top <= 1e-12:
        assert found == Margin(math.inf, 0.0, 0.0)
    else:
        assert found.gain == pytest.approx(top)
        assert worth(found.least) == pytest.approx(top)
    chosen = with_margin(p, order, best_single, found).choice
    for q in range(len(p)):
        choice = max(order, key=lambda llm: p[q, llm])
        leaves = float(p[q, choice]) - float(p[q, best_single]) > found.least
        assert chosen[q] == (choice if leaves else best_single)
    assert found.left == pytest.approx(np.mean(chosen != best_single))


def test_where_routing_cannot_help_best_single_stays():
    rng = np.random.default_rng(0)
    stays = 0
    for _ in range(40):
        labels = rng.random((400, 3)) < [0.5, 0.6, 0.7]
        p = np.clip(labels.mean(axis=0) + rng.normal(scale=0.1, size=labels.shape), 0, 1)
        stays += learn_margin(np.asfortranarray(p), labels, np.arange(3), 2).left == 0
    assert stays >= 32  # one standard error lets a few lucky thresholds through


def test_where_routing_helps_it_is_left():
    rng = np.random.default_rng(0)
    kind = rng.random(500) < 0.5
    labels = np.stack([kind, rng.random(500) < 0.7], axis=1)
    p = np.asfortranarray(np.stack([np.where(kind, 0.9, 0.1), np.full(500, 0.7)], axis=1))
    found = learn_margin(p, labels, np.arange(2), 1)
    assert found.left == pytest.approx(kind.mean())
    assert found.least < 0.2


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
    assert found.ceiling == pytest.approx(np.mean([max(sum(each) for each in row) / samples for row in right]))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    assert (found.weights[:, len(pool) :] == 0).all()
    if found.share is None:
        assert found.oracle == found.single
    else:
        assert found.share == pytest.approx((found.accuracy - found.single) / (found.oracle - found.single))


@settings(deadline=None)
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
