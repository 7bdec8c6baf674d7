"""Accuracy against seconds or dollars: LLMs, baselines, policies, the cost-aware curve, the Pareto front."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from selectllm_engine.insights import cascade_value_curve, cost_aware_curve, trade_off_plot
from selectllm_tui import row_keys
from selectllm_tui.snapshots.headline import current_key
from selectllm_tui.snapshots.results import LEARNED, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.evaluation import By, Row, TradeOff
    from selectllm_engine.insights import TradeOffPoint
    from selectllm_tui.row_keys import RowKey
    from selectllm_tui.shown_setup import ShownSetup
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.snapshots.results import ResultEntry
    from selectllm_tui.state import State

__all__ = ["CURVES", "Measure", "Point", "Tradeoff", "tradeoff"]

CURVES = {"λ": "cost-aware", "B": "cascade-value"}  # by what the keys of their points begin with
Measure = Literal["latency", "cost", "accuracy"]
PointKind = Literal["llm", "off", "baseline", "policy", "current"]
MISSING = {
    "latency": "no latency is known: selectllm measure measures it; w shows dollars",
    "cost": "no cost is known: the LLMs have no prices; w shows seconds",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One way to answer: its accuracy (a fraction) and what it takes (seconds, or dollars).

    Where it is accuracy alone, `burden` is its place from the least accurate on. `key` is that of its row, with a λ
    where it is on the curve of cost-aware; `latency`, `cost` and `delta` (a fraction) are None where they are unknown.
    `weight` is the λ, or the budget of cascade-value, that leads to a point of their curves.
    """

    label: str
    kind: PointKind
    burden: float
    accuracy: float
    reachable: bool
    key: str = ""
    latency: float | None = None
    cost: float | None = None
    delta: float | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """The points there are so far; `missing` says why there is nothing to draw.

    `curve` is cost-aware over λ, `value_curve` is cascade-value over the price of a second or dollar.

    On the `front` points without a label are the curve's; `steps` and `value_steps` are the curves' that can be used:
    by their λ, and by their budget, which is what is set; it chooses the price.
    """

    measure: Measure
    points: tuple[Point, ...]
    curve: tuple[tuple[float, float], ...]
    front: tuple[Point, ...]
    missing: str = ""
    value_curve: tuple[tuple[float, float], ...] = ()
    steps: tuple[Point, ...] = ()
    value_steps: tuple[Point, ...] = ()


