"""Insights: what a run teaches, in typed figures.

In: a pool's view, routers' scores, or a stored run. Out: lessons, subsets worth running, one question looked at.
Read `lessons` first.
"""

from selectllm_engine.insights.curves import FRACTIONS, CurvePoint, learning_curve
from selectllm_engine.insights.disagreements import Disagreements, find_disagreements
from selectllm_engine.insights.figures import (
    MEASURES,
    RouterMatrix,
    TradeOffFigure,
    TradeOffPoint,
    cost_aware_curve,
    trade_off_figure,
)
from selectllm_engine.insights.lessons import Lesson, Lessons, best_router, draw_lessons
from selectllm_engine.insights.pools import Subset, Subsets, find_subsets
from selectllm_engine.insights.question import LLMVotes, QuestionView, look_at, view_question

__all__ = [
    "FRACTIONS",
    "MEASURES",
    "CurvePoint",
    "Disagreements",
    "LLMVotes",
    "Lesson",
    "Lessons",
    "QuestionView",
    "RouterMatrix",
    "Subset",
    "Subsets",
    "TradeOffFigure",
    "TradeOffPoint",
    "best_router",
    "cost_aware_curve",
    "draw_lessons",
    "find_disagreements",
    "find_subsets",
    "learning_curve",
    "look_at",
    "trade_off_figure",
    "view_question",
]
