"""Policy margin, against every threshold in plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.evaluation.margin import Margin, learn_margin, with_margin


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

    gains = {0.0, *(float(p[q, order].max()) - float(p[q, best_single]) for q in range(len(p)))}
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
