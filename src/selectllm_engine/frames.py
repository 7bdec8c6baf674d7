"""Parquet files that carry a checksum of themselves.

polars takes a damaged Parquet file for what it says and can bring the whole process down over it, so every file is
compared with its checksum before it is parsed. It stands in the file's own metadata, so that one file stays one file
and any Parquet reader can read it; and it is a CRC-32, as in ZIP and PNG files, because it must not take longer than
reading the file does.
"""

from __future__ import annotations

import errno
import io
import zlib
from typing import IO, TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import DamagedError
from selectllm_engine.files import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["SEAL_KEY", "check_frame", "read_frame", "write_frame"]

SEAL_KEY = "selectllm"  # in the metadata of Parquet files
_SEAL = b"crc-32:"  # what precedes a file's checksum, which is that of its bytes with zeros in the checksum's place
_BLANK = b"0" * 8
_LARGE = 1 << 24  # bytes
_BLOCK = 1 << 20
_TAIL = 8  # bytes at the end of a Parquet file: the length of what precedes them, and PAR1


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a Parquet file with its checksum inside, whole or not at all; raises CacheError.

    A large one, the questions or scores of some hundred thousand rows, is not compressed: that would take longer than
    all else that is done with it.
    """
    large = frame.estimated_size() >= _LARGE
    with atomic(path) as file:
        try:
            frame.write_parquet(
                file,
                compression="uncompressed" if large else "zstd",
                statistics=not large,
                metadata={SEAL_KEY: (_SEAL + _BLANK).decode()},
            )
        except pl.exceptions.ComputeError as error:  # what polars makes of a full disk
            raise OSError(errno.EIO, str(error).rpartition("IO error: ")[2].partition(" (os error")[0]) from error
        _seal(file)


def _seal(file: IO[bytes]) -> None:
    """Write the checksum into a Parquet file that has a blank one."""
    size = file.seek(0, io.SEEK_END)
    file.seek(size - _TAIL)
    footer = min(size, _TAIL + int.from_bytes(file.read(4), "little"))
    file.seek(size - footer)
    at = size - footer + file.read(footer).rindex(_SEAL) + len(_SEAL)
    file.seek(0)
    found = 0
    while block := file.read(_BLOCK):
        found = zlib.crc32(block, found)
    file.seek(at)
    file.write(f"{found:08x}".encode())


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
    if not _is_sealed(data):
        raise DamagedError(f"{path} is truncated or changed", "see selectllm cache verify")
    return data


def _is_sealed(data: bytes) -> bool:
    """Whether these bytes are, unchanged, those of a sealed file."""
    at = data.rfind(_SEAL) + len(_SEAL)
    if at < len(_SEAL):
        return False
    whole = memoryview(data)
    found = zlib.crc32(whole[at + len(_BLANK) :], zlib.crc32(_BLANK, zlib.crc32(whole[:at])))
    return data[at : at + len(_BLANK)] == f"{found:08x}".encode()


def read_frame(path: Path, schema: pl.Schema | None = None, *, optional: Iterable[str] = ()) -> pl.DataFrame:
    """Read a file of `write_frame`; with `schema` exactly its columns, others are an error.

    Columns that are `optional` are null in every row where the file lacks them.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it is truncated, changed, somebody else's, or has other columns.
    """
    frame = pl.read_parquet(io.BytesIO(check_frame(path)))
    if schema is None:
        return frame
    left_out = [pl.lit(None, schema[name]).alias(name) for name in optional if name not in frame.columns]
    frame = frame.with_columns(left_out)
    for name, dtype in schema.items():
        if frame.schema.get(name) != dtype:
            raise DamagedError(f"{path} has no column {name} of type {dtype}", "see selectllm cache verify")
    return frame.select(schema.names())
