"""Policies: a router's probabilities and a pool in, a selection out.

A selection says which LLMs answer each question. Q questions, N LLMs of the run; probabilities that tie go to the
faster LLM, then the cheaper, then run order. "Faster" is an LLM's mean latency over the split's questions: known
before any answer is, it says nothing about labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.evaluation.curves import LAMBDAS
from selectllm_engine.evaluation.learned_policies import cascade_chain, cascade_value, margin, vote_auto
from selectllm_engine.evaluation.outcomes import By
from selectllm_engine.evaluation.policy_inputs import PolicyInputs
from selectllm_engine.evaluation.router_policies import (
    argmax,
    cascade,
    cost_aware,
    drawn_of_three,
    prediction,
    sorted_prediction,
    threshold,
    top_m,
)
from selectllm_engine.evaluation.selection import Selection, as_selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "POLICIES",
    "By",
    "PolicyFunction",
    "PolicyInfo",
    "PolicyInputs",
    "PolicySpec",
    "chain_of",
    "grid_of",
    "parse_policy",
    "select",
]

PolicyFunction: TypeAlias = "Callable[[PolicyInputs], Selection | NDArray[np.generic]]"


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A policy: all that anybody has to know of it.

    Attributes:
        function: from what it may look at, its parameter and an option to a selection.
        help: what it does, in half a line.
        symbol, default, low, high, step: of its parameter; without a symbol it has none. `high` None is the pool's
            size.
        whole: whether the parameter is a whole number.
        endless: whether it may be "max", which is infinity.
        most: the largest that it may be, where that is more than `high`, at which sliders and tuning end.
        tuned: whether it may be "auto".
        options: words that may follow the parameter.
        needs_forest: it reads RouterScores.forest.
        chain: of a policy that decides only once there are answers whom it asks next: all whom it may ask, in order.
        asks_router: it reads the router's probabilities, and so waits for them.
        needs_router: it can't choose without them.
        draws: it leaves to chance which LLM answers.
        several: it may ask several LLMs about one question.
        learned: of several it counts a learned vote, whatever the vote is.
        stays: it leaves best-single only where labelled questions show a gain.
    """

    function: Callable[[PolicyInputs, float, By | None], Selection]
    help: str
    symbol: str | None = None
    default: float | None = None
    low: float = 0.0
    high: float | None = 1.0
    step: float = 0.05
    whole: bool = False
    endless: bool = False
    most: float | None = None
    tuned: bool = True
    options: tuple[By, ...] = ()
    needs_forest: bool = False
    chain: Callable[[PolicyInputs, float, By | None], Sequence[int]] | None = None
    asks_router: bool = True
    needs_router: bool = True
    draws: bool = False
    several: bool = False
    learned: bool = False
    stays: bool = False

    @property
    def stops_early(self) -> bool:
        """Whether it decides only once there are answers whom it asks next."""
        return self.chain is not None

    def top(self, pool: int) -> float:
        """The largest value for a pool of that many LLMs."""
        return float(pool) if self.high is None else self.high

    def takes(self, value: object) -> bool:
        """Whether the parameter can have a value."""
        if not isinstance(value, int | float) or isinstance(value, bool) or (self.whole and value % 1 != 0):
            return False
        top = math.inf if self.high is None or self.endless else self.most or self.high
        return self.low <= value <= top and (self.endless or value < math.inf)

    def value(self, number: float) -> float:
        """A value of the parameter as it is written: whole where it must be."""
        return int(number) if self.whole else number

    def grid(self, pool: int) -> list[float]:
        """The values `:auto` tries for a pool of that many LLMs."""
        steps = round((self.top(pool) - self.low) / self.step)
        return [self.value(round(self.low + step * self.step, 9)) for step in range(steps + 1)]


