"""What the learned vote gains and costs, on runs that are made up so that the right weights are known.

python perf/learned_vote.py            # accuracy over 100 seeds, then seconds
python perf/learned_vote.py --speed    # seconds only
python perf/learned_vote.py --pools mmlu-pro --cache FOLDER    # a real run's random pools and few labels

Targets: with correlated errors learned beats log-odds weights and the pooled vote; with equal, independent LLMs it is
within half a point of the pooled vote, which is the best there is. A fit at a given λ in under 0.5 s on 12,000
questions × 28 LLMs and 0.3 s on 7,175 × 7 × 10 samples, the choice of λ in under 4 s and 2.5 s, a cascade-value on
5,000 × 28 in under 15 s.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.api import load
from selectllm_engine.evaluation.best_m import best_m
from selectllm_engine.evaluation.cascade_value import learn_cascade
from selectllm_engine.evaluation.comparison import two_by_two
from selectllm_engine.evaluation.labelled_questions import Labelled, labelled
from selectllm_engine.evaluation.learned_vote import choose_penalty, learn, vote
from selectllm_engine.evaluation.outcomes import Outcomes
from selectllm_engine.evaluation.votes import llm_votes, pooled_votes, tally

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = 10
SEEDS = 100


@dataclass(frozen=True)
class World:
    """LLMs of known accuracy. Those of a family copy one common draw with chance `copied`, and draw alone else."""

    accuracy: tuple[float, ...]
    family: tuple[int, ...]
    copied: float
    difficulty: float = 0.0  # standard deviation of what a question adds to everybody's chance

    def outcomes(self, questions: int, samples: int, seed: int, split: str) -> Outcomes:
        rng = np.random.default_rng(seed)
        llms = len(self.accuracy)
        chance = np.clip(np.array(self.accuracy) + self.difficulty * rng.normal(size=(questions, 1)), 0.02, 0.98)
        families = np.array(self.family)

        def said(chances: np.ndarray) -> np.ndarray:
            right = rng.random(chances.shape) < chances
            return np.where(right, 0, rng.integers(1, OPTIONS, chances.shape))

        common = np.empty((questions, llms), dtype=int)
        for each in np.unique(families):
            members = np.flatnonzero(families == each)
            # One uniform draw and one wrong answer for the family: who copies it is wrong in the same way.
            draw, wrong = rng.random((questions, 1)), rng.integers(1, OPTIONS, (questions, 1))
            common[:, members] = np.where(draw < chance[:, members], 0, wrong)
        own = said(np.broadcast_to(chance[:, :, None], (questions, llms, samples)))
        copies = rng.random((questions, llms, samples)) < self.copied
        answers = np.where(copies, common[:, :, None], own)
        names = rng.permuted(np.tile(np.arange(OPTIONS), (questions, 1)), axis=1)  # the right answer has any letter
        answers = names[np.arange(questions)[:, None, None], answers].astype(np.int16)
        gold = names[:, 0].astype(np.int16)
        return Outcomes(
            benchmark="made-up",
            split=split,
            questions=pl.DataFrame({"question_id": np.arange(questions).astype(str)}),
            llms=tuple(f"llm-{n}" for n in range(llms)),
            samples=samples,
            answers=answers,
            vocabulary=None,
            gold=gold,
            labels=llm_votes(tally(answers)).code == gold[:, None],
            latency=np.tile(np.linspace(1, 7, llms, dtype=np.float32), (questions, 1)),
            cost=np.full((questions, llms), np.nan, dtype=np.float32),
        )


def correlated(llms: int = 12) -> World:
    """Half of the LLMs are weak and make the same mistakes; the others are better and independent."""
    weak = llms // 2 + 1
    accuracy = (*np.linspace(0.40, 0.48, weak).tolist(), *np.linspace(0.45, 0.62, llms - weak).tolist())
    return World(accuracy, (0,) * weak + tuple(range(1, llms - weak + 1)), copied=0.8, difficulty=0.1)


def equal(llms: int = 7) -> World:
    """Everybody as good as everybody, and nobody like anybody: the pooled vote is the best there is."""
    return World((0.5,) * llms, tuple(range(llms)), copied=0.0)


def log_odds(labels: np.ndarray, test: Outcomes) -> np.ndarray:
    """Answers [Q] of the vote with weights ln p(C − 1)/(1 − p) (Nitzan and Paroush 1982)."""
    p = np.clip(labels.mean(axis=0), 0.01, 0.99)
    weights = np.log(p * (OPTIONS - 1) / (1 - p))
    score = np.zeros((len(test.gold), OPTIONS))
    for llm, weight in enumerate(weights):
        for sample in range(test.samples):
            score[np.arange(len(score)), test.answers[:, llm, sample]] += weight / test.samples
    return score.argmax(axis=1)


def gains(name: str, world: World, labels: int = 450, test: int = 1000, samples: int = 1) -> None:
    """Mean accuracies over the seeds, and how far the learned vote is from the others."""
    rows: dict[str, list[float]] = {"best-single": [], "pooled": [], "log-odds": [], "learned": []}
    for seed in range(SEEDS):
        train = world.outcomes(labels * 2 // 3, samples, 3 * seed, "train")
        validation = world.outcomes(labels // 3, samples, 3 * seed + 1, "validation")
        held_out = world.outcomes(test, samples, 3 * seed + 2, "test")
        known = labelled(train, validation)
        everyone, counted = np.ones(len(known.llms), dtype=bool), tally(held_out.answers)
        weights = learn(known, everyone, choose_penalty(known, everyone))
        rows["best-single"].append(held_out.labels[:, known.labels.sum(axis=0).argmax()].mean())
        rows["pooled"].append((pooled_votes(counted, everyone).code == held_out.gold).mean())
        rows["log-odds"].append((log_odds(known.labels, held_out) == held_out.gold).mean())
        rows["learned"].append((vote(weights, counted, held_out.llms, everyone).code == held_out.gold).mean())
    print(f"{name}: {labels} labelled questions, {test} of test, {len(world.accuracy)} LLMs, {SEEDS} seeds")
    for row, values in rows.items():
        apart = 100 * (np.array(rows["learned"]) - values)
        error = apart.std(ddof=1) / np.sqrt(SEEDS)
        print(
            f"  {row:12} {100 * np.mean(values):6.2f} %   learned is {apart.mean():+6.2f} ± {error:.2f} points apart, "
            f"behind in {int((apart < 0).sum()):3} seeds"
        )


def of_pools(benchmark: str, cache: str | None, test: int = 1500) -> None:
    """How often the learned vote of a random pool beats best-single, and loses to it, significantly (p < .05)."""
    run = load(benchmark, cache)
    for labels in (50, 60, 100, 450):
        rng, found = np.random.default_rng(1), []
        for _ in range(80):
            llms = sorted(rng.choice(len(run.llms), rng.integers(2, len(run.llms) + 1), replace=False))
            counts = {"train": labels * 2 // 3, "validation": labels - labels * 2 // 3, "test": test}
            train, validation, held_out = (some(run.outcomes(split), n, llms, rng) for split, n in counts.items())
            known, everyone = labelled(train, validation), np.ones(len(llms), dtype=bool)
            weights = learn(known, everyone, choose_penalty(known, everyone))
            right = vote(weights, tally(held_out.answers), held_out.llms, everyone).code == held_out.gold
            single = held_out.labels[:, known.labels.sum(axis=0).argmax()]
            found.append((right.mean() - single.mean(), two_by_two(right, single).p))
        better, worse = (sum(p < 0.05 and sign * apart > 0 for apart, p in found) for sign in (1, -1))
        mean = 100 * np.mean([apart for apart, _ in found])
        print(f"  {labels:4} labels: {mean:+.2f} points, better in {better} and worse in {worse} of {len(found)} pools")


def some(outcomes: Outcomes, count: int, llms: list[int], rng: np.random.Generator) -> Outcomes:
    """As many questions as asked for, if there are, of these LLMs."""
    rows = np.sort(rng.choice(len(outcomes.gold), min(count, len(outcomes.gold)), replace=False))
    return replace(
        outcomes,
        llms=tuple(outcomes.llms[llm] for llm in llms),
        questions=outcomes.questions[rows.tolist()],
        answers=np.ascontiguousarray(outcomes.answers[rows][:, llms]),
        gold=outcomes.gold[rows],
        labels=outcomes.labels[rows][:, llms],
        latency=outcomes.latency[rows][:, llms],
        cost=outcomes.cost[rows][:, llms],
        vocabulary=None,
    )


def seconds(what: str, target: float, job: Callable[[], object]) -> None:
    """The time of one call, the first one being for warming up; the processor's time is what a busy machine leaves."""
    job()
    started, worked = time.perf_counter(), time.process_time()
    job()
    passed, worked = time.perf_counter() - started, time.process_time() - worked
    print(f"  {what:24} {passed:7.2f} s, {worked:6.2f} s of the processor's   < {target:g} s")


