"""Finished completions on their way to the cache: kept for a while, so that parts are not tiny, and never for long."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Keeper", "Periods", "Row"]

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Seconds between two writes, between two looks at what waits to be written, and between two reports."""

    write: float = 30.0
    look: float = 1.0
    report: float = 0.5


class Keeper:
    """Rows that `write` gets together, when it is time or when there are `most`. Leaving its context writes the rest.

    Rows that were made on different hardware are written apart; where the engine has one kind alone it is None.

    Whoever adds rows calls `write_due` between two steps of the engine. A thread sees to it that a long step keeps no
    row waiting.
    """

    def __init__(self, write: Callable[[list[Row], str | None], None], *, intervals: Periods, most: int) -> None:
        self._write = write
        self._intervals = intervals
        self._most = most
        self._rows: dict[str | None, list[Row]] = {}
        self._count = 0
        self._written = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._flush()

    def add(self, row: Row, hardware: str | None = None) -> None:
        """Keep one row."""
        with self._lock:
            self._rows.setdefault(hardware, []).append(row)
            self._count += 1

    def write_due(self) -> None:
        """Write what has waited long enough."""
        with self._lock:
            if time.monotonic() - self._written >= self._intervals.write or self._count >= self._most:
                self._flush()

    def _watch(self) -> None:
        while not self._ended.wait(self._intervals.look):
            with self._lock:
                if time.monotonic() - self._written < self._intervals.write - self._intervals.look:
                    continue
                try:
                    self._flush()
                except Exception:
                    return  # `write_due` or the end meets the same, and says so

    def _flush(self) -> None:
        while self._rows:
            self._written = time.monotonic()
            hardware, rows = next(iter(self._rows.items()))
            self._write(rows, hardware)
            del self._rows[hardware]
        self._count = 0
