"""Files that are whole or not there: atomic writing, content digests, and names that are safe as folder names."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from selectllm_engine.errors import CacheError, DamagedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedRandom

__all__ = [
    "TEMPORARY",
    "Progress",
    "atomic",
    "digest",
    "folder_name",
    "make_folder",
    "move",
    "name_of",
    "read_json",
    "scratch",
    "sweep",
    "sync_folder",
    "write_atomic",
    "write_json",
]

Progress = Callable[[int, int], None]  # told (done, total) while something takes long

TEMPORARY = ".tmp-"  # how unfinished files and folders begin
_LONGEST = 240  # file systems allow 255 bytes; the rest is for suffixes
# Windows opens a device for these, whatever the extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def folder_name(name: str) -> str:
    """The folder name of a benchmark, LLM or router: percent-encoded UTF-8, safe on every system.

    Letters, digits and ``_-.~@+`` stay as they are, except where a system would read more into them: a dot or
    tilde at the start, a dot at the end, device names. `name_of` is the inverse.

    Raises:
        UsageError: the name is empty, too long, or no valid text.
    """
    if not name:
        raise UsageError("a name is empty", "give it at least one character")
    try:
        encoded = quote(name, safe="@+")
    except UnicodeEncodeError as error:
        raise UsageError(f"the name {name!r} is no valid text", "use another name") from error
    if encoded[0] in ".~" or _DEVICE.match(encoded):
        encoded = f"%{ord(encoded[0]):02X}{encoded[1:]}"
    if encoded[-1] == ".":
        encoded = f"{encoded[:-1]}%2E"
    if len(encoded) > _LONGEST:
        raise UsageError(f"the name {name[:40]!r}… is too long ({len(encoded)} bytes)", f"keep it below {_LONGEST}")
    return encoded


def name_of(folder: str) -> str:
    """The name that `folder_name` made this folder name from.

    Raises:
        CacheError: `folder_name` makes no such folder name.
    """
    try:
        name = unquote_to_bytes(folder).decode()
        if folder_name(name) == folder:
            return name
    except (UnicodeDecodeError, UsageError):
        pass
    raise CacheError(f"{folder!r} is no folder of a cache", "rename it or move it away")


def digest(data: bytes) -> str:
    """The first 16 hexadecimal digits of the BLAKE2b digest."""
    return hashlib.blake2b(data).hexdigest()[:16]


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[BufferedRandom]:
    """A file to write (and read) that appears as `path` whole or not at all, also after a power cut.

    Raises:
        CacheError: the disk is full, the folder read-only; what was there before is untouched.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise CacheError(
                f"cannot write {path}: {error.strerror or error}", "free some space or choose another --cache"
            ) from error
        raise


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file as `atomic` does; raises CacheError."""
    with atomic(path) as file:
        file.write(data)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; raises CacheError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(f"cannot make the folder {folder} ({error.strerror})", "choose another --cache") from error


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A temporary folder inside `folder`, removed with all that is left in it; raises CacheError."""
    make_folder(folder)
    try:
        place = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
    except OSError as error:
        raise CacheError(f"cannot write in {folder} ({error.strerror})", "choose another --cache") from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove unfinished files and folders of killed processes in a folder; for who holds its lock."""
    for left in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def move(folder: Path, to: Path) -> None:
    """Move a folder within a file system, in one step; raises CacheError."""
    try:
        folder.rename(to)
    except OSError as error:
        raise CacheError(f"cannot move {folder} to {to} ({error.strerror})", "move it by hand") from error
    sync_folder(folder.parent)
    sync_folder(to.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last; systems that can't sync folders don't need it."""
    with contextlib.suppress(PermissionError, IsADirectoryError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object atomically, keys sorted."""
    write_atomic(path, (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(f"{path} cannot be read ({error})", "see selectllm cache verify") from error
    if not isinstance(content, dict):
        raise DamagedError(f"{path} holds no JSON object", "see selectllm cache verify")
    return content
