"""Which LLMs a cascade may ask, and in which order. L labelled questions, N LLMs of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.best_m import GroupVotes

__all__ = ["LONGEST", "chains_of"]

LONGEST = 8
REACHES = (2.0, 4.0)  # what the chosen LLMs may cost together, in budgets: few questions are asked to the end
CHEAP = 1 / 3  # of best-single's burden


def chains_of(
    votes: GroupVotes,
    order: Sequence[int],
    burden: NDArray[np.float64],
    *,
    best_single: int,
    budget: float | None,
) -> list[tuple[int, ...]]:
    """Chains of at most eight LLMs of the pool, each from cheap to dear, to choose from.

    Forward selection by the learned vote's cross-fitted accuracy, each time the LLM that helps most, on past a failed
    step (two voters rarely beat one, three do), of which the best prefix is kept; and best-single; and the most
    accurate LLM that costs less than a third of it. One chain for each sum that the selected may cost.

    Args:
        votes: on the labelled questions.
        order: the pool's LLMs from fast to slow.
        burden: float64 [N], each LLM's mean seconds or dollars.
        best_single: the pool's most accurate LLM.
        budget: in the unit of `burden`, what a question may cost on average; None for any.
    """
    accuracy = votes.known.labels.mean(axis=0)
    cheap = [llm for llm in order if burden[llm] < CHEAP * burden[best_single]]
    given = {best_single, *([max(cheap, key=lambda llm: accuracy[llm])] if cheap else [])}

    def reached(llms: frozenset[int]) -> float:
        return votes.at_a_glance(llms) if len(llms) > 1 else float(accuracy[next(iter(llms))])

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
