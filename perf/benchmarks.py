"""A described benchmark of 1,000,000 questions, read and drawn, against polars' own reading of its file.

    .venv/bin/python perf/benchmarks.py [--questions 1000000] [--rounds 3]

Each reading is a process of its own with the same imports. Compared are seconds of processor time for the reading
alone, which a busy machine changes least, and the process's peak of memory; the rounds' medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

MEASURED = """
import json, resource, sys
import polars as pl
from pathlib import Path
from selectllm_engine.benchmarks import load_benchmark
from selectllm_engine.benchmarks.described_benchmarks import load
from selectllm_engine.benchmarks.description import described_by
import selectllm_engine.answers
path, description = Path(sys.argv[1]), described_by(json.loads(sys.argv[2]))
def spent():
    use = resource.getrusage(resource.RUSAGE_SELF)
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return use.ru_utime + use.ru_stime, int(peak.split()[1])
before = spent()
{work}
after = spent()
print(json.dumps([after[0] - before[0], after[1] / 1024, found]))
"""
POLARS = "frame = pl.read_parquet(path); found = frame.height"
OURS = "found = load('own', description, data=path).questions.height"

DESCRIBED = {
    "numbers": {"question": "question", "answer": "answer", "kind": "number"},
    "numbers, three drawn splits": {
        "question": "question",
        "answer": "answer",
        "kind": "number",
        "split": {"train": 0.8, "validation": 0.1, "test": 0.1},
    },
    "options, subjects, drawn": {
        "question": "question",
        "answer": "letter",
        "choices": "options",
        "subject": "subject",
        "split": {"train": 0.8, "validation": 0.1, "test": 0.1},
    },
    "four columns of options by index": {
        "question": "{subject}: {question}",
        "answer": "index",
        "choices": ["a", "b", "c", "d"],
    },
}


def write(path: Path, questions: int) -> None:
    rng = np.random.default_rng(0)
    words = np.array(["amber", "beryl", "coral", "diamond", "emerald", "flint", "garnet", "heliotrope", "iolite"])
    said = [" ".join(words[each]) for each in rng.integers(0, len(words), (5000, 40))]
    text = pl.Series(said).gather(rng.integers(0, len(said), questions))
    options = {name: pl.Series(words).gather(rng.integers(0, 9, questions)) + f" {name}" for name in "abcd"}
    index = rng.integers(0, 4, questions)
    frame = pl.DataFrame(
        {
            "question": text,
            "answer": rng.integers(0, 10_000, questions).astype(str),
            "subject": pl.Series(words).gather(rng.integers(0, 9, questions)),
            "index": index,
            "letter": np.array(list("ABCD"))[index],
            **options,
        }
    )
    frame.with_columns(
        question=pl.format("Case {}: {}?", pl.int_range(pl.len()), "question"), options=pl.concat_list(*"abcd")
    ).write_parquet(path)


def measured(work: str, path: Path, description: dict[str, object]) -> tuple[float, float]:
    script = MEASURED.replace("{work}", work)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), json.dumps(description)], check=True, capture_output=True, text=True
    )
    seconds, mebibytes, _ = json.loads(done.stdout)
    return seconds, mebibytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "questions.parquet"
        write(path, args.questions)
        print(f"{args.questions:,} questions, {path.stat().st_size / 2**20:.0f} MiB")
        bare = [measured(POLARS, path, DESCRIBED["numbers"]) for _ in range(args.rounds)]
        theirs = tuple(map(statistics.median, zip(*bare, strict=True)))
        print(f"polars' own reading of all columns: {theirs[0]:.2f} s, {theirs[1]:.0f} MiB")
        for name, description in DESCRIBED.items():
            every = [measured(OURS, path, description) for _ in range(args.rounds)]
            ours = tuple(map(statistics.median, zip(*every, strict=True)))
            print(
                f"{name}: {ours[0]:.2f} s, {ours[1]:.0f} MiB: "
                f"{ours[0] / theirs[0]:.1f} times the time, {ours[1] / theirs[1]:.1f} times the memory"
            )


if __name__ == "__main__":
    main()
