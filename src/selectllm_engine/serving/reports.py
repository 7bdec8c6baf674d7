"""What a reply says about how it came about: in headers, and where it is wanted in the body."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from selectllm_engine.serving.chat import header_values

if TYPE_CHECKING:
    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.serving.asker import Answer
    from selectllm_engine.serving.decision import Decision

__all__ = ["decided", "details_of", "headers_of"]


def decided(chooser: Chooser | Fixed, decision: Decision) -> dict[str, object]:
    """Whom the setup wants asked, and why, as JSON."""
    names = chooser.view.pool.run
    chances = {names[llm]: float(decision.beliefs.probabilities[0, llm]) for llm in chooser.view.order}
    return {
        "router": chooser.name,
        "policy": None if chooser.spec is None else str(chooser.spec),
        "choice": [names[llm] for llm in decision.asked],
        "in_turn": chooser.chain is not None,
        "confidence": None if chooser.name is None else decision.confidence,
        "probabilities": {} if chooser.name is None else {n: p for n, p in chances.items() if math.isfinite(p)},
    }


def headers_of(chooser: Chooser | Fixed, answer: Answer) -> dict[str, str]:
    """A reply's headers."""
    outcome, decision = answer.outcome, answer.decision
    told: dict[str, object] = {"llm": answer.llm, "asked": ",".join(answer.asked)}
    if decision is not None:
        told |= {"router": chooser.name, "policy": chooser.spec}
    if outcome is not None:
        sure = None if outcome.confidence is None else f"{outcome.confidence:.4f}"
        told |= {"answer": outcome.answer, "votes": f"{outcome.votes}/{outcome.cast}", "confidence": sure}
    return header_values({**told, "failed": ",".join(answer.failed) or None, "fallback": answer.fallback})


def details_of(chooser: Chooser | Fixed, answer: Answer) -> dict[str, object]:
    """The same for the body, with every vote."""
    outcome = answer.outcome
    return {
        **({} if answer.decision is None else decided(chooser, answer.decision)),
        "llm": answer.llm,
        "asked": answer.asked,
        "failed": answer.failed,
        "fallback": answer.fallback,
        "answer": None if outcome is None else outcome.answer,
        "votes": None if outcome is None else outcome.votes,
        "cast": None if outcome is None else outcome.cast,
        "vote_confidence": None if outcome is None else outcome.confidence,
        "answers": {} if outcome is None else {n: [each.answer for each in s] for n, s in answer.given.items()},
    }
