"""Insights: what a run teaches, in typed figures.

In: a pool's view, routers' scores, or a stored run. Out: lessons, subsets worth running, one question looked at.
Read `lessons` first, then `study`.
"""

from selectllm_engine.insights.by_subject import SubjectLosses, losses_by_subject
from selectllm_engine.insights.curves import FRACTIONS, CurvePoint, learning_curve
from selectllm_engine.insights.disagreements import Disagreements, find_disagreements
from selectllm_engine.insights.judgements import judgements
from selectllm_engine.insights.lessons import (
    Beaten,
    BoundReached,
    Lesson,
    Lessons,
    PolicyEffect,
    RouterLatency,
    Solved,
    UnseenSubjects,
)
from selectllm_engine.insights.pairs import CELLS, Cell, ComparedRow, Comparison, cells_of, compare_rows, compare_sides
from selectllm_engine.insights.plots import (
    MEASURES,
    RouterMatrix,
    TradeOffPlot,
    TradeOffPoint,
    cascade_value_curve,
    cost_aware_curve,
    trade_off_plot,
)
from selectllm_engine.insights.pools import Subset, Subsets, find_subsets
from selectllm_engine.insights.question import LLMVotes, QuestionView, look_at, view_question
from selectllm_engine.insights.study import best_router, draw_lessons
from selectllm_engine.insights.telling_questions import TELLING_KINDS, TellingKind, TellingQuestion, telling_questions

__all__ = [
    "CELLS",
    "FRACTIONS",
    "MEASURES",
    "TELLING_KINDS",
    "Beaten",
    "BoundReached",
    "Cell",
    "ComparedRow",
    "Comparison",
    "CurvePoint",
    "Disagreements",
    "LLMVotes",
    "Lesson",
    "Lessons",
    "PolicyEffect",
    "QuestionView",
    "RouterLatency",
    "RouterMatrix",
    "Solved",
    "SubjectLosses",
    "Subset",
    "Subsets",
    "TellingKind",
    "TellingQuestion",
    "TradeOffPlot",
    "TradeOffPoint",
    "UnseenSubjects",
    "best_router",
    "cascade_value_curve",
    "cells_of",
    "compare_rows",
    "compare_sides",
    "cost_aware_curve",
    "draw_lessons",
    "find_disagreements",
    "find_subsets",
    "judgements",
    "learning_curve",
    "look_at",
    "losses_by_subject",
    "telling_questions",
    "trade_off_plot",
    "view_question",
]
