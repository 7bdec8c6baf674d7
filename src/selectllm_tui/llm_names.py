"""What the LLMs of a run are called where there is little room: a key each, and names without what all of them share.

The first nine have a digit, the next a letter: those that move a cursor or switch the whole pool are none of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DIGITS", "LETTERS", "families", "key_of", "matching", "number_of", "short_names"]

DIGITS = "123456789"
# What is left out acts on lists and pools: all, undo, down …
LETTERS = "bcdefimnoprstvwyzABCDEFIJKLMNOPQRSTVWXYZ"
_KEYS = DIGITS + LETTERS
_MARKS = "-_/:. "  # between the words of a name


def key_of(at: int) -> str:
    """The key of the LLM at a place of the run; empty where the letters are used up."""
    return _KEYS[at] if at < len(_KEYS) else ""


def number_of(key: str) -> int | None:
    """The place of the LLM with a key; None where no LLM can have it."""
    at = _KEYS.find(key) if len(key) == 1 else -1
    return at if at >= 0 else None


@lru_cache(maxsize=64)
def short_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names without the words that all of them begin and end with; as they are where that would leave nothing."""
    if len(names) < 2:
        return names
    shared = _shared(names)
    rest = [name[len(shared) :] for name in names]
    tail = len(_shared([name[::-1] for name in rest]))
    short = tuple(name[: len(name) - tail] for name in rest)
    return short if all(short) else names


def _shared(names: Sequence[str]) -> str:
    """What all begin with, up to the last mark between words."""
    first, last = min(names), max(names)
    size = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: max(map(first[:size].rfind, _MARKS)) + 1]


def families(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """LLMs whose names begin with the same word, by it: those of two or more, where that isn't all of them."""
    found: dict[str, list[str]] = {}
    for name, short in zip(names, short_names(names), strict=True):
        if word := re.match(r"[^\W\d_]+", short):
            found.setdefault(word[0].casefold(), []).append(name)
    return {word: tuple(each) for word, each in found.items() if 1 < len(each) < len(names)}


def matching(names: Sequence[str], text: str) -> tuple[str, ...]:
    """The names that have every word of a text, and none of those after a minus."""
    terms = [(word.removeprefix("-"), word.startswith("-")) for word in text.casefold().split()]
    return tuple(name for name in names if all((word in name.casefold()) != without for word, without in terms if word))
