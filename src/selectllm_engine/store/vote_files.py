"""Files with the weights of a learned vote, and vote rules as callers give them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from selectllm_engine.errors import DamagedError, UsageError
from selectllm_engine.evaluation import VOTE_RULES, VoteRule, VoteWeights
from selectllm_engine.store.sealed_json import read_sealed

if TYPE_CHECKING:
    import os

__all__ = ["Voting", "as_vote_rule", "read_vote"]

Voting: TypeAlias = "str | os.PathLike[str] | VoteWeights | VoteRule"


def as_vote_rule(vote: Voting) -> VoteRule:
    """A vote rule given as "equal", "learned", a file of weights or the weights themselves.

    Raises:
        UsageError: it is something else, or the file can't be read or holds none.
    """
    if isinstance(vote, VoteRule):
        return vote
    if isinstance(vote, VoteWeights):
        return VoteRule(vote.benchmark, vote)
    if isinstance(vote, str) and vote in VOTE_RULES:
        return VOTE_RULES[vote]
    path = Path(vote)
    return VoteRule(path.name, read_vote(path))


def read_vote(path: Path) -> VoteWeights:
    """The weights in a file.

    Raises:
        UsageError: there is none, or it holds something else.
    """
    try:
        return VoteWeights.from_dict(read_sealed(path))
    except FileNotFoundError:
        rules = ", ".join(VOTE_RULES)
        raise UsageError(f"no vote {str(path)!r}", f"votes are {rules}, or a file of weights") from None
    except (DamagedError, OSError) as error:
        raise UsageError(f"{path} holds no weights of a vote", "selectllm export vote FILE writes some") from error
