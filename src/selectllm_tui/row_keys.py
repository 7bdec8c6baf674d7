"""What names a row of figures in the explorer, whatever pool and router it is of."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

__all__ = ["BOUND", "RowKey", "baseline", "llm", "policy"]

Kind = Literal["baseline", "bound", "policy", "llm"]


class RowKey(NamedTuple):
    """A baseline, the router's upper bound, the router with a policy, or an LLM; as text the key of a table's row."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def printed(self, router: str | None, spec: str = "") -> str:
        """The row's name as `evaluate` prints it; of a policy `spec` is with its value."""
        if self.kind == "policy":
            return f"{router} {spec or self.name}"
        return f"{router} upper-bound" if self.kind == "bound" else self.name

    @classmethod
    def parse(cls, text: str) -> RowKey:
        """The row key that a text was made of."""
        kind, _, name = text.partition(":")
        return cls(cast("Kind", kind), name)


def baseline(name: str) -> RowKey:
    """The row of a baseline: oracle, all-llms, best-single, random."""
    return RowKey("baseline", name)


def policy(name: str) -> RowKey:
    """The row of the setup's router with a policy."""
    return RowKey("policy", name)


def llm(name: str) -> RowKey:
    """The row of an LLM."""
    return RowKey("llm", name)


BOUND = RowKey("bound", "")  # the upper bound of the setup's router
