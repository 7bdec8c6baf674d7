"""Which number of a text is its answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selectllm_engine.answers.decimals import NUMBER, read
from selectllm_engine.answers.statements import DECORATION, Found, Statement, end_of_blank, end_of_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bare", "last", "stated"]

_NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMERAL = re.compile(rf"({'|'.join(_NUMERALS)})(?=[*_\"'”’)]{{0,3}}(?:[.!,;\n]|\Z))", re.IGNORECASE)

# What may stand between "the answer is" and the number.
_LEAD = re.compile(
    rf"(?:\s++|(?!\$[-−]?[\d.])[{DECORATION}:,~≈$]|\\[(\[]|\\(?:text|textbf|mathbf|mathrm|approx|quad)\b\{{?"
    r"|(?:approximately|approx\.?|about|around|roughly|exactly|only|simply|just|indeed|thus|therefore|then|equal[ ]to"
    r"|as[ ]follows|USD|EUR|GBP|INR|US|Rs\.?)(?=[\s:,$\d])|\\?[A-Za-z]{1,12}[ ]?=(?!=)){0,24}+"
)
# An expression that goes on to its value.
_TERM = r"(?:(?!\b(?:because|since|as|so|where|if|when|which|is|are|this|that|check)\b)[^\n.,;:=]|[.,](?=\d)){0,80}?"
_EQUATION = re.compile(
    rf"{_TERM}(?:[-+/×÷·−]|(?<!\*)\*(?!\*)|[ ]x[ ]|\\(?:times|cdot|div|[cdt]?frac)\b"
    rf"|\b(?:plus|minus|times|divided[ ]by)\b){_TERM}(?:=|≈|\\approx\b)"
)
_OPERATOR_NEXT = re.compile(r"\s*(?:[-+*/×÷·−](?!\*)|x[ ]|\\(?:times|cdot|div)\b)[ ]?[\d$(]")
_EQUALS = re.compile(r"(?<![=<>!])=(?!=)|≈|\\approx\b")
_NEW_CLAUSE = re.compile(
    r"[,;:][ ]|[.!?][\"”')\]*_]{0,3}[ \t]|\b(?:so|then|gives|we|I|he|she|they|it|is|are|was|will|has|have)\b"
)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
# Numbers that count nothing: "2.", "(2)" or "Step 2" before a text, "a 3-day trip", "the 2nd"; and what a note says.
_ENUMERATION = re.compile(r"[ \t>*#_(]{0,12}(?:step[ ]|part[ ])?#?(\d{1,3})[.):][*_]{0,3}[ \t]+\S", re.IGNORECASE)
_LABELLED = re.compile(
    r"\b(?:step|part|question|problem|equation|option|method|figure|table|no\.)[ ]#?\Z", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"-[a-zA-Z]|(?:st|nd|rd|th)\b")
_NOTE = re.compile(r"[ \t(*_]{0,6}note\b", re.IGNORECASE)
_REASONING = re.compile(
    r"[\s*]*(?:let'?s|let us|first|to (?:find|solve|determine|calculate)|we |step|given)\b", re.IGNORECASE
)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_BLOCK = 16_000
_DIGIT = re.compile(r"[\d½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]")


def bare(text: str) -> Found | None:
    """The number that a text consists of, apart from units; for gold answers."""
    text = re.sub(r"\A\s*([-−])[ ](?=[\d.$])", r"\1", text)
    return _after(text, 0, len(text)) or last(text, 0, len(text))


def stated(text: str, statement: Statement) -> Found | None:
    """The number that a statement of the answer names: the first, or the right-hand side of the equation it begins."""
    start, stop = statement.start, statement.stop
    found = _after(text, start, stop)
    if statement.form == "hashes":  # "#### 2. Add them up" is a heading
        heading = found is not None and re.match(r"[.):][ \t]*[A-Za-z]", text[found.end : found.end + 9])
        return None if heading else found
    if found is not None:
        return found
    numeral = _numeral(text, start, stop)
    if numeral is not None:
        return numeral
    if statement.form == "sentence":
        return last(text, start, end_of_sentence(text, start, stop))
    if statement.form in ("label", "short"):
        if _REASONING.match(text, start, stop):
            return None
        paragraph = _PARAGRAPH_END.search(text, end_of_blank(text, start, stop), stop)
        stop = stop if paragraph is None else paragraph.start()
    return last(text, start, stop)


def last(text: str, start: int, stop: int) -> Found | None:
    """The last number of `text[start:stop]`, or the right-hand side where its last sentence is an equation.

    Numbers that count nothing (of a list, an ordinal, an attribute) are taken only if there are no others.
    """
    spare: Found | None = None
    for begin, end in _lines(text, start, stop):
        note = _NOTE.match(text, begin, end)
        enumeration = _ENUMERATION.match(text, begin, end)
        item = enumeration.end(1) if enumeration else -1
        for match in reversed(list(NUMBER.finditer(text, begin, end))):
            found = read(match)
            if found is None:
                continue
            spare = spare or found
            if note is None and found.end != item and not _counts_nothing(text, found):
                return _bold(text, begin, end) or _right_hand_side(text, begin, end, found) or found
    return spare or _numeral(text, start, stop)


def _counts_nothing(text: str, found: Found) -> bool:
    before = text[max(0, found.start - 16) : found.start]
    return (
        _ATTRIBUTE.match(text, found.end) is not None
        or _LABELLED.search(before) is not None
        or before.endswith((" not ", "n't "))
    )


def _bold(text: str, begin: int, end: int) -> Found | None:
    found = None
    for bold in _BOLD.finditer(text, begin, end):
        if not bold[1].rstrip().endswith(":") and _ENUMERATION.match(text, *bold.span(1)) is None:
            found = _after(text, *bold.span(1)) or found
    return found


def _right_hand_side(text: str, begin: int, end: int, number: Found) -> Found | None:
    """What the last equation of the line gives, unless the line goes on with another clause or sentence."""
    equals = None
    for equals in _EQUALS.finditer(text, begin, number.start):  # noqa: B007 - the last one is meant
        pass
    if equals is None:
        return None
    right = read(NUMBER.match(text, _lead(text, equals.end(), end), end))
    if right is None or _OPERATOR_NEXT.match(text, right.end, end):
        return None
    return None if _NEW_CLAUSE.search(text, right.end, number.start) else right


def _after(text: str, start: int, stop: int) -> Found | None:
    """The number right at `start`, and where it begins an equation, that equation's right-hand side."""
    match = NUMBER.match(text, _lead(text, start, stop), stop)
    found = read(match)
    if match is None or found is None:
        return None
    equation = _EQUATION.match(text, match.start("body"), stop)
    while equation is not None:
        right = NUMBER.match(text, _lead(text, equation.end(), stop), stop)
        value = read(right)
        if right is None or value is None:
            break
        found, equation = value, _EQUATION.match(text, right.start("body"), stop)
    return found


def _numeral(text: str, start: int, stop: int) -> Found | None:
    """A number up to twelve in words right at `start`."""
    numeral = _NUMERAL.match(text, _lead(text, start, stop), stop)
    return (
        None if numeral is None else Found(str(_NUMERALS.index(numeral[1].lower())), numeral.start(1), numeral.end(1))
    )


def _lead(text: str, start: int, stop: int) -> int:
    lead = _LEAD.match(text, start, stop)
    return start if lead is None else lead.end()


def _lines(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The lines that hold digits, from the last to the first; very long ones in pieces."""
    while stop > start:
        begin = max(start, stop - _BLOCK)
        if begin > start:
            cut = max(text.find("\n", begin, stop - 1), text.find(" ", begin, begin + 100))
            begin = cut + 1 if cut >= 0 else begin
        block = text[begin:stop]
        if _DIGIT.search(block):
            end = stop
            for line in reversed(block.split("\n")):
                if _DIGIT.search(line):
                    yield end - len(line), end
                end -= len(line) + 1
        stop = begin
