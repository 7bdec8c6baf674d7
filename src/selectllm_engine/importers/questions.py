"""The questions of an import, put together from all that its files say about them."""

from __future__ import annotations

from functools import cached_property

import polars as pl
from xxhash import xxh3_128_digest

from selectllm_engine.errors import ImportFormatError

__all__ = ["QUESTIONS", "Ids", "ImportedQuestions", "contradiction", "distinct", "quoted"]

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
_SAME = {"question": "texts", "choices": "choices", "gold": "gold answers", "split": "splits", "kind": "kinds"}
_BUFFER = 50_000  # rows
_SHOWN = 60  # characters of a value in a message


def distinct(values: pl.Series) -> bool:
    """Whether no value repeats; where two share a hash it says no, which only costs time."""
    return values.hash().n_unique() == len(values)


def _in_order(values: pl.Series) -> bool:
    """Whether every value is greater than the one before, as ids often are; then none repeats."""
    return bool((values.slice(1) > values.head(-1)).all()) and not values.has_nulls()


class Ids:
    """Which question a row is about, by its key, or by its text and options among those seen so far.

    A new question without a key gets the next number. Where a benchmark is stored already, a question with the same
    text and options is the same one, whatever its key and the order of its options. A key that stands for another text
    than before gets a number behind it, so that the text tells; `ambiguous` says which keys did.
    """

    def __init__(self, benchmark: str, stored: pl.DataFrame | None) -> None:
        self._benchmark = benchmark
        self._next = 1 if stored is None else stored.height + 1
        self._stored = stored
        self._known: dict[bytes, str] = {}
        self._numbered: tuple[pl.Series, pl.Series] | None = None  # contents and ids that are not in `_known` yet
        self._keyed: list[pl.DataFrame] = []  # key and text of rows so far that have both
        self._texts: dict[str, dict[str, str]] = {}  # per ambiguous key the ids of its texts

    @property
    def ambiguous(self) -> dict[str, dict[str, str]]:
        """Per key that stands for several texts, these texts and their ids."""
        return self._texts

    def of(self, rows: pl.DataFrame) -> tuple[pl.Series, bool]:
        """The id of every row of QUESTIONS, as the column question_id, and whether none repeats."""
        rows, apart = self._told_apart(rows)
        key = rows["key"]
        known = self._stored is None or key.is_in(self._stored["question_id"].implode()).all()
        if known and not key.has_nulls():
            return key.alias("question_id"), apart or _in_order(key) or distinct(key)
        contents = _contents(rows, "question")
        first = self._stored is None and not self._known and self._numbered is None
        if first and key.null_count() == rows.height and distinct(contents):
            self._numbered = contents, self._numbers(rows.height)
            return self._numbered[1], True
        if self._numbered is not None:
            self._known, self._numbered = _by_content(*self._numbered), None
        found = list(map(self._id, key.to_list(), _digests(contents)))
        return pl.Series("question_id", found, dtype=pl.String), len(set(found)) == len(found)

    def _told_apart(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
        """The rows, where a key stands for several texts with a key for each but the first; are all keys distinct?"""
        key = rows["key"]
        if key.null_count() == rows.height:
            return rows, False
        apart = not key.has_nulls() and (_in_order(key) or distinct(key))
        fresh = rows.select("key", "question")
        if not self._keyed and self._stored is not None:
            self._keyed.append(self._stored.select(key="question_id", question="text"))
        if not self._keyed and apart:
            self._keyed.append(fresh)
            return rows, True
        seen = pl.concat([*self._keyed, fresh]).filter(pl.col("key").is_not_null())
        seen = seen.unique(maintain_order=True)
        self._keyed = [seen]
        if distinct(seen["key"]):
            return rows, apart
        several = seen.filter(pl.col("key").is_duplicated())
        for name, text in several.iter_rows():
            texts = self._texts.setdefault(name, {})
            if text not in texts:
                texts[text] = f"{name}~{len(texts) + 1}" if texts else name
        told = pl.DataFrame(
            [(name, text, id_) for name, texts in self._texts.items() for text, id_ in texts.items()],
            schema={"key": pl.String, "question": pl.String, "told": pl.String},
            orient="row",
        )
        joined = rows.join(told, on=["key", "question"], how="left", maintain_order="left")
        return joined.with_columns(key=pl.coalesce("told", "key")).drop("told"), False

    @cached_property
    def _stored_ids(self) -> frozenset[str]:
        return frozenset() if self._stored is None else frozenset(self._stored["question_id"])

    @cached_property
    def _stored_contents(self) -> dict[bytes, str]:
        if self._stored is None:
            return {}
        return _by_content(_contents(self._stored, "text"), self._stored["question_id"])

    def _id(self, key: str | None, content: bytes) -> str:
        if key in self._stored_ids:
            return str(key)
        if content in self._stored_contents:
            return self._stored_contents[content]
        if key is not None:
            return key
        if content not in self._known:
            self._known[content] = f"{self._benchmark}-{self._next:06d}"
            self._next += 1
        return self._known[content]

    def _numbers(self, count: int) -> pl.Series:
        numbers = pl.int_range(self._next, self._next + count, eager=True).to_frame("question_id").lazy()
        self._next += count
        written = pl.lit(f"{self._benchmark}-") + pl.col("question_id").cast(pl.String).str.zfill(6)
        return numbers.select(written.alias("question_id")).collect(engine="streaming").to_series().rechunk()


def _by_content(contents: pl.Series, ids: pl.Series) -> dict[bytes, str]:
    """Which id a content has first."""
    return dict(zip(reversed(_digests(contents)), reversed(ids.to_list()), strict=True))


def _contents(rows: pl.DataFrame, text: str) -> pl.Series:
    """Text and options in one."""
    if rows["choices"].null_count() == rows.height:
        return rows[text]
    options = pl.lit("\0") + pl.col("choices").list.sort().list.join("\0")  # in whatever order
    return rows.select(pl.concat_str(text, options.fill_null("")))[:, 0]


def _digests(contents: pl.Series) -> list[bytes]:
    return list(map(xxh3_128_digest, contents.cast(pl.Binary).to_list()))


def contradiction(question: str, what: str, one: object, other: object) -> ImportFormatError:
    """The error where files say two things of one question."""
    remedies = {
        "splits": "name a column of ids with --id: the same text is then a question of its own in each split",
        "gold answers": "repair the files, or name a column of ids with --id where they are questions of their own",
    }
    return ImportFormatError(
        f"question {question!r} is there with two {what}: {' and '.join(quoted(one, other))}",
        remedies.get(what, "import them as benchmarks of their own, or repair the files"),
    )


def quoted(one: object, other: object) -> tuple[str, str]:
    """Two values, of long texts the place where they begin to differ."""
    if not (isinstance(one, str) and isinstance(other, str)):
        return repr(one)[:_SHOWN], repr(other)[:_SHOWN]
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - _SHOWN // 2) if max(len(one), len(other)) > _SHOWN else 0

    def part(text: str) -> str:
        cut = text[start : start + _SHOWN]
        return repr(f"{'…' if start else ''}{cut}{'…' if start + _SHOWN < len(text) else ''}")

    return part(one), part(other)


class ImportedQuestions:
    """Distinct questions, in order of arrival; what one row leaves out another may give."""

    def __init__(self) -> None:
        self._known: list[pl.DataFrame] = []
        self._fresh: list[pl.DataFrame] = []
        self._waiting = 0
        self._once = True  # whether there are only rows that are known to be of a question each

    def add(self, rows: pl.DataFrame, *, once: bool = False) -> None:
        """Take rows with question_id and the columns of QUESTIONS but `key`, `once` if no question repeats.

        Raises:
            ImportFormatError: rows of one id contradict each other.
        """
        self._once = once and not self._known and not self._fresh
        self._fresh.append(rows)
        self._waiting += rows.height
        if self._waiting > max(_BUFFER, sum(each.height for each in self._known)):
            self._known, self._fresh, self._waiting = [self.all()], [], 0

    def all(self) -> pl.DataFrame:
        """All questions so far; raises as `add`."""
        frames = [*self._known, *self._fresh]
        return frames[0] if self._once and frames else _reduced(frames)


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
            raise contradiction(row["question_id"], what, row[f"{column} first"], row[column])
    return first.select(rows.columns)
