r"""Where a text states its answer: "the answer is …", "Answer: …", "#### …", `\boxed{…}`, `<answer>…</answer>`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

__all__ = [
    "CLAUSE",
    "DECORATION",
    "Found",
    "Statement",
    "end_of_answer",
    "end_of_blank",
    "end_of_sentence",
    "statements",
]

Form = Literal["box", "hashes", "label", "short", "sentence", "tag"]


@dataclass(frozen=True, slots=True)
class Found:
    """A canonical answer and where it stands: `text[start:end]`."""

    answer: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An announcement of the answer from `begin`, and what follows it, `text[start:stop]`, up to the next statement.

    `negated`: the text says that this is *not* the answer.
    """

    form: Form
    begin: int
    start: int
    stop: int
    negated: bool = False


DECORATION = r"\s*_`\"'“”‘’(\[{"  # what may stand around an answer, inside a character class

# A few-shot prompt's or a chat template's marks. A mark that closes ends the answer wherever it stands; one that opens
# a new question does so only after something was said: a text may begin by repeating its question.
_END = re.compile(
    r"(?P<closes><END_ANSWER>|<\|(?:im_end|endoftext|end_of_text|eot_id|end)\|>|</s>|<eos>|<end_of_turn>)"
    r"|<START_QUESTION>|(?<!<END_QUESTION>)(?<!<END_QUESTION>\s)<START_ANSWER>|<\|im_start\|>|<start_of_turn>|\[INST\]"
    r"|(?P<line>(?:Question|Q)[ ]?\d{0,4}[ ]?:|Human[ ]?:|User[ ]?:|###[ ]Instruction)"
)

# A statement is found by its key word, cheaply; then what stands before and after it decides.
_KEY = re.compile(r"[AaRrOoCc\\#](?:nswer|NSWER|ns\b|NS\b|esult|ption|hoice|f?box(?:ed)?[ ]?\{|###(?!#)|[ ]?:)")
_FORMS: dict[str, Form] = {
    "answer": "label",
    "ans": "label",
    "result": "sentence",
    "option": "sentence",
    "choice": "sentence",
}
_BEFORE_LABEL = re.compile(
    r"(?:(?P<line>^[^\w\n]{0,12}|[.!?)\]*][ ]|>[ ]?)(?:(?:the|my|final|correct|short)[ ]){0,3}|\bfinal[ ]|[\"'])\Z",
    re.MULTILINE | re.IGNORECASE,
)
_AFTER_LABEL = re.compile(
    r"(?:[ ]\([^()\n]{1,40}\))?"
    r"(?:[*_\"']{0,3}[ ]{0,4}[:：—–][*_]{0,3}|(?<=[Aa]ns)\.|(?P<heading>[*_]{0,4}[ \t]{0,8}$))",
    re.MULTILINE,
)
_BEFORE_SENTENCE = {
    "answer": re.compile(r"(?<!\w)\Z"),
    "result": re.compile(r"\bfinal[ ]\Z", re.IGNORECASE),
    "option": re.compile(r"\b(?:correct|right|best|my|final)[ ]\Z", re.IGNORECASE),
    "choice": re.compile(r"\b(?:correct|right|best|my|final)[ ]\Z", re.IGNORECASE),
}
_AFTER_SENTENCE = re.compile(
    r"""
    s?(?:[ ](?:choice|option))? (?:[ ](?:to|for|of|in)[ ][^.:\n]{1,80}?)? [*_]{0,3}
    (?:\s{1,4}(?:is|was|are|equals|(?:would|should|must|will|has[ ]to|can[ ]only)[ ]be)\b|[ ]?=|[ ]of\b)
    (?P<negated>n't|[ ](?:not|n[eo]ither)(?=[ ]\S))?
    | [ ](?:cannot|can't|can[ ]not|could[ ]not)[ ]be\b(?P<impossible>)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_INTRODUCTION = re.compile(
    r"(?:\b(?:so|thus|hence|therefore|the|my|our|final|correct|right|best),?[ ]|[\"“*_(]){0,8}\Z", re.IGNORECASE
)
_LINE_START = re.compile(r"^[ \t]{0,4}\Z", re.MULTILINE)
_BLANK = re.compile(r"\s*+")
_BRACE = re.compile(r"[{}]")
_SENTENCE_END = re.compile(r"[.!?][\"”')\]*_]{0,3}(?=\s|\Z)|\n")
# Where a sentence stops to name the answer and begins to explain it.
CLAUSE = re.compile(r"[ ](?:because|since|as|while|whereas|unlike|instead[ ]of|rather[ ]than)\b")


def end_of_answer(text: str) -> int:
    """Where `text` stops being about its question: at the end mark of a prompt, or at the next question."""
    first = re.search(r"\S", text)
    if first is None:
        return 0
    for mark in _END.finditer(text):
        if mark["closes"] is not None:
            return mark.start()
        if mark.start() > first.start() and (mark["line"] is None or _begins_line(text, mark.start())):
            return mark.start()
    return len(text)


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
    for key in _KEY.finditer(text, start, stop):
        if found and key.start() < found[-1].start:
            continue
        statement = _announced(text, key, start, stop)
        if statement is not None:
            if found:
                found[-1] = replace(found[-1], stop=_end(text, found[-1], max(statement.begin, found[-1].start)))
            found.append(statement)
    if found:
        found[-1] = replace(found[-1], stop=_end(text, found[-1], stop))
    return found


def _end(text: str, statement: Statement, bound: int) -> int:
    if statement.form == "box":
        return _closing_brace(text, statement.start, bound)
    if statement.form == "tag":
        return _up_to("</", text, statement.start, bound)
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
    if word == "answer" and text[begin - 1 : begin] == "<" and text[end : end + 1] == ">":
        return Statement("tag", begin - 1, end + 1, stop)
    before = max(start, begin - 48)
    introduction = _INTRODUCTION.search(text, before, begin)
    opening = introduction.start() if introduction else begin
    if _FORMS[word] == "label" and (leading := _BEFORE_LABEL.search(text, before, begin)):
        label = _AFTER_LABEL.match(text, end, stop)
        if label is not None and (label["heading"] is None or leading["line"] is not None):
            return Statement("label", opening, label.end(), stop)
    if word in _BEFORE_SENTENCE and _BEFORE_SENTENCE[word].search(text, before, begin):
        sentence = _AFTER_SENTENCE.match(text, end, stop)
        if sentence is not None:
            negated = sentence["negated"] is not None or sentence["impossible"] is not None
            return Statement("sentence", opening, sentence.end(), stop, negated)
    return None


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
