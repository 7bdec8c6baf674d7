"""`selectllm benchmarks`: which benchmarks there are, and whether one's questions are what they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import SelectLLMError, UnknownNameError, UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn, note, text, write_json, write_sheet
from selectllm_tui.cli.options import Format, Output, complete_source
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selectllm_engine.benchmarks import Benchmark
    from selectllm_engine.settings import OwnBenchmark

__all__ = ["app"]

app = typer.Typer(
    invoke_without_command=True, add_completion=False, help="Benchmarks that are known, and a look at one's questions."
)

_SHOWN = 3  # questions per split that `check` shows


@app.callback()
def list_(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List the benchmarks that are known: presets, generated ones, and those of selectllm.toml.

    Sizes and licences are those that a data set's public card names, and sizes of your own files are counted.
    "unconfirmed" is a preset whose columns no public description confirms. Several need an account: the note says so.
    """
    if ctx.invoked_subcommand is not None:
        return None
    rows = list(_rows())
    if output is Format.JSON:
        return write_json({"benchmarks": rows})
    columns = [
        SheetColumn("name", "benchmark", align="left"),
        SheetColumn("kind", "kind", align="left"),
        *(SheetColumn(split, split, _count) for split in ("train", "validation", "test")),
        SheetColumn("licence", "licence", align="left", drop=1),
        SheetColumn("source", "source", align="left", drop=2),
        SheetColumn("note", "note", align="left", drop=3),
    ]
    return write_sheet(Sheet(columns, rows), output)


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else text(None)


def _rows() -> Iterator[dict[str, object]]:
    from selectllm_engine.benchmarks import PRESETS, SOURCES, known_names, known_sizes
    from selectllm_engine.settings import read_settings

    fields = ("name", "kind", "train", "validation", "test", "hub", "licence", "source", "confirmed", "note")

    def row(name: str, **given: object) -> dict[str, object]:
        return {**dict.fromkeys(fields), "name": name, **given}

    own = read_settings().benchmarks
    described_anew = {name for name, each in own.items() if each.description is not None}
    for name, preset in PRESETS.items():
        if name in described_anew:
            continue
        warning = None if preset.confirmed else "unconfirmed: its columns were not found on its own public card"
        yield row(
            name,
            kind=preset.answers,
            **preset.sizes,
            hub=preset.hub,
            licence=preset.licence,
            source=preset.source,
            confirmed=preset.confirmed,
            note="; ".join(each for each in (preset.note, warning) if each) or None,
        )
    for name in SOURCES.keys() - described_anew:
        yield row(
            name, **(known_sizes(name) or {}), source="made on this machine", note="pip install 'selectllm[reasoning]'"
        )
    for name, each in own.items():
        described = each.description
        if described is None and name in known_names():
            continue
        where = each.data or (described and ("made on this machine" if described.kinds else described.hub))
        kind = described and (described.kind or ("letter" if described.choices else None))
        found = _counted(name, each)
        own_row = {"hub": described and described.hub, "source": str(where), "note": "selectllm.toml"}
        yield row(name, **{**own_row, **found, "kind": kind or found.get("kind")})


