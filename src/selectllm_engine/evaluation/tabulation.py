"""From outcomes, routers and policies to the table of rows that everything else shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from selectllm_engine.errors import NotAvailableError, UnknownNameError, UsageError
from selectllm_engine.evaluation.baselines import (
    REPEATABLE,
    SINGLE_AGAIN,
    has_equal_samples,
    no_selection,
    repeatable_row,
    right_at_equal_samples,
    row_at_equal_samples,
)
from selectllm_engine.evaluation.comparison import Reference
from selectllm_engine.evaluation.outcomes import unanswered_of
from selectllm_engine.evaluation.paper import PaperView
from selectllm_engine.evaluation.policies import POLICIES, parse_policy
from selectllm_engine.evaluation.pool_arrays import NO_VOTES
from selectllm_engine.evaluation.pool_view import PoolView
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.saving import find_saving, own_time
from selectllm_engine.evaluation.statistics import detectable_difference, holm
from selectllm_engine.evaluation.table import Row, Table
from selectllm_engine.evaluation.vote_rules import EQUAL, LEARNED, VoteRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from selectllm_engine.evaluation.figures import Right
    from selectllm_engine.evaluation.learner import Learner
    from selectllm_engine.evaluation.policies import PolicySpec
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection
    from selectllm_engine.llms import Pool

__all__ = [
    "PROTOCOLS",
    "PlannedRow",
    "PoolView",
    "Prepared",
    "Row",
    "Table",
    "baselines",
    "compared_with",
    "plan",
    "planned_row",
    "tabulate",
    "view_of",
]

LATENCIES = ("latency", "latency_parallel", "latency_correct", "latency_p50", "latency_p95")
PROTOCOLS: dict[str, type[PoolView]] = {view.protocol: view for view in (PoolView, PaperView)}


def view_of(
    prepared: Prepared,
    pool: Pool,
    validation: Prepared | None = None,
    protocol: str = "corrected",
    *,
    train: Prepared | None = None,
    vote: VoteRule = EQUAL,
    learner: Learner | None = None,
) -> PoolView:
    """The pool's view under a protocol; raises UnknownNameError for an unknown one.

    Raises:
        UnknownNameError: an unknown protocol.
        UsageError: a vote rule that the protocol doesn't know, or that the labelled questions can't teach.
    """
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    if protocol == "paper" and not vote.equal:
        raise UsageError("the released code counts every vote alike", "leave out --vote, or --protocol paper")
    view = PROTOCOLS[protocol](prepared, pool, validation, train, vote=vote, learner=learner)
    if vote == LEARNED:
        try:
            view.check_learned()
        except NotAvailableError as reason:
            raise UsageError(str(reason), "leave out --vote learned") from reason
    return view


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row of a table before it is computed.

    Attributes:
        name: the row's.
        row: computes it.
        select: gives the selection behind it; raises NotAvailableError.
        right: gives which questions it is right on, None where votes are unknown; raises NotAvailableError.
    """

    name: str
    row: Callable[[], Row]
    select: Callable[[], Selection]
    right: Callable[[], Right | None]

    @property
    def selection(self) -> Selection | None:
        """The selection; None where the data can't give it."""
        try:
            return self.select()
        except NotAvailableError:
            return None


def baselines(view: PoolView) -> Iterator[PlannedRow]:
    """The rows that need no router, but for the LLMs'."""
    yield _planned(view, "oracle", view.oracle_row, lambda: view.oracle)
    corrected = view.protocol == "corrected"
    if corrected and view.has_other_samples:
        yield PlannedRow(REPEATABLE, partial(repeatable_row, view), no_selection, no_selection)
    yield _planned(view, "random", view.random_row, view.anyone)
    yield _planned(view, "best-single", view.best_single_row, lambda: view.one(view.best_single))
    yield _planned(view, "all-llms", view.all_llms_row, view.everyone)
    if view.learns:
        yield _planned(view, "learned-vote", view.learned_vote_row, view.learned_vote)
    if corrected and has_equal_samples(view):
        right = partial(right_at_equal_samples, view)
        yield PlannedRow(SINGLE_AGAIN, partial(row_at_equal_samples, view), no_selection, right)


def plan(view: PoolView, routers: Sequence[RouterScores], policies: Sequence[PolicySpec]) -> Iterator[PlannedRow]:
    """What stands in a pool's table: baselines, its LLMs, and every router with every policy."""
    yield from baselines(view)
    for scores in routers:
        if scores.silent:
            continue
        yield PlannedRow(
            f"{scores.name} upper-bound",
            partial(view.upper_bound_row, scores),
            partial(view.upper_bound, scores),
            partial(view.upper_bound_right, scores),
        )
    for name in view.pool:
        yield _of_llm(view, name)
    for scores in routers:
        for spec in policies:
            yield _of_policy(view, scores, spec)


def _planned(view: PoolView, name: str, row: Callable[[], Row], select: Callable[[], Selection]) -> PlannedRow:
    return PlannedRow(name, row, select, lambda: view.figures(select()).right)


