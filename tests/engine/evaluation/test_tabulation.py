from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import fake_outcomes
from plain import ORACLES, choose, figures, make_outcomes, small_outcomes, small_scores, speed_order
from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.evaluation.baselines import SINGLE_AGAIN
from selectllm_engine.evaluation.outcomes import LeftOut
from selectllm_engine.evaluation.policies import POLICIES, PolicySpec, parse_policy
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.statistics import holm
from selectllm_engine.evaluation.tabulation import PoolView, Prepared, tabulate, view_of
from selectllm_engine.llms import Pool
from selectllm_engine.verdicts import Verdict
from tables import evaluated

if TYPE_CHECKING:
    from selectllm_engine.evaluation.table import Row

ALL_POLICIES = [parse_policy(name) for name in POLICIES]
COMPARED = ("reference", "delta", "delta_low", "delta_high", "delta_low_clustered", "delta_high_clustered")
COMPARED += ("p_clustered", "discordant", "p", "p_adjusted")
BY_ROUTER = [parse_policy(name) for name in ORACLES]  # those that need no labelled questions
ONE_LLM = ["argmax", "random", "prediction", "sorted-prediction", "cost-aware"]


def view_of_all(outcomes, names=None, validation=None) -> PoolView:
    held_out = None if validation is None else Prepared(validation)
    return PoolView(Prepared(outcomes), Pool.of(outcomes.llms, names), held_out)


def scores(probabilities, **more) -> RouterScores:
    return RouterScores("knn:fake", np.asarray(probabilities, dtype=np.float32), **more)


def assert_figures(row: Row, expected: dict) -> None:
    for name, value in expected.items():
        found = getattr(row, name)
        assert (found is None) == (value is None), name
        assert value is None or found == pytest.approx(value, rel=1e-5, abs=1e-9), name


def numbers(row: Row) -> dict:
    given_ = ("kind", "name", "router", "policy", "parameter", "vote", "notes", *COMPARED)
    return {field.name: getattr(row, field.name) for field in fields(row) if field.name not in given_}


# Rows against plain loops


