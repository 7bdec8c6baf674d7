"""What importers hand over, joined on the question and stored as a benchmark, whole or not at all.

An importer yields `Record`s to `store`, one per sample, in any order; or, for millions of rows, `Chunk`s to
`store_chunks`. It fills a `Reading` while it does: `reading.skip(reason)` for a row it can't use, `reading.note(text)`
for what a person should know. Everything else happens here:

- A question is known by its `key`, or without one by a digest of its text and options. What several files say of one
  question must agree; what one leaves out another may give. Rows are joined on it, and a question that an LLM lacks
  stays.
- Texts become generations, so that answers are extracted again; scores and answers of the other tool become
  verdicts beside them. A row needs a text or a score. A score is a number from 0 to 1, at least `threshold` is right.
- Gold answers become canonical; without a `kind` it is inferred (see `golds`).
- Where the benchmark is there already, further LLMs are added to it: their questions are matched by id, else by text
  and options. An LLM that it has already is refused, except where the same import (`origin`) brought it: then
  nothing is read or changed.

A benchmark appears, or grows, once all is read: an error before changes nothing.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import polars as pl

from selectllm_engine.benchmarks import QUESTION_SCHEMA, SPLITS
from selectllm_engine.errors import CacheError, DamagedError, ImportFormatError, UnknownNameError, UsageError
from selectllm_engine.importers import Imported
from selectllm_engine.importers.golds import KINDS, canonical_golds
from selectllm_engine.importers.questions import QUESTIONS, Questions, identities
from selectllm_engine.importers.splits import split_questions
from selectllm_engine.parts import GENERATION_SCHEMA, MEASURED
from selectllm_engine.writing import VERDICT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from selectllm_engine.cache import Cache

__all__ = ["RESULTS", "Chunk", "Options", "Reading", "Record", "origin_of", "store", "store_chunks"]

RESULTS = pl.Schema(
    {
        "sample": pl.Int32(),  # null: numbered in order of arrival
        "text": pl.String(),
        "answer": pl.String(),
        "score": pl.Float64(),
        "latency": pl.Float64(),
        "cost": pl.Float64(),
        "prompt_tokens": pl.Int32(),
        "output_tokens": pl.Int32(),
        "finish_reason": pl.String(),
    }
)
_ROWS, _CHARACTERS = 50_000, 1 << 26  # how much of `store`'s records is held before it is written
_RESERVED = {"question_id", "split"}  # columns beside the LLMs' in a router's probabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One sample of one LLM on one question, as another tool recorded it.

    Attributes:
        llm: the LLM's name.
        question: the question's text.
        key: what names the question in all LLMs' files, and becomes its id; None: its text and options do.
        choices: the options' texts.
        gold: the gold answer as given; a letter or an option's text where there are choices.
        kind: "number", "letter" or "word"; None: inferred.
        subject, split: None where there are none. A split is "train", "validation" or "test".
        sample: its number from 0; None: numbered per LLM and question in order of arrival.
        text: what the LLM wrote.
        answer: what the other tool extracted from it.
        score: the other tool's, from 0 (wrong) to 1 (right).
        latency, cost: seconds and dollars.
        prompt_tokens, output_tokens, finish_reason: of the generation.
    """

    llm: str
    question: str
    key: str | None = None
    choices: tuple[str, ...] | None = None
    gold: str | None = None
    kind: str | None = None
    subject: str | None = None
    split: str | None = None
    sample: int | None = None
    text: str | None = None
    answer: str | None = None
    score: float | None = None
    latency: float | None = None
    cost: float | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Many rows at once.

    Attributes:
        questions: one per row, which may repeat: columns of QUESTIONS, of which only `question` is needed.
        results: per LLM a frame of the same height, with columns of RESULTS; a row without text and score is a
            question that the LLM lacks.
    """

    questions: pl.DataFrame
    results: Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may choose about every import.

    Attributes:
        split_by: shares of train, validation and test for questions without a split; None: all are test.
        seed: of that draw.
        threshold: the lowest mean score that makes an LLM right on a question.
        kind: of all gold answers, "number", "letter" or "word"; "none" drops them, so that recorded scores decide;
            None: inferred.
    """

    split_by: tuple[int, int, int] | None = None
    seed: int = 0
    threshold: float = 0.5
    kind: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise UsageError(f"a threshold of {self.threshold:g}", "give a number above 0, at most 1")
        if self.kind is not None and self.kind not in KINDS:
            raise UnknownNameError("kind", self.kind, KINDS)


