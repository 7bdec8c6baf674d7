"""What the commands of `selectllm import` say on standard error: how far they are, and at the end what came in."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from selectllm_tui.cli.console import error_console, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selectllm_engine.importers import Imported
    from selectllm_engine.store import Cache

__all__ = ["report", "watching"]

_MOMENT = 0.1  # seconds between two updates of a bar


@contextmanager
def watching(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for `progress(done, total)`, where that is a terminal."""
    console = error_console()
    if not console.is_terminal:
        yield lambda _done, _total: None
        return

    from rich.progress import Progress

    with Progress(console=console, transient=True) as bar:
        task, shown = bar.add_task(what, total=None), -1.0

        def show(done: int, total: int) -> None:
            nonlocal shown
            if monotonic() - shown > _MOMENT:  # it may be called for each of millions of rows
                shown = monotonic()
                bar.update(task, completed=done, total=total)

        yield show


def report(done: Imported, cache: Cache | None = None) -> None:
    """Say what was imported, on standard error; with the cache, also whose verdict counts."""
    splits = ", ".join(f"{count:,} {split}" for split, count in done.splits.items())
    state = "was already there" if done.unchanged else "imported"
    note(f"{done.benchmark} {state}: {done.rows:,} rows ({splits}) of {len(done.llms)} LLMs: {', '.join(done.llms)}")
    for reason, count in done.skipped.items():
        note(f"{count:,} rows skipped: {reason}")
    for each in done.notes:
        note(f"note: {each}")
    if cache is not None:
        _judged(done, cache)


def _judged(done: Imported, cache: Cache) -> None:
    """Extract answers, and say whose verdict counts and on how many questions the recorded verdict is another."""
    if set(done.llms) <= set(done.scores):  # nothing to extract, nothing to compare: nothing need be read again
        from selectllm_tui.cli.verdicts import note_verdicts, rows_of_scores

        return note_verdicts(rows_of_scores(done.scores), done.benchmark)
    from selectllm_engine.insights import judgements
    from selectllm_tui.cli.verdicts import note_verdicts

    with watching("extracting answers") as progress:
        rows = judgements(cache, done.benchmark, done.llms, progress=progress).to_dicts()
    note_verdicts(rows, done.benchmark)
    if done.both:
        _compare(done, cache)
    return None


def _compare(done: Imported, cache: Cache) -> None:
    from selectllm_engine.api import load
    from selectllm_engine.insights import find_disagreements

    found = find_disagreements(load(done.benchmark, cache), done.llms)
    if found.judged:
        more = f"; selectllm show --disagreements --benchmark {done.benchmark} lists them" if len(found.rows) else ""
        note(f"{len(found.rows):,} of {found.judged:,} recorded verdicts differ from ours{more}")
