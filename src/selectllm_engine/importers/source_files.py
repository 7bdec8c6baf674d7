"""Tables of any format as frames of the columns that are wanted: CSV, JSON, JSONL and Parquet.

CSV is read as text, between commas, semicolons or tabs; JSON values are written out as text, Parquet keeps its types.
A file of up to a gigabyte is read
at once, a larger CSV or Parquet file in batches. A field of a nested object is named `outer.inner`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.foreign_files import first_line, json_lines, polars_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["SUFFIXES", "SourceTable", "first_line", "open_table", "read_json"]

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")
_Result = TypeVar("_Result")
_WHOLE = 1 << 30  # bytes; a larger file is read in batches
_BATCH = 1 << 28  # bytes of a batch
_ROWS = 50_000  # rows of a batch of JSON
_PICKLES = (".pkl", ".pickle")
_REMEDIES: dict[type[pl.DataType], str] = {  # for what is neither text nor a number
    pl.Binary: "write it as text",
    pl.Duration: "write it as text, or its seconds as numbers",
}


@dataclass(frozen=True, slots=True)
class SourceTable:
    """An open table.

    Attributes:
        path: its file.
        columns: names of its columns; of JSON, those of its first rows.
        nested: columns with objects in them.
        blank: whether it can't tell an empty text from none, as CSV.
        schema: of Parquet.
        decimal_comma: whether numbers may have a comma for a point, as where it doesn't part columns.
        batches: gives the frames of the wanted columns in order, of which the numeric ones need not come as text;
            `progress(done, total)` hears of bytes or rows.
    """

    path: Path
    columns: tuple[str, ...]
    nested: frozenset[str]
    batches: Callable[[Sequence[str], Collection[str], Progress | None], Iterator[pl.DataFrame]]
    blank: bool = False
    decimal_comma: bool = False
    schema: pl.Schema = field(default_factory=pl.Schema)

    def has(self, column: str) -> bool:
        """Whether there is such a column, or field of a nested one."""
        return column in self.columns or any(column.startswith(f"{outer}.") for outer in self.nested)

    def need(self, column: str) -> str:
        """The column's own name; raises UnknownNameError, with the nearest, where there is none."""
        if not self.has(column):
            raise UnknownNameError("column", column, [each[:80] for each in self.columns[:100]])
        if f"{column}_duplicated_0" in self.columns:
            raise ImportFormatError(f"{self.path.name} has two columns {column!r}", "rename one")
        return column


def open_table(path: Path) -> SourceTable:
    """Look at a file's columns.

    Raises:
        ImportFormatError: it is missing, empty, damaged, no UTF-8, a pickle, or of another format.
    """
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise ImportFormatError(
            f"{path.name} is a pickle, which can run any program when it is opened",
            "where you trust it, convert it with pandas: read_pickle('a.pkl').to_parquet('a.parquet')",
        )
    head = _head(path)
    if suffix == ".parquet":
        return _parquet(path, head)
    if suffix in {".json", ".jsonl", ".ndjson", ".csv", ".tsv"} and (
        b"\0" in head or head[:2] in {b"\xff\xfe", b"\xfe\xff"}
    ):
        raise ImportFormatError(f"{path.name} is no UTF-8 text", "convert it to UTF-8")
    if suffix in {".csv", ".tsv"}:
        return _csv(path, _separator(head, suffix))
    if suffix == ".json":
        return _json(path)
    if suffix in {".jsonl", ".ndjson"}:
        return _objects(path, partial(_lines, path), 0, "line")
    raise ImportFormatError(f"{path.name} is none of {', '.join(SUFFIXES)}", "convert it, or rename it to what it is")


