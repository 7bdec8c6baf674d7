"""Short free texts: equal without case, punctuation and articles, or else by how many words they share.

So SQuAD compares them (Rajpurkar et al. 2016, arXiv 1606.05250). A gold answer may have aliases, between `|`.
"""

from __future__ import annotations

import re

from selectllm_engine.answers import words
from selectllm_engine.answers.kind import AnswerKind, f1_of
from selectllm_engine.answers.statements import NO_ANSWER, Found, Statement

__all__ = ["ALIASES", "KIND", "normalised", "word_f1"]

ALIASES = " | "  # between those of a canonical gold answer

_DROPPED = re.compile(r"(?:[^\w\s.,]|_|[.,](?!\d)|(?<!\d)[.,])+")
_ARTICLES = re.compile(r"\b(?:an?|the)\b")


def normalised(text: str) -> str:
    """The text without case, articles, punctuation (that of numbers aside) and repeated white space."""
    return " ".join(_ARTICLES.sub(" ", _DROPPED.sub(" ", text.casefold())).split())


def _bare(text: str, choices: int) -> Found | None:  # noqa: ARG001 - of all kinds
    aliases = dict.fromkeys(each for alias in text.split("|") if (each := normalised(alias)))
    return Found(ALIASES.join(aliases), 0, len(text)) if aliases else None


def word_f1(answer: str | None, gold: str) -> float:
    """The F1 of the words of a canonical answer and of a gold one, of its aliases the most like it; 0 without answer.

    Source: SQuAD's evaluation (Rajpurkar et al. 2016): twice the shared words, over the words of both.
    """
    if answer == gold:  # all of its aliases, which stand for one of them
        return 1.0
    return max(f1_of(answer.split(), alias.split()) for alias in gold.split(ALIASES)) if answer else 0.0


def _stated(text: str, statement: Statement, choices: int, *, opens: bool) -> Found | None:  # noqa: ARG001
    return _of(text, words.stated(text, statement, opens=opens))


def _last(text: str, start: int, stop: int, choices: int) -> Found | None:  # noqa: ARG001
    return _of(text, words.last(text, start, stop))


def _of(text: str, found: Found | None) -> Found | None:
    if found is None or found is NO_ANSWER:
        return found
    answer = normalised(text[found.start : found.end])
    return Found(answer, found.start, found.end) if answer else None


KIND = AnswerKind(
    bare=_bare,
    stated=_stated,
    last=_last,
    form='as "The answer is X.", where X is a few words.',
    terse='Reply with "The answer is", followed by a few words.',
    words=True,
    likeness=word_f1,
)
