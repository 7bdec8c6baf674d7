"""Routers and policies of one's own, and what is no router and no policy, refused in one line."""

from __future__ import annotations

import numpy as np
import pytest

from plain import make_outcomes
from selectllm_engine.errors import NotAvailableError, UnknownNameError, UsageError
from selectllm_engine.evaluation import (
    POLICIES,
    PolicySpec,
    Prepared,
    RouterScores,
    Selection,
    as_routers,
    as_spec,
    as_specs,
    view_of,
)
from selectllm_engine.llms import Pool

OUTCOMES = make_outcomes(labels=[[True, False, True], [False, True, True], [True, True, False]], latency=[1, 2, 3])
SCORES = RouterScores("r", np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.4], [0.6, 0.5, 0.7]]))


def view(pool=None, protocol="corrected"):
    return view_of(Prepared(OUTCOMES), Pool.of(OUTCOMES.llms, pool), protocol=protocol)


def one_line(error: UsageError) -> bool:
    return "\n" not in str(error) and bool(error.problem) and bool(error.remedy)


@pytest.mark.parametrize(
    ("name", "parameter", "by", "message"),
    [
        ("treshold", None, None, "did you mean 'threshold'"),
        ("top-m", 2.7, None, "whole number"),
        ("top-m", 0, None, "whole number"),
        ("threshold", 1.5, None, "from 0 to 1"),
        ("threshold", float("nan"), None, "from 0 to 1"),
        ("threshold", "high", None, "from 0 to 1"),
        ("threshold", True, None, "from 0 to 1"),
        ("cost-aware", -0.1, None, "a number from 0 to 1,000,000 or auto"),
        ("cost-aware", float("inf"), None, "a number from 0 to 1,000,000 or auto"),
        ("argmax", 0.5, None, "takes no value"),
        ("threshold", 0.5, "cost", "can't look at"),
        ("cost-aware", 0.5, "colour", "can't look at"),
    ],
)
def test_a_policy_is_checked_when_it_is_made(name, parameter, by, message) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        PolicySpec(name, parameter, by)
    assert one_line(caught.value)


def test_the_penalty_of_cost_aware_may_be_larger_than_those_that_are_tried() -> None:
    assert PolicySpec("cost-aware", 3.0).number == 3.0
    assert max(POLICIES["cost-aware"].grid(3)) == 1


def test_numbers_of_numpy_are_numbers() -> None:
    spec = PolicySpec("threshold", np.float32(0.5))
    assert (spec, type(spec.parameter)) == (PolicySpec("threshold", 0.5), float)
    assert PolicySpec("top-m", 2.0).parameter == 2


@pytest.mark.parametrize(
    "probabilities",
    [
        [0.1, 0.2],
        [[0.1, 1.2]],
        [[-0.1, 0.2]],
        [[0.1, np.nan], [0.1, 0.2]],
        [[0.1, np.nan]],
        [[np.inf, 0.1]],
        [["a", "b"]],
        [[0.1], [0.1, 0.2]],
        "knn:tfidf",
        None,
    ],
)
def test_what_is_no_probabilities_is_refused(probabilities) -> None:
    if probabilities is None:
        probabilities = object()
    with pytest.raises(UsageError, match="'mine'") as caught:
        RouterScores("mine", probabilities)
    assert one_line(caught.value)


def test_arrays_beside_the_probabilities_must_fit_them() -> None:
    p = np.full((3, 2), 0.5)
    for more in ({"forest": p[:2]}, {"validation": p[:, :1]}, {"validation_forest": p}, {"logits": p[:2]}):
        with pytest.raises(UsageError, match="shape"):
            RouterScores("mine", p, **more)
    with pytest.raises(UsageError, match=r"forest .* not all from 0 to 1"):
        RouterScores("mine", p, forest=2 * p + 1)
    lacking = np.array([[0.5, np.nan], [0.2, np.nan]])
    assert RouterScores("mine", lacking, missing=("b",)).probabilities.dtype == np.float32
    assert RouterScores("mine", lacking - 7, note="broken").note == "broken"


def test_routers_come_by_name_as_scores_or_as_arrays_by_name() -> None:
    assert as_routers("knn:tfidf") == ["knn:tfidf"]
    assert as_routers(["prior", SCORES]) == ["prior", SCORES]
    (mine,) = as_routers({"mine": SCORES.probabilities})
    assert (mine.name, mine.probabilities.tolist()) == ("mine", SCORES.probabilities.tolist())


@pytest.mark.parametrize(
    "router", [np.zeros((3, 3)), 3, object(), [SCORES, 7], [np.zeros((3, 3))], {"": np.zeros((3, 3))}]
)
def test_other_things_are_no_routers(router) -> None:
    with pytest.raises(UsageError) as caught:
        as_routers(router)
    assert one_line(caught.value)


def test_probabilities_of_another_split_are_refused() -> None:
    with pytest.raises(UsageError, match="for 3 questions and 3 LLMs"):
        view().policy_row(RouterScores("r", np.full((2, 3), 0.5)), PolicySpec("argmax"))


def least(inputs):
    return inputs.order[inputs.probabilities[:, inputs.order].argmin(axis=1)]


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (least, [1, 0, 1]),
        (lambda inputs: np.eye(3, dtype=bool)[least(inputs)], [1, 0, 1]),
        (lambda inputs: Selection(inputs.llms, choice=least(inputs)), [1, 0, 1]),
        (lambda inputs: np.eye(3)[least(inputs)], [1, 0, 1]),
    ],
)
def test_a_policy_may_be_a_function(policy, chosen) -> None:
    spec = as_spec(policy)
    row = view().policy_row(SCORES, spec)
    right = OUTCOMES.labels[np.arange(3), chosen]
    assert row.accuracy == pytest.approx(right.mean())
    assert (row.policy, row.name) == (policy.__name__, f"r {policy.__name__}")
    assert "no such policy" in view(protocol="paper").policy_row(SCORES, spec).note


@pytest.mark.parametrize(
    "returned",
    [
        None,
        "argmax",
        np.array([0, 1]),
        np.array([0, 1, 2]),  # 2 is not in the pool
        np.zeros((3, 3), dtype=bool),
        np.ones((3, 3), dtype=bool),
        np.full((3, 3), 0.1),
        np.full((3, 3), np.nan),
        Selection(3, choice=np.array([5, 0, 0])),
    ],
)
def test_a_function_that_gives_no_selection_is_refused(returned) -> None:
    with pytest.raises(UsageError, match="policy mine: ") as caught:
        view(["fake-a", "fake-b"]).policy_row(SCORES, PolicySpec("mine", function=lambda _: returned))
    assert one_line(caught.value)


def test_a_function_may_say_that_the_data_lack_something() -> None:
    def never(_):
        raise NotAvailableError("needs the weather")

    assert view().policy_row(SCORES, as_spec(never)).notes == ("needs the weather",)


def test_policies_come_as_texts_specs_functions_or_functions_by_name() -> None:
    assert as_specs(None) == [PolicySpec("argmax")]
    assert [spec.name for spec in as_specs(["argmax", "argmax", least])] == ["argmax", "least"]
    assert [spec.name for spec in as_specs({"mine": least})] == ["mine"]
    assert as_specs(PolicySpec("threshold", 0.5)) == [PolicySpec("threshold", 0.5)]
    for wrong in (3, ("top-m", 2.7), [None], {"mine": "argmax"}):
        with pytest.raises(UsageError) as caught:
            as_specs(wrong)
        assert one_line(caught.value)
    with pytest.raises(UnknownNameError, match="did you mean"):
        as_specs("treshold")
