"""An LLM's text → its canonical answer: a number, a letter or a word; pure.

Where an answer is looked for, in this order:

1. What follows the first end mark (`<END_ANSWER>`, a new "Question:") is another question's and does not count;
   what precedes `</think>` counts only if nothing is found after it.
2. The last statement of an answer that holds one: "the answer is …", "Answer: …", "#### …", a box, `<answer>…`.
3. Without one: the last number (letter: the last in parentheses; word: the last line).

Numbers become plain decimals ("$1,200.00" → "1200", "1/2" → "0.5"), rounded to six places (six significant digits
below 0.1), so that a vote does not hang on how a number was written. All patterns are bounded or possessive: the time
is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["EXTRACTOR_VERSION", "Found", "Kind", "canonical", "canonical_number", "extract_answer", "find_answer"]

EXTRACTOR_VERSION = 1

Kind = Literal["number", "letter", "word"]


@dataclass(frozen=True, slots=True)
class Found:
    """A canonical answer and where it stands: `text[start:end]`."""

    answer: str
    start: int
    end: int


def extract_answer(text: str, *, kind: Kind, choices: int = 4) -> str | None:
    """The canonical answer that `text` gives, or None; `choices` says how many letters there are (at most ten)."""
    found = find_answer(text, kind=kind, choices=choices)
    return None if found is None else found.answer


def find_answer(text: str, *, kind: Kind, choices: int = 4) -> Found | None:
    """The canonical answer that `text` gives and where it stands in it, or None."""
    stop = _end_of_answer(text)
    thought = text.rfind("</think>", 0, stop)
    if thought >= 0:
        found = _find(text, thought + len("</think>"), stop, kind, choices)
        if found is not None:
            return found
    return _find(text, 0, stop, kind, choices)


def canonical(text: str, kind: Kind, choices: int = 4) -> str | None:
    """The canonical form of a bare answer, such as a gold one: "72", "$1,200", "C", "(C)", "Yes"; None if it is none."""
    return extract_answer(text, kind=kind, choices=choices)


def canonical_number(text: str) -> str | None:
    """The plain decimal of a bare number; None if there is none."""
    return canonical(text, "number")


# --- Where to look -----------------------------------------------------------------------------------------------

_END = re.compile(
    r"<END_ANSWER>|<START_QUESTION>|<\|(?:im_end|endoftext|eot_id|end)\|>|</s>|<eos>|<end_of_turn>"
    r"|^[ \t]{0,8}(?:Question|Q)[ ]?\d{0,4}[ ]?:",
    re.MULTILINE,
)
_STATEMENT = (
    r"\b(?:answer|final[ ]result|(?:correct|right|best)[ ](?:option|choice))(?:[ ](?:choice|option))?"
    r"(?:[ ](?:to|for|of|in)[ ][^.:\n]{1,80}?)?[*_]{0,3}"
    r"(?:\s{1,4}(?:is|was|are|would[ ]be|should[ ]be|will[ ]be|must[ ]be|equals)\b|[ ]?=|[ ]of\b)(?P<not>n't|[ ]not\b)?"
)
_LABEL = (
    r"^[ \t>#*_\-]{0,12}(?:(?:the|my|final|correct|short)[ ]){0,3}(?:answer|ans)\b"
    r"(?:[*_]{0,3}[ ]{0,4}[:：—–][*_]{0,3}|[*_]{0,4}[ \t]{0,8}$)"
)
_MARKER = re.compile(
    rf"(?P<hash>\#\#\#\#(?!\#))|(?P<box>\\f?boxed?[ ]?\{{?)|(?P<tag><answer>)|(?P<label>{_LABEL})|(?P<says>{_STATEMENT})"
    r"|(?P<short>^(?-i:A)[ ]?:)|(?P<fin>\bfinal[ ]answer[*_]{0,3}[ ]?:)",
    re.MULTILINE | re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?][\"')\]*_]{0,3}(?=\s|\Z)|\n")
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")


def _end_of_answer(text: str) -> int:
    """Where the text stops to be about the question: at the first end mark after something was said."""
    first = re.search(r"\S", text)
    if first is None:
        return 0
    for mark in _END.finditer(text):
        if mark.start() > first.start():
            return mark.start()
    return len(text)


def _find(text: str, start: int, stop: int, kind: Kind, choices: int) -> Found | None:
    read = {"number": _stated_number, "letter": _stated_letter, "word": _stated_word}[kind]
    bound = stop
    markers = [m for m in _MARKER.finditer(text, start, stop) if kind != "letter" or m["short"] is None]
    for marker in reversed(markers):
        if marker["not"] is None:
            if not text[marker.end() : bound].strip(" \t\n*_:$.\\([{"):
                if bound == stop:
                    break  # cut off in the middle of its last statement: the earlier ones may be revised
            else:
                found = read(text, marker, bound, choices)
                if found is not None:
                    return found
        bound = marker.start()
    last = {"number": _last_number, "letter": _last_letter, "word": _last_word}[kind]
    return last(text, start, stop, choices)


# --- Numbers -----------------------------------------------------------------------------------------------------

_GROUP = r"(?:,\\!|\{,\}|\\[,!:; ]|[,'’_\u066c\u2009\u202f\u00a0])"
_UNSIGNED = rf"""
    (?:\d{{1,3}}(?:{_GROUP}\d{{3}}(?!\d))++
      |\d{{1,2}}(?:,\d\d(?!\d)){{1,6}}+,\d{{3}}(?!\d)
      |\d{{1,2}}(?:[ ]\d{{3}}(?!\d)){{2,6}}+
      |\d++
    )(?:[.\u066b．]\d++)?
    |(?<![\w.])[.]\d++
