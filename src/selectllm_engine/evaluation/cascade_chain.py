"""Which LLMs a cascade may ask, and in which order. L labelled questions, N LLMs of the run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation.best_m import cross_fitted_vote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.labelled import Labelled

__all__ = ["LONGEST", "chains_of"]

LONGEST = 8
REACHES = (2.0, 4.0)  # what the chosen LLMs may cost together, in budgets: few questions are asked to the end
CHEAP = 1 / 3  # of best-single's burden
GLANCE = 2  # Newton steps that show well enough whether an LLM helps the vote


def chains_of(
    known: Labelled,
    order: Sequence[int],
    burden: NDArray[np.float64],
    *,
    best_single: int,
    penalty: float,
    budget: float | None,
) -> list[tuple[int, ...]]:
    """Chains of at most eight LLMs of the pool, each from cheap to dear, to choose from.

    Forward selection by the learned vote's cross-fitted accuracy, each time the LLM that helps most, on past a failed
    step (two voters rarely beat one, three do), of which the best prefix is kept; and best-single; and the most
    accurate LLM that costs less than a third of it. One chain for each sum that the selected may cost.

    Args:
        known: the labelled questions.
        order: the pool's LLMs from fast to slow.
        burden: float64 [N], each LLM's mean seconds or dollars.
        best_single: the pool's most accurate LLM.
        penalty: λ of the vote.
        budget: in the unit of `burden`, what a question may cost on average; None for any.
    """
    accuracy = known.labels.mean(axis=0)
    cheap = [llm for llm in order if burden[llm] < CHEAP * burden[best_single]]
    given = {best_single, *([max(cheap, key=lambda llm: accuracy[llm])] if cheap else [])}

    @cache
    def reached(llms: frozenset[int]) -> float:
        if len(llms) == 1:
            return float(accuracy[next(iter(llms))])
        mask = np.isin(np.arange(len(accuracy)), list(llms))
        return float(cross_fitted_vote(known, mask, penalty, steps=GLANCE).right.mean())

    chains: dict[tuple[int, ...], None] = {}
    for limit in [np.inf] if budget is None else [reach * budget for reach in REACHES]:
        prefixes = _prefixes(order, burden, limit, reached)
        fitting = [prefix for prefix in prefixes if len(prefix | given) <= LONGEST]
        chosen = max(fitting, key=reached, default=frozenset[int]()) | given  # of equals the shortest
        chains[tuple(sorted(chosen, key=lambda llm: (burden[llm], list(order).index(llm))))] = None
    return list(chains)


def _prefixes(
    order: Sequence[int],
    burden: NDArray[np.float64],
    limit: float,
    reached: Callable[[frozenset[int]], float],
) -> list[frozenset[int]]:
    """The first, the first two, … of the LLMs in the order in which they help most; of equals the faster is first."""
    prefixes: list[frozenset[int]] = []
    grown: frozenset[int] = frozenset()
    while len(grown) < LONGEST:
        spent = sum(float(burden[llm]) for llm in grown)
        more = [grown | {llm} for llm in order if llm not in grown and spent + burden[llm] <= limit]
        if not more:
            break
        grown = max(more, key=reached)
        prefixes.append(grown)
    return prefixes