@dataclass(slots=True)
class Reading:
    """What came up while an importer read; it fills this while its rows are taken."""

    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def skip(self, reason: str, rows: int = 1) -> None:
        """Count rows that were read but can't be used."""
        self.rows += rows
        self.skipped[reason] += rows

    def note(self, text: str) -> None:
        """Something a person should know."""
        self.notes.append(text)


def origin_of(paths: Iterable[Path], **settings: Any) -> dict[str, Any]:
    """What tells one import from another: a digest of the files' contents, and the settings that matter."""
    found = blake2b(digest_size=16)
    for path in paths:
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    found.update(block)
        except OSError as error:
            raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error
        found.update(b"\0")
    return {"digest": found.hexdigest()[:16], **settings}


def store(
    cache: Cache,
    benchmark: str,
    records: Iterable[Record],
    *,
    source: str,
    origin: Mapping[str, Any],
    options: Options | None = None,
    reading: Reading | None = None,
) -> Imported:
    """Store records as a new benchmark, or as further LLMs of one that is there. Memory is bounded by the questions.

    Args:
        cache: where to store it.
        benchmark: its name.
        records: consumed once, after it is clear that they are new.
        source: the format's name, such as "lm-eval".
        origin: what tells this import from another, as of `origin_of`; JSON.
        options: splits, threshold and kind of gold answers.
        reading: what the importer notes while `records` is consumed; every record counts as a row.

    Raises:
        ImportFormatError: there is nothing to store, or files contradict each other.
        UsageError: a name that can't be stored.
        CacheError: the benchmark has one of these LLMs already, or the cache can't be written.
    """
    reading = reading or Reading()
    chunks = _chunks(records, reading)
    return store_chunks(cache, benchmark, chunks, source=source, origin=origin, options=options, reading=reading)


def store_chunks(
    cache: Cache,
    benchmark: str,
    chunks: Iterable[Chunk],
    *,
    source: str,
    origin: Mapping[str, Any],
    options: Options | None = None,
    reading: Reading | None = None,
) -> Imported:
    """As `store`, from frames; here the importer itself counts `reading.rows`."""
    options, reading = options or Options(), reading or Reading()
    origin = {**origin, **asdict(options), "split_by": list(options.split_by or ()) or None}
    there = benchmark in cache.benchmarks()
    if there and (before := _before(cache, benchmark, origin)):
        return before
    target = _Target(source, origin, options, cache.questions(benchmark) if there else None)
    with _fresh(cache, benchmark, there=there) as fresh:
        target.benchmark, target.cache = benchmark, fresh
        for chunk in chunks:
            target.add(chunk)
        if not target.llms:
            raise ImportFormatError("there is nothing to import", _nothing(reading))
        taken = [name for name in target.llms if there and name in cache.llms(benchmark)]
        if taken:
            raise CacheError(
                f"{benchmark} has results of {taken[0]} already, from something else",
                f"choose another --benchmark, or selectllm cache remove --benchmark {benchmark} --llm …",
            )
        questions = target.finish(reading)
    return Imported(
        benchmark,
        tuple(target.llms),
        _counts(questions),
        reading.rows,
        dict(reading.skipped),
        tuple(reading.notes),
    )


def _nothing(reading: Reading) -> str:
    reasons = "; ".join(f"{count:,} rows skipped: {reason}" for reason, count in reading.skipped.items())
    return reasons or "name a file with results"