"""
_NUMBER = re.compile(
    rf"""
    (?P<sign>[-−﹣－–+])?[ ]?(?P<money>\\?[$€£¥₹])?(?P<sign2>[-−])?
    (?:(?:(?P<whole>\d{{1,9}})(?:[ ]?(?=\\)|[ ](?:and[ ])?))?
        (?:\\[dt]?frac[ ]?(?:\{{(?P<top>[^{{}}]{{1,60}})\}}\{{(?P<bottom>[^{{}}]{{1,60}})\}}|(?P<t1>\d)(?P<b1>\d))
          |(?P<over>\d{{1,40}})[ ]?/[ ]?(?P<under>\d{{1,40}})(?![\d/]|[.,]\d))
      |(?P<plain>{_UNSIGNED})
        (?:[eE](?P<e>[-+]?\d{{1,9}})(?!\w)|[ ]?(?:[×x*·]|\\times|\\cdot)[ ]?10\^\{{?(?P<ten>[-−+]?\d{{1,9}})\}}?)?
        (?:\^\{{?(?P<power>\d{{1,9}})\}}?)?
    )
    """,
    re.VERBOSE,
)
_LEAD = re.compile(
    r"(?:[\s*_:`\"'“‘(\[{$€£¥₹~≈]|\\[(\[$]|\\(?:text|textbf|mathbf|mathrm|approx|quad)\b\{?"
    r"|(?:approximately|approx\.|about|around|roughly|exactly|only|simply|just|thus|therefore|then)(?=[\s:,])|,"
    r"|[A-Za-z]\s?=){0,16}+"
)
_MINUS = "-−﹣－–"
_MAX_DIGITS = 1000


def _ascii(digits: str) -> str:
    return digits if digits.isascii() else "".join(str(int(c)) if c.isdecimal() else c for c in digits)


def _ratio(text: str) -> tuple[int, int] | None:
    """A short plain number as an exact ratio."""
    digits = re.sub(r"[^\d.\-]", "", _ascii(text.replace("−", "-").replace("\u066b", ".").replace("．", ".")))
    if len(digits) > _MAX_DIGITS or not re.fullmatch(r"-?(?:\d+\.?\d*|\.\d+)", digits):
        return None
    whole, _, part = digits.partition(".")
    return int(whole + part if whole + part else "0"), 10 ** len(part)


def _decimal(top: int, bottom: int) -> str | None:
    """`top / bottom` as a plain decimal of at most six places, or of six significant digits below 0.1."""
    if bottom == 0:
        return None
    sign = "-" if (top < 0) != (bottom < 0) else ""
    top, bottom = abs(top), abs(bottom)
    places = 6
    while top and places < _MAX_DIGITS and top * 10 ** (places - 5) < bottom:
        places += 1
    scaled = (2 * top * 10**places + bottom) // (2 * bottom)
    digits = str(scaled).rjust(places + 1, "0")
    if len(digits) > _MAX_DIGITS:
        return None
    plain = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return sign + plain if plain != "0" else "0"


def _value(match: re.Match[str]) -> str | None:
    """The canonical text of a number that `_NUMBER` matched; None where it is none after all."""
    text, start = match.string, match.start("plain") if match["plain"] else match.start()
    before = text[start - 1] if start else ""
    if (
        match["sign"] is None
        and match["money"] is None
        and (before != "" and before.isascii() and (before.isalpha() or before in "_^"))
    ):
        if not re.search(r"\\[a-z]+\Z|(?:USD|EUR|Rs)\Z", text[max(0, start - 12) : start]):
            return None
    if text[max(0, start - 2) : start] in ("^{", "_{"):
        return None
    negative = _negative(match)
    if match["plain"] is None:
        if match["over"] is not None:
            parts = _ratio(match["over"]), _ratio(match["under"])
            if before == "/":
                return None
        elif match["t1"] is not None:
            parts = (int(match["t1"]), 1), (int(match["b1"]), 1)
        else:
            parts = _ratio(match["top"]), _ratio(match["bottom"])
        if parts[0] is None or parts[1] is None:
            return None
        top, bottom = parts[0][0] * parts[1][1], parts[0][1] * parts[1][0]
        if match["whole"]:
            top += int(match["whole"]) * bottom
        return _decimal(-top if negative else top, bottom)
    exponent = match["e"] or match["ten"]
    if exponent or match["power"]:
        ratio = _ratio(match["plain"])
        power = int((exponent or match["power"]).replace("−", "-"))
        if ratio is None or abs(power) > _MAX_DIGITS or len(match["plain"]) * abs(power) > 100 * _MAX_DIGITS:
            return None
        top, bottom = ratio
        if exponent:
            top, bottom = (top * 10**power, bottom) if power >= 0 else (top, bottom * 10**-power)
        else:
            top, bottom = top**power, bottom**power
        return _decimal(-top if negative else top, bottom)
    whole, _, part = (
        _ascii(match["plain"].replace("\u066b", ".").replace("．", ".")).rpartition(".")
        if re.search(r"[.\u066b．]", match["plain"])
        else (_ascii(match["plain"]), "", "")
    )
    whole = re.sub(r"\D", "", whole).lstrip("0") or "0"
    part = part.rstrip("0")
    if len(part) > 6 and len(whole) < _MAX_DIGITS:
        part = part[:_MAX_DIGITS]
        return _decimal((-1 if negative else 1) * int(whole + part), 10 ** len(part))
    plain = f"{whole}.{part}" if part else whole
    return "-" + plain if negative and plain != "0" else plain


def _negative(match: re.Match[str]) -> bool:
    """Whether the dash before a number is its sign, and neither an operator, a hyphen, a range nor a bullet."""
    if match["sign2"]:
        return True
    if not match["sign"] or match["sign"] == "+":
        return False
    text, start = match.string, match.start()
    before = text[max(0, start - 4) : start]
    spaced = text[match.end("sign") : match.end("sign") + 1] == " "
    if spaced:
        return before.rstrip(" ").endswith("=")
    if before and not before[-1].isspace():
        return not (before[-1].isalnum() or before[-1] in ")]}%")
    return not before.rstrip(" ")[-1:].isdigit() and before.rstrip(" ")[-1:] not in tuple(")}%")


def _found(match: re.Match[str] | None) -> Found | None:
    if match is None:
        return None
    value = _value(match)
    if value is None:
        return None
    start = match.start("plain") if match["sign"] and not _negative(match) and match["plain"] else match.start()
    return Found(value, start, match.end())


_EQUATION = re.compile(r"[^\n.,;:=]{0,80}?[-+*/×÷·−x][^\n;:=]{0,80}?=")


def _stated_number(text: str, marker: re.Match[str], stop: int, _choices: int) -> Found | None:
    start = marker.end()
    if marker["box"]:
        stop = _end_of_box(text, start, stop)
    if marker["hash"]:
        line = text.find("\n", start, stop)
        stop = line if line >= 0 else stop
    direct = _NUMBER.match(text, _LEAD.match(text, start, stop).end(), stop)  # type: ignore[union-attr]
    found = _found(direct)
    if found is not None and direct is not None:
        if marker["hash"] and re.match(r"[.)][ \t]*[A-Za-z]", text[found.end : found.end + 9]):
            return None  # "#### 2. The next step" is a heading
        equation = _EQUATION.match(text, found.end, stop)
        while equation is not None:
            right = _found(_NUMBER.match(text, _LEAD.match(text, equation.end(), stop).end(), stop))  # type: ignore[union-attr]
            if right is None:
                break
            found = right
            equation = _EQUATION.match(text, found.end, stop)
        return found
    if marker["hash"]:
        return None
    paragraph = _PARAGRAPH_END.search(text, re.compile(r"\s*").match(text, start, stop).end(), stop)  # type: ignore[union-attr]
    stop = paragraph.start() if paragraph else stop
    if marker["says"]:
        sentence = _SENTENCE_END.search(text, start, stop)
        stop = sentence.start() if sentence and sentence.group() != "\n" else stop
    elif re.match(
        r"\s*(?:let'?s|let us|first|to (?:find|solve|determine)|we |step|given)", text[start : start + 40], re.I
    ):
        return None
    return _last_number(text, start, stop, _choices)


def _end_of_box(text: str, start: int, stop: int) -> int:
    depth = 1
    for brace in re.compile(r"[{}\n]").finditer(text, start, min(stop, start + 2000)):
        depth += {"{": 1, "}": -1, "\n": 0}[brace.group()]
        if depth == 0:
            return brace.start()
    return stop


def _chunks(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The lines from the last to the first; very long ones in pieces, cut at spaces where there are any."""
    while stop > start:
        low = max(start, stop - 16_000)
        cut = text.rfind("\n", low, stop - 1)
        if cut < 0 and low > start:
            cut = text.rfind(" ", low, stop - 1)
        begin = cut + 1 if cut >= 0 else low
        yield begin, stop
        stop = begin


