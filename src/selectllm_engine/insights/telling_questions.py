"""Which few questions tell the most about a row beside another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from selectllm_engine.insights.pairs import CELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation import PoolView
    from selectllm_engine.insights.pairs import Comparison

__all__ = ["TELLING_KINDS", "TellingKind", "TellingQuestion", "telling_questions"]

TellingKind: TypeAlias = Literal["won", "lost", "missed", "unsolved"]
TELLING_KINDS: tuple[TellingKind, ...] = ("won", "lost", "missed", "unsolved")


@dataclass(frozen=True, slots=True)
class TellingQuestion:
    """A question, by its place in the split, and what it tells.

    Attributes:
        kind: "won", only the first row is right; "lost", only the second is; "missed", neither is, but an LLM of the
            pool; "unsolved", no LLM of the pool is, nor is a row.
        place: the question's.
    """

    kind: TellingKind
    place: int


def telling_questions(view: PoolView, found: Comparison, limit: int = 20) -> tuple[TellingQuestion, ...]:
    """As many questions of each kind, by kind; what a kind lacks goes to the next ones.

    First come of those won the ones that the fewest LLMs of the pool are right on, of those lost and missed the ones
    that the most are right on, of those unsolved the ones whose most frequent answer has the most samples; ties as they
    stand in the split.

    Args:
        view: the pool over the split of the comparison.
        found: two rows of it.
        limit: the most questions.
    """
    labels = view.prepared.labels[:, view.order]
    solvers = labels.sum(axis=1)
    neither = found.cells == CELLS.index("neither")
    queues = {
        "won": _queue(found.cells == CELLS.index("only_a"), solvers),
        "lost": _queue(found.cells == CELLS.index("only_b"), -solvers),
        "missed": _queue(neither & (solvers > 0), -solvers),
        "unsolved": _queue(neither & (solvers == 0), -_agreeing(view)),
    }
    taken = dict.fromkeys(TELLING_KINDS, 0)
    room = limit
    while room and (open_ := [kind for kind in TELLING_KINDS if taken[kind] < len(queues[kind])]):
        for kind in open_[:room]:
            taken[kind] += 1
        room -= min(room, len(open_))
    return tuple(TellingQuestion(kind, place) for kind in TELLING_KINDS for place in queues[kind][: taken[kind]])


def _queue(among: NDArray[np.bool_], order: NDArray[np.int64]) -> list[int]:
    """The places of a kind, the lowest number first."""
    places = np.flatnonzero(among)
    return [int(place) for place in places[np.argsort(order[places], kind="stable")]]


def _agreeing(view: PoolView) -> NDArray[np.int64]:
    """Per question how many samples of the pool give its most frequent answer, int64 [Q]; 0 with labels only."""
    answers = view.prepared.outcomes.answers
    if answers is None:
        return np.zeros(view.prepared.questions, dtype=np.int64)
    said = answers[:, np.sort(view.order)].reshape(len(answers), -1)
    counts = ((said == code).sum(axis=1) for code in range(int(said.max(initial=-1)) + 1))
    most = np.zeros(len(said), dtype=np.int64)
    for count in counts:
        np.maximum(most, count, out=most)
    return most
