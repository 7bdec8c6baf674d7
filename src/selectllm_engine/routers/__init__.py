"""Routers: question text in, one probability of being right per LLM out.

A router is named `family:features`, for example `knn:tfidf`, `logistic:minilm` or `mlc:roberta-base@4` (the first 4
layers of the encoder). All have one contract, scikit-learn's: `fit(questions, labels)` returns the router and learns
attributes that end in `_`; `predict_proba(questions)` returns probabilities. Labels are bool [T, N], probabilities
float32 [Q, N] in 0..1: p >= 0.5 says that the LLM is more likely right than wrong. Training labels train, validation
labels only choose among a few settings, by log loss.

Read `families` first, the table of routers; `training` and `routing` are imported by name, for they load more.
"""

from selectllm_engine.routers.families import (
    DEFAULT_ENCODERS,
    FAMILIES,
    Family,
    make_router,
    parse_router,
    suite,
    usable,
)
