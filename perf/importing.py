"""How long importing 1,000,000 rows of a wide table takes, against what polars takes to read the same file.

python perf/importing.py                      # CSV and Parquet, with ids and without
python perf/importing.py --rows 100000
python perf/importing.py --commands           # each in a process of its own, from its start to its end
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.importers.assembly import Options
from selectllm_engine.importers.table import TableColumns, import_table
from selectllm_engine.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LLMS = tuple(f"llm-{letter}" for letter in "abcde")
WORDS = [
    f"{start}{end}" for start in ("ba", "ko", "mi", "tul", "or", "ne") for end in ("", "s", "ri", "den", "la", "ts")
]
SPLIT_BY = (50, 10, 40)


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


def ways() -> Iterator[tuple[str, bool, bool]]:
    """What is imported how: with the ids in the file or without, and with a draw of splits or without."""
    yield "with ids", True, False
    yield "without", False, False
    yield "with ids, --split-by 50/10/40", True, True


def in_this_process(path: Path, cache: Path, *, ids: bool, split: bool) -> tuple[Callable[[], object], ...]:
    """What reads the file, and what imports it."""
    names = TableColumns(llms=LLMS, subject="subject", id="sample_id" if ids else None)
    options = Options(split_by=SPLIT_BY if split else None)
    read = pl.read_csv if path.suffix == ".csv" else pl.read_parquet
    return lambda: read(path), lambda: import_table(Cache(cache), path, "wide", names, options=options)


def as_commands(path: Path, cache: Path, *, ids: bool, split: bool) -> tuple[Callable[[], object], ...]:
    """As `in_this_process`, each in a process of its own."""
    read = [sys.executable, "-c", f"import polars; polars.read_{path.suffix[1:]}({str(path)!r})"]
    command = [str(Path(sys.executable).with_name("selectllm")), "import", "table", str(path), "--benchmark", "wide"]
    command += ["--llms", ",".join(LLMS), "--subject", "subject", "--cache", str(cache)]
    command += ["--id", "sample_id"] if ids else []
    command += ["--split-by", "/".join(map(str, SPLIT_BY))] if split else []
    return tuple(lambda each=each: subprocess.run(each, check=True, capture_output=True) for each in (read, command))


def spent() -> tuple[float, float]:
    """Seconds by the clock, and seconds of processors of this process and of those that it waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5, help="the medians of which are shown")
    parser.add_argument("--commands", action="store_true", help="measure whole processes")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = made_up(chosen.rows)
        table.write_csv(folder / "wide.csv")
        table.write_parquet(folder / "wide.parquet")
        del table
        for path in (folder / "wide.csv", folder / "wide.parquet"):
            print(f"{path.suffix[1:]}, {path.stat().st_size / 1e6:.0f} MB")
            for what, ids, split in ways():
                works = (as_commands if chosen.commands else in_this_process)(path, folder / "c", ids=ids, split=split)
                taken: tuple[list[tuple[float, float]], ...] = ([], [])
                for _ in range(chosen.runs):
                    for work, times in zip(works, taken, strict=True):  # in turns: what slows one slows the other
                        start = spent()
                        work()
                        times.append(tuple(now - then for now, then in zip(spent(), start, strict=True)))
                    Cache(folder / "c").remove("wide")
                (read, read_by), (done, done_by) = (map(statistics.median, zip(*each, strict=True)) for each in taken)
                print(
                    f"  {what}: polars reads it in {read:.2f} s, it is imported in {done:.2f} s, "
                    f"{done / read:.1f} times as long ({done_by / read_by:.1f} times by processors)"
                )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
