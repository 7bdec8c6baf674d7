"""The tabs: each renders the snapshots of its name. They are imported when first opened."""

from __future__ import annotations

from importlib import import_module

from selectllm_tui.widgets.tabs.base import Tab

__all__ = ["Tab", "make_tab"]

CLASSES = {
    "results": "results:ResultsTab",
    "matrix": "matrix:MatrixTab",
    "tradeoff": "tradeoff:TradeoffTab",
    "questions": "questions:QuestionsTab",
    "question": "question:QuestionTab",
    "lessons": "lessons:LessonsTab",
    "pools": "pools:PoolsTab",
}


def make_tab(name: str) -> Tab:
    """A tab by its name."""
    module, _, attribute = CLASSES[name].partition(":")
    made: Tab = getattr(import_module(f"selectllm_tui.widgets.tabs.{module}"), attribute)(id=f"tab-{name}")
    return made
