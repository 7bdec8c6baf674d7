"""From state and engine to what the widgets show: pure functions, run in worker threads.

`snapshots` yields the header's figures first, then what the tab on the screen shows, in as many steps as there is
something worth showing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["snapshots"]

Source = Callable[["Model", "State", "Tick"], Iterator[tuple[str, Any]]]


def snapshots(model: Model, state: State, tick: Tick) -> Iterator[tuple[str, Any]]:
    """What a state shows: pairs of a tab's name (empty for the header) and its snapshot."""
    from selectllm_tui.snapshots.headline import headline

    yield "", headline(model, state)
    name = state.view.tab
    source: Source = getattr(import_module(f"selectllm_tui.snapshots.{name}"), name)
    yield from source(model, state, tick)