@contextmanager
def _fresh(cache: Cache, benchmark: str, *, there: bool) -> Iterator[Cache]:
    with cache.growing(benchmark) if there else cache.new(benchmark) as fresh:
        fresh.write_questions(benchmark, pl.DataFrame(schema=QUESTION_SCHEMA))  # writers need some; the rest follows
        yield fresh


def _before(cache: Cache, benchmark: str, origin: Mapping[str, Any]) -> Imported | None:
    """What the same import stored before."""
    found, rows = [], 0
    for name in cache.llms(benchmark):
        try:
            manifest = cache.manifest(benchmark, name)
        except DamagedError:
            continue
        if manifest.get("origin") == origin:
            found.append(name)
            rows = manifest.get("rows", 0)
    if not found:
        return None
    return Imported(benchmark, tuple(found), _counts(cache.questions(benchmark)), rows, unchanged=True)


def _counts(questions: pl.DataFrame) -> dict[str, int]:
    """Questions per split."""
    counts = dict(questions["split"].value_counts().iter_rows())
    return {split: counts[split] for split in SPLITS if split in counts}


def _chunks(records: Iterable[Record], reading: Reading) -> Iterator[Chunk]:
    """Records in chunks, one LLM each."""
    held: dict[str, list[Record]] = {}
    rows = characters = 0
    for record in records:
        reading.rows += 1
        held.setdefault(record.llm, []).append(record)
        rows, characters = rows + 1, characters + len(record.text or "") + len(record.question)
        if rows >= _ROWS or characters >= _CHARACTERS:
            yield from _held(held)
            held, rows, characters = {}, 0, 0
    yield from _held(held)


def _held(held: Mapping[str, list[Record]]) -> Iterator[Chunk]:
    for llm, records in held.items():
        questions = _frame(records, QUESTIONS)
        yield Chunk(questions, {llm: _frame(records, RESULTS)})


def _frame(records: list[Record], schema: pl.Schema) -> pl.DataFrame:
    columns = {name: [getattr(record, name) for record in records] for name in schema}
    try:
        return pl.DataFrame(columns, schema=schema)
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON may hold
        return pl.DataFrame(
            {name: [_whole(each) for each in values] for name, values in columns.items()}, schema=schema
        )


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return tuple(_whole(each) for each in value) if isinstance(value, tuple) else value


