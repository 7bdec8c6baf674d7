"""Details of a table: they agree with its rows and with figures worked out another way; what can't be known is None."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import fake_outcomes, write_fake_run
from plain import ORACLES, make_outcomes, small_outcomes, small_scores
from selectllm_engine.api import load
from selectllm_engine.evaluation.details import RowDetails, detail, row_names
from selectllm_engine.evaluation.policies import POLICIES, parse_policy
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.table import Row
from selectllm_engine.evaluation.tabulation import plan, view_of
from selectllm_engine.llms import Pool

ARGMAX = [parse_policy("argmax")]
BY_ROUTER = [parse_policy(name) for name in ORACLES]  # those that need no labelled questions


def view(outcomes, pool=None, validation=None, train=None):
    beside = (None if each is None else Prepared(each) for each in (validation, train))
    return view_of(Prepared(outcomes), Pool.of(outcomes.llms, pool), next(beside), train=next(beside))


def router(outcomes, seed=0, **fields):
    drawn = np.random.default_rng(seed).random(outcomes.labels.shape, dtype=np.float32)
    return RouterScores("knn:fake", drawn, forest=1 - drawn, **fields)


@pytest.fixture(scope="module")
def outcomes():
    return fake_outcomes(cost=(3, 2, 1))


@pytest.fixture(scope="module")
def details(outcomes):
    train = fake_outcomes(50, split="train", seed=1)
    return detail(view(outcomes, validation=fake_outcomes(seed=2), train=train), [router(outcomes)], BY_ROUTER)


def test_every_row_has_its_own_selection(outcomes):
    looked, routers = view(outcomes, validation=fake_outcomes(seed=2)), [router(outcomes), router(outcomes, 1)]
    table = detail(looked, routers, BY_ROUTER).table
    made = [planned.selection for planned in plan(looked, routers, BY_ROUTER)]
    assert len(made) == len(table.rows)
    for row, selection in zip(table.rows, made, strict=True):
        if row.name == "repeatable":
            assert selection is None
            continue
        figures = looked.figures(selection)
        assert figures.right.mean() == pytest.approx(row.accuracy)
        assert figures.latency.mean(dtype=np.float64) == pytest.approx(row.latency)


def test_rows_agree_with_the_table(details):
    best, oracle = (details.table.row(name).accuracy for name in ("best-single", "oracle"))
    assert list(details.rows) == [row.name for row in details.table.rows]
    for row in details.table.rows:
        each = details.rows[row.name]
        if row.name == "repeatable":
            assert each == RowDetails()
            continue
        assert each.v_b == pytest.approx(row.accuracy / best)
        assert each.regret == pytest.approx(oracle - row.accuracy)
        assert list(each.selection_histogram) == list(details.table.pool)
        shares = each.selection_histogram.values()
        assert sum(shares) == pytest.approx(1)
        assert each.selection_entropy == pytest.approx(-sum(share * math.log2(share) for share in shares if share))
        assert each.latency_interval.low < row.latency < each.latency_interval.high
        assert each.gap_closed_interval.low <= row.gap_closed <= each.gap_closed_interval.high
    assert details.rows["best-single"] == details.rows[details.table.best_single]
    assert details.rows["oracle"].gap_closed_interval == pytest.approx((1, 1))


def test_intervals_are_of_the_same_resampled_questions():
    outcomes = fake_outcomes(25, 2)
    rows = detail(view(outcomes), [], []).rows
    rng = np.random.default_rng(0)
    drawn = [rng.integers(25, size=25) for _ in range(1000)]
    for llm, name in enumerate(outcomes.llms):
        means = [outcomes.latency[each, llm].astype(float).mean() for each in drawn]
        assert rows[name].latency_interval == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_llms(details, outcomes):
    assert list(details.llms) == list(outcomes.llms)
    train = fake_outcomes(50, split="train", seed=1)
    for llm, (name, each) in enumerate(details.llms.items()):
        assert each.maj_at_k == each.test_accuracy == details.table.row(name).accuracy
        right = outcomes.answers[:, llm] == outcomes.gold[:, None]
        assert each.pass_at_k == pytest.approx(np.mean([any(samples) for samples in right]))
        assert each.pass_at_k >= each.maj_at_k
        assert each.train_accuracy == pytest.approx(train.labels[:, llm].mean())
        assert each.gap == pytest.approx(each.train_accuracy - each.test_accuracy)
        assert 0 <= each.gap_p <= 1
        assert each.alarm is False


def test_an_llm_that_knows_the_train_split_is_alarming():
    train = fake_outcomes(300, split="train", accuracy=(0.4, 0.4, 1.2))
    details = detail(view(fake_outcomes(300, accuracy=(0.4, 0.4, 0.4)), train=train), [], [])
    assert [each.alarm for each in details.llms.values()] == [False, False, True]
    assert "fake-c, chosen on train; it has probably seen train: " in details.table["best-single"].note


def test_without_a_train_split_there_are_no_gaps(outcomes):
    for each in detail(view(outcomes), [], []).llms.values():
        assert (each.train_accuracy, each.gap, each.gap_p, each.alarm) == (None, None, None, None)
        assert each.test_accuracy is not None


def test_router_quality_is_of_the_pool():
    # b is ranked perfectly, a the wrong way round; c is not in the pool.
    outcomes = make_outcomes(labels=[[True, True, False], [False, False, True]], latency=[1, 2, 3])
    p = np.array([[0.2, 0.9, 0.5], [0.8, 0.1, 0.5]], dtype=np.float32)
    found = detail(view(outcomes, ["fake-a", "fake-b"]), [RouterScores("r", p)], ARGMAX).routers["r"]
    assert [one.llm for one in found.quality] == ["fake-a", "fake-b"]
    assert [one.auroc for one in found.quality] == [0, 1]
    assert [one.brier for one in found.quality] == pytest.approx([0.64, 0.01])
    assert (found.overall.auroc, found.overall.brier) == (0.5, pytest.approx(0.325))
    assert found.overall.f1 == pytest.approx(0.5)  # b's 1 and a's 0, one right answer each


def test_aiq_of_a_curve_by_hand():
    # Always a (1 s, half right) or always b (3 s, all right): a straight line from 0.5 to 1.
    outcomes = make_outcomes(labels=[[True, True], [False, True]], latency=[1, 3])
    p = np.array([[0.4, 0.6], [0.4, 0.6]], dtype=np.float32)
    found = detail(view(outcomes), [RouterScores("r", p)], ARGMAX).routers["r"]
    assert (found.aiq, found.aiq_by, found.note) == (pytest.approx(0.75), "latency", None)


def test_aiq_falls_back_on_cost_and_says_why_it_is_missing():
    labels = [[True, True], [False, True]]
    p = np.array([[0.4, 0.6], [0.4, 0.6]], dtype=np.float32)

    def found(pool=None, **known):
        return detail(view(make_outcomes(labels=labels, **known), pool), [RouterScores("r", p)], ARGMAX).routers["r"]

    by_cost = found(latency=[1, np.nan], cost=[1, 3])
    assert (by_cost.aiq, by_cost.aiq_by) == (pytest.approx(0.75), "cost")
    unknown = found(latency=[1, np.nan])
    assert (unknown.aiq, unknown.aiq_by, unknown.note) == (None, None, "AIQ needs the latency or cost of every answer")
    assert unknown.overall is not None
    assert found(["fake-a"]).note == "AIQ needs LLMs that differ in latency"


def test_a_router_without_figures_says_why(outcomes):
    broken = replace(router(outcomes), note="it can't be read")
    details = detail(view(outcomes), [broken], ARGMAX)
    found = details.routers["knn:fake"]
    assert (found.aiq, found.quality, found.overall, found.note) == (None, (), None, "it can't be read")
    row = details.rows["knn:fake argmax"]
    assert (row.v_b, row.selection_histogram, row.latency_interval) == (None, None, None)
    assert all(each.accuracy["knn:fake argmax"] is None for each in details.subjects.values())


def test_a_router_that_lacks_llms(outcomes):
    partly = router(outcomes, missing=("fake-a",))
    partly.probabilities[:, 0] = np.nan
    found = detail(view(outcomes), [partly], ARGMAX).routers["knn:fake"]
    assert [one.llm for one in found.quality] == ["fake-b", "fake-c"]
    assert found.note == "knn:fake was trained without fake-a; train it again"
    alone = detail(view(outcomes, ["fake-a"]), [partly], ARGMAX).routers["knn:fake"]
    assert (alone.quality, alone.overall) == ((), None)


def test_subjects_add_up_to_the_rows(details):
    assert sum(each.questions for each in details.subjects.values()) == details.table.questions
    for row in details.table.rows:
        if row.name == "repeatable":
            continue
        right = sum(each.questions * each.accuracy[row.name] for each in details.subjects.values())
        assert right / details.table.questions == pytest.approx(row.accuracy)


def test_questions_without_a_subject():
    outcomes = make_outcomes(labels=[[True], [False], [True]])
    some = outcomes.questions.with_columns(subject=pl.Series(["x", None, None]))
    found = detail(view(replace(outcomes, questions=some)), [], []).subjects
    assert {name: each.questions for name, each in found.items()} == {"x": 1, "": 2}
    assert found[""].accuracy["fake-a"] == 0.5
    none = some.with_columns(subject=pl.lit(None, dtype=pl.String))
    assert detail(view(replace(outcomes, questions=none)), [], []).subjects == {}


def test_labels_only():
    outcomes = fake_outcomes(labels_only=True)
    details = detail(view(outcomes), [router(outcomes)], [*ARGMAX, parse_policy("top-m")])
    assert {(each.maj_at_k, each.pass_at_k) for each in details.llms.values()} == {(None, None)}
    assert None not in {each.test_accuracy for each in details.llms.values()}
    for name in ("all-llms", "knn:fake top-m"):
        row = details.rows[name]
        assert (row.v_b, row.regret, row.gap_closed_interval) == (None, None, None)
        assert row.latency_interval is not None
        assert row.selection_histogram is not None
        assert {each.accuracy[name] for each in details.subjects.values()} == {None}
    assert details.rows["knn:fake argmax"].v_b is not None


@settings(max_examples=15)
@given(st.data())
def test_no_data_make_it_fail_or_give_nan(data):
    outcomes = data.draw(small_outcomes())
    validation = data.draw(st.none() | small_outcomes(llms=len(outcomes.llms), split="validation"))
    train = data.draw(st.none() | small_outcomes(llms=len(outcomes.llms), split="train"))
    scores = data.draw(
        small_scores(*outcomes.labels.shape, validation=0 if validation is None else len(validation.labels))
    )
    pool = data.draw(st.sets(st.sampled_from(outcomes.llms), min_size=1))
    specs = [*(parse_policy(name) for name in POLICIES), parse_policy("threshold:auto")]
    details = detail(view(outcomes, pool, validation, train), [scores], specs)
    shown = json.loads(json.dumps(details.to_dict(), allow_nan=False))
    assert len(shown["rows"]) == len(details.table.rows)


@given(st.lists(st.tuples(st.sampled_from(["a", "a:1", "a #2", "b"]), st.none() | st.sampled_from([1.0, 0.5]))))
def test_rows_have_names_of_their_own(drawn):
    names = row_names([Row(kind="router", name=name, parameter=parameter) for name, parameter in drawn])
    assert len(set(names)) == len(drawn)


def test_names_that_several_rows_have_tell_the_parameter():
    rows = [
        Row(kind="router", name=name, parameter=value) for name, value in (("r a", 0.5), ("r a", 0.6), ("r b", 2.0))
    ]
    assert row_names(rows) == ["r a:0.5", "r a:0.6", "r b"]
    assert row_names([*rows, rows[0]])[-1] == "r a:0.5 #2"


def test_of_a_run(tmp_path):
    run = load("fake", write_fake_run(tmp_path))
    details = run.details(["fake-a", "fake-c"], k=3)
    assert details.table == run.evaluate(["fake-a", "fake-c"], k=3)
    assert list(details.llms) == ["fake-a", "fake-c"]
    train = run.prepared("train", 3).labels.mean(axis=0)
    assert [each.train_accuracy for each in details.llms.values()] == pytest.approx([train[0], train[2]])
    assert run.details(split="train").llms["fake-a"].gap is None
