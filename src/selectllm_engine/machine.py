"""What this machine has: GPUs, memory, and a way to the Hugging Face hub; found out without any heavy library."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HUB", "Gpu", "expanded", "free", "gpus", "hub_problem", "is_loopback", "memory", "silenced"]

HUB = "https://huggingface.co"
_PATIENCE = 20  # seconds for nvidia-smi, which wakes sleeping GPUs
_LAST_WORDS = 0.5  # seconds for which other threads of a library that failed may go on to say so
SILENT = 60.0  # seconds for which an address that gave no answer is not asked again
_silent: dict[str, float] = {}  # address -> until when


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU: its number as nvidia-smi counts, its name, its memory in bytes, and how much of that is free."""

    number: str
    name: str
    memory: int
    free: int


def gpus() -> list[Gpu]:
    """The GPUs that nvidia-smi finds; none where there is no nvidia-smi."""
    command = ["nvidia-smi", "--query-gpu=index,name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in done.stdout.splitlines():
        match [each.strip() for each in line.split(",")]:
            case [number, name, *mebibytes] if len(mebibytes) == 2:  # shared memory has no size: "[N/A]"
                total, unused = (int(each) << 20 if each.isdecimal() else 0 for each in mebibytes)
                found.append(Gpu(number, name, total, unused if mebibytes[1].isdecimal() else total))
    return found


def memory() -> int | None:
    """Bytes of main memory that this process may use: all, or the limit of its container; None where unknown."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def expanded(path: str | Path) -> Path:
    """A path with its `~` or `~NAME` as that person's home folder; as it is where there is no such person."""
    with contextlib.suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def free(folder: Path) -> int:
    """Bytes that are free on the disk where a folder is or would be made."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def hub_problem(seconds: float = 5.0, address: str | None = None, *, silent: float = SILENT) -> str | None:
    """Why the hub (at $HF_ENDPOINT, without an `address`) can't be reached, None where it can.

    Never takes longer than `seconds`, and where it gave no answer within the last `silent` seconds no time at all.
    """
    url = address or os.environ.get("HF_ENDPOINT") or HUB
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return "HF_HUB_OFFLINE is set"
    none = f"no answer within {seconds:g} s"
    if time.monotonic() < _silent.get(url, 0):
        return none
    answers: list[str | None] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(url, 2 * seconds)), daemon=True)
    asking.start()
    asking.join(seconds)  # looking a name up knows no timeout of its own
    if not answers:
        _silent[url] = time.monotonic() + silent
        return none
    return answers[0]


def _ask(url: str, seconds: float) -> str | None:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    try:
        address = Request(url, method="HEAD")  # noqa: S310 the address is the person's own
        with urlopen(address, timeout=seconds):  # noqa: S310
            return None
    except HTTPError as error:
        return None if error.code < 500 else f"it answers {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return str(getattr(reason, "strerror", None) or reason).partition("\n")[0]


_silencing = threading.Lock()
_silent_threads = 0
_standard_error: int | None = None  # where it leads while threads are silent


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Nothing on standard error while a library reads what may be damaged, and would print pages over it.

    Threads may be in here together: the first takes standard error away, the last gives it back.
    """
    global _silent_threads, _standard_error  # noqa: PLW0603 a process has one standard error
    with _silencing:
        if not _silent_threads:
            _standard_error = _hushed()
        _silent_threads += 1
    try:
        yield
    except BaseException:
        time.sleep(_LAST_WORDS)
        raise
    finally:
        with _silencing:
            _silent_threads -= 1
            if not _silent_threads and _standard_error is not None:
                os.dup2(_standard_error, 2)
                os.close(_standard_error)


def _hushed() -> int | None:
    """Lead standard error into nothing; a handle of where it led, None where there is none."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        return None
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    return kept
