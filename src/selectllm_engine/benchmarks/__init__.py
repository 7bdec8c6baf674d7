"""Benchmarks: questions with gold answers, in splits.

In: a name, a description, or files of one's own. Out: a `Benchmark`, whose questions are rows of QUESTION_SCHEMA.
Read `sources` first, then `description`; `presets` is the table of those known by name. `described_benchmarks` reads
what descriptions speak of.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from selectllm_engine.benchmarks.benchmark import (
    LETTERS,
    QUESTION_SCHEMA,
    SPLIT_WORDS,
    SPLITS,
    Benchmark,
    Exemplar,
    question_frame,
    splits_of,
)
from selectllm_engine.benchmarks.description import Description
from selectllm_engine.benchmarks.files import load_exemplars
from selectllm_engine.benchmarks.oddities import odd
from selectllm_engine.benchmarks.presets import PRESETS
from selectllm_engine.benchmarks.sources import SOURCES, known_names, known_sizes, load_benchmark

__all__ = [
    "LETTERS",
    "PRESETS",
    "QUESTION_SCHEMA",
    "SOURCES",
    "SPLITS",
    "SPLIT_WORDS",
    "Benchmark",
    "Description",
    "Exemplar",
    "known_names",
    "known_sizes",
    "load_benchmark",
    "load_exemplars",
    "odd",
    "question_frame",
    "splits_of",
]


class _Room(ModuleType):
    """This package, called: `selectllm_engine.benchmarks` is its name, and that of a public function of `api`."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        return import_module("selectllm_engine.api").benchmarks(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
