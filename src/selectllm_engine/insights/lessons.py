"""The study's five questions, answered for any pool with the figures behind each answer; and what goes wrong where.

Routers are compared with argmax. Which of them is *the* router in questions 4 and 5 is decided on validation, so that
the comparison on the evaluated split stays fair. "Significant" is p < 0.05, Holm-adjusted over the tests of one answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation import POLICIES, Gap, PolicySpec, holm, mcnemar, parse_policy, train_test_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import PoolView, Prepared, RouterScores, Row

__all__ = ["Lesson", "Lessons", "best_router", "draw_lessons"]

SIGNIFICANT = 0.05

LOSSES = ("unsolvable", "misrouted", "outvoted", "rescued")

ARGMAX = PolicySpec("argmax")


@dataclass(frozen=True, slots=True)
class Lesson:
    """One question with its answer.

    Attributes:
        key: "solvable", "bound", "beaten", "policies" or "latency".
        question: as the study asks it.
        answer: "yes", "no", "partly", or "unknown" where the data can't tell.
        sentence: the answer with its main figures.
        figures: the figures behind it, by what they are of; fractions, seconds or p values.
    """

    key: str
    question: str
    answer: str
    sentence: str
    figures: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lessons:
    """All lessons of a pool.

    Attributes:
        benchmark, split, pool: what they are about.
        lessons: the five.
        gaps: per LLM of the pool, largest first; empty without a train split.
        losses: where argmax on the router loses accuracy (best-single without one): unsolvable, misrouted, outvoted;
            and what a vote gains, rescued; as fractions.
        router: the router that questions 4 and 5 and `losses` are about; None where there is none.
    """

    benchmark: str
    split: str
    pool: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    gaps: tuple[Gap, ...]
    losses: dict[str, float | None]
    router: str | None


def draw_lessons(view: PoolView, routers: Sequence[RouterScores] = (), train: Prepared | None = None) -> Lessons:
    """Answer the five questions for a pool.

    Args:
        view: the pool over the evaluated split.
        routers: with their scores for that split and for validation; those that can't be used are left out.
        train: the train split, for the gaps; None where there is none.
    """
    usable = [scores for scores in routers if view.policy_row(scores, ARGMAX).accuracy is not None]
    chosen = best_router(view, usable)
    row = view.best_single_row() if chosen is None else view.policy_row(chosen, ARGMAX)
    return Lessons(
        benchmark=view.prepared.outcomes.benchmark,
        split=view.prepared.outcomes.split,
        pool=view.pool.names,
        lessons=(
            _solvable(view),
            _bound(view, usable),
            _beaten(view, usable),
            _policies(view, chosen),
            _latency(view, chosen),
        ),
        gaps=() if train is None else train_test_gaps(train, view.prepared, view.order.tolist()),
        losses={name: getattr(row, name) for name in LOSSES},
        router=None if chosen is None else chosen.name,
    )


def best_router(view: PoolView, routers: Sequence[RouterScores]) -> RouterScores | None:
    """The router that is most accurate with argmax on validation; without validation the first in the cache."""
    held_out = view.validation
    if held_out is None or not routers:
        return routers[0] if routers else None

    def accuracy(scores: RouterScores) -> float:
        if scores.validation is None:
            return -1.0
        best = view.order[scores.validation[:, view.order].argmax(axis=1)]
        return float(held_out.labels[held_out.places, best].mean())

    return max(routers, key=accuracy)


def _right(view: PoolView, scores: RouterScores, spec: PolicySpec = ARGMAX) -> NDArray[np.bool_]:
    return view.policy_verdicts(scores, spec).right


def _test(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return mcnemar(int(np.count_nonzero(one & ~other)), int(np.count_nonzero(other & ~one)))


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _solvable(view: PoolView) -> Lesson:
    lost = 1 - view.oracle_accuracy
    one_only = view.prepared.labels[:, view.order].sum(axis=1) == 1
    only = float(one_only.mean())
    count = len(view.order)
    if count == 1:
        sentence = f"The pool has one LLM; it does not solve {_percent(lost)} of the questions."
    elif lost == 0:
        sentence = f"Every question is solved by at least one of the {count} LLMs."
    else:
        sentence = f"{_percent(lost)} of the questions are solved by none of the {count} LLMs, "
        sentence += f"{_percent(only)} by only one."
    return Lesson(
        "solvable",
        "Do several LLMs together solve every question?",
        "yes" if lost == 0 else "no",
        sentence,
        {"oracle": view.oracle_accuracy, "solved by none": lost, "solved by only one": only},
    )


NO_ROUTER = "There is no router for this pool; train one with selectllm train."


def _bound(view: PoolView, routers: Sequence[RouterScores]) -> Lesson:
    question = "Can a router's upper bound equal the oracle?"
    bounds = {scores.name: view.upper_bound_row(scores).accuracy or 0.0 for scores in routers}
    if not bounds:
        return Lesson("bound", question, "unknown", NO_ROUTER, {"oracle": view.oracle_accuracy})
    best = max(bounds, key=lambda name: bounds[name])
    missing = view.oracle_accuracy - bounds[best]
    # The oracle is right wherever the bound is: only the questions it has more count.
    p = mcnemar(round(missing * view.prepared.questions), 0)
    answer = "yes" if missing <= 0 else "no" if p < SIGNIFICANT else "partly"
    sentence = f"The highest upper bound is {best}'s, {_percent(bounds[best])}; the oracle's is "
    sentence += f"{_percent(view.oracle_accuracy)}" + ("; not a significant difference." if answer == "partly" else ".")
    figures: dict[str, float | None] = {"oracle": view.oracle_accuracy, "p": p}
    figures |= {f"{name} upper bound": bound for name, bound in bounds.items()}
    return Lesson("bound", question, answer, sentence, figures)


def _beaten(view: PoolView, routers: Sequence[RouterScores]) -> Lesson:
    question = "Does a router beat the individual LLMs?"
    if not routers:
        return Lesson("beaten", question, "unknown", NO_ROUTER)
    labels = view.prepared.labels
    right = {scores.name: _right(view, scores) for scores in routers}
    pairs = [(name, int(llm)) for name in right for llm in view.order]
    adjusted = dict(zip(pairs, holm([_test(right[name], labels[:, llm]) for name, llm in pairs]), strict=True))

    def beats(name: str, llm: int) -> bool:
        return bool(right[name].mean() > labels[:, llm].mean()) and adjusted[name, llm] < SIGNIFICANT

    beaten = {name: [llm for llm in view.order if beats(name, int(llm))] for name in right}
    best = max(right, key=lambda name: (len(beaten[name]), right[name].mean()))
    # The best single LLM is chosen on validation; on these questions another may do better, and must be beaten too.
    single, count = view.best_single, len(view.order)
    top = int(max(view.order, key=lambda llm: labels[:, llm].mean()))

    def against(llm: int) -> str:
        return f"{view.pool.run[llm]} ({_percent(labels[:, llm].mean())}, p {adjusted[best, llm]:.2g})"

    every = len(beaten[best]) == count
    answer = "yes" if every else "partly" if beaten[best] else "no"
    name = f"{best} ({_percent(right[best].mean())})"
    if every:
        sentence = f"{name} is significantly better than every LLM, the best too, {against(top)}."
    elif not beaten[best]:
        sentence = f"{name} is not significantly better than any LLM; the best here is {against(top)}."
    else:
        chosen = f", best-single {against(single)} among them," if single != top and single in beaten[best] else ""
        sentence = f"{name} is significantly better than {len(beaten[best])} of the {count} LLMs{chosen}"
        sentence += f"{'' if chosen else ','} but not than the best here, {against(top)}."
    return Lesson(
        "beaten",
        question,
        answer,
        sentence,
        {
            f"best single, {view.pool.run[single]}": float(view.best_right.mean()),
            **{name: float(each.mean()) for name, each in right.items()},
            **{f"p of {name} against best single": adjusted[name, single] for name in right},
            **{f"LLMs beaten by {name}": float(len(beaten[name])) for name in right},
        },
    )


def _policies(view: PoolView, scores: RouterScores | None) -> Lesson:
    question = "What does the policy change?"
    if scores is None:
        return Lesson("policies", question, "unknown", NO_ROUTER)
    rows = {name: view.policy_row(scores, parse_policy(name)) for name in POLICIES}
    known = {name: row for name, row in rows.items() if row.accuracy is not None}
    tested = [name for name, row in known.items() if name != "argmax" and row.p_vs_best_single is not None]
    argmax = _right(view, scores)
    right = {name: _right(view, scores, parse_policy(name)) for name in tested}
    ps = dict(zip(tested, holm([_test(right[name], argmax) for name in tested]), strict=True))
    better = [name for name in tested if ps[name] < SIGNIFICANT and right[name].mean() > argmax.mean()]
    best = max(known, key=lambda name: known[name].accuracy or 0.0)
    spread = max(row.accuracy or 0.0 for row in known.values()) - min(row.accuracy or 0.0 for row in known.values())
    extra = _ratio(known[best], known["argmax"])
    sentence = (
        f"With {scores.name}, policies differ by up to {100 * spread:.1f} points; {best} is the most accurate "
        f"({_percent(known[best].accuracy or 0.0)}{extra}), "
        + ("significantly better than argmax." if best in better else "not significantly better than argmax.")
        if best != "argmax"
        else f"With {scores.name}, policies differ by up to {100 * spread:.1f} points, and none is better than argmax."
    )
    figures: dict[str, float | None] = {name: row.accuracy for name, row in known.items()}
    figures |= {f"latency of {name}": row.latency for name, row in known.items()}
    figures |= {f"p of {name} against argmax": ps[name] for name in tested}
    return Lesson("policies", question, "yes" if better else "no", sentence, figures)


def _ratio(row: Row, argmax: Row) -> str:
    if row.latency is None or not argmax.latency:
        return ""
    return f", at {row.latency / argmax.latency:.1f} times argmax's latency"


def _latency(view: PoolView, scores: RouterScores | None) -> Lesson:
    question = "Is a router's latency at most that of any individual LLM of like accuracy?"
    if scores is None:
        return Lesson("latency", question, "unknown", NO_ROUTER)
    row = view.policy_row(scores, ARGMAX)
    if row.latency is None:
        return Lesson("latency", question, "unknown", "The latency of some LLM is not known.")
    right = _right(view, scores)
    llms = {llm: view.llm_row(view.pool.run[llm]) for llm in view.order.tolist()}
    alike = {
        llm: each
        for llm, each in llms.items()
        if each.latency is not None and _test(right, view.prepared.labels[:, llm]) >= SIGNIFICANT
    }
    figures: dict[str, float | None] = {f"{scores.name} argmax": row.latency}
    figures |= {f"{each.name}, of like accuracy": each.latency for each in alike.values()}
    if not alike:
        return Lesson(
            "latency", question, "unknown", f"No LLM of the pool is about as accurate as {scores.name} argmax.", figures
        )
    fastest = min(alike.values(), key=lambda each: each.latency or 0.0)
    seconds = fastest.latency or 0.0
    lower = [each for each in alike.values() if row.latency <= (each.latency or 0.0)]
    answer = "yes" if len(lower) == len(alike) else "partly" if lower else "no"
    sentence = (
        f"{scores.name} argmax takes {row.latency:.2f} s a question; of the LLMs whose accuracy is not "
        f"significantly different ({len(alike)}), the fastest, {fastest.name}, takes {seconds:.2f} s."
    )
    return Lesson("latency", question, answer, sentence, figures)
