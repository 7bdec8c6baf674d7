"""Which LLMs a cascade asks, and in which order. L labelled questions, N LLMs of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation.best_m import cross_fitted_vote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.labelled import Labelled

__all__ = ["LONGEST", "chain_of"]

LONGEST = 8
REACH = 4.0  # what the chosen LLMs may cost together, in budgets: hardly a question is asked to the end
CHEAP = 1 / 3  # of best-single's burden
GLANCE = 2  # Newton steps that show well enough whether an LLM helps the vote


def chain_of(
    from_: Labelled,
    order: Sequence[int],
    burden: NDArray[np.float64],
    *,
    best_single: int,
    penalty: float,
    budget: float | None,
) -> tuple[int, ...]:
    """At most eight LLMs of the pool, from cheap to dear.

    Forward selection by the learned vote's cross-fitted accuracy, each time the LLM that helps most, on past a failed
    step (two voters rarely beat one, three do), of which the best prefix is kept; and best-single; and the most
    accurate LLM that costs less than a third of it.

    Args:
        from_: the labelled questions.
        order: the pool's LLMs from fast to slow.
        burden: float64 [N], each LLM's mean seconds or dollars.
        best_single: the pool's most accurate LLM.
        penalty: λ of the vote.
        budget: in the unit of `burden`, what a question may cost on average; None for any.
    """
    accuracy = from_.labels.mean(axis=0)
    cheap = [llm for llm in order if burden[llm] < CHEAP * burden[best_single]]
    given = {best_single, *([max(cheap, key=lambda llm: accuracy[llm])] if cheap else [])}
    limit = np.inf if budget is None else REACH * budget
    grown = _grow(from_, order, burden, penalty, limit)
    prefixes = [grown[: count + 1] for count in range(len(grown))]
    fitting = [prefix for prefix in prefixes if len({llm for llm, _ in prefix} | given) <= LONGEST]
    best = max(fitting, key=lambda prefix: prefix[-1][1], default=[])  # the shortest of equals
    chosen = {llm for llm, _ in best} | given
    return tuple(sorted(chosen, key=lambda llm: (burden[llm], list(order).index(llm))))


def _grow(
    from_: Labelled, order: Sequence[int], burden: NDArray[np.float64], penalty: float, limit: float
) -> list[tuple[int, float]]:
    """LLMs in the order in which they help most, with the accuracy reached."""
    grown: list[tuple[int, float]] = []
    mask = np.zeros(from_.labels.shape[1], dtype=bool)
    while len(grown) < LONGEST:
        spent = burden[mask].sum()
        found = {}
        for llm in order:
            if mask[llm] or spent + burden[llm] > limit:
                continue
            mask[llm] = True
            right = cross_fitted_vote(from_, mask, penalty, steps=GLANCE).right if grown else from_.labels[:, llm]
            found[llm] = float(right.mean())
            mask[llm] = False
        if not found:
            break
        best = max(found, key=lambda llm: found[llm])  # of equals the faster
        grown.append((best, found[best]))
        mask[best] = True
    return grown
