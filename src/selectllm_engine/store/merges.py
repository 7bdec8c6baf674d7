"""What another cache holds joins this one, as when an LLM was sampled on another machine; nothing is overwritten.

Of a benchmark that is new here everything comes along. Of one that is here too, new questions and new LLMs join, and
further samples of LLMs that were made with the same settings; so do marks and notes, both where two notes differ. LLMs
made with other settings stay out, and so do routers, which have learned from other LLMs. What joins a benchmark joins
at once (marks after the rest): cut off anywhere, the same command finishes it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selectllm_engine.errors import CacheError, DamagedError, SettingsMismatchError
from selectllm_engine.store.files import first_reason
from selectllm_engine.store.parts import part_metadata
from selectllm_engine.store.question_table import extended

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.store.cache import Cache

__all__ = ["Merged", "merge"]


@dataclass(slots=True)
class Merged:
    """What became of one benchmark of the other cache.

    Attributes:
        benchmark: its name.
        new: whether it was not here.
        questions: how many joined.
        llms: LLMs that joined, with the samples and verdicts that did.
        left_out: LLMs that did not, with why.
        routers: those that came along; others stay where they are.
        marks: questions whose mark or note joined.
    """

    benchmark: str
    new: bool
    questions: int = 0
    llms: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    routers: tuple[str, ...] = ()
    marks: int = 0


def merge(cache: Cache, other: Cache, benchmark: str) -> Merged:
    """Take over what another cache holds of a benchmark.

    Raises:
        UnknownNameError: it holds no such benchmark.
        LockedError: one of these LLMs is being written here.
        CacheError: an id stands for another question here, a file there is damaged, or this cache can't be written.
    """
    for problem in other.verify(benchmark):
        raise DamagedError(problem.what, f"repair it there: selectllm cache verify --repair --cache {other.root}")
    questions = other.questions(benchmark)
    merged = Merged(benchmark, new=benchmark not in cache.benchmarks())
    if merged.new:
        with cache.new(benchmark) as fresh:
            _copy(other.folder(benchmark), fresh.own_folder(benchmark))
        merged.questions = questions.height
        for llm in cache.llms(benchmark):
            verdicts = cache.verdicts(benchmark, llm)
            merged.llms[llm] = cache.sampled(benchmark, llm).height + (0 if verdicts is None else verdicts.height)
        merged.routers = tuple(cache.routers(benchmark))
        merged.marks = len(cache.marks(benchmark))
        return merged
    stored = cache.questions(benchmark)
    both = [llm for llm in other.llms(benchmark) if llm in cache.llms(benchmark)]
    with cache.growing(benchmark, extending=both) as fresh:
        fresh.write_questions(benchmark, extended(stored, questions, benchmark))
        for llm in other.llms(benchmark):
            if llm in both:
                _copy(cache.llm_folder(benchmark, llm), fresh.llm_folder(benchmark, llm))
            try:
                joined = _take(fresh, other, benchmark, llm)
            except SettingsMismatchError as error:
                joined, merged.left_out[llm] = 0, error.problem
            if joined:
                merged.llms[llm] = joined
            else:
                shutil.rmtree(fresh.llm_folder(benchmark, llm))  # what is here stays as it is
        merged.questions = fresh.questions(benchmark).height - stored.height
    merged.marks = cache.join_marks(benchmark, other.marks(benchmark))
    return merged


def _take(fresh: Cache, other: Cache, benchmark: str, llm: str) -> int:
    """Write what the other cache has of an LLM and this one has not; how many samples and verdicts that were.

    Raises:
        SettingsMismatchError: what is here was made with other settings.
    """
    key = ["question_id", "sample"]
    joined = 0
    parts = other.parts(benchmark, llm)
    with fresh.writer(benchmark, llm) as writer:
        writer.start(other.manifest(benchmark, llm))
        for part in parts.listed():
            rows = parts.sound_rows(part).join(fresh.sampled(benchmark, llm), on=key, how="anti", maintain_order="left")
            made = part_metadata(part.path)
            writer.append(rows, made[0] if len(made) == 1 else {"compacted": json.dumps(made)})
            joined += rows.height
        if (verdicts := other.verdicts(benchmark, llm)) is not None:
            if (known := fresh.verdicts(benchmark, llm)) is not None:
                verdicts = verdicts.join(known, on=key, how="anti", maintain_order="left")
            if not verdicts.is_empty():
                writer.write_verdicts(verdicts)
            joined += verdicts.height
    return joined


def _copy(folder: Path, to: Path) -> None:
    """Copy what is stored in a folder, without locks and what is unfinished."""
    try:
        shutil.copytree(folder, to, ignore=shutil.ignore_patterns(".*", "*.damaged"), symlinks=True)
    except OSError as error:
        raise CacheError(f"cannot copy {folder} ({first_reason(error)})", "free some space") from error
