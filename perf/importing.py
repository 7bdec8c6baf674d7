"""How long importing 1,000,000 rows of a wide table takes, against what polars takes to read the same file.

python perf/importing.py                      # CSV and Parquet, with ids and without
python perf/importing.py --rows 100000
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from selectllm_engine.cache import Cache
from selectllm_engine.importers.storing import Options
from selectllm_engine.importers.table import Columns, import_table

if TYPE_CHECKING:
    from collections.abc import Callable

LLMS = tuple(f"llm-{letter}" for letter in "abcde")
WORDS = [
    f"{start}{end}" for start in ("ba", "ko", "mi", "tul", "or", "ne") for end in ("", "s", "ri", "den", "la", "ts")
]


def made_up(rows: int) -> pl.DataFrame:
    """Questions of some 45 words, an id, a subject, and a score of five LLMs."""
    draw = np.random.default_rng(0)
    words = np.array(WORDS)[draw.integers(0, len(WORDS), (rows, 45))]
    return pl.DataFrame(
        {
            "sample_id": [f"q-{row:07d}" for row in range(rows)],
            "question": [" ".join(each) for each in words],
            "subject": np.array(["mathematics", "history", "law"])[draw.integers(0, 3, rows)],
            **{llm: draw.integers(0, 2, rows).astype(np.float64) for llm in LLMS},
        }
    )


def measured(work: Callable[[], Any], runs: int) -> tuple[float, float]:
    """Medians of several runs: seconds, and seconds of all processors together, which a busy machine changes less."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    clock, processor = zip(*taken, strict=True)
    return statistics.median(clock), statistics.median(processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = made_up(chosen.rows)
        table.write_csv(folder / "wide.csv")
        table.write_parquet(folder / "wide.parquet")
        del table
        for suffix, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet)):
            path = folder / f"wide.{suffix}"
            reading, cpu = measured(lambda path=path, read=read: read(path), chosen.runs)
            print(
                f"{suffix}, {path.stat().st_size / 1e6:.0f} MB: "
                f"polars reads it in {reading:.2f} s, {cpu:.2f} s of processors"
            )
            for what, more in (
                ("with ids", {"id": "sample_id"}),
                ("without", {}),
                ("with ids, --split-by 50/10/40", {"id": "sample_id", "split": (50, 10, 40)}),
            ):
                shares = more.pop("split", None)
                names = Columns(llms=LLMS, subject="subject", **more)
                count = iter(range(chosen.runs))

                def run(path: Path = path, names: Columns = names, shares: Any = shares, count: Any = count) -> None:
                    target = Cache(folder / f"cache {path.suffix} {next(count)} {names.id} {shares}")
                    import_table(target, path, "wide", names, options=Options(split_by=shares))

                taken, used = measured(run, chosen.runs)
                print(
                    f"  imported {what} in {taken:.2f} s, {taken / reading:.1f} times as long; "
                    f"{used:.2f} s of processors, {used / cpu:.1f} times as much"
                )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
