"""Every router with every policy, for the pool and the sliders of the setup."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selectllm_tui.snapshots.results import PACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selectllm_engine.evaluation import Row
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["FIELDS", "Matrix", "matrix"]

FIELDS = {"accuracy": "accuracy", "latency": "latency", "gap": "gap_closed"}


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rows there are so far, by (router, policy)."""

    routers: tuple[str, ...]
    policies: tuple[str, ...]
    rows: Mapping[tuple[str, str], Row]

    def values(self, measure: str) -> dict[tuple[str, str], float]:
        """The figures that are known."""
        found = {pair: getattr(row, FIELDS[measure]) for pair, row in self.rows.items()}
        return {pair: value for pair, value in found.items() if value is not None}

    def best(self, measure: str) -> tuple[str, str] | None:
        """The pair with the best figure."""
        values = self.values(measure)
        if not values:
            return None
        return (min if measure == "latency" else max)(values, key=lambda pair: values[pair])


def matrix(model: Model, state: State, _: Tick) -> Iterator[tuple[str, Matrix]]:
    """The matrix, the setup's own router first, then as the rows get ready."""
    setup, space = state.setup, model.space
    rows: dict[tuple[str, str], Row] = {}
    shown = time.monotonic()
    for router in sorted(space.routers, key=lambda name: name != setup.router):
        for policy in space.policies:
            rows[router, policy] = model.row(replace(setup, router=router), f"policy:{policy}")
            if time.monotonic() - shown > PACE:
                yield "matrix", Matrix(space.routers, tuple(space.policies), dict(rows))
                shown = time.monotonic()
    yield "matrix", Matrix(space.routers, tuple(space.policies), rows)
