"""Which questions are for training, validation and test, where nobody said so."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from xxhash import xxh3_64_intdigest

from selectllm_engine.benchmarks import SPLIT_WORDS, SPLITS
from selectllm_engine.errors import ImportFormatError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectllm_engine.importers.records import Options

__all__ = ["WORDS", "parse_shares", "split_questions"]

_UNTRAINED = "all questions are test: to train routers, import with --split-by 50/10/40"
# As a benchmark's files have them, without exemplars: what tools call dev is validation.
WORDS = {word: split for word, split in SPLIT_WORDS.items() if split in SPLITS} | {"dev": "validation"}


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
    questions with the same text stay together. Without shares they are all `test`. Where all are test already, shares
    divide them: nobody who gives shares wants all of them tested.

    Raises:
        ImportFormatError: a split with another name.
    """
    if options.split_by is None and questions["split"].null_count() == questions.height:
        note(_UNTRAINED)
        return questions.with_columns(split=pl.lit("test"))
    named = questions["split"].str.strip_chars().str.to_lowercase()
    split = named.replace_strict(WORDS, default=None, return_dtype=pl.String)
    if len(unknown := questions["split"].filter(named.is_not_null() & (named != "") & split.is_null())):
        raise ImportFormatError(f"there is a split {unknown[0][:40]!r}", "name splits train, validation and test")
    if options.split_by is not None and split.eq_missing("test").all():
        note("all questions were test: --split-by divides them")
        split = split.clear(len(split))
    if not split.has_nulls():
        if options.split_by is not None:
            note("--split-by changes nothing: all questions have a split")
    elif options.split_by is None:
        split = split.fill_null("test")
        if not (split == "train").any():
            note(_UNTRAINED)
    else:
        lacking = split.is_null()
        drawn = _draw(questions["text"].filter(lacking), options.split_by, options.seed)
        split = split.scatter(lacking.arg_true(), drawn)
    return questions.with_columns(split.alias("split"))


def _draw(texts: pl.Series, shares: tuple[int, int, int], seed: int) -> pl.Series:
    """The split of every text: the distinct ones in the order of their digests, cut where the shares end."""
    digests = np.fromiter(map(xxh3_64_intdigest, texts.cast(pl.Binary).to_list(), repeat(seed % 2**64)), np.uint64)
    order = pl.Series(digests).unique().sort()
    train, validation, _ = shares
    ends = (round(len(order) * share / 100) for share in (train, train + validation))
    firsts = np.array([order[end] for end in ends if end < len(order)], np.uint64)  # of validation and test
    return pl.Series(SPLITS, dtype=pl.String).gather(np.searchsorted(firsts, digests, side="right"))
