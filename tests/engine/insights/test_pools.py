from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import fake_outcomes
from plain import figures, make_outcomes, small_outcomes
from selectllm_engine.evaluation import LEARNED, Learner, view_of
from selectllm_engine.evaluation.policies import PolicySpec
from selectllm_engine.evaluation.pool_view import PoolView
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.insights.pools import find_subsets
from selectllm_engine.llms import Pool

SPLITS = ("train", "validation", "test")


@given(st.data())
@settings(max_examples=60)
def test_every_subset_equals_plain_loops(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    questions, llms = outcomes.labels.shape
    pool = sorted(data.draw(st.sets(st.integers(0, llms - 1), min_size=1)))
    found = find_subsets(Prepared(outcomes), Pool.of(outcomes.llms, [outcomes.llms[n] for n in pool]))
    by_names = {subset.llms: subset.figures for subset in found.subsets}
    expected = [chosen for size in range(1, len(pool) + 1) for chosen in combinations(pool, size)]
    assert found.exhaustive
    assert len(by_names) == len(expected)
    for chosen in expected:
        made = by_names[tuple(outcomes.llms[n] for n in chosen)]
        plain = figures(outcomes, set(chosen), [set(chosen)] * questions)
        assert made.pooled == pytest.approx(plain["accuracy"])
        assert made.latency == pytest.approx(plain["latency"])
        assert made.latency_parallel == pytest.approx(plain["latency_parallel"])
        assert made.cost == pytest.approx(plain["cost"], rel=1e-5)
        assert made.oracle == pytest.approx(outcomes.labels[:, list(chosen)].any(axis=1).mean())


@given(small_outcomes(llms=3))
def test_subsets_agree_with_the_rows_of_a_pool(outcomes) -> None:
    prepared = Prepared(outcomes)
    for subset in find_subsets(prepared, Pool.of(outcomes.llms)).subsets:
        view = PoolView(prepared, Pool.of(outcomes.llms, subset.llms))
        assert subset.figures.pooled == pytest.approx(view.all_llms_row().accuracy)
        assert subset.figures.oracle == pytest.approx(view.oracle_row().accuracy)


def test_ranked_on_validation_with_the_other_split_beside() -> None:
    test = make_outcomes(labels=[[True, False]] * 4, latency=[2, 1])
    validation = make_outcomes(labels=[[False, True]] * 3, latency=[2, 1], split="validation")
    found = find_subsets(Prepared(test), Pool.of(test.llms), Prepared(validation))
    # With labels only the oracle ranks: b alone, then both together, at more latency; then a.
    assert [subset.llms for subset in found.subsets] == [("fake-b",), ("fake-a", "fake-b"), ("fake-a",)]
    best = found.subsets[0]
    assert (best.rank, best.validation.oracle, best.figures.oracle, best.front) == (1, 1.0, 0.0, True)
    assert (found.ranked_by, [subset.front for subset in found.subsets]) == ("oracle", [True, False, False])
    assert "labels only" in found.notes[0]
    assert found.subsets[1].figures.pooled is None


def test_the_front_is_fast_to_slow_and_ever_more_accurate() -> None:
    test, validation = fake_outcomes(questions=80, llms=4), fake_outcomes(questions=60, llms=4, seed=1)
    router = RouterScores("knn:fake", np.random.default_rng(0).random((80, 4), dtype=np.float32))
    found = find_subsets(Prepared(test), Pool.of(test.llms), Prepared(validation), routers=[router])
    front = found.front()
    seconds = [subset.validation.latency for subset in front]
    pooled = [subset.validation.pooled for subset in front]
    assert seconds == sorted(seconds)
    assert pooled == sorted(set(pooled))
    for subset in found.subsets:
        dominated = any(
            other.validation.pooled >= subset.validation.pooled and other.validation.latency < subset.validation.latency
            for other in found.subsets
        )
        if subset.front:
            assert not dominated
            view = PoolView(Prepared(test), Pool.of(test.llms, subset.llms), Prepared(validation))
            assert subset.routers == (view.policy_row(router, PolicySpec("argmax")),)
        else:
            assert subset.routers == ()
    assert found.notes == ()
    assert Counter(len(subset.llms) for subset in found.subsets) == {1: 4, 2: 6, 3: 4, 4: 1}


def test_beyond_the_limit_a_beam_finds_the_same_best_here() -> None:
    outcomes = fake_outcomes(questions=60, llms=6, seed=3)
    prepared, pool = Prepared(outcomes), Pool.of(outcomes.llms)
    everything = find_subsets(prepared, pool)
    heard = []
    beam = find_subsets(prepared, pool, exhaustive_to=5, progress=lambda done, total: heard.append((done, total)))
    assert not beam.exhaustive
    assert heard[-1] == (6, 6)
    assert beam.subsets[0].llms == everything.subsets[0].llms
    known = {subset.llms: subset.figures for subset in everything.subsets}
    assert all(subset.figures == known[subset.llms] for subset in beam.subsets)
    assert {len(subset.llms) for subset in beam.subsets} == {1, 2, 3, 4, 5, 6}


def test_unknown_latency_ranks_by_the_number_of_llms() -> None:
    outcomes = make_outcomes([[[0], [0]], [[0], [0]]], latency=[1, np.nan])
    found = find_subsets(Prepared(outcomes), Pool.of(outcomes.llms))
    assert [subset.llms for subset in found.subsets] == [("fake-a",), ("fake-b",), ("fake-a", "fake-b")]
    assert [subset.figures.latency for subset in found.subsets] == [1.0, None, None]


def test_seconds_are_not_compared_with_numbers_of_llms() -> None:
    # Nobody knows c's seconds; alone it is the best. Seconds of a and b, large as they are, say nothing about that.
    labels = [[True, False, True], [False, True, True], [False, False, True]]
    outcomes = make_outcomes(labels=labels, latency=[20, 0.1, np.nan])
    found = find_subsets(Prepared(outcomes), Pool.of(outcomes.llms))
    assert [subset.llms for subset in found.front()] == [("fake-c",)]
    assert found.subsets[0].llms == ("fake-c",)
    assert any("fewer LLMs count as faster" in note for note in found.notes)


def test_learned_votes_are_learned_anew_for_every_subset() -> None:
    train, validation, test = (fake_outcomes(80, 3, 2, seed, split=split) for seed, split in enumerate(SPLITS))
    prepared, held_out, taught = Prepared(test), Prepared(validation), Prepared(train)
    found = find_subsets(prepared, Pool.of(test.llms), held_out, train=taught, rule=LEARNED)
    assert (found.vote, found.exhaustive, len(found.subsets)) == ("learned", True, 7)
    for subset in found.subsets:
        pool = Pool.of(test.llms, subset.llms)
        row = view_of(prepared, pool, held_out, train=taught, vote=LEARNED).all_llms_row()
        assert subset.figures.pooled == pytest.approx(row.accuracy)
        # what ranks on validation has not learned from it
        alone = view_of(held_out, pool, train=taught, vote=LEARNED, learner=Learner(taught, None)).all_llms_row()
        assert subset.validation.pooled == pytest.approx(alone.accuracy)


def test_many_llms_are_looked_at_by_a_narrow_beam_under_a_learned_vote() -> None:
    outcomes = fake_outcomes(60, 8, 1)
    found = find_subsets(Prepared(outcomes), Pool.of(outcomes.llms), train=Prepared(outcomes), rule=LEARNED)
    assert not found.exhaustive
    assert max(len(subset.llms) for subset in found.subsets) == 8
