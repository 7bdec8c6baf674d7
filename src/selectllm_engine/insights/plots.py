"""What plots show: accuracy against seconds or dollars, and every router with every policy. Faces draw it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation import LAMBDAS, REPEATABLE, TradeOff, pareto_front, trade_off

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from selectllm_engine.evaluation import By, PoolView, RouterScores, Row

__all__ = [
    "MEASURES",
    "RouterMatrix",
    "TradeOffPlot",
    "TradeOffPoint",
    "cascade_value_curve",
    "cost_aware_curve",
    "trade_off_plot",
]

# what a plot is about -> the row's field
MEASURES = {"accuracy": "accuracy", "latency": "latency", "cost": "cost", "gap": "gap_closed"}
_LESS_IS_BETTER = {"latency", "cost"}


@dataclass(frozen=True, slots=True)
class TradeOffPoint:
    """One way to answer: mean seconds (or dollars) and accuracy; `row` None: a point of a cost-aware curve."""

    burden: float
    accuracy: float
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class TradeOffPlot:
    """Accuracy against seconds or dollars.

    Attributes:
        by: "latency" or "cost".
        points: of the rows that have both figures, in their order; without `repeatable`, which is on another scale.
        curves: per router its cost-aware curve as (burden, accuracy).
        front: of what one can run, curves included: what nothing else beats in both, from cheap to accurate.
    """

    by: By
    points: tuple[TradeOffPoint, ...]
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    front: tuple[TradeOffPoint, ...]


def trade_off_plot(rows: Iterable[Row], curves: Mapping[str, Sequence[TradeOff]], by: By) -> TradeOffPlot:
    """The plot of a table's rows and of routers' cost-aware curves."""
    points = tuple(
        TradeOffPoint(burden, row.accuracy, row)
        for row in rows
        if (burden := getattr(row, by)) is not None and row.accuracy is not None and row.name != REPEATABLE
    )
    drawn = {name: tuple(sorted({(point.burden, point.accuracy) for point in curve})) for name, curve in curves.items()}
    reachable = [point for point in points if point.row is not None and point.row.reachable]
    reachable += [TradeOffPoint(*point) for curve in drawn.values() for point in curve]
    front = pareto_front([(point.burden, point.accuracy) for point in reachable])
    return TradeOffPlot(by, points, drawn, tuple(reachable[at] for at in front))


def cost_aware_curve(
    view: PoolView,
    scores: RouterScores,
    by: By,
    keep: Callable[[float, Callable[[], TradeOff]], TradeOff] = lambda _, make: make(),
) -> Iterator[TradeOff]:
    """A router's cost-aware curve point by point; nothing where the data can't give it.

    `keep` is told a point's λ and how to make it, for those who keep points.
    """
    try:
        for weight in LAMBDAS:
            yield keep(weight, lambda weight=weight: trade_off(view, scores, by=by, weights=[weight])[0])  # type: ignore[misc]
    except NotAvailableError:
        return


def cascade_value_curve(view: PoolView, scores: RouterScores, by: By) -> list[TradeOff]:
    """The curve of policy `cascade-value` over the price of a second or dollar; empty where the data can't give it.

    The chain is that of `cascade-value:1`, whose row is one of the points; `weight` is the price.
    """
    try:
        view.check(scores)
        learned = view.learner.of(scores)
        cascade = learned.cascade(view.order.tolist(), by, 1.0)
        burden = view.prepared.cost if by == "cost" else view.prepared.latency
        points = cascade.curve(view.counted(), learned.views(scores), burden, view.prepared.outcomes.gold)
    except NotAvailableError:
        return []
    return [TradeOff(each.price, each.burden, each.accuracy) for each in points if not math.isnan(each.burden)]


@dataclass(frozen=True, slots=True)
class RouterMatrix:
    """Every router with every policy: the rows there are, by (router, policy with its parameter)."""

    routers: tuple[str, ...]
    policies: tuple[str, ...]
    rows: Mapping[tuple[str, str], Row]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> RouterMatrix:
        """The matrix of a table's rows; those of other kinds are passed over."""
        found = {(str(row.router), row.policy_text): row for row in rows if row.kind == "router"}
        routers, policies = (tuple(dict.fromkeys(pair[at] for pair in found)) for at in (0, 1))
        return cls(routers, policies, found)

    def values(self, measure: str) -> dict[tuple[str, str], float]:
        """The figures of a measure that are known."""
        found = {pair: getattr(row, MEASURES[measure]) for pair, row in self.rows.items()}
        return {pair: value for pair, value in found.items() if value is not None}

    def best(self, measure: str) -> tuple[str, str] | None:
        """The pair with the best figure."""
        values = self.values(measure)
        if not values:
            return None
        return (min if measure in _LESS_IS_BETTER else max)(values, key=lambda pair: values[pair])