_ENUMERATION = re.compile(r"[ \t*#(]*\d{1,3}[.):][*]*[ \t]+\S|.{0,8}\bstep[ ]\d", re.IGNORECASE)


def _last_number(text: str, start: int, stop: int, _choices: int) -> Found | None:
    for begin, end in _chunks(text, start, stop):
        matches = list(_NUMBER.finditer(text, begin, end))
        if not matches:
            continue
        if _ENUMERATION.match(text, begin, end):
            matches = matches[1:]
        equals = text.rfind("=", begin, matches[-1].start()) if matches else -1
        boundary = [m.end() for m in _SENTENCE_END.finditer(text, begin, matches[-1].start())] if matches else []
        if equals >= 0 and (not boundary or equals > boundary[-1]):
            right = _found(_NUMBER.match(text, _LEAD.match(text, equals + 1, end).end(), end))  # type: ignore[union-attr]
            if right is not None and not re.match(r"\s*[-+*/×÷]\s*[\d$(]", text[right.end : right.end + 9]):
                return right
        for match in reversed(matches):
            found = _found(match)
            if found is not None and not re.match(r"-[a-zA-Z]|st\b|nd\b|rd\b|th\b", text[found.end : found.end + 3]):
                return found
    return None


# --- Letters -----------------------------------------------------------------------------------------------------

