"""Completion in bash past a colon: bash takes `knn:tfidf` for three words, and an answer for what follows the colon."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ASKED", "completed_in_bash", "rejoined"]

ASKED = "complete_bash"  # the value of _SELECTLLM_COMPLETE with which bash asks
_BREAKS = {":", "="}


def rejoined(words: Sequence[str], at: int) -> tuple[list[str], int]:
    """The words as they were typed, and the place among them of the one that stands at `at`."""
    made: list[str] = []
    place, follows = at, False
    for number, word in enumerate(words):
        breaks = bool(word) and set(word) <= _BREAKS
        if made and (breaks or (follows and word)):
            made[-1] += word
        else:
            made.append(word)
        if number == at:
            place = len(made) - 1
        follows = breaks
    return made, place if at < len(words) else len(made)


def completed_in_bash(complete: Callable[[], int]) -> int:
    """Have `complete` answer for the words as they were typed, and leave out of its lines what bash has already."""
    split, at = os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD", "0"))
    typed = (
        split[at] if at < len(split) and not set(split[at]) <= _BREAKS else ""
    )  # which the answer takes the place of
    words, at = rejoined(split, at)
    os.environ.update(COMP_WORDS="\n".join(words), COMP_CWORD=str(at))
    there = words[at].removesuffix(typed).rpartition("=")[2] if at < len(words) else ""
    answer = io.StringIO()
    try:
        with contextlib.redirect_stdout(answer):
            return complete()
    finally:  # it leaves by SystemExit
        sys.stdout.write("".join(f"{line.removeprefix(there)}\n" for line in answer.getvalue().splitlines()))
