"""Answers: a text that an LLM wrote → its canonical answer, or none.

In: texts and the kind of answer that a question has. Out: strings that are equal where answers are.
Read `extract` first; `numbers`, `letters` and `words` know one kind each, `statements` where an answer is stated.
"""

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
    "canonical_number",
    "extract_answer",
    "find_answer",
]
