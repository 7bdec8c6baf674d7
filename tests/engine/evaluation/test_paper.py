"""Protocol paper against the released notebook's arithmetic, by hand and in plain loops."""

from __future__ import annotations

import csv
import heapq
import math
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plain import make_outcomes
from selectllm_engine.api import load
from selectllm_engine.evaluation.policies import POLICIES, PolicySpec, parse_policy
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.tabulation import view_of
from selectllm_engine.importers.predictions import import_predictions
from selectllm_engine.llms import Pool
from selectllm_engine.store.cache import Cache
from selectllm_engine.verdicts import Verdict
from tables import evaluated

if TYPE_CHECKING:
    from pathlib import Path

# Run order is not the file's order: b, c, a against a, b, c.
NAMES = ("maj_b_LM", "maj_c_LM", "maj_a_CHAT")
SECONDS = (0.7, 4.7, 1.8)


def from_logits(logits: Any) -> RouterScores:
    logits = np.asarray(logits, dtype=np.float64)
    probabilities = (1 / (1 + np.exp(-np.maximum(logits, -700)))).astype(np.float32)
    return RouterScores("imported", probabilities, logits=logits)


def paper(labels: Any, logits: Any = None, *, names=NAMES, seconds=SECONDS, pool=None):
    outcomes = make_outcomes(labels=labels, latency=seconds, names=names)
    return evaluated(
        outcomes,
        validation=None,
        pool=Pool.of(names, pool),
        routers=[] if logits is None else [from_logits(logits)],
        policies=[parse_policy(name) for name in POLICIES],
        protocol="paper",
    )


# By hand. Columns are b, c, a; the file's order is a, b, c.

LABELS = [
    [True, False, True],
    [True, True, False],
    [False, True, False],
    [False, False, False],
]
LOGITS = [
    [2.0, 1.0, -1.0],
    [-1.0, -0.5, -2.0],
    [0.5, 0.0, 0.5],
    [3.0, 1.0, 1.0],
]


def test_oracle_is_the_first_right_llm_in_the_files_order_over_right_questions() -> None:
    row = paper(LABELS).row("oracle")
    assert row.accuracy == 3 / 4
    assert row.latency == (1 * 1.8 + 1 * 0.7 + 1 * 4.7) / 3
    assert row.unsolvable == 1 / 4


def test_subset_oracles_are_the_oracle_of_the_pool() -> None:
    row = paper(LABELS, pool=["maj_b_LM", "maj_a_CHAT"]).row("oracle")
    assert (row.accuracy, row.latency) == (2 / 4, (1 * 1.8 + 1 * 0.7) / 2)


def test_a_single_llms_latency_is_its_constant_as_written() -> None:
    row = paper(LABELS).row("maj_b_LM")
    assert (row.accuracy, row.latency) == (2 / 4, (2 * 0.7) / 2)


def test_upper_bound_charges_the_first_llm_that_is_right_and_predicted() -> None:
    # Question 2: nobody is predicted; question 3: c's logit 0.0 is not above 0.
    row = paper(LABELS, LOGITS).row("imported upper-bound")
    assert (row.accuracy, row.latency) == (1 / 4, 0.7)


def test_argmax_counts_as_wrong_below_its_gate() -> None:
    # 1: b, predicted and right. 2: c is right but its logit is below 0. 3: a ties with b and comes first. 4: b, wrong.
    row = paper(LABELS, LOGITS).row("imported argmax")
    assert (row.accuracy, row.latency) == (1 / 4, 0.7)
    assert (row.unsolvable, row.misrouted, row.outvoted, row.rescued) == (1 / 4, 2 / 4, 0, 0)


def test_prediction_is_argmax_without_the_gate() -> None:
    row = paper(LABELS, LOGITS).row("imported prediction")
    assert (row.accuracy, row.latency) == (2 / 4, (1 * 0.7 + 1 * 4.7) / 2)


