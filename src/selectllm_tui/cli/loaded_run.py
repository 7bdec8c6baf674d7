"""The run that a command reads, and a word about what of it is damaged."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from selectllm_tui.cli.console import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selectllm_engine.api import Run

__all__ = ["reading"]


@contextmanager
def reading(benchmark: str | None, cache: Path | None) -> Iterator[Run]:
    """The run of a benchmark. What became of it while it was read is said at the end, also after an error.

    That is files that were passed over, and figures that moved because an earlier version had stored them. Raises as
    `selectllm_engine.load` does.
    """
    from selectllm_engine.api import load

    run = load(benchmark, cache, progress=_bar())
    try:
        yield run
    finally:
        for each in run.cache.news:
            note(f"note: {each}")
        if problems := list(run.cache.problems.values()):
            others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            note(
                f"note: {problems[0].what}{others}: passed over; "
                "selectllm cache verify --repair sets damaged files aside"
            )


def _bar() -> Callable[[int, int], None]:
    """A bar for answers that must be extracted first, which is there only while there are any."""
    bar, show = ExitStack(), None

    def progress(done: int, total: int) -> None:
        nonlocal show
        if show is None:
            from selectllm_tui.cli.import_report import watching

            show = bar.enter_context(watching("extracting answers"))
        show(done, total)
        if done >= total:
            bar.close()
            show = None

    return progress
