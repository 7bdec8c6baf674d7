"""Gold answers as other tools write them → canonical ones, and of which kind they are.

The kind of a question without one: "letter" where it has options, or where all gold answers of its subject are single
letters; "number" where its gold answer is a plain number; else "word", where it is short enough to be extracted. A
gold answer that is none of its kind is dropped: recorded scores decide then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks import LETTERS, QUESTION_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["KINDS", "canonical_golds"]

KINDS = ("number", "letter", "word", "none")
_LETTER = r"^\s*\(?[A-Ja-j][).]?\s*$"
_NUMBER = r"^[-+−]?\s*[$€£¥]?\s*[-+−]?[\d.,/]*\d[\d.,]*(?:[eE][-+]?\d+)?\s*%?\.?$"
_SOLVED = r"(?:####|\nA:|\nAnswer:)\s*([^\n]*\S)\s*$"  # how gold solutions end
_LONGEST_WORD = 60  # characters


def canonical_golds(questions: pl.DataFrame, kind: str | None, note: Callable[[str], None]) -> pl.DataFrame:
    """The questions as rows of QUESTION_SCHEMA; `split` stays as it is.

    Args:
        questions: with question_id, text, choices, gold, kind, subject and split.
        kind: of all questions, one of KINDS; "none" drops gold answers, None leaves it to each question.
        note: told how many gold answers were dropped.
    """
    if kind == "none":
        questions = questions.with_columns(gold=pl.lit(None, dtype=pl.String))
    elif kind is not None:
        questions = questions.with_columns(kind=pl.lit(kind))
    if questions["gold"].null_count() == questions.height:
        return _shaped(questions.with_columns(kind=_kind_without_gold()))
    questions = questions.with_columns(
        gold=pl.coalesce(pl.col("gold").str.extract(_SOLVED), pl.col("gold").str.strip_chars())
    ).with_columns(gold=pl.when(pl.col("gold") != "").then("gold"), kind=_kind())
    golds = _canonical(questions.select("gold", "kind", "choices"))
    if dropped := golds.null_count() - questions["gold"].null_count():
        note(f"{dropped:,} gold answers are no number, letter or short word: dropped, recorded scores decide")
    return _shaped(questions.with_columns(golds))


def _canonical(given: pl.DataFrame) -> pl.Series:
    """The canonical gold answers; those that many questions share are looked at once."""
    if given["choices"].null_count() == given.height:
        each = given.select("gold", "kind").unique().with_columns(choices=pl.lit(None, dtype=pl.List(pl.String)))
        found = each.select("gold", "kind").with_columns(found=_golds(each))
        return given.join(found, on=["gold", "kind"], how="left", maintain_order="left")["found"].alias("gold")
    return _golds(given)


def _golds(rows: pl.DataFrame) -> pl.Series:
    found = (None if row[0] is None else _gold(*row) for row in rows.iter_rows())
    return pl.Series("gold", list(found), dtype=pl.String)


def _shaped(questions: pl.DataFrame) -> pl.DataFrame:
    return questions.select(pl.col(name).cast(dtype) for name, dtype in QUESTION_SCHEMA.items())


def _kind_without_gold() -> pl.Expr:
    lettered = pl.when(pl.col("choices").list.len() > 0).then(pl.lit("letter")).otherwise(pl.lit("word"))
    return pl.coalesce("kind", lettered)


def _kind() -> pl.Expr:
    letters = pl.col("gold").str.contains(_LETTER)
    lettered = letters.all().over("subject") & letters.any().over("subject")
    return (
        pl.when(pl.col("kind").is_not_null())
        .then("kind")
        .when(pl.col("choices").list.len() > 0)
        .then(pl.lit("letter"))
        .when(lettered)
        .then(pl.lit("letter"))
        .when(pl.col("gold").str.strip_chars().str.contains(_NUMBER))
        .then(pl.lit("number"))
        .otherwise(pl.lit("word"))
    )


def _gold(gold: str, kind: str, choices: Sequence[str] | None) -> str | None:
    from selectllm_engine.answers import canonical  # its patterns are compiled, for which there may be no need

    if kind == "letter":
        options = len(choices) if choices else len(LETTERS)
        if options > len(LETTERS):
            return None
        fitting = [letter for letter, text in zip(LETTERS, choices or (), strict=False) if text.strip() == gold]
        if len(fitting) == 1:
            return fitting[0]
        return canonical(gold, "letter", options)
    if kind == "word" and (len(gold) > _LONGEST_WORD or re.search(r"[\n\\{}]", gold)):
        return None
    return canonical(gold, "number" if kind == "number" else "word")
