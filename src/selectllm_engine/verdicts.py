"""What became of a question: six verdicts, each with the sentence that every face shows."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Verdict"]


class Verdict(StrEnum):
    """What became of a question. Every wrong answer is exactly one of unsolvable, misrouted and outvoted.

    Attributes:
        code: how arrays of verdicts hold it: its place among the verdicts.
        sentence: what it means.
    """

    RIGHT = "right", "the answer is right"
    UNSOLVABLE = "unsolvable", "no LLM of the pool is right"
    MISROUTED = "misrouted", "an LLM of the pool is right, none selected is"
    OUTVOTED = "outvoted", "a selected LLM is right, the pooled vote is not"
    RESCUED = "rescued", "the pooled vote is right, no LLM of the pool is"
    UNKNOWN = "unknown", "it needs votes, and only labels are known"

    code: int
    sentence: str

    def __new__(cls, value: str, sentence: str) -> Verdict:
        """A verdict with its code and sentence."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.code = len(cls.__members__)
        made.sentence = sentence
        return made

    @classmethod
    def of(cls, code: int) -> Verdict:
        """The verdict that an array holds as that code."""
        return tuple(cls)[code]
