"""The study's released router predictions: one CSV row per question.

Columns question, split (train, val, test), true_label and prediction (lists of LLM names), raw_predictions (0 or 1)
and confidence (logits), whose columns are the LLM names in sorted order of the raw names. It becomes a benchmark with
labels only and a router `imported`: probabilities = sigmoid(logits), beside them the logits in 64 bits and predictions.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from selectllm_engine.benchmarks import question_frame
from selectllm_engine.errors import CacheError, DamagedError, ImportFormatError
from selectllm_engine.importers.formats import Imported
from selectllm_engine.importers.printed_lists import names as printed_names
from selectllm_engine.importers.printed_lists import numbers as printed_numbers
from selectllm_engine.importers.records import seconds_of
from selectllm_engine.llms import study_latency
from selectllm_engine.store import MANIFEST, digest, router_manifest, write_frame, write_sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from selectllm_engine.store import Cache

__all__ = ["ROUTER", "import_predictions"]

ROUTER = "imported"
_SOURCE = "import:predictions"
_COLUMNS = ("question", "split", "true_label", "prediction", "raw_predictions", "confidence")
_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}


@dataclass(frozen=True, slots=True)
class _PredictionRow:
    number: int  # counted from 1, the header not included
    question: str
    split: str
    right: list[str]
    predicted: list[str]
    raw: list[float]
    logits: list[float]


def import_predictions(
    cache: Cache,
    path: Path,
    benchmark: str,
    *,
    llms: Sequence[str] | None = None,
    latency: Mapping[str, float] | None = None,
) -> Imported:
    """Read a file of released predictions into a new benchmark; on an error nothing is changed.

    Args:
        cache: where to store it.
        path: the CSV file.
        benchmark: name of the new benchmark. The same file again under the same name changes nothing.
        llms: what the columns of raw_predictions and confidence are, in their order; without it, all names of
            true_label and prediction, sorted.
        latency: seconds per question of each LLM. Those without it take the study's where the benchmark is one of
            the study's.

    Raises:
        ImportFormatError: the file can't be read, or its columns don't fit its predictions.
        UnknownNameError: a latency of an LLM that the file doesn't have.
        UsageError: a latency that is no time.
        CacheError: there is another benchmark of this name, or the cache can't be written.
    """
    rows, fingerprint = _read(path)
    columns = _columns(path, rows, llms)
    _check(path, rows, columns)
    seconds = seconds_of(latency or {}, columns)
    origin = {"digest": fingerprint, "llms": list(columns), "latency": seconds}
    splits = dict(Counter(row.split for row in rows))
    notes = _notes(rows, columns, seconds, benchmark)
    unchanged = benchmark in cache.benchmarks()
    if unchanged and _origin(cache, benchmark) != origin:
        raise CacheError(f"there is another benchmark {benchmark!r} already", "choose another name for --benchmark")
    if not unchanged:
        with cache.new(benchmark) as fresh:
            _store(fresh, benchmark, rows, columns, seconds=seconds, origin=origin)
    return Imported(benchmark, columns, splits, len(rows), notes=notes, unchanged=unchanged)


def _read(path: Path) -> tuple[list[_PredictionRow], str]:
    """All rows, and the digest of the file."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", "name a CSV file") from error
    except UnicodeDecodeError as error:
        raise ImportFormatError(f"{path} is no UTF-8 text", "convert it to UTF-8 CSV") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = list(_rows(path, reader))
    except csv.Error as error:
        raise ImportFormatError(f"{path}, line {reader.line_num}: {error}", "repair the CSV file") from error
    if not rows:
        raise ImportFormatError(f"{path} has no rows", "name a file of released predictions")
    return rows, digest(data)


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[_PredictionRow]:
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise ImportFormatError(
            f"{path} has no column {', '.join(missing)}", f"released predictions have {', '.join(_COLUMNS)}"
        )
    places = [header.index(name) for name in _COLUMNS]
    for number, cells in enumerate(reader, start=1):
        if not cells:
            continue
        if len(cells) != len(header):
            raise _wrong(path, number, f"{len(cells)} cells under {len(header)} headings")
        question, split, right, predicted, raw, logits = (cells[place] for place in places)
        if split.strip().lower() not in _SPLITS:
            raise _wrong(path, number, f"split {split[:40]!r}, which is none of train, val, test")
        yield _PredictionRow(
            number,
            question,
            _SPLITS[split.strip().lower()],
            _list(path, number, "true_label", right, printed_names),
            _list(path, number, "prediction", predicted, printed_names),
            _list(path, number, "raw_predictions", raw, printed_numbers),
            _list(path, number, "confidence", logits, printed_numbers),
        )


def _list(path: Path, number: int, column: str, text: str, parse: Callable[[str], list[Any]]) -> list[Any]:
    try:
        return parse(text)
    except (ValueError, SyntaxError) as error:
        raise _wrong(path, number, f"{column} {error}") from error


def _wrong(path: Path, number: int, what: str, remedy: str = "") -> ImportFormatError:
    return ImportFormatError(f"{path}, row {number}: {what}", remedy)


