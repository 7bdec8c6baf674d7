"""Files that are whole or not there: atomic writing, content digests, and names that are safe as folder names."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from selectllm_engine.errors import CacheError, DamagedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedRandom

__all__ = [
    "JOURNAL",
    "TEMPORARY",
    "Progress",
    "atomic",
    "digest",
    "first_reason",
    "folder_name",
    "links_in",
    "make_folder",
    "move",
    "name_of",
    "read_file",
    "refuse_twin",
    "scratch",
    "set_aside",
    "sweep",
    "sync_folder",
    "write_atomic",
]

Progress = Callable[[int, int], None]  # told (done, total) while something takes long

TEMPORARY = ".tmp-"  # how unfinished files and folders begin
JOURNAL = ".journal"  # in a cache's folder: the renames that a change has begun, see `renames`
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


def refuse_twin(kind: str, name: str, others: Iterable[str]) -> None:
    """Raise UsageError where another name differs from a new one by case only: some disks have one folder for both."""
    folder = folder_name(name)
    for other in others:
        if other != name and folder_name(other).lower() == folder.lower():
            raise UsageError(
                f"there is {'an' if kind == 'LLM' else 'a'} {kind} {other!r}, which disks that ignore case take "
                f"{name!r} for",
                f"write {other!r}, or choose another name",
            )


def first_reason(error: OSError) -> str:
    """Why a copy failed: a tree's error has a reason per file, each with its number and paths."""
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
    said = str(reasons[0][-1]) if reasons else error.strerror or str(error)
    said = re.sub(r"^\[Errno \d+\] ", "", said).partition(": '")[0]
    return said.partition("\n")[0][:200]


def links_in(folder: Path) -> Iterator[Path]:
    """All symbolic links inside a folder, none of which is followed."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda each: each.name)
    except OSError:
        return
    for each in found:
        if each.is_symlink():
            yield Path(each.path)
        elif each.is_dir(follow_symlinks=False):
            yield from links_in(Path(each.path))


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
    """A temporary folder inside `folder`, removed with all that is left in it; raises CacheError.

    It stays where a change was begun that moves things out of it: `renames.finish` needs them.
    """
    make_folder(folder)
    try:
        place = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
    except OSError as error:
        raise CacheError(f"cannot write in {folder} ({error.strerror})", "choose another --cache") from error
    try:
        yield place
    finally:
        if not (folder / JOURNAL).exists():
            shutil.rmtree(place, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove unfinished files and folders of killed processes in a folder; for who holds its lock."""
    for left in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def move(folder: Path, to: Path) -> None:
    """Move a folder, or a file in place of another, within a file system, in one step; raises CacheError."""
    try:
        folder.replace(to)
    except OSError as error:
        raise CacheError(f"cannot move {folder} to {to} ({error.strerror})", "move it by hand") from error
    sync_folder(folder.parent)
    sync_folder(to.parent)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, so that what it held counts as missing."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    return aside


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last; systems that can't sync folders don't need it."""
    with contextlib.suppress(PermissionError, IsADirectoryError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_file(path: Path, *, most: int | None = None) -> bytes:
    """The bytes of a plain file, not followed where it is a link, and of up to `most` bytes.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it is something else, such as a link or a pipe, is larger, or can't be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 paths know no flags
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise DamagedError(f"{path} is no plain file", "take it away; a cache holds none")
            if most is not None and state.st_size > most:
                raise DamagedError(f"{path} is larger than {most >> 20} MiB", "see selectllm cache verify")
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DamagedError(f"{path} is a link", "take it away; a cache holds none") from None
        raise DamagedError(f"{path} cannot be read ({error.strerror})", "see selectllm cache verify") from error
