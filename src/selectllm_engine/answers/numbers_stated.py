"""The number that a statement of the answer names, or that it names none."""

from __future__ import annotations

import re

from selectllm_engine.answers.decimals import STATED_NUMBER
from selectllm_engine.answers.kind import AnswerKind
from selectllm_engine.answers.languages import LANGUAGES
from selectllm_engine.answers.numbers import EQUALS, MORE, after, bare, last, lead_of, part_of_more
from selectllm_engine.answers.numerals import numeral
from selectllm_engine.answers.statements import (
    NO_ANSWER,
    Found,
    Statement,
    end_of_blank,
    end_of_sentence,
    says_nothing,
)

__all__ = ["KIND", "stated"]

_REASONING = re.compile(
    r"[\s*]*(?:let'?s|let us|first|to (?:find|solve|determine|calculate)|we |step|given)\b", re.IGNORECASE
)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_SYMBOLS = re.compile(r"[-−(\[{ ]{0,4}(?:\\sqrt|√|\\pi\b|π|(?:\d{0,9}|\\frac\{)[a-zA-Z](?![A-Za-z'’.])|\\frac)")
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_ANOTHER = re.compile(r"[\s,;]*(?:,|;|(?:\\text\{\s*)?\b(?:or|and)\b\s*\}?)[\s\\]*[-−$]?[\d\\]")
_HEADING = re.compile(r"[.):][ \t]*[A-Za-z]")
_CHECKS = re.compile(r"\s*(?:#|\*\*|\(?note|check|this|that|verif|explan)", re.IGNORECASE)
_ADJUNCT = re.compile(
    r"\b(?:for|in|per|with|after|within|every|over|of|at|by|from|during|than|each|on|under|until)[ ]"
    r"(?:the[ ]|all[ ])?\$?\Z"
)
_PURPOSE = re.compile(r"\d[^\n.]{0,60}?[ ](?:in[ ]order[ ])?to[ ][a-z]+\b")


def stated(text: str, statement: Statement, *, opens: bool = False) -> Found | None:
    """The number that a statement of the answer names: the first, or the right-hand side of the equation it begins.

    `NO_ANSWER` where it names what is no number, or says that there is none.
    `opens`: the text begins with the statement, which may head a whole solution.
    """
    start, stop = statement.start, statement.stop
    at = lead_of(text, start, stop, statement.language)
    found = after(text, start, stop, statement.language)
    if statement.form == "hashes":
        return _after_hashes(text, at, stop, found)
    end = stop if statement.exact else end_of_sentence(text, end_of_blank(text, start, stop), stop)
    if found is not None:
        return _direct(text, at, end, found, statement)
    if statement.form == "direct":
        return None
    word = numeral(text, at, stop, stated=True)
    if word is not None:
        return word
    if _no_number(text, at, end, exact=statement.exact) or says_nothing(text, start, end):
        return NO_ANSWER
    if statement.exact:
        return last(text, start, stop) or NO_ANSWER
    if statement.form == "sentence":
        return _in_prose(text, start, end)
    if opens or _REASONING.match(text, start, stop):
        return _solution(text, start, stop) if opens else None
    paragraph = _PARAGRAPH_END.search(text, end_of_blank(text, start, stop), stop)
    return _in_prose(text, start, stop if paragraph is None else paragraph.start())


def _direct(text: str, at: int, end: int, found: Found, statement: Statement) -> Found | None:
    """The number that a statement names right at `at`, unless that is part of more, or denied."""
    language = statement.language
    if language != "en" and re.search(LANGUAGES[language].denied, text[found.end : min(end, found.end + 24)]):
        return None
    if part_of_more(text, at, found, end) or (statement.exact and _ANOTHER.match(text, found.end, end)):
        return NO_ANSWER if "=" not in text[found.end : end] else last(text, statement.start, end)
    return None if statement.form == "direct" and at > statement.start + 12 else found


def _after_hashes(text: str, at: int, stop: int, found: Found | None) -> Found | None:
    """The number behind "####"; "#### 2. Add them up" is a heading."""
    if found is None:
        term = STATED_NUMBER.match(text, at, stop) is not None and MORE.search(text, at, stop) is not None
        return NO_ANSWER if term else None
    if _HEADING.match(text, found.end) is not None:
        return None
    return NO_ANSWER if part_of_more(text, at, found, stop) else found


def _no_number(text: str, at: int, end: int, *, exact: bool) -> bool:
    """Whether something stands at `at` that is a term, a date or the like rather than a number, and no equation."""
    if "=" in text[at:end]:
        return False
    if STATED_NUMBER.match(text, at, end) is not None and (exact or MORE.search(text, at, end) is not None):
        return True
    return _SYMBOLS.match(text, at, end) is not None and _WORD.search(_COMMAND.sub(" ", text[at:end])) is None


def _solution(text: str, start: int, stop: int) -> Found | None:
    """What "Answer:" names that begins a text and opens a solution: nothing, where it goes on behind a paragraph."""
    paragraph = _PARAGRAPH_END.search(text, end_of_blank(text, start, stop), stop)
    if paragraph is None:
        return _in_prose(text, start, stop)
    return _in_prose(text, start, paragraph.start()) if _CHECKS.match(text, paragraph.start()) else None


def _in_prose(text: str, start: int, stop: int) -> Found | None:
    """The number that a sentence gives: the last, but for what it only goes on to say it is for ("for 30 days")."""
    purpose = _PURPOSE.search(text, start, min(stop, start + 400))
    if purpose is not None and EQUALS.search(text, start, stop) is None:
        stop = text.rindex(" to ", start, purpose.end()) if " to " in text[start : purpose.end()] else stop
    found = last(text, start, stop)
    if found is not None and EQUALS.search(text, start, found.start) is None:
        earlier: Found | None = found
        while earlier is not None and _ADJUNCT.search(text, max(start, earlier.start - 16), earlier.start):
            earlier = last(text, start, earlier.start) if earlier.start - start < 400 else None
        found = earlier or found
    return found


KIND = AnswerKind(
    bare=lambda text, _: bare(text),
    stated=lambda text, statement, _, *, opens: stated(text, statement, opens=opens),
    last=lambda text, start, stop, _: last(text, start, stop),
    form='as "The answer is X.", where X is a number.',
    terse='Reply with "The answer is", followed by a number.',
)