def read_json(path: Path) -> object:
    """The content of a JSON file; raises ImportFormatError."""
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error
    except UnicodeDecodeError as error:
        raise ImportFormatError(f"{path.name} is no UTF-8 text (byte {error.start})", "convert it to UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ImportFormatError(f"{path.name} is no JSON ({first_line(error)})", "is it cut off?") from error


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except IsADirectoryError:
        raise ImportFormatError(f"{path} is a folder", "name a file in it") from None
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error
    if not head:
        raise ImportFormatError(f"{path.name} is empty", "name a file with results")
    return head


# Formats that polars reads


def _separator(head: bytes, suffix: str) -> str:
    """What parts the columns: as Excel writes tables, a semicolon where a comma is the decimal point, or a tab."""
    header = re.sub(rb'"(?:[^"]|"")*"', b"", head.lstrip(b"\xef\xbb\xbf")).split(b"\n")[0]
    if suffix == ".tsv" or (b"\t" in header and b"," not in header):
        return "\t"
    return ";" if b";" in header and b"," not in header else ","


def _csv(path: Path, separator: str) -> SourceTable:
    scan = _guarded(path, lambda: pl.scan_csv(path, infer_schema=False, glob=False, separator=separator))
    names = tuple(_guarded(path, lambda: scan.collect_schema().names()))
    size = path.stat().st_size

    def batches(wanted: Sequence[str], numeric: Collection[str], progress: Progress | None) -> Iterator[pl.DataFrame]:
        whole = _with_numbers(path, wanted, numeric, separator) if size <= _WHOLE else None
        if whole is None:
            yield from _scanned(path, scan, wanted, size, progress)
        else:
            yield whole
            if progress:
                progress(size, size)

    return SourceTable(path, names, frozenset(), batches, blank=True, decimal_comma=separator != ",")


def _with_numbers(path: Path, wanted: Sequence[str], numeric: Collection[str], separator: str) -> pl.DataFrame | None:
    """A CSV file at once, its numeric columns as numbers; None where a cell in them is none, such as TRUE."""
    types = dict.fromkeys(numeric, pl.Float64)
    try:
        scan = pl.scan_csv(path, infer_schema=False, schema_overrides=types, glob=False, separator=separator)
        whole = scan.select(wanted).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return None  # to be read as text, which finds out what is wrong
    return whole.rechunk()


def _parquet(path: Path, head: bytes) -> SourceTable:
    """Look at a file's two ends first: polars can go down with the whole process over a damaged file."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        tail = file.read()
    if head[:4] != b"PAR1" or tail[-4:] != b"PAR1" or int.from_bytes(tail[:4], "little") > size - 12:
        raise ImportFormatError(f"{path.name} is no whole Parquet file", "is it cut off?")
    scan = _guarded(path, lambda: pl.scan_parquet(path, glob=False))
    schema = _guarded(path, scan.collect_schema)
    nested = frozenset(name for name, dtype in schema.items() if isinstance(dtype, pl.Struct))
    return SourceTable(
        path,
        tuple(schema.names()),
        nested,
        lambda wanted, _numeric, progress: _scanned(
            path, scan.select(_field(schema, each) for each in wanted), wanted, size, progress
        ),
        schema=schema,
    )


def _field(schema: pl.Schema, name: str) -> pl.Expr:
    if name in schema:
        return pl.col(name)
    outer, _, inner = name.partition(".")
    dtype = schema.get(outer)
    if not isinstance(dtype, pl.Struct) or inner not in {each.name for each in dtype.fields}:
        known = [f"{outer}.{each.name}" for each in dtype.fields] if isinstance(dtype, pl.Struct) else schema.names()
        raise UnknownNameError("column", name, known)
    return pl.col(outer).struct.field(inner).alias(name)


def _scanned(
    path: Path, scan: pl.LazyFrame, wanted: Sequence[str], size: int, progress: Progress | None
) -> Iterator[pl.DataFrame]:
    scan = scan.select(wanted)
    if size <= _WHOLE:
        whole = _guarded(path, scan.collect)
        yield _readable(path, whole, 0).rechunk()  # whatever is done with it is done to one piece, not to a hundred
    else:
        sample = _guarded(path, lambda: scan.head(1000).collect())
        rows = max(1000, int(_BATCH / max(1.0, sample.estimated_size() / max(1, sample.height))))
        batches = iter(_guarded(path, lambda: scan.collect_batches(chunk_size=rows, maintain_order=True)))
        done = before = 0
        while (batch := _guarded(path, lambda: next(batches, None))) is not None:
            yield _readable(path, batch, before)
            before += batch.height
            done += int(batch.estimated_size())
            if progress:
                progress(min(done, size), size)
    if progress:
        progress(size, size)


def _readable(path: Path, batch: pl.DataFrame, before: int) -> pl.DataFrame:
    """A batch, categories as text; raises where cells are neither text nor numbers. So many rows came before."""
    for column in batch:
        dtype: Any = column.dtype
        while isinstance(dtype, (pl.List, pl.Array)):
            dtype = dtype.inner
        if (remedy := _REMEDIES.get(dtype.base_type())) and column.null_count() < batch.height:
            row = before + int(column.is_not_null().arg_max() or 0) + 1
            raise ImportFormatError(f"{path.name}, row {row}: column {column.name!r} holds {column.dtype}", remedy)
        if isinstance(column.dtype, (pl.Categorical, pl.Enum)):
            batch = batch.with_columns(column.cast(pl.String))
    return batch


def _guarded(path: Path, work: Callable[[], _Result]) -> _Result:
    def refused(reason: str) -> ImportFormatError:
        remedy = "convert it to UTF-8" if "utf-8" in reason.lower() else "is it whole?"
        return ImportFormatError(f"{path.name} cannot be read ({reason})", remedy)

    with polars_reading(refused, path, quiet=path.suffix.lower() == ".parquet"):
        return work()


# JSON: rows of objects


def _json(path: Path) -> SourceTable:
    content = read_json(path)
    if isinstance(content, dict):  # {"records": [...]}, or columns
        lists = [value for value in content.values() if isinstance(value, list)]
        if len(lists) != 1:
            raise ImportFormatError(f"{path.name} holds no list of objects", "write one object per question")
        content = lists[0]
    if not isinstance(content, list) or not content:
        raise ImportFormatError(f"{path.name} holds no list of objects", "write one object per question")

    def rows() -> Iterator[tuple[int, object, int]]:
        return ((number, row, 0) for number, row in enumerate(content, start=1))

    return _objects(path, rows, len(content), "row")


def _lines(path: Path) -> Iterator[tuple[int, object, int]]:
    def refused(what: str) -> ImportFormatError:
        return ImportFormatError(f"{path.name}, {what}", "is the file cut off?")

    try:
        with path.open("rb") as file:
            for number, line in json_lines(file, refused):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                try:
                    row = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise refused(f"line {number} is no JSON ({first_line(error)})") from error
                yield number, row, len(line)
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error
    except UnicodeDecodeError as error:
        raise ImportFormatError(f"{path.name} is no UTF-8 text", "convert it to UTF-8") from error


def _objects(path: Path, rows: Callable[[], Iterator[tuple[int, object, int]]], total: int, unit: str) -> SourceTable:
    def checked() -> Iterator[tuple[dict[str, object], int]]:
        for number, row, size in rows():
            if not isinstance(row, dict):
                raise ImportFormatError(f"{path.name}, {unit} {number} is no object", "write one object per row")
            yield row, size

    def batches(wanted: Sequence[str], _numeric: Collection[str], progress: Progress | None) -> Iterator[pl.DataFrame]:
        source, done = checked(), 0
        while batch := _taken(source, _ROWS):
            yield pl.DataFrame({name: _column([_get(row, name) for row in batch]) for name in wanted})
            done += len(batch)
            if progress:
                progress(done, total or done)

    first = _taken(checked(), 1000)
    if not first:
        raise ImportFormatError(f"{path.name} is empty", "name a file with results")
    columns = tuple(dict.fromkeys(name for row in first for name in row))
    nested = frozenset(name for row in first for name, value in row.items() if isinstance(value, dict))
    return SourceTable(path, columns, nested, batches)


def _taken(rows: Iterator[tuple[dict[str, object], int]], most: int) -> list[dict[str, object]]:
    """The next rows, so many, or as many as were _BATCH bytes in the file."""
    taken, total = [], 0
    for row, size in rows:
        taken.append(row)
        total += size
        if len(taken) >= most or total >= _BATCH:
            break
    return taken


def _get(row: dict[str, object], name: str) -> object:
    if name in row:
        return row[name]
    outer, _, inner = name.partition(".")
    value = row.get(outer)
    return value.get(inner) if isinstance(value, dict) else None


def _column(values: list[object]) -> pl.Series:
    """Values as text; lists of single values as such, where there is nothing else but texts."""
    listed = [value for value in values if isinstance(value, list)]
    if not listed or any(isinstance(each, (list, dict)) for value in listed for each in value):
        return pl.Series([_written(value) for value in values], dtype=pl.String)
    if any(isinstance(value, dict) for value in values):
        return pl.Series([_written(value) for value in values], dtype=pl.String)
    cells = [
        None if value is None else [_written(each) for each in (value if isinstance(value, list) else [value])]
        for value in values
    ]
    return pl.Series(cells, dtype=pl.List(pl.String))


def _written(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        value = value.encode(errors="replace").decode()
    return value  # type: ignore[no-any-return]
