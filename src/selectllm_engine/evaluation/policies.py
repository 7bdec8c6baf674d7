"""Policies: a router's probabilities and a pool in, a selection out.

A selection says which LLMs answer each question. Q questions, N LLMs of the run; probabilities that tie go to the
faster LLM, then the cheaper, then run order. "Faster" is an LLM's mean latency over the split's questions: known
before any answer is, it says nothing about labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from selectllm_engine.errors import NotAvailableError, UnknownNameError, UsageError
from selectllm_engine.evaluation.selection import Selection, best_of, top_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "POLICIES",
    "PolicyInfo",
    "PolicyInputs",
    "PolicySpec",
    "RouterScores",
    "Selection",
    "as_probabilities",
    "candidates",
    "parse_policy",
    "select",
]

By = Literal["latency", "cost"]


@dataclass(frozen=True, slots=True, eq=False)
class RouterScores:
    """What a router says about the questions of one split, for all N LLMs of the run.

    Attributes:
        name: for example "knn:minilm".
        probabilities: float32 [Q, N], of being right; NaN in the columns of `missing`.
        forest: float32 [Q, N], the confidence forest's probabilities, for prediction and sorted-prediction.
        validation, validation_forest: the same for the validation split [V, N], for `:auto`.
        logits: float64 [Q, N], where the router recorded them; protocol `paper` works on them.
        predicted: bool [Q, N], the LLMs that the router said are right, where it recorded that beside the logits.
        seconds_per_question: the router's own time.
        missing: LLMs of the run that the router was trained without.
        note: why the router has no figures at all, else None.
    """

    name: str
    probabilities: NDArray[np.float32]
    forest: NDArray[np.float32] | None = None
    validation: NDArray[np.float32] | None = None
    validation_forest: NDArray[np.float32] | None = None
    logits: NDArray[np.float64] | None = None
    predicted: NDArray[np.bool_] | None = None
    seconds_per_question: float | None = None
    missing: tuple[str, ...] = ()
    note: str | None = None

    def __post_init__(self) -> None:
        # Every policy walks LLM by LLM, so each LLM's column is kept contiguous.
        for field in ("probabilities", "forest", "validation", "validation_forest", "logits", "predicted"):
            array = getattr(self, field)
            if array is not None:
                object.__setattr__(self, field, np.asfortranarray(array))


def as_probabilities(values: NDArray[Any]) -> NDArray[np.float32]:
    """The values as float32, rounding errors beyond 0 and 1 cut off."""
    return np.asarray(np.clip(values, 0.0, 1.0), np.float32)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PolicyInputs:
    """What a policy may look at: never a label of the questions it decides.

    Attributes:
        order: intp [n], the pool's LLMs from fast to slow (ties: cheaper, then run order).
        probabilities, forest: float32 [Q, N] as in RouterScores, columns contiguous.
        latency, cost: float64 [N], each LLM's mean; NaN where unknown.
        ascending: intp [n], the pool's LLMs from least to most accurate on validation; None without validation.
        samples: K.
        leads: gives the leading answer's votes, integers [Q], after each LLM of `order` was asked; raises
            NotAvailableError where only labels are known.
    """

    order: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    forest: NDArray[np.float32] | None
    latency: NDArray[np.float64]
    cost: NDArray[np.float64]
    ascending: NDArray[np.intp] | None
    samples: int
    leads: Callable[[], Sequence[NDArray[Any]]]

    @property
    def llms(self) -> int:
        """N."""
        return int(self.probabilities.shape[1])


def _argmax(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    return Selection(inputs.llms, choice=best_of(inputs.probabilities, inputs.order)[0])


def _random(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
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


def _prediction(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    return Selection(inputs.llms, choice=best_of(_forest(inputs), inputs.order)[0])


def _sorted_prediction(inputs: PolicyInputs, _: float, __: By | None) -> Selection:
    forest = _forest(inputs)
    if inputs.ascending is None:
        raise NotAvailableError("needs a validation split to sort the LLMs by")
    choice, _best = best_of(forest, inputs.order)
    for llm in inputs.ascending[::-1]:  # the last to write is the least accurate LLM that will do
        np.putmask(choice, forest[:, llm] >= np.float32(0.5), llm)
    return Selection(inputs.llms, choice=choice)


def _cost_aware(inputs: PolicyInputs, weight: float, by: By | None) -> Selection:
    known = [
        (name, burden)
        for name, burden in (("latency", inputs.latency[inputs.order]), ("cost", inputs.cost[inputs.order]))
        if by in (None, name) and not np.isnan(burden).any()
    ]
    if not known:
        raise NotAvailableError(f"needs the {by or 'latency or cost'} of every LLM of the pool")
    burden = known[0][1]
    penalties = weight * burden / max(burden.max(), np.finfo(float).tiny)
    scores = np.empty((len(inputs.probabilities), len(inputs.order)), dtype=np.float32, order="F")
    for place, (llm, penalty) in enumerate(zip(inputs.order, penalties, strict=True)):
        np.subtract(inputs.probabilities[:, llm], np.float32(penalty), out=scores[:, place])
    return Selection(inputs.llms, choice=inputs.order[best_of(scores, np.arange(len(inputs.order)))[0]])


def _threshold(inputs: PolicyInputs, level: float, _: By | None) -> Selection:
    chosen = np.zeros(inputs.probabilities.shape, dtype=bool, order="F")
    for llm in inputs.order:
        np.greater_equal(inputs.probabilities[:, llm], np.float32(level), out=chosen[:, llm])
    choice, _best = best_of(inputs.probabilities, inputs.order)
    chosen[np.arange(len(choice)), choice] = True
    return Selection(inputs.llms, several=chosen)


def _top_m(inputs: PolicyInputs, m: float, _: By | None) -> Selection:
    return Selection(inputs.llms, several=top_of(inputs.probabilities, inputs.order, int(m)))


def _cascade(inputs: PolicyInputs, level: float, _: By | None) -> Selection:
    leads = inputs.leads()
    chosen = np.zeros(inputs.probabilities.shape, dtype=bool, order="F")
    asking = np.ones(len(chosen), dtype=bool)
    for asked, (llm, lead) in enumerate(zip(inputs.order, leads, strict=True), start=1):
        chosen[:, llm] = asking
        asking &= lead < level * asked * inputs.samples - 1e-9  # 0.8 · 10 samples must count as 8
    return Selection(inputs.llms, several=chosen)


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A policy: its function, and for its parameter the symbol, default, smallest and largest value and slider step.

    `high` None means no upper limit (top-m: the whole pool). `needs_forest`: it reads RouterScores.forest.
    """

    function: Callable[[PolicyInputs, float, By | None], Selection]
    help: str
    symbol: str | None = None
    default: float | None = None
    low: float = 0.0
    high: float | None = 1.0
    step: float = 0.05
    needs_forest: bool = False

    def grid(self, pool: int) -> list[float]:
        """The values `:auto` tries for a pool of that many LLMs."""
        high = pool if self.high is None else self.high
        return [round(self.low + step * self.step, 9) for step in range(round((high - self.low) / self.step) + 1)]


