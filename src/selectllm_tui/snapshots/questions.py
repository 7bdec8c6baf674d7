"""Every question under a setup, filtered, searched and sorted: arrays, of which the table reads the visible rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.evaluation import NOT_FOUND, Selection, Votes, llm_votes, pooled_votes
from selectllm_engine.verdicts import Verdict
from selectllm_tui.snapshots.compare import apart
from selectllm_tui.snapshots.question_groups import of_group
from selectllm_tui.snapshots.search import Chip, Field, find
from selectllm_tui.view import FILTERS, LLM_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from selectllm_tui.shown_setup import ShownSetup
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State
    from selectllm_tui.view import View

__all__ = ["Judged", "Questions", "judged", "listing", "questions", "shared_ids"]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What became of each question under a setup.

    Attributes:
        selection: which LLMs answer; none where the data can't say. `selected` is its mask, bool [Q, N].
        right: bool [Q]; verdict: int8 [Q], codes of `Verdict`.
        votes: of every LLM [Q, N]; None where only labels are known.
        pooled: of the selected LLMs together [Q]; None where only labels are known.
        shares: of those LLMs' votes the winning answer's, float64 [Q].
        marks: int8 [Q, N]: 1 right, 0 wrong, −1 no answer.
        right_llms: int [Q], LLMs of the pool that are right.
        disagree: bool [Q], the pool's LLMs do not all vote alike; with labels only, are not all right or all wrong.
    """

    selection: Selection
    selected: NDArray[np.bool_]
    right: NDArray[np.bool_]
    verdict: NDArray[np.int8]
    votes: Votes | None
    pooled: Votes | None
    shares: NDArray[np.float64] | None
    marks: NDArray[np.int8]
    right_llms: NDArray[np.intp]
    disagree: NDArray[np.bool_]


def judged(model: Model, setup: ShownSetup) -> Judged:
    """What became of each question under a setup."""
    return model.keep("judged", setup, lambda: _judge(model, setup))


def votes_of(model: Model, split: str, k: int) -> Votes | None:
    """Every LLM's own vote; None where only labels are known."""
    tally = model.prepared(split, k).tally
    return None if tally is None else model.keep("votes", (split, k), lambda: llm_votes(tally))


