"""Answers: a text that an LLM wrote → its canonical answer, or none.

In: texts and the kind of answer that a question has. Out: strings that are equal where answers are.
Read `extract` first; `kinds` is the table of kinds, each of which has a file of its own, `statements` where an answer
is stated, in which words of `languages`, `ends` which parts of a text may hold one. `columns` does the same for many
texts at once.
"""

from selectllm_engine.answers.columns import canonical_answers, extract_answers
from selectllm_engine.answers.extract import (
    EXTRACTOR_VERSION,
    canonical,
    canonical_number,
    extract_answer,
    find_answer,
)
from selectllm_engine.answers.kinds import KINDS, Kind
from selectllm_engine.answers.latex import latex_of
from selectllm_engine.answers.texts import ALIASES

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
