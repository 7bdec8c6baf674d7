r"""Where a text states its answer: "the answer is …", "Answer: …", "#### …", `\boxed{…}`, `<answer>…</answer>`."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Literal

from selectllm_engine.answers import languages

__all__ = [
    "CLAUSE",
    "DECORATION",
    "NO_ANSWER",
    "Found",
    "Statement",
    "end_of_blank",
    "end_of_sentence",
    "says_nothing",
    "statements",
]

Form = Literal["box", "direct", "hashes", "json", "label", "sentence", "short", "tag"]


@dataclass(frozen=True, slots=True)
class Found:
    """A canonical answer and where it stands: `text[start:end]`."""

    answer: str
    start: int
    end: int


NO_ANSWER = Found("", 0, 0)  # stated is that there is none, or what is none


@dataclass(slots=True)
class Statement:
    """An announcement of the answer from `begin`, and what follows it, `text[start:stop]`, up to the next statement.

    `negated`: the text says that this is *not* the answer. `supposed`: it only supposes that it is.
    `language`: of the table of languages; "en" for what has none. A "direct" one counts only right at its answer.
    """

    form: Form
    begin: int
    start: int
    stop: int
    negated: bool = False
    supposed: bool = False
    language: str = "en"

    @property
    def exact(self) -> bool:
        """Whether its content is the answer and nothing else."""
        return self.form in ("box", "tag", "json")


DECORATION = r"\s*_`\"'“”‘’„«»(\[{（【「『《"  # what may stand around an answer, in a character class

# A statement is found by its key word, cheaply; then what stands before and after it decides.
_KEY = re.compile(
    r"[AaRrOoCcSs\\#](?:nswer|NSWER|ns\b|NS\b|esult|ption|hoice|tatement|f?box(?:ed)?[ ]?\{|###(?!#)|[ ]?:"
    r"|olution[ ]is)"
)
_FORMS: dict[str, Form] = {
    "answer": "label",
    "ans": "label",
    "result": "sentence",
    "option": "sentence",
    "choice": "sentence",
    "statement": "sentence",
    "solution is": "sentence",
}
_BEFORE_LABEL = re.compile(
    r"(?:(?P<line>^[^\w\n]{0,12}|[.!?)\]*][ ]|>[ ]?|\{)(?:(?:the|my|final|correct|short)[ ]){0,3}|\bfinal[ ]|[\"'])\Z",
    re.MULTILINE | re.IGNORECASE,
)
_AFTER_LABEL = re.compile(
    r"(?:[ ]\([^()\n]{1,40}\))?"
    r"(?:[*_\"']{0,3}[ ]{0,4}[:：—–][*_]{0,3}|(?<=[Aa]ns)\.|[ ]=[ ]|(?P<heading>[*_]{0,4}[ \t]{0,8}$))",
    re.MULTILINE,
)
_BEFORE_TAG = re.compile(r"<(?:final|short|my|correct)?[_ -]?\Z", re.IGNORECASE)
_BEFORE_JSON = re.compile(r"[\"'](?:(?:final|correct|my|the|your|short)[_ -]?)?\Z", re.IGNORECASE)
_AFTER_JSON = re.compile(r"(?:[_ -]?(?:letter|choice|option|value|key))?[\"']\s{0,8}:\s{0,8}", re.IGNORECASE)
_STRING = re.compile(r"\"((?:[^\"\\]|\\.)*+)|'((?:[^'\\\n]|\\.)*+)", re.DOTALL)
_VALUE = re.compile(r"\[[^\[\]\n]{0,200}\]|\{[^{}]{0,400}\}|[^,}\n]{0,2000}")
_CHOSEN = r"\b(?:correct|right|best|my|final|true|false|incorrect|only)[ ]\Z"
_BEFORE_SENTENCE = {
    "answer": re.compile(r"(?<!\w)\Z"),
    "ans": re.compile(r"(?<!\w)\Z"),
    "result": re.compile(r"\bfinal[ ]\Z", re.IGNORECASE),
    "option": re.compile(_CHOSEN, re.IGNORECASE),
    "choice": re.compile(_CHOSEN, re.IGNORECASE),
    "statement": re.compile(rf"{_CHOSEN}|\b(?:the|The)[ ]\Z", re.IGNORECASE),
    "solution is": re.compile(r"\b(?:the|final|our)[ ]\Z", re.IGNORECASE),
}
_AFTER_SENTENCE = re.compile(
    r"""
    s?(?:[ ](?:choice|option|statement|value|letter))? (?:[ ]\([^()\n]{1,60}\))?
    (?:[ ](?:to|for|of|in|from|among)[ ][^.:!?\n]{1,80}?)? (?:[ ]\([^()\n]{1,60}\))? [*_\"']{0,3}
    (?:,?\s{1,4}(?:therefore|thus|then|here|clearly),?)?
    (?:\s{1,4}(?:is|was|are|equals|(?:would|should|must|will|has[ ]to|can[ ]only)[ ]be)\b|[ ]?=|[ ]of\b)
    (?P<negated>n't|[ ](?:not|n[eo]ither)(?=[ ]\S))?
    | [ ](?:cannot|can't|can[ ]not|could[ ]not)[ ]be\b(?P<impossible>)
    | (?=[ ](?:does[ ]not|doesn't)[ ]exist)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# "The statement that is false is C": a statement only with a letter right behind it.
_WHICH = re.compile(r"[ ](?:that|which)[ ](?:is|are)[ ](?:not[ ])?(?:\w{1,20}[ ]){1,4}?(?:is|would[ ]be)\b")
_INTRODUCTION = re.compile(
    r"(?:\b(?:so|thus|hence|therefore|the|my|our|final|correct|right|best),?[ ]|[\"“*_(]){0,8}\Z", re.IGNORECASE
)
_SUPPOSES = re.compile(
    r"\b(?:(?:even|only|as)[ ])?(?:if|suppose|supposing|assume|assuming|whether|unless|imagine"
    r"|let(?:'s|[ ]us)[ ](?:say|assume|suppose))"
    r"(?:[ ](?:that|we[ ]say|we[ ]assume))?[ ]\Z",
    re.IGNORECASE,
)
_MOST = 512  # key words are looked at, the last ones
_LINE_START = re.compile(r"^[ \t]{0,4}\Z", re.MULTILINE)
_HEADS_LINE = re.compile(r"^[^\w\n]{0,12}\Z", re.MULTILINE)
_BLANK = re.compile(r"\s*+")
_BRACE = re.compile(r"[{}]")
_SENTENCE_END = re.compile(r"[.!?][\"”')\]*_]{0,3}(?=\s|\Z)|[。！？؟।]|\n")
# Where a sentence stops to name the answer and begins to explain it.
CLAUSE = re.compile(r"[ ](?:because|since|as|while|whereas|unlike|instead[ ]of|rather[ ]than)\b")

_NOTHING = re.compile(
    r"""\bn(?:one|either)[ ]of[ ](?:the|these|those|them)\b | \ball[ ]of[ ]the[ ]above\b
    | \bnot[ ](?:have[ ])?(?:enough|sufficient)\b[ ](?:information|info|data|details|context)
    | \binsufficient[ ](?:information|info|data|details|context)
    | \b(?:information|data)[ ](?:provided[ ]|given[ ])?is[ ](?:not[ ]sufficient|not[ ]enough|insufficient|missing)
    | \b(?:cannot|can't|can[ ]not|could[ ]not|couldn't|(?:is|it's|be)[ ]not|isn't|impossible[ ]to|unable[ ]to|not[ ]possible[ ]to|no[ ]way[ ]to)
      [ ](?:be[ ]|accurately[ ]|uniquely[ ]|possible[ ]to[ ]|possibly[ ]|really[ ])*
      (?:determin|answer(?:ed)?\b|find\b|found\b|calculat|comput|known?\b|tell\b|deduc|infer|solv|establish|conclud|decid|say\b|said\b|given\b|stated\b|specified\b|provided\b|mentioned\b)
    | \b(?:undetermined|indeterminate|undeterminable|indeterminable|unanswerable|unknown|undefined)\b(?![ ](?:value|number|quantit|variable|amount|angle|length|side))
    | \bno[ ](?:(?:correct|valid|right|such|clear|definite|real|possible|single|unique)[ ]){0,2}(?:answer|solution|option)s?\b
    | \b(?:do(?:es)?[ ]not|doesn't|don't)[ ](?:exist|know)\b | (?<!\w)N/?A(?!\w) | \A\W*(?i:null|none|nan|unclear)\W*\Z
    """,  # noqa: E501
    re.IGNORECASE | re.VERBOSE,
)
_NOTHING_ELSEWHERE = re.compile(languages.NOTHING, re.IGNORECASE)
# One of these stands in whatever the patterns match: most sentences are told from their few words.
_SIGNS = (
    "no", "n't", "neither", "insuff", "imposs", "unable", "undeter", "indeter", "unansw", "unkn", "undef", "exist",
    "all of", "n/a", "null", "nan", "unclear", "missing",
)  # fmt: skip
_SIGNS_ELSEWHERE = re.compile(
    "[\u0370-\u1fff\u3040-\uffdc]|[Nn]icht|[Kk]ein|unb|unz|[Aa]ucun|[Ii]mpos|ndeterm|pas |[Nn]ing|[Nn]essun"
    "|[Nn]enhum|onosc|onhec|[Nn]o (?:se|hay|puede)|[Nn]on |não|nform|tidak|[Hh]a[ilkz]|nconnu"
)


def says_nothing(text: str, start: int, stop: int) -> bool:
    """Whether `text[start:stop]`, a sentence, says that there is no answer, or no such option."""
    said = text[start : min(stop, start + 400)]
    lower = said.lower()
    if any(sign in lower for sign in _SIGNS) and _NOTHING.search(said) is not None:
        return True
    return _SIGNS_ELSEWHERE.search(said) is not None and _NOTHING_ELSEWHERE.search(said) is not None


def _begins_line(text: str, position: int) -> bool:
    return _LINE_START.search(text, max(0, position - 8), position) is not None


def end_of_blank(text: str, start: int, stop: int) -> int:
    """The first position of `text[start:stop]` that is not white space."""
    blank = _BLANK.match(text, start, stop)
    return start if blank is None else blank.end()


def end_of_sentence(text: str, start: int, stop: int) -> int:
    """Where the sentence or line that `start` stands in ends."""
    end = _SENTENCE_END.search(text, start, stop)
    return stop if end is None else end.start()


def statements(text: str, start: int, stop: int) -> list[Statement]:
    """Every statement of an answer in `text[start:stop]`, in order; they don't overlap."""
    found: list[Statement] = []
    others = _in_other_languages(text, start, stop)
    for key in deque(_KEY.finditer(text, start, stop), _MOST):
        while others and others[-1].begin <= key.start():
            _add(text, found, others.pop())
        if found and key.start() < found[-1].start:
            continue
        statement = _announced(text, key, start, stop)
        if statement is not None:
            _add(text, found, statement)
    while others:
        _add(text, found, others.pop())
    if found:
        found[-1].stop = _end(text, found[-1], stop)
    return _of_object(text, found, start, stop)


def _add(text: str, found: list[Statement], statement: Statement) -> None:
    if found:
        inside = found[-1].form == "json" != statement.form and statement.begin < found[-1].stop
        if inside or statement.start <= found[-1].start:
            return
        found[-1].stop = _end(text, found[-1], max(statement.begin, found[-1].start))
    found.append(statement)


def _of_object(text: str, found: list[Statement], start: int, stop: int) -> list[Statement]:
    """Where `text[start:stop]` is or ends with a JSON object, what its keys say, and nothing that its texts say."""
    if any(statement.form == "json" for statement in found):
        opening = text[start : start + 400].lstrip().removeprefix("```json").removeprefix("```").lstrip()
        ending = text[max(start, stop - 400) : stop].rstrip("` \r\n\t.")
        if opening.startswith("{") or ending.endswith("}"):
            return [statement for statement in found if statement.form == "json"]
    return found


def _end(text: str, statement: Statement, bound: int) -> int:
    if statement.form == "box":
        return _closing_brace(text, statement.start, bound)
    if statement.form == "tag":
        return _up_to("</", text, statement.start, bound)
    if statement.form == "json":
        return min(bound, statement.stop)
    return _up_to("\n", text, statement.start, bound) if statement.form == "hashes" else bound


def _announced(text: str, key: re.Match[str], start: int, stop: int) -> Statement | None:
    begin, end = key.span()
    if text[begin] == "\\":
        return Statement("box", begin, end, stop) if text[begin + 1] in "fb" else None
    line = _begins_line(text, begin)
    if text[begin] == "#":
        return Statement("hashes", begin, end, stop) if line else None
    word = key.group().lower()
    if word.endswith(":"):
        return Statement("short", begin, end, stop) if line and key.group()[0] == "A" else None
    if word not in _FORMS:
        return None
    before = max(start, begin - 48)
    if word == "answer" and text[end : end + 1] == ">" and (tag := _BEFORE_TAG.search(text, before, begin)):
        return Statement("tag", tag.start(), end + 1, stop)
    if word == "answer" and _BEFORE_JSON.search(text, before, begin) and (field := _AFTER_JSON.match(text, end, stop)):
        return _value(text, begin, field.end(), stop)
    introduction = _INTRODUCTION.search(text, before, begin)
    opening = introduction.start() if introduction else begin
    if _FORMS[word] == "label" and (leading := _BEFORE_LABEL.search(text, before, begin)):
        label = _AFTER_LABEL.match(text, end, stop)
        if label is not None and (label["heading"] is None or leading["line"] is not None):
            return Statement("label", opening, label.end(), stop)
    if _BEFORE_SENTENCE[word].search(text, before, begin):
        if word == "solution is":
            return Statement("direct", opening, end, stop)
        if word == "statement" and (which := _WHICH.match(text, end, stop)):
            return Statement("direct", opening, which.end(), stop)
        sentence = _AFTER_SENTENCE.match(text, end, stop)
        if sentence is not None:
            negated = sentence["negated"] is not None or sentence["impossible"] is not None
            supposed = _SUPPOSES.search(text, max(start, opening - 32), opening) is not None
            form: Form = "direct" if word == "statement" else "sentence"
            return Statement(form, opening, sentence.end(), stop, negated, supposed)
    return None


def _value(text: str, begin: int, start: int, stop: int) -> Statement:
    """The value of a key "answer" of a JSON object, or of a Python dict."""
    string = _STRING.match(text, start, stop)
    if string is not None:
        group = 1 if string[1] is not None else 2
        return Statement("json", begin, string.start(group), string.end(group))
    value = _VALUE.match(text, start, stop)
    return Statement("json", begin, start, value.end() if value else start)


def _in_other_languages(text: str, start: int, stop: int) -> list[Statement]:
    """What is announced in the languages of the table, the last first."""
    found: dict[int, Statement] = {}
    for name in languages.of_text(text, start, stop):
        for match in deque(languages.announcement(name).finditer(text, start, stop), _MOST):
            form: Form = "sentence"
            if match["heading"] is not None:
                if _HEADS_LINE.search(text, max(start, match.start() - 16), match.start()) is None:
                    continue
                form = "label"
            elif match["label"] is not None:
                form = "label"
            elif match["chosen"] is not None or match["open"] is not None:
                form = "direct"
            statement = Statement(form, match.start(), match.end(), stop, match["denies"] is not None, language=name)
            other = found.get(match.start())
            if other is None or other.start < statement.start:
                found[match.start()] = statement
    return sorted(found.values(), key=lambda statement: -statement.begin)


def _up_to(mark: str, text: str, start: int, stop: int) -> int:
    position = text.find(mark, start, stop)
    return stop if position < 0 else position


def _closing_brace(text: str, start: int, stop: int) -> int:
    depth = 1
    for brace in _BRACE.finditer(text, start, stop):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.start()
    return _up_to("\n", text, start, stop)
