"""What an importer hands over: records or chunks of rows, and what it noticed while it read."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import polars as pl
import xxhash

from selectllm_engine.errors import ImportFormatError, UnknownNameError, UsageError
from selectllm_engine.importers.golds import KINDS
from selectllm_engine.importers.questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.evaluation import StopRule
    from selectllm_engine.store import VerdictChoice

__all__ = [
    "RESULTS",
    "Chunk",
    "FirstFiles",
    "Options",
    "Reading",
    "Record",
    "chunks_of",
    "of_tasks",
    "origin_of",
    "seconds_of",
    "shaped",
]

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
_ROWS, _CHARACTERS = 50_000, 1 << 26  # how much of the records is held before it is a chunk


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
        kind: of all gold answers, one of `answers.KINDS`; "labels" (or "none") drops them, so that recorded
            scores decide; None: inferred.
        verdicts: whose verdict counts, see `store.agreement`; None: as it was chosen before, else "auto".
        again: whether what was imported before is judged anew, in place of what is stored.
    """

    split_by: tuple[int, int, int] | None = None
    seed: int = 0
    threshold: float = 0.5
    kind: str | None = None
    verdicts: VerdictChoice | None = None
    again: bool = False

    def origin(self) -> dict[str, object]:
        """What of this tells one import from another."""
        return {"split_by": self.split_by, "seed": self.seed, "threshold": self.threshold, "kind": self.kind}

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
    stops: dict[str, tuple[StopRule, int]] = field(default_factory=dict)  # of LLMs: by which rule, before which K

    def skip(self, reason: str, rows: int = 1) -> None:
        """Count rows that were read but can't be used."""
        self.rows += rows
        self.skipped[reason] += rows

    def note(self, text: str) -> None:
        """Something a person should know."""
        self.notes.append(text)


def origin_of(paths: Iterable[Path], **settings: object) -> dict[str, object]:
    """What tells one import from another: a digest of the files' contents, and the settings that matter."""
    found = xxhash.xxh3_64()
    for path in paths:
        try:
            with path.open("rb") as file:
                hashlib.file_digest(file, lambda: found)  # one digest goes on over all files
        except OSError as error:
            raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error
        found.update(b"\0")
    return {"digest": found.hexdigest(), **settings}


class _OfTask(Protocol):
    @property
    def task(self) -> str: ...


_Found = TypeVar("_Found", bound=_OfTask)


def of_tasks(found: Sequence[_Found], tasks: Sequence[str] | None) -> list[_Found]:
    """Files or runs of the tasks that are wanted, all where none is named; raises UnknownNameError."""
    known = sorted({each.task for each in found})
    for task in tasks or ():
        if task not in known:
            raise UnknownNameError("task", task, known)
    return [each for each in found if tasks is None or each.task in tasks]


def seconds_of(latency: Mapping[str, float], llms: Collection[str]) -> dict[str, float]:
    """The seconds per question that a person gave for some of the LLMs; raises UnknownNameError or UsageError."""
    for name, value in latency.items():
        if name not in llms:
            raise UnknownNameError("LLM", name, llms)
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"the latency of {name} is {value}", "give seconds")
    return dict(latency)


class FirstFiles:
    """Which LLM was seen on which question in another file already; files are to come newest first."""

    def __init__(self) -> None:
        self.passed = 0  # rows that were seen before
        self._seen: dict[int, int] = {}  # hash of LLM and question -> the file it came from

    def first(self, llm: str, question: str, file: int) -> bool:
        """Whether no earlier file had this LLM's answer to this question."""
        found = xxhash.xxh3_64_intdigest(f"{llm}\0{question}".encode(errors="replace"))
        new = self._seen.setdefault(found, file) == file
        self.passed += not new
        return new


def chunks_of(records: Iterable[Record], reading: Reading) -> Iterator[Chunk]:
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


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return tuple(_whole(each) for each in value) if isinstance(value, tuple) else value


def shaped(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """The frame with exactly these columns, null where it has none; raises ImportFormatError."""
    try:
        return frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None).alias(name)).cast(dtype)
            for name, dtype in schema.items()
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise ImportFormatError(f"a column has values of another type ({reason})", "repair the file") from error
