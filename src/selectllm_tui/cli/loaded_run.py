"""The run that a command reads, and a word about what of it is damaged."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from selectllm_tui.cli.console import note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selectllm_engine.api import Run

__all__ = ["reading"]


@contextmanager
def reading(benchmark: str | None, cache: Path | None) -> Iterator[Run]:
    """The run of a benchmark. Files that were passed over meanwhile are said at the end, also after an error.

    Raises as `selectllm_engine.load` does.
    """
    from selectllm_engine.api import load

    run = load(benchmark, cache)
    try:
        yield run
    finally:
        if problems := list(run.cache.problems.values()):
            others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            note(
                f"note: {problems[0].what}{others}: passed over; "
                "selectllm cache verify --repair sets damaged files aside"
            )
