"""One question under a learned vote: what every LLM's votes weigh, and how probable every answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation.learned_vote import vote
from selectllm_engine.evaluation.vote_rules import opinions_of
from selectllm_engine.evaluation.votes import tally

if TYPE_CHECKING:
    from selectllm_engine.evaluation.outcomes import Outcomes
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection

__all__ = ["WeighedVote", "weighed_vote"]


@dataclass(frozen=True, slots=True)
class WeighedVote:
    """How a learned vote on one question went.

    Attributes:
        rule: "learned", or the name of the file that the weights are from.
        weights: by name of each LLM that is asked and has one, what all its samples together add to the score of an
            answer that they all give, in nats.
        answers: each answer's code and the chance that it is right; the winner first, then the most probable.
        none: the chance that none of them is.
    """

    rule: str
    weights: dict[str, float]
    answers: tuple[tuple[int, float], ...]
    none: float


def weighed_vote(
    selection: Selection, outcomes: Outcomes, scores: RouterScores | None, place: int
) -> WeighedVote | None:
    """How a learned vote on one question went; None where votes are equal, or one LLM answers.

    Args:
        selection: for the questions of `outcomes`, with what was voted.
        outcomes: of the split.
        scores: the router's whose opinions count.
        place: the question's.
    """
    if selection.several is None or selection.vote is None or outcomes.answers is None:
        return None
    asked, llms = np.asarray(selection.several[place]), outcomes.llms
    voters = selection.voters if selection.voters_of is None else selection.voters_of(asked)
    if voters is None or asked.sum() < 2 or not (asked & np.isin(llms, voters.llms)).any():
        return None
    views = opinions_of(voters, llms, scores, slice(place, place + 1))
    done = vote(voters, tally(outcomes.answers[place : place + 1]), llms, asked, views)
    chances = dict(zip(done.candidates.code.tolist(), done.chance.tolist(), strict=True))
    winner = int(done.code[0])
    return WeighedVote(
        rule=selection.vote,
        weights={
            name: voters.weight(name, 0.0 if views is None else float(views[0, llm]))
            for llm, name in enumerate(llms)
            if asked[llm] and name in voters.llms
        },
        answers=tuple(sorted(chances.items(), key=lambda each: (each[0] != winner, -each[1]))),
        none=float(done.none[0]),
    )
