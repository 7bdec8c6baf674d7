"""Insights: what a run teaches, in typed figures.

In: a pool's view, routers' scores, or a stored run. Out: lessons, subsets worth running, one question looked at.
Read `lessons` first, then `study`.
"""

from selectllm_engine.insights.by_subject import SubjectLosses, losses_by_subject
from selectllm_engine.insights.curves import FRACTIONS, CurvePoint, learning_curve
from selectllm_engine.insights.disagreements import find_disagreements
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
from selectllm_engine.insights.pairs import CELLS, Cell, ComparedRow, Comparison, cells_of, compare_sides
from selectllm_engine.insights.plots import (
    MEASURES,
    RouterMatrix,
    TradeOffPoint,
    cascade_value_curve,
    cost_aware_curve,
    trade_off_plot,
)
from selectllm_engine.insights.pools import Subset, Subsets, find_subsets
from selectllm_engine.insights.question import LLMVotes, QuestionView, look_at, view_question
from selectllm_engine.insights.study import best_router, draw_lessons
from selectllm_engine.insights.telling_questions import TELLING_KINDS, TellingKind, TellingQuestion, telling_questions
