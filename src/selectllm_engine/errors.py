"""One exception tree; every error says in one line what is wrong and what to do.

SelectLLMError                 exit code 1
├── UsageError                 exit code 2: the request itself is wrong
│   ├── UnknownNameError       a name nobody knows, with the nearest right one
│   └── MissingExtraError      the request needs libraries that are not installed
├── BenchmarkError             questions cannot be read
├── CacheError                 stored results cannot be read or written
│   ├── DamagedError           a stored file is truncated or changed
│   ├── LockedError            another process is writing the same LLM's results
│   └── SettingsMismatchError  stored results were made with other weights, prompt or sampling
├── ImportFormatError          another tool's file cannot be read
├── EngineError                an LLM cannot be loaded or run
└── NotAvailableError          the data can't give a figure; a row's note says why
"""

from __future__ import annotations

import copyreg
import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BenchmarkError",
    "CacheError",
    "DamagedError",
    "EngineError",
    "ImportFormatError",
    "LockedError",
    "MissingExtraError",
    "NotAvailableError",
    "SelectLLMError",
    "SettingsMismatchError",
    "UnknownNameError",
    "UsageError",
    "did_you_mean",
    "nearest",
]


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.61) -> str | None:
    """The known name that is most like `name` in any case; None where none is like it (`cutoff`: 0 all, 1 equal)."""
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(each.casefold(), each)
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The remedy for a name, or a list of them, that is not known: the nearest that is, else all of them."""
    known = list(known)
    like = [nearest(str(each), known) for each in (name if isinstance(name, list) else [name])]
    if None not in like:
        return f"did you mean {', '.join(map(repr, like))}?"
    return f"choose from {', '.join(known)}" if known else "there are none yet"


class SelectLLMError(Exception):
    """Base of all errors this package raises on purpose."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}" if remedy else problem)

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own would call __init__ with the message, which is not what most of these take.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class UsageError(SelectLLMError):
    """The request itself is wrong."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name, or several in a list, that is not among the known ones; names the nearest, or lists them all."""

    def __init__(self, kind: str, name: object, known: Iterable[str], *, remedy: str = "") -> None:
        names = name if isinstance(name, list) else [name]
        problem = f"no {kind}{'s' * (len(names) > 1)} {', '.join(map(repr, names))}"
        super().__init__(problem, f"{did_you_mean(name, known)} {remedy}".rstrip())


class MissingExtraError(UsageError):
    """The request needs libraries of an extra that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs libraries that are not installed", f"pip install 'selectllm[{extra}]'")


class BenchmarkError(SelectLLMError):
    """Questions cannot be read."""


class CacheError(SelectLLMError):
    """Stored results cannot be read or written."""


class DamagedError(CacheError):
    """A stored file is truncated or changed."""


class LockedError(CacheError):
    """Another process is writing the same LLM's results."""


class SettingsMismatchError(CacheError):
    """Stored results were made with other weights, prompt or sampling."""


class ImportFormatError(SelectLLMError):
    """Another tool's file cannot be read."""


class EngineError(SelectLLMError):
    """An LLM cannot be loaded or run."""


class NotAvailableError(SelectLLMError):
    """The data can't give a figure; the problem is the reason that a row's note shows."""
