"""The study's five answers in words, for both faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_tui.notation import percent

if TYPE_CHECKING:
    from selectllm_engine.insights import Beaten, BoundReached, Lesson, Lessons, PolicyEffect, RouterLatency, Solved

__all__ = ["limits", "sentence", "stays"]

NO_ROUTER_THAT_LOOKS = "There is no router that looks at questions; train one with selectllm train."
NO_ROUTER = "There is no router for this pool; train one with selectllm train."


def sentence(lesson: Lesson) -> str:
    """A lesson's answer with its main figures."""
    from selectllm_engine.insights import Beaten, BoundReached, PolicyEffect, RouterLatency, Solved

    match lesson:
        case Solved():
            return _solved(lesson)
        case BoundReached():
            return _bound(lesson) if lesson.bounds else NO_ROUTER_THAT_LOOKS
        case Beaten():
            return _beaten(lesson) if lesson.routers else NO_ROUTER
        case PolicyEffect():
            return NO_ROUTER if lesson.router is None else _policies(lesson)
        case RouterLatency():
            return NO_ROUTER if lesson.router is None else _latency(lesson)
    return ""


def limits(lessons: Lessons) -> list[str]:
    """What this run can show, and what there is to win, a sentence each."""
    said = []
    if lessons.detectable_difference is not None:
        points = 100 * lessons.detectable_difference
        said.append(f"So many questions can show differences of {points:.1f} points; smaller ones are likely missed.")
    if lessons.repeatable_share is not None:
        share = max(0.0, lessons.repeatable_share)
        said.append(
            f"Of the oracle's lead over the best LLM, at one sample each, at least {percent(share)} % are repeatable; "
            "the rest may be luck of the draw, which no router can predict."
        )
    return said


def stays(lessons: Lessons) -> str | None:
    """What of a router stays on subjects that it has not learned from, in a sentence; None where nobody knows."""
    known = [each for each in lessons.unseen if each.router != "prior"]
    if not known:
        return None
    own = [each for each in known if each.router == lessons.router]
    shown = (own or sorted(known, key=lambda each: -(each.seen.accuracy or 0)))[0]
    seen, unseen, single = shown.seen.accuracy or 0, shown.unseen.accuracy or 0, lessons.best_single or 0
    against = "above" if unseen > single else "below" if unseen < single else "exactly"
    return (
        f"On subjects that it has not learned from, {shown.router} argmax is right on {percent(unseen)} % of the "
        f"questions, instead of {percent(seen)} %: {against} best-single's {percent(single)} %."
    )


def _solved(lesson: Solved) -> str:
    lost = f"{percent(1 - lesson.oracle)} %"
    if lesson.llms == 1:
        return f"The pool has one LLM; it does not solve {lost} of the questions."
    if lesson.oracle == 1:
        return f"Every question is solved by at least one of the {lesson.llms} LLMs."
    none = f"{lost} of the questions are solved by none of the {lesson.llms} LLMs"
    return f"{none}, {percent(lesson.by_one)} % by only one."


def _bound(lesson: BoundReached) -> str:
    best, more = lesson.best, "; not a significant difference" if lesson.answer == "partly" else ""
    bound, oracle = percent(lesson.bounds[best]), percent(lesson.oracle)
    return f"The highest upper bound is {best}'s, {bound} %; the oracle's is {oracle} %{more}."


def _beaten(lesson: Beaten) -> str:
    best, top, single = lesson.best, lesson.top, lesson.best_single
    beaten, count = lesson.beaten(best), len(lesson.llms)
    name = f"{best} ({percent(lesson.routers[best])} %)"

    def against(llm: str) -> str:
        return f"{llm} ({percent(lesson.llms[llm])} %, Holm p {lesson.p[best, llm]:.2g})"

    if len(beaten) == count:
        return f"{name} is significantly better than every LLM, the best too, {against(top)}."
    if not beaten:
        return f"{name} is not significantly better than any LLM; the best here is {against(top)}."
    # The best single LLM is chosen on other splits; on these questions another may do better, and must be beaten too.
    among = f", best-single {against(single)} among them," if single != top and single in beaten else ","
    many = f"{len(beaten)} of the {count} LLMs"
    return f"{name} is significantly better than {many}{among} but not than the best here, {against(top)}."


def _policies(lesson: PolicyEffect) -> str:
    spread = 100 * (max(lesson.accuracy.values()) - min(lesson.accuracy.values()))
    begin = f"With {lesson.router}, policies differ by up to {spread:.1f} points"
    best = lesson.best
    if best == "argmax":
        return f"{begin}, and none is better than argmax."
    seconds, argmax = lesson.latency[best], lesson.latency["argmax"]
    times = f", at {seconds / argmax:.1f} times argmax's latency" if seconds is not None and argmax else ""
    significantly = "significantly" if best in lesson.better else "not significantly"
    figures = f"({percent(lesson.accuracy[best])} %{times})"
    return f"{begin}; {best} is the most accurate {figures}, {significantly} better than argmax."


def _latency(lesson: RouterLatency) -> str:
    if lesson.latency is None:
        return "The latency of some LLM is not known."
    if not lesson.alike:
        return f"No LLM of the pool is about as accurate as {lesson.router} argmax."
    fastest = lesson.fastest
    return (
        f"{lesson.router} argmax takes {lesson.latency:.2f} s a question; of the LLMs whose accuracy is not "
        f"significantly different ({len(lesson.alike)}), the fastest, {fastest}, takes {lesson.alike[fastest]:.2f} s."
    )
