"""Baselines whose answers are not those of a selection at K samples: `repeatable`, `best-single at equal samples`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.selection import Selection
from selectllm_engine.evaluation.table import Row
from selectllm_engine.evaluation.votes import llm_votes, tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.pool_view import PoolView

__all__ = [
    "REPEATABLE",
    "SINGLE_AGAIN",
    "has_equal_samples",
    "no_selection",
    "repeatable_row",
    "right_at_equal_samples",
    "row_at_equal_samples",
]

REPEATABLE = "repeatable"
SINGLE_AGAIN = "best-single at equal samples"


def repeatable_row(view: PoolView) -> Row:
    """The oracle that knows each LLM's other samples; on the scale of one sample, so that nothing is compared to it."""
    found = view.repeatable
    assert found is not None  # noqa: S101 - callers have looked
    of_maj_at_k = view.row("baseline", REPEATABLE, Selection(view.llms, weights=found.weights))
    share = "" if found.share is None else f": {100 * found.share:.0f} % of that gap is repeatable, or more"
    note = (
        f"on the scale of one sample, where the best LLM has {100 * found.single:.1f} % and the oracle "
        f"{100 * found.oracle:.1f} %{share}"
    )
    return Row(
        kind="baseline",
        name=REPEATABLE,
        accuracy=found.accuracy,
        latency=of_maj_at_k.latency,
        latency_parallel=of_maj_at_k.latency_parallel,
        cost=of_maj_at_k.cost,
        llms_per_question=1.0,
        samples_per_question=1.0,
        notes=(note,),
    )


def no_selection() -> NoReturn:
    """What a row gives that is not on the scale of the others; raises NotAvailableError."""
    raise NotAvailableError("it is on the scale of one sample")


def has_equal_samples(view: PoolView) -> bool:
    """Whether there are as many samples of best-single as a vote over the pool counts."""
    count = len(view.order) * view.prepared.outcomes.samples
    return len(view.order) > 1 and 0 < count <= view.prepared.samples


def right_at_equal_samples(view: PoolView) -> NDArray[np.bool_]:
    """Is best-single's vote right over as many of its samples as the pool's vote counts, bool [Q]."""
    whole, count = view.prepared.whole, len(view.order) * view.prepared.outcomes.samples
    votes = llm_votes(tally(np.asarray(whole.answers)[:, [view.best_single], :count]))
    return np.asarray(votes.code[:, 0] == whole.gold)


def row_at_equal_samples(view: PoolView) -> Row:
    """Best-single with as many samples as the pool's vote: what asking one LLM more often gives instead."""
    right = right_at_equal_samples(view)
    selection = view.one(view.best_single)
    figures = view.figures(selection)
    figures = replace(
        figures,
        right=right,
        chosen_right=right | view.best_right,
        right_latency=float(figures.latency.sum(where=right, dtype=np.float64)),
    )
    count = len(view.order) * view.prepared.outcomes.samples
    note = f"{count} samples of {view.pool.run[view.best_single]}, as many as all-llms counts"
    row = view.row("baseline", SINGLE_AGAIN, selection, figures=figures, notes=[note])
    return replace(row, samples_per_question=float(count))
