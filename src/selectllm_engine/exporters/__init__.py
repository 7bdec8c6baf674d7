"""Exporters: a stored run → files that other tools read.

In: a run. Out: one wide table of all results, a router's predictions in the study's layout, or a vote's weights.
Read `results` first.
"""

from selectllm_engine.exporters.predictions import export_predictions
from selectllm_engine.exporters.results import Exported, check_target, export_results, save
from selectllm_engine.exporters.vote import export_vote
