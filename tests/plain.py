"""The evaluation once more, in plain Python loops: what the arrays must agree with. And small runs to try it on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selectllm_engine.evaluation.outcomes import Outcomes
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.votes import llm_votes, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Selected = list[set[int]]


def make_outcomes(
    answers: Any = None,
    *,
    gold: Any = None,
    labels: Any = None,
    latency: Any = None,
    cost: Any = None,
    split: str = "test",
    names: Sequence[str] | None = None,
) -> Outcomes:
    """Outcomes from nested lists: either answers [Q, N, K] with gold [Q], or labels [Q, N] alone."""
    codes = None if answers is None else np.asarray(answers, dtype=np.int16)
    if codes is None:
        right = np.asarray(labels, dtype=bool)
        gold_codes = np.full(len(right), -1, dtype=np.int16)
    else:
        gold_codes = np.asarray(np.zeros(len(codes)) if gold is None else gold, dtype=np.int16)
        right = llm_votes(tally(codes)).code == gold_codes[:, None]
    questions, llms = right.shape
    seconds = np.ones((questions, llms)) if latency is None else np.broadcast_to(latency, (questions, llms))
    dollars = np.full((questions, llms), np.nan) if cost is None else np.broadcast_to(cost, (questions, llms))
    return Outcomes(
        benchmark="fake",
        split=split,
        questions=pl.DataFrame(
            {
                "question_id": [f"{split}-{q}" for q in range(questions)],
                "subject": [f"subject-{q % 2}" for q in range(questions)],
            }
        ),
        llms=tuple(names or (f"fake-{chr(97 + n)}" for n in range(llms))),
        samples=0 if codes is None else codes.shape[2],
        answers=codes,
        vocabulary=None,
        gold=gold_codes,
        labels=right,
        latency=np.array(seconds, dtype=np.float32),
        cost=np.array(dollars, dtype=np.float32),
    )


@st.composite
def small_outcomes(draw: st.DrawFn, *, llms: int | None = None, ties: bool = True, split: str = "test") -> Outcomes:
    """A few questions, LLMs and samples; without `ties` no two latencies are equal and no vote is."""
    count = draw(st.integers(1, 4)) if llms is None else llms
    questions, samples = draw(st.integers(1, 8)), draw(st.sampled_from([1, 3] if ties else [1]))
    answers = draw(hnp.arrays(np.int16, (questions, count, samples), elements=st.integers(-1, 2)))
    if ties:
        steps = st.sampled_from([0.5, 1.0, 2.0])
        latency = draw(hnp.arrays(np.float32, (questions, count), elements=steps))
    else:
        latency = np.array(draw(st.permutations(range(1, questions * count + 1))), np.float32).reshape(questions, count)
    return make_outcomes(answers, latency=latency, cost=latency[:, ::-1] / 10, split=split)


@st.composite
def small_scores(draw: st.DrawFn, questions: int, llms: int, validation: int = 0) -> RouterScores:
    """A router on a coarse grid of probabilities, so that ties and 0.5 and 0.6 occur."""
    grid = st.sampled_from([0.1, 0.4, 0.5, 0.6, 0.7, 0.9])

    def table(rows: int) -> np.ndarray:
        return draw(hnp.arrays(np.float32, (rows, llms), elements=grid.map(np.float32).map(float)))

    held_out = (table(validation), table(validation)) if validation else (None, None)
    return RouterScores(
        "knn:fake", table(questions), forest=table(questions), validation=held_out[0], validation_forest=held_out[1]
    )


def speed_order(outcomes: Outcomes, pool: Iterable[int]) -> list[int]:
    """The pool from fast to slow; ties: cheaper, then run order."""

    def known_mean(column: np.ndarray) -> float:
        known = [float(value) for value in column if not math.isnan(value)]
        return mean(known) if known else math.inf

    return sorted(pool, key=lambda n: (known_mean(outcomes.latency[:, n]), known_mean(outcomes.cost[:, n]), n))


def vote(outcomes: Outcomes, q: int, selected: Iterable[int]) -> int:
    """The pooled vote of the selected LLMs' samples; -1 where nobody votes."""
    assert outcomes.answers is not None
    counts: dict[int, int] = {}
    for n in sorted(selected):
        for code in outcomes.answers[q, n].tolist():
            if code >= 0:
                counts[code] = counts.get(code, 0) + 1
    return max(counts, key=lambda code: counts[code]) if counts else -1


