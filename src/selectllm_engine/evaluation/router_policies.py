"""The policies that read a router's probabilities as they are, a function each; `policies` has their table.

Q questions, N LLMs of the run; probabilities that tie go to the faster LLM, then the cheaper, then run order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.selection import Selection, best_of, top_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.outcomes import By
    from selectllm_engine.evaluation.policy_inputs import PolicyInputs

__all__ = ["argmax", "cascade", "cost_aware", "drawn_of_three", "prediction", "sorted_prediction", "threshold", "top_m"]


def argmax(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    """The LLM with the highest probability."""
    return Selection(inputs.llms, choice=best_of(inputs.probabilities, inputs.order)[0])


def drawn_of_three(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    """Any of the top three where no probability exceeds 0.6, else the argmax: its expectation."""
    choice, best = best_of(inputs.probabilities, inputs.order)
    unsure = best <= np.float32(0.6)
    weights = np.zeros(inputs.probabilities.shape, order="F")
    weights[np.arange(len(choice)), choice] = 1.0
    top = top_of(inputs.probabilities[unsure], inputs.order, 3)
    weights[unsure] = top / top.sum(axis=1, keepdims=True)
    return Selection(inputs.llms, weights=weights)


def _forest(inputs: PolicyInputs) -> NDArray[np.float32]:
    if inputs.forest is None:
        raise NotAvailableError("needs a validation split to fit the forest on")
    return inputs.forest


def prediction(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    """The argmax of the forest that reads all the router's probabilities."""
    return Selection(inputs.llms, choice=best_of(_forest(inputs), inputs.order)[0])


def sorted_prediction(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    """The least accurate LLM that the forest believes right, else its argmax."""
    forest = _forest(inputs)
    if inputs.ascending is None:
        raise NotAvailableError("needs a validation split to sort the LLMs by")
    choice, _best = best_of(forest, inputs.order)
    for llm in inputs.ascending[::-1]:  # the last to write is the least accurate LLM that will do
        np.putmask(choice, forest[:, llm] >= np.float32(0.5), llm)
    return Selection(inputs.llms, choice=choice)


def cost_aware(inputs: PolicyInputs, weight: float, by: By | None) -> Selection:
    """Argmax of p − weight · latency (or cost) / the pool's largest mean; a weight above 1 outweighs any probability.

    It is each LLM's mean, or where that did better on validation what the question is expected to take.
    """
    both: tuple[tuple[By, NDArray[np.float64]], ...] = (
        ("latency", inputs.latency[inputs.order]),
        ("cost", inputs.cost[inputs.order]),
    )
    known = [(name, means) for name, means in both if by in (None, name) and not np.isnan(means).any()]
    if not known:
        raise NotAvailableError(f"needs the {by or 'latency or cost'} of every LLM of the pool")
    looks_at, means = known[0]
    expected = inputs.by_question(looks_at)
    largest = max(means.max(), np.finfo(float).tiny)
    penalties: Any = weight * means / largest
    if expected is not None and expected.better:
        penalties = (np.float64(weight) * expected.burden[:, llm] / largest for llm in inputs.order)
    scores = np.empty((len(inputs.probabilities), len(inputs.order)), dtype=np.float32, order="F")
    for place, (llm, penalty) in enumerate(zip(inputs.order, penalties, strict=True)):
        np.subtract(inputs.probabilities[:, llm], np.asarray(penalty, np.float32), out=scores[:, place])
    choice = inputs.order[best_of(scores, np.arange(len(inputs.order)))[0]]
    if expected is None:
        return Selection(inputs.llms, choice=choice)
    note = f"{looks_at} of each question" if expected.better else f"each LLM's mean {looks_at}"
    return Selection(inputs.llms, choice=choice, notes=(note,))


def threshold(inputs: PolicyInputs, level: float, _: By | None) -> Selection:
    """Every LLM with at least that probability, and the best."""
    chosen = np.zeros(inputs.probabilities.shape, dtype=bool, order="F")
    for llm in inputs.order:
        np.greater_equal(inputs.probabilities[:, llm], np.float32(level), out=chosen[:, llm])
    choice, _best = best_of(inputs.probabilities, inputs.order)
    chosen[np.arange(len(choice)), choice] = True
    return Selection(inputs.llms, several=chosen)


def top_m(inputs: PolicyInputs, m: float, _: By | None) -> Selection:
    """The m LLMs with the highest probabilities."""
    return Selection(inputs.llms, several=top_of(inputs.probabilities, inputs.order, int(m)))


def cascade(inputs: PolicyInputs, level: float, _: By | None) -> Selection:
    """From fast to slow until the leading answer has that share of the votes."""
    leading, ballots = inputs.leading_votes(), inputs.tally().ballots
    chosen = np.zeros(inputs.probabilities.shape, dtype=bool, order="F")
    asking = np.ones(len(chosen), dtype=bool)
    for asked, (llm, lead) in enumerate(zip(inputs.order, leading, strict=True), start=1):
        chosen[:, llm] = asking
        if asked * inputs.samples == 1:
            continue  # one sample agrees with itself: that says nothing
        asking &= lead < level * asked * ballots - 1e-9  # 0.8 · 10 samples must count as 8
    return Selection(inputs.llms, several=chosen)
