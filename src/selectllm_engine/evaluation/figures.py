"""From a selection to figures per question: the one place where accuracy, seconds and dollars come from.

Q questions. One LLM per question is a label looked up, several are a pooled vote, an expectation is a weighted mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from selectllm_engine.evaluation.votes import pooled_votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.prepared import Prepared
    from selectllm_engine.evaluation.selection import Selection

__all__ = ["Figures", "Floats", "Right", "figures_of", "known"]

Floats: TypeAlias = "NDArray[np.float32] | NDArray[np.float64]"
Right: TypeAlias = "NDArray[np.bool_] | NDArray[np.float64]"  # floats: the chance of an expectation

BLOCK = 16_384  # questions at a time: what is added up stays in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What a selection gives per question; for an expectation, the mean over its draw.

    Attributes:
        right: bool [Q], or float64 [Q] for an expectation; None where votes are needed and unknown.
        chosen_right: bool [Q], is any selected LLM right; None for an expectation.
        latency, parallel, cost: seconds and dollars [Q], NaN where unknown; parallel is the slowest selected LLM's.
        right_latency: the sum of the latencies of right answers, over all questions.
        llms_per_question: mean number of selected LLMs.
    """

    right: Right | None
    chosen_right: NDArray[np.bool_] | None
    latency: Floats
    parallel: Floats
    cost: Floats
    right_latency: float
    llms_per_question: float


def known(value: float) -> float | None:
    """A figure as it is shown: None where it is unknown, NaN."""
    return None if np.isnan(value) else float(value)


def figures_of(selection: Selection, prepared: Prepared, order: NDArray[np.intp]) -> Figures:
    """Accuracy, seconds and dollars of a selection among the LLMs `order`, question by question."""
    if selection.choice is not None:
        return _one_each(selection.choice, prepared)
    if selection.several is not None:
        return _pooled(selection, prepared, order)
    return _expected(np.asarray(selection.weights), prepared, order, alike=selection.alike)


def _one_each(choice: NDArray[np.intp], prepared: Prepared) -> Figures:
    flat = choice * prepared.questions
    flat += prepared.positions
    right = prepared.labels.T.reshape(-1)[flat]
    latency = prepared.latency.T.reshape(-1)[flat]
    cost = prepared.cost.T.reshape(-1)[flat]
    return Figures(right, right, latency, latency, cost, float(latency.sum(where=right, dtype=np.float64)), 1.0)


def _pooled(selection: Selection, prepared: Prepared, order: NDArray[np.intp]) -> Figures:
    several = np.asarray(selection.several)
    counts = np.zeros(prepared.questions, dtype=np.int32)
    chosen_right = np.zeros(prepared.questions, dtype=bool)
    # where none of these LLMs has any value to add, there is nothing to add up
    timed, priced = (not np.isnan(means[order]).all() for means in (prepared.mean_latency, prepared.mean_cost))
    unknown = np.broadcast_to(np.float64(np.nan), (prepared.questions,))
    latency = np.zeros(prepared.questions) if timed else unknown
    parallel = np.zeros(prepared.questions, dtype=np.float32) if timed else unknown
    cost = np.zeros(prepared.questions) if priced else unknown
    unknown_latency, unknown_cost = prepared.unmeasured
    for start in range(0, prepared.questions, BLOCK):
        block = slice(start, start + BLOCK)
        for llm in order:
            asked = several[block, llm]
            counts[block] += asked
            chosen_right[block] |= asked & prepared.labels[block, llm]
            if timed:
                seconds = _where(asked, prepared.latency[block, llm], gaps=unknown_latency[llm])
                latency[block] += seconds
                np.maximum(parallel[block], seconds, out=parallel[block])
            if priced:
                cost[block] += _where(asked, prepared.cost[block, llm], gaps=unknown_cost[llm])
    right: NDArray[np.bool_] | None = None
    if selection.answers is not None:
        right = selection.answers == prepared.outcomes.gold
    elif counts.max() == 1:  # a vote over one LLM is its own
        right = chosen_right
    elif prepared.tally is not None:
        asked = several[0] if selection.alike else several
        if prepared.one_sample_votes is not None:
            right = prepared.one_sample_votes.right(asked)
        else:
            right = pooled_votes(prepared.tally, asked).code == prepared.outcomes.gold
    right_latency = 0.0 if right is None else float(latency.sum(where=right))
    return Figures(right, chosen_right, latency, parallel, cost, right_latency, float(counts.mean()))


def _where(asked: NDArray[np.bool_], values: NDArray[np.float32], *, gaps: bool) -> NDArray[np.float32]:
    """The values of the questions that are asked, else 0; a product is quicker, but 0 times unknown is unknown."""
    return np.where(asked, values, np.float32(0)) if gaps else values * asked


def _expected(weights: NDArray[np.float64], prepared: Prepared, order: NDArray[np.intp], *, alike: bool) -> Figures:
    right, latency, cost = (np.zeros(prepared.questions) for _ in range(3))
    right_latency = 0.0
    for llm in order:
        at = slice(None) if alike else np.flatnonzero(weights[:, llm])  # a few questions have any weight
        weight, label = weights[at, llm], prepared.labels[at, llm]
        seconds = weight * prepared.latency[at, llm]
        latency[at] += seconds
        cost[at] += weight * prepared.cost[at, llm]
        right[at] += weight * label
        right_latency += float(seconds.sum(where=label))
    return Figures(right, None, latency, latency, cost, right_latency, 1.0)