POLICIES: dict[str, PolicyInfo] = {
    "argmax": PolicyInfo(argmax, "the LLM with the highest probability"),
    "random": PolicyInfo(
        drawn_of_three,
        "any of the top three where no probability exceeds 0.6, else argmax; its expectation",
        draws=True,
    ),
    "prediction": PolicyInfo(
        prediction, "argmax of a forest that reads all the router's probabilities", needs_forest=True
    ),
    "sorted-prediction": PolicyInfo(
        sorted_prediction, "the least accurate LLM that the forest believes right", needs_forest=True
    ),
    "cost-aware": PolicyInfo(
        cost_aware,
        "argmax of p − λ·latency/largest latency (or of cost)",
        symbol="λ",
        default=0.15,
        most=LAMBDAS[-1],
        options=("latency", "cost"),
    ),
    "threshold": PolicyInfo(
        threshold, "every LLM with p ≥ τ, at least the best; pooled vote", symbol="τ", default=0.6, several=True
    ),
    "top-m": PolicyInfo(
        top_m,
        "the m LLMs with the highest probabilities; pooled vote",
        symbol="m",
        default=2,
        low=1,
        high=None,
        step=1,
        whole=True,
        several=True,
    ),
    "cascade": PolicyInfo(
        cascade,
        "from fast to slow until the leading answer's share reaches τ",
        symbol="τ",
        default=0.8,
        chain=lambda inputs, _, __: inputs.order.tolist(),
        asks_router=False,
        needs_router=False,
        several=True,
    ),
    "margin": PolicyInfo(
        margin, "best-single, unless another's predicted gain is large enough to be believed", stays=True
    ),
    "vote:auto": PolicyInfo(
        vote_auto,
        "the learned vote of the most accurate LLMs, as few as will do",
        needs_router=False,
        several=True,
        learned=True,
    ),
    "cascade-value": PolicyInfo(
        cascade_value,
        "from cheap to dear while asking on is worth its price; B × best-single's latency",
        symbol="B",
        default=1.0,
        low=0.25,
        high=4.0,
        step=0.25,
        options=("latency", "cost"),
        endless=True,
        tuned=False,
        chain=cascade_chain,
        needs_router=False,
        several=True,
        learned=True,
        stays=True,
    ),
}


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A policy with its parameter: a number, "auto" (tuned on validation) or None for its default.

    `by` makes cost-aware look at cost instead of latency. `function` is a policy of one's own, called `name`: it gets
    the inputs and returns a `Selection`, or an array as `as_selection` takes it.

    Raises:
        UnknownNameError: no such policy.
        UsageError: a value that the policy doesn't take.
    """

    name: str
    parameter: float | Literal["auto"] | None = None
    by: By | None = None
    function: PolicyFunction | None = None

    def __post_init__(self) -> None:
        if self.function is not None:
            if not callable(self.function):
                raise UsageError(f"policy {self.name} is no function", 'write for example {"mine": function}')
            return
        if self.name not in POLICIES:
            raise UnknownNameError("policy", self.name, POLICIES)
        info = POLICIES[self.name]
        if info.symbol is None and (self.parameter is not None or self.by is not None):
            raise UsageError(f"policy {self.name} takes no value", f"write {self.name}")
        if self.by is not None and self.by not in info.options:
            looking = [f"{name} can: at {' or '.join(each.options)}" for name, each in POLICIES.items() if each.options]
            raise UsageError(f"policy {self.name} can't look at {self.by!r}", "; ".join(looking))
        if isinstance(self.parameter, np.generic):
            object.__setattr__(self, "parameter", self.parameter.item())
        tuned = self.parameter == "auto" and info.tuned
        if self.parameter is not None and not tuned and not info.takes(self.parameter):
            limits = f"{'a whole number' if info.whole else 'a number'} from {info.low:g}"
            limits += "" if info.high is None or info.endless else f" to {info.most or info.high:,.9g}"
            word = "auto" if info.tuned else "max"
            raise UsageError(
                f"policy {self.name} takes {limits} or {word}, not {self.parameter!r}",
                f"for example {self.name}:{info.default:g}",
            )

    @property
    def number(self) -> float | None:
        """The parameter where it is a number."""
        finite = isinstance(self.parameter, int | float) and self.parameter < math.inf
        return self.parameter if finite else None  # type: ignore[return-value]

    @property
    def policy(self) -> str:
        """The policy as a row has it beside its number: "cascade-value:max" where that is no number."""
        return f"{self.name}:max" if self.parameter == math.inf else self.name

    @property
    def needs_forest(self) -> bool:
        """Whether it reads RouterScores.forest; of a function that is there only where one is stored."""
        return self.function is None and POLICIES[self.name].needs_forest

    def __str__(self) -> str:
        parameter = f"{self.parameter:g}" if isinstance(self.parameter, float | int) else self.parameter
        parameter = "max" if parameter == "inf" else parameter
        return ":".join(part for part in (self.name, parameter, self.by) if part is not None)


def parse_policy(text: str) -> PolicySpec:
    """Read "argmax", "threshold:0.6", "cost-aware:auto" or "cost-aware:0.2:cost"; the default fills a missing value.

    Raises:
        UnknownNameError: no such policy.
        UsageError: a value that the policy doesn't take.
    """
    if text.strip() in POLICIES:
        return PolicySpec(text.strip(), POLICIES[text.strip()].default)
    name, *rest = text.strip().split(":")
    if name not in POLICIES:
        raise UnknownNameError("policy", name, POLICIES)
    info = POLICIES[name]
    by = next((option for option in info.options if rest and rest[-1] == option), None)
    rest = rest[:-1] if by else rest
    if len(rest) > 1 and info.symbol is not None:
        raise UsageError(f"policy {text.strip()!r} has too many values", f"for example {name}:{info.default:g}")
    parameter = _value(rest[0], info) if rest else info.default
    return PolicySpec(name, parameter, by)  # type: ignore[arg-type]


def _value(text: str, info: PolicyInfo) -> float | str:
    """The number that a text is; other texts as they are, for the policy to refuse."""
    if text == "max" and info.endless:
        return math.inf
    try:
        return int(text) if info.whole else float(text)
    except ValueError:
        return text


def grid_of(spec: PolicySpec, pool: int) -> Iterator[PolicySpec]:
    """The policies that `:auto` chooses from, for a pool of that many LLMs."""
    for value in POLICIES[spec.name].grid(pool):
        yield PolicySpec(spec.name, value, spec.by)


def chain_of(spec: PolicySpec, inputs: PolicyInputs) -> Sequence[int] | None:
    """Whom a policy that stops early may ask, in order; None for other policies. Raises as `select` does."""
    info = None if spec.function is not None else POLICIES[spec.name]
    if info is None or info.chain is None:
        return None
    return info.chain(inputs, _parameter(spec), spec.by)


def select(spec: PolicySpec, inputs: PolicyInputs) -> Selection:
    """The policy's selection. A parameter "auto" must have been tuned before.

    Raises:
        NotAvailableError: the data can't give it; the message says why.
        UsageError: "auto" is not tuned yet, or a function gives no selection.
    """
    if spec.function is not None:
        return as_selection(spec.function(inputs), spec.name, len(inputs.probabilities), inputs.llms, inputs.order)
    return POLICIES[spec.name].function(inputs, _parameter(spec), spec.by)


def _parameter(spec: PolicySpec) -> float:
    value = POLICIES[spec.name].default if spec.parameter is None else spec.parameter
    if isinstance(value, str):
        raise UsageError(f"policy {spec} is not tuned yet", "tune it on validation or give a number")
    return 0.0 if value is None else value
