from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.evaluation.statistics import bootstrap, holm, mcnemar, two_proportions, wilson


def exact_mcnemar(b: int, c: int) -> float:
    n = b + c
    tail = sum(math.comb(n, i) for i in range(min(b, c) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**n)))


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test(b: int, c: int) -> None:
    assert mcnemar(b, c) == pytest.approx(exact_mcnemar(b, c), rel=1e-9)
    assert mcnemar(b, c) == mcnemar(c, b)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (7, 7), (200_000, 200_000)])
def test_mcnemar_without_a_difference_is_one(b: int, c: int) -> None:
    assert mcnemar(b, c) == 1.0


def test_mcnemar_for_hundreds_of_thousands_of_questions() -> None:
    # Against the normal approximation with continuity correction, which is good at this size.
    b, c = 200_900, 199_100
    z = (abs(b - c) - 1) / math.sqrt(b + c)
    assert mcnemar(b, c) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)
    assert mcnemar(400_000, 0) == 0.0  # below the smallest float, and no warning


def test_wilson_by_hand() -> None:
    # p .676270: centre .675758, half .025220
    low, high = wilson(892, 1319)
    assert (low, high) == (pytest.approx(0.650538, abs=1e-6), pytest.approx(0.700977, abs=1e-6))
    assert wilson(0, 10).low == 0.0
    assert wilson(0, 10).high == pytest.approx(0.27754, abs=1e-5)
    assert wilson(10, 10).high == 1.0


def test_holm_by_hand() -> None:
    # sorted: .01·3, .02·2, .04·1, never decreasing
    assert holm([0.04, 0.01, 0.02]) == [pytest.approx(0.04), pytest.approx(0.03), pytest.approx(0.04)]
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_raises_and_keeps_the_order(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, adjusted, strict=True))
    ranked = [adjusted[place] for place in sorted(range(len(ps)), key=lambda place: ps[place])]
    assert ranked == sorted(ranked)


def test_two_proportions_by_hand() -> None:
    # 60/100 against 45/100: pooled .525, standard error .070622, z 2.12398
    assert two_proportions(60, 100, 45, 100) == pytest.approx(0.03367, abs=1e-5)
    assert two_proportions(10, 10, 20, 20) == 1.0


def test_bootstrap_covers_the_mean_and_repeats_by_seed() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 400)[None]
    first = bootstrap(values, lambda means: means[0], seed=1)
    assert first is not None
    assert first.low < values.mean() < first.high
    assert first.high - first.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert bootstrap(values, lambda means: means[0], seed=1) == first
    assert bootstrap(values, lambda means: means[0], seed=2) != first


def test_bootstrap_pairs_rows_and_passes_over_undefined_resamples() -> None:
    values = np.arange(50.0)
    both = np.stack([values, values + 1])
    shift = bootstrap(both, lambda means: means[1] - means[0])
    assert shift == (pytest.approx(1.0), pytest.approx(1.0))
    assert bootstrap(both, lambda means: means[0] * np.nan) is None


@pytest.mark.parametrize("questions", [1, 7, 400, 40_000])
def test_bootstrap_is_one_resample_after_another(questions: int) -> None:
    columns = np.random.default_rng(3).normal(size=(2, questions))
    rng = np.random.default_rng(5)
    values = []
    for _ in range(50):
        drawn = np.bincount(rng.integers(questions, size=questions), minlength=questions)
        first, second = np.einsum("fq,q->f", columns, drawn) / questions
        values.append(first - second)
    expected = np.quantile(values, [0.025, 0.975]).tolist()
    assert bootstrap(columns, lambda means: means[0] - means[1], resamples=50, seed=5) == tuple(expected)
