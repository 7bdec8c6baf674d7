"""Answers: a text that an LLM wrote → its canonical answer, or none.

In: texts and the kind of answer that a question has. Out: strings that are equal where answers are.
Read `extract` first; `kinds` is the table of kinds, each of which has a file of its own, `statements` where an answer
is stated, in which words of `languages`, `ends` which parts of a text may hold one. `columns` does the same for many
texts at once. Names are imported when they are first used: who only reads answers needs none of the patterns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.lazy_names import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "columns": ("canonical_answers", "extract_answers"),
        "extract": ("canonical", "canonical_number", "extract_answer", "find_answer"),
        "kinds": ("KINDS", "Kind"),
        "latex": ("latex_of",),
        "texts": ("ALIASES",),
        "version": ("EXTRACTOR_VERSION",),
    },
)
