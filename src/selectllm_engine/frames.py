"""Parquet files that carry a digest of themselves.

polars takes a damaged Parquet file for what it says and can bring the whole process down over it, so every file is
compared with its digest before it is parsed. The digest stands in the file's own metadata: one file stays one file,
and any Parquet reader can read it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import DamagedError
from selectllm_engine.files import is_sealed, parquet_bytes, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_frame", "read_frame", "write_frame"]

_LARGE = 1 << 26  # bytes


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a Parquet file with its digest inside, whole or not at all; raises CacheError.

    A large one, the questions or scores of some hundred thousand rows, is not compressed: that would take longer than
    all else that is done with it.
    """
    write_atomic(path, parquet_bytes(frame, compressed=frame.estimated_size() < _LARGE))


def check_frame(path: Path) -> bytes:
    """The bytes of a file of `write_frame`, unchanged.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it is truncated, changed, or somebody else's.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error.strerror})", "see selectllm cache verify") from error
    if not is_sealed(data):
        raise DamagedError(f"{path} is truncated or changed", "see selectllm cache verify")
    return data


def read_frame(path: Path, schema: pl.Schema | None = None) -> pl.DataFrame:
    """Read a file of `write_frame`; with `schema` exactly its columns, others are an error.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it is truncated, changed, somebody else's, or has other columns.
    """
    frame = pl.read_parquet(io.BytesIO(check_frame(path)))
    if schema is None:
        return frame
    for name, dtype in schema.items():
        if frame.schema.get(name) != dtype:
            raise DamagedError(f"{path} has no column {name} of type {dtype}", "see selectllm cache verify")
    return frame.select(schema.names())
