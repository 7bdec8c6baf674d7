"""Answers that are equal though they are written differently: all of them become one of them, the gold answer first.

Two kinds need it. Short texts have aliases, all of which are the gold answer. Expressions are compared by math-verify,
each with those before it that differ: first with the gold answer, in that order, as math-verify's verdict is meant.
What was found is a fact about texts alone, whatever LLM wrote them; it is kept beside the questions, by the version
of math-verify, and safe to delete. Without math-verify expressions are compared by their normal form.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.answers import ALIASES
from selectllm_engine.store.frames import keep_derived, read_derived
from selectllm_engine.store.mathematics import Mathematics, math_version

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.store.files import Progress

__all__ = ["EqualExpressions", "by_alias", "compared_as"]

_RULES = 1  # of comparing; others make other files
_SCHEMA = pl.Schema(
    {
        "about": pl.String(),  # the gold answer; a question's id where there is none
        "answer": pl.String(),
        "same": pl.String(),  # what it is equal to, else itself
        "alone": pl.Boolean(),  # comparing it takes more than the limit
    }
)


def compared_as() -> str:
    """What decides which expressions are equal, for what is derived from that."""
    return f"v{_RULES}-{math_version()}" if math_version() else "normal form"


def by_alias(answers: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
    """The answers, with the whole gold answer in place of one of its aliases."""
    several = questions.filter(pl.col("kind") == "text", pl.col("gold").str.contains(ALIASES, literal=True))
    if several.is_empty():
        return answers
    aliases = several.select("question_id", "gold", answer=pl.col("gold").str.split(ALIASES)).explode("answer")
    known = answers.join(aliases, on=["question_id", "answer"], how="left", maintain_order="left")
    return known.with_columns(answer=pl.coalesce("gold", "answer")).drop("gold")


class EqualExpressions:
    """Which expressions are equal, of one benchmark.

    Args:
        folder: of the benchmark.
        writable: whether what is found is kept there.
        limit: seconds of processor time for a pair.
    """

    def __init__(self, folder: Path, *, writable: bool, limit: float | None = None) -> None:
        self._path = folder / f"equal-v{_RULES}-{math_version()}.parquet"
        self._writable = writable
        self._limit = limit
        self._known: pl.DataFrame | None = None
        self._lock = Lock()

    def apply(self, answers: pl.DataFrame, questions: pl.DataFrame, progress: Progress | None = None) -> pl.DataFrame:
        """The answers, with what each is equal to in its place; what was not compared before is now.

        Args:
            answers: with question_id and answer.
            questions: with question_id, gold and kind.
            progress: told (done, total) of expressions that must be compared.
        """
        mathematical = questions.filter(pl.col("kind") == "expression")
        about = mathematical.select("question_id", about=pl.coalesce("gold", "question_id"))
        told = answers.join(about, on="question_id", how="left", maintain_order="left")
        asked = told.select("about", "answer").drop_nulls().unique(maintain_order=True)
        asked = asked.filter(pl.col("about") != pl.col("answer"))
        with self._lock:
            known = read_derived(self._path, _SCHEMA) if self._known is None else self._known
            known = pl.DataFrame(schema=_SCHEMA) if known is None else known
            new = asked.join(known, on=["about", "answer"], how="anti", maintain_order="left")
            if not new.is_empty():
                with Mathematics() if self._limit is None else Mathematics(self._limit) as mathematics:
                    known = pl.concat([known, _compared(mathematics, new, known, progress)])
                if self._writable:
                    keep_derived(self._path, known, "equal-v*.parquet")
            self._known = known
        same = told.join(known.drop("alone"), on=["about", "answer"], how="left", maintain_order="left")
        return same.with_columns(answer=pl.coalesce("same", "answer")).drop("about", "same")


def _compared(
    mathematics: Mathematics, new: pl.DataFrame, known: pl.DataFrame, progress: Progress | None
) -> pl.DataFrame:
    """New rows of what answers are equal to, each compared with the first of every class before it."""
    alone = {tuple(row) for row in known.filter("alone").select("about", "answer").iter_rows()}
    classes: dict[str, list[str]] = {}
    for about, answer, same, _ in known.iter_rows():
        if answer == same and (about, answer) not in alone:
            classes.setdefault(about, [about]).append(answer)
    rows: list[tuple[str, str, str, bool]] = []
    for done, (about, answer) in enumerate(new.iter_rows(), 1):
        found = classes.setdefault(about, [about])
        same, hostile = answer, False
        for first in [each for each in found if (about, each) not in alone]:
            equal = mathematics.equal(first, answer)
            if equal is None and first == about and mathematics.equal(about, "1") is None:
                alone.add((about, about))  # the gold answer itself can't be compared with anything
                rows.append((about, about, about, True))
            elif equal is None:
                hostile = True
                break
            elif equal:
                same = first
                break
        if same == answer and not hostile:
            found.append(answer)
        rows.append((about, answer, same, hostile))
        if progress:
            progress(done, new.height)
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
