"""Benchmarks: questions with gold answers, in splits.

In: a name, or files of one's own. Out: a `Benchmark`, whose questions are rows of QUESTION_SCHEMA.
Read `sources` first, the table of benchmarks; one module per source beside it.
"""

from selectllm_engine.benchmarks.benchmark import (
    LETTERS,
    QUESTION_SCHEMA,
    SPLITS,
    Benchmark,
    Exemplar,
    question_frame,
    splits_of,
)
from selectllm_engine.benchmarks.files import load_exemplars
from selectllm_engine.benchmarks.sources import SOURCES, known_sizes, load_benchmark

__all__ = [
    "LETTERS",
    "QUESTION_SCHEMA",
    "SOURCES",
    "SPLITS",
    "Benchmark",
    "Exemplar",
    "known_sizes",
    "load_benchmark",
    "load_exemplars",
    "question_frame",
    "splits_of",
]
