"""What all assembled importers have in common: their functions read, and what they read is stored as a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

from selectllm_engine.importers.assembly import store
from selectllm_engine.importers.records import Chunk, Reading, Record

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.importers.formats import Imported
    from selectllm_engine.importers.records import Options
    from selectllm_engine.store import Cache, Progress

__all__ = ["ChunksRead", "Importer", "Recorded", "importer"]

# What a reading function gives: rows, which are consumed once, and what tells this import from another.
Recorded = tuple[Iterator[Record], dict[str, Any]]
ChunksRead = tuple[Iterator[Chunk], Callable[[], dict[str, Any]]]


class Importer(Protocol):
    """Reads what another tool wrote into a benchmark."""

    def __call__(
        self,
        cache: Cache,
        path: Path,
        benchmark: str,
        *given: Any,
        options: Options | None = None,
        progress: Progress | None = None,
        **own: Any,
    ) -> Imported:
        """Read a path into a benchmark; on an error nothing is changed.

        Args:
            cache: where to store it.
            path: a file or folder of the format.
            benchmark: its name.
            options: splits, threshold and kind of gold answers.
            progress: told (done, total) while files are read.
            *given: what the format alone has, see its function.
            **own: the same by its name.

        Raises:
            ImportFormatError: there is nothing of the format, or a file is damaged.
            CacheError: see `assembly.store`.
        """
        ...


def importer(source: str, keep: Callable[..., Imported] = store) -> Callable[[Callable[..., Any]], Importer]:
    """Make an importer of a function that takes a path, a `Reading` to fill, `progress` and its own options.

    `source` is the format's name, as the manifests have it. `keep` is `store` for functions that give `Recorded`, or
    `store_chunks`.
    """

    def made(read: Callable[..., Any]) -> Importer:
        @wraps(read)
        def run(
            cache: Cache,
            path: Path,
            benchmark: str,
            *given: Any,
            options: Options | None = None,
            progress: Progress | None = None,
            **own: Any,
        ) -> Imported:
            reading = Reading()
            rows, origin = read(path, reading, progress or _unheard, *given, **own)
            return keep(cache, benchmark, rows, source=source, origin=origin, options=options, reading=reading)

        return run

    return made


def _unheard(_done: int, _total: int) -> None:
    """Progress that nobody wants to hear of."""
