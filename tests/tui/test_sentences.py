"""The five answers in words."""

from __future__ import annotations

import numpy as np
import pytest

from plain import make_outcomes
from selectllm_engine.evaluation import Prepared, RouterScores, view_of
from selectllm_engine.insights import (
    Beaten,
    BoundReached,
    PolicyEffect,
    RouterLatency,
    Solved,
    draw_lessons,
)
from selectllm_engine.llms import Pool
from selectllm_tui.sentences import sentence


def told(labels, probabilities=None, **more) -> list[str]:
    outcomes = make_outcomes(labels=labels, **more)
    routers = [] if probabilities is None else [RouterScores("r", np.asarray(probabilities))]
    view = view_of(Prepared(outcomes), Pool.of(outcomes.llms))
    return [sentence(lesson) for lesson in draw_lessons(view, routers).lessons]


def test_a_pool_of_one_is_told_in_words_that_fit() -> None:
    first, _, third, *_ = told([[True], [False]], [[0.5], [0.5]])
    assert first == "The pool has one LLM; it does not solve 50.0 % of the questions."
    assert third == "r (50.0 %) is not significantly better than any LLM; the best here is fake-a (50.0 %, Holm p 1)."


def test_a_perfect_router_is_better_than_every_llm() -> None:
    labels = np.zeros((200, 2), dtype=bool)
    labels[:100, 0] = labels[100:, 1] = True
    first, second, third, *_ = told(labels, labels.astype(float))
    assert first == "Every question is solved by at least one of the 2 LLMs."
    assert second == "The highest upper bound is r's, 100.0 %; the oracle's is 100.0 %."
    assert third.startswith("r (100.0 %) is significantly better than every LLM, the best too, fake-a (50.0 %, Holm p ")


def test_without_routers_every_sentence_says_what_to_do() -> None:
    assert [each.endswith("selectllm train.") for each in told([[True, False]])] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("lesson", "expected"),
    [
        (
            Solved(answer="no", llms=3, oracle=0.7, by_one=0.1),
            "30.0 % of the questions are solved by none of the 3",
        ),
        (BoundReached(answer="partly", oracle=0.7, bounds={"r": 0.69}, p=0.2), "70.0 %; not a significant difference."),
        (
            Beaten(
                answer="partly",
                routers={"r": 0.6},
                llms={"a": 0.2, "b": 0.5, "c": 0.55},
                best_single="b",
                p={("r", "a"): 1e-6, ("r", "b"): 0.01, ("r", "c"): 0.3},
            ),
            "than 2 of the 3 LLMs, best-single b (50.0 %, Holm p 0.01) among them, but not than the best here, c",
        ),
        (
            PolicyEffect(
                answer="yes",
                router="r",
                accuracy={"argmax": 0.5, "threshold": 0.6},
                latency={"argmax": 2.0, "threshold": 3.0},
                p={"threshold": 0.01},
                better=("threshold",),
            ),
            "up to 10.0 points; threshold is the most accurate (60.0 %, at 1.5 times argmax's latency), significantly",
        ),
        (
            PolicyEffect(answer="no", router="r", accuracy={"argmax": 0.5}, latency={"argmax": None}, p={}, better=()),
            "and none is better than argmax.",
        ),
        (RouterLatency(answer="unknown", router="r", latency=None, alike={}), "latency of some LLM is not known"),
        (RouterLatency(answer="unknown", router="r", latency=1.0, alike={}), "No LLM of the pool is about as accurate"),
        (RouterLatency(answer="yes", router="r", latency=1.0, alike={"a": 2.0}), "(1), the fastest, a, takes 2.00 s."),
    ],
)
def test_figures_in_words(lesson, expected) -> None:
    assert expected in sentence(lesson)
    assert sentence(lesson).endswith(".")