def argmax(scores: Sequence[float], order: Sequence[int]) -> int:
    return max(order, key=lambda n: scores[n])  # max keeps the first of equals


@dataclass(frozen=True)
class Asked:
    """One question as a policy sees it, in plain lists.

    `p` and `forest` are the router's and the forest's probabilities by LLM; `order` the pool from fast to slow,
    `ascending` from least to most accurate; `seconds` each LLM's mean latency; `answers` [N][K] codes, -1 for none.
    """

    p: list[float]
    forest: list[float]
    order: list[int]
    ascending: list[int]
    seconds: dict[int, float]
    answers: list[list[int]]


def plain_random(asked: Asked, _: float) -> set[int]:
    """Those among whom one is drawn, each as likely as the others."""
    if max(np.float32(asked.p[n]) for n in asked.order) > np.float32(0.6):
        return {argmax(asked.p, asked.order)}
    return set(sorted(asked.order, key=lambda n: -asked.p[n])[:3])


def plain_sorted_prediction(asked: Asked, _: float) -> set[int]:
    good = [n for n in asked.ascending if asked.forest[n] >= 0.5]
    return {good[0] if good else argmax(asked.forest, asked.order)}


def plain_cost_aware(asked: Asked, weight: float) -> set[int]:
    slowest = max(asked.seconds[n] for n in asked.order)
    penalty = {n: np.float32(weight * asked.seconds[n] / slowest) for n in asked.order}
    return {max(asked.order, key=lambda n: np.float32(asked.p[n]) - penalty[n])}


def plain_threshold(asked: Asked, level: float) -> set[int]:
    return {n for n in asked.order if np.float32(asked.p[n]) >= np.float32(level)} | {argmax(asked.p, asked.order)}


def plain_cascade(asked: Asked, level: float) -> set[int]:
    before: list[int] = []
    for n in asked.order:
        before.append(n)
        said = [code for each in before for code in asked.answers[each]]
        lead = max((said.count(code) for code in said if code >= 0), default=0)
        if len(said) > 1 and lead / len(said) >= level - 1e-9:
            break
    return set(before)


def plain_margin(taught: Taught, p: list[float]) -> set[int]:
    """The threshold that is best of all on the labelled questions, looked for anew; then one question."""
    order, single = taught.order, taught.best_single

    def gain_of(chances: list[float]) -> float:
        return chances[argmax(chances, order)] - chances[single]

    def worth(least: float) -> float:
        won, left = [], 0
        for chances, labels in zip(taught.held_out, taught.labels, strict=True):
            leaves = gain_of(chances) > least
            left += leaves
            won.append(float(labels[argmax(chances, order)]) - float(labels[single]) if leaves else 0.0)
        if left < 20:
            return -math.inf
        middle = mean(won)
        return middle - math.sqrt(sum((each - middle) ** 2 for each in won) / len(won) / (len(won) - 1))

    levels = {0.0, *(gain_of(chances) for chances in taught.held_out)}
    least = max(sorted(levels, reverse=True), key=worth)
    leaves = worth(least) > 1e-12 and gain_of(p) > least
    return {argmax(p, order) if leaves else single}


def plain_best_m(taught: Taught) -> set[int]:
    """The smallest m that is within half a standard error of the best one."""
    ranked = sorted(taught.order, key=lambda n: -sum(labels[n] for labels in taught.labels))
    right = [
        [bool(each) for each in taught.cross_fitted(set(ranked[: m + 1]))]
        if m
        else [labels[ranked[0]] for labels in taught.labels]
        for m in range(len(ranked))
    ]
    best = max(right, key=sum)
    for m, each in enumerate(right):
        behind = [float(b) - float(a) for a, b in zip(each, best, strict=True)]
        middle = mean(behind)
        spread = math.sqrt(sum((d - middle) ** 2 for d in behind) / len(behind))
        if middle <= 0.5 * spread / math.sqrt(len(behind)):
            return set(ranked[: m + 1])
    raise AssertionError


