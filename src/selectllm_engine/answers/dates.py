"""Dates: days, months and years of the calendar, as `2024-03-05`, `2024-03` or `2024`.

Of `03/05/2024` the month comes first unless that is impossible, of `05.03.2024` the day.
"""

from __future__ import annotations

import re
from calendar import monthrange

from selectllm_engine.answers.kind import AnswerKind
from selectllm_engine.answers.statements import NO_ANSWER, Found, Statement, end_of_sentence

__all__ = ["KIND"]

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NAMES = {name[:length]: number for number, name in enumerate(_MONTHS, 1) for length in (3, len(name))} | {"sept": 9}
_MONTH = r"(?P<{0}>" + "|".join(sorted(_NAMES, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<{0}>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<{0}>\d{{4}})(?!\d)"
_DATE = re.compile(
    rf"""(?<![\d/.-])(?:
      {_YEAR.format("y1")}[-/.](?P<m1>[01]?\d)(?:[-/.](?P<d1>[0-3]?\d)(?!\d))?
    | (?P<a>[0-3]?\d)(?P<sign>[/.-])(?P<b>[0-3]?\d)(?P=sign){_YEAR.format("y2")}
    | {_DAY.format("d3")}[ ](?:of[ ])?{_MONTH.format("m3")}(?:,?[ ](?:of[ ])?{_YEAR.format("y3")})
    | {_MONTH.format("m4")}[ ]{_DAY.format("d4")},?[ ]{_YEAR.format("y4")}
    | {_MONTH.format("m5")},?[ ](?:of[ ])?{_YEAR.format("y5")}
    | {_YEAR.format("y6")}(?![-/.]\d)
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def _found(match: re.Match[str]) -> Found | None:
    """The date of a match; None where the calendar has no such day."""
    part = match.groupdict()

    def of(*names: str) -> str | None:
        return next((part[name] for name in names if part[name]), None)

    year = int(of("y1", "y2", "y3", "y4", "y5", "y6") or 0)
    day: str | None = of("d1", "d3", "d4")
    month = of("m1") or _NAMES.get((of("m3", "m4", "m5") or "").casefold())
    if part["a"]:
        first, second = part["a"], part["b"]
        swapped = part["sign"] == "/" and int(first) <= 12
        month, day = (first, second) if swapped else (second, first)
    return _written(year, int(month) if month else None, int(day) if day else None, *match.span())


def _written(year: int, month: int | None, day: int | None, start: int, stop: int) -> Found | None:
    if month is None:
        return Found(f"{year:04d}", start, stop) if year else None
    if not (1 <= month <= 12 and year) or (day is not None and not 1 <= day <= monthrange(year, month)[1]):
        return None
    return Found(f"{year:04d}-{month:02d}" + (f"-{day:02d}" if day is not None else ""), start, stop)


def _bare(text: str, choices: int) -> Found | None:  # noqa: ARG001 - of all kinds
    match = _DATE.search(text)
    rest = "" if match is None else text[: match.start()] + text[match.end() :]
    weekday = r"(?i:(?:on )?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day)?)"
    return _found(match) if match and re.fullmatch(rf"[\s,.()\"'*$]*{weekday}[\s,.()\"'*$]*", rest) else None


def _stated(text: str, statement: Statement, choices: int, *, opens: bool) -> Found | None:  # noqa: ARG001
    stop = statement.stop if statement.exact else end_of_sentence(text, statement.start, statement.stop)
    match = _DATE.search(text, statement.start, statement.stop)
    if match is None or match.start() >= stop:
        return NO_ANSWER if statement.exact else None
    return _found(match) or NO_ANSWER


def _last(text: str, start: int, stop: int, choices: int) -> Found | None:  # noqa: ARG001
    match = None
    for match in _DATE.finditer(text, start, stop):  # noqa: B007 - the last one is meant
        pass
    return None if match is None else _found(match)


KIND = AnswerKind(
    bare=_bare,
    stated=_stated,
    last=_last,
    form='as "The answer is X.", where X is a date, written YYYY-MM-DD.',
    terse='Reply with "The answer is", followed by a date, written YYYY-MM-DD.',
)
