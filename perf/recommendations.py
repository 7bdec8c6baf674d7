"""How often what `recommend` promises holds, on other questions than those it was chosen on.

python perf/recommendations.py               # 20 random re-splits of the recorded run
python perf/recommendations.py --splits 3    # fewer
python perf/recommendations.py --speed       # the search alone, for 28 LLMs and the labelled 9,000 of 12,000 questions

Targets: the interval holds as often as it says; the search of 28 × 12,000 in under 5 minutes, the recorded run in 5 s.

Each re-split draws train, validation and test anew, as large as they are, and trains the routers on TF-IDF anew.
Counted is whether the accuracy on test is within the estimate's 95 % interval; within it as wide as two samples of
questions, of which test is one, can be apart; and whether it is not worse than best-single's there. Re-splits share
their questions: 20 of them are fewer than 20 independent runs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from learned_vote import World

import selectllm_engine as sl
from selectllm_engine.evaluation import RouterScores
from selectllm_engine.setups import Recommendation, Wish, recommend
from selectllm_engine.setups.choice import TriedSetups, choose, expected
from selectllm_engine.setups.choice_data import ChoiceData
from selectllm_engine.setups.search import Search
from selectllm_engine.store import write_frame

ROOT = Path(__file__).parents[1]
ROUTERS = ("ridge:tfidf", "knn:tfidf", "clustering:tfidf", "logistic:tfidf", "forest:tfidf", "mf:tfidf")
WISHES = {
    "no limit": Wish(),
    "within 2 s": Wish(max_latency=2.0),
    "fastest as accurate": Wish(prefer="latency"),
}


def resplit(folder: Path, seed: int) -> sl.Run:
    """The recorded run with its questions in other splits, and routers of its own."""
    shutil.copytree(ROOT / "cache" / "reasoning" / "llms", folder / "reasoning" / "llms")
    questions = sl.load("reasoning", ROOT / "cache").questions
    drawn = questions["split"].sample(fraction=1, shuffle=True, seed=seed)
    write_frame(folder / "reasoning" / "questions.parquet", questions.with_columns(drawn))
    run = sl.load("reasoning", folder)
    for router in ROUTERS:
        sl.train(run, router)
    return sl.load("reasoning", folder)


def held(found: Recommendation) -> dict[str, bool]:
    """What of its promise held on test."""
    test, estimate = found.test, found.estimate
    assert test is not None
    assert test.accuracy is not None
    assert test.delta is not None
    return {
        "in interval": estimate.accuracy_low <= test.accuracy <= estimate.accuracy_high,
        "agrees": bool(found.agrees),
        "not worse": test.delta >= 0,
        "not worse by a point": test.delta >= -0.01,
        "not significantly worse": test.delta >= 0 or test.p is None or test.p >= 0.05,
    }


def promises(splits: int) -> None:
    kept: dict[str, list[dict[str, bool]]] = {name: [] for name in WISHES}
    for seed in range(splits):
        with tempfile.TemporaryDirectory() as folder:
            run = resplit(Path(folder), seed)
            for name, wish in WISHES.items():
                started = time.perf_counter()
                found = recommend(run, wish)
                kept[name].append(held(found))
                test, estimate = found.test, found.estimate
                assert test is not None
                print(
                    f"{seed:2d} {name:20s} {found.verdict:4s} {found.setup.name:28s} k {found.setup.k} "
                    f"estimate {100 * estimate.accuracy:.1f} ({100 * estimate.delta:+.1f}) {estimate.latency:.2f} s, "
                    f"test {100 * test.accuracy:.1f} ({100 * test.delta:+.1f}) {test.latency:.2f} s; "
                    f"{time.perf_counter() - started:.1f} s",
                    flush=True,
                )
    for name, each in kept.items():
        counts = {what: sum(one[what] for one in each) for what in each[0]}
        print(f"{name}: " + ", ".join(f"{what} {count} of {splits}" for what, count in counts.items()))


def speed(questions: int = 9000, llms: int = 28) -> None:
    """The search over a made-up run: seven families of LLMs that err alike, and six routers of some use."""
    rng = np.random.default_rng(0)
    families = tuple(llm // 4 for llm in range(llms))
    world = World(tuple(np.linspace(0.35, 0.72, llms)), families, copied=0.3, difficulty=0.25)
    outcomes = world.outcomes(questions, 5, 0, "train and validation")
    seconds = np.tile(rng.permutation(np.linspace(0.5, 6, llms)).astype(np.float32), (questions, 1))
    labels, rates = outcomes.labels, outcomes.labels.mean(axis=0)
    routers = tuple(
        RouterScores(
            f"fake:{number}",
            np.clip(
                rates / 2 + labels * rng.random((questions, 1)) / 2 + 0.2 * rng.normal(size=labels.shape), 0, 1
            ).astype(np.float32),
        )
        for number in range(6)
    )
    started, spent = time.perf_counter(), time.process_time()
    said = started

    def progress(what: str, done: int, total: int) -> None:
        nonlocal said
        if time.perf_counter() > said + 10 or done == total:
            said = time.perf_counter()
            print(f"  {what}: {done:,} of {total:,}, {said - started:.0f} s", file=sys.stderr, flush=True)

    found = Search(ChoiceData(replace(outcomes, latency=seconds), routers), 100.0).within(Wish(), progress)
    field = TriedSetups(list(found.items()), Wish())
    chosen, _ = choose(field)
    expected(field)
    wall, core = time.perf_counter() - started, time.process_time() - spent
    print(
        f"{llms} LLMs, {questions:,} labelled questions: {len(found):,} setups in {wall:.0f} s, {core:.0f} s of one "
        f"core; chosen {field.proposals[chosen]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--speed", action="store_true")
    asked = parser.parse_args()
    if asked.speed:
        speed()
    else:
        promises(asked.splits)


if __name__ == "__main__":
    main()
