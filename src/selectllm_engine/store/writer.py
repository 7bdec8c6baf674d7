"""The one writer of an LLM's results: its lock, its manifest, new parts and verdicts."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from selectllm_engine.errors import CacheError, DamagedError, LockedError, SettingsMismatchError
from selectllm_engine.store.files import read_file, set_aside, sweep
from selectllm_engine.store.manifests import MANIFEST, llm_manifest
from selectllm_engine.store.parts import Parts, first_of_each, part_metadata
from selectllm_engine.store.sealed_json import write_sealed
from selectllm_engine.store.verdicts import VERDICT_SCHEMA, VERDICTS, read_verdicts, write_verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from selectllm_engine.store.question_table import QuestionIds

__all__ = ["IDENTITY", "Writer", "locked"]

_MOST_SAID = 4096  # bytes that a writer says of itself
IDENTITY = ("weights", "chat", "prompt", "sampling")  # what samples of one LLM must share


@contextlib.contextmanager
def locked(folder: Path, what: str, *, wait: float = 0) -> Iterator[None]:
    """Hold a folder's lock, which dies with its process.

    Raises:
        LockedError: another process holds it, after `wait` seconds still.
        CacheError: the folder can't be written.
    """
    from filelock import FileLock, Timeout

    owner = folder / ".writer"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / ".lock").is_symlink():
            raise CacheError(f"{folder / '.lock'} is a link", "take it away; a cache holds none")
        lock = FileLock(folder / ".lock", timeout=wait, thread_local=False)
        lock.acquire()
    except Timeout:
        who = "another process"
        with contextlib.suppress(OSError, DamagedError, ValueError, KeyError, TypeError):
            said = json.loads(read_file(owner, most=_MOST_SAID))
            who = f"process {said['process']:d} on {said['on'][:80]}"
        raise LockedError(f"{what} is being written by {who}", "wait for it or stop it") from None
    except OSError as error:
        raise CacheError(f"cannot write in {folder} ({error.strerror})", "choose another --cache") from error
    try:
        with contextlib.suppress(OSError):  # a full disk must not keep anyone from repairing
            owner.unlink(missing_ok=True)  # of one that was killed, or a link
            with owner.open("x") as file:
                file.write(json.dumps({"process": os.getpid(), "on": platform.node()}))
        yield
    finally:
        with contextlib.suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


class Writer:
    """Writes one LLM's results; made by `Cache.writer`, which holds the lock."""

    def __init__(
        self, folder: Path, *, llm: str, parts: Parts, questions: Callable[[], QuestionIds], most_parts: int
    ) -> None:
        self.folder = folder
        self.llm = llm
        self._parts = parts
        self._questions = questions
        self._most_parts = most_parts
        sweep(folder)
        sweep(parts.folder)
        for part in parts.listed():
            try:
                parts.check(part)
            except DamagedError:
                set_aside(part.path)

    def start(self, manifest: Mapping[str, object]) -> None:
        """Write the manifest, or compare it with the stored one, whose `samples` only grow.

        Raises:
            SettingsMismatchError: the stored results were made with other weights, prompt or sampling.
        """
        given = json.loads(json.dumps(manifest))  # tuples as lists, as they are stored
        try:
            stored = llm_manifest(self.folder)
        except FileNotFoundError:
            now = datetime.now(UTC).isoformat(timespec="microseconds")
            if not (made_with := self._settings_of_parts()):
                write_sealed(self.folder / MANIFEST, {"created": now, **given, "format": 1, "llm": self.llm})
                return
            stored = {"created": now, **made_with, "format": 1, "llm": self.llm}  # the manifest was lost
        different = [
            f"{key} {_shown(stored.get(key))} in the cache, {_shown(given.get(key))} now"
            for key in IDENTITY
            if not _same(key, stored.get(key), given.get(key))
        ]
        if stored.get("llm") != self.llm:
            different.insert(0, f"LLM {stored.get('llm')!r} in the cache, {self.llm!r} now")
        if different:
            raise SettingsMismatchError(
                f"stored results of {self.llm} were made with other settings: {'; '.join(different)}",
                "use another name, another --cache, or selectllm cache remove",
            )
        facts = {key: given[key] for key in ("specialised", "parameters", "price") if given.get(key) is not None}
        known = {key: value for key, value in given.items() if key not in stored}
        samples = max(stored.get("samples") or 0, given.get("samples") or 0)
        stop = {"stop": _later(stored.get("stop"), given.get("stop"))} if given.get("stop") else {}
        self._store(stored, {**known, **stored, **facts, **stop, "samples": samples})

    def append(self, rows: pl.DataFrame, metadata: Mapping[str, str]) -> None:
        """Write generations as one part, whole or not at all.

        Args:
            rows: columns of GENERATION_SCHEMA, and latency (s) and cost ($) where they were recorded.
            metadata: how they were made: engine, versions, hardware, time.

        Raises:
            CacheError: wrong columns, or the disk is full; nothing is changed.
        """
        with contextlib.suppress(FileNotFoundError, DamagedError):
            manifest = llm_manifest(self.folder)
            if settings := {key: manifest[key] for key in IDENTITY if manifest.get(key) is not None}:
                metadata = {**metadata, "settings": json.dumps(settings, sort_keys=True)}
        self._parts.append(rows, metadata)
        if len(self._parts.listed()) > self._most_parts:
            self._compact()

    def update(self, **fields: object) -> None:
        """Change fields of the manifest that are not part of its identity."""
        stored = llm_manifest(self.folder)
        self._store(stored, {**stored, **fields})

    def write_verdicts(
        self, frame: pl.DataFrame, *, questions: QuestionIds | None = None, distinct: bool = False
    ) -> None:
        """Store scores that another tool recorded; those of the same question and sample are replaced.

        Args:
            frame: question_id, sample, score (0 to 1), and where known answer, latency (s), cost ($).
            questions: of the benchmark, where they are not stored yet; the file may count on their order.
            distinct: whether it is known that no question's sample is there twice.

        Raises:
            CacheError: wrong columns or values, or the disk is full; nothing is changed.
        """
        try:
            frame = frame.select(
                (pl.col(name) if name in frame.columns else pl.lit(None).alias(name)).cast(dtype)
                for name, dtype in VERDICT_SCHEMA.items()
            )
        except pl.exceptions.PolarsError as error:
            raise CacheError(f"verdicts of {self.llm} have wrong columns") from error
        if not frame.select(
            pl.col("question_id", "sample").is_not_null().all(),
            pl.col("score").is_between(0, 1).fill_null(value=False).all(),
        ).row(0) == (True, True, True):
            raise CacheError(f"verdicts of {self.llm} need a question, a sample number and a score from 0 to 1")
        path = self.folder / VERDICTS
        with contextlib.suppress(FileNotFoundError, DamagedError):
            frame, distinct = pl.concat([frame, read_verdicts(path, self._questions)]), False
        write_verdicts(path, frame if distinct else first_of_each(frame), questions or self._questions())

    def _settings_of_parts(self) -> dict[str, object] | None:
        """What the samples that are there were made with, as their parts tell."""
        for part in self._parts.listed():
            for origin in part_metadata(part.path):
                if "settings" in origin:
                    with contextlib.suppress(ValueError, TypeError, RecursionError):  # a stranger's, which says nothing
                        return dict(json.loads(origin["settings"]))
        return None

    def _store(self, stored: Mapping[str, object], changed: Mapping[str, object]) -> None:
        if changed != stored:
            write_sealed(self.folder / MANIFEST, changed)

    def _compact(self) -> None:
        """Merge the parts; where the disk is too full for that, they stay as they are."""
        from selectllm_engine.store import answer_files

        with contextlib.suppress(CacheError):
            if (compacted := self._parts.compact()) is not None:
                merged, into = compacted
                with contextlib.suppress(CacheError):
                    answer_files.carry_over(self.folder / "answers", merged, into)
                self._parts.discard(merged)
            answer_files.sweep(self.folder / "answers", self._parts.listed())


def _shown(setting: object) -> str:
    return json.dumps(setting, sort_keys=True)


def _later(stored: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The rule that is given, for the larger of both numbers of samples."""
    before = stored.get("samples") if isinstance(stored, dict) else 0
    return {**given, "samples": max(before or 0, given["samples"])}


def _same(key: str, stored: object, given: object) -> bool:
    """Whether two settings agree. Weights with the same fingerprint do, wherever they were loaded from."""
    if key != "weights" or not isinstance(stored, dict) or not isinstance(given, dict):
        return bool(stored == given)
    prints = stored.get("fingerprint"), given.get("fingerprint")
    if all(prints):
        return prints[0] == prints[1]
    return all(stored.get(each) == given.get(each) for each in ("id", "revision"))
