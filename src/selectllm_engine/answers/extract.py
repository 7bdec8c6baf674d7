r"""An LLM's text → its canonical answer of one of the `kinds`; pure, and in time linear in the text.

Where the answer is looked for, in this order:

1. What follows the last thought, and the last final channel (`ends`); what was thought counts only if the thought is
   finished and nothing is found outside it.
2. Up to the first end mark: `<END_ANSWER>`, a chat template's marks, or the next "Question:" that a base LLM makes up.
3. The last statement of the answer that holds one: "the answer is …", "Answer: …", "#### …", `\boxed{…}`,
   `<answer>…</answer>`, `{"answer": …}`, or the like in another language (`languages`). A statement that says what the
   answer is *not*, or that supposes one, is passed over. One that says that there is no answer, or that names what
   can be none, is final. One that is cut off before it names anything hands over to the next rule: what was stated
   before may have been revised.
4. Else the last number, the last letter in parentheses or in a like dress, or the last line.

What counts as the same answer: numbers as plain decimals (`numbers`), letters as capitals, words without case,
quotes and full stop. A statement that names several options names none.
"""

from __future__ import annotations

import re

from selectllm_engine.answers.ends import parts, questions
from selectllm_engine.answers.kinds import KINDS, Kind
from selectllm_engine.answers.statements import (
    NO_ANSWER,
    Found,
    Statement,
    end_of_sentence,
    says_nothing,
    statements,
)
from selectllm_engine.errors import UnknownNameError

__all__ = ["Found", "Kind", "canonical", "canonical_number", "extract_answer", "find_answer"]

_RATHER = re.compile(
    r"[,;，、]|\b(?:but|so|rather|instead|sondern|sino|mais|mas|bensì|bali|melainkan)\b|而是|بل|बल्कि|বরং|แต่|아니라|ではなく"
)
_YET = re.compile(r"\b(?:but|so|rather|instead|closest|nearest)\b")
_EMPTY = re.compile(
    r"[\s*_:：$.!?\"“”'\\()\[\]{}]*+(?:(?:text\{)?(?:(?:your|the|final)[ ])?answer(?:[ ]here)?[\s}\"'\]]*+)?\Z"
)
_SAID = re.compile(r"[^\W_]")
# How a text begins that has not answered yet, and how its last line does that has.
_PREAMBLE = re.compile(
    r"\W*(?:sure|ok|okay|certainly|of course|here|let|first|to |we |the (?:question|problem)|solution|given|i['’ ])",
    re.IGNORECASE,
)
_CLOSING = " \t\n.!*_)\"'"
_MOST = 64  # statements are looked at, the last ones
_SHORT = 12  # characters, too few for a sentence
_LONG = 200  # characters: more than a preamble


def extract_answer(text: str, *, kind: Kind, choices: int = 4) -> str | None:
    """The canonical answer that `text` gives, or None; only the first `choices` letters (of 26) are options.

    Raises:
        UnknownNameError: there is no such kind.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    found = find_answer(text, kind=kind, choices=choices)
    return None if found is None else found.answer


def find_answer(text: str, *, kind: Kind, choices: int = 4) -> Found | None:
    """The canonical answer that `text` gives and where it stands in it, or None."""
    for part in parts(text):
        found = _find(text, part.start, part.stop, kind, choices, whole=part.whole)
        if found is not None:
            return None if found is NO_ANSWER else found
    return None


def canonical(text: str, kind: Kind, choices: int = 4) -> str | None:
    """The canonical form of a bare answer, such as a gold one ("$1,200", "(C)", "Yes."); None where it is none."""
    found = KINDS[kind].bare(text, choices)
    return None if found is None else found.answer


def canonical_number(text: str) -> str | None:
    """The plain decimal of a bare number; None where there is none."""
    return canonical(text, "number")


def _find(text: str, start: int, stop: int, kind: Kind, choices: int, *, whole: bool) -> Found | None:
    found, stop = _stated_before_next(text, start, stop, kind, choices)
    end = stop
    weak: Found | None = None
    for statement in reversed(found[-_MOST:]):
        content = statement.start
        if statement.negated:
            content = end_of_sentence(text, content, statement.stop)
            none = not KINDS[kind].words and says_nothing(text, statement.begin, content)
            if none and _YET.search(text, statement.start, content) is None:
                return NO_ANSWER
            rather = _RATHER.search(text, statement.start, content)
            content = rather.start() if rather else content
        if _EMPTY.match(text, content, end):
            end = statement.begin  # cut off, or only what the answer is not: look before it
        elif end < stop:
            break
        elif not statement.negated and not statement.supposed:
            opens = statement.form in ("label", "short") and _SAID.search(text, start, statement.begin) is None
            answer = _stated(text, statement, kind, choices, opens=opens)
            if answer is not None and kind == "number" and _calculates(text, statement, answer):
                weak = weak or answer
            elif answer is not None:
                return answer
    if weak is not None:
        return weak
    return _unstated(text, start, end, kind, choices) if whole else None


def _unstated(text: str, start: int, stop: int, kind: Kind, choices: int) -> Found | None:
    """What a text gives without a statement of its answer; `NO_ANSWER` where it ends with saying that there is none."""
    found = _last(text, start, stop, kind, choices)
    if KINDS[kind].words or found is None:
        return found
    ends = start + len(text[start:stop].rstrip(_CLOSING))
    sentence = max(text.rfind(". ", start, ends), text.rfind("\n", start, ends), start - 1) + 1
    if kind == "letter" and found.start >= sentence:
        return found
    return NO_ANSWER if says_nothing(text, sentence, ends) else found


def _calculates(text: str, statement: Statement, answer: Found) -> bool:
    """Whether what follows "Answer:" is a calculation rather than its result."""
    if statement.form not in ("label", "short") or answer is NO_ANSWER:
        return False
    return "=" in text[statement.start : answer.start] and statement.language == "en"


def _stated(text: str, statement: Statement, kind: Kind, choices: int, *, opens: bool) -> Found | None:
    quoted = statement.form == "json" and text[statement.start - 1] in "\"'"
    if quoted and statement.stop - statement.start > _SHORT and statements(text, statement.start, statement.stop):
        return _find(text, statement.start, statement.stop, kind, choices, whole=True)
    return KINDS[kind].stated(text, statement, choices, opens=opens)


def _last(text: str, start: int, stop: int, kind: Kind, choices: int) -> Found | None:
    return KINDS[kind].last(text, start, stop, choices)


def _stated_before_next(text: str, start: int, stop: int, kind: Kind, choices: int) -> tuple[list[Statement], int]:
    """The statements up to where the next question begins after an answer was given, and where that is, else `stop`."""
    seen = start
    for position, plain in questions(text, start, stop):
        found = statements(text, seen, position)
        if any(not _EMPTY.match(text, each.start, each.stop) for each in found):
            return (found if seen == start else statements(text, start, position)), position
        if plain and seen == start and _answered(text, start, position, kind, choices):
            return found, position
        seen = position
    return statements(text, start, stop), stop


def _answered(text: str, start: int, stop: int, kind: Kind, choices: int) -> bool:
    """Whether a text without a statement of its answer has come to one."""
    begin = max(start, text.rfind("\n", start, start + len(text[start:stop].rstrip())) + 1)
    if says_nothing(text, begin, stop):
        return True
    if stop - start >= _LONG or "=" in text[start:stop]:
        return True
    return _PREAMBLE.match(text, start, stop) is None and _last(text, start, stop, kind, choices) is not None
