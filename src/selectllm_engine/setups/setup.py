"""A setup: everything that says which LLMs answer a question, and how they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.evaluation import NO_ROUTER, POLICIES, PROTOCOLS, VOTE_RULES, parse_policy

if TYPE_CHECKING:
    from selectllm_engine.evaluation import PolicySpec

__all__ = ["Setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What one runs, all names and numbers.

    Without router and policy a pool of one answers alone, and a larger one votes as a whole. A policy may do without a
    router where its `PolicyInfo` says so.

    Attributes:
        benchmark: whose results it is evaluated on.
        kind: of answers, such as "number"; of several all, with "+" between; None for whatever they are.
        pool: names of the LLMs, in the order of the run.
        router: its name; None for none.
        policy: as it is written, for example "threshold:0.4"; None for none.
        vote: "equal", "learned", or a file of weights.
        k: the first k samples vote, in evaluation; None for all there are.
        protocol: "corrected" or "paper".
        router_digest, vote_digest: of the router, and of what the vote's weights are or are learned from; None where
            there is none, or nobody knows it.
        samples: how many times each LLM is asked where the setup is served.

    Raises:
        UsageError: a value that can't be, or a policy that needs a router where there is none.
        UnknownNameError: an unknown policy or protocol.
    """

    benchmark: str
    pool: tuple[str, ...]
    kind: str | None = None
    router: str | None = None
    policy: str | None = None
    vote: str = "equal"
    k: int | None = None
    protocol: str = "corrected"
    router_digest: str | None = None
    vote_digest: str | None = None
    samples: int = 1

    def __post_init__(self) -> None:
        if not self.pool or len(set(self.pool)) < len(self.pool):
            raise UsageError(f"a setup's pool is {list(self.pool)}", "name one LLM or several, each once")
        if self.protocol not in PROTOCOLS:
            raise UnknownNameError("protocol", self.protocol, PROTOCOLS)
        if (self.k is not None and self.k < 1) or self.samples < 1:
            raise UsageError(f"a setup has k {self.k} and samples {self.samples}", "take 1 or more")
        if self.router is not None and self.policy is None:
            object.__setattr__(self, "policy", "argmax")
        if (spec := self.spec) is not None and self.router is None and POLICIES[spec.name].needs_router:
            without = [name for name, info in POLICIES.items() if not info.needs_router]
            raise UsageError(
                f"policy {spec} chooses by a router, and the setup has none", f"{', '.join(without)} do without"
            )

    @property
    def spec(self) -> PolicySpec | None:
        """The policy; None without one."""
        return None if self.policy is None else parse_policy(self.policy)

    @property
    def name(self) -> str:
        """What tables call it: the LLM, the vote, or router and policy."""
        if self.policy is None:
            return self.pool[0] if len(self.pool) == 1 else "all-llms"
        return f"{self.router or NO_ROUTER} {self.policy}"

    @property
    def learns(self) -> bool:
        """Whether it votes by weights that are learned from the run's labelled questions."""
        return self.vote == "learned" or ((spec := self.spec) is not None and POLICIES[spec.name].learned)

    @property
    def asks_several(self) -> bool:
        """Whether several LLMs may answer one question."""
        return len(self.pool) > 1 and ((spec := self.spec) is None or POLICIES[spec.name].several)

    @property
    def vote_file(self) -> str | None:
        """The file of the vote's weights; None where the vote is a rule."""
        return None if self.vote in VOTE_RULES else self.vote
