"""GSM8K: grade-school mathematics with numeric answers (Cobbe et al. 2021, arXiv 2110.14168).

Read from the Hugging Face hub (`openai/gsm8k`, config `main`), or from a folder with `train.jsonl` and `test.jsonl`
or with the hub's Parquet files. Splits as in the study: of the 7,473 train questions 6,816 are `train` and 359
`validation`, drawn by a seed; five of the 298 that stay out are the exemplars. All 1,319 test questions are `test`.
Of a shorter train file the same shares are taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks.benchmark import Benchmark, Exemplar, question_frame, ranked, refuse_sizes
from selectllm_engine.benchmarks.tables import FileRecord, read_files, read_hub
from selectllm_engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SIZES", "load"]

SIZES: dict[str, int] = {"train": 6816, "validation": 359, "test": 1319}

_ROWS = 7473
_EXEMPLARS = 5


def load(*, data: Path | None = None, sizes: Mapping[str, int] | None = None, seed: int = 0) -> Benchmark:
    """GSM8K from the hub, or from the folder `data`.

    A question's id holds its index in the source's file (`gsm8k-train-0412`), whichever split it is drawn for.

    Raises:
        UsageError: `sizes` are given.
        BenchmarkError: the hub cannot be reached, or a file is missing or broken.
    """
    refuse_sizes("gsm8k", sizes)
    source = {row["question_id"]: row for row in map(_question, *_numbered(data, "train"))}
    order = ranked(source, seed)
    train, validation = (round(len(order) * part / _ROWS) for part in (SIZES["train"], SIZES["validation"]))
    splits = {"train": order[:train], "validation": order[train : train + validation]}
    rows = [source[name] | {"split": split} for split, names in splits.items() for name in names]
    rows += [row | {"split": "test"} for row in map(_question, *_numbered(data, "test"))]
    left = [source[name] for name in order[train + validation :]]
    exemplars = tuple(Exemplar(row["text"], row["gold"], rationale=row["rationale"]) for row in left[:_EXEMPLARS])
    return Benchmark("gsm8k", question_frame(rows), exemplars)


def _numbered(data: Path | None, split: str) -> tuple[list[str], list[FileRecord]]:
    """Ids and rows of one of the source's files."""
    if data is None:
        records = read_hub("openai/gsm8k", f"main/{split}-*.parquet")
    else:
        records = read_files(data, (f"{split}.jsonl", f"{split}-*.parquet", f"main/{split}-*.parquet"))
    return [f"gsm8k-{split}-{index:04d}" for index in range(len(records))], records


def _question(name: str, record: FileRecord) -> dict[str, Any]:
    from selectllm_engine.answers import canonical

    rationale, mark, answer = record.text("answer").rpartition("####")
    gold = canonical(answer, "number")
    if not mark or gold is None:
        raise BenchmarkError(f"{record.where}: 'answer' does not end in '#### number'", "use GSM8K's own files")
    return {
        "question_id": name,
        "text": record.text("question"),
        "gold": gold,
        "kind": "number",
        "rationale": " ".join(re.sub(r"<<[^<>]*>>", "", rationale).split()),  # <<48/2=24>> are calculator notes
    }
