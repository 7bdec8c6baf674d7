"""TOML files that people write: read with care, since a file may be damaged or made to do harm."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, TypeGuard

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["A_TEXT", "is_text", "is_texts", "is_whole", "read_toml"]

_MOST = 1 << 20  # bytes of a file
_MOST_STEPS = 50  # in a key such as a.b.c, for which tomllib takes time that grows with their square
_STEP = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_DEEP = re.compile(rf"(?<![\w-])(?:{_STEP}){{{_MOST_STEPS},}}")


A_TEXT = "a text that is not empty"


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is `A_TEXT`."""
    return isinstance(value, str) and bool(value.strip())


def is_texts(value: object) -> TypeGuard[list[str]]:
    """Whether a value is a list of such texts, or of none."""
    return isinstance(value, list) and all(map(is_text, value))


def is_whole(value: object, least: int) -> TypeGuard[int]:
    """Whether a value is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def read_toml(path: Path, name: str, *, what: str, remedy: str) -> dict[str, Any]:
    """The tables of a file.

    Args:
        path: where it is.
        name: what errors call it.
        what: what it holds, in the plural, for the error of one that is too large.
        remedy: where an example is, for the error of one that is no TOML.

    Raises:
        FileNotFoundError: there is none.
        UsageError: it can't be read, or is no TOML.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise UsageError(f"{name} is no plain file", "take it away, or write one")
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"{name} cannot be read ({error.strerror})", "make it readable, or move it away") from error
    if len(data) > _MOST:
        raise UsageError(f"{name} is larger than {_MOST >> 20} MiB", f"{what} are short; is it another file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    if _DEEP.search(text):
        raise UsageError(f"{name} has a key of more than {_MOST_STEPS} steps", remedy)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits are a ValueError
        raise UsageError(f"{name} is no TOML ({error})", remedy) from error