_LETTERS = "ABCDEFGHIJ"
_LETTER_LEAD = re.compile(
    r"(?:[\s*_:`\"'“‘(\[{$]|\\[(\[]|\\(?:text|textbf|mathbf|mathrm|boxed)\{|(?:option|choice|letter|answer)s?\b){0,16}+",
    re.IGNORECASE,
)
_LETTER = re.compile(r"(?P<letter>[A-Ja-j])(?![\w'’])")
_PROSE = re.compile(r"[ ](?!because|since|as\b|and\b|or\b|which|with\b|is\b)[a-z]")
_ANOTHER = re.compile(r"[)\]*}.]{0,4}(?:,|[ ]and|[ ]or|[ ]&|,[ ]and)[ ][(\[*]{0,3}([A-J])(?![\w'’]|[ ][a-z])")
_MENTION = re.compile(
    r"\((?P<round>[A-Ja-j])\)|\b(?:option|choice)[ ]\(?(?P<named>[A-J])\b|\*\*\(?(?P<bold>[A-J])(?:[).:][^*\n]{0,200})?\*\*"
    r"|^[ \t]{0,4}\(?(?P<line>[A-J])(?:[.):]|(?=[ \t]*$))",
    re.MULTILINE,
)


def _letter_at(text: str, match: re.Match[str] | None, choices: int) -> str | None:
    if match is None:
        return None
    letter, before = match["letter"], text[match.start() - 1 : match.start()]
    wrapped = before != "" and before in "([{*\"'`“"
    if letter.upper() not in _LETTERS[:choices]:
        return None
    if not wrapped and letter in "AIai" and _PROSE.match(text, match.end()):
        return None
    if not wrapped and letter.islower() and (letter in "ai" or _PROSE.match(text, match.end())):
        return None
    return letter.upper()