def vote_speed(questions: int, llms: int, samples: int, fit: float, choice: float) -> None:
    print(f"{questions} labelled questions × {llms} LLMs × {samples} samples, with a router's opinions")
    known, _ = lesson(questions, llms, samples)
    everyone = np.ones(llms, dtype=bool)
    seconds("a fit at a given λ", fit, lambda: learn(known, everyone, 10.0))
    seconds("the choice of λ", choice, lambda: choose_penalty(known, everyone))
    weights = learn(known, everyone, 10.0)
    pool = everyone & (np.arange(llms) > 0)
    seconds("a fit after a toggle", fit, lambda: learn(known, pool, 10.0, start=weights))
    seconds("a vote", fit, lambda: vote(weights, known.tally, known.llms, everyone, known.opinions))


def speed() -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    vote_speed(12_000, 28, 1, fit=0.5, choice=4.0)
    vote_speed(7_175, 7, 10, fit=0.3, choice=2.5)
    print("5,000 labelled questions × 28 LLMs")
    known, burden = lesson(5_000, 28, 1)
    order = list(range(28))
    seconds("cascade-value", 15.0, lambda: learn_cascade(known, order, burden, 10.0))
    seconds("the best m", 15.0, lambda: best_m(known, order, 10.0))


def lesson(questions: int, llms: int, samples: int) -> tuple[Labelled, np.ndarray]:
    """Labelled questions with a router's opinions, and seconds."""
    world = correlated(llms)
    train = world.outcomes(questions * 2 // 3, samples, 0, "train")
    validation = world.outcomes(questions - len(train.gold), samples, 1, "validation")
    rng = np.random.default_rng(2)
    chances = [
        np.clip(0.5 + 0.05 * o.labels + 0.1 * rng.normal(size=o.labels.shape), 0, 1) for o in (train, validation)
    ]
    return labelled(train, validation, tuple(chances)), np.concatenate([train.latency, validation.latency])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--pools", metavar="BENCHMARK")
    parser.add_argument("--cache")
    given = parser.parse_args()
    if given.pools:
        of_pools(given.pools, given.cache)
        raise SystemExit
    if not given.speed:
        gains("correlated errors", correlated())
        gains("correlated errors, few labels", correlated(), labels=60)
        gains("equal and independent", equal())
        gains("equal and independent, few labels", equal(), labels=60)
    speed()
