"""Would routing among several LLMs pay off, on my questions, and how? The engine: everything but the terminal.

Names are imported when they are first used, so that `import selectllm_engine` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.lazy_names import lazy_names

if TYPE_CHECKING:
    from selectllm_engine.answers import extract_answer
    from selectllm_engine.api import Run, benchmarks, load
    from selectllm_engine.errors import SelectLLMError
    from selectllm_engine.evaluation import Table, Vote, majority_vote
    from selectllm_engine.llms import LLM, Pool
    from selectllm_engine.routers.training import train

__all__ = [
    "LLM",
    "Pool",
    "Run",
    "SelectLLMError",
    "Table",
    "Vote",
    "benchmarks",
    "extract_answer",
    "load",
    "majority_vote",
    "train",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "answers.extract": ("extract_answer",),
        "api": ("Run", "benchmarks", "load"),
        "errors": ("SelectLLMError",),
        "evaluation.table": ("Table",),
        "evaluation.votes": ("Vote", "majority_vote"),
        "llms": ("LLM", "Pool"),
        "routers.training": ("train",),
    },
)
