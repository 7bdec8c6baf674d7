"""Accuracy against what it takes, as a plot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual import on

from selectllm_engine.errors import UsageError
from selectllm_tui.notation import points
from selectllm_tui.row_keys import RowKey
from selectllm_tui.snapshots.tradeoff import CURVES
from selectllm_tui.transitions import choose_policy
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.paint import Line, line, shorten
from selectllm_tui.widgets.plot import LINE, LabelledPoint, LogFormatter, NoTicks, Plot
from selectllm_tui.widgets.tabs.base import Tab

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from selectllm_tui.snapshots.tradeoff import Point, Tradeoff
    from selectllm_tui.state import State

__all__ = ["TradeoffTab", "front_parts", "marks", "point_parts"]

# Shape, style and rank of each kind of point; shapes differ, so that colour is not needed.
KINDS = {
    "current": ("★", "accent", 0),
    "policy": ("▲", "right", 2),
    "llm": ("●", "plain", 1),
    "baseline": ("◇", "muted", 3),
    "off": ("○", "faint", 4),
}
NAMES = {
    "current": "this setup",
    "policy": "policy",
    "llm": "LLM",
    "baseline": "baseline",
    "off": "not in pool",
}
DOT, DASH = "∙", "╌"  # of the cost-aware curve and cascade-value's; the Pareto front is a line
LAST = 9  # rank of a point of the curve: it has no label, and hides no other
UNITS = {
    "latency": "seconds per question",
    "cost": "dollars per 1,000 questions",
    "accuracy": "the more accurate the further right",
}
SCALES = {"latency": 1.0, "cost": 1000.0}


class TradeoffTab(Tab["Tradeoff"]):
    """Legend, plot, front."""

    DEFAULT_CSS = "TradeoffTab #front { max-height: 4; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._measure = ""
        self._shown: Tradeoff | None = None

    def compose(self) -> ComposeResult:
        """Legend, plot, front."""
        yield Bar(id="legend-line")
        yield Plot(id="plot-area")
        yield Bar(id="front")

    def show(self, snapshot: Tradeoff, state: State) -> None:  # noqa: ARG002
        """Renders the points there are."""
        self._shown = snapshot
        plot = self.query_one(Plot)
        self.query_one("#legend-line", Bar).flow(*legend(snapshot))
        self._tell()
        if snapshot.missing:
            plot.set_xlabel(UNITS[snapshot.measure])
            self._measure = ""
            plot.draw((), ())
            return
        shown = marks(snapshot)
        curve = [(place(snapshot.measure, x), 100 * y) for x, y in snapshot.curve]
        steps = [(place(snapshot.measure, each.burden), 100 * each.accuracy) for each in snapshot.front]
        if snapshot.measure != self._measure:
            self._measure = snapshot.measure
            plot.set_x_formatter(NoTicks() if snapshot.measure == "accuracy" else LogFormatter())
            plot.set_xlabel(UNITS[snapshot.measure])
            plot.set_ylabel("accuracy %")
            plot.forget_view()
        value_curve = [(place(snapshot.measure, x), 100 * y) for x, y in snapshot.value_curve]
        plot.draw(shown, ((steps, "muted", LINE), (curve, "accent", DOT), (value_curve, "warn", DASH)))

    def focus_default(self) -> None:
        """The plot has the keys."""
        self.query_one(Plot).focus()

    @on(Plot.Walked)
    def _tell(self) -> None:
        """Reads the point under the cursor out; without one the front."""
        if self._shown is None:
            return
        point = self._point
        parts = front_parts(self._shown, self.digits) if point is None else point_parts(point, self.digits)
        self.query_one("#front", Bar).flow(*parts)

    @property
    def _point(self) -> Point | None:
        """The point under the cursor."""
        shown, key = self._shown, self.query_one(Plot).key
        return (
            next((each for each in (*shown.points, *shown.steps, *shown.value_steps) if each.key == key), None)
            if shown and key
            else None
        )

    @property
    def row(self) -> str | None:
        """The point under the cursor."""
        return self.query_one(Plot).key or None

    @property
    def llm(self) -> str | None:
        """The LLM under the cursor."""
        key = RowKey.parse(self.row or "")
        return key.name if key.kind == "llm" else None

    def opened(self, key: str, state: State) -> State:
        """A policy's point makes it the policy, one of a curve sets its λ or B, an LLM's switches the LLM."""
        kind, name = RowKey.parse(key)
        point = self._point
        if kind == "policy":
            return choose_policy(state, name)
        if kind == "llm":
            return state.change(state.setup.toggle(name))
        if point is None or point.weight is None or self._shown is None:
            raise UsageError(f"{name or key} is to compare with, not to use", "choose a policy or an LLM")
        by = "cost" if self._shown.measure == "cost" else None
        return state.change(state.setup.at(CURVES[kind], point.weight, by))


def place(measure: str, burden: float) -> float:
    """Where seconds or dollars stand on the logarithmic axis; accuracy alone has none."""
    if measure == "accuracy":
        return burden
    return math.log10(max(burden * SCALES[measure], 1e-6))


def marks(snapshot: Tradeoff) -> list[LabelledPoint]:
    """The points with shape, style and label."""
    return [
        LabelledPoint(
            place(snapshot.measure, each.burden),
            100 * each.accuracy,
            *KINDS[each.kind][:2],
            each.label,
            KINDS[each.kind][2],
            each.key,
        )
        for each in snapshot.points
    ] + [
        LabelledPoint(place(snapshot.measure, each.burden), 100 * each.accuracy, char, style, "", LAST, each.key)
        for steps, char, style in ((snapshot.steps, DOT, "accent"), (snapshot.value_steps, DASH, "warn"))
        for each in steps
    ]


def legend(snapshot: Tradeoff) -> list[Line]:
    """What the shapes mean, those that occur."""
    there = {each.kind for each in snapshot.points}
    parts: list[Line] = [
        line((char, style), (f" {NAMES[kind]}", "muted")) for kind, (char, style, _) in KINDS.items() if kind in there
    ]
    if len(snapshot.curve) > 1:
        parts.append(line((DOT * 3, "accent"), (" cost-aware λ", "muted")))
    if len(snapshot.value_curve) > 1:
        parts.append(line((DASH * 3, "warn"), (" cascade-value μ", "muted")))
    if len(snapshot.front) > 1:
        parts.append(line(("⠤⠤", "muted"), (" Pareto", "muted")))
    return parts


def point_parts(point: Point, digits: int | None = None) -> list[Line]:
    """A point read out: name, accuracy, seconds, dollars, and the difference to what rows are compared with."""
    if digits is None:
        digits = formats.decimals([point.latency])
    cost = None if point.cost is None else point.cost * SCALES["cost"]
    said = (
        ("accuracy", f"{formats.percent(point.accuracy)} %"),
        ("seconds", None if point.latency is None else f"{point.latency:.{digits}f}"),
        ("$/1000 q", None if cost is None else f"{cost:.{formats.DOLLARS}f}"),
        ("Δ", None if point.delta is None else points(point.delta)),
    )
    return [
        line((shorten(point.label, 40), "strong")),
        *(line((f"{what} ", "muted"), (figure, "plain")) for what, figure in said if figure is not None),
    ]


def front_parts(snapshot: Tradeoff, digits: int | None = None) -> list[Line]:
    """The Pareto front in words, from cheap to accurate; `digits` are the decimals of seconds on the screen."""
    if snapshot.missing:
        return [line((snapshot.missing, "warn"))]
    if snapshot.measure == "accuracy":
        return [line(("accuracy alone: neither latency nor cost is known; selectllm measure measures latency", "warn"))]
    if snapshot.measure == "cost":
        digits = formats.DOLLARS
    elif digits is None:
        digits = formats.decimals([each.burden for each in snapshot.front])
    unit = "s" if snapshot.measure == "latency" else "$"
    return [
        line(("Pareto front", "muted")),
        *(
            line(
                (shorten(each.label, 24), "plain"),
                (
                    f" {formats.percent(each.accuracy)} % {each.burden * SCALES[snapshot.measure]:.{digits}f} {unit}",
                    "muted",
                ),
            )
            for each in snapshot.front
            if each.label
        ),
    ]
