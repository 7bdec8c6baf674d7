"""Accuracy against seconds or dollars: LLMs, baselines, policies, the cost-aware curve, the Pareto front."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from selectllm_engine.evaluation import pareto_front
from selectllm_tui.snapshots.headline import current_key
from selectllm_tui.snapshots.results import PACE, listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["Point", "Tradeoff", "front", "tradeoff"]

Kind = Literal["llm", "off", "baseline", "policy", "current"]
MISSING = {
    "latency": "no latency is known: selectllm latency measures it; w shows dollars",
    "cost": "no cost is known: the LLMs have no prices; w shows seconds",
}
BOUNDS = {"oracle", "bound", "random"}  # nobody can choose to run these


@dataclass(frozen=True, slots=True)
class Point:
    """One way to answer: its accuracy (a fraction) and what it takes (seconds, or dollars)."""

    label: str
    kind: Kind
    burden: float
    accuracy: float
    reachable: bool


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """The points there are so far; `curve` is cost-aware over λ; `missing` says why there is nothing to draw."""

    measure: str
    points: tuple[Point, ...]
    curve: tuple[tuple[float, float], ...]
    front: tuple[Point, ...]
    missing: str = ""


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """The reachable points that no other one beats in both, from cheap to accurate."""
    reachable = [each for each in points if each.reachable]
    return tuple(reachable[at] for at in pareto_front([(each.burden, each.accuracy) for each in reachable]))


def tradeoff(model: Model, state: State, _: Tick) -> Iterator[tuple[str, Tradeoff]]:
    """Points and curve, as they get ready."""
    measure = state.view.measure_of("tradeoff", "latency")
    setup, current = state.setup, current_key(state.setup)
    points: list[Point] = []
    curve: list[tuple[float, float]] = []
    shown = time.monotonic()

    def ready() -> Tradeoff:
        missing = "" if points else MISSING[measure]
        return Tradeoff(measure, tuple(points), tuple(curve), front(points), missing)

    for each in listing(model, state):
        row = model.row(setup, each.key)
        burden = getattr(row, measure)
        if burden is None or row.accuracy is None:
            continue
        points.append(Point(each.label, _kind(each.key, current, state), burden, row.accuracy, each.key not in BOUNDS))
        if time.monotonic() - shown > PACE:
            yield "tradeoff", ready()
            shown = time.monotonic()
    knob = model.space.policies.get("cost-aware")
    if setup.router is not None and knob is not None:
        for step in range(round((knob.high - knob.low) / knob.step) + 1):
            values = dict(setup.parameters) | {"cost-aware": knob.clamp(knob.low + step * knob.step)}
            row = model.row(replace(setup, parameters=tuple(values.items())), "policy:cost-aware")
            burden = getattr(row, measure)
            if burden is not None and row.accuracy is not None:
                curve.append((burden, row.accuracy))
            if time.monotonic() - shown > PACE:
                yield "tradeoff", ready()
                shown = time.monotonic()
    yield "tradeoff", ready()


def _kind(key: str, current: str, state: State) -> Kind:
    if key == current:
        return "current"
    if key.startswith("llm:"):
        return "llm" if key.removeprefix("llm:") in state.setup.pool else "off"
    return "policy" if key.startswith("policy:") else "baseline"