def _judge(model: Model, setup: ShownSetup) -> Judged:
    view = model.view(setup)
    prepared = view.prepared
    selection, verdicts = model.selection(setup), model.verdicts(setup)
    if selection is None:
        selection = Selection(view.llms, several=np.zeros(prepared.labels.shape, dtype=bool))
    selected = np.asarray(selection.mask)
    votes = votes_of(model, setup.split, setup.k)
    pooled = None if prepared.tally is None else pooled_votes(prepared.tally, np.ascontiguousarray(selected))
    shares = None
    if pooled is not None and prepared.tally is not None:
        shares = pooled.count / np.maximum(selected.sum(axis=1) * prepared.tally.ballots, 1)
    marks = prepared.labels.astype(np.int8)
    pool = np.flatnonzero(setup.pool.mask)
    if votes is not None:
        marks[votes.code == NOT_FOUND] = -1
        codes = votes.code[:, pool]
        disagree = codes.min(axis=1) != codes.max(axis=1)
    else:
        right = prepared.labels[:, pool].sum(axis=1)
        disagree = (right > 0) & (right < len(pool))
    return Judged(
        selection=selection,
        selected=selected,
        right=np.zeros(len(selected), dtype=bool) if verdicts is None else verdicts.right,
        verdict=np.full(len(selected), Verdict.UNKNOWN.code, dtype=np.int8) if verdicts is None else verdicts.verdict,
        votes=votes,
        pooled=pooled,
        shares=shares,
        marks=marks,
        right_llms=prepared.labels[:, pool].sum(axis=1),
        disagree=disagree,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """The questions within the filter, and the arrays of all of them.

    Attributes:
        llms, on: all LLMs of the run, and which of them are in the pool.
        order: intp [R], the questions within the filter, sorted.
        judged: what became of each question.
        frame: the question table, Q rows.
        k: samples per LLM; share is of all samples of the selected LLMs.
        counts: how many questions each filter leaves of those that search and group leave, where the data can tell.
        chips: the terms of the search.
        ids: with what all ids of the split begin, and the characters of the longest.
        state: of which this is the list.
    """

    llms: tuple[str, ...]
    on: tuple[bool, ...]
    order: NDArray[np.intp]
    judged: Judged
    frame: pl.DataFrame
    k: int
    counts: Mapping[str, int]
    chips: tuple[Chip, ...]
    ids: tuple[str, int]
    state: State

    def counted(self, state: State) -> bool:
        """Whether its counts are those of a state."""
        return _counted(self.state) == _counted(state)

    def lists(self, state: State) -> bool:
        """Whether it is the list of a state."""
        return self.counted(state) and _listed(self.state.view) == _listed(state.view)

    @property
    def total(self) -> int:
        """Q."""
        return self.frame.height

    def id_at(self, q: int) -> str:
        """The id of question q."""
        return str(self.frame["question_id"][q])

    def find(self, key: str) -> int | None:
        """The place of an id within the filter."""
        at = self.index(key)
        if at is None:
            return None
        places = np.flatnonzero(self.order == at)
        return int(places[0]) if len(places) else None

    def neighbour(self, view: View, step: int) -> str | None:
        """The question so many steps from the view's, around the end; None where there is none."""
        if not len(self.order):
            return None
        at = self.find(view.question) if view.question is not None else 0  # where there is none, the first is shown
        if at is None:
            at = -1 if step > 0 else 0
        return self.id_at(int(self.order[(at + step) % len(self.order)]))

    def index(self, key: str) -> int | None:
        """The question with that id."""
        found = (self.frame["question_id"] == key).arg_true()
        return int(found[0]) if len(found) else None

    def share_of(self, q: int) -> float | None:
        """The winning answer's share of the selected LLMs' votes."""
        if self.judged.shares is None:
            return None
        return float(self.judged.shares[q])

    def verdict_of(self, q: int) -> Verdict:
        """What became of question q."""
        return Verdict.of(self.judged.verdict[q])

    def answered_by(self, q: int) -> str:
        """Who answers question q: a name, or how many."""
        chosen = np.flatnonzero(self.judged.selected[q])
        return self.llms[int(chosen[0])] if len(chosen) == 1 else f"{len(chosen)} LLMs" if len(chosen) else "–"


def questions(model: Model, state: State, _: Tick) -> Iterator[tuple[str, Questions]]:
    """The Questions tab."""
    yield "questions", listing(model, state)


def listing(model: Model, state: State) -> Questions:
    """The questions within the state's filter, search and group, in its order."""
    setup, view = state.setup, state.view
    found = judged(model, setup)
    frame = model.prepared(setup.split, setup.k).outcomes.questions
    masks = {name: _filtered(model, state, name, found) for name in FILTERS}
    within = np.ones(frame.height, dtype=bool)
    if view.group is not None:
        within = of_group(frame, found.verdict, found.right_llms, *view.group)
    chosen = within if view.filter is None else within & masks[view.filter]
    kept, chips = find(_field(state, found, frame), view.search, chosen)
    keep, within = chosen & kept, within & kept
    if view.cell is not None and state.pinned is not None:
        of_cell = apart(model, state, view.cell)
        keep, within = keep & of_cell, within & of_cell
    order = np.flatnonzero(keep)
    if sort := view.sort_of("questions"):
        order = order[_sorted(frame, found, order, setup.pool.run, sort)]
    return Questions(
        llms=setup.pool.run,
        on=setup.pool.mask,
        order=order,
        judged=found,
        frame=frame,
        k=setup.k,
        counts={name: int(np.count_nonzero(mask & within)) for name, mask in masks.items() if _known(found, name)},
        chips=chips,
        ids=model.keep("tab", ("ids", setup.split, setup.k), lambda: shared_ids(frame)),
        state=state,
    )


def shared_ids(frame: pl.DataFrame) -> tuple[str, int]:
    """With what all ids begin, up to the last mark between words, and the characters of the longest."""
    ids = frame.select(
        first=pl.col("question_id").min(),
        last=pl.col("question_id").max(),
        size=pl.col("question_id").str.len_chars().max(),
    ).row(0)
    shared = ids[0] or ""
    while not (ids[1] or "").startswith(shared):
        shared = shared[:-1]
    return shared[: max(map(shared.rfind, "-_/:. ")) + 1], ids[2] or 0


def _known(found: Judged, name: str) -> bool:
    """Whether the data can tell which questions a filter leaves."""
    return name not in {Verdict.MISROUTED, Verdict.OUTVOTED, Verdict.RESCUED, "changed"} or bool(
        (found.verdict != Verdict.UNKNOWN.code).all()
    )


def _counted(state: State) -> tuple[object, ...]:
    """What of a state decides how many questions each filter leaves."""
    view = state.view
    return state.setup, state.before, view.search, view.group, view.cell, view.cell and state.pinned, state.marks


def _listed(view: View) -> tuple[object, ...]:
    """What of a view decides which questions are listed, in which order."""
    return view.filter, view.sort_of("questions")


def _filtered(model: Model, state: State, name: str, found: Judged) -> NDArray[np.bool_]:
    match name:
        case "only-one":
            return np.asarray(found.right_llms == 1)
        case Verdict.UNSOLVABLE:
            return np.asarray((found.right_llms == 0) & ~found.right)  # known also where a vote is not
        case "disagreement":
            return found.disagree
        case "changed":
            before = state.before
            if before is None or before.split != state.setup.split:
                return np.zeros(len(found.right), dtype=bool)
            return np.asarray(judged(model, before).right != found.right)
    return np.asarray(found.verdict == Verdict[name.upper()].code)


def _field(state: State, found: Judged, frame: pl.DataFrame) -> Field:
    """What the terms of a search look at."""
    shares = None if found.shares is None else 100 * found.shares
    return Field(frame, state.setup.pool.run, found.marks == 1, found.selected, shares, state.marks)


def _sorted(
    frame: pl.DataFrame,
    found: Judged,
    order: NDArray[np.intp],
    llms: tuple[str, ...],
    sort: tuple[str, bool],
) -> NDArray[np.intp]:
    """A stable order of `order` by a column."""
    column, descending = sort
    if column == "verdict":
        series = pl.Series(found.verdict[order])
    elif column == "right" or (column == "vote_share" and found.pooled is None):
        series = pl.Series(found.right_llms[order])
    elif column == "vote_share" and found.pooled is not None:
        series = pl.Series(found.pooled.count[order])
    elif column.startswith(LLM_COLUMN):
        name = column.removeprefix(LLM_COLUMN)
        series = pl.Series(found.marks[order, llms.index(name)] if name in llms else np.zeros(len(order), np.int8))
    else:
        series = frame.get_column(column)[order]
    by = pl.arg_sort_by("by", descending=descending, nulls_last=True, maintain_order=True)
    places = series.alias("by").to_frame().select(by)
    return places.to_series().to_numpy().astype(np.intp)