def _counted(name: str, own: OwnBenchmark) -> dict[str, object]:
    """What a look at the files of one's own tells: questions per split, and their kind where all are of one."""
    from selectllm_engine.benchmarks import known_sizes, splits_of

    if own.description is not None and own.description.kinds:
        return {**(known_sizes("reasoning") or {})}
    if own.data is None:
        return {}
    try:
        questions = _read_questions(name, own, None, 0, ())[0].questions
    except SelectLLMError:  # `check` says what is wrong with them
        return {}
    kinds = questions["kind"].unique()
    counts = {split: questions.filter(split=split).height for split in splits_of(questions)}
    return {**counts, "kind": kinds[0] if len(kinds) == 1 else None}


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One that is listed.", autocompletion=complete_source)],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Read the questions from files instead of the hub.", exists=True)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of drawn splits, and of questions that are made.")] = 0,
    output: Output = Format.TABLE,
) -> None:
    """Read a benchmark, count its questions, show some as an LLM sees them, and say what is odd.

    Odd are golds that are no option, questions that are there twice or in two splits, the same option twice, exemplars
    that are questions. Nothing is stored.
    """
    from selectllm_engine.benchmarks import odd, splits_of

    if output not in {Format.TABLE, Format.JSON}:
        raise UsageError(f"a check is no table, and so has no {output.value}", "take --format json")
    benchmark, problems = _read(name, data, seed)
    questions = benchmark.questions
    lines = [*problems, *benchmark.notes, *odd(benchmark)]
    counts = {split: int((questions["split"] == split).sum()) for split in splits_of(questions)}
    shown = [
        {"question_id": row["question_id"], "split": split, "prompt": _prompt(benchmark, row), "gold": row["gold"]}
        for split in counts
        for row in questions.filter(split=split).head(_SHOWN).iter_rows(named=True)
    ]
    if output is Format.JSON:
        write_json(
            {
                "name": name,
                "splits": counts,
                "exemplars": len(benchmark.exemplars),
                "kinds": dict(questions["kind"].value_counts(sort=True).iter_rows()),
                "odd": lines,
                "questions": shown,
            }
        )
        return
    for each in shown:
        typer.echo(visible(f"── {each['question_id']} ({each['split']}), gold {each['gold']}"))
        for line in str(each["prompt"]).splitlines():
            typer.echo(f"   {visible(line)}")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in questions["kind"].value_counts(sort=True).iter_rows())
    splits = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    typer.echo(visible(f"{name}: {splits}; answers: {kinds}; {len(benchmark.exemplars)} exemplars"))
    for line in lines:
        note(f"odd: {line}")
    if not lines:
        note("nothing is odd")


@app.command()
def make(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new JSONL, CSV or Parquet file.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A kind of questions, once for each; without, all there are are listed."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="SPLIT=N", help="How many questions: train=400,validation=200,test=400.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same one gives the same questions.")] = 0,
) -> None:
    """Write questions that reasoning-gym makes to a file: a mix of any of its kinds, which --data reads.

    Beside the kinds of the benchmark `reasoning` there are its polynomials (expressions), sorted words (lists), dates,
    and every data set of reasoning-gym whose answers are short.
    """
    from selectllm_engine.benchmarks.reasoning_kinds import gym_kinds, make_file
    from selectllm_tui.cli.generate import parse_sizes

    if not kind:
        raise UsageError("no kind of questions is named", f"add --kind NAME: {', '.join(gym_kinds())}")
    made = make_file(file, kind, sizes=parse_sizes(size), seed=seed)
    typer.echo(visible(f"{file}: " + ", ".join(f"{count:,} {split}" for split, count in made.items())))


def _read(name: str, data: Path | None, seed: int) -> tuple[Benchmark, list[str]]:
    """The benchmark with its exemplars of selectllm.toml, and what is wrong with rows that give no question."""
    from selectllm_engine.benchmarks import load_exemplars
    from selectllm_engine.settings import OwnBenchmark, read_settings

    settings = read_settings().benchmarks
    own = settings.get(name, OwnBenchmark())
    benchmark, lines = _read_questions(name, own, data, seed, settings)
    return (benchmark if own.exemplars is None else replace(benchmark, exemplars=load_exemplars(own.exemplars))), lines


def _read_questions(
    name: str, own: OwnBenchmark, data: Path | None, seed: int, others: Iterable[str]
) -> tuple[Benchmark, list[str]]:
    from selectllm_engine.benchmarks import PRESETS, Benchmark, known_names, load_benchmark
    from selectllm_engine.benchmarks.described_benchmarks import read

    preset = PRESETS.get(name)
    description = own.description or preset
    data = data or own.data
    if description is None and data is None and name not in known_names():
        raise UnknownNameError("benchmark", name, (*known_names(), *others))
    if description is None or description.kinds:
        return load_benchmark(name, data=data, seed=seed, description=description), []
    reading = read(name, description, data=data, seed=seed)
    lines = [
        f"{each.count:,} rows are left out, the first ({each.place}) because {each.problem}" for each in reading.bad
    ]
    return Benchmark(
        name, reading.questions, reading.exemplars, terse=description.terse, language=description.language
    ), lines


def _prompt(benchmark: Benchmark, row: dict[str, object]) -> str:
    """What a chat LLM is asked: the system sentence and the question."""
    from selectllm_engine.generation.prompts import build_prompt

    prompt = build_prompt(row, style="zero-shot", chat=True, terse=benchmark.terse, language=benchmark.language)
    return "\n".join(each["content"] for each in prompt.messages or ())
