"""The rows of a source split as one frame: files of a folder, one file, or Parquet files on the Hugging Face hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks.description import ONLY
from selectllm_engine.benchmarks.tables import SUFFIXES, csv_rows, hub_frame
from selectllm_engine.errors import BenchmarkError
from selectllm_engine.foreign_files import first_line, polars_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selectllm_engine.benchmarks.description import Description

__all__ = ["NoFilesError", "SourceFiles", "read_rows"]

# Where a split's files lie, as the hub's own data sets, the hub's conversions and people have them.
_HUB = "{config}/{split}-*.parquet"
_HUB_ALONE = "data/{split}-*.parquet"
_FOLDER = (
    *(_HUB, _HUB_ALONE, "{config}/{split}/*.parquet", "{split}-*.parquet"),
    *(f"{{config}}/{{split}}{suffix}" for suffix in SUFFIXES),
    *(f"{{split}}{suffix}" for suffix in SUFFIXES),
)


class NoFilesError(BenchmarkError):
    """A folder has none of the files that a description speaks of."""


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of one source split: names, how many rows up to the end of each, and all their columns."""

    names: tuple[str, ...]
    ends: tuple[int, ...]
    schema: pl.Schema

    def place(self, row: int) -> str:
        """Where a row stands, such as `test.csv, row 3`."""
        start = 0
        for name, end in zip(self.names, self.ends, strict=True):
            if row < end:
                return f"{name}, row {row - start + 1}"
            start = end
        raise IndexError(row)


def read_rows(
    description: Description, split: str, data: Path | None, names: Callable[[pl.Schema], list[str]]
) -> tuple[pl.DataFrame, SourceFiles]:
    """The rows of a source split, with the columns that `names` chooses of a file's, and with `file` and `config`.

    Raises:
        BenchmarkError: a file is missing, empty or damaged, or the files don't fit together.
    """
    frames, files, ends, total = [], [], [], 0
    columns: dict[str, pl.DataType] = {}
    for name, config, frame, schema in _frames(description, split, data, names):
        keep = frame.select(names(schema))
        extra = {"file": name.rpartition("/")[2].partition(".")[0], "config": config}
        keep = keep.with_columns(pl.lit(text).alias(key) for key, text in extra.items() if key not in schema)
        frames.append(keep)
        columns |= schema
        total += keep.height
        files.append(name)
        ends.append(total)
    try:
        together = frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed", rechunk=False)
    except pl.exceptions.PolarsError as error:
        raise BenchmarkError(
            f"{files[0]} and the files beside it have columns of different types ({first_line(error)})",
            "write them alike",
        ) from error
    return together, SourceFiles(tuple(files), tuple(ends), pl.Schema(columns | together.schema))


def _frames(
    description: Description, split: str, data: Path | None, names: Callable[[pl.Schema], list[str]]
) -> Iterator[tuple[str, str, pl.DataFrame, pl.Schema]]:
    """Name, configuration, rows and all columns of every file; of Parquet the rows have those that `names` chooses."""
    configs = description.config or ("",)
    if data is None:
        if description.hub is None:
            raise BenchmarkError("the description names neither files nor a data set of the hub", "add data or hub")
        own = description.files.get(split)
        for config in configs:
            pattern = (own or (_HUB if config else _HUB_ALONE,))[0].format(config=config, split=split)
            hub = description.hub.replace("{config}", config)
            repository = hub + (f"@{description.revision}" if description.revision else "")
            frame = hub_frame(repository, pattern)
            yield pattern, config, frame, frame.schema
        return
    for path, config in _paths(description, split, data, configs):
        yield path.name, config, *_file(path, description.columns, names)


def _paths(description: Description, split: str, data: Path, configs: tuple[str, ...]) -> list[tuple[Path, str]]:
    if not data.is_dir():
        if not data.exists():
            raise BenchmarkError(f"no folder {str(data)!r}", "pass the folder that holds the files")
        if split != ONLY:
            raise BenchmarkError(f"{data.name} is one file, and the splits are files of their own", "pass their folder")
        return [(data, "")]
    if split == ONLY:
        found = [(path, "") for path in sorted(data.iterdir()) if path.suffix.lower() in SUFFIXES]
        if not found:
            raise BenchmarkError(f"{str(data)!r} holds no JSONL, CSV or Parquet file", "pass the file itself")
        return found
    patterns = list(dict.fromkeys((*description.files.get(split, ()), *_FOLDER)))
    for pattern in patterns:
        for_each = configs if "{config}" in pattern or len(configs) == 1 else ("",)
        names = [(pattern.format(config=config, split=split).lstrip("/"), config) for config in for_each]
        found = [(path, config) for name, config in names for path in sorted(data.glob(name)) if path.is_file()]
        if found:
            return found
    tried = [pattern.format(config=configs[0], split=split).lstrip("/") for pattern in patterns]
    raise NoFilesError(
        f"{str(data)!r} holds no {' or '.join(list(dict.fromkeys(tried))[:4])}", "pass the folder that holds it"
    )


def _file(
    path: Path, columns: tuple[str, ...], names: Callable[[pl.Schema], list[str]]
) -> tuple[pl.DataFrame, pl.Schema]:
    suffix = path.suffix.lower()
    kind = {".parquet": "Parquet", ".jsonl": "JSONL", ".csv": "CSV"}.get(suffix)
    if kind is None:
        raise BenchmarkError(f"{path.name} is no JSONL, CSV or Parquet file", f"name it with {', '.join(SUFFIXES)}")
    with polars_reading(
        lambda reason: BenchmarkError(f"{path.name} is no {kind} file ({reason})", "write it again"), path
    ):
        if kind == "Parquet":
            scanned = pl.scan_parquet(path, glob=False)
            schema = scanned.collect_schema()
            frame = scanned.select(names(schema) or list(schema)[:1]).collect()
        elif kind == "JSONL":
            frame = pl.read_ndjson(path, infer_schema_length=None)
            schema = frame.schema
        else:
            frame = _csv(path, columns)
            schema = frame.schema
    if frame.is_empty():
        raise BenchmarkError(f"{path.name} is empty", "it needs at least one row")
    return frame, schema


def _csv(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, has_header=not columns, infer_schema=False)
        if columns and frame.width == len(columns):
            frame.columns = list(columns)
            return frame
        if not columns:
            return frame.rename(str.strip)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        pass  # some line breaks in quotes are too much for it; what is really wrong is said below
    header, rows = csv_rows(path, columns)
    return pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