class _Target:
    """The benchmark in the making."""

    cache: Cache
    benchmark: str

    def __init__(self, source: str, origin: Mapping[str, Any], options: Options, stored: pl.DataFrame | None) -> None:
        self.options = options
        self.llms: dict[str, _LLM] = {}
        self._facts = {"source": f"import:{source}", "origin": origin, "threshold": options.threshold}
        self._questions = Questions()
        self._stored = None if stored is None else stored.with_columns(identity=identities(stored, "text"))

    def add(self, chunk: Chunk) -> None:
        """Take the rows of a chunk; generations are written at once."""
        questions = _cast(chunk.questions, QUESTIONS)
        empty = questions["question"].is_null() | (questions["question"].str.strip_chars() == "")
        if empty.any():
            raise ImportFormatError("a row has no question", "fill it in or leave the row out")
        ids = self._ids(questions)
        self._questions.add(questions.with_columns(ids.alias("question_id")).drop("key"))
        for name, frame in chunk.results.items():
            if name not in self.llms:
                self.llms[name] = self._start(name)
            rows, odd = _sane(_cast(frame, RESULTS).insert_column(0, ids.alias("question_id")), name)
            self.llms[name].add(self.cache, self.benchmark, rows, odd)

    def finish(self, reading: Reading) -> pl.DataFrame:
        """Write questions, verdicts and manifests; the questions."""
        questions = self._complete(self._questions.all(), reading)
        self.cache.write_questions(self.benchmark, questions)
        now = datetime.now(UTC)
        for place, (name, llm) in enumerate(self.llms.items()):
            created = (now + timedelta(microseconds=place)).isoformat(timespec="microseconds")
            llm.finish(self.cache, self.benchmark, {"created": created, "rows": reading.rows})
            if lacking := questions.height - llm.questions:
                reading.note(f"{name} lacks {lacking:,} of {questions.height:,} questions")
        repeated = sum(llm.repeated for llm in self.llms.values())
        if repeated:
            reading.skipped["the same sample of the same question again"] += repeated
        if odd := sum(llm.odd for llm in self.llms.values()):
            reading.note(f"{odd:,} latencies or costs are negative or no numbers: left unknown")
        if not any(llm.texts for llm in self.llms.values()):
            reading.note("there are scores only, no texts: rows that need votes will say so")
        elif without := [name for name, llm in self.llms.items() if not llm.texts]:
            reading.note(f"{', '.join(without)}: scores only, so that rows that need votes will say so")
        return questions

    def _start(self, name: str) -> _LLM:
        if name in _RESERVED:
            raise ImportFormatError(f"there is an LLM named {name!r}", "rename it")
        weights = {"id": name, "revision": None, "fingerprint": None}
        return _LLM(name, {**self._facts, "weights": weights})

    def _ids(self, questions: pl.DataFrame) -> pl.Series:
        """Which question every row is about."""
        key = questions["key"]
        if self._stored is None and not key.has_nulls():
            return key.alias("question_id")
        identity = identities(questions, "question")
        ids = key.fill_null(identity)
        if self._stored is not None:
            known = self._stored.select("identity", stored="question_id").unique("identity", keep="first")
            matched = pl.DataFrame({"identity": identity}).join(
                known, on="identity", how="left", maintain_order="left"
            )["stored"]
            own = ids.is_in(self._stored["question_id"].implode())
            ids = pl.select(pl.when(own).then(ids).otherwise(pl.coalesce(matched, ids)))[:, 0]
        return ids.alias("question_id")

    def _complete(self, questions: pl.DataFrame, reading: Reading) -> pl.DataFrame:
        """The questions with canonical gold answers and splits; those that are stored already as they are."""
        new = questions.rename({"question": "text"})
        if self._stored is None:
            return split_questions(canonical_golds(new, self.options.kind, reading.note), self.options, reading.note)
        again = new.filter(pl.col("question_id").is_in(self._stored["question_id"].implode()))
        if again.is_empty():
            raise CacheError(f"{self.benchmark} has none of these questions", "choose another name for --benchmark")
        kept = self._stored.join(again.select("question_id"), on="question_id", how="semi", maintain_order="left")
        kept = kept.drop("identity")
        _agree(kept, again, self.benchmark)
        new = new.join(kept, on="question_id", how="anti", maintain_order="left")
        if new.is_empty():
            return kept
        reading.note(f"{new.height:,} questions are new to {self.benchmark}: its other LLMs lack them")
        new = canonical_golds(new, self.options.kind, reading.note)
        return pl.concat([kept, split_questions(new, self.options, reading.note).select(kept.columns)])


def _agree(stored: pl.DataFrame, again: pl.DataFrame, benchmark: str) -> None:
    """Raise CacheError where a stored question has another text."""
    both = stored.join(again.select("question_id", other="text"), on="question_id")
    differs = both.filter(pl.col("text") != pl.col("other"))
    if not differs.is_empty():
        raise CacheError(
            f"question {differs['question_id'][0]!r} has another text in {benchmark}",
            "choose another name for --benchmark",
        )


