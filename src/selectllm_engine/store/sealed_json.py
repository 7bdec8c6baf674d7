"""Manifests: JSON objects that carry a checksum of their own bytes, as the Parquet files do.

A file without one is an older one, and valid. One whose checksum doesn't fit was damaged, or changed by hand: `accept`
seals a deliberate change.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import xxhash

from selectllm_engine.errors import DamagedError
from selectllm_engine.store.files import read_file, write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["accept", "read_sealed", "write_sealed"]

_KEY, _METHOD, _BLANK = "seal", "xxh3-64:", "0" * 16
_SEAL = re.compile(rb'"seal": "xxh3-64:([0-9a-f]{16})"')
_MOST = 16 << 20  # bytes
_DIGITS = 18  # of a whole number, which fits into 64 bits then


def write_sealed(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON object atomically, keys sorted, its checksum as `seal` among them; raises CacheError."""
    sealed = {**content, _KEY: _METHOD + _BLANK}
    data = (json.dumps(sealed, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
    at = next(each.start(1) for each in _SEAL.finditer(data) if each[1] == _BLANK.encode())
    write_atomic(path, data[:at] + _checksum(data, at) + data[at + len(_BLANK) :])


def read_sealed(path: Path, *, changed: bool = False) -> dict[str, object]:
    """Read a JSON object without its seal; with `changed` also one that no longer fits its seal.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it holds something else, was changed, or is no plain file of a bearable size.
    """
    data = read_file(path, most=_MOST)
    try:
        content = json.loads(data, parse_constant=_no_number, parse_float=_finite, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path} cannot be read ({error})", "see selectllm cache verify") from error
    if not isinstance(content, dict):
        raise DamagedError(f"{path} holds no JSON object", "see selectllm cache verify")
    sealed = _KEY in content or _METHOD.encode() in data  # a flipped bit spares one of the two
    if sealed and not changed and not any(_checksum(data, each.start(1)) == each[1] for each in _SEAL.finditer(data)):
        raise DamagedError(
            f"{path} is damaged, or was changed by hand", "selectllm cache verify --accept takes it as it is now"
        )
    content.pop(_KEY, None)
    return content


def accept(path: Path) -> bool:
    """Seal a file as it is, if it is readable and its seal doesn't fit; whether that was so."""
    try:
        read_sealed(path)
    except DamagedError:
        try:
            content = read_sealed(path, changed=True)
        except DamagedError:
            return False
        write_sealed(path, content)
        return True
    return False


def _checksum(data: bytes, at: int) -> bytes:
    """The checksum of the bytes with zeros in the place of the checksum, which is at `at`."""
    return xxhash.xxh3_64_hexdigest(data[:at] + _BLANK.encode() + data[at + len(_BLANK) :]).encode()


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(word: str) -> float:
    if not math.isfinite(value := float(word)):
        raise ValueError(f"{word[:20]} is too large")
    return value


def _whole(word: str) -> int:
    if len(word) > _DIGITS:
        raise ValueError(f"{word[:20]}… is too large")
    return int(word)
