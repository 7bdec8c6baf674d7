"""What the setup achieves: the one row that is always on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_tui import row_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.evaluation import Row
    from selectllm_tui.row_keys import RowKey
    from selectllm_tui.shown_setup import ShownSetup
    from selectllm_tui.snapshots.facts import Facts
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.state import State

__all__ = ["Headline", "current_key", "headline"]


@dataclass(frozen=True, slots=True)
class Headline:
    """The rows of the setup, of that before the last key and of the pinned one, and what is known of each LLM."""

    row: Row
    before: Row | None
    questions: int
    facts: Mapping[str, Facts]
    pinned: Row | None = None


def current_key(setup: ShownSetup) -> RowKey:
    """The key of the setup's own row: its policy; where nothing chooses its LLM, or all; of labels best-single."""
    if setup.chooses:
        return row_keys.policy(setup.policy)
    if len(setup.pool) == 1:
        return row_keys.llm(setup.pool.names[0])
    return row_keys.baseline("all-llms" if setup.k else "best-single")


def headline(model: Model, state: State) -> Headline:
    """The figures of the header."""
    setup, before = state.setup, state.before
    row = model.row(setup, current_key(setup))
    return Headline(
        row=row,
        before=model.row(before, current_key(before)) if before is not None else None,
        questions=model.prepared(setup.split, setup.k).questions,
        facts=model.facts(setup),
        pinned=model.row(pin, current_key(pin)) if (pin := state.pinned) is not None else None,
    )
