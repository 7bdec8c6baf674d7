"""What is odd about a benchmark's questions: looked for in whole columns, said in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks.benchmark import SPLITS, Benchmark, splits_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["odd"]

_ENOUGH = 50  # questions from which on a share says something
_MOST = 0.6  # of all golds on one letter: a guesser's score
_TINY = 8  # characters, too few for a question


def odd(benchmark: Benchmark) -> list[str]:
    """Lines about questions that are there twice or in two splits, about options and golds, and about exemplars."""
    asked = benchmark.questions.with_columns(
        key=pl.concat_str(pl.col("text"), pl.col("choices").list.join("\x1f").fill_null(""), separator="\x1e").hash()
    )
    return [*_twice(asked), *_across(asked), *_options(asked), *_golds(asked), *_exemplars(benchmark)]


def _twice(asked: pl.DataFrame) -> Iterator[str]:
    for split in splits_of(asked):
        rows = asked.filter(split=split)
        again = rows.filter(rows["key"].is_duplicated())
        if again.is_empty():
            continue
        golds = again.group_by("key").agg(pl.col("gold").n_unique())
        several = int((golds["gold"] > 1).sum())
        more = f", {several:,} of them with different golds" if several else ""
        example = ", ".join(again.filter(key=again["key"][0])["question_id"].head(3))
        yield f"{split}: {golds.height:,} questions are there more than once{more} ({example})"
    tiny = asked.filter(pl.col("text").str.len_chars() < _TINY)
    if not tiny.is_empty():
        yield f"{tiny.height:,} questions are shorter than {_TINY} characters ({tiny['question_id'][0]})"


def _across(asked: pl.DataFrame) -> Iterator[str]:
    splits = [split for split in SPLITS if split in splits_of(asked)]
    for at, first in enumerate(splits):
        for second in splits[at + 1 :]:
            shared = asked.filter(split=first).join(asked.filter(split=second), on="key", how="semi")
            if not shared.is_empty():
                yield f"{shared.height:,} {first} questions are {second} questions too ({shared['question_id'][0]})"


def _options(asked: pl.DataFrame) -> Iterator[str]:
    lettered = asked.filter(pl.col("choices").is_not_null())
    alike = lettered.filter(pl.col("choices").list.n_unique() < pl.col("choices").list.len())
    if not alike.is_empty():
        yield f"{alike.height:,} questions have the same option twice ({alike['question_id'][0]})"


def _golds(asked: pl.DataFrame) -> Iterator[str]:
    if asked.height < _ENOUGH:
        return
    gold, count = asked["gold"].value_counts(sort=True).row(0)
    if count > _MOST * asked.height:
        yield f"{100 * count / asked.height:.0f} % of all golds are {gold!r}"


def _exemplars(benchmark: Benchmark) -> Iterator[str]:
    shown = {(each.text, each.choices) for each in benchmark.exemplars}
    asked = benchmark.questions.filter(pl.col("text").is_in([text for text, _ in shown]))
    for split in splits_of(asked):
        same = [
            row["question_id"]
            for row in asked.filter(split=split).iter_rows(named=True)
            if (row["text"], row["choices"] and tuple(row["choices"])) in shown
        ]
        if same:
            yield f"{len(same):,} exemplars are {split} questions too ({same[0]})"
