"""Answers: a text that an LLM wrote → its canonical answer, or none.

In: texts and the kind of answer that a question has. Out: strings that are equal where answers are.
Read `extract` first; `kinds` is the table of kinds, each of which has a file of its own, `statements` where an answer
is stated, in which words of `languages`, `ends` which parts of a text may hold one. `columns` does the same for many
texts at once. Names are imported when they are first used: who only reads answers needs none of the patterns.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectllm_engine.answers.columns import canonical_answers, extract_answers
    from selectllm_engine.answers.extract import canonical, canonical_number, extract_answer, find_answer
    from selectllm_engine.answers.kinds import KINDS, Kind
    from selectllm_engine.answers.latex import latex_of
    from selectllm_engine.answers.texts import ALIASES
    from selectllm_engine.answers.version import EXTRACTOR_VERSION

__all__ = [
    "ALIASES",
    "EXTRACTOR_VERSION",
    "KINDS",
    "Kind",
    "canonical",
    "canonical_answers",
    "canonical_number",
    "extract_answer",
    "extract_answers",
    "find_answer",
    "latex_of",
]

_HOME = {
    "ALIASES": "texts",
    "EXTRACTOR_VERSION": "version",
    "KINDS": "kinds",
    "Kind": "kinds",
    "canonical": "extract",
    "canonical_answers": "columns",
    "canonical_number": "extract",
    "extract_answer": "extract",
    "extract_answers": "columns",
    "find_answer": "extract",
    "latex_of": "latex",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