def tradeoff(model: Model, state: State, tick: Tick) -> Iterator[tuple[str, Tradeoff]]:
    """Points and curve, as they get ready."""
    measure: By = "cost" if state.view.measure_of("tradeoff", "latency") == "cost" else "latency"
    setup, current = state.setup, current_key(state.setup)
    rows: list[Row] = []
    entries: dict[tuple[str, str], ResultEntry] = {}
    curve: list[TradeOff] = []
    value_curve: list[TradeOff] = []
    value_steps: list[Point] = []
    shown = time.monotonic()

    def point(each: TradeOffPoint) -> Point:
        if each.row is None:
            return Point("", "policy", each.burden, each.accuracy, reachable=True)
        return of_row(each.row, each.burden, each.accuracy)

    def of_row(row: Row, burden: float, accuracy: float) -> Point:
        entry = entries[row.kind, row.name]
        return Point(
            label=entry.label,
            kind=_kind(entry.key, current, state),
            burden=burden,
            accuracy=accuracy,
            reachable=row.reachable,
            key=str(entry.key),
            latency=row.latency,
            cost=row.cost,
            delta=row.delta,
        )

    def ready() -> Tradeoff:
        figure = trade_off_plot(rows, {"cost-aware": curve, "cascade-value": value_curve}, measure)
        points, front = (tuple(point(each) for each in part) for part in (figure.points, figure.front))
        if not points and all(row.latency is None and row.cost is None for row in rows):
            told = sorted((row.accuracy, at) for at, row in enumerate(rows) if row.accuracy is not None)
            alone = tuple(of_row(rows[at], place, accuracy) for place, (accuracy, at) in enumerate(told))
            return Tradeoff("accuracy", alone, (), ())
        missing = "" if points else MISSING[measure]
        steps, drawn = _steps(curve, measure, points), figure.curves
        priced = (*drawn["cascade-value"], *((each.burden, each.accuracy) for each in value_steps))
        return Tradeoff(measure, points, drawn["cost-aware"], front, missing, priced, steps, tuple(value_steps))

    for each in sorted(listing(model, state), key=lambda each: each.key in LEARNED):
        row = model.row(setup, each.key)
        rows.append(row)
        entries[row.kind, row.name] = each
        if time.monotonic() - shown > model.pace:
            yield "tradeoff", ready()
            shown = time.monotonic()
    if setup.router is not None:
        shared = (setup.pool.on, setup.k, setup.protocol, setup.split, setup.router, measure)
        scores = model.scores(setup, "cost-aware")
        for at_weight in cost_aware_curve(
            model.view(setup), scores, measure, lambda weight, make: model.keep("row", (shared, weight), make)
        ):
            curve.append(at_weight)
            if time.monotonic() - shown > model.pace:
                yield "tradeoff", ready()
                shown = time.monotonic()
        if setup.protocol == "corrected":
            yield "tradeoff", ready()
            value_curve += model.keep(
                "tab",
                ("cascade-value", *shared),
                lambda: cascade_value_curve(model.view(setup), model.scores(setup, "cascade-value"), measure),
            )
            if value_curve:
                yield "tradeoff", ready()
                value_steps += _value_steps(model, setup, measure, tick)
    yield "tradeoff", ready()


def _steps(curve: list[TradeOff], measure: By, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The cost-aware curve as points: each with the smallest λ that leads to it."""
    reference = next((each.accuracy - each.delta for each in points if each.delta is not None), None)
    found: dict[tuple[float, float], Point] = {}
    for each in sorted(curve, key=lambda each: each.weight):
        step = Point(
            label=f"cost-aware λ {each.weight:g}",
            kind="policy",
            burden=each.burden,
            accuracy=each.accuracy,
            reachable=True,
            key=f"λ:{each.weight:g}",
            latency=each.burden if measure == "latency" else None,
            cost=each.burden if measure == "cost" else None,
            delta=None if reference is None else each.accuracy - reference,
            weight=each.weight,
        )
        found.setdefault((each.burden, each.accuracy), step)
    return tuple(found.values())


def _value_steps(model: Model, setup: ShownSetup, measure: By, tick: Tick) -> Iterator[Point]:
    """The points of cascade-value at the budgets of its slider: each with the smallest that leads to it."""
    slider, key, seen = model.space.policies["cascade-value"], row_keys.policy("cascade-value"), set[object]()
    for budget in slider.values if slider is not None else ():
        tick(0, 0)  # nobody may wait for it any more
        at = setup.at("cascade-value", budget, "cost" if measure == "cost" else None)
        row = model.row(at, key)
        burden = row.cost if measure == "cost" else row.latency
        if burden is None or row.accuracy is None or (burden, row.accuracy) in seen:
            continue
        seen.add((burden, row.accuracy))
        yield Point(
            label=f"cascade-value B {at.value_of('cascade-value')}",
            kind="policy",
            burden=burden,
            accuracy=row.accuracy,
            reachable=True,
            key=f"B:{budget:g}",
            latency=row.latency,
            cost=row.cost,
            delta=row.delta,
            weight=budget,
        )


def _kind(key: RowKey, current: RowKey, state: State) -> PointKind:
    if key == current:
        return "current"
    if key.kind == "llm":
        return "llm" if key.name in state.setup.pool else "off"
    return "policy" if key.kind == "policy" else "baseline"
