"""The rows of a source's splits → our splits and exemplars: as a column names them, or by shares that are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.benchmarks.benchmark import QUESTION_SCHEMA, SPLIT_WORDS, SPLITS
from selectllm_engine.benchmarks.draws import drawn
from selectllm_engine.errors import BenchmarkError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from selectllm_engine.benchmarks.description import Exemplars, SplitShare

__all__ = ["SourceSplit", "by_column", "by_parts"]


@dataclass(frozen=True, slots=True, eq=False)
class SourceSplit:
    """The sound rows of a source's split, with the columns of QUESTION_SCHEMA and `rationale`, and have they subjects.

    `split` is what a column of the source's says.
    """

    rows: pl.DataFrame
    subjects: bool


def by_column(source: SourceSplit) -> tuple[list[tuple[str, pl.DataFrame]], pl.DataFrame]:
    """The splits that a column names; what it calls "exemplar" or "dev" are exemplars."""
    words = source.rows["split"].str.to_lowercase()
    unknown = words.filter(~words.is_in(list(SPLIT_WORDS)) & words.is_not_null())
    if len(unknown):
        raise BenchmarkError(f"no split {unknown[0]!r}", did_you_mean(str(unknown[0]), SPLIT_WORDS))
    split = words.replace_strict(SPLIT_WORDS, default="test", return_dtype=pl.String)
    parts = [(each, source.rows.filter(split == each)) for each in SPLITS]
    return [(each, rows) for each, rows in parts if rows.height], source.rows.filter(split == "exemplar")


def by_parts(
    parts: Mapping[str, SplitShare], takes: Exemplars | None, sources: Mapping[str, SourceSplit], seed: int
) -> tuple[list[tuple[str, pl.DataFrame]], pl.DataFrame]:
    """The splits, one after the other from the drawn order of their source, and the exemplars."""
    chosen: dict[str, pl.DataFrame] = {}
    shown = None
    for of, source in sources.items():
        ours = [split for split in SPLITS if split in parts and parts[split].of == of]
        few = takes.take if takes is not None and takes.of == of else 0
        if few is None:
            shown = source.rows
        if not few and not source.subjects and [parts[split].share for split in ours] in ([], [1]):
            chosen |= dict.fromkeys(ours, source.rows)
            continue
        order = drawn(source.rows["question_id"], seed)
        start, taken = 0, []
        for split in ours:
            size = round(len(order) * parts[split].share)
            taken.append(order[start : start + size])
            start += size
        if few:
            left = order[start:]
            few = min(few, len(order) // 2)
            if (lacking := few - len(left)) > 0:  # the splits are of all: the largest gives some up
                largest = max(range(len(taken)), key=lambda at: len(taken[at]))
                left = np.concatenate([taken[largest][-lacking:], left])
                taken[largest] = taken[largest][:-lacking]
            shown = source.rows[left[:few]]
        for split, each in zip(ours, taken, strict=True):
            in_order = parts[split].share == 1 and not source.subjects
            chosen[split] = _gathered(source.rows, np.sort(each) if in_order else each)
    if shown is None:
        shown = next(iter(sources.values())).rows.clear()
    return [(split, chosen[split]) for split in SPLITS if split in chosen], shown


def _gathered(rows: pl.DataFrame, at: NDArray[np.int64]) -> pl.DataFrame:
    """These rows, without the columns that no question has."""
    needed = [name for name in QUESTION_SCHEMA if name in rows.columns and name != "split"]
    return rows.select(needed)[at]
