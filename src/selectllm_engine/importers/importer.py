"""What all assembled importers have in common: their functions read, and what they read is stored as a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any

from selectllm_engine.importers.assembly import store
from selectllm_engine.importers.records import Chunk, Reading, Record

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.importers.formats import Imported
    from selectllm_engine.importers.records import Options
    from selectllm_engine.store import Cache, Progress

__all__ = ["ChunksRead", "Recorded", "importer"]

# What a reading function gives: rows, which are consumed once, and what tells this import from another.
Recorded = tuple[Iterator[Record], dict[str, Any]]
ChunksRead = tuple[Iterator[Chunk], Callable[[], dict[str, Any]]]


def importer(
    source: str, keep: Callable[..., Imported] = store
) -> Callable[[Callable[..., Any]], Callable[..., Imported]]:
    """Make an importer of a function that takes a path, a `Reading` to fill, `progress` and what it alone has.

    The importer takes the cache, the path (a file or folder of the format), the benchmark's name, `options` (splits,
    threshold and kind of gold answers), `progress`, told (done, total) while files are read, and what the function
    alone has. On an error nothing is changed. It raises what the function raises, and

        ImportFormatError: there is nothing of the format, or a file is damaged.
        CacheError: see `assembly.store`.

    `source` is the format's name, as the manifests have it. `keep` is `store` for functions that give `Recorded`, or
    `store_chunks`.
    """

    def made(read: Callable[..., Any]) -> Callable[..., Imported]:
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
