"""Other people's files, damaged or made to do harm: what polars says of them, and how large their lines may be."""

from __future__ import annotations

import contextlib
import os
from typing import IO, TYPE_CHECKING

from selectllm_engine.machine import silenced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selectllm_engine.errors import SelectLLMError

__all__ = ["MOST_LINE", "first_line", "json_lines", "polars_reading"]

MOST_LINE = 64 << 20  # bytes of a line of JSON


@contextlib.contextmanager
def polars_reading(
    refuse: Callable[[str], SelectLLMError], path: Path | None = None, *, quiet: bool = True
) -> Iterator[None]:
    """While polars reads a file: what it raises as the error that `refuse` makes of the reason.

    A panic of polars is none of its errors, and has printed pages by then: `quiet` keeps them off standard error. A
    path that is no UTF-8 it takes for another.
    """
    import polars as pl

    if path is not None:
        try:
            os.fsencode(path).decode()
        except UnicodeDecodeError:
            raise type(refuse(""))(f"the path of {path.name} is no UTF-8", "rename it") from None
    try:
        with silenced() if quiet else contextlib.nullcontext():
            yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise refuse(first_line(error)) from error


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line; of one that broke down over a file, that it did."""
    if type(error).__name__ == "PanicException":
        return "it is damaged"
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def json_lines(file: IO[bytes], refuse: Callable[[str], SelectLLMError]) -> Iterator[tuple[int, bytes]]:
    """The lines of a JSONL file that hold something, with their numbers; one of more than MOST_LINE is refused."""
    number = 0
    while line := file.readline(MOST_LINE + 1):
        number += 1
        if len(line) > MOST_LINE:
            raise refuse(f"line {number} is longer than {MOST_LINE >> 20} MiB")
        if line.strip():
            yield number, line
