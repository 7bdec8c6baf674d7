"""A document of an lm-eval task → question, options and gold answer, wherever the task's author put them."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.importers.printed_lists import names, numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["gold_of", "letter_of", "options_of", "question_of"]

_QUESTIONS = ("question", "query", "problem", "goal", "prompt", "instruction", "input", "sentence", "text")
_PASSAGES = ("passage", "context")  # what a question is about
_OPTIONS = ("choices", "options", "endings")
_MARKED = re.compile(r"####|\\boxed\s*\{")
_BOXED = re.compile(r"\\boxed\s*\{(?P<content>(?:[^{}]|\{(?:[^{}]|\{[^{}]*+\})*+\})*+)\}")
_DRESS = re.compile(  # of a number in LaTeX
    r"\s|\\[!,;: ]|\\?[$%]|\{,\}|\^?\{?\\circ\}?|\\(?:text|textrm|mbox|mathrm|mathbf)\s*\{[^{}]*\}|\\(?:left|right)\b"
)
_PLAIN = re.compile(
    r"[-+−]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+|\d+/\d+|\\[dtc]?frac(?:\{-?\d+\}\{\d+\}|\d\d))\.?"
)


def question_of(document: Mapping[str, Any]) -> str | None:
    """The question's text, after the passage that it is about; None where no field is known to hold it."""
    for name in _QUESTIONS:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            passages = [document[each] for each in _PASSAGES if isinstance(document.get(each), str)]
            return "\n\n".join([*passages, value])
    return None


def options_of(document: Mapping[str, object], prompts: Sequence[str], continuations: Sequence[str]) -> tuple[str, ...]:
    """The options' texts: the document's where it has as many, else what the LLM was given to compare."""
    for name in _OPTIONS:
        value = document.get(name)
        if isinstance(value, dict):  # {"text": […], "label": […]}
            value = value.get("text")
        if isinstance(value, list) and len(value) == len(continuations) and all(isinstance(x, str) for x in value):
            return tuple(value)
    differing = continuations if len(set(continuations)) > 1 else prompts
    return tuple(each.strip() for each in differing)


def gold_of(target: str) -> str | None:
    """The gold answer of a logged target, which may end in "#### 12"; None where several are right."""
    listed = _listed(target)
    if len(listed) != 1:
        return None
    if _MARKED.search(listed[0]):
        from selectllm_engine.answers import canonical_number, extract_answer

        if boxed := list(_BOXED.finditer(listed[0])):
            content = _DRESS.sub("", boxed[-1]["content"])
            # Of a pair, an interval or a term one of its numbers would be another answer.
            return canonical_number(content) if _PLAIN.fullmatch(content) else listed[0]
        return extract_answer(listed[0], kind="number") or listed[0]
    return listed[0] or None


def letter_of(
    target: str, choices: Sequence[str], continuations: Sequence[str], *, picked: str, right: bool | None
) -> str | None:
    """The letter of the right option; None where several are right.

    The log doesn't say whether a target is the place of an option, its text or its letter: "2" may be a place or a
    text. Of what it may mean, what fits the verdict counts; where it means nothing, as where the options are whole
    sentences, the verdict tells which of two is right.

    Args:
        target: as logged.
        choices: the options' texts.
        continuations: what the LLM was given to compare, which may be letters.
        picked: the LLM's letter.
        right: whether lm-eval says that it is right; None where it doesn't.
    """
    listed = _listed(target)
    if len(listed) != 1:
        return None
    letters, target = LETTERS[: len(choices)], listed[0]
    found = []
    if target.isdecimal() and len(target) < 3 and int(target) < len(choices):
        found.append(letters[int(target)])
    for texts in (continuations, choices):
        fitting = [letter for letter, text in zip(letters, texts, strict=True) if text.strip() == target]
        found += fitting if len(fitting) == 1 else []
    if len(target) == 1 and target.upper() in letters:
        found.append(target.upper())
    if right is not None:
        found += [picked, *(letter for letter in letters if len(letters) == 2 and letter != picked)]
    return next((each for each in found if right is None or (each == picked) == right), None)


def _listed(target: str) -> list[str]:
    """The distinct entries of a printed list, or the target itself."""
    target = target.strip()
    if target.startswith("[") and target.endswith("]"):
        for parse in (names, numbers):
            with contextlib.suppress(ValueError, SyntaxError):
                return list(dict.fromkeys(str(each).strip().removesuffix(".0") for each in parse(target)))
    return [target]
