"""Accuracy against what it takes, as a plot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.paint import Line, line, shorten
from selectllm_tui.widgets.plot import LINE, LogFormatter, Mark, Plot
from selectllm_tui.widgets.tabs.base import Tab

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from selectllm_tui.snapshots.tradeoff import Tradeoff
    from selectllm_tui.state import State

__all__ = ["TradeoffTab", "front_parts", "marks"]

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
UNITS = {"latency": "seconds per question", "cost": "dollars per 1,000 questions"}
SCALES = {"latency": 1.0, "cost": 1000.0}


class TradeoffTab(Tab["Tradeoff"]):
    """Legend, plot, front."""

    DEFAULT_CSS = "TradeoffTab #front { max-height: 4; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._measure = ""

    def compose(self) -> ComposeResult:
        """Legend, plot, front."""
        yield Bar(id="legend-line")
        yield Plot(id="plot-area")
        yield Bar(id="front")

    def show(self, snapshot: Tradeoff, state: State) -> None:  # noqa: ARG002
        """Renders the points there are."""
        plot = self.query_one(Plot)
        self.query_one("#legend-line", Bar).flow(*legend(snapshot))
        self.query_one("#front", Bar).flow(*front_parts(snapshot, self.digits))
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
            plot.set_x_formatter(LogFormatter())
            plot.set_xlabel(UNITS[snapshot.measure])
            plot.set_ylabel("accuracy %")
            plot.forget_view()
        value_curve = [(place(snapshot.measure, x), 100 * y) for x, y in snapshot.value_curve]
        plot.draw(shown, ((steps, "muted", LINE), (curve, "accent", DOT), (value_curve, "warn", DASH)))

    def focus_default(self) -> None:
        """The plot has the keys."""
        self.query_one(Plot).focus()

    @property
    def row(self) -> str | None:
        """Nothing opens here."""
        return None


def place(measure: str, burden: float) -> float:
    """Where seconds or dollars stand on the logarithmic axis."""
    return math.log10(max(burden * SCALES[measure], 1e-6))


def marks(snapshot: Tradeoff) -> list[Mark]:
    """The points with shape, style and label."""
    return [
        Mark(
            place(snapshot.measure, each.burden),
            100 * each.accuracy,
            *KINDS[each.kind][:2],
            each.label,
            KINDS[each.kind][2],
        )
        for each in snapshot.points
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


def front_parts(snapshot: Tradeoff, digits: int | None = None) -> list[Line]:
    """The Pareto front in words, from cheap to accurate; `digits` are the decimals of seconds on the screen."""
    if snapshot.missing:
        return [line((snapshot.missing, "warn"))]
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