@pytest.mark.parametrize("name", ["argmax", "threshold", "top-m", "cascade"])
@given(data=st.data())
@settings(max_examples=60)
def test_policy_rows_equal_plain_loops(name: str, data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    llms = len(outcomes.llms)
    router = data.draw(small_scores(len(outcomes.labels), llms))
    pool = data.draw(st.sets(st.integers(0, llms - 1), min_size=1))
    spec = parse_policy(name)
    chosen = choose(name, spec.parameter or 0, router, outcomes=outcomes, pool=pool)
    row = view_of_all(outcomes, [outcomes.llms[n] for n in pool]).policy_row(router, spec)
    assert_figures(row, figures(outcomes, pool, chosen))


@given(data=st.data())
def test_baselines_equal_plain_loops(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    questions, llms = outcomes.labels.shape
    pool = data.draw(st.sets(st.integers(0, llms - 1), min_size=1))
    router = data.draw(small_scores(questions, llms))
    order = speed_order(outcomes, pool)
    view = view_of_all(outcomes, [outcomes.llms[n] for n in pool])

    def fastest(q: int, good: set[int], default: int) -> set[int]:
        return {min((n for n in order if n in good), key=lambda n: outcomes.latency[q, n], default=default)}

    oracle, bound = [], []
    for q in range(questions):
        right = {n for n in pool if outcomes.labels[q, n]}
        p = router.probabilities[q]
        argmax = max(order, key=lambda n: p[n])
        oracle.append(fastest(q, right, next(iter(fastest(q, pool, -1)))))
        bound.append(fastest(q, {n for n in right if p[n] >= 0.5 or n == argmax}, argmax))
    assert_figures(view.oracle_row(), figures(outcomes, pool, oracle))
    assert_figures(view.upper_bound_row(router), figures(outcomes, pool, bound))
    assert_figures(view.all_llms_row(), figures(outcomes, pool, [pool] * questions))
    for n in pool:
        assert_figures(view.llm_row(outcomes.llms[n]), figures(outcomes, pool, [{n}] * questions))


@given(small_outcomes())
def test_random_is_the_average_of_the_llm_rows(outcomes) -> None:
    view = view_of_all(outcomes)
    rows = [view.llm_row(name) for name in outcomes.llms]
    row = view.random_row()
    for name in ("accuracy", "latency", "cost", "misrouted", "unsolvable", "llms_per_question"):
        assert getattr(row, name) == pytest.approx(np.mean([getattr(each, name) for each in rows]), abs=1e-6), name
    assert (row.accuracy_low, row.accuracy_high, row.p_vs_best_single) == (None, None, None)
    assert "expectation" in row.note


@given(st.data())
def test_the_policy_random_is_the_mean_of_its_draws(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes(llms=3))
    router = data.draw(small_scores(len(outcomes.labels), 3))
    view = view_of_all(outcomes)
    selection = view.policy(router, PolicySpec("random"))
    row = view.policy_row(router, PolicySpec("random"))
    accuracy = latency = 0.0
    for q, weights in enumerate(selection.weights):
        accuracy += sum(weights[n] * outcomes.labels[q, n] for n in range(3))
        latency += sum(weights[n] * outcomes.latency[q, n] for n in range(3))
    assert row.accuracy == pytest.approx(accuracy / len(outcomes.labels))
    assert row.latency == pytest.approx(latency / len(outcomes.labels), rel=1e-6)


# Properties


@given(st.data())
def test_no_one_llm_policy_beats_the_oracle_and_none_the_bound_by_a_vote(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    validation = data.draw(small_outcomes(llms=len(outcomes.llms), split="validation"))
    router = data.draw(small_scores(len(outcomes.labels), len(outcomes.llms), len(validation.labels)))
    view = view_of_all(outcomes, validation=validation)
    oracle = view.oracle_row().accuracy
    for name in ONE_LLM:
        assert view.policy_row(router, parse_policy(name)).accuracy <= oracle + 1e-9
    assert view.policy_row(router, PolicySpec("argmax")).accuracy <= view.upper_bound_row(router).accuracy + 1e-9
    for spec in BY_ROUTER:
        row = view.policy_row(router, spec)
        assert row.accuracy - row.rescued <= oracle + 1e-9


@given(st.data())
def test_a_pool_of_one_makes_all_policies_equal(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    validation = data.draw(small_outcomes(llms=len(outcomes.llms), split="validation"))
    router = data.draw(small_scores(len(outcomes.labels), len(outcomes.llms)))
    name = data.draw(st.sampled_from(outcomes.llms))
    view = view_of_all(outcomes, [name], validation)
    alone = numbers(view.llm_row(name))
    rows = [view.policy_row(router, spec) for spec in BY_ROUTER if spec.name != "random"]
    for row in [*rows, view.oracle_row(), view.all_llms_row(), view.best_single_row(), view.upper_bound_row(router)]:
        assert numbers(row) == pytest.approx(alone)
    expected = view.policy_row(router, PolicySpec("random"))
    assert (expected.accuracy, expected.latency) == (pytest.approx(alone["accuracy"]), pytest.approx(alone["latency"]))


@given(small_outcomes())
def test_a_router_given_the_labels_reaches_the_oracle(outcomes) -> None:
    view = view_of_all(outcomes)
    told = scores(outcomes.labels)
    assert view.policy_row(told, PolicySpec("argmax")).accuracy == view.oracle_row().accuracy
    assert view.upper_bound_row(told).accuracy == view.oracle_row().accuracy


@given(st.data())
def test_permuting_llms_permutes_results_absent_ties(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes(llms=3, ties=False))
    questions = len(outcomes.labels)
    probabilities = np.array(data.draw(st.permutations(range(3 * questions))), np.float32).reshape(-1, 3)
    router = scores(probabilities / probabilities.size)
    turn = list(data.draw(st.permutations(range(3))))
    turned = replace(
        outcomes,
        llms=tuple(outcomes.llms[n] for n in turn),
        **{name: getattr(outcomes, name)[:, turn] for name in ("answers", "labels", "latency", "cost")},
    )
    before, after = view_of_all(outcomes), view_of_all(turned)
    for name in ("argmax", "cost-aware"):
        row = after.policy_row(scores(router.probabilities[:, turn]), parse_policy(name))
        assert numbers(row) == pytest.approx(numbers(before.policy_row(router, parse_policy(name))))
    for name in outcomes.llms:
        assert after.llm_row(name).accuracy == before.llm_row(name).accuracy
    assert numbers(after.oracle_row()) == pytest.approx(numbers(before.oracle_row()))


@given(st.data())
def test_toggling_twice_changes_nothing(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes(llms=3))
    router = data.draw(small_scores(len(outcomes.labels), 3))
    pool = Pool.of(outcomes.llms)
    name = data.draw(st.sampled_from(outcomes.llms))
    prepared = Prepared(outcomes)
    before = tabulate(PoolView(prepared, pool), [router], ALL_POLICIES)
    tabulate(PoolView(prepared, pool.toggle(name)), [router], ALL_POLICIES)
    assert tabulate(PoolView(prepared, pool.toggle(name).toggle(name)), [router], ALL_POLICIES) == before


@given(st.data())
def test_every_wrong_answer_has_exactly_one_reason(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    router = data.draw(small_scores(len(outcomes.labels), len(outcomes.llms)))
    view = view_of_all(outcomes)
    for name in ("argmax", "threshold", "top-m", "cascade", "random"):
        row = view.policy_row(router, parse_policy(name))
        assert row.accuracy + row.unsolvable + row.misrouted + row.outvoted == pytest.approx(1)
        judged = view.verdicts(view.policy(router, parse_policy(name)))
        assert {Verdict.of(code) for code in judged.verdict[judged.right]} <= {"right", "rescued"}
        assert {Verdict.of(code) for code in judged.verdict[~judged.right]} <= {"unsolvable", "misrouted", "outvoted"}
        if name != "random":
            counts = np.bincount(judged.verdict, minlength=len(Verdict)) / len(judged.verdict)
            for reason in ("unsolvable", "misrouted", "outvoted", "rescued"):
                assert counts[Verdict(reason).code] == pytest.approx(getattr(row, reason))


@given(st.data())
def test_k_recomputes_everything_but_the_router(data: st.DataObject) -> None:
    outcomes = data.draw(small_outcomes())
    k = data.draw(st.integers(1, outcomes.samples))
    cut = make_outcomes(outcomes.answers[:, :, :k], latency=outcomes.latency, cost=outcomes.cost)
    router = data.draw(small_scores(len(outcomes.labels), len(outcomes.llms)))
    options = {"validation": None, "pool": Pool.of(outcomes.llms), "routers": [router], "policies": ALL_POLICIES}
    table = evaluated(outcomes, k=k, **options)
    rows = tuple(row for row in table.rows if row.name != SINGLE_AGAIN)  # it looks at more samples
    assert rows == evaluated(cut, **options).rows
    assert (table.k, table.samples) == (k, outcomes.samples)


# Cases by hand


def test_rescued_and_outvoted_by_hand() -> None:
    # Gold 0. Question 1: no LLM's own vote is 0, the pooled one is. Question 2: LLM a is right, b and c outvote it.
    answers = [
        [[0, 0, 1, 1, 1], [0, 0, 2, 2, 2], [0, 0, 3, 3, 3]],
        [[0, 0, 0, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]],
    ]
    view = view_of_all(make_outcomes(answers))
    row = view.all_llms_row()
    assert (row.accuracy, row.rescued, row.outvoted, row.unsolvable, row.misrouted) == (0.5, 0.5, 0.5, 0, 0)
    assert [Verdict.of(code) for code in view.verdicts(view.everyone()).verdict] == ["rescued", "outvoted"]
    assert view.oracle_row().accuracy == 0.5
    assert view.llm_row("fake-b").misrouted == 0.5


def test_best_single_is_chosen_on_train_and_validation_ties_to_the_faster() -> None:
    outcomes = make_outcomes(labels=[[True, False, False]], latency=[3, 2, 1])
    validation = make_outcomes(
        labels=[[True, True, False], [False, False, False]], latency=[3, 2, 1], split="validation"
    )
    table = evaluated(outcomes, validation=validation, pool=Pool.of(outcomes.llms))
    assert table.best_single == "fake-b"
    assert table.row("best-single").accuracy == 0.0
    assert table.row("best-single").note == "fake-b, chosen on validation"
    without = evaluated(outcomes, validation=None, pool=Pool.of(outcomes.llms))
    assert without.best_single == "fake-a"
    assert "no train or validation split" in without.row("best-single").note
    # b is right twice in both together, a once and c three times
    train = make_outcomes(labels=[[False, True, True], [False, False, True], [False, False, True]], split="train")
    both = evaluated(outcomes, validation=validation, train=train, pool=Pool.of(outcomes.llms))
    assert both.best_single == "fake-c"
    assert both.row("best-single").note == "fake-c, chosen on train and validation"
    alone = evaluated(outcomes, validation=None, train=train, pool=Pool.of(outcomes.llms, ["fake-a", "fake-b"]))
    assert alone.row("best-single").note == "fake-b, chosen on train"


def test_gap_closed_and_its_absence() -> None:
    outcomes = make_outcomes(labels=[[True, False], [True, False], [False, True], [False, False]])
    table = evaluated(
        outcomes,
        validation=None,
        pool=Pool.of(outcomes.llms),
        routers=[scores(outcomes.labels)],
        policies=[PolicySpec("argmax")],
    )
    assert table.row("oracle").gap_closed == 1.0
    assert table.row("best-single").gap_closed == 0.0
    assert table.row("fake-b").gap_closed == -1.0
    assert table.row("knn:fake argmax").gap_closed == 1.0
    alone = evaluated(outcomes, validation=None, pool=Pool.of(outcomes.llms, ["fake-a"]))
    assert alone.row("oracle").gap_closed is None


def test_labels_only_gives_one_llm_rows_and_no_others() -> None:
    outcomes = make_outcomes(labels=[[True, False], [False, True]], latency=[1, 2])
    view = view_of_all(outcomes)
    both = view.policy_row(scores([[0.9, 0.9], [0.9, 0.1]]), PolicySpec("threshold", 0.5))
    assert (both.accuracy, both.latency, both.llms_per_question) == (None, 2.0, 1.5)
    assert "labels only" in both.note
    one_each = view.policy_row(scores([[0.9, 0.1], [0.9, 0.1]]), PolicySpec("threshold", 0.5))
    assert (one_each.accuracy, one_each.note) == (0.5, None)
    assert view.all_llms_row().accuracy is None
    assert view.policy_row(scores([[1, 0], [1, 0]]), PolicySpec("cascade", 0.8)).accuracy is None
    assert set(view.verdicts(view.everyone()).verdict) == {Verdict.UNKNOWN.code}


def test_unknown_latency_is_null_and_names_the_llm() -> None:
    outcomes = make_outcomes(labels=[[True, False], [False, True]], latency=[[1, np.nan], [1, 2]], cost=[1, 2])
    view = view_of_all(outcomes)
    assert view.llm_row("fake-a").latency == 1.0
    row = view.llm_row("fake-b")
    assert (row.latency, row.latency_parallel, row.latency_correct, row.cost) == (None, None, None, 2.0)
    assert row.note == "no latency known for fake-b"
    chosen_where_known = view.policy_row(scores([[1, 0], [0, 1]]), PolicySpec("argmax"))
    assert chosen_where_known.latency == 1.5


def test_the_oracle_orders_unknown_latencies_by_the_llms_mean() -> None:
    outcomes = make_outcomes(labels=[[True, True]] * 2, latency=[[np.nan, 2], [1, 2]])
    assert view_of_all(outcomes).oracle.choice.tolist() == [0, 0]
    never = make_outcomes(labels=[[True, True]], latency=[np.nan, np.nan], cost=[2, 1])
    assert view_of_all(never).oracle.choice.tolist() == [1]
    nobody = make_outcomes(labels=[[False, False]], latency=[2, 1])
    assert view_of_all(nobody).oracle.choice.tolist() == [1]


def test_a_router_trained_without_an_llm_says_so_only_where_it_matters() -> None:
    outcomes = make_outcomes(labels=[[True, False]])
    partial = scores([[0.9, np.nan]], missing=("fake-b",))
    row = view_of_all(outcomes).policy_row(partial, PolicySpec("argmax"))
    assert row.accuracy is None
    assert "trained without fake-b; train it again" in row.note
    assert view_of_all(outcomes).upper_bound_row(partial).accuracy is None
    assert view_of_all(outcomes, ["fake-a"]).policy_row(partial, PolicySpec("argmax")).accuracy == 1.0


def test_several_routers_are_holm_adjusted_over_all_rows_that_one_can_run_but_best_single_itself() -> None:
    outcomes = fake_outcomes(questions=60, llms=3)
    rng = np.random.default_rng(0)
    routers = [replace(scores(rng.random((60, 3))), name=name) for name in ("a", "b")]
    options = {"validation": None, "pool": Pool.of(outcomes.llms), "policies": [PolicySpec("argmax")]}
    table = evaluated(outcomes, routers=routers, **options)
    tested = [row for row in table.rows if row.p_adjusted is not None]
    # all-llms, two LLMs that are not best-single, two routers; neither the oracle nor the upper bounds
    assert table.compared == len(tested) == 5
    assert table.row("oracle").p is not None
    assert table.row("oracle").p_adjusted is table.row("a upper-bound").p_adjusted is None
    assert table.row(table.best_single).p_adjusted is table.row("best-single").p_adjusted is None
    adjusted = holm([row.p_vs_best_single for row in tested])
    assert [row.p_adjusted for row in tested] == pytest.approx(adjusted)
    single = evaluated(outcomes, routers=routers[:1], **options)
    assert single.compared == 0
    assert all(row.p_adjusted is None for row in single.rows)


def test_a_rows_own_p_does_not_depend_on_the_rows_beside_it() -> None:
    outcomes = fake_outcomes(questions=60, llms=3)
    rng = np.random.default_rng(0)
    routers = [replace(scores(rng.random((60, 3))), name=name) for name in ("a", "b", "c")]
    options = {"validation": None, "pool": Pool.of(outcomes.llms), "policies": [PolicySpec("argmax")]}
    alone = view_of_all(outcomes).policy_row(routers[0], PolicySpec("argmax"))
    for beside in range(1, 4):
        row = evaluated(outcomes, routers=routers[:beside], **options).row("a argmax")
        assert row.p_vs_best_single == alone.p_vs_best_single
        assert replace(row, p_adjusted=None) == alone


def test_notes_are_several_in_python_and_one_text_in_machine_formats() -> None:
    unknown = make_outcomes(labels=[[True, False]] * 4, latency=[1.0, np.nan])
    row = view_of_all(unknown).random_row()
    assert len(row.notes) == 2
    assert row.as_dict()["note"] == row.note == "; ".join(row.notes)


def test_intervals_are_paired_and_hold_the_figure() -> None:
    outcomes = fake_outcomes(questions=200, llms=3)
    view = view_of_all(outcomes)
    row, found = view.oracle_row(), view.intervals(view.oracle, resamples=200)
    assert found.gap_closed == (1.0, 1.0)
    assert found.latency.low < row.latency < found.latency.high
    assert view.intervals(view.oracle, resamples=200) == found
    best = view.intervals(view.one(view.best_single), resamples=50)
    assert best.gap_closed == (0.0, 0.0)


# The table


def test_json_has_the_fields_of_the_design_in_its_order() -> None:
    outcomes = replace(fake_outcomes(), left_out=(LeftOut("fake-a", 2),), left_out_total=2)
    validation = fake_outcomes(questions=20, seed=1, split="validation")
    router = scores(np.full((40, 3), 0.5))
    table = evaluated(
        outcomes,
        validation=validation,
        pool=Pool.of(outcomes.llms, ["fake-c", "fake-a"]),
        routers=[router],
        policies=[PolicySpec("threshold", 0.6)],
    )
    made = table.to_dict()
    assert list(made) == [
        *("schema", "benchmark", "split", "protocol", "questions", "left_out", "samples", "k", "vote", "pool"),
        *("badge", "reference", "detectable_difference", "repeatable_share", "subjects", "router_charged", "saving"),
        *("answers_missing", "rows"),
    ]
    assert list(made["rows"][0]) == [
        *("kind", "name", "router", "policy", "parameter", "accuracy", "accuracy_low", "accuracy_high"),
        *("latency", "latency_parallel", "latency_correct", "latency_p50", "latency_p95", "cost"),
        *("llms_per_question", "samples_per_question", "gap_closed", "p_vs_best_single", *COMPARED),
        *("unsolvable", "misrouted", "outvoted", "rescued", "vote", "note"),
    ]
    assert (made["pool"], made["left_out"], made["samples"], made["k"]) == (["fake-a", "fake-c"], 2, 5, 5)
    assert [(row["kind"], row["name"]) for row in made["rows"]] == [
        ("baseline", "oracle"),
        ("baseline", "repeatable"),
        ("baseline", "random"),
        ("baseline", "best-single"),
        ("baseline", "all-llms"),
        ("baseline", "knn:fake upper-bound"),
        ("llm", "fake-a"),
        ("llm", "fake-c"),
        ("router", "knn:fake threshold"),
    ]
    assert made["rows"][-1]["parameter"] == 0.6
    frame = table.to_frame()
    assert frame["name"].to_list() == [row["name"] for row in made["rows"]]
    assert frame["accuracy"].dtype.is_float()
    with pytest.raises(UnknownNameError, match="did you mean 'oracle'"):
        table.row("oracel")


def test_nothing_to_evaluate_is_one_clear_line() -> None:
    empty = make_outcomes(np.zeros((0, 2, 3)))
    with pytest.raises(UsageError, match="no question that all LLMs have answered"):
        evaluated(empty, validation=None, pool=Pool.of(empty.llms))
    outcomes = fake_outcomes()
    with pytest.raises(UsageError, match="choose 1 to 5"):
        evaluated(outcomes, validation=None, pool=Pool.of(outcomes.llms), k=6)
    with pytest.raises(UnknownNameError, match="protocol"):
        view_of(Prepared(outcomes), Pool.of(outcomes.llms), protocol="papers")


def test_an_empty_validation_split_is_none_at_all() -> None:
    outcomes = fake_outcomes()
    table = evaluated(outcomes, validation=make_outcomes(np.zeros((0, 3, 5))), pool=Pool.of(outcomes.llms))
    assert "no train or validation split" in table.row("best-single").note
