"""`selectllm import`: results of other tools become a benchmark. One command per format, made from its entry."""

from __future__ import annotations

from importlib import import_module
from inspect import Parameter, Signature, cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectllm_engine.importers import FORMATS
from selectllm_tui.cli.import_options import SHARED, NewBenchmark, chosen, seconds
from selectllm_tui.cli.import_report import report, watching
from selectllm_tui.cli.options import CacheDir, names
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectllm_engine.importers import ImportFormat, ImportOption

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False)
_READERS: dict[str, Callable[[Any], object]] = {"text": str, "names": names, "seconds": seconds, "flag": bool}


@app.callback()
def _import() -> None:
    """Import results that other tools made."""


def made(entry: ImportFormat) -> Callable[..., None]:
    """The command of a format: its path, `--benchmark`, its own options, those that all share, and `--cache`."""

    def command(path: Path, benchmark: str, cache: Path | None, **given: Any) -> None:
        from selectllm_engine.store import open_cache

        module, _, function = entry.target.partition(":")
        read = getattr(import_module(f"selectllm_engine.importers.{module}"), function)
        own = {each.name: _READERS[each.value](given[each.name]) for each in entry.own if given[each.name] is not None}
        stored = open_cache(cache)
        if not entry.assembled:
            return report(read(stored, path, benchmark, **own))
        options = chosen(**{name: given[name] for name in SHARED})
        with watching(f"reading {visible(path.name)}") as progress:
            done = read(stored, path, benchmark, options=options, progress=progress, **own)
        return report(done, stored)

    metavar, text = entry.path
    path = Annotated[Path, typer.Argument(metavar=metavar, help=text, dir_okay=entry.folder)]
    taken: dict[str, tuple[object, object]] = {
        "path": (path, Parameter.empty),
        "benchmark": (NewBenchmark, Parameter.empty),
        **{each.name: (_option(each), False if each.value == "flag" else each.default) for each in entry.own},
        **(SHARED if entry.assembled else {}),
        "cache": (CacheDir, None),
    }
    command.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for name, (kind, default) in taken.items()
        ]
    )
    command.__annotations__ = {name: kind for name, (kind, _) in taken.items()}
    command.__doc__ = cleandoc(entry.help)
    return command


def _option(each: ImportOption) -> object:
    flags = each.flags or (f"--{each.name.replace('_', '-')}",)
    if each.value == "flag":
        return Annotated[bool, typer.Option(*flags, help=each.help)]
    return Annotated[str | None, typer.Option(*flags, metavar=each.metavar, help=each.help)]


for _name, _entry in FORMATS.items():
    app.command(_name)(made(_entry))
