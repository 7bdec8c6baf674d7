"""The questions of an import, put together from all that its files say about them."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from selectllm_engine.errors import ImportFormatError

__all__ = ["QUESTIONS", "Questions", "identities"]

QUESTIONS = pl.Schema(
    {
        "key": pl.String(),
        "question": pl.String(),
        "choices": pl.List(pl.String()),
        "gold": pl.String(),
        "kind": pl.String(),
        "subject": pl.String(),
        "split": pl.String(),
    }
)
_SAME = {"question": "text", "choices": "choices", "gold": "gold answer", "split": "split", "kind": "kind"}
_BUFFER = 50_000  # rows


def identities(rows: pl.DataFrame, text: str) -> pl.Series:
    """What a question without a key is known by: a digest of its text, which is in the column `text`, and options."""
    whole = rows[text]
    if rows["choices"].null_count() < rows.height:
        options = pl.lit("\0") + pl.col("choices").list.join("\0")
        whole = rows.select(pl.concat_str(text, options.fill_null("")))[:, 0]
    found = [blake2b(each.encode(), digest_size=8).hexdigest() for each in whole.to_list()]
    return pl.Series("identity", found, dtype=pl.String)


class Questions:
    """Distinct questions, in order of arrival; what one row leaves out another may give."""

    def __init__(self) -> None:
        self._known: list[pl.DataFrame] = []
        self._fresh: list[pl.DataFrame] = []
        self._waiting = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows with question_id and the columns of QUESTIONS but `key`.

        Raises:
            ImportFormatError: rows of one id contradict each other.
        """
        self._fresh.append(rows)
        self._waiting += rows.height
        if self._waiting > max(_BUFFER, sum(each.height for each in self._known)):
            self._known, self._fresh, self._waiting = [_reduced([*self._known, *self._fresh])], [], 0

    def all(self) -> pl.DataFrame:
        """All questions so far; raises as `add`."""
        return _reduced([*self._known, *self._fresh])


def _reduced(frames: list[pl.DataFrame]) -> pl.DataFrame:
    rows = pl.concat(frames)
    if rows["question_id"].hash().n_unique() == rows.height:
        return rows
    first = rows.group_by("question_id", maintain_order=True).agg(pl.all().drop_nulls().first())
    both = rows.join(first, on="question_id", suffix=" first", maintain_order="left")
    for column, what in _SAME.items():
        differs = both.filter(pl.col(column).ne(pl.col(f"{column} first")))
        if not differs.is_empty():
            row = differs.row(0, named=True)
            one, other = (repr(row[name])[:60] for name in (f"{column} first", column))
            raise ImportFormatError(
                f"question {row['question_id']!r} is there with two {what}s: {one} and {other}",
                "import them as benchmarks of their own, or repair the files",
            )
    return first.select(rows.columns)
