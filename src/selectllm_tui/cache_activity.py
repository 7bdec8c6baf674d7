"""Which LLMs are being sampled at this moment, how far they are, and whether there is anything new to read.

All of it is read from the cache, which is never locked.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.store import name_of

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.store import Cache

__all__ = ["Contents", "SamplingActivity", "contents", "sampling"]

Contents = frozenset[tuple[str, int]]
FILES = (  # what results are made of; not what is derived from it
    "questions.parquet",
    "llms/*/manifest.json",
    "llms/*/verdicts.parquet",
    "llms/*/generations/*.parquet",
    "routers/*/manifest.json",
)


@dataclass(frozen=True, slots=True)
class SamplingActivity:
    """An LLM that a process is writing: samples there are, and samples of all questions (`generate` may want fewer)."""

    llm: str
    done: int
    total: int


def contents(cache: Cache, benchmark: str) -> Contents:
    """The files of a benchmark's results and when they were changed: differs once there is something new."""
    folder = cache.folder(benchmark)
    return frozenset((str(path), path.stat().st_mtime_ns) for files in FILES for path in folder.glob(files))


def sampling(cache: Cache, benchmark: str) -> tuple[SamplingActivity, ...]:
    """The LLMs of a benchmark that are being written, by name."""
    found = []
    for owner in sorted((cache.folder(benchmark) / "llms").glob("*/.writer")):
        if _alive(owner):
            try:
                llm = name_of(owner.parent.name)
                samples = int(cache.manifest(benchmark, llm).get("samples") or 0)
                total = samples * cache.questions(benchmark).height
                found.append(SamplingActivity(llm, cache.sampled(benchmark, llm).height, total))
            except SelectLLMError:
                continue  # just begun: no manifest yet
    return tuple(found)


def _alive(owner: Path) -> bool:
    """Whether the process that a writer's note names still runs; notes of other machines are believed."""
    try:
        note = json.loads(owner.read_text("utf-8"))
        if note["on"] == platform.node():
            os.kill(int(note["process"]), 0)
    except PermissionError:
        return True  # somebody else's process
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True