def test_sorted_prediction_scores_one_llm_and_charges_another() -> None:
    # Right questions: a 1, b 2, c 2; b was right first, so ascending is a, b, c: the file's order, nothing moves here.
    assert paper(LABELS, LOGITS).row("imported sorted-prediction").accuracy == 2 / 4
    # With c right on question 4 instead of 2 and 1: counts a 3, b 2, c 1; ascending c, b, a.
    labels = [[True, False, True], [True, False, True], [False, False, True], [False, True, False]]
    # Argmax a, c, a, a. Places 0, 2, 0, 0 stand for c, a, c, c: wrong, right, wrong, right. Charged: c and a.
    logits = [[0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    row = paper(labels, logits).row("imported sorted-prediction")
    assert (row.accuracy, row.latency) == (2 / 4, (1 * 1.8 + 1 * 4.7) / 2)


def test_sorted_prediction_breaks_ties_of_counts_by_who_is_right_first() -> None:
    # b and a are right once each; b first. Ascending: b, a, c. Argmax a is place 0: b is scored, a charged.
    labels = [[True, True, False], [False, True, True]]
    row = paper(labels, [[0, 0, 1], [0, 0, 1]]).row("imported sorted-prediction")
    assert (row.accuracy, row.latency) == (1 / 2, 1.8)


def test_sorted_prediction_fails_where_an_llm_is_never_right() -> None:
    row = paper([[True, True, False]], [[1, 0, 0]]).row("imported sorted-prediction")
    assert row.accuracy is None
    assert "never right: maj_a_CHAT" in row.note


def test_random_looks_equal_confidences_up_by_value() -> None:
    # Logits -1, -1, -2 in the file's order a, b, c: the two highest are equal, so a is drawn twice, c once.
    labels = [[True, True, True]]
    weights = view_of(
        Prepared(make_outcomes(labels=labels, latency=SECONDS, names=NAMES)), Pool.of(NAMES), protocol="paper"
    ).policy(from_logits([[-1.0, -2.0, -1.0]]), PolicySpec("random"))
    np.testing.assert_allclose(weights.weights, [[0, 1 / 3, 2 / 3]])


def test_random_is_its_expectation_with_the_gate() -> None:
    # sigmoid(0.3) = .574: a draw among all three; b and a are right, and only b's logit is above 0.
    row = paper([[True, False, True]], [[0.3, 0.1, -0.1]]).row("imported random")
    assert row.accuracy == pytest.approx(1 / 3)
    assert row.latency == pytest.approx(0.7)
    assert row.accuracy_low is None
    assert "expectation" in row.note


def test_random_baseline_is_exact() -> None:
    row = paper(LABELS).row("random")
    assert row.accuracy == pytest.approx(5 / 12)
    assert row.latency == pytest.approx((2 * 0.7 + 2 * 4.7 + 1 * 1.8) / 5)


def test_no_right_answer_has_no_latency() -> None:
    row = paper([[False, False, False]], [[1, 0, 0]]).row("imported argmax")
    assert (row.accuracy, row.latency) == (0.0, None)
    assert "no question is answered right" in row.note


def test_what_the_notebook_does_not_compute_says_so() -> None:
    table = paper(LABELS, LOGITS)
    assert table.protocol == "paper"
    for name in ("cost-aware", "threshold", "top-m", "cascade"):
        row = table.row(f"imported {name}")
        assert row.accuracy is None
        assert "no such policy" in row.note
    assert table.row("all-llms").accuracy is None
    assert "labels only" in table.row("all-llms").note


def test_all_llms_is_charged_with_everybody() -> None:
    answers = [[[0, 0], [0, 1]], [[1, 1], [0, 2]]]
    outcomes = make_outcomes(answers, latency=[1.5, 2.5], names=("y", "x"))
    table = evaluated(outcomes, validation=None, pool=Pool.of(outcomes.llms), protocol="paper")
    row = table.row("all-llms")
    assert (row.accuracy, row.latency, row.latency_parallel, row.llms_per_question) == (0.5, 4.0, 2.5, 2.0)


def test_latencies_that_vary_are_averaged() -> None:
    outcomes = make_outcomes(labels=[[True], [False]], latency=[[1.0], [4.0]])
    table = evaluated(outcomes, validation=None, pool=Pool.of(outcomes.llms), protocol="paper")
    assert table.row("fake-a").latency == 2.5


def test_without_logits_the_probabilities_are_the_confidences() -> None:
    outcomes = make_outcomes(labels=[[True, True]] * 2, latency=[1, 2])
    router = RouterScores("knn:fake", np.array([[0.5, 0.4], [0.51, 0.4]], dtype=np.float32))
    view = view_of(Prepared(outcomes), Pool.of(outcomes.llms), protocol="paper")
    assert view.policy_row(router, PolicySpec("argmax")).accuracy == 0.5


def test_huge_logits_saturate_and_tie_as_in_floating_point() -> None:
    row = paper([[False, False, True]], [[41.0, 40.0, 39.0]]).row("imported argmax")
    assert row.accuracy == 1.0  # all three confidences are 1.0: the first in the file's order
    assert paper([[True, True, True]], [[-1e4, -1e5, -1e6]]).row("imported prediction").accuracy == 1.0


# In plain loops, on lists in the file's order, as the notebook has them.


def notebook(truth: list[list[int]], logits: list[list[float]], seconds: list[float]) -> dict[str, Any]:
    llms, questions = range(len(seconds)), range(len(truth))
    conf = [[1 / (1 + math.exp(-x)) for x in row] for row in logits]
    both = [[truth[q][n] * int(logits[q][n] > 0) for n in llms] for q in questions]

    def figures(winners: list[int | None]) -> tuple[float, float | None]:
        counts = [winners.count(n) for n in llms]
        right = sum(counts)
        return right / len(truth), sum(counts[n] * seconds[n] for n in llms) / right if right else None

    def first(good: list[list[int]]) -> list[int | None]:
        return [next((n for n in llms if row[n]), None) for row in good]

    chosen = [row.index(max(row)) for row in conf]
    firsts: dict[int, int] = {}
    for row in truth:
        for n in llms:
            if row[n]:
                firsts[n] = firsts.get(n, 0) + 1
    ascending = sorted(firsts, key=lambda n: firsts[n])
    drawn = []
    for q in questions:
        places = [conf[q].index(x) for x in heapq.nlargest(3, conf[q])] if max(conf[q]) <= 0.60 else [chosen[q]]
        drawn.append(mean(both[q][n] for n in places))
    return {
        "oracle": figures(first(truth)),
        "upper-bound": figures(first(both)),
        "argmax": figures([n if both[q][n] else None for q, n in enumerate(chosen)]),
        "prediction": figures([n if truth[q][n] else None for q, n in enumerate(chosen)]),
        "sorted-prediction": figures([n if truth[q][ascending[n]] else None for q, n in enumerate(chosen)])
        if len(firsts) == len(seconds)
        else (None, None),
        "random": mean(drawn),
        **{n: figures([n if row[n] else None for row in truth]) for n in llms},
    }


@given(st.data())
def test_every_row_equals_the_notebook_to_the_last_digit(data: st.DataObject) -> None:
    llms, questions = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 12))
    names = [f"maj_{letter}_LM" for letter in data.draw(st.permutations("abcde"))[:llms]]
    labels = data.draw(hnp.arrays(np.bool_, (questions, llms)))
    grid = st.sampled_from([-3.1234567, -1.0, -0.4, 0.0, 0.2, 0.4054, 0.41, 1.0, 38.0, 40.0])
    logits = data.draw(hnp.arrays(np.float64, (questions, llms), elements=grid))
    seconds = data.draw(st.lists(st.sampled_from([0.7, 1.0, 1.1, 1.8, 3.7, 4.7, 7.1]), min_size=llms, max_size=llms))
    order = sorted(range(llms), key=lambda n: names[n])
    expected = notebook(labels[:, order].astype(int).tolist(), logits[:, order].tolist(), [seconds[n] for n in order])
    table = paper(labels, logits, names=names, seconds=seconds)

    def shown(name: str) -> tuple[float | None, float | None]:
        row = table.row(name)
        return row.accuracy, row.latency

    assert shown("oracle") == expected["oracle"]
    assert shown("imported upper-bound") == expected["upper-bound"]
    for name in ("argmax", "prediction", "sorted-prediction"):
        assert shown(f"imported {name}") == expected[name], name
    assert table.row("imported random").accuracy == pytest.approx(expected["random"])
    for place, n in enumerate(order):
        assert shown(names[n]) == expected[place]