def _stated_letter(text: str, marker: re.Match[str], stop: int, choices: int) -> Found | None:
    match = _LETTER.match(text, _LETTER_LEAD.match(text, marker.end(), stop).end(), stop)  # type: ignore[union-attr]
    letter = _letter_at(text, match, choices)
    if letter is not None and match is not None:
        return Found(letter, match.start(), match.end())
    sentence = _SENTENCE_END.search(text, marker.end(), stop)
    end = sentence.start() if sentence else stop
    return _last_letter(text, marker.end(), end, choices)


def _last_letter(text: str, start: int, stop: int, choices: int) -> Found | None:
    found = None
    for match in _MENTION.finditer(text, start, stop):
        group = match.lastgroup or "round"
        if match[group].upper() in _LETTERS[:choices]:
            found = Found(match[group].upper(), match.start(group), match.end(group))
    return found


# --- Words -------------------------------------------------------------------------------------------------------

_TRIM = " \t\r\n*_`\"'“”‘’.:$#>()[]{}"


def _trimmed(text: str, start: int, stop: int) -> Found | None:
    while start < stop and text[start] in _TRIM:
        start += 1
    while stop > start and text[stop - 1] in _TRIM:
        stop -= 1
    word = " ".join(text[start:stop].casefold().split())
    return Found(word, start, stop) if word else None


def _stated_word(text: str, marker: re.Match[str], stop: int, _choices: int) -> Found | None:
    start = re.compile(r"[\s*_:\"'“]*+(?:\\text\{)?").match(text, marker.end(), stop).end()  # type: ignore[union-attr]
    end = re.compile(r"[.!?][\"')\]*_]{0,3}(?=\s|\Z)|\n|</|\}|,[ ]|[ ](?:because|since)\b").search(text, start, stop)
    return _trimmed(text, start, end.start() if end else stop)


def _last_word(text: str, start: int, stop: int, _choices: int) -> Found | None:
    for begin, end in _chunks(text, start, stop):
        bold = list(re.compile(r"\*\*([^*\n]{1,80})\*\*").finditer(text, begin, end))
        found = _trimmed(text, *bold[0].span(1)) if len(bold) == 1 else _trimmed(text, begin, end)
        if found is not None:
            return found
    return None
