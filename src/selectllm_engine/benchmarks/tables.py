"""Rows of JSONL, CSV and Parquet files, and of Parquet files on the Hugging Face hub, each knowing where it stands."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import BenchmarkError, nearest
from selectllm_engine.foreign_files import first_line, json_lines, polars_reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import polars as pl

__all__ = ["SUFFIXES", "FileRecord", "csv_rows", "hub_frame", "read_records"]

SUFFIXES = (".jsonl", ".csv", ".parquet")
_LONGEST_FIELD = 1 << 24  # characters in a field of a CSV file


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One row: its values by column, and where it stands: the `number`th `unit` ("row", "line") of a file."""

    file: str
    number: int
    values: Mapping[str, object]
    unit: str = "row"

    @property
    def where(self) -> str:
        """The place for messages, such as `questions.csv, row 3`."""
        return f"{self.file}, {self.unit} {self.number}"

    def get(self, column: str) -> Any:
        """The value of a column, None where it is absent or empty."""
        value = self.values.get(column)
        return None if isinstance(value, str) and not value.strip() else value

    def text(self, column: str) -> str:
        """The text of a column that must hold some; numbers and truth values are written out."""
        if column not in self.values:
            like = nearest(column, self.values, cutoff=0.8)
            has = ", ".join(map(repr, self.values)) or "none"
            remedy = f"it has {has}" if like is None else f"rename {like!r} to {column!r}"
            raise BenchmarkError(f"{self.where}: no column {column!r}", remedy)
        return self.written(column, self.get(column))

    def optional(self, column: str) -> str | None:
        """The text of a column, None where it is absent or empty."""
        value = self.get(column)
        return None if value is None else self.written(column, value)

    def written(self, column: str, value: object) -> str:
        """A value as text without white space around it; raises BenchmarkError for what is none."""
        if value is None or (isinstance(value, str) and not value.strip()):
            raise BenchmarkError(f"{self.where}: column {column!r} is empty", "fill it in or leave the row out")
        if not isinstance(value, (str, int, float)):
            problem = f"{self.where}: column {column!r} holds {type(value).__name__}, not text"
            raise BenchmarkError(problem, "write it as text or a number")
        text = str(value).strip()
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BenchmarkError(
                f"{self.where}: column {column!r} holds half of a surrogate pair", "write the character in full"
            ) from None
        return text


def read_records(path: Path) -> list[FileRecord]:
    """All rows of one file, which has a header where it is CSV.

    Rows are counted from 1 without the header; in JSONL they are lines.

    Raises:
        BenchmarkError: the file is missing, empty, damaged, not UTF-8, or of another format.
    """
    reader = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if reader is None:
        raise BenchmarkError(f"{path.name} is no JSONL, CSV or Parquet file", f"name it with {', '.join(SUFFIXES)}")
    if not (records := reader(path)):
        raise BenchmarkError(f"{path.name} is empty", "it needs at least one row")
    return records


def hub_frame(dataset: str, pattern: str) -> pl.DataFrame:
    """Parquet, JSONL or CSV files of a data set on the Hugging Face hub, read over the network.

    Raises:
        BenchmarkError: the hub cannot be reached, or the files are not there.
    """
    import polars as pl

    from selectllm_engine.machine import HUB, hub_problem

    def failed(problem: str) -> BenchmarkError:
        return BenchmarkError(
            f"cannot read {dataset} from the Hugging Face hub ({problem})",
            "check the network, or pass --data with the folder that holds its files",
        )

    if (problem := hub_problem(address=HUB)) is not None:  # polars would wait for a silent peer without an end
        raise failed(problem)
    with polars_reading(failed):
        url = f"hf://datasets/{dataset}/{pattern}"
        if pattern.endswith(".csv"):
            return pl.scan_csv(url, infer_schema=False).collect()
        return pl.read_ndjson(url) if pattern.endswith(".jsonl") else pl.read_parquet(url)


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BenchmarkError(f"cannot read {str(path)!r} ({error.strerror})", "check the path") from error
    except UnicodeDecodeError as error:
        raise BenchmarkError(f"{path.name} is not UTF-8 (byte {error.start})", "save it as UTF-8") from error


def _jsonl(path: Path) -> list[FileRecord]:
    def refused(what: str) -> BenchmarkError:
        return BenchmarkError(f"{path.name}, {what}", "write one object per line")

    records, at = [], 0
    try:
        with path.open("rb") as file:
            for number, line in json_lines(file, refused):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                at = file.tell()
                try:
                    values = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise refused(f"line {number} is no JSON ({first_line(error)})") from error
                if not isinstance(values, dict):
                    raise refused(f"line {number} is no JSON object")
                records.append(FileRecord(path.name, number, values, unit="line"))
    except OSError as error:
        raise BenchmarkError(f"cannot read {str(path)!r} ({error.strerror})", "check the path") from error
    except UnicodeDecodeError as error:
        raise BenchmarkError(f"{path.name} is not UTF-8 (byte {at + error.start})", "save it as UTF-8") from error
    return records


def _rows(path: Path) -> Iterator[list[str]]:
    """The non-empty rows of a CSV file; quoted fields can hold commas and newlines."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield row
    except csv.Error as error:
        problem = f"{path.name}, line {reader.line_num} is no CSV ({error})"
        raise BenchmarkError(problem, "check the quotes; a quote inside a field is doubled") from error


def csv_rows(path: Path, columns: Sequence[str] = ()) -> tuple[list[str], list[list[str]]]:
    """The columns of a CSV file, from its header where none are given, and its rows, all of that length."""
    rows = _rows(path)
    header = list(columns) or [column.strip() for column in next(rows, [])]
    if len(set(header)) != len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise BenchmarkError(f"{path.name} has two columns {twice!r}", "rename one")
    found = []
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            wanted = f" instead of {len(columns)}" if columns else f", the header {len(header)}"
            problem = f"{path.name}, row {number} has {len(row)} fields{wanted}"
            raise BenchmarkError(problem, "put quotes around fields with commas")
        found.append(row)
    return header, found


def _csv(path: Path) -> list[FileRecord]:
    header, rows = csv_rows(path)
    return [
        FileRecord(path.name, number, dict(zip(header, row, strict=True))) for number, row in enumerate(rows, start=1)
    ]


def _parquet(path: Path) -> list[FileRecord]:
    import polars as pl

    def refused(reason: str) -> BenchmarkError:
        return BenchmarkError(f"{path.name} is no Parquet file ({reason})", "write it again")

    if not path.is_file():
        raise BenchmarkError(f"cannot read {str(path)!r} (no such file)", "check the path")
    with polars_reading(refused, path):
        rows = pl.read_parquet(path, glob=False).iter_rows(named=True)
    return [FileRecord(path.name, number, row) for number, row in enumerate(rows, start=1)]
