"""The setup on the screen, which determines every figure, and what there is to choose from in the loaded run.

Every change of it is a new value: `ShownSetup` is immutable, `Space` says what it can be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from selectllm_engine.llms import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectllm_tui.limits import Stops

__all__ = ["LOOKING", "WITHOUT_ROUTER", "ShownSetup", "Slider", "Space", "step_from"]

ProtocolName = Literal["corrected", "paper"]
BEST_SINGLE = "best-single"
# Policies that choose without a router, too.
WITHOUT_ROUTER = ("cascade", "vote:auto", "cascade-value")
LOOKING = ("cost-aware", "cascade-value")  # policies that may look at seconds or dollars


@dataclass(frozen=True, slots=True)
class Slider:
    """The parameter of a policy: its symbol and the values that keys step through.

    An `endless` one may be infinite, one with a `most` larger than `high`, up to that.
    """

    symbol: str
    low: float
    high: float
    step: float
    default: float
    endless: bool = False
    most: float | None = None

    def fit(self, value: float) -> float:
        """`value` where the policy takes it, on the grid or not; else the nearest."""
        taken = self.low <= value <= (self.most or self.high) or (self.endless and value == math.inf)
        return value if taken else self.clamp(value)

    @property
    def values(self) -> list[float]:
        """Those that keys step through, and infinity where that is one."""
        steps = round((self.high - self.low) / self.step)
        return [
            *(self.clamp(self.low + at * self.step) for at in range(steps + 1)),
            *([math.inf] if self.endless else []),
        ]

    def clamp(self, value: float) -> float:
        """The nearest to `value` within the range and on the grid of steps."""
        steps = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return round(min(max(self.low + steps * self.step, self.low), self.high), 6)


@dataclass(frozen=True, slots=True)
class Space:
    """What a loaded run offers: `policies` maps each name to the slider of its parameter, or None.

    `stops` are the values of the sliders of a recommendation. `no_learned_vote` says why no vote can be learned from
    its labelled questions; empty where one can.
    """

    benchmark: str
    llms: tuple[str, ...]
    routers: tuple[str, ...]
    policies: dict[str, Slider | None] = field(hash=False)
    samples: int
    splits: tuple[str, ...]
    no_learned_vote: str = ""
    stops: Stops = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ShownSetup:
    """Pool, router, policy and the rest: what every figure is a function of.

    `router` is None where none is trained, or none is wanted; `k` is 0 where only labels are known; `parameters` holds
    the value of each policy that has a slider, so that switching policies forgets nothing, and `by` what policies look
    at that may look at seconds or dollars. `vote` is how samples of several LLMs become one answer: equal, learned, or
    by a file of weights; `against` is the row, by the name that `evaluate` prints, that the others are compared with.
    """

    pool: Pool
    router: str | None
    policy: str
    parameters: tuple[tuple[str, float], ...]
    k: int
    protocol: ProtocolName
    split: str
    vote: str = "equal"
    against: str = BEST_SINGLE
    by: str | None = None

    @classmethod
    def of(cls, space: Space) -> ShownSetup:
        """Where an explorer starts: everything on, the first router, argmax, all samples, the test split."""
        return cls(
            pool=Pool.of(space.llms),
            router=next(iter(space.routers), None),
            policy="argmax" if "argmax" in space.policies else next(iter(space.policies)),
            parameters=tuple((name, slider.default) for name, slider in space.policies.items() if slider),
            k=space.samples,
            protocol="corrected",
            split="test" if "test" in space.splits else space.splits[-1],
        )

    @property
    def parameter(self) -> float | None:
        """The value of the current policy's parameter, None where it has none."""
        return self.parameter_of(self.policy)

    def parameter_of(self, policy: str) -> float | None:
        """The value of a policy's parameter, None where it has none."""
        return dict(self.parameters).get(policy)

    def value_of(self, policy: str) -> str:
        """The value of a policy's parameter in words; empty where it has none."""
        value = self.parameter_of(policy)
        return "" if value is None else "max" if value == math.inf else f"{value:g}"

    @property
    def chooses(self) -> bool:
        """Whether a policy chooses; else all of the pool answer."""
        return self.router is not None or self.policy in WITHOUT_ROUTER

    @property
    def essence(self) -> tuple[object, ...]:
        """What a file of it says: without its split, its reference and what other policies are set to."""
        chosen = (self.router, self.spec_of(self.policy)) if self.chooses else (None, None)
        return (self.pool.names, *chosen, self.vote, self.k, self.protocol)

    def onto(self, setup: ShownSetup) -> ShownSetup:
        """The same on the split of another setup and with its reference, and its values of other policies."""
        own = {self.policy: value} if (value := self.parameter) is not None else {}
        parameters = tuple((dict(setup.parameters) | own).items())
        return replace(self, split=setup.split, against=setup.against, parameters=parameters)

    def spec_of(self, policy: str) -> str:
        """A policy as `evaluate` takes it, with the value of its slider and what it looks at."""
        value = self.parameter_of(policy)
        if value is None:
            return policy
        looks = f":{self.by}" if self.by is not None and policy in LOOKING else ""
        return f"{policy}:{'max' if value == math.inf else f'{value:.12g}'}{looks}"

    @property
    def sentence(self) -> str:
        """The setup in a few words."""
        value = f" {self.value_of(self.policy)}".rstrip()
        parts = (
            f"{len(self.pool)} of {len(self.pool.run)} LLMs",
            f"{self.router or 'no router'} → {self.policy}{value}" if self.chooses else "no router",
            f"K {self.k}" if self.k else "",
            self.voting,
            "paper" if self.protocol == "paper" else "",
        )
        return ", ".join(part for part in parts if part)

    @property
    def voting(self) -> str:
        """How it votes, in words; empty where every sample counts alike."""
        return {"equal": "", "learned": "learned vote"}.get(self.vote, "vote by a file of weights")

    def toggle(self, llm: str) -> ShownSetup:
        """One LLM switched; raises UsageError where none would be left on."""
        return replace(self, pool=self.pool.toggle(llm))

    def with_pool(self, names: Iterable[str]) -> ShownSetup:
        """Exactly `names` on."""
        return replace(self, pool=Pool.of(self.pool.run, names))

    def with_router(self, space: Space, step: int) -> ShownSetup:
        """The next (or previous) router; the same where there is none to switch to."""
        return replace(self, router=step_from(space.routers, self.router, step)) if space.routers else self

    def with_policy(self, space: Space, step: int) -> ShownSetup:
        """The next (or previous) policy; without a router of those that do without."""
        names = tuple(space.policies) if self.router is not None else WITHOUT_ROUTER
        return replace(self, policy=step_from(names, self.policy, step))

    def with_parameter(self, space: Space, steps: int, policy: str | None = None) -> ShownSetup:
        """A policy's slider (the current one's) moved by `steps`; the same at its end or where there is no slider."""
        name = policy or self.policy
        slider, value = space.policies.get(name), self.parameter_of(name)
        if slider is None or value is None or (steps > 0 and value > slider.high):
            return self
        values = dict(self.parameters) | {name: slider.clamp(value + steps * slider.step)}
        return replace(self, parameters=tuple(values.items()))

    def at(self, policy: str, value: float, by: str | None) -> ShownSetup:
        """A policy at a value of its parameter, that looks at `by` (None: at seconds first)."""
        parameters = dict(self.parameters) | {policy: value}
        return replace(self, policy=policy, parameters=tuple(parameters.items()), by=by)

    def with_k(self, space: Space, step: int) -> ShownSetup:
        """K moved by `step` within 1 to the samples there are."""
        return replace(self, k=min(max(self.k + step, 1), space.samples)) if space.samples else self

    def with_split(self, space: Space, step: int = 1) -> ShownSetup:
        """The next split."""
        return replace(self, split=step_from(space.splits, self.split, step))

    def with_protocol(self) -> ShownSetup:
        """The other protocol; the released code counts every vote alike."""
        return replace(self, protocol="paper" if self.protocol == "corrected" else "corrected", vote="equal")

    def with_vote(self) -> ShownSetup:
        """The other vote; the released code counts every vote alike."""
        return replace(self, vote="learned" if (self.vote, self.protocol) == ("equal", "corrected") else "equal")

    def with_reference(self, name: str) -> ShownSetup:
        """Rows compared with that one; with best-single where they are already."""
        return replace(self, against=BEST_SINGLE if self.against == name else name)

    def fit(self, space: Space) -> ShownSetup:
        """The nearest setup that `space` offers: for a reloaded cache, or one remembered from earlier."""
        start = ShownSetup.of(space)
        on = [name for name in self.pool.names if name in space.llms]
        on += [name for name in space.llms if name not in self.pool.run]  # new LLMs arrive switched on
        known = dict(self.parameters)
        return replace(
            start,
            pool=Pool.of(space.llms, on or None),
            router=self.router if self.router is None or self.router in space.routers else start.router,
            policy=self.policy if self.policy in space.policies else start.policy,
            parameters=tuple(
                (name, slider.fit(known.get(name, slider.default))) for name, slider in space.policies.items() if slider
            ),
            k=min(max(self.k, 1), space.samples) if self.k else space.samples,
            protocol=self.protocol,
            split=self.split if self.split in space.splits else start.split,
            vote="equal" if space.no_learned_vote or self.protocol == "paper" else self.vote,
            against=self.against,
            by=self.by,
        )


def step_from(names: tuple[str, ...], current: str | None, step: int) -> str:
    """The name so many steps from the current one, round the end; the first where there is no current one."""
    at = names.index(current) if current in names else -step
    return names[(at + step) % len(names)]
