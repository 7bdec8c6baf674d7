"""What a report is about: a setup of a run, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.api import Run
    from selectllm_engine.evaluation import PoolView, Selection, VoteRule
    from selectllm_engine.insights import Comparison
    from selectllm_engine.setups import Recommendation, Setup

__all__ = ["About", "usual_setup"]


class How(TypedDict):
    """What `evaluate`, `compare` and `lessons` of a run take alike."""

    k: int | None
    protocol: str
    split: str
    vote: VoteRule


@dataclass(frozen=True, kw_only=True)
class About:
    """What a report is about.

    Attributes:
        run: whose figures.
        setup: what one would run.
        field: the LLMs that it is held against, all of the run for None; the setup's own pool may be smaller.
        split: which questions.
        against: the row that it is compared with.
        texts: whether questions are shown in full.
        found: the recommendation that the setup is from, if any.
        no_find: why there is none, where one was looked for.
    """

    run: Run
    setup: Setup
    field: Sequence[str] | None
    split: str
    against: str
    texts: bool
    found: Recommendation | None = None
    no_find: str | None = None

    @property
    def shown(self) -> Setup:
        """The setup as others may read it: of a file of weights the name without its folder."""
        setup = self.setup
        return setup if setup.vote_file is None else replace(setup, vote=Path(setup.vote).name)

    @cached_property
    def vote(self) -> VoteRule:
        """The setup's vote rule."""
        from selectllm_engine.store import as_vote_rule

        return as_vote_rule(self.setup.vote)

    @property
    def how(self) -> How:
        """How all figures of the page are counted."""
        return {"k": self.setup.k, "protocol": self.setup.protocol, "split": self.split, "vote": self.vote}

    @cached_property
    def comparison(self) -> Comparison:
        """The setup beside what it is compared with."""
        return self.run.compare(self.setup, self.against, self.field, **self.how)

    @cached_property
    def view(self) -> PoolView:
        """The setup's pool."""
        from selectllm_engine.setups import setup_view

        return setup_view(self.run, self.setup, self.split)

    @cached_property
    def selection(self) -> Selection:
        """Which LLMs the setup asks."""
        from selectllm_engine.setups import planned_in

        return planned_in(self.run, self.setup, self.view).select()


def usual_setup(
    run: Run, pool: Sequence[str] | None, router: str | None, policy: str | None, *, vote: str, k: int | None
) -> Setup:
    """The setup of a command line; without a router the one that is best on validation, else the best single LLM."""
    from selectllm_engine.insights import best_router
    from selectllm_engine.setups import setup_of

    if router is None and policy is None:
        view = run.view(pool, k=k, split=run.splits[-1])
        best = best_router(view, [scores for name in run.routers if not (scores := run.scores(name)).note])
        if best is None:
            return setup_of(run, [run.llms[view.best_single]], vote=vote, k=k)
        router = best.name
    return setup_of(run, pool, router, policy, vote=vote, k=k)
