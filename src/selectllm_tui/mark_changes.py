"""Changes of marks and notes on questions, by question id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.store import Mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.store import Change

__all__ = ["differences", "merged_changes"]


def differences(before: Mapping[str, Mark], after: Mapping[str, Mark]) -> dict[str, Change]:
    """What leads from some marks to others."""
    found: dict[str, Change] = {}
    for question_id in {**before, **after}:
        old, new = before.get(question_id, Mark()), after.get(question_id, Mark())
        change: Change = {}
        if new.marked != old.marked:
            change["marked"] = new.marked
        if new.note != old.note:
            change["note"] = new.note
        if change:
            found[question_id] = change
    return found


def merged_changes(*made: Mapping[str, Change]) -> dict[str, Change]:
    """Changes made one after the other, as one."""
    merged: dict[str, Change] = {}
    for changes in made:
        for question_id, change in changes.items():
            merged[question_id] = {**merged.get(question_id, {}), **change}
    return merged
