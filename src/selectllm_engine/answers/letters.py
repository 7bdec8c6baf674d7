"""Letters in a text: which option it chooses, "A" to "Z"; not the article "A", not the pronoun "I"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from selectllm_engine.answers.kind import AnswerKind
from selectllm_engine.answers.languages import LANGUAGES, RIGHT
from selectllm_engine.answers.statements import (
    CLAUSE,
    DECORATION,
    NO_ANSWER,
    Found,
    Statement,
    end_of_blank,
    end_of_sentence,
    says_nothing,
)

__all__ = ["KIND", "bare", "last", "stated"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Options as other scripts count them; one whose letters are words' beginnings too counts only where nothing follows.
_SCRIPTS = (
    "ＡＢＣＤＥＦＧＨＩＪ", "ａｂｃｄｅｆｇｈｉｊ", "①②③④⑤⑥⑦⑧⑨⑩", "ⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿ", "ⓐⓑⓒⓓⓔⓕⓖⓗⓘⓙ",
    "أبجده", "ا", "कखगघङ", "अबसद", "কখগঘঙ", "অবডঢ", "กขคงจ", "가나다라마", "アイウエオ", "甲乙丙丁戊",
)  # fmt: skip
_OPTION = {letter: letter for letter in _LETTERS} | {letter.lower(): letter for letter in _LETTERS}
_OPTION |= {own: letter for script in _SCRIPTS for own, letter in zip(script, _LETTERS, strict=False)}
_WIDE = "Ａ-Ｊａ-ｊ①-⑩Ⓐ-Ⓙⓐ-ⓙ"
_OTHER = "".join(_SCRIPTS[5:])
_LATIN = "A-Za-z0-9À-ɏ"
_MARKS = "\u0300-\u036f\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0e31\u0e34-\u0e4e"
# A letter and nothing that makes a word of it. Scripts without spaces may go on: "Aです".
_ALONE = rf"(?![{_LATIN}_]|['’/-][{_LATIN}]|\+)"
_OTHER_ALONE = rf"(?![\w{_MARKS}]|-\w)"
_ENDING = r"(?=です|である|입니다|이다|번)"
_ANY = rf"(?:[A-Za-z]{_ALONE}|[{_WIDE}]|[{_OTHER}](?:{_OTHER_ALONE}|{_ENDING}))"

_LONE = re.compile(
    rf"(?:(?![{_WIDE}])[\W_])*+(?:\\?(?:text|textbf|boxed|mathrm|mathbf)\{{[\W_]*+)*+"
    rf"(?P<letter>[A-Za-z{_WIDE}{_OTHER}])[\W_]*+"
)

# What may stand between "the answer is" and the letter.
_LEAD_WORDS = (
    r"the|option|choice|letter|answer|statement|therefore|thus|clearly|probably|most[ ]likely|indeed|definitely|then"
    r"|only|simply|just|indeed|actually|likely|number|both|either"
)


@cache
def _lead(language: str) -> re.Pattern[str]:
    words = f"(?i:{_LEAD_WORDS})"
    if language != "en":
        own = LANGUAGES[language].lead.split("|")  # the Portuguese article "a" is no letter, "A" is one
        words += "".join(f"|{word}" if len(word) < 3 else f"|(?i:{word})" for word in own)
    return re.compile(
        rf"(?:\s++|[{DECORATION}:：،、，,$~}}\])]|\\[(\[ ,;]|\\(?=\\)|\\(?:text|textbf|mathbf|mathrm|boxed|quad)\b\{{?"
        rf"|(?:{words})(?:(?![A-Za-zÀ-ɏ'’-])|(?=[A-ZＡ-Ｚ](?![a-z])))){{0,24}}+"
    )


_LETTER = re.compile(_ANY)
_NAMED = re.compile(r"\b(?:option|choice|letter)[ ]\Z", re.IGNORECASE)
_WRAPPED = re.compile(r"[(\[{*\"'“`（]\Z")
_CLOSED = re.compile(r"[.,:;)\]}*_\"'”’$\\\n（）。、，；：】」]|[ ]*\Z")
# Several letters where one is asked for: "(CD)", "A/B".
_SEVERAL = re.compile(
    r"[(\[{*]*(?P<all>[A-Z](?:[ ]?[/&][ ]?[A-Z])+|[A-Z]{2,8})(?![\w'’-])(?=[)\]}*.,;$\s]*(?:\Z|\n)|[)\]}])"
)
# Before these words "A" and "I" are letters; before any other the article and the pronoun.
_PROSE = re.compile(r"[ ](?!(?:because|since|as|and|or|which|with|is|from|due|based|for)\b)[A-Za-z]")
_ANOTHER = re.compile(
    r"[)\]*_}.\"']{0,4}(?:,?[ ](?:and|or|&)[ ]|,[ ]?)[(\[*\"']{0,3}(?:option[ ])?(?P<letter>[A-Z])(?![\w'’])"
)
_OTHER_CLAUSE = re.compile(r"[)\]*_}.]{0,4}[ ](?:is|was|isn't|does|doesn't|would|can|cannot|has|says|states)\b")

_MENTION = re.compile(
    r"""
    ^[ \t>*_#\-]{0,8}\(?(?P<line>[A-Z])(?:[.):：、](?=\W|\Z)|\)(?=\w)|[ ](?:[-–—][ ]|\()|[*_]{0,3}[ \t]{0,8}$)
    | (?<![A-Za-z0-9_)\]}])[(（](?P<round>[A-Z])[)）](?![A-Za-z0-9_])
    | \b(?:[Oo]ption|[Cc]hoice|[Aa]nswer)s?[ ]\(?(?P<named>[A-Z])(?![\w'’])
    | \b(?:[Cc]hoose|[Pp]ick|[Ss]elect|go[ ]with)[ ](?P<picked>[A-Z])(?![\w'’])
    | (?<![\w'’])(?P<correct>[A-Z])(?=[ ]is[ ](?:correct|right)\b)
    | \*\*\(?(?P<bold>[A-Z])(?:[.):][^*\n]{0,200})?\)?\*\*
    """,
    re.MULTILINE | re.VERBOSE,
)
_RIGHT = re.compile(
    r"(?P<letter>[A-Z])(?<![\w'’].)[)\]*_.\"]{0,4}[ ](?:is|would[ ]be|must[ ]be)[ ](?:therefore[ ]|thus[ ]|clearly[ ])?"
    r"(?:the|our)[ ](?:only[ ]|single[ ])?(?:most[ ](?:likely[ ])?)?"
    r"(?:(?:correct|right|best|accurate|appropriate|final)[ ])?(?:answer|option|choice)\b"
)
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|neither|nor|none[ ]of|rul(?:e|es|ed|ing)[ ]out|eliminat(?:e|es|ed|ing)|exclud(?:e|es|ed|ing))|n't)[ ]"
    r"(?:(?!\b(?:but|so|thus|therefore|hence|closest|which|is|be|leav\w{1,3}|must)\b)[^.;\n])*+\Z"
)
_DENIED_AFTER = re.compile(
    r"[)\]*_.\"]{0,4}(?:,?[ ](?:and|or)?[ ]?\(?[A-Z]\)?){0,9}"
    r"[ ](?:is|are|would[ ]be)[ ](?:also[ ]|clearly[ ]|therefore[ ]|thus[ ])?"
    r"(?:incorrect|wrong|eliminated|ruled[ ]out|not[ ](?:the[ ]|a[ ]|an[ ])?(?:correct|right|best|answer))\b"
)
_TEXT_NEXT = re.compile(r"[).:*_\]]{0,4}[ \t]+\w")
_CHOSEN = re.compile(r"\b(?:is|be|are|choose|pick|select|say|option|choice)[ ]\W{0,3}\Z")

_MENTION_ELSEWHERE = re.compile(
    r"(?:\b(?:[Oo]pción|[Oo]pzione|[Oo]pção|[Aa]lternativa|[Ll]ettera|[Ll]etra|[Ll]ettre|Buchstabe|Variante|[Oo]psi)[ ]"
    r"|选项[ ]?|選項[ ]?|選択肢[ ]?|선택지[ ]?|보기[ ]?|विकल्प[ ]|বিকল্প[ ]|ข้อ[ ]?|ตัวเลือก[ ]?|الخيار[ ]|[Cc]haguo[ ])"
    rf"[(（\[*]{{0,3}}(?P<letter>{_ANY})"
)
_RIGHT_ELSEWHERE = re.compile(
    rf"(?<![\w'’.])[(（]?(?P<letter>[A-ZＡ-Ｊ])[)）\]*_.\"]{{0,4}}[ ]?(?:{RIGHT})"
    r"(?![^.。\n]{0,12}(?:않|ない|ません|नहीं|নয়|ไม่))"
)
_MOST = 512  # mentions are looked at, the first and the last ones
_COPULAS = (" ist ", " est ", " es ", " ni ", " adalah ")

# "C.Paris", and a letter with its option's text that a text ends with: "The one that fits is C. Frogs have fur."
_GLUED = re.compile(r"[*_(]{0,3}(?P<letter>[A-Z])[.):：](?=[^\W_])(?!\w[.)])[^\n]*\s*\Z")
_CLOSING_TEXT = re.compile(
    r"\b(?:is|be|therefore|thus|so|hence|choose|pick|select)[,:]?[ ]{1,4}[^\w\n(]{0,4}(?P<letter>[A-HJ-Z])"
    r"[.):][*_]{0,3}[ ](?=[A-Z0-9])[^\n.!?]{1,200}[.!?]?\s{0,8}\Z"
)
_RATHER = re.compile(r"\b(?i:rather|instead|closest|nearest|best)\b[^.\n]{0,40}?(?<![\w'’])(?P<letter>[A-Z])(?![\w'’])")

# Bare letters are read at the end of a text only: "I think it is B.", "Choice: D".
_CLOSING = re.compile(
    r"(?:\b(?i:is|be|it's|that's|therefore|thus|so|hence|choose|pick|select)[,:]?|[:=>]|[ ][-–—])[ ]{1,4}[^\w\n]{0,4}"
    r"(?P<letter>[A-Z]|(?<=\()[a-j](?=\)))[.!)\]}*_\"'”’$]{0,6}\s{0,8}\Z"
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


def stated(text: str, statement: Statement, choices: int, *, opens: bool = False) -> Found | None:
    """The option that a statement of the answer names; `NO_ANSWER` where it names several, or what is no option.

    `opens`: the text begins with the statement, which may head a whole solution.
    """
    start, stop = statement.start, statement.stop
    if statement.form == "short":  # "A: …" is the first option rather than an answer
        return None
    lead = _lead(statement.language).match(text, start, stop)
    start = lead.end() if lead else start
    match = _LETTER.match(text, start, stop)
    meant = match is not None and _is_meant(text, match)
    if meant and match is not None:
        found = _found(text, match.start(), choices)
        if found is not None:
            if statement.language != "en" and _denied(text, found, statement):
                return None
            return NO_ANSWER if _names_another(text, found, stop, choices) else found
    if statement.form in ("hashes", "direct"):
        return None
    end = stop if statement.exact else end_of_sentence(text, end_of_blank(text, statement.start, stop), stop)
    clause = CLAUSE.search(text, statement.start, end)
    mentions = _mentions(text, statement.start, clause.start() if clause else end, choices)
    if mentions:
        more = opens and end_of_blank(text, end + 1, stop) < stop
        return None if more else _found(text, mentions[-1].start, choices)
    several = _SEVERAL.match(text, start, stop)
    if several is not None and len(letters := re.findall(r"[A-Z]", several["all"])) == len(set(letters)):
        outside = [letter for letter in letters if letter not in _LETTERS[:choices]]
        if not outside and (_WRAPPED.search(text, max(0, start - 2), start) or not several["all"].isalpha()):
            return NO_ANSWER
    other = meant and match is not None and _CLOSED.match(text, match.end()) is not None
    if other or says_nothing(text, statement.start, end):
        rather = _RATHER.search(text, start, stop)
        return NO_ANSWER if rather is None else _found(text, rather.start("letter"), choices) or NO_ANSWER
    return None


def last(text: str, start: int, stop: int, choices: int) -> Found | None:
    """The option that a text without a statement of its answer seems to choose.

    A text that is a letter; else "C is the correct answer"; else the line it begins with ("C. Paris"); else the last
    mention (in parentheses, in bold, on a line of its own, as "option C") that is neither ruled out nor part of a
    listing of the options; else a bare letter that the text ends with ("I think it is B.").
    """
    lone = _LONE.fullmatch(text, start, stop)
    if lone is not None:
        return _found(text, lone.start("letter"), choices)
    right = _right(text, start, stop, choices)
    if right is not None:
        return right
    mentions = _mentions(text, start, stop, choices)
    begins = end_of_blank(text, start, stop)
    if not mentions:
        ends = (
            _CLOSING.search(text, max(start, stop - 80), stop)
            or _GLUED.match(text, begins, stop)
            or _CLOSING_TEXT.search(text, max(start, stop - 240), stop)
        )
        return None if ends is None else _found(text, ends.start("letter"), choices)
    line = text.find("\n", begins, stop)
    lone = _LONE.fullmatch(text, begins, stop if line < 0 else line)
    labels = [mention for mention in mentions if mention.begins_line and text[mention.start - 1 : mention.start] != "("]
    opens = len(labels) == 1 and not text[start : labels[0].start].strip(" \t\r\n>*_#-")
    chosen = mentions[0] if lone is not None or opens else mentions[-1]
    return _found(text, chosen.start, choices)


def _right(text: str, start: int, stop: int, choices: int) -> Found | None:
    """The last option of which the text says that it is the right one."""
    places = [match.start("letter") for match in _RIGHT.finditer(text, start, stop)]
    if not text.isascii() or any(copula in text for copula in _COPULAS):
        places = sorted([*places, *(match.start("letter") for match in _RIGHT_ELSEWHERE.finditer(text, start, stop))])
    found = [right for place in places if (right := _found(text, place, choices)) is not None]
    return found[-1] if found else None


def _denied(text: str, found: Found, statement: Statement) -> bool:
    """Whether the sentence ends with "is not", as some languages put it."""
    end = min(end_of_sentence(text, found.end, statement.stop), found.end + 40)
    return re.search(LANGUAGES[statement.language].denied, text[found.end : end]) is not None


def _found(text: str, start: int, choices: int) -> Found | None:
    letter = _OPTION.get(text[start])
    return None if letter is None or ord(letter) - 65 >= choices else Found(letter, start, start + 1)


def _is_meant(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like a letter after "the answer is" is one, and no article or pronoun."""
    letter, before = match.group(), text[max(0, match.start() - 8) : match.start()]
    if _NAMED.search(before) or not letter.isascii():
        return True
    prose, closed = _PROSE.match(text, match.end()) is not None, _CLOSED.match(text, match.end()) is not None
    if letter.islower():
        if letter in "ai" and not _WRAPPED.search(before):
            return text[match.end() : match.end() + 1] in (".", ")")
        return closed
    return "B" <= letter <= "H" or letter == "J" or not prose


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
    if not text.isascii():
        for match in _MENTION_ELSEWHERE.finditer(text, start, stop):
            option = _found(text, match.start("letter"), choices)
            if option is not None and all(mention.start != option.start for mention in mentions[-64:]):
                mentions.append(_Mention(option.answer, option.start, begins_line=False))
        mentions.sort(key=lambda mention: mention.start)
    if len(mentions) > _MOST:
        mentions = [*mentions[: _MOST // 2], *mentions[-_MOST // 2 :]]
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


KIND = AnswerKind(
    bare=bare,
    stated=stated,
    last=last,
    form='as "The answer is (X).", where X is the letter of the right option.',
    terse='Reply with "The answer is", followed by the letter of the right option.',
)
