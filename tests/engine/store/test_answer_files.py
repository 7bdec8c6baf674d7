"""Answers kept beside the texts: how texts ended, also where that was stored before it was looked at."""

import polars as pl
import pytest

from fakes import fake_rows, flip_bit, write_fake_run
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.frames import write_frame

REASONS = ["length", "MAX_TOKENS", "stop", None]


@pytest.fixture
def cache(tmp_path):
    """An LLM with four texts, one of which is blank and two of which were cut off."""
    cache = write_fake_run(tmp_path, questions={"test": 4}, llms=("a",), samples=1)
    rows = pl.concat([fake_rows((f"test-{n}", 1), text=" \n" if n == 2 else "The answer is 7.") for n in range(4)])
    with cache.writer("fake", "a") as writer:
        writer.append(rows.with_columns(finish_reason=pl.Series(REASONS, dtype=pl.String)), {})
    return cache


def ends(cache):
    rows = Cache(cache.root).answers("fake", "a").filter(pl.col("sample") == 1).sort("question_id")
    return rows.select("answer", "empty", "cut").rows()


def older(cache):
    """Take away what earlier versions didn't store."""
    cache.answers("fake", "a")
    paths = list((cache.folder("fake") / "llms" / "a" / "answers").glob("v*.parquet"))
    for path in paths:
        write_frame(path, pl.read_parquet(path).drop("empty", "cut"))
    return paths


def test_how_texts_ended_is_found_where_it_was_not_stored(cache):
    found = ends(cache)
    assert [row[1:] for row in found] == [(False, True), (False, True), (True, False), (False, None)]
    assert older(cache)
    assert ends(cache) == found


def test_answers_outlive_texts_that_are_damaged_since(cache):
    answers = [row[0] for row in ends(cache)]
    older(cache)
    for path in (cache.folder("fake") / "llms" / "a" / "generations").glob("*.parquet"):
        flip_bit(path)
    assert ends(cache) == [(answer, None, None) for answer in answers]
