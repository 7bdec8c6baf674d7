from __future__ import annotations

import itertools

import numpy as np
import pytest

from fakes import fake_outcomes
from plain import make_outcomes
from selectllm_engine.evaluation.contamination import train_test_gaps
from selectllm_engine.evaluation.policies import PolicySpec
from selectllm_engine.evaluation.pool_view import PoolView
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.tabulation import tabulate
from selectllm_engine.insights.curves import learning_curve
from selectllm_engine.insights.study import draw_lessons
from selectllm_engine.llms import Pool


def view_of(outcomes, validation=None) -> PoolView:
    return PoolView(Prepared(outcomes), Pool.of(outcomes.llms), None if validation is None else Prepared(validation))


def router(name: str, probabilities, **more) -> RouterScores:
    return RouterScores(name, np.asarray(probabilities, dtype=np.float32), **more)


def answers_of(lessons) -> dict[str, str]:
    return {lesson.key: lesson.answer for lesson in lessons.lessons}


def labels_like(questions: int, *shares: float) -> np.ndarray:
    """Labels in which each LLM is right on its share of the questions, the first ones."""
    return np.arange(questions)[:, None] < np.array(shares) * questions


def test_without_routers_what_can_be_said_is_said() -> None:
    lessons = draw_lessons(view_of(make_outcomes(labels=[[True, False], [False, True]])))
    assert answers_of(lessons) == {
        "solvable": "yes",
        "bound": "unknown",
        "beaten": "unknown",
        "policies": "unknown",
        "latency": "unknown",
    }
    assert (lessons.router, lessons.gaps) == (None, ())
    assert lessons.losses["misrouted"] == 0.5


def test_a_perfect_router_answers_yes() -> None:
    labels = np.zeros((200, 2), dtype=bool)
    labels[:100, 0] = labels[100:, 1] = True
    outcomes = make_outcomes(labels=labels, latency=[1, 2])
    lessons = draw_lessons(view_of(outcomes), [router("told", labels)])
    answers = answers_of(lessons)
    assert (answers["solvable"], answers["bound"], answers["beaten"]) == ("yes", "yes", "yes")
    assert answers["latency"] == "unknown"  # no LLM is about as accurate
    assert lessons.router == "told"
    beaten = lessons.lessons[2]
    assert beaten.figures["told"] == 1.0
    assert beaten.figures["p of told against best single"] < 1e-6
    assert set(beaten.beaten("told")) == set(outcomes.llms)


def test_a_useless_router_beats_only_the_weak() -> None:
    labels = labels_like(400, 0.7, 0.2)
    outcomes = make_outcomes(labels=labels, latency=[1, 2])
    always_first = np.tile([0.9, 0.1], (400, 1))
    lessons = draw_lessons(view_of(outcomes), [router("first", always_first)])
    answers = answers_of(lessons)
    assert (answers["solvable"], answers["beaten"], answers["policies"]) == ("no", "partly", "no")
    assert answers["latency"] == "yes"  # it is the LLM of like accuracy
    assert lessons.lessons[0].figures["solved by none"] == pytest.approx(0.3)
    assert lessons.losses == {"unsolvable": pytest.approx(0.3), "misrouted": 0.0, "outvoted": 0.0, "rescued": 0.0}


def test_the_bound_is_compared_with_the_oracle_by_a_test() -> None:
    labels = np.zeros((100, 2), dtype=bool)
    labels[:, 0] = True
    labels[:3] = [False, True]
    few = draw_lessons(view_of(make_outcomes(labels=labels)), [router("r", np.tile([0.9, 0.1], (100, 1)))])
    assert (few.lessons[1].answer, few.lessons[1].figures["p"]) == ("partly", pytest.approx(0.25))
    labels[:20] = [False, True]
    many = draw_lessons(view_of(make_outcomes(labels=labels)), [router("r", np.tile([0.9, 0.1], (100, 1)))])
    assert many.lessons[1].answer == "no"


def test_the_router_is_chosen_on_validation_not_on_the_evaluated_split() -> None:
    outcomes = make_outcomes(labels=[[True, False]] * 20)
    validation = make_outcomes(labels=[[False, True]] * 20, split="validation")
    first, second = np.tile([0.9, 0.1], (20, 1)), np.tile([0.1, 0.9], (20, 1))
    routers = [
        router("good here", first, validation=first.astype(np.float32)),
        router("good there", second, validation=second.astype(np.float32)),
    ]
    assert draw_lessons(view_of(outcomes, validation), routers).router == "good there"


