r"""Where a text states its answer: "the answer is …", "Answer: …", "#### …", `\boxed{…}`, `<answer>…</answer>`."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
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
    """What follows an announcement of the answer: `text[start:stop]`, cut where the next statement begins.

    `negated`: the text says that this is *not* the answer.
    """

    form: Form
    start: int
    stop: int
    negated: bool = False


DECORATION = r"\s*_`\"'“”‘’(\[{"  # what may stand around an answer, inside a character class

# A few-shot prompt's or a chat template's marks. A mark that closes ends the answer wherever it stands; one that opens
# a new question does so only after something was said: a text may begin by repeating its question.
_END = re.compile(
    r"(?P<closes><END_ANSWER>|<\|(?:im_end|endoftext|end_of_text|eot_id|end)\|>|</s>|<eos>|<end_of_turn>)"
    r"|<START_QUESTION>|<\|im_start\|>|<start_of_turn>|\[INST\]"
    r"|^[ \t]{0,8}(?:(?:Question|Q)[ ]?\d{0,4}[ ]?:|(?:Human|User)[ ]?:|\#\#\#[ ]Instruction)",
    re.MULTILINE,
)

_STATEMENT = re.compile(
    r"""
    (?P<box>\\f?box(?:ed)?[ ]?\{)
    | (?P<tag><answer>)
    | (?P<label>
        (?:^[^\w\n]{0,12}|(?<=[.!?)\]*][ ])|(?<=>))(?:(?:the|my|final|correct|short)[ ]){0,3}(?:answer|ans)\b
        (?:[ ]\([^()\n]{1,40}\))?  (?:[*_"']{0,3}[ ]{0,4}[:：—–][*_]{0,3} | \.(?<=ans\.) | [*_]{0,4}[ \t]{0,8}$)
      | \bfinal[ ]answer[*_]{0,3}[ ]?:
      | ["']answer["'][ ]?:
    )
    | (?P<short>^(?-i:A)[ ]?:)
    | (?P<hashes>^[ \t]{0,4}\#{4}(?!\#))
    | (?P<sentence>
        \b(?:answer|final[ ]result|(?:correct|right|best)[ ](?:option|choice))s?(?:[ ](?:choice|option))?
        (?:[ ](?:to|for|of|in)[ ][^.:\n]{1,80}?)? [*_]{0,3}
        (?:\s{1,4}(?:is|was|are|equals|(?:would|should|must|will|has[ ]to|can[ ]only)[ ]be)\b|[ ]?=|[ ]of\b)
        (?P<negated>n't|[ ](?:not|n[eo]ither)\b)?
      | \banswer[ ](?:cannot|can't|can[ ]not|could[ ]not)[ ]be\b(?P<impossible>)
    )
    """,
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
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
        if mark["closes"] is not None or mark.start() > first.start():
            return mark.start()
    return len(text)


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
    markers = list(_STATEMENT.finditer(text, start, stop))
    for marker, following in itertools.zip_longest(markers, markers[1:]):
        begin, bound = marker.end(), following.start() if following else stop
        form: Form
        if marker["box"] is not None:
            form, bound = "box", _closing_brace(text, begin, bound)
        elif marker["tag"] is not None:
            closing = text.find("</", begin, bound)
            form, bound = "tag", bound if closing < 0 else closing
        elif marker["hashes"] is not None:
            newline = text.find("\n", begin, bound)
            form, bound = "hashes", bound if newline < 0 else newline
        elif marker["label"] is not None:
            form = "label"
        else:
            form = "short" if marker["short"] is not None else "sentence"
        negated = marker["negated"] is not None or marker["impossible"] is not None
        found.append(Statement(form, begin, bound, negated))
    return found


def _closing_brace(text: str, start: int, stop: int) -> int:
    depth = 1
    for brace in _BRACE.finditer(text, start, stop):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.start()
    newline = text.find("\n", start, stop)
    return stop if newline < 0 else newline
