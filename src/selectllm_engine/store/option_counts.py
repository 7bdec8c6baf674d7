"""How many options a question has: as many as it lists, else as many as its subject's letters need.

Where options are part of the question's text, nobody says how many there are. A subject's gold answers show the
highest letter that must be possible, so do questions that list their options line by line, and texts that clearly
state a letter; four at least, as most have.
"""

from __future__ import annotations

import polars as pl

from selectllm_engine.benchmarks import LETTERS

__all__ = ["with_options"]

_FEWEST = 4
_STATED = (  # by an LLM; in capitals, and nothing but the letter
    r"(?:[Aa]nswer(?: is)?:?\s*[(\[*]{0,3}|\\boxed\{(?:\\text\{)?\(?|^\s*[(\[*]{0,3})"
    r"([E-Z])[)\]}*.:]{0,4}\s*(?:$|[.,\n])"
)
_LISTED = r"(?m)^[ \t]*\(?[E-Z][).:]\s"  # by a question
_RARE = 0.01  # share of the texts: what fewer state is a slip


def with_options(questions: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The questions' ids and kinds, with the number of their options.

    Args:
        questions: rows of QUESTION_SCHEMA.
        rows: generations, with question_id and text.
    """
    given = pl.col("choices").list.len().fill_null(0)
    open_ = (pl.col("kind") == "letter") & (given == 0)
    table = questions.select("question_id", "subject", "kind", "gold", options=given, open=open_, asked="text")
    if not table["open"].any():
        return table.select("question_id", "kind", options=pl.when(_none()).then(_FEWEST).otherwise("options"))
    lettered = table.filter("open")
    said = rows.join(lettered.select("question_id", "subject"), on="question_id").select(
        "subject", letter=pl.col("text").str.extract(_STATED)
    )
    often = (
        said.group_by("subject", "letter")
        .agg(count=pl.len())
        .filter(pl.col("count") >= _RARE * pl.col("count").sum().over("subject"))
    )
    listed = lettered.filter(_lists_in_order()).select(
        "subject", letter=pl.col("asked").str.extract_all(_LISTED).list.last()
    )
    listed = listed.with_columns(pl.col("letter").str.extract(r"([E-Z])"))
    letters = pl.concat([lettered.select("subject", letter="gold"), often.select("subject", "letter"), listed])
    place = pl.col("letter").replace_strict(
        {letter: at for at, letter in enumerate(LETTERS, start=1)}, default=None, return_dtype=pl.UInt32
    )
    needed = letters.with_columns(place).group_by("subject").agg(needed=pl.col("letter").max())
    joined = table.join(needed, on="subject", how="left", nulls_equal=True, maintain_order="left")
    needed_here = pl.max_horizontal(pl.col("needed").fill_null(0), _FEWEST)
    options = pl.when("open").then(needed_here).when(_none()).then(_FEWEST).otherwise("options")
    return joined.select("question_id", "kind", options=options)


def _none() -> pl.Expr:
    """Where no options are given."""
    return pl.col("options") == 0


def _lists_in_order() -> pl.Expr:
    """Questions that list an A and all that follows: a line that begins with a letter may be anything."""
    asked = pl.col("asked")
    return asked.str.contains(r"(?m)^\s*\(?A[).:]\s") & asked.str.contains(r"(?m)^\s*\(?D[).:]\s")