def _columns(path: Path, rows: Sequence[_PredictionRow], given: Sequence[str] | None) -> tuple[str, ...]:
    """The LLMs that the numbers of each row belong to, in order."""
    seen = sorted({name for row in rows for name in (*row.right, *row.predicted)})
    width = len(rows[0].raw)
    for row in rows:
        for column, values in (("raw_predictions", row.raw), ("confidence", row.logits)):
            if len(values) != width:
                raise _wrong(path, row.number, f"{len(values)} numbers in {column} where row 1 has {width}")
    if not width:
        raise ImportFormatError(f"{path} has no numbers and so no LLMs", "name a file of released predictions")
    if given is None:
        if len(seen) != width:
            raise ImportFormatError(
                f"{path} has {width} numbers per row, but names {len(seen)} LLMs: {', '.join(seen) or 'none'}",
                "name the LLM of every number, in order, with --llms a,b,…",
            )
        return tuple(seen)
    if len(set(given)) != len(given) or len(given) != width:
        raise ImportFormatError(
            f"{path} has {width} numbers per row, --llms {len(set(given))} names", "name each column once"
        )
    if unknown := sorted(set(seen) - set(given)):
        raise ImportFormatError(f"{path} names LLMs that --llms lacks: {', '.join(unknown)}", "add them")
    return tuple(given)


def _check(path: Path, rows: Sequence[_PredictionRow], columns: Sequence[str]) -> None:
    """Compare the columns with the names in each row's prediction."""
    clash = {"question_id", "split"} & set(columns)
    if clash:
        raise ImportFormatError(f"{path} has an LLM named {clash.pop()!r}", "rename it")
    wrong = []
    for row in rows:
        if any(value not in {0.0, 1.0} for value in row.raw):
            raise _wrong(path, row.number, "raw_predictions are not all 0 or 1")
        if {name for name, value in zip(columns, row.raw, strict=True) if value} != set(row.predicted):
            wrong.append(row)
    if wrong:
        row = wrong[0]
        chosen = [name for name, value in zip(columns, row.raw, strict=True) if value]
        raise _wrong(
            path,
            row.number,
            f"raw_predictions mean {chosen or 'no LLM'} but prediction names {sorted(row.predicted) or 'none'} "
            f"({len(wrong)} of {len(rows)} rows differ)",
            "if the columns are in another order, give it with --llms a,b,…",
        )


def _notes(
    rows: Sequence[_PredictionRow], columns: Sequence[str], seconds: Mapping[str, float], benchmark: str
) -> tuple[str, ...]:
    notes = []
    gated = sum([(value > 0) for value in row.logits] != [bool(value) for value in row.raw] for row in rows)
    if gated:
        notes.append(f"in {gated:,} rows raw_predictions are not those with a confidence above 0")
    repeated = len(rows) - len({row.question for row in rows})
    if repeated:
        notes.append(f"{repeated:,} rows repeat the text of another; each counts as a question of its own")
    unknown = [name for name in columns if name not in seconds and study_latency(name, benchmark) is None]
    if unknown:
        notes.append(f"no latency is known of {', '.join(unknown)}; give it with --latency NAME=SECONDS,…")
    return tuple(notes)


def _origin(cache: Cache, benchmark: str) -> object:
    try:
        return router_manifest(cache.router_dir(benchmark, ROUTER)).get("origin")
    except (FileNotFoundError, DamagedError):
        return None


def _store(
    cache: Cache,
    benchmark: str,
    rows: Sequence[_PredictionRow],
    columns: Sequence[str],
    *,
    seconds: Mapping[str, float],
    origin: Mapping[str, object],
) -> None:
    counts: Counter[str] = Counter()
    ids = []
    for row in rows:
        ids.append(f"{row.split}-{counts[row.split]:05d}")
        counts[row.split] += 1
    questions = [
        {"question_id": name, "split": row.split, "text": row.question} for name, row in zip(ids, rows, strict=True)
    ]
    cache.write_questions(benchmark, question_frame(questions))
    now = datetime.now(UTC)
    for place, name in enumerate(columns):
        with cache.writer(benchmark, name) as writer:
            created = (now + timedelta(microseconds=place)).isoformat(timespec="microseconds")
            weights = {"id": name, "revision": None, "fingerprint": None}
            writer.start({"created": created, "source": _SOURCE, "weights": weights, "samples": 0})
            score = [float(name in row.right) for row in rows]
            frame = pl.DataFrame({"question_id": ids, "sample": 0, "score": score})
            writer.write_verdicts(frame.with_columns(latency=pl.lit(seconds.get(name), dtype=pl.Float64)))
    logits = np.array([row.logits for row in rows], dtype=np.float64)
    folder = cache.router_dir(benchmark, ROUTER, write=True)
    keys = pl.DataFrame({"question_id": ids, "split": [row.split for row in rows]})
    predicted = np.array([row.raw for row in rows], dtype=bool)
    tables = {"logits": logits, "predicted": predicted, "probabilities": _sigmoid(logits).astype(np.float32)}
    for file, values in tables.items():
        write_frame(folder / f"{file}.parquet", keys.hstack(pl.DataFrame(values, schema=list(columns), orient="row")))
    facts = {"format": 1, "router": ROUTER, "source": _SOURCE, "llms": list(columns), "seconds_per_question": None}
    write_sealed(folder / MANIFEST, {**facts, "created": now.isoformat(timespec="seconds"), "origin": origin})


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^-x) without overflow."""
    small = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1 / (1 + small), small / (1 + small)))