def _of_llm(view: PoolView, name: str) -> PlannedRow:
    return _planned(view, name, partial(view.llm_row, name), partial(view.one, view.pool.run.index(name)))


def _of_policy(view: PoolView, scores: RouterScores, spec: PolicySpec) -> PlannedRow:
    return PlannedRow(
        f"{scores.name} {spec.name}",
        partial(view.policy_row, scores, spec),
        partial(view.policy, scores, spec),
        partial(view.policy_right, scores, spec),
    )


def planned_row(
    view: PoolView, name: str, routers: Sequence[RouterScores] = (), policies: Sequence[PolicySpec] = ()
) -> PlannedRow:
    """The row of that name: a baseline, any LLM of the run, or a router with its upper bound or any policy.

    Args:
        view: the pool over the evaluated split.
        name: as tables have it, with the policy's value or without, for example "oracle" or "prior threshold:0.7".
        routers: those that the name may begin with.
        policies: those that are meant where the value is left out, and functions.

    Raises:
        UnknownNameError: there is no such row.
        UsageError: a value that the policy doesn't take.
    """
    planned = {each.name: each for each in reversed(list(plan(view, routers, policies)))}
    if name in planned:
        return planned[name]
    if name in view.pool.run:
        return _of_llm(view, name)
    of_router, _, policy = name.rpartition(" ")
    for scores in routers:
        if scores.name == of_router and (policy in POLICIES or policy.partition(":")[0] in POLICIES):
            return replace(_of_policy(view, scores, parse_policy(policy)), name=name)
    all_of_them = [f"{scores.name} {policy}" for scores in routers for policy in POLICIES]
    raise UnknownNameError("row", name, list(dict.fromkeys([*reversed(planned), *view.pool.run, *all_of_them])))


def compared_with(view: PoolView, planned: PlannedRow) -> PoolView:
    """The same pool with its rows compared with that one; raises UsageError where it has no accuracy."""
    try:
        right = planned.right()
    except NotAvailableError as reason:
        raise UsageError(f"nothing can be compared with {planned.name}", str(reason)) from None
    if right is None:
        raise UsageError(f"nothing can be compared with {planned.name}", NO_VOTES)
    return view.against(Reference(planned.name, right))


def tabulate(
    view: PoolView,
    routers: Sequence[RouterScores],
    policies: Sequence[PolicySpec],
    *,
    charge_router: bool = False,
) -> Table:
    """All rows of a pool: baselines, its LLMs, and every router with every policy, compared with the view's reference.

    `charge_router` adds the router's own time to the latencies of its rows.

    With more than one router × policy the p values are also Holm-adjusted, over all rows that one can run and that have
    one;
    `Table.compared` says over how many.
    """
    rows = [planned.row() for planned in plan(view, routers, policies)]
    if charge_router:
        times = {f"{scores.name} {spec.name}": own_time(scores, spec) for scores in routers for spec in policies}
        rows = [_charged(row, times[row.name]) if row.kind == "router" else row for row in rows]
    compared = 0
    if len(routers) * len(policies) > 1:
        rows, compared = _adjusted(rows)
    outcomes, questions = view.prepared.outcomes, view.prepared.questions
    discordant = [row.discordant for row in rows if row.reachable and row.discordant is not None]
    return Table(
        benchmark=outcomes.benchmark,
        split=outcomes.split,
        protocol=view.protocol,
        questions=questions,
        left_out=outcomes.left_out_total,
        samples=view.prepared.samples,
        k=outcomes.samples,
        pool=view.pool.names,
        vote=view.vote.name,
        rows=tuple(rows),
        best_single=view.pool.run[view.best_single],
        reference=view.reference.name,
        detectable_difference=detectable_difference(questions, median(discordant)) if discordant else None,
        repeatable_share=view.repeatable.share if view.protocol == "corrected" and view.repeatable else None,
        saving=(
            find_saving(view, routers, policies, charge_router=charge_router) if view.protocol == "corrected" else None
        ),
        router_charged=charge_router,
        subjects=None if view.prepared.subjects is None else int(view.prepared.subjects.max()) + 1,
        compared=compared,
        incomplete=outcomes.left_out,
        answers_missing={
            name: each.share
            for name, each in unanswered_of(outcomes).items()
            if name in view.pool.names and each.samples
        },
    )


def _charged(row: Row, seconds: float | None) -> Row:
    if seconds is None:
        return replace(row, notes=(*row.notes, "the router's own time is not known"))
    waits = {name: value + seconds for name in LATENCIES if (value := getattr(row, name)) is not None}
    return replace(row, **waits)


def _adjusted(rows: list[Row]) -> tuple[list[Row], int]:
    """The rows with their adjusted p values, and over how many: those that one can run, the only candidates."""
    ps = {place: row.p for place, row in enumerate(rows) if row.p is not None and row.reachable}
    adjusted = dict(zip(ps, holm(list(ps.values())), strict=True))
    return [replace(row, p_adjusted=adjusted.get(place)) for place, row in enumerate(rows)], len(ps)
