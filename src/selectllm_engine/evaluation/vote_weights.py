"""A learned vote's weights: what an LLM's samples count, as a value that can be shown, stored and used elsewhere."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Match", "VoteWeights"]

FORMAT = 1
POPULARITY = 3  # the candidate's share of all votes cast, its square, and whether more than one LLM gave it


@dataclass(frozen=True, slots=True)
class Match:
    """How weights fit the LLMs of another run.

    Attributes:
        known: names of both.
        missing: LLMs of the run without a weight: their samples don't vote.
        unused: LLMs with a weight that the run has not.
    """

    known: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteWeights:
    """The weights of a learned vote; scores are in nats.

    Attributes:
        llms: names.
        own: β + τ·z, what all samples of an LLM together add to the score of their answer, beyond `every`.
        every: σ, what they add whichever LLM they are of.
        popularity: η of the share of all votes cast, its square, and of having more votes than one LLM can give; empty
            where the vote was learned without.
        text: γ of the router's opinion of the LLMs on this question; None where the vote was learned without.
        rates: the LLMs' accuracies, which that opinion is relative to; empty without `text`.
        none: g of "no candidate is right": constant, ln(1 + candidates), and with `text` the mean opinion.
        penalty: λ.
        benchmark, questions, samples: what it was learned on, from how many labelled questions at which K.
    """

    llms: tuple[str, ...]
    own: tuple[float, ...]
    every: float
    popularity: tuple[float, ...]
    text: float | None
    rates: tuple[float, ...]
    none: tuple[float, ...]
    penalty: float
    benchmark: str
    questions: int
    samples: int

    def weight(self, llm: str, opinion: float = 0.0) -> float:
        """What all samples of an LLM together add to the score of an answer that they all give, in nats.

        `opinion` is the router's of this LLM on the question (`labelled_questions.opinions`).
        """
        return self.own[self.llms.index(llm)] + self.every + (self.text or 0.0) * opinion

    def match(self, names: Sequence[str]) -> Match:
        """Which of a run's LLMs have a weight."""
        return Match(
            known=tuple(name for name in names if name in self.llms),
            missing=tuple(name for name in names if name not in self.llms),
            unused=tuple(name for name in self.llms if name not in names),
        )

    def to_dict(self) -> dict[str, Any]:
        """The object that `from_dict` reads: numbers, strings, lists and null alone."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {"format": FORMAT, "kind": "learned vote", **plain}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> VoteWeights:
        """The weights that `to_dict` gave.

        Raises:
            UsageError: it is of a newer format, or no such weights.
        """
        if stored.get("kind") != "learned vote":
            raise UsageError("these are no weights of a learned vote", "selectllm export vote FILE writes some")
        if isinstance(stored.get("format"), int) and stored["format"] > FORMAT:
            raise UsageError("these weights were written by a newer selectllm", "pip install --upgrade selectllm")
        names = [field.name for field in fields(cls)]
        if stored.get("format") != FORMAT or set(stored) != {"format", "kind", *names}:
            wrong = sorted(set(names) ^ (set(stored) - {"format", "kind"})) or ["format"]
            raise _bad(f"{', '.join(map(str, wrong[:3]))}: missing or not known")
        llms, samples = stored["llms"], stored["samples"]
        if not isinstance(llms, list) or not llms or not all(isinstance(name, str) for name in llms):
            raise _bad("llms: a list of names is needed")
        if len(set(llms)) < len(llms):
            raise _bad("llms: a name is there twice")
        text = stored["text"]
        sizes = {
            "own": (len(llms),),
            "popularity": (0, POPULARITY),
            "rates": (0 if text is None else len(llms),),
            "none": (2 if text is None else 3,),
        }
        for name, lengths in sizes.items():
            values = stored[name]
            if not isinstance(values, list) or len(values) not in lengths or not all(map(_number, values)):
                raise _bad(f"{name}: {' or '.join(map(str, lengths))} finite numbers are needed")
        for name in ("every", "penalty", *(() if text is None else ("text",))):
            if not _number(stored[name]):
                raise _bad(f"{name}: a finite number is needed")
        if not isinstance(stored["benchmark"], str):
            raise _bad("benchmark: a name is needed")
        if not all(type(count) is int and count >= 1 for count in (stored["questions"], samples)):
            raise _bad("questions, samples: counts are needed")
        return cls(**{name: _read(stored[name]) for name in names})


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(float(each) if _number(each) else each for each in value)
    return float(value) if isinstance(value, float) else value


def _bad(problem: str) -> UsageError:
    return UsageError(
        f"these weights of a vote cannot be used: {problem}", "selectllm export vote FILE writes them anew"
    )
