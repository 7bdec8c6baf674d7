"""The study's five questions, answered for a pool from its rows and tests.

Routers are compared with argmax. Which of them is *the* router in questions 4 and 5 is decided on validation, so that
the comparison on the evaluated split stays fair. Tests are Holm-adjusted over those of one answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation import (
    POLICIES,
    PolicySpec,
    holm,
    mcnemar,
    parse_policy,
    tabulate,
    unanswered_of,
)
from selectllm_engine.insights.lessons import (
    SIGNIFICANT,
    Answer,
    Beaten,
    BoundReached,
    Lessons,
    PolicyEffect,
    RouterLatency,
    Solved,
    UnseenSubjects,
)
from selectllm_engine.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import PoolView, RouterScores, Unanswered

__all__ = ["best_router", "draw_lessons"]

LOSSES = (Verdict.UNSOLVABLE, Verdict.MISROUTED, Verdict.OUTVOTED, Verdict.RESCUED)
ARGMAX = PolicySpec("argmax")


def draw_lessons(view: PoolView, routers: Sequence[RouterScores] = (), unseen: Sequence[RouterScores] = ()) -> Lessons:
    """Answer the five questions for a pool.

    Args:
        view: the pool over the evaluated split.
        routers: with their scores for that split and for validation; those that can't be used are left out.
        unseen: what some of them say about each subject that learned from the others alone.
    """
    usable = [scores for scores in routers if view.policy_row(scores, ARGMAX).accuracy is not None]
    chosen = best_router(view, usable)
    outcomes = view.prepared.outcomes
    unanswered = {name: each for name, each in unanswered_of(outcomes).items() if name in view.pool.names}
    row = view.best_single_row() if chosen is None else view.policy_row(chosen, ARGMAX)
    table = tabulate(view, usable, [ARGMAX])
    return Lessons(
        benchmark=view.prepared.outcomes.benchmark,
        split=view.prepared.outcomes.split,
        pool=view.pool.names,
        lessons=(
            _solved(view),
            _bound(view, usable),
            _beaten(view, usable),
            _policies(view, chosen),
            _latency(view, chosen),
        ),
        gaps=view.gaps,
        losses={str(name): getattr(row, name) for name in LOSSES},
        detectable_difference=table.detectable_difference,
        repeatable_share=table.repeatable_share,
        unseen=_unseen(view, usable, unseen),
        best_single=view.best_single_row().accuracy,
        router=None if chosen is None else chosen.name,
        unanswered=unanswered,
        warnings={name: said for name, each in unanswered.items() if (said := _explained(view, name, each))},
    )


def _unseen(
    view: PoolView, routers: Sequence[RouterScores], unseen: Sequence[RouterScores]
) -> tuple[UnseenSubjects, ...]:
    seen = {scores.name: scores for scores in routers}
    rows = [
        UnseenSubjects(each.name, view.policy_row(seen[each.name], ARGMAX), view.policy_row(each, ARGMAX))
        for each in unseen
        if each.name in seen
    ]
    return tuple(each for each in rows if each.unseen.accuracy is not None)


def _explained(view: PoolView, name: str, unanswered: Unanswered) -> str | None:
    llm, recorded = view.pool.run.index(name), view.prepared.outcomes.recorded
    accuracy = float(view.prepared.labels[:, llm].mean())
    return unanswered.explains(accuracy, recorded=llm < len(recorded) and recorded[llm])


def best_router(view: PoolView, routers: Sequence[RouterScores]) -> RouterScores | None:
    """The router that is most accurate with argmax on validation; without validation the first in the cache."""
    held_out = view.validation
    if held_out is None or not routers:
        return routers[0] if routers else None

    def accuracy(scores: RouterScores) -> float:
        if scores.validation is None:
            return -1.0
        best = view.order[scores.validation[:, view.order].argmax(axis=1)]
        return float(held_out.labels[held_out.positions, best].mean())

    return max(routers, key=accuracy)


def _right(view: PoolView, scores: RouterScores, spec: PolicySpec = ARGMAX) -> NDArray[np.bool_]:
    return view.policy_verdicts(scores, spec).right


def _test(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return mcnemar(int(np.count_nonzero(one & ~other)), int(np.count_nonzero(other & ~one)))


def _solved(view: PoolView) -> Solved:
    one_only = view.prepared.labels[:, view.order].sum(axis=1) == 1
    return Solved(
        answer="yes" if view.oracle_accuracy == 1 else "no",
        llms=len(view.order),
        oracle=view.oracle_accuracy,
        by_one=float(one_only.mean()),
    )


def _bound(view: PoolView, routers: Sequence[RouterScores]) -> BoundReached:
    oracle = view.oracle_accuracy
    # The prior says the same of every question: its bound is that of a policy, not of a router.
    looking = [scores for scores in routers if scores.name != "prior"]
    bounds = {scores.name: view.upper_bound_row(scores).accuracy or 0.0 for scores in looking}
    if not bounds:
        return BoundReached(answer="unknown", oracle=oracle, bounds={})
    missing = oracle - max(bounds.values())
    # The oracle is right wherever the bound is: only the questions it has more count.
    p = mcnemar(round(missing * view.prepared.questions), 0)
    answer: Answer = "yes" if missing <= 0 else "no" if p < SIGNIFICANT else "partly"
    return BoundReached(answer=answer, oracle=oracle, bounds=bounds, p=p)


def _beaten(view: PoolView, routers: Sequence[RouterScores]) -> Beaten:
    run, best_single = view.pool.run, view.pool.run[view.best_single]
    if not routers:
        return Beaten(answer="unknown", routers={}, llms={}, best_single=best_single, p={})
    of_llms = {run[llm]: view.prepared.labels[:, llm] for llm in view.order.tolist()}
    right = {scores.name: _right(view, scores) for scores in routers}
    pairs = [(name, llm) for name in right for llm in of_llms]
    tests = holm([_test(right[name], of_llms[llm]) for name, llm in pairs])
    figures = Beaten(
        answer="no",
        routers={name: float(each.mean()) for name, each in right.items()},
        llms={name: float(each.mean()) for name, each in of_llms.items()},
        best_single=best_single,
        p=dict(zip(pairs, tests, strict=True)),
    )
    most = len(figures.beaten(figures.best))
    return replace(figures, answer="yes" if most == len(of_llms) else "partly" if most else "no")


def _policies(view: PoolView, scores: RouterScores | None) -> PolicyEffect:
    if scores is None:
        return PolicyEffect(answer="unknown", router=None, accuracy={}, latency={}, p={}, better=())
    rows = {name: view.policy_row(scores, parse_policy(name)) for name in POLICIES}
    accuracy = {name: row.accuracy for name, row in rows.items() if row.accuracy is not None}
    tested = [name for name in accuracy if name != "argmax" and rows[name].accuracy_low is not None]
    argmax = _right(view, scores)
    right = {name: _right(view, scores, parse_policy(name)) for name in tested}
    ps = dict(zip(tested, holm([_test(right[name], argmax) for name in tested]), strict=True))
    better = tuple(name for name in tested if ps[name] < SIGNIFICANT and right[name].mean() > argmax.mean())
    return PolicyEffect(
        answer="yes" if better else "no",
        router=scores.name,
        accuracy=accuracy,
        latency={name: rows[name].latency for name in accuracy},
        p=ps,
        better=better,
    )


def _latency(view: PoolView, scores: RouterScores | None) -> RouterLatency:
    name = None if scores is None else scores.name
    latency = None if scores is None else view.policy_row(scores, ARGMAX).latency
    if scores is None or latency is None:
        return RouterLatency(answer="unknown", router=name, latency=None, alike={})
    right = _right(view, scores)
    alike = {}
    for llm in view.order.tolist():
        row = view.llm_row(view.pool.run[llm])
        if row.latency is not None and _test(right, view.prepared.labels[:, llm]) >= SIGNIFICANT:
            alike[row.name] = row.latency
    lower = [seconds for seconds in alike.values() if latency <= seconds]
    answer: Answer = "unknown" if not alike else "yes" if len(lower) == len(alike) else "partly" if lower else "no"
    return RouterLatency(answer=answer, router=name, latency=latency, alike=alike)
