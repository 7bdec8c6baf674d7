"""Which number of a text is its answer."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from selectllm_engine.answers.decimals import NUMBER, STATED_NUMBER, read
from selectllm_engine.answers.languages import LANGUAGES
from selectllm_engine.answers.numerals import numeral
from selectllm_engine.answers.statements import DECORATION, Found

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EQUALS", "MORE", "PAIR", "after", "bare", "last", "lead_of", "part_of_more"]

# What may stand between "the answer is" and the number.
_LEAD_WORDS = (
    r"approximately|approx\.?|about|around|roughly|exactly|only|simply|just|indeed|thus|therefore|then|equal[ ]to"
    r"|as[ ]follows|a[ ]total[ ]of|USD|EUR|GBP|INR|US|R|Rs\.?"
)


@cache
def _lead_pattern(language: str) -> re.Pattern[str]:
    words = _LEAD_WORDS if language == "en" else f"{_LEAD_WORDS}|{LANGUAGES[language].lead}"
    return re.compile(
        rf"(?:\s++|(?!\$[-−]?[\d.])[{DECORATION}:：、，,~≈$}}]|\\[(\[{{ ,;]|\\(?=\\)"
        r"|\\(?:text|textbf|mathbf|mathrm|boxed|approx|quad)\b\{?"
        rf"|(?:{words})(?=[\s:：,、，$\d])|\\?[A-Za-z]{{1,12}}[ ]?=(?!=)){{0,24}}+"
    )


# An expression that goes on to its value.
_TERM = r"(?:(?!\b(?:because|since|as|so|where|if|when|which|is|are|this|that|check)\b)[^\n.,;:=]|[.,](?=\d)){0,80}?"
_EQUATION = re.compile(
    rf"{_TERM}(?:[-+/×÷·−]|(?<!\*)\*(?!\*)|[ ]x[ ]|\\(?:times|cdot|div|[cdt]?frac)\b"
    rf"|\b(?:plus|minus|times|divided[ ]by)\b){_TERM}(?:=|≈|\\approx\b)"
)
_OPERATOR_NEXT = re.compile(r"\s*(?:[-+*/×÷·−](?!\*)|x[ ]|\\(?:times|cdot|div)\b)[ ]?[\d$(]")
EQUALS = re.compile(r"(?<![=<>!])=(?!=)|≈|\\approx\b")
_NEW_CLAUSE = re.compile(
    r"[,;:][ ]|[.!?][\"”')\]*_]{0,3}[ \t]|\b(?:so|then|gives|we|I|he|she|they|it|is|are|was|will|has|have)\b"
)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
# "4 hours and 30 minutes" is 4 of something.
_SMALLER = re.compile(
    r"(?P<large>hours?|hrs?|h|minutes?|mins?|days?|weeks?|months?|years?|feet|foot|ft|yards?|miles?|dollars?|euros?"
    r"|pounds?|lbs?|met(?:er|re)s?|kilomet(?:er|re)s?|km|kilograms?|kg)(?:,?[ ]and[ ]|,?[ ])\Z"
)
_SMALL = re.compile(
    r"[ ]?(?:minutes?|mins?|seconds?|secs?|hours?|hrs?|days?|weeks?|months?|inch(?:es)?|in|feet|yards?|cents?|pence"
    r"|ounces?|oz|centimet(?:er|re)s?|cm|met(?:er|re)s?|m|grams?|g)\b"
)
# Numbers that count nothing: "2.", "(2)" or "Step 2" before a text, "a 3-day trip", "the 2nd"; and what a note says.
_ENUMERATION = re.compile(r"[ \t>*#_(]{0,12}(?:step[ ]|part[ ])?#?(\d{1,3})[.):][*_]{0,3}[ \t]+\S", re.IGNORECASE)
_LABELLED = re.compile(
    r"\b(?:step|part|question|problem|equation|option|method|figure|table|no\.)[ ]#?\Z", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"-[a-zA-Z]|(?:st|nd|rd|th)\b")
_NOTE = re.compile(r"[ \t(*_]{0,6}note\b", re.IGNORECASE)
_BLOCK = 16_000
_MOST = 2048  # numbers that count nothing are passed over
_SHORT = 60  # characters of what may be nothing but a number
_DIGIT = re.compile(r"[\d½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]")

_WORD = re.compile(r"[^\W\d_]{3,}")
# What makes a number a part of something else: of a root or a term, a date, a version, a pair, a ratio.
MORE = re.compile(
    r"[ ]?(?:\\sqrt|\\pi\b|[√π])|[xyznij](?![A-Za-z])|[ ]?[-+−][ ]?\d*\.?\d*[ ]?(?:[xyzij]\b|\\sqrt|\\pi\b|[√π])"
    r"|[/.-]\d{1,2}[/.-]\d{1,4}(?!\d)|(?<=\d{4})-\d\d-\d\d|[:,.]\d"
)
PAIR = re.compile(r"[\"']?[ ]?[,;][ ]?[\"']?[-−]?\d[^()\[\]\n]{0,80}[)\]]")
_EITHER = re.compile(r"[ ](?:or|oder|ou|o)[ ](?=[-−$\d])")
# Units and what else may follow a number that is the whole of a text: few words, no other number, no operator.
_REST = re.compile(
    r"""[\s*_`"'”’)\]}.,;:!$]* (?: °[ ]?[CF]\b | \\?[%°‰€£¥₹$] | \\(?:text|textbf|mathrm|mbox|,|;|[ ])\{?
      | [\s({*_$'"~·/\-]
      | (?!(?:or|and|to|x|times|plus|minus|through|by|und|oder|et|ou|y|e|bis|a|à|st|nd|rd|th|of[ ]\w+[ ]\d
        |jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|january|february|march|april|june|july|august|september
        |october|november|december|januar|februar|märz|mai|juni|juli|oktober|dezember)\b
        |[xyznijabcpqruwe]\b)
        [^\W\d_]+\.?(?:[²³]|\^\{?-?\d\}?|(?<=m)[23]\b)? | [\s*_`"'”’)\]}.,;:!$\\] ){0,16}+\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_SET = re.compile(r"\s*\{[^{}]*,[^{}]*\}\s*")
_TITLE = re.compile(r"[A-Z][a-z]+[ ]+[A-Z][a-z]+")


def bare(text: str) -> Found | None:
    """The number that a text is, apart from a currency, percent or a unit; for gold answers."""
    start, stop = 0, len(text)
    at = lead_of(text, start, stop)
    match = STATED_NUMBER.match(text, at, stop)
    found = None if _SET.fullmatch(text) else read(match)
    if match is None or found is None:
        word = numeral(text, at, stop)
        return word if word is not None and not text[word.end :].strip(" \t\n.!*_\"'”’)") else None
    rest = text[found.end :]
    if found.end < match.end() or len(rest) > 200 or MORE.match(text, found.end) or PAIR.match(text, found.end):
        return None
    if _REST.fullmatch(rest) is None or len(_WORD.findall(rest)) > 4 or _TITLE.search(rest):
        return None
    return found


def part_of_more(text: str, at: int, found: Found, stop: int) -> bool:
    """Whether the number that a statement begins with is part of a term, a date, a pair, or one of several."""
    if MORE.match(text, found.end, stop):
        return True
    if (
        re.search(r"[(\[][\"']?\Z", text[max(0, at - 2) : at])
        and text[at - 2 : at - 1] != "\\"
        and PAIR.match(text, found.end, stop)
    ):
        return True
    either = _EITHER.match(text, found.end, stop)
    if either is None:
        return False
    other = read(NUMBER.match(text, either.end(), stop))
    return other is not None and other.answer != found.answer and text[other.end : other.end + 1] not in ("%", "\\")


def last(text: str, start: int, stop: int) -> Found | None:
    """The last number of `text[start:stop]`, or the right-hand side where its last sentence is an equation.

    Numbers that count nothing (of a list, an ordinal, an attribute) are taken only if there are no others.
    """
    if stop - start < _SHORT and (whole := bare(text[start:stop])) is not None:
        return Found(whole.answer, start + whole.start, start + whole.end)
    spare: Found | None = None
    weak = 0
    for begin, end in _lines(text, start, stop):
        if weak > _MOST:
            break
        note = _NOTE.match(text, begin, end)
        enumeration = _ENUMERATION.match(text, begin, end)
        item = enumeration.end(1) if enumeration else -1
        for match in reversed(list(NUMBER.finditer(text, begin, end))):
            found = read(match)
            if found is None:
                continue
            spare, weak = spare or found, weak + 1
            if note is None and found.end != item and not _counts_nothing(text, found):
                return (
                    _bold(text, begin, end) or _right_hand_side(text, begin, end, found) or _larger(text, begin, found)
                )
    return spare or numeral(text, lead_of(text, start, stop), stop)


def _larger(text: str, begin: int, found: Found) -> Found:
    """The 4 of "4 hours and 30 minutes", where `found` is the 30."""
    unit = _SMALLER.search(text, max(begin, found.start - 24), found.start)
    if unit is None or _SMALL.match(text, found.end) is None:
        return found
    for match in reversed(list(NUMBER.finditer(text, max(begin, unit.start() - 24), unit.start()))):
        larger = read(match)
        return larger if larger is not None and not text[larger.end : unit.start()].strip() else found
    return found


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
            found = after(text, *bold.span(1)) or found
    return found


def _right_hand_side(text: str, begin: int, end: int, number: Found) -> Found | None:
    """What the last equation of the line gives, unless the line goes on with another clause or sentence."""
    equals = None
    for equals in EQUALS.finditer(text, begin, number.start):  # noqa: B007 - the last one is meant
        pass
    if equals is None:
        return None
    right = read(NUMBER.match(text, lead_of(text, equals.end(), end), end))
    if right is None or _OPERATOR_NEXT.match(text, right.end, end):
        return None
    return None if _NEW_CLAUSE.search(text, right.end, number.start) else right


def after(text: str, start: int, stop: int, language: str = "en") -> Found | None:
    """The number right at `start`, and where it begins an equation, that equation's right-hand side."""
    points = language != "en" and LANGUAGES[language].comma
    match = STATED_NUMBER.match(text, lead_of(text, start, stop, language), stop)
    found = read(match, points=points)
    if match is None or found is None:
        return None
    equation = _EQUATION.match(text, match.start("body"), stop)
    while equation is not None:
        right = STATED_NUMBER.match(text, lead_of(text, equation.end(), stop), stop)
        value = read(right, points=points)
        if right is None or value is None:
            break
        found, equation = value, _EQUATION.match(text, right.start("body"), stop)
    return found


def lead_of(text: str, start: int, stop: int, language: str = "en") -> int:
    """Where `text[start:stop]` comes to what may be a number, behind decoration, "about", "x =" and the like."""
    lead = _lead_pattern(language).match(text, start, stop)
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
