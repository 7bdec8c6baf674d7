"""Letters in a text: which option it chooses, "A" to "J"; not the article "A", not the pronoun "I"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectllm_engine.answers.statements import CLAUSE, DECORATION, Found, Statement, end_of_blank, end_of_sentence

__all__ = ["SEVERAL", "bare", "last", "stated"]

SEVERAL = Found("", 0, 0)  # what a statement says that names several options where one is asked for

_LETTERS = "ABCDEFGHIJ"
_LONE = re.compile(r"[\W_]*+(?:\\?(?:text|textbf|boxed|mathrm|mathbf)\{[\W_]*+)*+(?P<letter>[A-Ja-j])[\W_]*+")

# What may stand between "the answer is" and the letter.
_LEAD = re.compile(
    rf"(?:\s++|[{DECORATION}:,$~]|\\[(\[]|\\(?:text|textbf|mathbf|mathrm|boxed)\{{"
    r"|(?:the|option|choice|letter|answer|statement|therefore|thus|clearly|probably|most[ ]likely|indeed|definitely)\b"
    r"(?![-'’])){0,24}+",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[A-Ja-j](?!\w|['’/-]\w|\+)")
_NAMED = re.compile(r"\b(?:option|choice|letter)[ ]\Z", re.IGNORECASE)
_WRAPPED = re.compile(r"[(\[{*\"'“`]\Z")
_CLOSED = re.compile(r"[.,:;)\]}*_\"'”’$\\\n]|[ ]*\Z")
# Before these words "A" and "I" are letters; before any other the article and the pronoun.
_PROSE = re.compile(r"[ ](?!(?:because|since|as|and|or|which|with|is|from|due|based|for)\b)[A-Za-z]")
_ANOTHER = re.compile(
    r"[)\]*_}.]{0,4}(?:,?[ ](?:and|or|&)[ ]|,[ ])[(\[*]{0,3}(?:option[ ])?(?P<letter>[A-J])(?![\w'’])"
)
_OTHER_CLAUSE = re.compile(r"[)\]*_}.]{0,4}[ ](?:is|was|isn't|does|doesn't|would|can|cannot|has|says|states)\b")

_MENTION = re.compile(
    r"""
    ^[ \t>*_#\-]{0,8}\(?(?P<line>[A-J])(?:[.):](?=\W|\Z)|[ ](?:[-–—][ ]|\()|[*_]{0,3}[ \t]{0,8}$)
    | (?<![\w)\]}])\((?P<round>[A-J])\)(?!\w)
    | \b(?:[Oo]ption|[Cc]hoice|[Aa]nswer)s?[ ]\(?(?P<named>[A-J])(?![\w'’])
    | \b(?:[Cc]hoose|[Pp]ick|[Ss]elect|go[ ]with)[ ](?P<picked>[A-J])(?![\w'’])
    | (?<![\w'’])(?P<correct>[A-J])(?=[ ]is[ ](?:correct|right)\b)
    | \*\*\(?(?P<bold>[A-J])(?:[.):][^*\n]{0,200})?\)?\*\*
    """,
    re.MULTILINE | re.VERBOSE,
)
_RIGHT = re.compile(
    r"(?P<letter>[A-J])(?<![\w'’].)[)\]*_.\"]{0,4}[ ](?:is|would[ ]be|must[ ]be)[ ](?:therefore[ ]|thus[ ]|clearly[ ])?"
    r"(?:the|our)[ ](?:only[ ]|single[ ])?(?:most[ ](?:likely[ ])?)?"
    r"(?:(?:correct|right|best|accurate|appropriate|final)[ ])?(?:answer|option|choice)\b"
)
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|neither|nor|rul(?:e|es|ed|ing)[ ]out|eliminat(?:e|es|ed|ing)|exclud(?:e|es|ed|ing))|n't)[ ]"
    r"(?:(?!\b(?:but|so|thus|therefore|hence|closest|which|is|be|leav\w{1,3}|must)\b)[^.;\n])*+\Z"
)
_DENIED_AFTER = re.compile(
    r"[)\]*_.\"]{0,4}(?:,?[ ](?:and|or)?[ ]?\(?[A-J]\)?){0,9}"
    r"[ ](?:is|are|would[ ]be)[ ](?:also[ ]|clearly[ ]|therefore[ ]|thus[ ])?"
    r"(?:incorrect|wrong|eliminated|ruled[ ]out|not[ ](?:the[ ]|a[ ]|an[ ])?(?:correct|right|best|answer))\b"
)
_TEXT_NEXT = re.compile(r"[).:*_\]]{0,4}[ \t]+\w")
_CHOSEN = re.compile(r"\b(?:is|be|are|choose|pick|select|say|option|choice)[ ]\W{0,3}\Z")

# Bare letters are read at the end of a text only: "I think it is B.", "Choice: D".
_CLOSING = re.compile(
    r"(?:\b(?i:is|be|it's|that's|therefore|thus|so|hence|choose|pick|select)[,:]?|[:=>]|[ ][-–—])[ ]{1,4}[^\w\n]{0,4}"
    r"(?P<letter>[A-J]|(?<=\()[a-j](?=\)))[.!)\]}*_\"'”’$]{0,6}\s{0,8}\Z"
)


@dataclass(frozen=True, slots=True)
class _Mention:
    letter: str
    start: int
    begins_line: bool


def bare(text: str, choices: int) -> Found | None:
    """The letter that a text consists of, in any dress and case."""
    lone = _LONE.fullmatch(text)
    return None if lone is None else _found(text, lone.start("letter"), choices)


def stated(text: str, statement: Statement, choices: int) -> Found | None:
    """The option that a statement of the answer names; `SEVERAL` where it names more than one."""
    start, stop = statement.start, statement.stop
    if statement.form == "short":  # "A: …" is the first option rather than an answer
        return None
    lead = _LEAD.match(text, start, stop)
    match = _LETTER.match(text, lead.end() if lead else start, stop)
    if match is not None and _is_meant(text, match):
        found = _found(text, match.start(), choices)
        if found is not None:
            return SEVERAL if _names_another(text, found, stop, choices) else found
    if statement.form == "hashes":
        return None
    stop = end_of_sentence(text, end_of_blank(text, start, stop), stop)
    clause = CLAUSE.search(text, start, stop)
    mentions = _mentions(text, start, clause.start() if clause else stop, choices)
    return _found(text, mentions[-1].start, choices) if mentions else None


def last(text: str, start: int, stop: int, choices: int) -> Found | None:
    """The option that a text without a statement of its answer seems to choose.

    A text that is a letter; else "C is the correct answer"; else the line it begins with ("C. Paris"); else the last
    mention (in parentheses, in bold, on a line of its own, as "option C") that is neither ruled out nor part of a
    listing of the options; else a bare letter that the text ends with ("I think it is B.").
    """
    lone = _LONE.fullmatch(text, start, stop)
    if lone is not None:
        return _found(text, lone.start("letter"), choices)
    right = [match for match in _RIGHT.finditer(text, start, stop) if match["letter"] in _LETTERS[:choices]]
    if right:
        return _found(text, right[-1].start("letter"), choices)
    mentions = _mentions(text, start, stop, choices)
    if not mentions:
        ends = _CLOSING.search(text, max(start, stop - 80), stop)
        return None if ends is None else _found(text, ends.start("letter"), choices)
    begins = end_of_blank(text, start, stop)
    line = text.find("\n", begins, stop)
    lone = _LONE.fullmatch(text, begins, stop if line < 0 else line)
    labels = [mention for mention in mentions if mention.begins_line and text[mention.start - 1 : mention.start] != "("]
    opens = len(labels) == 1 and not text[start : labels[0].start].strip(" \t\r\n>*_#-")
    chosen = mentions[0] if lone is not None or opens else mentions[-1]
    return _found(text, chosen.start, choices)


def _found(text: str, start: int, choices: int) -> Found | None:
    letter = text[start].upper()
    return Found(letter, start, start + 1) if letter in _LETTERS[:choices] else None


def _is_meant(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like a letter after "the answer is" is one, and no article or pronoun."""
    letter, before = match.group(), text[max(0, match.start() - 8) : match.start()]
    if _NAMED.search(before):
        return True
    prose, closed = _PROSE.match(text, match.end()) is not None, _CLOSED.match(text, match.end()) is not None
    if letter.islower():
        if letter in "ai" and not _WRAPPED.search(before):
            return text[match.end() : match.end() + 1] in (".", ")")
        return closed
    return letter not in "AI" or not prose


def _names_another(text: str, found: Found, stop: int, choices: int) -> bool:
    another = _ANOTHER.match(text, found.end, stop)
    if another is None or another["letter"] not in _LETTERS[:choices] or another["letter"] == found.answer:
        return False
    if _OTHER_CLAUSE.match(text, another.end(), stop):
        return False
    return another["letter"] not in "AI" or _PROSE.match(text, another.end()) is None


def _mentions(text: str, start: int, stop: int, choices: int) -> list[_Mention]:
    """Every mention of an option in `text[start:stop]` that may be a choice of it."""
    roman = choices >= 9 and re.compile(r"\bII\b").search(text, start, stop) is not None
    mentions: list[_Mention] = []
    for match in _MENTION.finditer(text, start, stop):
        group = match.lastgroup or "round"
        letter = match[group]
        prose = group == "picked" and letter in "AI" and _PROSE.match(text, match.end())
        if letter in _LETTERS[:choices] and not prose and not (roman and letter == "I"):
            mentions.append(_Mention(letter, match.start(group), group == "line"))
    return [
        mention
        for mention in _without_listings(text, mentions, choices)
        if _DENIED_BEFORE.search(text[max(start, mention.start - 60) : mention.start]) is None
        and _DENIED_AFTER.match(text, mention.start + 1) is None
        and not (mention.begins_line and text.startswith("A:", mention.start))
    ]


def _without_listings(text: str, mentions: list[_Mention], choices: int) -> list[_Mention]:
    """The mentions apart from runs A, B, C, … in which the text repeats the options."""
    kept: list[_Mention] = []
    position = 0
    while position < len(mentions):
        length = 0
        for mention, letter in zip(mentions[position : position + choices], _LETTERS, strict=False):
            if mention.letter != letter:
                break
            length += 1
        run = mentions[position : position + length]
        if run and _TEXT_NEXT.match(text, run[-1].start + 1):
            lines = all(mention.begins_line for mention in run) and length >= min(3, choices)
            chosen = _CHOSEN.search(text[max(0, run[-1].start - 20) : run[-1].start])
            if lines or (length == choices and not chosen):
                position += length
                continue
        kept.append(mentions[position])
        position += 1
    return kept
