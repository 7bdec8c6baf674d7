"""A setup on a run: its row, what chooses by it, and whether the run is still the one that it was written for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.evaluation import PlannedRow, parse_policy, silent_scores
from selectllm_engine.routers.chooser import choose_by, choose_without
from selectllm_engine.setups.digests import router_digest, vote_digest
from selectllm_engine.setups.setup import Setup
from selectllm_engine.store import as_vote_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selectllm_engine.evaluation import PoolView, RouterScores, Row
    from selectllm_engine.llms import Pool
    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.run import StoredRun

__all__ = [
    "check_setup",
    "chooser_of",
    "evaluate_setup",
    "no_router",
    "planned_in",
    "planned_setup",
    "setup_of",
    "setup_routers",
    "setup_view",
]


def setup_of(
    run: StoredRun,
    pool: Pool | Iterable[str] | None = None,
    router: str | None = None,
    policy: str | None = None,
    *,
    vote: str = "equal",
    k: int | None = None,
    protocol: str = "corrected",
    samples: int = 1,
) -> Setup:
    """The setup of these choices on a run, with the digests of what it means.

    Raises:
        UnknownNameError: an unknown LLM, router, policy or protocol.
        UsageError: choices that don't go together, or a k that isn't there.
    """
    if router is not None and router not in run.routers:
        raise UnknownNameError("router", router, run.routers)
    made = Setup(
        benchmark=run.benchmark,
        kind=_kind(run),
        pool=run.pool(pool).names,
        router=router,
        policy=None if policy is None else str(parse_policy(policy)),
        vote=vote,
        k=(_samples(run) or None) if k is None else k,
        protocol=protocol,
        router_digest=None if router is None else router_digest(run, router),
        samples=samples,
    )
    _check_k(run, made)
    return replace(made, vote_digest=vote_digest(run, made))


def check_setup(run: StoredRun, setup: Setup) -> tuple[str, ...]:
    """What a person should know before using a setup on a run: what was made anew since it was written.

    Raises:
        UsageError: it is of another benchmark or kind of answer, or the run has fewer samples.
        UnknownNameError: the run doesn't have one of its LLMs, or its router.
    """
    if setup.benchmark != run.benchmark:
        raise UsageError(f"the setup is of {setup.benchmark}, not of {run.benchmark}", "leave out --benchmark")
    if (kind := _kind(run)) != setup.kind is not None:
        raise UsageError(
            f"the setup is for answers of kind {setup.kind}; those of {run.benchmark} are of kind {kind}",
            "write a new setup: selectllm recommend --write FILE",
        )
    run.pool(setup.pool)
    if setup.router is not None and setup.router not in run.routers:
        raise UnknownNameError("router", setup.router, run.routers)
    _check_k(run, setup)
    notes = []
    if setup.router is not None and setup.router_digest not in (None, router_digest(run, setup.router)):
        made = run.router_info(setup.router).get("created")
        when = f" ({made[:10]})" if isinstance(made, str) else ""
        notes.append(f"{setup.router} was trained again since the setup was written{when}: it may choose otherwise")
    if setup.vote_digest not in (None, vote_digest(run, setup)):
        what = "the answers that the vote learns from" if setup.vote_file is None else setup.vote
        notes.append(f"{what} changed since the setup was written: its weights are others")
    return tuple(notes)


def chooser_of(run: StoredRun, setup: Setup, encoders: Mapping[str, str] | None = None) -> Chooser | Fixed:
    """What chooses as a setup says; arguments and errors are those of `choose_by`."""
    vote = as_vote_rule(setup.vote)
    if setup.router is None or setup.policy is None:
        return choose_without(run, setup.policy, pool=setup.pool, vote=vote, k=setup.k)
    return choose_by(run, setup.router, setup.policy, pool=setup.pool, vote=vote, k=setup.k, encoders=encoders)


def _kind(run: StoredRun) -> str:
    """The kinds of answers of a run's questions."""
    return "+".join(sorted(run.questions["kind"].drop_nulls().unique().to_list())) or "labels"


def _samples(run: StoredRun) -> int:
    """How many samples there are of the questions that figures are usually over; 0 where only labels are known."""
    return run.outcomes(run.splits[-1]).samples


def _check_k(run: StoredRun, setup: Setup) -> None:
    if setup.k is not None and setup.k > (there := _samples(run)):
        raise UsageError(
            f"the setup votes over {setup.k} samples, and {run.benchmark} has {there}",
            f"selectllm generate --samples {setup.k} makes more, or change k",
        )


def setup_routers(run: StoredRun, setup: Setup, split: str = "test") -> tuple[RouterScores, ...]:
    """What a setup's policy reads, as `evaluate` takes it: the router's scores, none without a policy.

    A policy that does without a router gets probabilities that say nothing. Raises as `StoredRun.scores` does.
    """
    spec = setup.spec
    if spec is None:
        return ()
    if setup.router is not None:
        return (run.scores(setup.router, split, forest=spec.needs_forest and setup.protocol == "corrected"),)
    return (no_router(run, split, tuned=spec.parameter == "auto"),)


def no_router(run: StoredRun, split: str = "test", *, tuned: bool = False) -> RouterScores:
    """What a policy reads that does without a router: probabilities that say nothing; `tuned` of validation, too."""
    held_out = run.outcomes("validation").labels if tuned and "validation" in run.splits else None
    return silent_scores(run.outcomes(split).labels, held_out)


def planned_setup(run: StoredRun, setup: Setup, split: str = "test") -> PlannedRow:
    """The row of a setup before it is computed, with its selection and which questions it gets right.

    Raises:
        UnknownNameError, UsageError: the run doesn't have what the setup names.
    """
    return planned_in(run, setup, setup_view(run, setup, split))


def setup_view(run: StoredRun, setup: Setup, split: str = "test") -> PoolView:
    """A setup's pool over a split, under its vote; raises as `StoredRun.view` does."""
    rule = as_vote_rule(setup.vote)
    return run.view(setup.pool, k=setup.k, protocol=setup.protocol, split=split, vote=rule)


def planned_in(run: StoredRun, setup: Setup, view: PoolView) -> PlannedRow:
    """The row of a setup in its `setup_view`, which may compare with any reference."""
    spec = setup.spec
    if spec is not None:
        (scores,) = setup_routers(run, setup, view.prepared.outcomes.split)
        return run.row_named(view, f"{scores.name} {spec}", [scores])
    if len(setup.pool) == 1:
        llm = run.llms.index(setup.pool[0])
        one = partial(view.one, llm)
        return PlannedRow(setup.name, partial(view.llm_row, setup.pool[0]), one, lambda: view.figures(one()).right)
    return run.row_named(view, setup.name)


def evaluate_setup(run: StoredRun, setup: Setup, split: str = "test") -> Row:
    """The row of `evaluate` that a setup means; raises as `planned_setup` does."""
    return planned_setup(run, setup, split).row()
