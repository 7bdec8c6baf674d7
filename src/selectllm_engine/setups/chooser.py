"""A setup at work: which LLMs it asks about questions that the benchmark doesn't have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.routers.choosing import choose_by, choose_without
from selectllm_engine.store import as_vote_rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.routers.choosing import Chooser, Fixed
    from selectllm_engine.run import StoredRun
    from selectllm_engine.setups.setup import Setup

__all__ = ["chooser_of"]


def chooser_of(
    run: StoredRun, setup: Setup, encoders: Mapping[str, str] | None = None, device: str = "auto"
) -> Chooser | Fixed:
    """What chooses as a setup says; arguments and errors are those of `choose_by`."""
    vote = as_vote_rule(setup.vote)
    if setup.router is None or setup.policy is None:
        return choose_without(run, setup.policy, pool=setup.pool, vote=vote, k=setup.k)
    return choose_by(
        run, setup.router, setup.policy, pool=setup.pool, vote=vote, k=setup.k, encoders=encoders, device=device
    )
