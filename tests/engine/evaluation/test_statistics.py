from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from selectllm_engine.evaluation.statistics import (
    as_accurate,
    bootstrap,
    clustered,
    detectable_difference,
    holm,
    mcnemar,
    newcombe,
    two_proportions,
    wilson,
)
from selectllm_engine.evaluation.student_t import t_quantile, two_sided_p


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


def newcombe_by_the_book(both: int, first: int, second: int, neither: int, z: float) -> tuple[float, float]:
    """Method 10, written from its definition with other names and another order of steps."""
    n = both + first + second + neither

    def ends(count: int) -> list[float]:
        # the roots of |p - count/n| = z * sqrt(p (1 - p) / n)
        a, b, c = 1 + z * z / n, -(2 * count / n + z * z / n), (count / n) ** 2
        root = math.sqrt(max(0.0, b * b - 4 * a * c))
        return [(-b - root) / (2 * a), (-b + root) / (2 * a)]

    l1, u1 = ends(both + first)
    l2, u2 = ends(both + second)
    p1, p2 = (both + first) / n, (both + second) / n
    top = both * neither - first * second
    if top > n / 2:
        top = top - n / 2
    elif top >= 0:
        top = 0
    bottom = math.sqrt((both + first) * (second + neither) * (both + second) * (first + neither))
    phi = top / bottom if bottom else 0.0
    down = (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2
    up = (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2
    return (first - second) / n - math.sqrt(max(down, 0)), (first - second) / n + math.sqrt(max(up, 0))


counts = st.integers(0, 80)


@given(counts, counts, counts, counts)
def test_newcombe_is_method_ten(a: int, b: int, c: int, d: int) -> None:
    assume(a + b + c + d)
    low, high = newcombe(a, b, c, d)
    expected = newcombe_by_the_book(a, b, c, d, 1.959963984540054)
    assert low == pytest.approx(max(-1, expected[0]), abs=1e-7)
    assert high == pytest.approx(min(1, expected[1]), abs=1e-7)
    assert low <= (b - c) / (a + b + c + d) <= high
    assert newcombe(a, c, b, d) == (pytest.approx(-high, abs=1e-9), pytest.approx(-low, abs=1e-9))


def test_newcombe_by_hand() -> None:
    # Six questions: three both right, one only the first, two neither. Wilson of 4/6 [.300, .903], of 3/6 [.188, .812];
    # φ's numerator 3·2 − 0 − 3 = 3, its denominator √(4·2·3·3) = 8.485; 1/6 − √(.367² − 2·.354·.367·.312 + .312²)
    low, high = newcombe(3, 1, 0, 2)
    assert (low, high) == (pytest.approx(-0.2219, abs=5e-4), pytest.approx(0.4814, abs=5e-3))


def test_newcombe_has_a_width_without_discordant_questions() -> None:
    low, high = newcombe(90, 0, 0, 10)
    assert low == pytest.approx(-high)
    assert 0.005 < high < 0.04
    assert newcombe(0, 0, 0, 5).high > 0.3


def test_newcombe_agrees_with_the_bootstrap_on_many_questions() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(3000) < 0.7
    second = np.where(rng.random(3000) < 0.8, first, rng.random(3000) < 0.6)
    d = first.astype(float) - second
    table = [int((x & y).sum()) for x, y in ((first, second), (first, ~second), (~first, second), (~first, ~second))]
    resampled = scipy.stats.bootstrap((d,), np.mean, method="percentile", rng=np.random.default_rng(1))
    low, high = resampled.confidence_interval
    assert newcombe(*table) == (pytest.approx(low, abs=0.002), pytest.approx(high, abs=0.002))


@given(st.integers(1, 400), st.floats(0, 60))
def test_students_t_is_scipys(freedom: int, t: float) -> None:
    assert two_sided_p(t, freedom) == pytest.approx(
        2 * scipy.stats.t.sf(t, freedom), abs=1e-10
    )  # scipy is off by 2e-12 at t = 3e-12
    assert two_sided_p(-t, freedom) == two_sided_p(t, freedom)


@given(st.integers(1, 400), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_quantile_of_students_t_is_scipys(freedom: int, confidence: float) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(scipy.stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-9)


@given(st.integers(0, 1000), st.integers(5, 25))
def test_clustered_is_ordinary_least_squares_with_clustered_errors(seed: int, groups: int) -> None:
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(seed)
    group = np.concatenate([np.arange(groups), rng.integers(groups, size=60)])
    d = rng.choice([-1.0, 0.0, 1.0], size=len(group)) + 0.2 * (group % 3)
    found = clustered(d, 2 * group)
    fitted = OLS(d, np.ones(len(d))).fit(cov_type="cluster", cov_kwds={"groups": group}, use_t=True)
    assert found is not None
    assert found.groups == groups
    np.testing.assert_allclose(found.interval, fitted.conf_int()[0], atol=1e-8)
    assert found.p == pytest.approx(float(fitted.pvalues[0]), abs=1e-8)


def test_clustered_by_hand() -> None:
    # Five subjects with two questions each: sums of d − .2 are .6, .6, −.4, −.4, −.4; SE² = 5/4 · 1.2/100 = .015
    d = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    found = clustered(d, np.repeat(np.arange(5), 2))
    assert found is not None
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(0.2 / math.sqrt(0.015), 4))
    assert found.interval.low == pytest.approx(0.2 - 2.776445 * math.sqrt(0.015), abs=1e-6)


def test_few_groups_and_no_differences() -> None:
    assert clustered(np.ones(8), np.repeat(np.arange(4), 2)) is None
    assert clustered(np.zeros(0), np.zeros(0, dtype=int)) is None
    same = clustered(np.zeros(10), np.repeat(np.arange(5), 2))
    assert same is not None
    assert (same.interval, same.p) == ((0.0, 0.0), 1.0)


@pytest.mark.parametrize(
    ("questions", "discordant", "points"), [(400, 0.25, 7.0), (1319, 0.2, 3.4), (4213, 0.2, 1.9), (14042, 0.1, 0.7)]
)
def test_detectable_differences_by_hand(questions: int, discordant: float, points: float) -> None:
    found = detectable_difference(questions, discordant)
    assert found is not None
    assert 100 * found == pytest.approx(points, abs=0.06)
    z_alpha, z_beta = scipy.stats.norm.ppf([0.975, 0.8])
    needed = (z_alpha * discordant**0.5 + z_beta * (discordant - found**2) ** 0.5) ** 2 / found**2
    assert needed == pytest.approx(questions, rel=1e-6)


def test_a_detectable_difference_is_detected_four_times_of_five() -> None:
    found = detectable_difference(400, 0.25)
    assert found is not None
    rng = np.random.default_rng(0)
    tables = rng.multinomial(400, [(0.25 + found) / 2, (0.25 - found) / 2, 0.75], size=2000)
    power = np.mean([mcnemar(int(b), int(c)) < 0.05 for b, c, _ in tables])
    assert power == pytest.approx(0.8, abs=0.04)  # the exact test is a little more careful than the formula


def test_too_few_discordant_questions_show_nothing() -> None:
    assert detectable_difference(10, 0.1) is None
    assert detectable_difference(0, 0.2) is None
    assert detectable_difference(100, 0.0) is None


def test_as_accurate_needs_questions() -> None:
    assert not as_accurate(60, 5, 5, 30)
    assert as_accurate(60_00, 2_00, 2_00, 30_00)
    assert not as_accurate(60_00, 1_00, 3_00, 30_00)
    assert as_accurate(60, 5, 5, 30, margin=0.2)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_statsmodels(b: int, c: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar as reference

    assume(b + c)
    assert mcnemar(b, c) == pytest.approx(reference([[3, b], [c, 4]], exact=True).pvalue)
    assert mcnemar(b, c) == pytest.approx(scipy.stats.binomtest(b, b + c).pvalue)
