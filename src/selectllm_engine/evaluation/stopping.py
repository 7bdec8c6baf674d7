"""When sampling one question further is not worth it: the vote is decided, or as good as."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["decided", "settled"]


def decided(votes: Sequence[int], left: int) -> bool:
    """Can no continuation change the winner of a vote?

    Args:
        votes: of every answer so far, in the order in which they were seen: of equals the first wins.
        left: samples that are still to come.
    """
    if not votes:
        return left == 0
    lead = max(votes)
    leader = votes.index(lead)
    earlier = max(votes[:leader], default=None)  # would win a tie
    later = max(votes[leader + 1 :], default=0)  # loses it, as an answer that is not seen yet would
    return (earlier is None or lead - earlier > left) and lead - later >= left


def settled(lead: int, second: int, confidence: float = 0.95) -> bool:
    """Is the leading answer likely to stay ahead of the second?

    1 − I_½(lead + 1, second + 1) ≥ confidence (adaptive consistency, Aggarwal et al. 2023, arXiv 2305.11860): the
    chance, under a uniform prior, that of these two answers the leading one is the more frequent.
    """
    trials = lead + second + 1
    return bool(sum(math.comb(trials, k) for k in range(lead + 1)) >= confidence * 2**trials)
