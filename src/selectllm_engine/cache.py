"""The cache: questions, generations, verdicts and routers on disk, and who may write them.

    <cache>/<benchmark>/questions.parquet
    <cache>/<benchmark>/llms/<llm>/manifest.json
    <cache>/<benchmark>/llms/<llm>/generations/<sequence>-<digest>.parquet
    <cache>/<benchmark>/llms/<llm>/answers/…             derived, safe to delete
    <cache>/<benchmark>/llms/<llm>/verdicts.parquet      scores recorded by another tool
    <cache>/<benchmark>/routers/<router>/…

A read-only cache, the run that comes with the package, may lie beneath: its benchmarks are read from there and
copied on the first change. Readers never wait; a writer holds the one lock of its LLM.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import QUESTION_SCHEMA
from selectllm_engine.checking import Problem, verify_folder
from selectllm_engine.errors import CacheError, DamagedError, UnknownNameError, UsageError
from selectllm_engine.files import folder_name, make_folder, move, name_of, read_json, scratch, sweep
from selectllm_engine.frames import read_frame, write_frame
from selectllm_engine.parts import GENERATION_SCHEMA, Parts
from selectllm_engine.question_table import checked, extended
from selectllm_engine.writing import VERDICT_SCHEMA, Writer, locked

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from selectllm_engine.derived import Progress

__all__ = [
    "GENERATION_SCHEMA",
    "QUESTION_SCHEMA",
    "VERDICT_SCHEMA",
    "Cache",
    "Problem",
    "Writer",
    "folder_name",
    "name_of",
    "open_cache",
]

_PATIENCE = 30.0  # seconds to wait for another process that adds questions


def open_cache(path: Path | None = None) -> Cache:
    """The cache at `path`, else $SELECTLLM_CACHE, else ./cache where it exists, else in the user's data folder.

    The run that comes with the package lies beneath it. Nothing is created before something is written.

    Raises:
        CacheError: there is a file in its place.
    """
    if path is None and (chosen := os.environ.get("SELECTLLM_CACHE")):
        path = Path(chosen).expanduser()
    if path is None and Path("cache").is_dir():
        path = Path("cache")
    if path is None:
        from platformdirs import user_data_path

        path = user_data_path("selectllm") / "cache"
    if path.exists() and not path.is_dir():
        raise CacheError(f"{path} is a file", "name a folder with --cache")
    return Cache(path.absolute(), packaged=_packaged())


def _packaged() -> Path | None:
    """The recorded run inside the package, or that of the source checkout the package is imported from."""
    here = Path(__file__).resolve().parent
    recorded = here / "recorded"
    if recorded.is_dir():
        return recorded
    checkout = here.parents[1]
    if here.parent.name == "src" and (checkout / "pyproject.toml").is_file() and (checkout / "cache").is_dir():
        return checkout / "cache"
    return None


class Cache:
    """One cache folder, with an optional read-only one beneath.

    Attributes:
        root: where changes go.
        packaged: what lies beneath, None for nothing.
        problems: files that were passed over while reading, by path.
    """

    def __init__(self, root: Path, *, packaged: Path | None = None) -> None:
        self.root = root
        self.packaged = packaged if packaged is not None and packaged.resolve() != root.resolve() else None
        self.problems: dict[Path, Problem] = {}
        self._sound: set[tuple[str, int, int]] = set()

    # Benchmarks

    def benchmarks(self) -> list[str]:
        """Names of all benchmarks, those of the package included."""
        return sorted({*self._own(), *_folders(self.packaged, "questions.parquet")})

    def is_packaged(self, benchmark: str) -> bool:
        """Whether a benchmark is read from the package."""
        layer = self._layer(benchmark)
        return layer is not None and layer == self.packaged

    def choose(self, benchmark: str | None) -> str:
        """The named benchmark, or the only one. One's own come before those of the package.

        Raises:
            UnknownNameError: there is no such benchmark.
            UsageError: none is named and there are several, or none.
        """
        names = self.benchmarks()
        if benchmark is not None:
            if benchmark not in names:
                raise UnknownNameError("benchmark", benchmark, names)
            return benchmark
        candidates = self._own() or names
        if not candidates:
            raise UsageError(
                f"the cache {self.root} is empty", "make results with selectllm generate or selectllm import"
            )
        if len(candidates) > 1:
            raise UsageError("the cache holds several benchmarks", f"add --benchmark: {', '.join(candidates)}")
        return candidates[0]

    def questions(self, benchmark: str) -> pl.DataFrame:
        """All questions, rows of QUESTION_SCHEMA.

        Raises:
            UnknownNameError: there is no such benchmark.
            DamagedError: the file can't be read.
        """
        path = self.folder(benchmark) / "questions.parquet"
        try:
            return read_frame(path, QUESTION_SCHEMA)
        except FileNotFoundError:
            raise UnknownNameError("benchmark", benchmark, self.benchmarks()) from None

    def write_questions(self, benchmark: str, frame: pl.DataFrame) -> None:
        """Store the questions of a benchmark, or add those that are new; stored ones stay.

        Raises:
            CacheError: ids repeat, or an id stands for another question in the cache.
        """
        frame = checked(frame, benchmark)
        if self._layer(benchmark) is not None:
            self.own(benchmark)
        with self._changing():
            if self._layer(benchmark) is not None:
                stored = self.questions(benchmark)
                frame = extended(stored, frame, benchmark)
                if frame.height == stored.height:
                    return
            write_frame(self._own_folder(benchmark) / "questions.parquet", frame)

    @contextlib.contextmanager
    def new(self, benchmark: str) -> Iterator[Cache]:
        """An empty cache to write a new benchmark into, which appears here whole, or on an error not at all.

        Raises:
            CacheError: there is a benchmark of this name, or the cache can't be written.
        """
        folder = folder_name(benchmark)
        with self._changing():
            if self._layer(benchmark) is not None or (self.root / folder).exists():
                raise CacheError(f"there is a benchmark {benchmark!r} already", "choose another name for --benchmark")
            with scratch(self.root) as place:
                yield Cache(place)
                move(place / folder, self.root / folder)

    # LLMs

    def llms(self, benchmark: str) -> list[str]:
        """The LLMs of the run in its order: that in which they were added. Those without any result are none."""
        found = []
        for name in _folders(self.folder(benchmark) / "llms", "manifest.json"):
            if not self.parts(benchmark, name).listed() and not self._llm(benchmark, name, "verdicts.parquet").exists():
                continue
            try:
                found.append((str(self.manifest(benchmark, name).get("created", "")), name))
            except DamagedError as error:
                self.report(self._llm(benchmark, name, "manifest.json"), error.problem)
        return [name for _, name in sorted(found)]

    def manifest(self, benchmark: str, llm: str) -> dict[str, Any]:
        """How an LLM's results were made.

        Raises:
            UnknownNameError: the run has no such LLM.
            DamagedError: the manifest can't be read.
        """
        try:
            return read_json(self._llm(benchmark, llm, "manifest.json"))
        except FileNotFoundError:
            raise UnknownNameError("LLM", llm, _folders(self.folder(benchmark) / "llms", "manifest.json")) from None

    def parts(self, benchmark: str, llm: str) -> Parts:
        """The files of an LLM's generations."""
        return Parts(self._llm(benchmark, llm, "generations"), report=self.report, sound=self._sound)

    def sampled(self, benchmark: str, llm: str) -> pl.DataFrame:
        """Which samples exist: columns question_id, sample. Those in damaged parts don't count; see `problems`."""
        return self.parts(benchmark, llm).read(["question_id", "sample"])

    def generations(self, benchmark: str, llm: str, question_id: str | None = None) -> pl.DataFrame:
        """The generations of an LLM (for one question, in order of samples), rows of GENERATION_SCHEMA."""
        rows = self.parts(benchmark, llm).read(question_id=question_id)
        return rows if question_id is None else rows.sort("sample")

    def answers(self, benchmark: str, llm: str, *, progress: Progress | None = None) -> pl.DataFrame:
        """The extracted answer of every generation, null where none was found.

        Columns question_id, sample, answer, prompt_tokens, output_tokens, latency (s), cost ($). What was not
        extracted before is now, and kept where the cache can be written; `progress(done, total)` counts those.
        """
        from selectllm_engine.derived import read_answers

        return read_answers(
            self.parts(benchmark, llm),
            self._llm(benchmark, llm, "answers"),
            lambda: self.questions(benchmark),
            report=self.report,
            writable=not self.is_packaged(benchmark),
            progress=progress,
        )

    def verdicts(self, benchmark: str, llm: str) -> pl.DataFrame | None:
        """What another tool recorded: columns question_id, sample, score (0 to 1), answer, latency (s), cost ($)."""
        try:
            return read_frame(self._llm(benchmark, llm, "verdicts.parquet"), VERDICT_SCHEMA)
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def writer(self, benchmark: str, llm: str) -> Iterator[Writer]:
        """Lock an LLM's results for writing; damaged parts are set aside, so that their samples count as missing.

        Raises:
            LockedError: another process is writing them.
            CacheError: the cache can't be written.
        """
        folder = self.own(benchmark) / "llms" / folder_name(llm)
        with locked(folder, f"{llm} on {benchmark}"):
            parts = Parts(folder / "generations", report=self.report, sound=self._sound)
            yield Writer(folder, llm=llm, parts=parts)

    # Routers

    def routers(self, benchmark: str) -> list[str]:
        """Names of the trained or imported routers."""
        return _folders(self.folder(benchmark) / "routers", "manifest.json")

    def router_dir(self, benchmark: str, router: str, *, write: bool = False) -> Path:
        """A router's folder; with `write` it is made, in the own cache."""
        folder = (self.own(benchmark) if write else self.folder(benchmark)) / "routers" / folder_name(router)
        if write:
            make_folder(folder)
        return folder

    # Whole folders

    def folder(self, benchmark: str) -> Path:
        """Where a benchmark is read from."""
        return (self._layer(benchmark) or self.root) / folder_name(benchmark)

    def own(self, benchmark: str) -> Path:
        """Where a benchmark is written to; one that only the package has is copied there first."""
        layer = self._layer(benchmark)
        if layer is None:
            raise UnknownNameError("benchmark", benchmark, self.benchmarks())
        own = self._own_folder(benchmark)
        if layer == self.root:
            return own
        with self._changing():
            if self._layer(benchmark) == self.root:  # somebody else was faster
                return own
            with scratch(self.root) as place:
                copy = place / own.name
                try:
                    shutil.copytree(layer / own.name, copy, ignore=shutil.ignore_patterns(".*"))
                    for path in [copy, *copy.rglob("*")]:
                        path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))
                except OSError as error:
                    problem = f"cannot copy {benchmark} to {self.root} ({error})"
                    raise CacheError(problem, "choose another --cache") from error
                move(copy, own)
        return own

    def verify(
        self, benchmark: str | None = None, *, repair: bool = False, progress: Progress | None = None
    ) -> list[Problem]:
        """Read every file of one benchmark or of all, and compare parts with their digests.

        With `repair` damaged files are set aside, as `*.damaged`; those of the package never are. `progress` counts
        the files of each benchmark.
        """
        if benchmark is not None:
            self.choose(benchmark)
        found: list[Problem] = []
        for name in [benchmark] if benchmark is not None else self._everything():
            own = repair and not self.is_packaged(name)
            found += verify_folder(self.folder(name), repair=own, progress=progress)
        return found

    def removable(self, benchmark: str, *, llm: str | None = None, router: str | None = None) -> int:
        """How many bytes `remove` would remove; raises as it does."""
        self._own_place(benchmark, llm, router)
        return self.size(benchmark, llm=llm, router=router)

    def remove(self, benchmark: str, *, llm: str | None = None, router: str | None = None) -> None:
        """Remove one LLM's results, one router, or with neither the whole benchmark, from the own cache.

        Raises:
            UnknownNameError: there is no such thing.
            UsageError: it is the package's.
            LockedError: somebody is writing it.
        """
        with contextlib.ExitStack() as locks:
            locks.enter_context(self._changing())
            place = self._own_place(benchmark, llm, router)
            if router is None:
                for name in [llm] if llm is not None else _folders(place / "llms"):
                    folder = self._own_folder(benchmark) / "llms" / folder_name(name)
                    locks.enter_context(locked(folder, f"{name} on {benchmark}"))
            with scratch(self.root) as doomed:
                move(place, doomed / "removed")  # gone at once, whatever happens to the rest

    def size(self, benchmark: str, *, llm: str | None = None, router: str | None = None) -> int:
        """Bytes on disk of one LLM's results, one router, or with neither the whole benchmark."""
        total = 0
        for path in self._place(benchmark, llm, router).rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # merged or replaced meanwhile
                total += path.stat().st_size if path.is_file() else 0
        return total

    def report(self, path: Path, what: str) -> None:
        """Remember a file that was passed over."""
        self.problems[path] = Problem(path, what)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock of the cache itself: whole benchmarks come and go one at a time."""
        with locked(self.root, f"the cache {self.root}", wait=_PATIENCE):
            for folder in (self.root, *(self._own_folder(name) for name in self._own())):
                sweep(folder)
            yield

    def _everything(self) -> list[str]:
        """Benchmarks, also those whose questions are lost."""
        return sorted({*self.benchmarks(), *_folders(self.root, "llms")})

    def _place(self, benchmark: str, llm: str | None, router: str | None) -> Path:
        """The folder of an LLM's results, a router or a whole benchmark, also where files in it are lost."""
        if benchmark not in self._everything():
            raise UnknownNameError("benchmark", benchmark, self._everything())
        folder = self.folder(benchmark)
        for kind, name, below in (("LLM", llm, folder / "llms"), ("router", router, folder / "routers")):
            if name is not None and name not in _folders(below):
                raise UnknownNameError(kind, name, _folders(below))
            if name is not None:
                return below / folder_name(name)
        return folder

    def _own_place(self, benchmark: str, llm: str | None, router: str | None) -> Path:
        place = self._place(benchmark, llm, router)
        if self.is_packaged(benchmark):
            raise UsageError(f"{benchmark} comes with the package", "nothing of yours is stored for it")
        return place

    def _own(self) -> list[str]:
        return _folders(self.root, "questions.parquet")

    def _own_folder(self, benchmark: str) -> Path:
        return self.root / folder_name(benchmark)

    def _layer(self, benchmark: str) -> Path | None:
        """The cache that a benchmark is read from; None where neither has it."""
        for layer in (self.root, self.packaged):
            if layer is not None and (layer / folder_name(benchmark) / "questions.parquet").exists():
                return layer
        return None

    def _llm(self, benchmark: str, llm: str, file: str) -> Path:
        return self.folder(benchmark) / "llms" / folder_name(llm) / file


def _folders(folder: Path | None, with_file: str = "") -> list[str]:
    """The names that the folders in a folder stand for, of those that hold a certain file."""
    names = []
    with contextlib.suppress(OSError):
        for each in sorted(folder.iterdir() if folder is not None else ()):
            with contextlib.suppress(CacheError):
                if each.is_dir() and (each / with_file).exists():
                    names.append(name_of(each.name))
    return names
