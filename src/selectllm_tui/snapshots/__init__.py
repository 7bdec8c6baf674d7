"""From state and engine to what the widgets show: pure functions, run in worker threads.

`snapshots` yields the header's figures first, then what the tab on the screen shows, in as many steps as there is
something worth showing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selectllm_engine.insights import RouterMatrix, Subsets
    from selectllm_tui.snapshots.headline import Headline
    from selectllm_tui.snapshots.lessons import Drawn
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.snapshots.question import Detail
    from selectllm_tui.snapshots.questions import Questions
    from selectllm_tui.snapshots.recommend import Recommended
    from selectllm_tui.snapshots.results import Results
    from selectllm_tui.snapshots.tradeoff import Tradeoff
    from selectllm_tui.state import State

    Snapshot = Headline | Results | RouterMatrix | Tradeoff | Questions | Detail | Drawn | Subsets | Recommended | None
    Source = Callable[[Model, State, Tick], Iterator[tuple[str, Snapshot]]]

__all__ = ["snapshots"]


def snapshots(model: Model, state: State, tick: Tick) -> Iterator[tuple[str, Snapshot]]:
    """What a state shows: pairs of a tab's name (empty for the header) and its snapshot."""
    from selectllm_tui.snapshots.headline import headline

    yield "", headline(model, state)
    name = state.view.tab
    source: Source = getattr(import_module(f"selectllm_tui.snapshots.{name}"), name)
    yield from source(model, state, tick)
