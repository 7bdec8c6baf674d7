"""The cache: questions, generations, verdicts and routers on disk, and who may write them.

    <cache>/<benchmark>/questions.parquet
    <cache>/<benchmark>/marks.json                       marks and notes of people on questions
    <cache>/<benchmark>/equal-….parquet                  which expressions are equal: derived, safe to delete
    <cache>/<benchmark>/llms/<llm>/manifest.json
    <cache>/<benchmark>/llms/<llm>/generations/<sequence>-<digest>.parquet
    <cache>/<benchmark>/llms/<llm>/answers/…             derived, safe to delete
    <cache>/<benchmark>/llms/<llm>/verdicts.parquet      scores recorded by another tool
    <cache>/<benchmark>/routers/<router>/…
    <cache>/<benchmark>/tokens/…              how many tokens questions are expected to take

A read-only cache, the run that comes with the package, may lie beneath: its benchmarks are read from there and
copied on the first change. Readers never wait; a writer holds the one lock of its LLM.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import QUESTION_SCHEMA
from selectllm_engine.errors import CacheError, DamagedError, UnknownNameError
from selectllm_engine.store.files import JOURNAL, folder_name, make_folder, move, name_of, refuse_twin, scratch
from selectllm_engine.store.frames import read_frame, write_frame
from selectllm_engine.store.layers import Layers, folders_in
from selectllm_engine.store.manifests import MANIFEST, TOKENS, llm_manifest, variant_of
from selectllm_engine.store.parts import MOST_PARTS, Parts
from selectllm_engine.store.question_marks import changed, joined, read_marks, write_marks
from selectllm_engine.store.question_table import QuestionIds, checked, extended, replaced
from selectllm_engine.store.renames import carry_out, discard_damaged
from selectllm_engine.store.sealed_json import write_sealed
from selectllm_engine.store.verdicts import VERDICTS, read_verdicts
from selectllm_engine.store.verification import Problem, verify_folder
from selectllm_engine.store.writer import Writer, locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from selectllm_engine.store.equal_answers import EqualExpressions
    from selectllm_engine.store.files import Progress
    from selectllm_engine.store.question_marks import Change, Mark

__all__ = ["Cache", "open_cache"]

_PACKAGE = Path(__file__).resolve().parents[1]
_Version = tuple[str, int, int]  # path, size and time of change


def open_cache(path: Path | None = None, *, package: Path = _PACKAGE) -> Cache:
    """The cache at `path`, else $SELECTLLM_CACHE, else ./cache where it exists, else in the user's data folder.

    The run that comes with the package, a folder, lies beneath it. Nothing is created before something is written.

    Raises:
        CacheError: there is a file in its place.
    """
    if path is None and (chosen := os.environ.get("SELECTLLM_CACHE")):
        from selectllm_engine.machine import expanded

        path = expanded(chosen)
    if path is None and Path("cache").is_dir():
        path = Path("cache")
    if path is None:
        from platformdirs import user_data_path

        path = user_data_path("selectllm") / "cache"
    if path.exists() and not path.is_dir():
        raise CacheError(f"{path} is a file", "name a folder with --cache")
    cache = Cache(path.absolute(), packaged=_packaged(package))
    try:
        cache.settle()
    except CacheError as error:  # a disk that can't be written, or a journal of somebody else's
        cache.report(cache.root / JOURNAL, f"a change was cut off and cannot be finished: {error.problem}")
    return cache


def _packaged(package: Path) -> Path | None:
    """The recorded run inside the package, or that of the source checkout the package is imported from."""
    recorded = package / "recorded"
    if recorded.is_dir():
        return recorded
    checkout = package.parents[1]
    if package.parent.name == "src" and (checkout / "pyproject.toml").is_file() and (checkout / "cache").is_dir():
        return checkout / "cache"
    return None


class Cache(Layers):
    """Questions, LLMs' results and routers of all benchmarks.

    Attributes:
        root: where changes go.
        packaged: a read-only cache that lies beneath, None for nothing.
        problems: files that were passed over while reading, by path.
        news: what became of results of earlier versions while they were read, in words.
    """

    def __init__(self, root: Path, *, packaged: Path | None = None) -> None:
        super().__init__(root, packaged=packaged)
        self.problems: dict[Path, Problem] = {}
        self.news: list[str] = []
        self._sound: set[tuple[str, int, int]] = set()
        self._last_read: tuple[_Version, pl.DataFrame, QuestionIds] | None = None  # questions, which all else needs
        self._equal: dict[str, EqualExpressions] = {}

    # Questions

    def questions(self, benchmark: str) -> pl.DataFrame:
        """All questions, rows of QUESTION_SCHEMA.

        Raises:
            UnknownNameError: there is no such benchmark.
            DamagedError: the file can't be read.
        """
        return self._questions(benchmark)[0]

    def write_questions(self, benchmark: str, frame: pl.DataFrame, *, distinct: bool = False) -> None:
        """Store the questions of a benchmark, or add those that are new after the stored ones, which stay.

        `distinct`: it is known that no id repeats.

        Raises:
            CacheError: ids repeat, or an id stands for another question in the cache.
        """
        frame = checked(frame, benchmark, distinct=distinct)
        refuse_twin("benchmark", benchmark, self.everything())
        if self.layer(benchmark) is not None:
            self.own(benchmark)
        with self.changing():
            if self.layer(benchmark) is not None:
                stored = self.questions(benchmark)
                frame = extended(stored, frame, benchmark)
                if frame.height == stored.height:
                    return
            write_frame(self.own_folder(benchmark) / "questions.parquet", frame)

    @contextlib.contextmanager
    def new(self, benchmark: str) -> Iterator[Cache]:
        """An empty cache to write a new benchmark into, which appears here whole, or on an error not at all.

        Raises:
            CacheError: there is a benchmark of this name, or the cache can't be written.
        """
        folder = folder_name(benchmark)
        refuse_twin("benchmark", benchmark, self.everything())
        with self.changing():
            if self.layer(benchmark) is not None or (self.root / folder).exists():
                raise CacheError(f"there is a benchmark {benchmark!r} already", "choose another name for --benchmark")
            with scratch(self.root) as place:
                yield Cache(place)
                move(place / folder, self.root / folder)

    @contextlib.contextmanager
    def replacing(self, benchmark: str) -> Iterator[Cache]:
        """An empty cache to write a benchmark anew into, which takes the place of the stored one on leaving.

        Its routers stay. On an error nothing is changed.

        Raises:
            CacheError: the cache can't be written.
        """
        own = self.own(benchmark)
        with self.changing(), scratch(self.root) as place, contextlib.ExitStack() as locks:
            for llm in folders_in(own / "llms"):
                locks.enter_context(_llm_lock(own, llm))
            yield Cache(place)
            carry_out(self.root, [(place / own.name / name, own / name) for name in ("questions.parquet", "llms")])

    @contextlib.contextmanager
    def growing(self, benchmark: str, *, again: bool = False, extending: Sequence[str] = ()) -> Iterator[Cache]:
        """An empty cache to write further questions and LLMs of a benchmark into, which join it on leaving.

        On an error nothing is changed. Questions that are stored already stay as they are, and so do LLMs; `again`
        has those written here take their place, and so have those of `extending`, which are locked from the beginning.

        Raises:
            CacheError: an id stands for another question, an LLM is there already, or the cache can't be written.
        """
        own = self.own(benchmark)
        with self.changing(), scratch(self.root) as place, contextlib.ExitStack() as locks:
            for llm in extending:
                locks.enter_context(_llm_lock(own, llm))
            fresh = Cache(place)
            yield fresh
            stored = self.questions(benchmark)
            frame = (replaced if again else extended)(stored, fresh.questions(benchmark), benchmark)
            moves = []
            if not frame.equals(stored):
                write_frame(place / "questions.parquet", frame)
                moves.append((place / "questions.parquet", own / "questions.parquet"))
            there = folders_in(own / "llms")
            for llm in fresh.llms(benchmark):
                refuse_twin("LLM", llm, there)
                folder = own / "llms" / folder_name(llm)
                if llm not in extending:
                    locks.enter_context(_llm_lock(own, llm))
                    if any(not each.name.startswith(".") for each in folder.iterdir()):
                        if not again:
                            problem = f"{benchmark} has results of {llm} already"
                            raise CacheError(problem, "choose another name for --benchmark")
                        self.manifest(benchmark, llm)  # whose results they are must be clear before they are moved
                moves.append((fresh.llm_folder(benchmark, llm), folder))
            carry_out(self.root, moves)

    def update(self, benchmark: str, llms: Sequence[str], **fields: object) -> None:
        """Change fields of several manifests that are not part of their identity, of all or of none.

        Raises:
            LockedError: another process is writing one of them.
            CacheError: a manifest is damaged, or the cache can't be written.
        """
        own = self.own(benchmark)
        with self.changing(), scratch(self.root) as place, contextlib.ExitStack() as locks:
            moves = []
            for number, llm in enumerate(llms):
                folder = locks.enter_context(_llm_lock(own, llm))
                write_sealed(place / str(number), {**llm_manifest(folder), **fields})
                moves.append((place / str(number), folder / MANIFEST))
            carry_out(self.root, moves)

    # LLMs

    def llms(self, benchmark: str) -> list[str]:
        """The LLMs of the run in its order: that in which they were added, variants behind the LLM that they are of.

        Those without any result are none. One whose manifest is lost or damaged is among the `problems` instead.
        """
        found = []
        for name in folders_in(self.folder(benchmark) / "llms"):
            if not self.parts(benchmark, name).listed() and not (self.llm_folder(benchmark, name) / VERDICTS).exists():
                continue
            path = self.llm_folder(benchmark, name) / MANIFEST
            try:
                manifest = llm_manifest(path.parent)
                found.append((str(manifest.get("created", "")), name, variant_of(manifest)))
            except FileNotFoundError:
                self.report(path, f"{path} is missing")
            except DamagedError as error:
                self.report(path, error.problem)
        families: dict[str, int] = {}
        for at, (_, name, of) in enumerate(sorted(found)):
            families.setdefault(of or name, at)
        found.sort(key=lambda each: (families[each[2] or each[1]], each[2] != "", *each[:2]))
        return [name for _, name, _ in found]

    def manifest(self, benchmark: str, llm: str) -> dict[str, Any]:
        """How an LLM's results were made.

        Raises:
            UnknownNameError: the run has no such LLM.
            DamagedError: the manifest can't be read.
        """
        try:
            return llm_manifest(self.llm_folder(benchmark, llm))
        except FileNotFoundError:
            raise UnknownNameError("LLM", llm, folders_in(self.folder(benchmark) / "llms", MANIFEST)) from None

    def parts(self, benchmark: str, llm: str) -> Parts:
        """The files of an LLM's generations."""
        return Parts(self.llm_folder(benchmark, llm) / "generations", report=self.report, sound=self._sound)

    def sampled(self, benchmark: str, llm: str) -> pl.DataFrame:
        """Which samples exist: columns question_id, sample. Those in damaged parts don't count; see `problems`."""
        return self.parts(benchmark, llm).read(["question_id", "sample"])

    def generations(self, benchmark: str, llm: str, question_id: str | None = None) -> pl.DataFrame:
        """The generations of an LLM (for one question, in order of samples), rows of GENERATION_SCHEMA.

        Columns of MEASURED and TOLD follow where a part has them.
        """
        rows = self.parts(benchmark, llm).read(question_id=question_id)
        return rows if question_id is None else rows.sort("sample")

    def answers(self, benchmark: str, llm: str, *, progress: Progress | None = None) -> pl.DataFrame:
        """The extracted answer of every generation, null where none was found.

        Columns question_id, sample, answer, prompt_tokens, output_tokens, latency (s), cost ($). What was not
        extracted before is now, and kept where the cache can be written; `progress(done, total)` counts those.
        Answers that are equal though written differently are the same text: see `equal_answers`.
        """
        from selectllm_engine.store.agreement import renewal
        from selectllm_engine.store.answer_files import read_answers

        def renewed(before: pl.DataFrame, now: pl.DataFrame) -> None:
            self.news.append(f"{llm} on {benchmark}: {renewal(self.questions(benchmark), before, now)}")

        answers = read_answers(
            self.parts(benchmark, llm),
            self.llm_folder(benchmark, llm) / "answers",
            lambda: self.questions(benchmark),
            report=self.report,
            writable=not self.is_packaged(benchmark),
            progress=progress,
            renewed=renewed,
        )
        return answers if answers.is_empty() else self._with_equals(benchmark, answers, progress)

    def answers_in(self, benchmark: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The answers in generations that are not stored yet, as `answers` will have them."""
        import polars as pl

        from selectllm_engine.store.answer_files import answers_in

        asked = self.questions(benchmark).filter(pl.col("question_id").is_in(rows["question_id"].unique().implode()))
        return self._with_equals(benchmark, answers_in(rows, asked), None)

    def made(self, benchmark: str, llm: str, question_ids: Iterable[str]) -> dict[str, dict[int, str | None]]:
        """The answers in the samples of some questions, by question and number of the sample."""
        found: dict[str, dict[int, str | None]] = {each: {} for each in question_ids}
        rows = self.answers(benchmark, llm).select("question_id", "sample", "answer")
        for question_id, sample, answer in rows.iter_rows():
            if question_id in found:
                found[question_id][sample] = answer
        return found

    def _with_equals(self, benchmark: str, answers: pl.DataFrame, progress: Progress | None) -> pl.DataFrame:
        questions = self.questions(benchmark)
        kinds = set(questions["kind"].unique())
        if not kinds & {"text", "expression"}:
            return answers
        from selectllm_engine.store.equal_answers import EqualExpressions, by_alias
        from selectllm_engine.store.mathematics import math_version

        answers = by_alias(answers, questions)
        if "expression" not in kinds:
            return answers
        if math_version() is None:
            said = f"{benchmark}: expressions are compared by how they are written: pip install 'selectllm[math]'"
            self.news += [] if said in self.news else [said]
            return answers
        if benchmark not in self._equal:
            writable = not self.is_packaged(benchmark)
            self._equal[benchmark] = EqualExpressions(self.folder(benchmark), writable=writable)
        return self._equal[benchmark].apply(answers, questions, progress)

    def verdicts(self, benchmark: str, llm: str) -> pl.DataFrame | None:
        """What another tool recorded: columns question_id, sample, score (0 to 1), answer, latency (s), cost ($)."""
        try:
            return read_verdicts(self.llm_folder(benchmark, llm) / VERDICTS, lambda: self._ids(benchmark))
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def writer(self, benchmark: str, llm: str, *, most_parts: int = MOST_PARTS) -> Iterator[Writer]:
        """Lock an LLM's results for writing; damaged parts are set aside, so that their samples count as missing.

        More than `most_parts` parts are merged into one.

        Raises:
            LockedError: another process is writing them.
            CacheError: the cache can't be written.
        """
        own = self.own(benchmark)
        refuse_twin("LLM", llm, folders_in(own / "llms"))
        with _llm_lock(own, llm) as folder:
            parts = Parts(folder / "generations", report=self.report, sound=self._sound)
            yield Writer(folder, llm=llm, parts=parts, questions=lambda: self._ids(benchmark), most_parts=most_parts)

    # Routers

    def routers(self, benchmark: str) -> list[str]:
        """Names of the trained or imported routers."""
        return folders_in(self.folder(benchmark) / "routers", "manifest.json")

    def router_dir(self, benchmark: str, router: str, *, write: bool = False) -> Path:
        """A router's folder; with `write` it is made, in the own cache."""
        folder = (self.own(benchmark) if write else self.folder(benchmark)) / "routers" / folder_name(router)
        if write:
            refuse_twin("router", router, folders_in(folder.parent))
            make_folder(folder)
        return folder

    @contextlib.contextmanager
    def replacing_router(self, benchmark: str, router: str) -> Iterator[Path]:
        """An empty folder to write a router into, which takes the place of one of that name on leaving.

        On an error nothing is changed.

        Raises:
            CacheError: the cache can't be written.
            UsageError: another router's name differs by case only.
        """
        folder = self.own(benchmark) / "routers" / folder_name(router)
        refuse_twin("router", router, folders_in(folder.parent))
        with self._replacing(folder) as fresh:
            yield fresh

    @contextlib.contextmanager
    def replacing_tokens(self, benchmark: str) -> Iterator[Path]:
        """An empty folder to write `expected_tokens` into, which takes the place of the stored one on leaving.

        On an error nothing is changed; raises CacheError where the cache can't be written.
        """
        with self._replacing(self.own(benchmark) / TOKENS) as fresh:
            yield fresh

    @contextlib.contextmanager
    def _replacing(self, folder: Path) -> Iterator[Path]:
        with self.changing(), scratch(self.root) as place:
            make_folder(fresh := place / folder.name)
            yield fresh
            carry_out(self.root, [(fresh, folder)])

    # Marks

    def marks(self, benchmark: str) -> dict[str, Mark]:
        """Marks and notes of people by question id; raises DamagedError where the file can't be read."""
        return read_marks(self.folder(benchmark))

    def mark(self, benchmark: str, changes: Mapping[str, Change]) -> dict[str, Mark]:
        """Change marks and notes of some questions; what is stored then, others' changes among it.

        Raises:
            CacheError: the benchmark is the package's, the marks are damaged, or the cache can't be written.
            UsageError: a note is no line of text.
        """
        if self.is_packaged(benchmark):
            raise CacheError(
                f"{benchmark} is the recorded run, comes with selectllm", "mark questions of your own runs"
            )
        with self.changing():
            folder = self.own(benchmark)
            marks = changed(read_marks(folder), changes)
            write_marks(folder, marks)
        return marks

    def join_marks(self, benchmark: str, others: Mapping[str, Mark]) -> int:
        """Take marks of another cache over; of how many questions something was new. Raises as `mark`."""
        if not others:
            return 0
        with self.changing():
            folder = self.own(benchmark)
            before = read_marks(folder)
            after = joined(before, others)
            if after != before:
                write_marks(folder, after)
        return sum(before.get(question_id) != each for question_id, each in after.items())

    # Damage

    def verify(
        self,
        benchmark: str | None = None,
        *,
        repair: bool = False,
        accept: bool = False,
        progress: Progress | None = None,
    ) -> list[Problem]:
        """Read every file of one benchmark or of all, and compare parts with their digests.

        With `repair` damaged files are set aside, as `*.damaged`, and with `accept` manifests that were changed by hand
        are sealed as they are; neither touches the package. `progress` counts the files of each benchmark.
        """
        if benchmark is not None and benchmark not in self.everything():  # whose questions may be lost
            self.choose(benchmark)
        found: list[Problem] = []
        if (path := self.root / JOURNAL) in self.problems:
            aside = discard_damaged(self.root) if repair else None
            done = "" if aside is None else f"set aside as {aside.name}"
            found.append(replace(self.problems[path], done=done, repaired=aside is not None))
        for name in [benchmark] if benchmark is not None else self.everything():
            own = not self.is_packaged(name)
            folder = (self.layer(name) or self.root) / folder_name(name)  # also with links in it
            found += verify_folder(folder, repair=repair and own, accept=accept and own, progress=progress)
        return found

    def report(self, path: Path, what: str) -> None:
        """Remember a file that was passed over."""
        self.problems[path] = Problem(path, what)

    def _ids(self, benchmark: str) -> QuestionIds:
        return self._questions(benchmark)[1]

    def _questions(self, benchmark: str) -> tuple[pl.DataFrame, QuestionIds]:
        """See `questions`; read again only where the file changed."""
        path, last = self.folder(benchmark) / "questions.parquet", self._last_read
        try:
            state = path.stat()
            version = str(path), state.st_size, state.st_mtime_ns
            if last is None or last[0] != version:
                frame = read_frame(path, QUESTION_SCHEMA)
                self._last_read = last = version, frame, QuestionIds(frame["question_id"])
        except FileNotFoundError:
            raise UnknownNameError("benchmark", benchmark, self.benchmarks()) from None
        return last[1].clone(), last[2]


@contextlib.contextmanager
def _llm_lock(benchmark: Path, llm: str) -> Iterator[Path]:
    """The folder of an LLM in that of a benchmark, its lock held."""
    folder = benchmark / "llms" / folder_name(llm)
    with locked(folder, f"{llm} on {name_of(benchmark.name)}"):
        yield folder
