"""What `--stop decided` saves, and whether the engine stays full while rounds wait.

    python perf/rounds.py [--rule beta:0.95] [--questions 5000] [--samples 10] [--capacity 256]

The recorded run's generations are given out again, in rounds, by the fake engine of the tests; then made-up ones of
many questions, whose accuracies are spread evenly. In flight: the share of the engine's places that are taken, over
all steps; beside it that of the same samples made all at once. What is short of all is the end, when few rounds are
left: the fewer steps there are, the more it counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from fake_replay import fake_recording  # noqa: E402
from fake_replay_lab import FakeReplayLab  # noqa: E402
from fakes import fake_questions  # noqa: E402
from selectllm_engine.store import GENERATION_SCHEMA, open_cache  # noqa: E402

if TYPE_CHECKING:
    import polars as pl


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rule", default="decided")
    parser.add_argument("--questions", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--capacity", type=int, default=256)
    options = parser.parse_args()
    run = open_cache(ROOT / "cache")
    questions = run.questions("reasoning")
    for llm in run.llms("reasoning"):
        rows = run.generations("reasoning", llm).select(*GENERATION_SCHEMA)
        _measure(llm, questions, rows, rows["sample"].max() + 1, options)
    made_up = fake_questions({"test": options.questions})
    recording = fake_recording(made_up, options.samples, 2)
    _measure(f"{options.questions:,} made up", made_up, recording, options.samples, options)


def _measure(name: str, questions: pl.DataFrame, rows: pl.DataFrame, samples: int, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lab = FakeReplayLab(Path(folder) / "lab", questions, rows, samples=samples, capacity=options.capacity)
        at_once = lab.engine.flight
        lab.run(samples, options.rule)
        made = lab.cache.sampled("fake", "a").height
        same = total = 0
        for split in questions["split"].unique():
            right = lab.outcomes(split=split).labels == lab.outcomes(lab.whole, split=split).labels
            same, total = same + int(right.sum()), total + right.size
        full = [
            sum(min(each, options.capacity) for each in flight) / len(flight) for flight in (lab.engine.flight, at_once)
        ]
        shares = " beside ".join(f"{100 * each / options.capacity:.1f} %" for each in full)
        print(
            f"{name:32} K = {samples}: {made:,} of {rows.height:,} samples ({100 * made / rows.height:.1f} %), "
            f"{same:,} of {total:,} labels the same, in flight {shares}"
        )


if __name__ == "__main__":
    main()
