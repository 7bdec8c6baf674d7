"""Numbers and bars as the explorer writes them: aligned on the decimal point, with their change and interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from selectllm_tui import notation
from selectllm_tui.notation import MISSING, known, p_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.evaluation import Row
    from selectllm_tui.widgets.paint import Span

__all__ = [
    "DOLLARS",
    "MISSING",
    "bar",
    "change",
    "count",
    "decimals",
    "fixed",
    "gap",
    "interval",
    "p_value",
    "percent",
    "points",
    "slider",
    "to_pin",
]


DOLLARS = 3  # decimals of what 1,000 questions cost


def percent(value: float | None) -> str:
    """A fraction as percent with one decimal, without the sign; what is missing stands where the units would."""
    return notation.percent(value) if known(value) else MISSING + "  "


def fixed(value: float | None, digits: int) -> str:
    """A number with so many decimals; what is missing stands where the units would."""
    return f"{value:.{digits}f}" if known(value) else MISSING + " " * (digits + 1 if digits else 0)


def decimals(values: Sequence[float | None]) -> int:
    """Decimals at which the smallest of several positive numbers keeps two digits: 1 to 4."""
    present = [value for value in values if known(value) and value > 0]
    if not present:
        return 1
    return min(max(1, 1 - math.floor(math.log10(min(present)))), 4) if min(present) < 1 else 1


def count(value: int) -> str:
    """A count with thousands separated."""
    return f"{value:,}"


def to_pin(accuracy: float | None, pinned: Row | None) -> str:
    """How much more accurate something is than the pinned setup, in points; empty where one of the two is unknown."""
    if pinned is None or pinned.accuracy is None or accuracy is None:
        return ""
    return notation.points(accuracy - pinned.accuracy)


def gap(value: float | None) -> str:
    """The part of the gap to the oracle that is closed, in percent; a real minus sign."""
    return f"{100 * value:.0f} %".replace("-", "−") if known(value) else MISSING + "  "


def change(now: float | None, before: float | None, digits: int, *, more_is_better: bool = True) -> Span:
    """The change of a figure as ▲ or ▼ and its size; empty where it is too small to show."""
    if not (known(now) and known(before)):
        return ("", "plain")
    difference = now - before
    size = f"{abs(difference):.{digits}f}"
    if float(size) == 0:
        return ("", "plain")
    return (f"{'▲' if difference > 0 else '▼'} {size}", "up" if (difference > 0) == more_is_better else "down")


def points(fraction: float | None) -> float | None:
    """A fraction in percent."""
    return None if fraction is None else 100 * fraction


def interval(
    low: float | None, value: float | None, high: float | None, scale: tuple[float, float], width: int
) -> list[Span]:
    """A confidence interval on a scale: `├──●──┤`; a lone `●` where there is no interval."""
    if not known(value) or width < 3:
        return [(" " * width, "plain")]
    start, end = scale
    span = max(end - start, 1e-9)

    def cell(number: float) -> int:
        return min(max(round((number - start) / span * (width - 1)), 0), width - 1)

    middle = cell(value)
    left, right = (cell(low), cell(high)) if low is not None and high is not None else (middle, middle)
    before = "├" + "─" * (middle - left - 1) if left < middle else ""
    after = "─" * (right - middle - 1) + "┤" if right > middle else ""
    return [
        (" " * left, "plain"),
        (before, "muted"),
        ("●", "accent"),
        (after, "muted"),
        (" " * (width - max(right, middle) - 1), "plain"),
    ]


def bar(part: float, width: int) -> str:
    """A quiet bar of `part` (0 to 1) of `width` cells, in halves of a cell."""
    whole, half = divmod(round(min(max(part, 0.0), 1.0) * width * 2), 2)
    return "━" * whole + "╸" * half


def slider(part: float, width: int) -> list[Span]:
    """A slider with its knob at `part` (0 to 1)."""
    knob = round(min(max(part, 0.0), 1.0) * (width - 1))
    return [("─" * knob, "muted"), ("●", "accent"), ("─" * (width - knob - 1), "faint")]
