"""Every router with every policy, for the pool and the sliders of the setup."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from selectllm_engine.insights import RouterMatrix
from selectllm_tui import row_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.evaluation import Row
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["matrix"]


def matrix(model: Model, state: State, _: Tick) -> Iterator[tuple[str, RouterMatrix]]:
    """The matrix, the setup's own router first, then as the rows get ready."""
    setup, space = state.setup, model.space
    rows: dict[tuple[str, str], Row] = {}
    shown = time.monotonic()
    for router in sorted(space.routers, key=lambda name: name != setup.router):
        for policy in space.policies:
            rows[router, policy] = model.row(replace(setup, router=router), row_keys.policy(policy))
            if time.monotonic() - shown > model.pace:
                yield "matrix", RouterMatrix(space.routers, tuple(space.policies), dict(rows))
                shown = time.monotonic()
    yield "matrix", RouterMatrix(space.routers, tuple(space.policies), rows)
