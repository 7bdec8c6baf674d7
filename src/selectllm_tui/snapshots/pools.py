"""The best subsets of all LLMs of the run, whatever the pool is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.insights import Subsets
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["pools"]


def pools(model: Model, state: State, tick: Tick) -> Iterator[tuple[str, Subsets]]:
    """The subsets."""
    setup = state.setup
    yield (
        "pools",
        model.keep(
            "tab",
            ("pools", setup.k, setup.split),
            lambda: model.run.pools(k=setup.k or None, split=setup.split, progress=tick),
        ),
    )
