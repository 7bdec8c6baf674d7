"""Lists: several answers one after the other, each compared as a word is; sets are lists whose order doesn't count.

Items are told apart by semicolons or lines, else by commas and a last "and".
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from selectllm_engine.answers import words
from selectllm_engine.answers.kind import AnswerKind, f1_of
from selectllm_engine.answers.statements import NO_ANSWER, Found, Statement, end_of_blank, end_of_sentence

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KIND", "SET", "items", "items_f1"]

_BETWEEN = "; "
_BULLET = re.compile(r"\s*(?:[-*•]|\(?\d{1,3}[.)])\s+")
_LAST = re.compile(r",?\s+(?:and|&|or)\s+")
_AROUND = ("[]", "()", "{}")
_MOST = 100  # items


def items(text: str) -> list[str]:
    """The canonical items of a list, in their order; empty where there are none."""
    text = text.strip(" \t\n.*$`\\")
    if len(text) > 1 and text[0] + text[-1] in _AROUND:
        text = text[1:-1]
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        pieces = [_BULLET.sub("", line, count=1) for line in lines]
    elif ";" in text:
        pieces = text.split(";")
    else:
        *most, last = text.split(",")
        pieces = [*most, *_LAST.split(f" {last}" if most else last, maxsplit=1)]
    found = [words.bare(piece) for piece in pieces if piece.strip()]
    return [each.answer.replace(";", ",") for each in found if each is not None][:_MOST]


def _found(text: str, start: int, stop: int) -> Found | None:
    listed = _BETWEEN.join(items(text[start:stop]))
    return Found(listed, start, stop) if listed else None


def _bare(text: str, choices: int) -> Found | None:  # noqa: ARG001 - of all kinds
    return _found(text, 0, len(text))


def _stated(text: str, statement: Statement, choices: int, *, opens: bool) -> Found | None:  # noqa: ARG001
    start = end_of_blank(text, statement.start, statement.stop)
    if statement.exact:
        return _found(text, start, statement.stop) or NO_ANSWER
    if _BULLET.match(text, start, statement.stop) and "\n" in text[start : statement.stop]:
        return _found(text, start, _after_bullets(text, start, statement.stop))
    return _found(text, start, end_of_sentence(text, start, statement.stop))


def _after_bullets(text: str, start: int, stop: int) -> int:
    """Where lines with bullets end."""
    end = start
    while end < stop and _BULLET.match(text, end, stop):
        line = text.find("\n", end, stop)
        end = stop if line < 0 else line + 1
    return end


def _last(text: str, start: int, stop: int, choices: int) -> Found | None:  # noqa: ARG001
    end = start + len(text[start:stop].rstrip())
    begin = text.rfind("\n", start, end) + 1 or start
    while begin > start and _BULLET.match(text, begin, end):
        before = text.rfind("\n", start, begin - 1) + 1 or start
        if not _BULLET.match(text, before, end):
            break
        begin = before
    colon = text.find(": ", begin, end)
    return _found(text, colon + 2 if colon >= 0 else begin, end)


KIND = AnswerKind(
    bare=_bare,
    stated=_stated,
    last=_last,
    form='as "The answer is X.", where X is a list, its items between commas.',
    terse='Reply with "The answer is", followed by a list, its items between commas.',
    words=True,
)


def _in_any_order(find: Callable[..., Found | None]) -> Callable[..., Found | None]:
    """The same reading, with the items sorted."""

    def found(*args: object, **options: object) -> Found | None:
        listed = find(*args, **options)
        if listed is None or listed is NO_ANSWER:
            return listed
        return replace(listed, answer=_BETWEEN.join(sorted(listed.answer.split(_BETWEEN))))

    return found


def items_f1(answer: str | None, gold: str) -> float:
    """The F1 of the items of two canonical sets; 0 without answer."""
    return f1_of(answer.split(_BETWEEN), gold.split(_BETWEEN)) if answer else 0.0


SET = replace(
    KIND,
    bare=_in_any_order(_bare),
    stated=_in_any_order(_stated),
    last=_in_any_order(_last),
    likeness=items_f1,
)