def test_the_priors_bound_answers_nothing() -> None:
    labels = labels_like(100, 0.5, 0.6)
    outcomes = make_outcomes(labels=labels)
    prior, other = router("prior", np.ones((100, 2))), router("knn", np.tile([0.9, 0.1], (100, 1)))
    assert answers_of(draw_lessons(view_of(outcomes), [prior]))["bound"] == "unknown"
    assert draw_lessons(view_of(outcomes), [prior, other]).lessons[1].bounds == {"knn": 0.5}


def test_lessons_say_what_can_be_shown_and_won() -> None:
    outcomes = fake_outcomes(200)
    drawn = draw_lessons(view_of(outcomes))
    table = tabulate(view_of(outcomes), [], [])
    assert drawn.detectable_difference == table.detectable_difference is not None
    assert drawn.repeatable_share == table.repeatable_share is not None


def test_unusable_routers_are_left_out() -> None:
    outcomes = make_outcomes(labels=[[True, False]] * 5)
    broken = router("broken", np.full((5, 2), np.nan), note="its probabilities can't be read")
    lessons = draw_lessons(view_of(outcomes), [broken])
    assert lessons.router is None


def test_figures_are_those_of_the_rows() -> None:
    outcomes, validation = fake_outcomes(questions=90), fake_outcomes(questions=50, seed=1, split="validation")
    rng = np.random.default_rng(0)
    scores = router(
        "r",
        rng.random((90, 3)),
        forest=rng.random((90, 3), dtype=np.float32),
        validation=rng.random((50, 3), dtype=np.float32),
    )
    view = view_of(outcomes, validation)
    lessons = {lesson.key: lesson for lesson in draw_lessons(view, [scores]).lessons}
    for name in ("argmax", "threshold", "cascade", "prediction"):
        row = view.policy_row(scores, PolicySpec(name))
        assert lessons["policies"].figures[name] == row.accuracy
        assert lessons["policies"].figures[f"latency of {name}"] == row.latency
    assert lessons["bound"].figures["r upper bound"] == view.upper_bound_row(scores).accuracy


# Contamination


def test_the_alarm_needs_a_significant_gap_well_above_the_median() -> None:
    # Train is 4 points easier for everybody; b has seen it.
    train = make_outcomes(labels=labels_like(2000, 0.54, 0.92, 0.64), split="train")
    test = make_outcomes(labels=labels_like(1000, 0.50, 0.67, 0.60))
    gaps = train_test_gaps(Prepared(train), Prepared(test), [0, 1, 2])
    assert next(gap.llm for gap in gaps) == "fake-b"
    assert [gap.alarm for gap in gaps] == [True, False, False]
    assert gaps[0].gap == pytest.approx(0.25)
    assert gaps[0].median == pytest.approx(0.04)
    assert gaps[0].p < 1e-10


def test_a_gap_in_few_questions_is_no_alarm() -> None:
    train = make_outcomes(labels=labels_like(10, 0.5, 0.9, 0.5), split="train")
    test = make_outcomes(labels=labels_like(10, 0.5, 0.6, 0.5))
    assert not any(gap.alarm for gap in train_test_gaps(Prepared(train), Prepared(test), [0, 1, 2]))


def test_a_small_significant_gap_is_no_alarm() -> None:
    train = make_outcomes(labels=labels_like(20_000, 0.5, 0.54, 0.5), split="train")
    test = make_outcomes(labels=labels_like(20_000, 0.5, 0.50, 0.5))
    gaps = train_test_gaps(Prepared(train), Prepared(test), [0, 1, 2])
    assert gaps[0].p < 0.05
    assert not gaps[0].alarm


# Learning curve


def test_a_learning_curve_grows_within_itself() -> None:
    outcomes = make_outcomes(labels=[[True, False]] * 6)
    seen: list[set[int]] = []

    def fit(rows: np.ndarray) -> np.ndarray:
        seen.append(set(rows.tolist()))
        return np.tile(np.array([0.9, 0.1] if len(rows) >= 10 else [0.1, 0.9], dtype=np.float32), (6, 1))

    points = learning_curve(view_of(outcomes), "fake", fit, 20)
    assert [(point.fraction, point.questions, point.accuracy) for point in points] == [
        (0.1, 2, 0.0),
        (0.25, 5, 0.0),
        (0.5, 10, 1.0),
        (1.0, 20, 1.0),
    ]
    assert all(smaller < larger for smaller, larger in itertools.pairwise(seen))
    assert seen[-1] == set(range(20))
