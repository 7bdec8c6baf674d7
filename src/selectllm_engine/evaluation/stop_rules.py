"""When sampling one question further is not worth it: the vote is decided, or as good as.

K samples are wanted, k are there. Answers come in the order of samples; None is a sample in which none was found.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["StopRule", "next_round", "parse_stop", "reach", "settled", "slack"]

DECIDED, BETA = "decided", "beta"


@dataclass(frozen=True, slots=True)
class StopRule:
    """Stop where the vote is decided, and with a `confidence` also where it is settled."""

    confidence: float | None = None

    def __str__(self) -> str:
        return DECIDED if self.confidence is None else f"{BETA}:{self.confidence:g}"


def parse_stop(text: str) -> StopRule:
    """Read "decided" or "beta:P", such as "beta:0.95"; raises UsageError for anything else."""
    name, colon, value = text.strip().partition(":")
    if name == DECIDED and not colon:
        return StopRule()
    try:
        confidence = float(value)
    except ValueError:
        confidence = math.nan
    if name != BETA or not 0.5 < confidence < 1:
        raise UsageError(f"there is no rule {text!r} to stop by", "write decided, or beta:P with 0.5 < P < 1")
    return StopRule(confidence)


def slack(votes: Sequence[int]) -> int:
    """How many further samples can't change the winner: a vote is decided where no more than these are to come.

    `votes` are of every answer so far, in the order in which they were seen: of equals the first wins.
    """
    if not votes:
        return 0
    lead = max(votes)
    leader = votes.index(lead)
    later = max(votes[leader + 1 :], default=0)  # loses a tie, as an answer that is not seen yet would
    earlier = max(votes[:leader], default=-1)  # would win it
    return min(lead - later, lead - earlier - 1)


def settled(lead: int, second: int, confidence: float) -> bool:
    """Is the leading answer likely to stay ahead of the second?

    1 − I_½(lead + 1, second + 1) ≥ confidence (adaptive consistency, Aggarwal et al. 2023, arXiv 2305.11860): the
    chance, under a uniform prior, that of these two answers the leading one is the more frequent.
    """
    trials = lead + second + 1
    return bool(sum(math.comb(trials, k) for k in range(lead + 1)) >= confidence * 2**trials)


def reach(answers: Sequence[str | None], samples: int, rule: StopRule) -> int:
    """The largest number of samples, up to K = `samples`, whose vote these answers tell; K: no more are needed."""
    return samples if len(answers) >= samples else _reach(_votes(answers), len(answers), samples, rule)


def next_round(answers: Sequence[str | None], samples: int, rule: StopRule) -> int:
    """How many samples to make next: ⌊K/2⌋ + 1 at first, then as many as could end it; 0 where no more are needed.

    Where a rule with a confidence can be met sooner, the first round is as small as that.
    """
    made, votes = len(answers), _votes(answers)
    if made >= samples or _reach(votes, made, samples, rule) == samples:
        return 0
    fewest = 1 if votes or made or rule.confidence is not None else samples // 2 + 1
    lead = max(votes, default=0)
    leader = votes.index(lead) if votes else 0
    for more in range(fewest, samples - made):
        best = [*votes[:leader], lead + more, *votes[leader + 1 :]]  # no other outcome decides sooner
        if _reach(best, made + more, samples, rule) == samples:
            return more
    return samples - made


def _reach(votes: Sequence[int], made: int, samples: int, rule: StopRule) -> int:
    if rule.confidence is not None and votes:
        second, lead = sorted([0, *votes])[-2:]
        if settled(lead, second, rule.confidence):
            return samples
    return min(samples, made + slack(votes))


def _votes(answers: Sequence[str | None]) -> list[int]:
    """How often each answer was given, in the order in which they were seen first."""
    return list(Counter(answer for answer in answers if answer is not None).values())
