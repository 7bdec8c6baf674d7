"""The study's five questions for this pool, who has seen the train split, and where accuracy is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_tui.snapshots.headline import current_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.evaluation import Row
    from selectllm_engine.insights import Lessons
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["Drawn", "lessons"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The lessons, and the setup's own row; None before they are drawn."""

    row: Row
    lessons: Lessons | None


def lessons(model: Model, state: State, _: Tick) -> Iterator[tuple[str, Drawn]]:
    """The setup's own losses at once, the lessons when they are drawn."""
    setup = state.setup
    row = model.row(setup, current_key(setup))
    yield "lessons", Drawn(row, None)
    drawn = model.keep(
        "tab",
        ("lessons", setup.pool.on, setup.k, setup.protocol, setup.split),
        lambda: model.run.lessons(setup.pool, k=setup.k or None, protocol=setup.protocol, split=setup.split),
    )
    yield "lessons", Drawn(row, drawn)