def test_an_imported_file_gives_the_notebooks_figures(tmp_path: Path) -> None:
    names = ["maj_a-7b-it_CHAT", "maj_a-7b_LM", "maj_b-13b_CHAT", "maj_c-7b_LM"]
    seconds = [0.7, 7.1, 1.8, 4.7]
    rng = np.random.default_rng(0)
    truth, logits = [], []
    with (tmp_path / "predictions.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "split", "true_label", "prediction", "raw_predictions", "confidence"])
        for number in range(300):
            right = rng.random(4) < 0.5
            printed = str((rng.normal(size=4) * 10.0 ** rng.integers(-4, 1)).astype(np.float32))
            logit = [float(text) for text in printed.strip("[]").split()]
            predicted = [name for name, value in zip(names, logit, strict=True) if value > 0]
            true = [name for name, is_right in zip(names, right, strict=True) if is_right]
            split = ("train", "val", "test")[number % 3]
            raw = "[" + " ".join(str(int(value > 0)) for value in logit) + "]"
            rows.writerow([f"question {number}", split, true, predicted, raw, printed.replace(" ", "\n ", 1)])
            if split == "test":
                truth.append(right.astype(int).tolist())
                logits.append(logit)
    cache = Cache(tmp_path / "cache")
    import_predictions(cache, tmp_path / "predictions.csv", "released", latency=dict(zip(names, seconds, strict=True)))
    table = load("released", cache).evaluate(all_policies=True, protocol="paper")
    expected = notebook(truth, logits, seconds)
    for name, key in {"oracle": "oracle", "imported upper-bound": "upper-bound"}.items():
        assert (table.row(name).accuracy, table.row(name).latency) == expected[key]
    for key in ("argmax", "prediction", "sorted-prediction"):
        assert (table.row(f"imported {key}").accuracy, table.row(f"imported {key}").latency) == expected[key]
    for place, name in enumerate(names):
        assert (table.row(name).accuracy, table.row(name).latency) == expected[place]
    assert table.row("imported random").accuracy == pytest.approx(expected["random"])


def test_the_gate_is_what_the_file_predicts_and_not_the_sign_of_the_logit(tmp_path: Path) -> None:
    header = ["question", "split", "true_label", "prediction", "raw_predictions", "confidence"]
    # 1: predicted at a logit of 0. 2: not predicted at a logit above 0, though right.
    rows = [["1", "test", "['a']", "['a']", "[1 0]", "[ 0. -1.]"], ["2", "test", "['b']", "['a']", "[1 0]", "[0.5 2.]"]]
    path = tmp_path / "predictions.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    cache = Cache(tmp_path / "cache")
    import_predictions(cache, path, "released", latency={"a": 1.0, "b": 2.0})
    run = load("released", cache)
    table = run.evaluate(policy=["argmax", "prediction"], protocol="paper")
    found = {name: table.row(f"imported {name}").accuracy for name in ("upper-bound", "argmax", "prediction")}
    assert found == {"upper-bound": 0.5, "argmax": 0.5, "prediction": 1.0}
    run.export(tmp_path / "again.csv", router="imported")
    with (tmp_path / "again.csv").open(newline="") as file:
        assert [row["prediction"] for row in csv.DictReader(file)] == ["['a']", "['a']"]


@given(st.data())
def test_questions_are_judged_as_they_are_counted(data: st.DataObject) -> None:
    labels = data.draw(hnp.arrays(np.bool_, (6, 3)))
    labels[:3] |= np.eye(3, dtype=bool)  # everybody is right once
    router = from_logits(data.draw(hnp.arrays(np.float64, (6, 3), elements=st.floats(-2, 2))))
    outcomes = make_outcomes(labels=labels, latency=SECONDS, names=NAMES)
    view = view_of(Prepared(outcomes), Pool.of(NAMES), protocol="paper")
    for name in ("argmax", "prediction", "sorted-prediction"):
        judged = view.policy_verdicts(router, PolicySpec(name))
        row = view.policy_row(router, PolicySpec(name))
        assert judged.right.mean() == row.accuracy
        assert (judged.verdict == Verdict.UNSOLVABLE.code).mean() == pytest.approx(row.unsolvable)
    view.policy_verdicts(router, PolicySpec("random"))
