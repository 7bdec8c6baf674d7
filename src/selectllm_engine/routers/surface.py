"""What a question looks like, without its words: twelve counts that say how hard it may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.routers.features import lengths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["SURFACE", "surface"]

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+")
_COUNTED = (
    re.compile(r"[+*/=<>^%×÷−≤≥]|(?<=\s)-(?=\s)"),  # operators
    re.compile(r"[\\${}_]"),  # LaTeX
    re.compile(r"\n"),
    re.compile(r"\b(?:not|no|never|none|neither|nor|except|without|false|cannot|\w+n't)\b", re.IGNORECASE),
    re.compile(r"\b(?:if|each|every|all|any|some|more|less|than|least|most|only|same)\b", re.IGNORECASE),
    re.compile(r"[,;:()]"),
    re.compile(r"[A-Z]"),
)
SURFACE = 3 + len(_COUNTED) + 2


def surface(questions: Sequence[str]) -> NDArray[np.float64]:
    """log(1 + count), [Q, 12].

    Tokens, numbers, sentence ends; operators, LaTeX signs, lines, negations, conditions and comparisons, commas and
    brackets, capitals; digits of the longest number, letters of the mean word.
    """
    counts = np.zeros((len(questions), SURFACE - 3))
    for row, text in enumerate(questions):
        words, numbers = _WORD.findall(text), _NUMBER.findall(text)
        counts[row, : len(_COUNTED)] = [len(pattern.findall(text)) for pattern in _COUNTED]
        counts[row, -2] = max(map(len, numbers), default=0)
        counts[row, -1] = sum(map(len, words)) / len(words) if words else 0.0
    return np.hstack([lengths(questions), np.log1p(counts)])
