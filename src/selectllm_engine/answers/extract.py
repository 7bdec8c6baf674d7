r"""An LLM's text → its canonical answer: a number, a letter or a word; pure, and in time linear in the text.

Where the answer is looked for, in this order:

1. The text ends at its first end mark: `<END_ANSWER>`, a chat template's marks, or a new "Question:" that a base LLM
   makes up. What precedes `</think>` counts only if nothing is found after it.
2. The last statement of the answer that holds one: "the answer is …", "Answer: …", "#### …", `\boxed{…}`,
   `<answer>…</answer>`. A statement that says what the answer is *not* is passed over. One that is cut off before it
   names anything hands over to the next rule: what was stated before may have been revised.
3. Else the last number, the last letter in parentheses or in a like dress, or the last line.

What counts as the same answer: numbers as plain decimals (`numbers`), letters as capitals, words without case,
quotes and full stop. A statement that names several options names none.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from selectllm_engine.answers import letters, numbers, words
from selectllm_engine.answers.statements import Found, Statement, end_of_answer, end_of_sentence, statements
from selectllm_engine.errors import UnknownNameError

__all__ = ["EXTRACTOR_VERSION", "Found", "Kind", "canonical", "canonical_number", "extract_answer", "find_answer"]

EXTRACTOR_VERSION = 1

Kind = Literal["number", "letter", "word"]
_KINDS: tuple[str, ...] = get_args(Kind)

_THOUGHT = "</think>"
_RATHER = re.compile(r"[,;]|\b(?:but|so|rather|instead)\b")
_NOTHING = re.compile(r"[\s*_:$.!?\"“”'\\()\[\]{}]*+\Z")


def extract_answer(text: str, *, kind: Kind, choices: int = 4) -> str | None:
    """The canonical answer that `text` gives, or None; only the first `choices` letters (of ten) are options.

    Raises:
        UnknownNameError: there is no such kind.
    """
    if kind not in _KINDS:
        raise UnknownNameError("kind", kind, _KINDS)
    found = find_answer(text, kind=kind, choices=choices)
    return None if found is None else found.answer


def find_answer(text: str, *, kind: Kind, choices: int = 4) -> Found | None:
    """The canonical answer that `text` gives and where it stands in it, or None."""
    stop = end_of_answer(text)
    thought = text.rfind(_THOUGHT, 0, stop)
    if thought >= 0:
        found = _find(text, thought + len(_THOUGHT), stop, kind, choices)
        if found is not None:
            return found
    return _find(text, 0, stop, kind, choices)


def canonical(text: str, kind: Kind, choices: int = 4) -> str | None:
    """The canonical form of a bare answer, such as a gold one ("$1,200", "(C)", "Yes."); None where it is none."""
    if kind == "number":
        found = numbers.bare(text)
    elif kind == "letter":
        found = letters.bare(text, choices)
    else:
        found = words.bare(text)
    return None if found is None else found.answer


def canonical_number(text: str) -> str | None:
    """The plain decimal of a bare number; None where there is none."""
    return canonical(text, "number")


def _find(text: str, start: int, stop: int, kind: Kind, choices: int) -> Found | None:
    end = stop
    for statement in reversed(statements(text, start, stop)):
        content = statement.start
        if statement.negated:
            content = end_of_sentence(text, content, statement.stop)
            rather = _RATHER.search(text, statement.start, content)
            content = rather.start() if rather else content
        if _NOTHING.match(text, content, end):
            end = statement.begin  # cut off, or only what the answer is not: look before it
        elif end < stop:
            break
        elif not statement.negated:
            found = _stated(text, statement, kind, choices)
            if found is not None:
                return None if found is letters.SEVERAL else found
    stop = end
    if kind == "number":
        return numbers.last(text, start, stop)
    if kind == "letter":
        return letters.last(text, start, stop, choices)
    return words.last(text, start, stop)


def _stated(text: str, statement: Statement, kind: Kind, choices: int) -> Found | None:
    if kind == "number":
        return numbers.stated(text, statement)
    if kind == "letter":
        return letters.stated(text, statement, choices)
    return words.stated(text, statement)
