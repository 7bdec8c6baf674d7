"""A recommendation in words, for every face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_tui.notation import p_value, points, points_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selectllm_engine.evaluation import Row
    from selectllm_engine.setups import Estimate, Proposed, Recommendation, Setup

__all__ = ["called", "headline", "how", "listed", "told", "trade"]

HOUR = 3600  # seconds


def listed(names: Iterable[str]) -> str:
    """Names as a text has them: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def headline(found: Recommendation) -> str:
    """What to do, in a sentence."""
    if found.verdict == "stay":
        return f"Stay with {found.reference}: nothing beats it for certain."
    return f"Use {called(found.setup)}."


def called(setup: Setup) -> str:
    """A setup's name with its LLMs, as a sentence has it."""
    pool = listed(setup.pool)
    if setup.policy is None:
        return pool if len(setup.pool) == 1 else f"the {_vote(setup)} of {pool}"
    return f"{setup.router} {setup.policy} over {pool}" if setup.router else f"{setup.policy} over {pool}"


def _vote(setup: Setup) -> str:
    return {"equal": "pooled vote", "learned": "learned vote"}.get(setup.vote, f"vote weighed by {setup.vote}")


def how(setup: Setup) -> str:
    """How a setup answers a question, in a sentence."""
    from selectllm_engine.evaluation import POLICIES

    spec = setup.spec
    samples = "" if setup.k is None else f" over {setup.k} sample{'s' if setup.k > 1 else ''} of each"
    if spec is None:
        if len(setup.pool) == 1:
            return f"It answers every question{f', by a vote{samples}' if setup.k and setup.k > 1 else ''}."
        return f"All of them answer every question, by one {_vote(setup)}{samples}."
    reads = f" {setup.router} reads the question." if setup.router else " No router is asked."
    learned = ", whose vote is learned" if setup.learns else ""
    return f"{spec}: {POLICIES[spec.name].help}{learned}{samples}.{reads}"


def told(found: Recommendation, traffic: int | None = None) -> Iterator[str]:
    """What is expected of it and how sure that is, a line each; the headline and `how` aside.

    `traffic` is a number of questions to say seconds and dollars for.
    """
    estimate = found.estimate
    yield f"expected on questions like these: {_figures(estimate)}"
    if found.verdict == "use":
        ends = points_span(estimate.delta_low, estimate.delta_high)
        yield (
            f"against best-single, {found.reference}: {points(estimate.delta)} points, 95 % interval {ends}, by "
            f"{estimate.questions:,} labelled questions that took no part in the choice"
        )
    if found.test is not None:
        yield f"on test: {_on_test(found.test)}{_compared(found)}"
        if found.agrees is False:
            yield "test and estimate are further apart than chance explains: its questions may be of other kinds"
    if traffic is not None:
        yield from _for(traffic, estimate)
    for each in found.subjects:
        word = "gained" if each.delta > 0 else "lost"
        subject = each.subject or "questions without a subject"
        yield (
            f"{word}: {points(each.delta)} points on {subject}, {each.questions:,} labelled questions, "
            f"p {p_value(each.p)} (Holm)"
        )
    if found.verdict == "use" and not found.subjects:
        yield "no subject is significantly lost or gained"
    yield from _surer(found)


def _figures(estimate: Estimate) -> str:
    spent = [
        *([] if estimate.latency is None else [f"{estimate.latency:.2f} s"]),
        *([] if estimate.cost is None else [f"${estimate.cost:.5f}"]),
    ]
    return (
        f"{100 * estimate.accuracy:.1f} % right (95 % interval {100 * estimate.accuracy_low:.1f} – "
        f"{100 * estimate.accuracy_high:.1f}){f', {listed(spent)} a question' if spent else ''}"
    )


def _on_test(test: Row) -> str:
    if test.accuracy is None:
        return "unknown"
    spent = "" if test.latency is None else f", {test.latency:.2f} s a question"
    return f"{100 * test.accuracy:.1f} % right{spent}"


def _compared(found: Recommendation) -> str:
    test = found.test
    if test is None or test.delta is None or found.verdict == "stay":
        return ""
    ends = "" if test.delta_low is None else f", 95 % interval {points_span(test.delta_low, test.delta_high)}"
    return f"; against {found.reference} there {points(test.delta)} points{ends}"


def _for(traffic: int, estimate: Estimate) -> Iterator[str]:
    spent = [
        *([] if estimate.cost is None else [f"${traffic * estimate.cost:,.2f}"]),
        *([] if estimate.latency is None else [f"{traffic * estimate.latency / HOUR:,.1f} hours, one after another"]),
    ]
    if spent:
        yield f"{traffic:,} questions take {listed(spent)}"


def _surer(found: Recommendation) -> Iterator[str]:
    """What it would take to be surer."""
    if found.needed is None:
        return
    have = found.estimate.questions
    if found.verdict == "stay":
        yield f"to be surer: about {found.needed:,} labelled questions would show whether the lead noted below is real"
    elif found.needed <= have:
        yield f"{have:,} labelled questions are enough to show such a difference"
    else:
        yield f"to be surer: about {found.needed:,} labelled questions would show such a difference, {have:,} don't"


def trade(found: Recommendation, other: Proposed) -> str:
    """Another setup and what it gives and takes, in a line."""
    mine, its = found.estimate, other.estimate
    parts = [f"{100 * its.accuracy:.1f} % right ({points(its.accuracy - mine.accuracy)} points)"]
    if its.latency is not None and mine.latency:
        parts.append(f"{its.latency:.2f} s ({its.latency / mine.latency:.2f}×)")
    if its.cost is not None and mine.cost:
        parts.append(f"${its.cost:.5f} ({its.cost / mine.cost:.2f}×)")
    on_test = "" if other.test is None or other.test.accuracy is None else f"; on test {_on_test(other.test)}"
    return f"{called(other.setup)}: {', '.join(parts)}{on_test}"
