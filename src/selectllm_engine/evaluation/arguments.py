"""What `evaluate` takes for routers and policies, however it is given, as what the evaluation works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation.policies import POLICIES, PolicyFunction, PolicySpec, parse_policy
from selectllm_engine.evaluation.router_scores import RouterScores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Policies", "Policy", "Router", "Routers", "as_routers", "as_spec", "as_specs"]

Policy: TypeAlias = "str | PolicySpec | PolicyFunction"
Policies: TypeAlias = "Policy | Sequence[Policy] | Mapping[str, PolicyFunction]"
Router: TypeAlias = "str | RouterScores"
Routers: TypeAlias = "Router | Sequence[Router] | Mapping[str, ArrayLike]"


def as_spec(policy: Policy) -> PolicySpec:
    """A policy given as a text, a `PolicySpec` or a function, which is called by its name.

    Raises:
        UnknownNameError: no such policy.
        UsageError: it is something else, or a value that the policy doesn't take.
    """
    if isinstance(policy, PolicySpec):
        return policy
    if isinstance(policy, str):
        return parse_policy(policy)
    if callable(policy):
        return PolicySpec(getattr(policy, "__name__", "own"), function=policy)
    kind = type(policy).__name__
    raise UsageError(f"a policy is a text, a PolicySpec or a function, not {kind}", f"texts are {', '.join(POLICIES)}")


def as_specs(policy: Policies | None, *, all_policies: bool = False) -> list[PolicySpec]:
    """One policy or several, or functions by name; without any argmax, or with `all_policies` each at its default.

    Raises as `as_spec` does.
    """
    if policy is None:
        return [parse_policy(name) for name in (POLICIES if all_policies else ("argmax",))]
    if isinstance(policy, Mapping):
        return [PolicySpec(name, function=function) for name, function in policy.items()]
    several: Sequence[Policy] = policy if isinstance(policy, Sequence) and not isinstance(policy, str) else [policy]
    return list(dict.fromkeys(as_spec(each) for each in several))


def as_routers(router: Routers) -> list[Router]:
    """One router or several, or probabilities [Q, N] by name: names and scores.

    Raises:
        UsageError: it is something else, or the probabilities are none.
    """
    if isinstance(router, Mapping):
        return [
            RouterScores(name, cast("NDArray[np.float32]", probabilities)) for name, probabilities in router.items()
        ]
    several = list(router) if isinstance(router, Sequence) and not isinstance(router, str) else [router]
    for each in several:
        if not isinstance(each, str | RouterScores):
            kind = "an array" if isinstance(each, np.ndarray) else type(each).__name__
            raise UsageError(
                f"a router is a name or RouterScores, not {kind}", 'call probabilities by a name: {"mine": array}'
            )
    return several
