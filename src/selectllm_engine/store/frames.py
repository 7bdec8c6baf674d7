"""Parquet files that carry a checksum of themselves.

polars takes a damaged Parquet file for what it says and can bring the whole process down over it, so every file is
compared with its checksum before it is parsed. It stands in the file's own metadata, so that one file stays one file
and any Parquet reader can read it; and it is an XXH3, which takes less time than reading the file does.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import zlib
from threading import Event
from typing import TYPE_CHECKING

import polars as pl
import xxhash

from selectllm_engine.errors import CacheError, DamagedError
from selectllm_engine.foreign_files import polars_reading
from selectllm_engine.store.files import atomic, read_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = [
    "SEAL_KEY",
    "check_frame",
    "frame_of",
    "keep_derived",
    "parsing",
    "read_derived",
    "read_frame",
    "write_frame",
]

SEAL_KEY = "selectllm"  # in the metadata of Parquet files
_SEAL = b"xxh3-64:"  # what precedes a file's checksum, which is that of its bytes with zeros in the checksum's place
_BLANK = b"0" * 16
LARGE = 100_000  # rows
MUCH = 1 << 24  # bytes, which a disk needs longer for than for saying so
_GROUP = 1 << 15  # rows of a large frame that are held in memory a second time, ready to be written
_TAIL = 8  # bytes at the end of a Parquet file: the length of what precedes them, and PAR1


def write_frame(path: Path, frame: pl.DataFrame, metadata: Mapping[str, str] | None = None) -> None:
    """Write a Parquet file with its checksum inside, whole or not at all; raises CacheError.

    A large one, the questions or scores of some hundred thousand rows, is not compressed: that would take longer than
    all else that is done with it.
    """
    large = frame.height >= LARGE
    with atomic(path) as file, _synced_early(file) if large else contextlib.nullcontext():
        try:
            frame.write_parquet(
                file,
                compression="uncompressed" if large else "zstd",
                statistics=not large,
                row_group_size=_GROUP if large else None,
                metadata={**(metadata or {}), SEAL_KEY: (_SEAL + _BLANK).decode()},
            )
        except pl.exceptions.ComputeError as error:  # what polars makes of a full disk
            raise OSError(errno.EIO, str(error).rpartition("IO error: ")[2].partition(" (os error")[0]) from error
        _seal(file)


@contextlib.contextmanager
def _synced_early(file: io.BufferedRandom) -> Iterator[None]:
    """Have the disk write a file while it grows, so that there is less to wait for when it is whole."""
    from concurrent.futures import ThreadPoolExecutor

    whole = Event()

    def sync() -> None:
        while not whole.wait(0.05):  # seconds
            if os.fstat(file.fileno()).st_size >= MUCH:
                os.fsync(file.fileno())

    with ThreadPoolExecutor(1) as thread:
        syncing = thread.submit(sync)
        try:
            yield
        finally:
            whole.set()
            syncing.result()  # a disk says only once that it failed


def _seal(file: io.BufferedRandom) -> None:
    """Write the checksum into a Parquet file that has a blank one."""
    size = file.seek(0, io.SEEK_END)
    file.seek(size - _TAIL)
    footer = min(size, _TAIL + int.from_bytes(file.read(4), "little"))
    file.seek(size - footer)
    at = size - footer + file.read(footer).rindex(_SEAL) + len(_SEAL)
    file.seek(0)
    found = hashlib.file_digest(file, xxhash.xxh3_64)
    file.seek(at)
    file.write(found.hexdigest().encode())


def check_frame(path: Path) -> bytes:
    """The bytes of a file of `write_frame`, unchanged.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it is truncated, changed, or somebody else's.
    """
    data = read_file(path)
    if not _is_sealed(data):
        raise DamagedError(f"{path} is truncated or changed", "see selectllm cache verify")
    return data


def _is_sealed(data: bytes) -> bool:
    """Whether these bytes are, unchanged, those of a sealed file."""
    whole = memoryview(data)
    for seal, checksum in _CHECKSUMS.items():
        at = data.rfind(seal) + len(seal)
        end = at + len(checksum())
        blanked = (whole[:at], b"0" * (end - at), whole[end:])
        if at >= len(seal) and checksum(*blanked).encode() == data[at:end]:
            return True
    return False


def _xxh3(*pieces: bytes | memoryview) -> str:
    found = xxhash.xxh3_64()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def _crc32(*pieces: bytes | memoryview) -> str:
    found = 0
    for piece in pieces:
        found = zlib.crc32(piece, found)
    return f"{found:08x}"


def _blake2b(*pieces: bytes | memoryview) -> str:
    found = hashlib.blake2b()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()[:16]


# What files are written with, and what they were written with before.
_CHECKSUMS = {_SEAL: _xxh3, b"crc-32:": _crc32, b"blake2b-64:": _blake2b}


def read_frame(
    path: Path,
    schema: pl.Schema | None = None,
    *,
    optional: Iterable[str] = (),
    others: Collection[type[pl.DataType]] = (),
) -> pl.DataFrame:
    """Read a file of `write_frame`; with `schema` its columns and no other, but for those of the types `others`.

    Columns that are `optional` are null in every row where the file lacks them.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it is truncated, changed, somebody else's, or has other columns.
    """
    data = check_frame(path)
    with parsing(path):
        frame = pl.read_parquet(io.BytesIO(data))
    return frame if schema is None else frame_of(path, frame, schema, optional=optional, others=others)


@contextlib.contextmanager
def parsing(path: Path) -> Iterator[None]:
    """Whatever polars says of a file that is whole and yet no Parquet file of ours, as a DamagedError."""
    refused = DamagedError(f"{path} is no Parquet file", "see selectllm cache verify")
    try:
        with polars_reading(lambda _reason: refused):
            yield
    except DamagedError as error:
        if isinstance(error.__cause__, FileNotFoundError):  # merged or replaced meanwhile
            raise error.__cause__ from None
        raise


def read_derived(path: Path, schema: pl.Schema, *, optional: Iterable[str] = ()) -> pl.DataFrame | None:
    """What was derived and kept before; None where it is not there, or damaged, for it can be made again."""
    with contextlib.suppress(FileNotFoundError, DamagedError):
        return read_frame(path, schema, optional=optional)
    return None


def keep_derived(path: Path, frame: pl.DataFrame, others: str) -> None:
    """Write what was derived, in place of other files beside it that match `others`; where that can't be, don't."""
    with contextlib.suppress(CacheError, OSError):  # a full or read-only disk costs time only
        write_frame(path, frame)
        for other in path.parent.glob(others):
            if other != path:
                other.unlink(missing_ok=True)


def frame_of(
    path: Path,
    frame: pl.DataFrame,
    schema: pl.Schema,
    *,
    optional: Iterable[str] = (),
    others: Collection[type[pl.DataType]] = (),
) -> pl.DataFrame:
    """What was read from `path` with exactly the columns of `schema`; raises DamagedError, see `read_frame`."""
    if left_out := [pl.lit(None, schema[name]).alias(name) for name in optional if name not in frame.columns]:
        frame = frame.with_columns(left_out)
    for name, dtype in schema.items():
        if frame.schema.get(name) != dtype:
            raise DamagedError(f"{path} has no column {name} of type {dtype}", "see selectllm cache verify")
    further = [name for name, dtype in frame.schema.items() if name not in schema and others]
    if strange := [name for name in further if frame.schema[name] not in others]:
        raise DamagedError(f"{path} has a column {strange[0]!r} without numbers", "see selectllm cache verify")
    names = [*schema.names(), *further]
    return frame if names == frame.columns else frame.select(names)
