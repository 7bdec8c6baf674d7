"""The saving at equal accuracy, against plain loops; routers' own time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import fake_outcomes
from plain import make_outcomes, small_outcomes, small_scores
from selectllm_engine.evaluation.policies import PolicySpec
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.saving import find_saving
from selectllm_engine.evaluation.statistics import newcombe
from selectllm_engine.evaluation.tabulation import Prepared, tabulate, view_of
from selectllm_engine.llms import Pool

POLICIES = [PolicySpec("argmax"), PolicySpec("threshold", 0.6), PolicySpec("random")]


def view_over(outcomes, validation, split=None):
    return view_of(Prepared(outcomes), Pool.of(outcomes.llms), Prepared(validation))


def as_accurate(right: list[bool], single: list[bool]) -> bool:
    counts = [
        sum((a, b) == case for a, b in zip(right, single, strict=True)) for case in ((1, 1), (1, 0), (0, 1), (0, 0))
    ]
    return newcombe(*counts, confidence=0.9).low > -0.01


@given(st.data())
@settings(max_examples=40)
def test_the_saving_is_the_fastest_that_validation_calls_as_accurate(data: st.DataObject) -> None:
    validation = data.draw(small_outcomes(llms=3, split="validation"))
    outcomes = data.draw(small_outcomes(llms=3))
    router = data.draw(small_scores(len(outcomes.labels), 3, len(validation.labels)))
    view = view_over(outcomes, validation)
    there = view_over(validation, validation)
    single = validation.labels[:, view.best_single].tolist()
    rows = {name: there.one(n) for n, name in enumerate(outcomes.llms) if n != view.best_single}
    on_validation = router.on_validation()
    rows |= {f"knn:fake {spec.name}": there.policy(on_validation, spec) for spec in POLICIES}
    fitting = {}
    for name, selection in rows.items():
        figures = there.figures(selection)
        if selection.weights is None and as_accurate(figures.right.tolist(), single):
            fitting[name] = float(figures.latency.mean(dtype=np.float64))
    limit = float(validation.latency[:, view.best_single].mean(dtype=np.float64))
    faster = {name: seconds for name, seconds in fitting.items() if seconds < limit}
    found = find_saving(view, [router], POLICIES)
    assert (found is None) == (not faster)
    if found is not None:
        assert fitting[found.row] == pytest.approx(min(faster.values()))
        here = tabulate(view, [router], POLICIES).row(found.row)
        best = tabulate(view, [], []).row("best-single")
        assert found.latency == pytest.approx(1 - here.latency / best.latency)
        assert found.cost == pytest.approx(1 - here.cost / best.cost)


def halves(split: str, seconds=(3.0, 1.0), cost=None, questions: int = 1000):
    """Two LLMs that are right on the same half of the questions."""
    labels = np.tile([[True, True], [False, False]], (questions // 2, 1))
    labels[0, 1] = False  # so that the slow one is best-single
    return make_outcomes(labels=labels, latency=seconds, cost=cost, split=split)


def test_a_fast_llm_that_is_as_accurate_is_a_saving() -> None:
    found = find_saving(view_over(halves("test"), halves("validation")), [], [])
    assert found.row == "fake-b"
    assert (found.latency, found.cost, found.as_accurate) == (pytest.approx(2 / 3), None, True)
    dollars = [halves(split, (np.nan, np.nan), (4.0, 1.0)) for split in ("test", "validation")]
    by_cost = find_saving(view_over(*dollars), [], [])
    assert (by_cost.row, by_cost.latency, by_cost.cost) == ("fake-b", None, 0.75)
    worse = make_outcomes(labels=[[True, False]] * 50, latency=(3.0, 1.0))
    assert find_saving(view_over(worse, halves("validation")), [], []).as_accurate is False


def test_there_is_none_where_validation_is_small_or_evaluated() -> None:
    few = halves("validation", questions=20)
    assert find_saving(view_over(halves("test"), few), [], []) is None
    assert find_saving(view_over(halves("validation"), halves("validation")), [], []) is None
    assert find_saving(view_of(Prepared(halves("test")), Pool.of(few.llms)), [], []) is None


def test_what_leaves_best_single_nowhere_saves_nothing_and_is_not_learned_again(monkeypatch) -> None:
    # Both LLMs are right on the same questions, so that no cascade can gain; and the slower is best-single.
    train, validation, test = (halves(split) for split in ("train", "validation", "test"))
    view = view_of(Prepared(test), Pool.of(test.llms), Prepared(validation), train=Prepared(train))
    p = np.full(test.labels.shape, 0.5, np.float32)
    router = RouterScores("knn:fake", p, validation=p, train=p)
    learned: list[object] = []
    tuning = view.on_validation
    assert tuning is not None
    monkeypatch.setattr(tuning, "policy", lambda *args: learned.append(args))
    assert find_saving(view, [router], [PolicySpec("margin")]).row == "fake-b"
    assert not learned


def test_a_slow_router_saves_nothing_once_it_is_charged() -> None:
    test, validation = halves("test"), halves("validation")
    p = np.tile(np.array([[0.4, 0.5]], np.float32), (1000, 1))
    router = RouterScores("slow", p, validation=p, seconds_per_question=0.5)
    view = view_over(test, validation)
    assert find_saving(view, [router], POLICIES[:1]).row == "fake-b"
    free, charged = (tabulate(view, [router], POLICIES[:1], charge_router=on) for on in (False, True))
    assert (free.router_charged, charged.router_charged) == (False, True)
    one, other = free.row("slow argmax"), charged.row("slow argmax")
    for name in ("latency", "latency_parallel", "latency_correct", "latency_p50", "latency_p95"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) + 0.5)
    assert charged.row("slow upper-bound") == free.row("slow upper-bound")
    assert charged.row("fake-a") == free.row("fake-a")


def test_a_cascade_waits_for_no_router_and_unknown_times_are_said() -> None:
    outcomes = fake_outcomes()
    p = np.full(outcomes.labels.shape, 0.5, np.float32)
    specs = [PolicySpec("argmax"), PolicySpec("cascade", 0.8)]
    view = view_over(outcomes, fake_outcomes(split="validation"))
    timed = RouterScores("timed", p, seconds_per_question=1.0)
    free, charged = (tabulate(view, [timed], specs, charge_router=on) for on in (False, True))
    assert charged.row("timed cascade").latency == free.row("timed cascade").latency
    untimed = tabulate(view, [RouterScores("untimed", p)], specs, charge_router=True)
    assert untimed.row("untimed argmax").note == "the router's own time is not known"
    assert untimed.row("untimed cascade").note is None
