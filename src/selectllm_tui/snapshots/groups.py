"""The listed questions by group, with what the setup achieves on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_tui.snapshots.question_groups import grouped
from selectllm_tui.snapshots.questions import listing

if TYPE_CHECKING:
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.state import State

__all__ = ["Group", "groups"]


@dataclass(frozen=True, slots=True)
class Group:
    """The listed questions of one group.

    `accuracy` is the setup's; `delta` how much more accurate it is on them than the row that all are compared with.
    Both are None where the data can't say.
    """

    value: str
    questions: int
    accuracy: float | None
    delta: float | None


def groups(model: Model, state: State, by: str) -> list[Group]:
    """The groups of the questions that filter and search leave, in their own order."""
    shown = listing(model, state.look(group=None))
    labels, codes = grouped(shown.frame, shown.judged.verdict, shown.judged.right_llms, by)
    codes = codes[shown.order]
    counts = np.bincount(codes, minlength=len(labels))
    right, reference = model.right(state.setup), model.view(state.setup).reference.right
    made = []
    for at in np.flatnonzero(counts):
        accuracy = delta = None
        if right is not None:
            there = shown.order[codes == at]
            accuracy = float(right[there].mean(dtype=np.float64))
            delta = accuracy - float(reference[there].mean(dtype=np.float64))
        made.append(Group(labels[at], int(counts[at]), accuracy, delta))
    return made