POLICIES: dict[str, PolicyInfo] = {
    "argmax": PolicyInfo(_argmax, "the LLM with the highest probability"),
    "random": PolicyInfo(
        _random, "any of the top three where no probability exceeds 0.6, else argmax; its expectation"
    ),
    "prediction": PolicyInfo(
        _prediction, "argmax of a forest that reads all the router's probabilities", needs_forest=True
    ),
    "sorted-prediction": PolicyInfo(
        _sorted_prediction, "the least accurate LLM that the forest believes right", needs_forest=True
    ),
    "cost-aware": PolicyInfo(_cost_aware, "argmax of p − λ·latency/largest latency (or of cost)", "λ", 0.15),
    "threshold": PolicyInfo(_threshold, "every LLM with p ≥ τ, at least the best; pooled vote", "τ", 0.6),
    "top-m": PolicyInfo(_top_m, "the m LLMs with the highest probabilities; pooled vote", "m", 2, 1, None, 1),
    "cascade": PolicyInfo(_cascade, "from fast to slow until the leading answer's share reaches τ", "τ", 0.8),
}


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A policy with its parameter: a number, "auto" (tuned on validation) or None where it has none.

    `by` makes cost-aware look at cost instead of latency.
    """

    name: str
    parameter: float | Literal["auto"] | None = None
    by: By | None = None

    def __str__(self) -> str:
        parameter = f"{self.parameter:g}" if isinstance(self.parameter, float | int) else self.parameter
        return ":".join(part for part in (self.name, parameter, self.by) if part is not None)


def parse_policy(text: str) -> PolicySpec:
    """Read "argmax", "threshold:0.6", "cost-aware:auto" or "cost-aware:0.2:cost"; the default fills a missing value.

    Raises:
        UnknownNameError: no such policy.
        UsageError: a value that the policy doesn't take.
    """
    name, *rest = text.strip().split(":")
    if name not in POLICIES:
        raise UnknownNameError("policy", name, POLICIES)
    info = POLICIES[name]
    if info.symbol is None:
        if rest:
            raise UsageError(f"policy {name} takes no value", f"write {name}")
        return PolicySpec(name)
    by = rest.pop() if name == "cost-aware" and rest and rest[-1] in ("latency", "cost") else None
    if len(rest) > 1:
        raise UsageError(f"policy {text.strip()!r} has too many values", f"for example {name}:{info.default:g}")
    return PolicySpec(name, _parameter(name, info, rest[0]) if rest else info.default, by)  # type: ignore[arg-type]


def _parameter(name: str, info: PolicyInfo, text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    whole = info.high is None
    try:
        value: float = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if not (info.low <= value <= (math.inf if info.high is None else info.high)):
        limits = f"a whole number from {info.low:g}" if whole else f"a number from {info.low:g} to {info.high:g}"
        raise UsageError(
            f"policy {name} takes {limits} or auto, not {text!r}", f"for example {name}:{info.default:g}"
        ) from None
    return value


def candidates(spec: PolicySpec, pool: int) -> Iterator[PolicySpec]:
    """The policies that `:auto` chooses from, for a pool of that many LLMs."""
    for value in POLICIES[spec.name].grid(pool):
        yield PolicySpec(spec.name, int(value) if POLICIES[spec.name].high is None else value, spec.by)


def select(spec: PolicySpec, inputs: PolicyInputs) -> Selection:
    """The policy's selection. A parameter "auto" must have been tuned before.

    Raises:
        NotAvailableError: the data can't give it; the message says why.
    """
    info = POLICIES[spec.name]
    value = info.default if spec.parameter is None else spec.parameter
    if isinstance(value, str):
        raise UsageError(f"policy {spec} is not tuned yet", "tune it on validation or give a number")
    return info.function(inputs, 0.0 if value is None else value, spec.by)
