"""Tables and comparisons of outcomes that no run has stored."""

from __future__ import annotations

from selectllm_engine.evaluation import EQUAL, Prepared, planned_row, samples_up_to, tabulate, view_of
from selectllm_engine.insights import ComparedRow, compare_sides


def evaluated(
    outcomes, *, validation, pool, train=None, routers=(), policies=(), k=None, protocol="corrected", vote=EQUAL
):
    """The table of a pool over outcomes, as a run evaluates those that it has loaded."""

    def beside(split):
        return None if split is None or not len(split.labels) else Prepared(split, samples_up_to(split, k))

    view = view_of(Prepared(outcomes, k), pool, beside(validation), protocol, train=beside(train), vote=vote)
    return tabulate(view, routers, policies)


def compared(view, names):
    """Two rows of a view on the same questions."""
    return compare_sides(*(ComparedRow(name, view, lambda view, name=name: planned_row(view, name)) for name in names))
