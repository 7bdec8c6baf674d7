"""What a kind of answers is: how it is read from a text, what of it is canonical, and how a prompt asks for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectllm_engine.answers.statements import Found, Statement

__all__ = ["AnswerKind", "Stated", "f1_of"]


def f1_of(first: list[str], second: list[str]) -> float:
    """The F1 of what two lists share, each element as often as it is there: twice that, over the elements of both."""
    return 2 * (Counter(first) & Counter(second)).total() / (len(first) + len(second))


class Stated(Protocol):
    """How an answer is read from a statement of it: None where there is none, `NO_ANSWER` where what it names is none.

    `choices` is how many letters are options. `opens`: the text begins with the statement, which may head a solution.
    """

    def __call__(self, text: str, statement: Statement, choices: int, *, opens: bool) -> Found | None:
        """The answer that a statement names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKind:
    """One kind of answers.

    Attributes:
        bare: text, number of options → the answer that a text is and nothing else, such as a gold one.
        stated: the answer that a statement names.
        last: text, start, stop, number of options → what a text without a statement of its answer gives.
        form: the end of a sentence that asks for steps and "one final answer …".
        terse: how to ask for the answer alone; without an example, which small LLMs repeat.
        words: whether any words can be an answer, so that "none of these" is one rather than none.
        likeness: canonical answer, gold one → from 0 to 1 how much they share; None where that says nothing.
    """

    bare: Callable[[str, int], Found | None]
    stated: Stated
    last: Callable[[str, int, int, int], Found | None]
    form: str
    terse: str
    words: bool = False
    likeness: Callable[[str | None, str], float] | None = None
