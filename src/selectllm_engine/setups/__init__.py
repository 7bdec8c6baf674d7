"""Setups: what one runs, as a value: a pool, a router, a policy, a vote, K and a protocol.

In: a run, or a small TOML file. Out: a `Setup`, the row of `evaluate` that it means, and what
chooses by it. Read `setup` first.
"""

from selectllm_engine.evaluation import NO_ROUTER
from selectllm_engine.setups.choice import Prefer, Wish
from selectllm_engine.setups.files import quoted, read_setup, setup_text, write_setup
from selectllm_engine.setups.recommendation import Estimate, Proposed, Recommendation, SubjectEffect
from selectllm_engine.setups.recommender import Recommender, recommend
from selectllm_engine.setups.setup import Setup
from selectllm_engine.setups.setup_on_run import (
    check_setup,
    chooser_of,
    evaluate_setup,
    no_router,
    planned_in,
    planned_setup,
    setup_of,
    setup_routers,
    setup_view,
)
