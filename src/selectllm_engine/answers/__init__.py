"""Answers: a text that an LLM wrote → its canonical answer, or none.

In: texts and the kind of answer that a question has. Out: strings that are equal where answers are.
Read `extract` first; `numbers`, `letters` and `words` know one kind each, `statements` where an answer is stated, in
which words of `languages`, `ends` which parts of a text may hold one. `columns` does the same for many texts at once.
"""

from selectllm_engine.answers.columns import canonical_answers, extract_answers
from selectllm_engine.answers.extract import (
    EXTRACTOR_VERSION,
    Kind,
    canonical,
    canonical_number,
    extract_answer,
    find_answer,
)

__all__ = [
    "EXTRACTOR_VERSION",
    "Kind",
    "canonical",
    "canonical_answers",
    "canonical_number",
    "extract_answer",
    "extract_answers",
    "find_answer",
]
