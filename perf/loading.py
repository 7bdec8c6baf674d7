"""Open a made-up run of 1,000,000 generations: seconds and peak memory, the first time and the second time.

    python perf/loading.py [--questions 10000] [--llms 10] [--samples 10]

The first opening extracts every answer; the second reads what the first kept. Each is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

OPEN = """
import json, resource, sys, time
from pathlib import Path
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.outcome_arrays import load_outcomes
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
outcomes = load_outcomes(Cache(Path(sys.argv[1])), "made-up", "test")
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert outcomes.answers.size == int(sys.argv[2]), outcomes.answers.shape
print(json.dumps({"seconds": seconds, "before": before / 2**20, "peak": peak / 2**20}))
"""


def write_run(root: Path, questions: int, llms: int, samples: int) -> None:
    from selectllm_engine.benchmarks import QUESTION_SCHEMA
    from selectllm_engine.store import GENERATION_SCHEMA, Cache

    rng = np.random.default_rng(0)
    cache = Cache(root)
    gold = rng.integers(0, 1000, questions)
    table = {"question_id": [f"question-{q}" for q in range(questions)], "split": "test", "text": "How many?"}
    numbers = pl.DataFrame({**table, "gold": gold.astype(str), "kind": "number"})
    cache.write_questions(
        "made-up",
        numbers.select(
            (pl.col(name) if name in numbers.columns else pl.lit(None).alias(name)).cast(dtype)
            for name, dtype in QUESTION_SCHEMA.items()
        ),
    )
    steps = "First we add what is known, then we subtract what was given away, step by step. " * 4
    rows = questions * samples
    for llm in range(llms):
        with cache.writer("made-up", f"llm-{llm}") as writer:
            writer.start({"samples": samples, "created": f"{llm:04d}", "latency": {"a": 0.1, "b": 0.0, "c": 0.01}})
            said = np.repeat(gold, samples) + rng.integers(0, 5, rows)
            generations = pl.DataFrame(
                {
                    "question_id": np.repeat(numbers["question_id"].to_numpy(), samples),
                    "sample": np.tile(np.arange(samples), questions),
                    "text": pl.Series(said).cast(pl.String),
                    "prompt_tokens": 50,
                    "output_tokens": rng.integers(20, 200, rows),
                    "finish_reason": "stop",
                }
            ).with_columns(text=pl.format(f"Case {{}}. {steps}The answer is {{}}.", pl.int_range(rows), "text"))
            for piece in generations.cast(dict(GENERATION_SCHEMA)).iter_slices(-(-rows // 20)):
                writer.append(piece, {"engine": "made-up"})


def opening(root: Path, size: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(root), str(size)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("questions", 10_000), ("llms", 10), ("samples", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    size = args.questions * args.llms * args.samples
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        write_run(Path(folder), args.questions, args.llms, args.samples)
        print(f"{size:,} generations written in {time.perf_counter() - start:.1f} s")
        for title in ("first opening", "second opening", "third opening"):
            figures = opening(Path(folder), size)
            print(
                f"{title}: {figures['seconds']:.2f} s, peak {figures['peak']:.2f} GiB ({figures['before']:.2f} before)"
            )


if __name__ == "__main__":
    main()