def plain_walk(taught: Taught, q: int) -> set[int]:
    """Start where the start's merit is the highest, go on while that has a positive value."""
    cascade, at, views = taught.cascade, taught.at, taught.views
    if cascade.sure_gains[at] <= 0:
        return {taught.best_single}
    chain = cascade.chain
    view = None if views is None else [float(views[q, llm]) for llm in chain]
    begins = [1.0] if view is None else [1.0, *view, sum(view) / len(view)]
    merit = [sum(x * w for x, w in zip(begins, cascade.start[j][:, at], strict=True)) for j in range(len(chain))]
    first = last = max(range(len(chain)), key=lambda j: merit[j])
    while last < len(chain) - 1:
        p = taught.confidence(q, set(chain[first : last + 1]), cascade.votes[first, last])
        x = [1, p, p**2, p**3] if view is None else [1, p, p**2, p**3, view[last + 1], view[last + 1] * p]
        if sum(a * b for a, b in zip(x, cascade.go[first, last][:, at], strict=True)) <= 0:
            break
        last += 1
    return set(chain[first : last + 1])


@dataclass(frozen=True)
class Taught:
    """What labelled questions teach, in plain lists, for the policies that learn from them.

    `held_out` are a router's probabilities for the labelled questions, `labels` theirs; `cross_fitted` tells on which
    of them a vote of some LLMs is right, `confidence` the chance of the answer of some LLMs' vote to one question.
    """

    order: list[int]
    best_single: int
    held_out: list[list[float]]
    labels: list[list[bool]]
    p: list[list[float]]
    cross_fitted: Callable[[set[int]], Iterable[bool]]
    confidence: Callable[[int, set[int], Any], float]
    cascade: Any
    at: int
    views: Any


# The LLMs that a policy that learns from labelled questions selects for the q-th question, by the policies' names.
LEARNED_ORACLES: dict[str, Callable[[Taught, int], set[int]]] = {
    "margin": lambda taught, q: plain_margin(taught, taught.p[q]),
    "vote:auto": lambda taught, _: plain_best_m(taught),
    "cascade-value": plain_walk,
}

# The LLMs that a policy selects for one question, by the policies' names.
ORACLES: dict[str, Callable[[Asked, float], set[int]]] = {
    "argmax": lambda asked, _: {argmax(asked.p, asked.order)},
    "random": plain_random,
    "prediction": lambda asked, _: {argmax(asked.forest, asked.order)},
    "sorted-prediction": plain_sorted_prediction,
    "cost-aware": plain_cost_aware,
    "threshold": plain_threshold,
    "top-m": lambda asked, m: set(sorted(asked.order, key=lambda n: -asked.p[n])[: int(m)]),
    "cascade": plain_cascade,
}


def choose(
    name: str,
    value: float,
    scores: RouterScores,
    *,
    outcomes: Outcomes,
    pool: set[int],
    ascending: Sequence[int] = (),
) -> Selected:
    """The sets of LLMs that a policy selects, question by question."""
    order = speed_order(outcomes, pool)
    seconds = {n: mean(outcomes.latency[:, n].tolist()) for n in pool}
    assert scores.forest is not None
    assert outcomes.answers is not None
    return [
        ORACLES[name](Asked(p, forest, order, list(ascending), seconds, answers), value)
        for p, forest, answers in zip(
            scores.probabilities.tolist(), scores.forest.tolist(), outcomes.answers.tolist(), strict=True
        )
    ]


def figures(outcomes: Outcomes, pool: set[int], chosen: Selected) -> dict[str, float | None]:
    """The fields of a row that follow from the sets of selected LLMs."""
    rows = []
    for q, selected in enumerate(chosen):
        right = vote(outcomes, q, selected) == outcomes.gold[q]
        labels = outcomes.labels[q]
        solvable = any(labels[n] for n in pool)
        reason = None
        if not right:
            reason = "unsolvable" if not solvable else "outvoted" if any(labels[n] for n in selected) else "misrouted"
        seconds = [float(outcomes.latency[q, n]) for n in selected]
        rows.append(
            {
                "right": right,
                "reason": "rescued" if right and not solvable else reason,
                "latency": sum(seconds),
                "parallel": max(seconds),
                "cost": sum(float(outcomes.cost[q, n]) for n in selected),
                "llms": len(selected),
            }
        )
    right = [row for row in rows if row["right"]]
    return {
        "accuracy": len(right) / len(rows),
        "latency": mean(row["latency"] for row in rows),
        "latency_parallel": mean(row["parallel"] for row in rows),
        "latency_correct": mean(row["latency"] for row in right) if right else None,
        "cost": mean(row["cost"] for row in rows),
        "llms_per_question": mean(row["llms"] for row in rows),
        **{
            reason: sum(row["reason"] == reason for row in rows) / len(rows)
            for reason in ("unsolvable", "misrouted", "outvoted", "rescued")
        },
    }