class _LLM:
    """One LLM's results in the making: generations are written as they come, verdicts at the end."""

    def __init__(self, name: str, facts: Mapping[str, Any]) -> None:
        self.name = name
        self.texts = self.repeated = self.odd = self.questions = 0
        self._facts = facts
        self._verdicts: list[pl.DataFrame] = []
        self._seen: list[pl.DataFrame] = []  # question_id, sample of all rows so far

    def add(self, cache: Cache, benchmark: str, rows: pl.DataFrame, odd: int) -> None:
        """Take rows with question_id and the columns of RESULTS; write those with a text."""
        self.odd += odd
        if rows.is_empty():
            return
        rows = self._numbered(rows)
        written = rows.filter(pl.col("text").is_not_null()) if rows["text"].null_count() < rows.height else None
        if written is not None:
            measured = [name for name in MEASURED if written[name].null_count() < written.height]
            with cache.writer(benchmark, self.name) as writer:
                writer.append(written.select(*GENERATION_SCHEMA, *measured), {"source": self._facts["source"]})
            self.texts += written.height
        judged = rows.filter(pl.col("score").is_not_null()) if rows["score"].has_nulls() else rows
        self._verdicts.append(judged.select(VERDICT_SCHEMA.names()))

    def finish(self, cache: Cache, benchmark: str, more: Mapping[str, Any]) -> None:
        """Write the verdicts and the manifest."""
        seen = pl.concat(self._seen)
        self.questions = seen["question_id"].n_unique()
        samples = int(seen["sample"].max()) + 1 if self.texts else 0  # type: ignore[arg-type]
        with cache.writer(benchmark, self.name) as writer:
            writer.start({**self._facts, **more, "samples": samples})
            verdicts = pl.concat(self._verdicts)
            if not verdicts.is_empty():
                writer.write_verdicts(verdicts)

    def _numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with sample numbers, without samples that were there before."""
        key = ["question_id", "sample"]
        if rows["sample"].has_nulls():
            ids = pl.concat([each.select("question_id") for each in self._seen] + [rows.select("question_id")])
            if _distinct(ids["question_id"]):
                arrival = pl.lit(0, dtype=pl.Int32)
            else:
                counted = ids.select(pl.int_range(pl.len(), dtype=pl.Int32).over("question_id"))[:, 0]
                arrival = pl.lit(counted.tail(rows.height))
            rows = rows.with_columns(sample=pl.coalesce("sample", arrival))
        else:
            before = pl.concat([*self._seen, rows.select(key)])
            if before.select(key).is_duplicated().any():
                first = rows.unique(key, keep="first", maintain_order=True)
                if self._seen:
                    first = first.join(pl.concat(self._seen), on=key, how="anti", maintain_order="left")
                self.repeated += rows.height - first.height
                rows = first
        self._seen.append(rows.select(key))
        return rows


def _distinct(ids: pl.Series) -> bool:
    """Whether no id repeats; where two share a hash it says no, which is only slower."""
    return ids.hash().n_unique() == len(ids)


def _cast(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    try:
        return frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None).alias(name)).cast(dtype)
            for name, dtype in schema.items()
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise ImportFormatError(f"a column has values of another type ({reason})", "repair the file") from error


def _sane(rows: pl.DataFrame, llm: str) -> tuple[pl.DataFrame, int]:
    """The rows that hold something, and how many latencies and costs are none; raises for scores outside 0 to 1."""
    rows = rows.with_columns(pl.col("score").fill_nan(None))
    wrong = rows.filter(~pl.col("score").is_between(0, 1))
    if not wrong.is_empty():
        score, question = wrong.row(0, named=True)["score"], wrong["question_id"][0]
        raise ImportFormatError(
            f"the score {score:g} of {llm} on question {question!r} is not from 0 to 1",
            "scale scores so that 0 is wrong and 1 right",
        )
    odd = 0
    for name in MEASURED:
        if rows[name].null_count() < rows.height:
            good = pl.col(name).is_finite() & (pl.col(name) >= 0)
            odd += rows.select((~good).sum()).item()
            rows = rows.with_columns(pl.when(good).then(name))
    keep = pl.col("score").is_not_null() | pl.col("text").is_not_null()
    return rows.filter(keep) if rows["score"].has_nulls() else rows, odd
