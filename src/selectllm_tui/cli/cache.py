"""`selectllm cache`: what is stored, whether it is whole, and removing it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import CacheError, DamagedError, SelectLLMError, UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn, error_console, note, text, write_json, write_sheet
from selectllm_tui.cli.loaded_run import named
from selectllm_tui.cli.options import Benchmark, CacheDir, Format, Output, complete_llm, complete_router
from selectllm_tui.notation import MISSING, size
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.store import Cache, Problem

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, check and remove stored results.")


@app.command("list")
def list_(benchmark: Benchmark = None, output: Output = Format.TABLE, cache: CacheDir = None) -> None:
    """List what is stored: benchmarks with their splits, LLMs and routers, and how large they are.

    Where it says "package", the results come with selectllm and are not to be changed; the first change copies them.
    """
    from selectllm_engine.store import open_cache

    stored = open_cache(named(cache))
    names = [stored.choose(benchmark)] if benchmark is not None else stored.benchmarks()
    rows = [row for name in names for row in _rows(stored, name)]
    if rows:
        columns = [
            SheetColumn("benchmark", "benchmark", align="left"),
            SheetColumn("where", "where", align="left", drop=1),
            SheetColumn("kind", "kind", align="left"),
            SheetColumn("name", "name", align="left"),
            SheetColumn(("questions", "generations", "verdicts"), "holds", _holds),
            SheetColumn(("samples", "stop"), "K", lambda samples, stop: text(samples) + (f" {stop}" if stop else "")),
            SheetColumn("bytes", "size", size),
        ]
        write_sheet(Sheet(columns, rows, f"Cache {stored.root}", section="benchmark"), output)
    elif output is Format.JSON:
        write_json([])
    else:
        note(f"the cache {stored.root} is empty")
    for problem in stored.problems.values():
        note(f"passed over: {problem.what}")


def _rows(cache: Cache, benchmark: str) -> Iterator[dict[str, object]]:
    from selectllm_engine.benchmarks import splits_of
    from selectllm_engine.store import stop_of

    def row(kind: str, name: str, stored: int | None, **holds: object) -> dict[str, object]:
        fields = dict.fromkeys(("questions", "generations", "verdicts", "samples", "stop", "source"))
        where = "package" if cache.is_packaged(benchmark) else "own"
        return {"benchmark": benchmark, "where": where, "kind": kind, "name": name, **fields, **holds, "bytes": stored}

    questions = cache.questions(benchmark)
    for split in splits_of(questions):
        yield row("split", split, None, questions=int((questions["split"] == split).sum()))
    for llm in cache.llms(benchmark):
        manifest = cache.manifest(benchmark, llm)
        verdicts = cache.verdicts(benchmark, llm)
        yield row(
            "LLM",
            llm,
            cache.size(benchmark, llm=llm),
            generations=cache.sampled(benchmark, llm).height,
            verdicts=None if verdicts is None else verdicts.height,
            samples=manifest.get("samples"),
            stop=None if (stop := stop_of(manifest)) is None else str(stop[0]),
            source=manifest.get("source"),
        )
    for router in cache.routers(benchmark):
        yield row("router", router, cache.size(benchmark, router=router))
    if tokens := cache.tokens_size(benchmark):
        yield row("model", "expected tokens", tokens)


def _holds(questions: int | None, generations: int | None, verdicts: int | None) -> str:
    counts = {"questions": questions, "generations": generations, "verdicts": verdicts}
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or MISSING


@app.command()
def verify(
    benchmark: Benchmark = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged files aside, so that generate makes their samples again.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take manifests and marks that were changed by hand as they are now.")
    ] = False,
    output: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """Read every stored file and compare it with its digest; exit code 1 where one is damaged."""
    from rich.progress import Progress

    from selectllm_engine.store import open_cache

    stored = open_cache(named(cache))
    console = error_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking files", total=None)
        problems = stored.verify(
            benchmark,
            repair=repair,
            accept=accept,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _report(stored, problems, output)
    if not all(problem.repaired for problem in problems):
        raise typer.Exit(1)


def _report(cache: Cache, problems: list[Problem], output: Format) -> None:
    rows = [{"path": str(each.path), "problem": each.what, "done": each.done or None} for each in problems]
    if output is Format.JSON:
        return write_json(rows)
    if not rows:
        return note("all files are whole")
    columns = [
        SheetColumn("problem", "problem", align="left"),
        SheetColumn("done", "done", align="left", drop=1),
    ]
    write_sheet(Sheet(columns, rows, f"Cache {cache.root}"), output)
    if any(not each.repaired and not each.done for each in problems):
        note("selectllm cache verify --repair sets damaged files aside")
    return None


@app.command()
def merge(
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="The folder of the other cache.", show_default=False)],
    benchmark: Benchmark = None,
    output: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """Take over what another cache holds, such as an LLM that was sampled on another machine.

    Nothing is overwritten. LLMs that were made with other settings than those of the same name here are left out and
    told, with exit code 1.
    """
    from selectllm_engine.store import Cache, open_cache
    from selectllm_engine.store import merge as take_over

    if not other.is_dir():
        raise UsageError(f"{str(other)!r} is no folder", "name the folder of a cache")
    stored, source = open_cache(cache), Cache(other.absolute())
    source.settle()
    if source.root.resolve() == stored.root.resolve():
        raise UsageError("both are the same cache", "name another one")
    names = [source.choose(benchmark)] if benchmark is not None else source.benchmarks()
    if not names:
        raise UsageError(f"the cache {source.root} is empty", "name the folder of another one")
    rows, failed, told = [], [], []
    for name in names:
        try:
            merged = take_over(stored, source, name)
        except SelectLLMError as error:
            if len(names) == 1:
                raise
            failed.append(name)  # the others come along
            note(f"{name}: {error}")
            continue
        common = {"benchmark": merged.benchmark, "questions": merged.questions}
        found = {**merged.llms, **dict.fromkeys(merged.left_out, 0)}
        rows += [{**common, "llm": llm, "results": found[llm], "note": merged.left_out.get(llm)} for llm in found]
        if merged.questions and not found:
            rows.append({**common, "llm": None, "results": 0, "note": None})
        told += [f"{name}: marks and notes of {merged.marks:,} questions joined"] if merged.marks else []
        told += [f"{name}: its routers came along ({', '.join(merged.routers)})"] if merged.routers else []
    for sentence in told:
        note(sentence)
    if rows or output is Format.JSON:
        columns = [
            SheetColumn("benchmark", "benchmark", align="left"),
            SheetColumn("questions", "new questions"),
            SheetColumn("llm", "LLM", align="left"),
            SheetColumn("results", "new results"),
            SheetColumn("note", "left out", align="left", drop=1),
        ]
        write_sheet(Sheet(columns, rows, f"Cache {stored.root}"), output)
    elif not failed and not told:
        note("all of it is there already")
    if failed:
        raise CacheError(f"{', '.join(failed)} did not join", "the lines above say why; the same command goes on")
    if any(row["note"] for row in rows):
        raise typer.Exit(1)


@app.command()
def remove(
    benchmark: Benchmark = None,
    llm: Annotated[
        str | None, typer.Option(metavar="NAME", help="Remove only this LLM's results.", autocompletion=complete_llm)
    ] = None,
    router: Annotated[
        str | None, typer.Option(metavar="NAME", help="Remove only this router.", autocompletion=complete_router)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    cache: CacheDir = None,
) -> None:
    """Remove one LLM's results, one router, or a whole benchmark; asks first."""
    from selectllm_engine.store import open_cache

    if llm is not None and router is not None:
        raise UsageError("--llm and --router exclude each other", "remove one after the other")
    stored = open_cache(named(cache))
    benchmark = benchmark or stored.choose(None)
    removed = size(stored.removable(benchmark, llm=llm, router=router))
    what = (
        f"LLM {llm} of {benchmark}" if llm else f"router {router} of {benchmark}" if router else f"all of {benchmark}"
    )
    with suppress(DamagedError):
        if not (llm or router) and (marked := len(stored.marks(benchmark))):
            what += f", with marks and notes of {marked:,} questions"
    if not yes:
        typer.confirm(visible(f"Remove {what} ({removed}) from {stored.root}?"), abort=True, err=True)
    stored.remove(benchmark, llm=llm, router=router)
    note(f"removed {what} ({removed})")
