"""Which questions are for training, validation and test, where nobody said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks import SPLITS, ranked
from selectllm_engine.errors import ImportFormatError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectllm_engine.importers.storing import Options

__all__ = ["parse_shares", "split_questions"]

_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}


def parse_shares(text: str) -> tuple[int, int, int]:
    """`50/10/40` as shares of train, validation and test; raises UsageError."""
    parts = text.split("/")
    shares = tuple(int(part) for part in parts if part.strip().isdecimal() and len(part) < 4)
    if len(parts) != 3 or len(shares) != 3 or sum(shares) != 100:
        raise UsageError(
            f"--split-by {text[:40]} is no split",
            "write shares of train, validation and test that add up to 100: 50/10/40",
        )
    return shares


def split_questions(questions: pl.DataFrame, options: Options, note: Callable[[str], None]) -> pl.DataFrame:
    """The questions, each with one of SPLITS.

    Those without are drawn by `options.split_by`, by a digest of their texts: the order of rows changes nothing, and
    questions with the same text stay together. Without shares they are all `test`.

    Raises:
        ImportFormatError: a split with another name.
    """
    named = questions["split"].str.strip_chars().str.to_lowercase()
    split = named.replace_strict(_WORDS, default=None, return_dtype=pl.String)
    unknown = questions.filter(named.is_not_null() & (named != "") & split.is_null())["split"]
    if len(unknown):
        raise ImportFormatError(f"there is a split {unknown[0][:40]!r}", "name splits train, validation and test")
    drawn = questions.filter(split.is_null())["text"]
    if drawn.is_empty():
        if options.split_by is not None:
            note("--split-by changes nothing: all questions have a split")
    elif options.split_by is None:
        split = split.fill_null("test")
        if "train" not in split:
            note("all questions are test: to train routers, import with --split-by 50/10/40")
    else:
        split = split.fill_null(questions["text"].replace_strict(_draw(drawn, options), default=None))
    return questions.with_columns(split.alias("split"))


def _draw(texts: pl.Series, options: Options) -> dict[str, str]:
    order = ranked(texts.unique(maintain_order=True).to_list(), options.seed)
    train, validation, _ = options.split_by or (0, 0, 100)
    ends = (round(len(order) * train / 100), round(len(order) * (train + validation) / 100), len(order))
    found, start = {}, 0
    for name, end in zip(SPLITS, ends, strict=True):
        found.update(dict.fromkeys(order[start:end], name))
        start = end
    return found
