"""MMLU: multiple choice with four options in 57 subjects (Hendrycks et al. 2021, arXiv 2009.03300).

Read from the Hugging Face hub (`cais/mmlu`, config `all`), or from a folder with the authors' headerless CSV files
(`test/*.csv`, `val/*.csv`, `dev/*.csv`) or with the hub's Parquet files. Splits as in the study: of the 14,042
questions of MMLU's test split 285 are `validation`, drawn by a seed, and the others `train`; MMLU's validation split
(1,531) is `test`; its dev split, five questions per subject, gives the exemplars, which have no rationales. Every
split is in random order, so that its first questions are of all subjects.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks.benchmark import LETTERS, Benchmark, Exemplar, question_frame, ranked, refuse_sizes
from selectllm_engine.benchmarks.tables import read_files, read_hub, read_lists
from selectllm_engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["SIZES", "load"]

SIZES: dict[str, int] = {"train": 13757, "validation": 285, "test": 1531}

_ROWS = 14042
_FOLDERS = {"test": "test", "validation": "val", "dev": "dev"}


def load(*, data: Path | None = None, sizes: Mapping[str, int] | None = None, seed: int = 0) -> Benchmark:
    """MMLU from the hub, or from the folder `data`.

    A question's id holds its index within its subject and MMLU's own split (`mmlu-validation-anatomy-0003`).

    Raises:
        UsageError: `sizes` are given.
        BenchmarkError: the hub cannot be reached, or a file is missing or broken.
    """
    refuse_sizes("mmlu", sizes)
    pool = {row["question_id"]: row for row in _questions(data, "test")}
    test = {row["question_id"]: row for row in _questions(data, "validation")}
    order = ranked(pool, seed)
    cut = len(order) - round(len(order) * SIZES["validation"] / _ROWS)
    splits = {"train": order[:cut], "validation": order[cut:], "test": ranked(test, seed)}
    every = pool | test
    rows = [every[name] | {"split": split} for split, names in splits.items() for name in names]
    exemplars = (
        Exemplar(row["text"], row["gold"], tuple(row["choices"]), subject=row["subject"])
        for row in _questions(data, "dev")
    )
    return Benchmark("mmlu", question_frame(rows), tuple(exemplars))


def _questions(data: Path | None, split: str) -> Iterator[dict[str, Any]]:
    """The rows of one of MMLU's own splits, without our `split`."""
    counts: Counter[str] = Counter()
    for where, subject, text, choices, gold in _source(data, split):
        if gold not in LETTERS[: len(choices)] or len(gold) != 1:
            raise BenchmarkError(f"{where}: {gold!r} is none of its {len(choices)} options", "use MMLU's own files")
        yield {
            "question_id": f"mmlu-{split}-{subject}-{counts[subject]:04d}",
            "subject": subject,
            "text": text,
            "choices": choices,
            "gold": gold,
            "kind": "letter",
        }
        counts[subject] += 1


def _source(data: Path | None, split: str) -> Iterator[tuple[str, str, str, list[str], str]]:
    """Place, subject, question, options and gold letter of every row."""
    folder = data / _FOLDERS[split] if data else None
    if folder is not None and folder.is_dir():
        yield from _headerless(folder, _FOLDERS[split])
        return
    if data is None:
        records = read_hub("cais/mmlu", f"all/{split}-*.parquet")
    else:
        patterns = (f"{split}-*.parquet", f"all/{split}-*.parquet")
        records = read_files(data, (*patterns, f"{_FOLDERS[split]}/*.csv"))
    for record in records:
        choices, answer = record.get("choices"), record.get("answer")
        if not isinstance(choices, list) or not isinstance(answer, int) or not 0 <= answer < len(choices):
            problem = f"{record.where}: 'answer' {answer!r} is no index into 'choices'"
            raise BenchmarkError(problem, "use MMLU's own files")
        options = [record.written("choices", choice) for choice in choices]
        yield record.where, record.text("subject"), record.text("question"), options, LETTERS[answer]


def _headerless(folder: Path, suffix: str) -> Iterator[tuple[str, str, str, list[str], str]]:
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise BenchmarkError(
            f"{str(folder)!r} holds no CSV files", "pass the folder that holds MMLU's dev, val and test"
        )
    for path in paths:
        for where, row in read_lists(path):
            if len(row) != 6:
                raise BenchmarkError(f"{where} has {len(row)} fields instead of 6", "use MMLU's own files")
            text, *choices, gold = (cell.strip() for cell in row)
            yield where, path.stem.removesuffix(f"_{suffix}"), text, choices, gold
