"""How long rows, tables and subsets take, as ratios where a machine would decide otherwise.

python perf/evaluation.py            # both sizes
python perf/evaluation.py --small    # 1,319 questions × 7 LLMs × 10 samples only
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.evaluation.outcomes import Outcomes
from selectllm_engine.evaluation.policies import POLICIES, parse_policy
from selectllm_engine.evaluation.pool_view import PoolView
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import RouterScores
from selectllm_engine.evaluation.votes import llm_votes, tally
from selectllm_engine.insights.pools import find_subsets
from selectllm_engine.llms import Pool

if TYPE_CHECKING:
    from collections.abc import Callable

SPECS = [parse_policy(name) for name in POLICIES]


def milliseconds(job: Callable[[], object], repeats: int = 9) -> float:
    """The median time of a warm call."""
    job()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def made_up(questions: int, llms: int, samples: int, *, votes: bool, seed: int = 0, split: str = "test") -> Outcomes:
    """Random outcomes: each LLM is right in 40 to 75 % of samples; wrong answers are spread over ten."""
    rng = np.random.default_rng(seed)
    chance = np.linspace(0.4, 0.75, llms) + rng.normal(0, 0.2, (questions, 1))
    right = rng.random((questions, llms, max(samples, 1))) < chance[:, :, None]
    answers = np.where(right, 0, rng.integers(-1, 10, right.shape)).astype(np.int16)
    labels = llm_votes(tally(answers)).code == 0 if votes else right[:, :, 0]
    return Outcomes(
        benchmark="made-up",
        split=split,
        questions=pl.DataFrame(
            {
                "question_id": np.arange(questions).astype(str),
                "subject": [f"subject {each}" for each in rng.integers(57, size=questions).tolist()],
            }
        ),
        llms=tuple(f"llm-{n}" for n in range(llms)),
        samples=samples if votes else 0,
        answers=answers if votes else None,
        vocabulary=None,
        gold=np.zeros(questions, dtype=np.int16),
        labels=labels,
        latency=(np.linspace(1, 7, llms) * rng.uniform(0.5, 1.5, (questions, llms))).astype(np.float32),
        cost=np.full((questions, llms), np.nan, dtype=np.float32),
    )


def made_up_scores(outcomes: Outcomes, validation: Outcomes | None = None, seed: int = 1) -> RouterScores:
    rng = np.random.default_rng(seed)

    def table(of: Outcomes) -> np.ndarray:
        return np.clip(of.labels * 0.3 + rng.random(of.labels.shape) * 0.7, 0, 1).astype(np.float32)

    held_out = None if validation is None else table(validation)
    return RouterScores("made-up", table(outcomes), table(outcomes), held_out, held_out)


def report(what: str, value: float, target: str, unit: str = "ms") -> None:
    print(f"  {what:<58} {value:9.2f} {unit:<3} {target}")


def one_router(view: PoolView, scores: RouterScores) -> None:
    view.oracle_row()
    view.random_row()
    view.best_single_row()
    view.all_llms_row()
    view.upper_bound_row(scores)
    for name in view.pool:
        view.llm_row(name)
    for spec in SPECS:
        view.policy_row(scores, spec)


def rows(view: Callable[[], PoolView], scores: RouterScores, target: str) -> None:
    """Each row from a fresh view, as after a key."""
    for name, job in {
        "oracle": lambda: view().oracle_row(),
        "all-llms": lambda: view().all_llms_row(),
        "random": lambda: view().random_row(),
        "upper bound": lambda: view().upper_bound_row(scores),
        **{str(spec): lambda spec=spec: view().policy_row(scores, spec) for spec in SPECS},
    }.items():
        report(f"row {name}", milliseconds(job), target)


def small() -> None:
    print("1,319 questions × 7 LLMs × 10 samples")
    outcomes = made_up(1319, 7, 10, votes=True)
    validation = Prepared(made_up(359, 7, 10, votes=True, seed=2, split="validation"))
    scores = made_up_scores(outcomes, validation.outcomes)
    prepared, pool = Prepared(outcomes), Pool.of(outcomes.llms)

    def view() -> PoolView:
        return PoolView(prepared, pool, validation)

    report("votes counted, once per K", milliseconds(lambda: Prepared(outcomes).tally), "")
    rows(view, scores, "< 2")
    report("table of one router with all policies", milliseconds(lambda: one_router(view(), scores)), "< 20")
    report("127 subsets with pooled votes", milliseconds(lambda: find_subsets(prepared, pool)), "< 300")
    twelve = Prepared(made_up(1319, 12, 10, votes=True))
    everything = Pool.of(twelve.outcomes.llms)
    report("4,095 subsets of 12 LLMs", milliseconds(lambda: find_subsets(twelve, everything), 1), "")
    auto = [parse_policy(f"{name}:auto") for name, info in POLICIES.items() if info.symbol and info.tuned]
    for spec in auto:
        report(f"row {spec}", milliseconds(lambda spec=spec: view().policy_row(scores, spec)), "")


def large() -> None:
    print("400,000 questions × 33 LLMs, K = 1")
    outcomes = made_up(400_000, 33, 1, votes=False)
    scores = made_up_scores(outcomes)
    prepared, pool = Prepared(outcomes), Pool.of(outcomes.llms)
    matrix = np.ascontiguousarray(scores.probabilities)
    numpy = milliseconds(lambda: matrix.argmax(axis=1))
    report("NumPy's argmax over the same matrix", numpy, "")

    def view() -> PoolView:
        return PoolView(prepared, pool)

    argmax = milliseconds(lambda: view().policy_row(scores, SPECS[0]))
    report("row argmax", argmax, "")
    report("row argmax / NumPy's argmax", argmax / numpy, "< 3", "×")
    oracle = milliseconds(lambda: view().oracle_row())
    report("row oracle / NumPy's argmax", oracle / numpy, "< 6", "×")
    rows(view, scores, "")
    voting = made_up(400_000, 33, 1, votes=True)
    report("votes counted, once per K", milliseconds(lambda: Prepared(voting).tally, 1), "")
    prepared = Prepared(voting)
    rows(view, scores, "< 250 (with votes)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    small()
    if not chosen.small:
        large()
