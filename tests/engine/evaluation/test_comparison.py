"""Two rows on the same questions, against plain loops; references by name."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import fake_outcomes
from plain import make_outcomes
from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.evaluation.comparison import difference, two_by_two
from selectllm_engine.evaluation.policies import PolicySpec
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.statistics import clustered, detectable_difference, mcnemar, newcombe
from selectllm_engine.evaluation.tabulation import compared_with, plan, planned_row, tabulate, view_of
from selectllm_engine.llms import Pool

if TYPE_CHECKING:
    from selectllm_engine.evaluation.pool_view import PoolView

ARGMAX = [PolicySpec("argmax")]


def router(outcomes, name="knn:fake", seed=0) -> RouterScores:
    drawn = np.random.default_rng(seed).random(outcomes.labels.shape, dtype=np.float32)
    return RouterScores(name, drawn, forest=1 - drawn)


def view_over(outcomes, pool=None, protocol="corrected") -> PoolView:
    return view_of(Prepared(outcomes), Pool.of(outcomes.llms, pool), protocol=protocol)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 7)), min_size=1, max_size=40))
def test_a_difference_is_what_plain_counting_gives(rows: list[tuple[bool, bool, int]]) -> None:
    one, other, subject = (np.array(column) for column in zip(*rows, strict=True))
    counts = [sum((a, b) == case for a, b, _ in rows) for case in ((1, 1), (1, 0), (0, 1), (0, 0))]
    assert list(two_by_two(one, other)) == counts
    found = difference(one, other, subject)
    assert found.delta == pytest.approx(statistics.mean(a - b for a, b, _ in rows))
    assert found.by_question == newcombe(*counts)
    assert found.counts is not None
    assert found.counts.p == mcnemar(counts[1], counts[2])
    assert found.counts.discordant == pytest.approx((counts[1] + counts[2]) / len(rows))
    told_apart = counts[1] + counts[2] > 0
    assert found.by_subject == (clustered(one.astype(float) - other, subject) if told_apart else None)
    assert (found.by_subject is None) == (len(set(subject.tolist())) < 5 or not told_apart)
    assert difference(one, other, None).by_subject is None


def test_of_an_expectation_only_the_difference_is_known() -> None:
    found = difference(np.array([0.5, 1.0]), np.array([True, False]), np.array([0, 1]))
    assert (found.delta, found.counts, found.by_question, found.by_subject) == (0.25, None, None, None)


@pytest.mark.parametrize("protocol", ["corrected", "paper"])
def test_every_row_that_has_an_accuracy_can_be_the_reference(protocol: str) -> None:
    outcomes = fake_outcomes(200)
    view, routers = view_over(outcomes, protocol=protocol), [router(outcomes), router(outcomes, "prior", 1)]
    policies = [PolicySpec(name) for name in ("argmax", "random", "prediction")]
    before = tabulate(view, routers, policies)
    assert before.reference == "best-single"
    for planned in plan(view, routers, policies):
        if planned.name == "repeatable":
            continue
        table = tabulate(compared_with(view, planned_row(view, planned.name, routers, policies)), routers, policies)
        assert table.reference == planned.name
        itself = table.row(planned.name)
        assert (itself.delta, itself.delta_low, itself.p, itself.p_adjusted) == (0.0, None, None, None)
        for row, old in zip(table, before, strict=True):
            assert (row.gap_closed, row.p_vs_best_single) == (old.gap_closed, old.p_vs_best_single)
            if row.name == "repeatable":
                continue
            assert row.reference == planned.name
            assert row.delta == pytest.approx(row.accuracy - itself.accuracy)
            if row.delta_low is not None:
                assert row.delta_low <= row.delta <= row.delta_high
                assert row.delta_low_clustered <= row.delta + 1e-12
                assert row.delta - 1e-12 <= row.delta_high_clustered


def test_p_against_best_single_is_the_old_one() -> None:
    outcomes = fake_outcomes(100)
    table = tabulate(view_over(outcomes), [router(outcomes)], ARGMAX)
    name = table.best_single
    for row in table:
        assert row.p == (None if row.name in ("best-single", name) else row.p_vs_best_single)
    assert table.row("best-single").p_vs_best_single == 1.0
    of_llm = tabulate(compared_with(view_over(outcomes), planned_row(view_over(outcomes), name)), [], [])
    assert (of_llm["best-single"].delta, of_llm["best-single"].p) == (0.0, None)


def test_the_detectable_difference_is_of_the_median_row() -> None:
    outcomes = fake_outcomes(400)
    table = tabulate(view_over(outcomes), [router(outcomes)], ARGMAX)
    shares = [row.discordant for row in table if row.reachable and row.discordant is not None]
    assert len(shares) == 4  # all-llms, two LLMs, the router
    assert table.detectable_difference == detectable_difference(400, statistics.median(shares))
    assert tabulate(view_over(outcomes, ["fake-a"]), [], []).detectable_difference is None


def test_a_row_is_named_as_tables_name_it_or_with_its_value() -> None:
    outcomes = fake_outcomes(50)
    view, routers = view_over(outcomes, ["fake-a", "fake-b"]), [router(outcomes)]
    low, high = PolicySpec("threshold", 0.2), PolicySpec("threshold", 0.9)

    def llms(name: str, *policies: PolicySpec) -> float:
        return planned_row(view, name, routers, policies).row().llms_per_question or 0.0

    assert llms("knn:fake threshold", low, high) == llms("knn:fake threshold:0.2") > llms("knn:fake threshold:0.9")
    one = planned_row(view, "knn:fake threshold", routers, [low, high])
    first, second = tabulate(compared_with(view, one), routers, [low, high]).rows[-2:]
    assert (first.delta, first.p) == (0.0, None)
    assert second.delta != 0
    assert second.p is not None
    other = tabulate(compared_with(view, planned_row(view, "knn:fake threshold:0.9", routers)), routers, [low])
    assert (other.reference, other.rows[-1].delta) == ("knn:fake threshold:0.9", pytest.approx(-second.delta))
    assert planned_row(view, "fake-c").row().name == "fake-c"  # outside the pool
    for wrong, like in (("orakel", "oracle"), ("knn:fake argmx", "knn:fake argmax"), ("fake-bb", "fake-b")):
        with pytest.raises(UnknownNameError, match=f"no row '{wrong}'; did you mean '{like}'"):
            planned_row(view, wrong, routers, ARGMAX)
    with pytest.raises(UsageError, match="threshold takes"):
        planned_row(view, "knn:fake threshold:7", routers)


def test_what_has_no_accuracy_is_no_reference() -> None:
    labels_only = make_outcomes(labels=[[True, False], [False, True]])
    view = view_over(labels_only)
    with pytest.raises(UsageError, match="compared with all-llms; needs votes"):
        compared_with(view, planned_row(view, "all-llms"))
    name = "knn:fake prediction"
    forestless = RouterScores("knn:fake", np.full((2, 2), 0.5, np.float32))
    with pytest.raises(UsageError, match=f"compared with {name}; needs a validation split"):
        compared_with(view, planned_row(view, name, [forestless]))


def test_latencies_at_half_and_nearly_all_questions() -> None:
    outcomes = make_outcomes(labels=[[True, False]] * 21, latency=[[n, 1] for n in range(21)])
    row = view_over(outcomes).llm_row("fake-a")
    assert (row.latency_p50, row.latency_p95) == (10.0, 19.0)
    assert view_over(outcomes).random_row().latency_p50 is None
    unknown = make_outcomes(labels=[[True], [True]], latency=[[1.0], [np.nan]])
    assert view_over(unknown).llm_row("fake-a").latency_p95 is None


def test_a_row_says_how_many_samples_vote() -> None:
    view = view_over(fake_outcomes(20, samples=3))
    assert [view.oracle_row().samples_per_question, view.all_llms_row().samples_per_question] == [3, 9]
    assert view_over(make_outcomes(labels=[[True]])).llm_row("fake-a").samples_per_question is None
