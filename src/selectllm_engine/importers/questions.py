"""The questions of an import, put together from all that its files say about them."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from selectllm_engine.errors import ImportFormatError

__all__ = ["QUESTIONS", "Ids", "Questions", "distinct"]

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


def distinct(values: pl.Series) -> bool:
    """Whether no value repeats; where two share a hash it says no, which only costs time."""
    return values.hash().n_unique() == len(values)


class Ids:
    """Which question a row is about, by its key, or by its text and options among those seen so far.

    A new question without a key gets the next number. Where a benchmark is stored already, a question with the same
    text and options is the same one, whatever its key.
    """

    def __init__(self, benchmark: str, stored: pl.DataFrame | None) -> None:
        self._benchmark = benchmark
        self._next = 1 if stored is None else stored.height + 1
        self._stored = {} if stored is None else _by_content(_contents(stored, "text"), stored["question_id"])
        self._stored_ids = frozenset() if stored is None else frozenset(stored["question_id"])
        self._known: dict[bytes, str] = {}
        self._numbered: tuple[pl.Series, pl.Series] | None = None  # contents and ids that are not in `_known` yet

    def of(self, rows: pl.DataFrame) -> pl.Series:
        """The id of every row of QUESTIONS, as the column question_id."""
        key = rows["key"]
        if not self._stored and not key.has_nulls():
            return key.alias("question_id")
        contents = _contents(rows, "question")
        first = not self._stored and not self._known and self._numbered is None
        if first and key.null_count() == rows.height and distinct(contents):
            self._numbered = contents, self._numbers(rows.height)
            return self._numbered[1]
        if self._numbered is not None:
            self._known, self._numbered = _by_content(*self._numbered), None
        found = map(self._id, key.to_list(), _digests(contents))
        return pl.Series("question_id", list(found), dtype=pl.String)

    def _id(self, key: str | None, content: bytes) -> str:
        if key in self._stored_ids:
            return str(key)
        if content in self._stored:
            return self._stored[content]
        if key is not None:
            return key
        if content not in self._known:
            self._known[content] = f"{self._benchmark}-{self._next:06d}"
            self._next += 1
        return self._known[content]

    def _numbers(self, count: int) -> pl.Series:
        number = pl.int_range(self._next, self._next + count, eager=True).cast(pl.String).str.zfill(6)
        self._next += count
        return (f"{self._benchmark}-" + number).alias("question_id")


def _by_content(contents: pl.Series, ids: pl.Series) -> dict[bytes, str]:
    """Which id a content has first."""
    return dict(zip(reversed(_digests(contents)), reversed(ids.to_list()), strict=True))


def _contents(rows: pl.DataFrame, text: str) -> pl.Series:
    """Text and options in one."""
    if rows["choices"].null_count() == rows.height:
        return rows[text]
    options = pl.lit("\0") + pl.col("choices").list.join("\0")
    return rows.select(pl.concat_str(text, options.fill_null("")))[:, 0]


def _digests(contents: pl.Series) -> list[bytes]:
    return [blake2b(each.encode(), digest_size=16).digest() for each in contents.to_list()]


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
    if distinct(rows["question_id"]):
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
