"""What a recommended setup may take: the sliders of the tab Recommend, and the values that they step through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["NO_LIMITS", "Limits", "Stops", "place_of", "places_of", "round_numbers"]

Stops = dict[str, tuple[Any, ...]]  # the values of each slider that there is; behind them, that there is no limit
ROUND = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


def round_numbers(low: float, high: float) -> tuple[float, ...]:
    """Numbers that are easily said, from the first that is at least `low` to the last below `high`, both above 0."""
    powers = range(-9, 7)
    numbers = (float(f"{digit:g}e{power}") for power in powers for digit in ROUND)
    return tuple(number for number in numbers if low <= number < high)


@dataclass(frozen=True, slots=True)
class Limits:
    """Mean seconds and dollars per question and LLMs that a setup may take at most, and what is best of all that do.

    As in `selectllm_engine.setups.Wish`; None is no limit.
    """

    max_latency: float | None = None
    max_cost: float | None = None
    max_llms: int | None = None
    prefer: str = "accuracy"

    def slid(self, stops: Mapping[str, Sequence[Any]], name: str, step: int) -> Limits:
        """One of them a few steps further on; at its end, or where there is no such slider, the same."""
        if name not in stops:
            return self
        places = places_of(stops, name)
        at = min(max(place_of(stops, name, getattr(self, name)) + step, 0), len(places) - 1)
        return replace(self, **{name: places[at]})

    def fit(self, stops: Mapping[str, Sequence[Any]]) -> Limits:
        """The same where the sliders have these values, without the limits that they don't have."""
        kept = {name: getattr(self, name) for name in stops if getattr(self, name) in stops[name]}
        return Limits(**kept)

    @property
    def said(self) -> dict[str, Any]:
        """Those that `recommend` must be told."""
        given = {name: getattr(self, name) for name in ("max_latency", "max_cost", "max_llms")}
        told = {name: value for name, value in given.items() if value is not None}
        return told | ({"prefer": self.prefer} if self.prefer != "accuracy" else {})


NO_LIMITS = Limits()


def places_of(stops: Mapping[str, Sequence[Any]], name: str) -> tuple[Any, ...]:
    """Where a slider can stand."""
    return tuple(stops[name]) if name == "prefer" else (*stops[name], None)


def place_of(stops: Mapping[str, Sequence[Any]], name: str, value: object) -> int:
    """Where it stands; without a limit at the end."""
    places = places_of(stops, name)
    return places.index(value) if value in places else len(places) - 1
