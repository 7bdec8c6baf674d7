"""Short free texts: equal without case, punctuation and articles.

So SQuAD compares them (Rajpurkar et al. 2016, arXiv 1606.05250).
"""

from __future__ import annotations

import re

from selectllm_engine.answers import words
from selectllm_engine.answers.kind import AnswerKind
from selectllm_engine.answers.statements import NO_ANSWER, Found, Statement

__all__ = ["KIND", "normalised"]

_DROPPED = re.compile(r"(?:[^\w\s.,]|_|[.,](?!\d)|(?<!\d)[.,])+")
_ARTICLES = re.compile(r"\b(?:an?|the)\b")


def normalised(text: str) -> str:
    """The text without case, articles, punctuation (that of numbers aside) and repeated white space."""
    return " ".join(_ARTICLES.sub(" ", _DROPPED.sub(" ", text.casefold())).split())


def _bare(text: str, choices: int) -> Found | None:  # noqa: ARG001 - of all kinds
    answer = normalised(text)
    return Found(answer, 0, len(text)) if answer else None


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
)
