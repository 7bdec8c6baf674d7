"""Would routing among several LLMs pay off, on my questions, and how? The engine: everything but the terminal.

Names are imported when they are first used, so that `import selectllm_engine` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOME = {
    "LLM": "llms",
    "Pool": "llms",
    "Run": "api",
    "SelectLLMError": "errors",
    "Table": "evaluation.table",
    "Vote": "evaluation.votes",
    "benchmarks": "api",
    "extract_answer": "answers.extract",
    "load": "api",
    "majority_vote": "evaluation.votes",
    "train": "routers.training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
