"""Numbers in words, where they stand alone: "twelve", 十二."""

from __future__ import annotations

import re

from selectllm_engine.answers.statements import Found

__all__ = ["numeral"]

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORD = re.compile(rf"({'|'.join(_WORDS)})(?=[*_\"'”’)]{{0,3}}(?:[.!,;\n]|\Z))", re.IGNORECASE)
_COUNTS = re.compile(
    rf"({'|'.join(_WORDS[2:])})(?=[ ](?!of\b|or\b|and\b|to\b|hundred|thousand|million)[a-z]{{2}})", re.IGNORECASE
)
# Chinese and Japanese ones, where no other word begins with them.
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_OWN = re.compile(
    rf"([{''.join(_DIGITS)}十百千万]{{1,9}})(?=[。．，,.!！、\s）)」]|\Z|[个個人元円本枚只匹天日年岁歳公克米里时時分])"
)


def numeral(text: str, at: int, stop: int, *, stated: bool = False) -> Found | None:
    """A number up to twelve in words at `at`, or one in Chinese numerals; `stated`: something may be counted by it."""
    word = _WORD.match(text, at, stop) or (_COUNTS.match(text, at, stop) if stated else None)
    if word is not None:
        return Found(str(_WORDS.index(word[1].lower())), word.start(1), word.end(1))
    own = None if text.isascii() else _OWN.match(text, at, stop)
    return None if own is None else Found(str(_value(own[1])), own.start(1), own.end(1))


def _value(written: str) -> int:
    """The value of 十二, 三百零五, 二〇二四."""
    if all(sign in _DIGITS for sign in written):
        return int("".join(str(_DIGITS[sign]) for sign in written))
    total, section, digit = 0, 0, 0
    for sign in written:
        if sign == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        elif sign in _UNITS:
            section, digit = section + (digit or 1) * _UNITS[sign], 0
        else:
            digit = _DIGITS[sign]
    return total + section + digit
