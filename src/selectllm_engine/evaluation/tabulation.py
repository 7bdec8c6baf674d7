"""From outcomes, routers and policies to the table of rows that everything else shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from selectllm_engine.errors import NotAvailableError, UnknownNameError
from selectllm_engine.evaluation.outcomes import unanswered_of
from selectllm_engine.evaluation.paper import PaperView
from selectllm_engine.evaluation.pool_view import PoolView
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.statistics import holm
from selectllm_engine.evaluation.table import Row, Table
from selectllm_engine.evaluation.votes import samples_up_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from selectllm_engine.evaluation.outcomes import Outcomes
    from selectllm_engine.evaluation.policies import PolicySpec
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection
    from selectllm_engine.llms import Pool

__all__ = [
    "PROTOCOLS",
    "PlannedRow",
    "PoolView",
    "Prepared",
    "Protocol",
    "Row",
    "Table",
    "evaluate",
    "plan",
    "tabulate",
    "view_of",
]

Protocol = Literal["corrected", "paper"]

PROTOCOLS: dict[str, type[PoolView]] = {view.protocol: view for view in (PoolView, PaperView)}


def view_of(
    prepared: Prepared,
    pool: Pool,
    validation: Prepared | None = None,
    protocol: str = "corrected",
    *,
    train: Prepared | None = None,
) -> PoolView:
    """The pool's view under a protocol; raises UnknownNameError for an unknown one."""
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    return PROTOCOLS[protocol](prepared, pool, validation, train)


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row of a table before it is computed, and the selection behind it; `select` raises NotAvailableError."""

    row: Callable[[], Row]
    select: Callable[[], Selection]

    @property
    def selection(self) -> Selection | None:
        """The selection; None where the data can't give it."""
        try:
            return self.select()
        except NotAvailableError:
            return None


def plan(view: PoolView, routers: Sequence[RouterScores], policies: Sequence[PolicySpec]) -> Iterator[PlannedRow]:
    """What stands in a pool's table: baselines, its LLMs, and every router with every policy."""
    yield PlannedRow(view.oracle_row, lambda: view.oracle)
    yield PlannedRow(view.random_row, view.anyone)
    yield PlannedRow(view.best_single_row, lambda: view.one(view.best_single))
    yield PlannedRow(view.all_llms_row, view.everyone)
    for scores in routers:
        yield PlannedRow(partial(view.upper_bound_row, scores), partial(view.upper_bound, scores))
    for name in view.pool:
        yield PlannedRow(partial(view.llm_row, name), partial(view.one, view.pool.run.index(name)))
    for scores in routers:
        for spec in policies:
            yield PlannedRow(partial(view.policy_row, scores, spec), partial(view.policy, scores, spec))


def tabulate(view: PoolView, routers: Sequence[RouterScores], policies: Sequence[PolicySpec]) -> Table:
    """All rows of a pool: baselines, its LLMs, and every router with every policy.

    With more than one router × policy the p values are also Holm-adjusted, over all rows that have one, best-single
    itself and the LLM that it is aside; `Table.compared` says over how many.
    """
    rows = [planned.row() for planned in plan(view, routers, policies)]
    best_single = view.pool.run[view.best_single]
    compared = 0
    if len(routers) * len(policies) > 1:
        rows, compared = _adjusted(rows, best_single)
    outcomes = view.prepared.outcomes
    return Table(
        benchmark=outcomes.benchmark,
        split=outcomes.split,
        protocol=view.protocol,
        questions=view.prepared.questions,
        left_out=outcomes.left_out_total,
        samples=view.prepared.samples,
        k=outcomes.samples,
        pool=view.pool.names,
        rows=tuple(rows),
        best_single=best_single,
        compared=compared,
        incomplete=outcomes.left_out,
        answers_missing={
            name: each.share
            for name, each in unanswered_of(outcomes).items()
            if name in view.pool.names and each.samples
        },
    )


def _adjusted(rows: list[Row], best_single: str) -> tuple[list[Row], int]:
    """The rows with their adjusted p values, and over how many; best-single itself and the LLM it is are no tests."""
    itself = {("baseline", "best-single"), ("llm", best_single)}
    ps = {
        place: row.p_vs_best_single
        for place, row in enumerate(rows)
        if row.p_vs_best_single is not None and (row.kind, row.name) not in itself
    }
    adjusted = dict(zip(ps, holm(list(ps.values())), strict=True))
    return [replace(row, p_adjusted=adjusted.get(place)) for place, row in enumerate(rows)], len(ps)


def evaluate(
    outcomes: Outcomes,
    *,
    validation: Outcomes | None,
    train: Outcomes | None = None,
    pool: Pool,
    routers: Sequence[RouterScores] = (),
    policies: Sequence[PolicySpec] = (),
    k: int | None = None,
    protocol: str = "corrected",
) -> Table:
    """The table of a pool.

    Args:
        outcomes: of the split that is evaluated.
        validation: of the validation split, which tunes and chooses best-single; None where there is none.
        train: of the train split, which chooses best-single together with it; None where there is none.
        pool: the LLMs switched on.
        routers: their scores for the questions of `outcomes`.
        policies: each is applied to each router.
        k: how many of the samples to use; None for all.
        protocol: "corrected", or "paper" for the released code's arithmetic.

    Raises:
        UsageError: there is no question, or k is not within the samples.
        UnknownNameError: an unknown protocol.
    """

    def beside(split: Outcomes | None) -> Prepared | None:
        return None if split is None or not len(split.labels) else Prepared(split, samples_up_to(split, k))

    view = view_of(Prepared(outcomes, k), pool, beside(validation), protocol, train=beside(train))
    return tabulate(view, routers, policies)
