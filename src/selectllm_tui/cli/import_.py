"""`selectllm import`: results of other tools become a benchmark. One command per format."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import error_console, note
from selectllm_tui.cli.options import CacheDir, names
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selectllm_engine.importers import Imported
    from selectllm_engine.importers.storing import Options

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False)

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
        help="What gold answers are: number, letter or word; none goes by recorded scores alone. Inferred without it.",
    ),
]


def chosen(split_by: str | None, seed: int, threshold: float, kind: str | None) -> Options:
    """The options that every format shares."""
    from selectllm_engine.importers.splits import parse_shares
    from selectllm_engine.importers.storing import Options

    shares = None if split_by is None else parse_shares(split_by)
    return Options(split_by=shares, seed=seed, threshold=threshold, kind=kind)


@contextmanager
def watching(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for `progress(done, total)`, where that is a terminal."""
    from rich.progress import Progress

    console = error_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@app.callback()
def _import() -> None:
    """Import results that other tools made."""


@app.command()
def predictions(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.", dir_okay=False)],
    benchmark: NewBenchmark,
    latency: Latency = None,
    llms: Annotated[
        str | None,
        typer.Option(
            metavar="LLM,LLM…",
            help="What the columns of raw_predictions and confidence are, in order; else all names there, sorted.",
        ),
    ] = None,
    cache: CacheDir = None,
) -> None:
    """Import a router's predictions as the study released them, with labels and the router `imported`.

    The CSV has the columns question, split, true_label, prediction, raw_predictions and confidence. There are labels
    only, no votes: figures that need votes say so. Without --latency the study's are used where the benchmark's name
    and the LLMs are the study's.
    """
    from selectllm_engine.cache import open_cache
    from selectllm_engine.importers.predictions import import_predictions

    done = import_predictions(
        open_cache(cache), file, benchmark, llms=names(llms), latency=None if latency is None else seconds(latency)
    )
    report(done)


@app.command()
def table(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV, JSON, JSONL or Parquet file.")],
    benchmark: NewBenchmark,
    question: Annotated[str, typer.Option(metavar="COLUMN", help="The question's text.")] = "question",
    llms: Annotated[
        str | None,
        typer.Option(metavar="LLM,LLM…", help="A row per question: the LLMs, whose scores are in columns so named."),
    ] = None,
    llm: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A row per answer: the column with the LLM's name.")
    ] = None,
    scores: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A row per question: the column with {llm: score} objects.")
    ] = None,
    score: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The score, from 0 (wrong) to 1 (right), or true and false.")
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="COLUMN", help="What the LLM wrote.")] = None,
    answer: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The answer that was found in it, kept beside our own.")
    ] = None,
    gold: Annotated[str | None, typer.Option(metavar="COLUMN", help="The gold answer.")] = None,
    choices: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The options: a list, a JSON list, or texts between |.")
    ] = None,
    latency: Annotated[str | None, typer.Option(metavar="COLUMN", help="Seconds.")] = None,
    cost: Annotated[str | None, typer.Option(metavar="COLUMN", help="Dollars.")] = None,
    prompt_tokens: Annotated[str | None, typer.Option(metavar="COLUMN", help="Tokens of the prompt.")] = None,
    output_tokens: Annotated[str | None, typer.Option(metavar="COLUMN", help="Tokens of the answer.")] = None,
    split: Annotated[str | None, typer.Option(metavar="COLUMN", help="train, validation or test.")] = None,
    subject: Annotated[str | None, typer.Option(metavar="COLUMN", help="The question's subject.")] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="The question's id; without it, its text counts.")
    ] = None,
    sample: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The sample's number, where rows are answers.")
    ] = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    cache: CacheDir = None,
) -> None:
    """Import any table whose columns you name: a row per question (--llms, --scores) or a row per answer (--llm).

    With --llms, a column of an LLM is named by a pattern: --text '{llm}_response'. A field of a nested object is
    outer.inner. Rows that repeat a question and an LLM are samples.
    """
    from selectllm_engine.cache import open_cache
    from selectllm_engine.importers.table import Columns, import_table

    several = names(llms)
    columns = Columns(
        question=question,
        llms=None if several is None else tuple(several),
        llm=llm,
        scores=scores,
        score=score,
        text=text,
        answer=answer,
        latency=latency,
        cost=cost,
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        id=id_,
        gold=gold,
        subject=subject,
        split=split,
        choices=choices,
        sample=sample,
    )
    options = chosen(split_by, seed, threshold, kind)
    with watching(f"reading {visible(file.name)}") as progress:
        done = import_table(open_cache(cache), file, benchmark, columns, options=options, progress=progress)
    report(done)


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


def report(done: Imported) -> None:
    """Say what was imported, on standard error."""
    splits = ", ".join(f"{count:,} {split}" for split, count in done.splits.items())
    state = "was already there" if done.unchanged else "imported"
    note(f"{done.benchmark} {state}: {done.rows:,} rows ({splits}) of {len(done.llms)} LLMs: {', '.join(done.llms)}")
    for reason, count in done.skipped.items():
        note(f"{count:,} rows skipped: {reason}")
    for each in done.notes:
        note(f"note: {each}")
