"""What the commands of `selectllm import` share: options, progress, and what they say at the end."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import error_console, note
from selectllm_tui.cli.options import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selectllm_engine.importers import Imported
    from selectllm_engine.importers.assembly import Options
    from selectllm_engine.store import Cache

__all__ = [
    "Again",
    "Kind",
    "LLMName",
    "Latency",
    "NewBenchmark",
    "Seed",
    "SplitBy",
    "Threshold",
    "Verdicts",
    "chosen",
    "report",
    "seconds",
    "watching",
]

NewBenchmark = Annotated[str, typer.Option("--benchmark", metavar="NAME", help="Name of the new benchmark.")]
Latency = Annotated[
    str | None,
    typer.Option(metavar="LLM=SECONDS,…", help="Seconds per question of each LLM, where the file has none."),
]

SplitBy = Annotated[
    str | None,
    typer.Option(
        metavar="TRAIN/VALIDATION/TEST",
        help="Draw splits for questions that have none, such as 50/10/40; without it they are all test.",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of that draw.")]
Threshold = Annotated[
    float, typer.Option(metavar="SCORE", help="The mean recorded score from which on an LLM counts as right.")
]
Kind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="What gold answers are: number, letter or word; labels goes by recorded scores alone. Inferred without "
        "it.",
    ),
]
LLMName = Annotated[
    str | None, typer.Option("--llm-name", metavar="NAME", help="Whose answers these are, where the file names nobody.")
]
Verdicts = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[SUBJECT=]CHOICE",
        help="Whose verdict counts, of all subjects or of one; may be given again: recorded, own, or auto, ours where "
        "it agrees with 98 % of the recorded ones.",
    ),
]
Again = Annotated[bool, typer.Option("--again", help="Judge what was imported before anew, from its file.")]
_MOMENT = 0.1  # seconds between two updates of a bar


def chosen(
    split_by: str | None,
    seed: int,
    threshold: float,
    kind: str | None,
    verdicts: list[str] | None = None,
    *,
    again: bool = False,
) -> Options:
    """The options that every format shares."""
    from selectllm_engine.importers.assembly import Options
    from selectllm_engine.importers.splits import parse_shares
    from selectllm_engine.store import Choice

    shares = None if split_by is None else parse_shares(split_by)
    choice = Choice.parse(verdicts) if verdicts else None
    return Options(split_by=shares, seed=seed, threshold=threshold, kind=kind, verdicts=choice, again=again)


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


def seconds(text: str) -> dict[str, float]:
    """`name=seconds,…` as a mapping."""
    found = {}
    for each in names(text) or []:
        name, _, value = each.rpartition("=")
        try:
            found[name] = float(value)
        except ValueError:
            name = ""
        if not name:
            raise UsageError(f"--latency {each} is no name with seconds", "write --latency NAME=SECONDS,NAME=SECONDS")
    return found


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
