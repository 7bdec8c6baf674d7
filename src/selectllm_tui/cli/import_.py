"""`selectllm import`: results of other tools become a benchmark. One command per format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selectllm_tui.cli import import_logs, import_runs
from selectllm_tui.cli.import_options import (
    Again,
    Kind,
    Latency,
    LLMName,
    NewBenchmark,
    Seed,
    SplitBy,
    Threshold,
    Verdicts,
    chosen,
    seconds,
)
from selectllm_tui.cli.import_report import report, watching
from selectllm_tui.cli.options import CacheDir, names
from selectllm_tui.untrusted import visible

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command("inspect")(import_logs.inspect)
app.command("lm-eval")(import_logs.lm_eval)
app.command("helm")(import_runs.helm)
app.command("lighteval")(import_runs.lighteval)
app.command("opencompass")(import_runs.opencompass)
app.command("promptfoo")(import_runs.promptfoo)
app.command("routerarena")(import_runs.routerarena)
app.command("simple-evals")(import_runs.simple_evals)


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
    from selectllm_engine.importers.predictions import import_predictions
    from selectllm_engine.store import open_cache

    done = import_predictions(
        open_cache(cache), file, benchmark, llms=names(llms), latency=None if latency is None else seconds(latency)
    )
    report(done)


@app.command()
def routerbench(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or Parquet file.")],
    benchmark: NewBenchmark,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    verdicts: Verdicts = None,
    again: Again = False,
    cache: CacheDir = None,
) -> None:
    """Import a wide table in RouterBench's form, as selectllm export writes it too.

    Columns: sample_id, prompt, eval_name (the subject), and for each LLM its score under its name, <llm>|model_response
    and <llm>|total_cost. RouterBench's pickles are not opened, for they can run programs: convert them where you
    trust them.
    """
    from selectllm_engine.importers.routerbench import import_routerbench
    from selectllm_engine.store import open_cache

    stored, options = open_cache(cache), chosen(split_by, seed, threshold, kind, verdicts, again=again)
    with watching(f"reading {visible(file.name)}") as progress:
        done = import_routerbench(stored, file, benchmark, options=options, progress=progress)
    report(done, stored)


@app.command()
def llmrouterbench(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="results/bench, or one dataset in it.")],
    benchmark: NewBenchmark,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    verdicts: Verdicts = None,
    again: Again = False,
    cache: CacheDir = None,
) -> None:
    """Import LLMRouterBench's results: <dataset>/<split>/<model>/*.json, the newest of each that is no demo.

    Datasets become subjects. All but a few are tests only: --split-by divides them.
    """
    from selectllm_engine.importers.llmrouterbench import import_llmrouterbench
    from selectllm_engine.store import open_cache

    stored, options = open_cache(cache), chosen(split_by, seed, threshold, kind, verdicts, again=again)
    with watching("reading files") as progress:
        done = import_llmrouterbench(stored, folder, benchmark, options=options, progress=progress)
    report(done, stored)


@app.command()
def table(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV, TSV, JSON, JSONL or Parquet file.")],
    benchmark: NewBenchmark,
    question: Annotated[str, typer.Option(metavar="COLUMN", help="The question's text.")] = "question",
    llms: Annotated[
        str | None,
        typer.Option(metavar="LLM,LLM…", help="A row per question: the LLMs, whose scores are in columns so named."),
    ] = None,
    llm: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A row per answer: the column with the LLM's name.")
    ] = None,
    llm_name: LLMName = None,
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
        str | None,
        typer.Option(metavar="COLUMN", help="The options: a list, in JSON or as Python prints it, or texts between |."),
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
        str | None, typer.Option(metavar="COLUMN", help="The sample's number, where a question has several rows.")
    ] = None,
    split_by: SplitBy = None,
    seed: Seed = 0,
    threshold: Threshold = 0.5,
    kind: Kind = None,
    verdicts: Verdicts = None,
    again: Again = False,
    cache: CacheDir = None,
) -> None:
    """Import any table whose columns you name: a row per question (--llms, --scores) or a row per answer (--llm).

    With --llms, a column of an LLM is named by a pattern: --text '{llm}_response'. A field of a nested object is
    outer.inner. Rows that repeat a question and an LLM are samples, and so are texts that are lists. Chat messages
    become their text.
    """
    from selectllm_engine.importers.table import Columns, import_table
    from selectllm_engine.store import open_cache

    several = names(llms)
    columns = Columns(
        question=question,
        llms=None if several is None else tuple(several),
        llm=llm,
        llm_name=llm_name,
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
    stored, options = open_cache(cache), chosen(split_by, seed, threshold, kind, verdicts, again=again)
    with watching(f"reading {visible(file.name)}") as progress:
        done = import_table(stored, file, benchmark, columns, options=options, progress=progress)
    report(done, stored)
