"""Vote rules: how the samples of several LLMs become one answer. Q questions, N LLMs of the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation.labelled_questions import opinions
from selectllm_engine.evaluation.learned_vote import vote
from selectllm_engine.evaluation.votes import pooled_votes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection
    from selectllm_engine.evaluation.vote_weights import VoteWeights
    from selectllm_engine.evaluation.votes import Tally

__all__ = ["EQUAL", "LEARNED", "VOTE_RULES", "VoteRule", "alone_as_ever", "answered", "opinions_of"]


@dataclass(frozen=True, slots=True)
class VoteRule:
    """A vote rule.

    Attributes:
        name: "equal", where every sample counts alike; "learned", where weights are learned on the labelled questions
            for every pool; else the name of the file that `weights` are from.
        weights: those of a file; they stay as they are, whatever the pool.
    """

    name: str
    weights: VoteWeights | None = None

    @property
    def equal(self) -> bool:
        """Whether every sample counts alike."""
        return self == EQUAL


EQUAL, LEARNED = VoteRule("equal"), VoteRule("learned")
VOTE_RULES = {rule.name: rule for rule in (EQUAL, LEARNED)}


def answered(
    selection: Selection,
    rule: VoteRule,
    counted: Tally,
    llms: Sequence[str],
    scores: RouterScores | None,
) -> Selection:
    """A selection of several LLMs with what they vote by some weights.

    Where none of those asked has a weight, every sample counts alike.

    Args:
        selection: with `several`.
        rule: with weights.
        counted: the votes for all answers.
        llms: names of the run's N LLMs.
        scores: the router's, needed where the weights have a text term.

    Raises:
        NotAvailableError: the weights can't be used here; the message says why.
    """
    voters, several = rule.weights, np.asarray(selection.several)
    assert voters is not None  # noqa: S101 - callers have looked
    asked = several[0] if selection.alike else several
    views = opinions_of(voters, llms, scores)
    weighed = (several & np.isin(llms, voters.llms)).any(axis=1)
    if not weighed.any():
        return selection
    done = vote(voters, counted, llms, asked, views)
    code = done.code if weighed.all() else np.where(weighed, done.code, pooled_votes(counted, asked).code)
    return replace(selection, voters=voters, answers=code, confidence=done.confidence, vote=rule.name)


def opinions_of(
    voters: VoteWeights, llms: Sequence[str], scores: RouterScores | None, places: slice = slice(None)
) -> NDArray[np.float64] | None:
    """A router's opinions as some weights need them, [Q, N]; 0 of LLMs without a weight, None where none are needed."""
    if voters.text is None or scores is None:
        return None
    rates = dict(zip(voters.llms, voters.rates, strict=True))
    return opinions(scores.probabilities[places], np.array([rates.get(name, np.nan) for name in llms]))


def alone_as_ever(selection: Selection, counted: Tally) -> Selection:
    """The selection, where an LLM that is asked alone answers its own maj@K, whatever the vote."""
    several, answers = np.asarray(selection.several), selection.answers
    alone = several.sum(axis=1) == 1
    if answers is None or selection.alike or not alone.any():
        return selection
    return replace(selection, answers=np.where(alone, pooled_votes(counted, several).code, answers))
