"""The policies that learn from labelled questions: `margin`, `vote:auto` and `cascade-value`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation.margin import with_margin
from selectllm_engine.evaluation.selection import Selection

if TYPE_CHECKING:
    from selectllm_engine.evaluation.learner import Learned
    from selectllm_engine.evaluation.outcomes import By
    from selectllm_engine.evaluation.policy_inputs import PolicyInputs

__all__ = ["cascade_chain", "cascade_value", "margin", "vote_auto"]


def margin(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    """Best-single, unless the predicted gain of another is large enough to be believed; see `margin`."""
    found = inputs.margin()
    selection = with_margin(inputs.probabilities, inputs.order, inputs.best_single, found)
    if math.isinf(found.least):
        said = "never leaves best-single: no gain is certain enough"
    else:
        left = float(np.mean(np.asarray(selection.choice) != inputs.best_single))
        said = f"leaves best-single for {100 * left:.1f} % of the questions, for gains above {found.least:.3f}"
    return Selection(inputs.llms, choice=selection.choice, notes=(said,))


def vote_auto(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    """The learned vote over the best m; see `best_m`."""
    learned = inputs.learned()
    chosen = learned.best_m(inputs.order.tolist()).llms
    notes = [f"the best {len(chosen)}: {', '.join(learned.known.llms[llm] for llm in chosen)}", *_unread(learned)]
    if len(chosen) == 1:
        choice = np.full(len(inputs.probabilities), chosen[0], dtype=np.intp)
        return Selection(inputs.llms, choice=choice, notes=tuple(notes))
    mask = np.isin(np.arange(inputs.llms), chosen)
    several = np.broadcast_to(mask, inputs.probabilities.shape)
    return Selection(inputs.llms, several=several, alike=True, voters=learned.weights(mask), notes=tuple(notes))


def cascade_value(inputs: PolicyInputs, budget: float, by: By | None) -> Selection:
    """Ask on while that is worth its price; see `cascade_value`. A budget of infinity is none."""
    learned = inputs.learned()
    cascade = learned.cascade(inputs.order.tolist(), by, _limit(budget))
    at = cascade.at_budget(_limit(budget))
    if not cascade.pays(at, _limit(budget)):
        choice = np.full(len(inputs.probabilities), cascade.best_single, dtype=np.intp)
        return Selection(inputs.llms, choice=choice, notes=("stays with best-single: no gain is certain enough",))
    done = cascade.answer(inputs.tally(), inputs.views(), at)
    names = ", ".join(cascade.llms[llm] for llm in cascade.chain)
    return Selection(
        inputs.llms,
        several=np.asfortranarray(done.asked),
        voters_of=cascade.voters_of,
        answers=done.code,
        confidence=done.confidence,
        vote="learned",
        notes=(f"chain: {names}", *_unread(learned)),
    )


def cascade_chain(inputs: PolicyInputs, budget: float, by: By | None) -> tuple[int, ...]:
    """The LLMs that `cascade_value` may ask, from cheap to dear."""
    cascade = inputs.learned().cascade(inputs.order.tolist(), by, _limit(budget))
    pays = cascade.pays(cascade.at_budget(_limit(budget)), _limit(budget))
    return cascade.chain if pays else (cascade.best_single,)


def _limit(budget: float) -> float | None:
    return None if math.isinf(budget) else budget


def _unread(learned: Learned) -> list[str]:
    """A note where questions are answered without a look at their texts."""
    if learned.known.opinions is not None:
        return []
    return ["without the router: it has no opinions on single questions, or none on train that are held out"]
