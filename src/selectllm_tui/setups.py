"""Between the explorer's setup and the one that files hold and commands take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selectllm_engine.evaluation import POLICIES
from selectllm_engine.llms import Pool
from selectllm_engine.setups import evaluate_setup, setup_of
from selectllm_engine.store import as_vote_rule
from selectllm_tui.shown_setup import ShownSetup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectllm_engine.api import Run
    from selectllm_engine.setups import Setup
    from selectllm_tui.shown_setup import Space

__all__ = ["as_saved", "as_shown"]


def as_saved(setup: ShownSetup, run: Run) -> Setup:
    """What the explorer shows as a setup for files; its split and its reference are not part of it."""
    pool: Iterable[str] = setup.pool.names
    if not setup.chooses and not setup.k:
        pool = [run.llms[run.view(setup.pool).best_single]]
    return setup_of(
        run,
        pool,
        setup.router,
        setup.spec_of(setup.policy) if setup.chooses else None,
        vote=setup.vote,
        k=setup.k or None,
        protocol=setup.protocol,
    )


def as_shown(saved: Setup, run: Run, space: Space, split: str | None = None) -> ShownSetup:
    """A setup of the run as the explorer shows it, on a split, by default the one that it starts on.

    A value that is tuned on validation is shown as the number that this gives.

    Raises:
        UsageError: the file of the vote's weights can't be read.
        UnknownNameError: the run doesn't have one of its LLMs.
    """
    as_vote_rule(saved.vote)
    start = ShownSetup.of(space)
    made = replace(
        start,
        pool=Pool.of(space.llms, saved.pool),
        router=saved.router,
        k=saved.k or start.k,
        protocol="paper" if saved.protocol == "paper" else "corrected",
        split=split or start.split,
        vote=saved.vote,
    )
    spec = saved.spec
    if spec is None:
        return made
    value = spec.parameter
    if value == "auto":
        found = evaluate_setup(run, saved, made.split).parameter
        value = POLICIES[spec.name].default if found is None else found
    values = dict(made.parameters) | ({spec.name: float(value)} if value is not None else {})
    return replace(made, policy=spec.name, parameters=tuple(values.items()), by=spec.by)
