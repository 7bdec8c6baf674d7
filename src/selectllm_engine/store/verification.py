"""Is what is stored still what was written? Every file of a cache is read, and on request damaged ones set aside."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from selectllm_engine.benchmarks import QUESTION_SCHEMA
from selectllm_engine.errors import CacheError, DamagedError, LockedError
from selectllm_engine.store.files import TEMPORARY, digest, links_in, name_of, read_file, set_aside
from selectllm_engine.store.frames import read_frame
from selectllm_engine.store.manifests import MANIFEST, TOKENS, llm_manifest, router_manifest
from selectllm_engine.store.parts import Parts, part_of
from selectllm_engine.store.question_marks import MARKS, read_marks
from selectllm_engine.store.question_table import QuestionIds
from selectllm_engine.store.scores import read_table
from selectllm_engine.store.sealed_json import accept as accept_change
from selectllm_engine.store.verdicts import VERDICTS, read_verdicts
from selectllm_engine.store.writer import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selectllm_engine.store.files import Progress

__all__ = ["Problem", "verify_folder"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A stored file that can't be used, what is wrong with it, and what a repair did about it."""

    path: Path
    what: str
    done: str = ""
    repaired: bool = False


def verify_folder(
    folder: Path, *, repair: bool = False, accept: bool = False, progress: Progress | None = None
) -> list[Problem]:
    """Check one benchmark's folder.

    With `repair` damaged files are renamed to `*.damaged` (derived ones and links removed), so that the next `generate`
    makes their samples again; an LLM that is being written is left alone. With `accept` manifests and marks whose
    checksum doesn't fit are sealed as they are. `progress` counts files.
    """
    links = list(links_in(folder))
    checks = [(link, _link) for link in links] + [each for each in _checks(folder) if each[0] not in links]
    problems = []
    for done, (path, check) in enumerate(checks):
        try:
            check(path)
        except FileNotFoundError:  # merged into another part meanwhile
            continue
        except CacheError as error:
            problem = Problem(path, error.problem)
            if accept and path.name in {MANIFEST, MARKS}:
                problem = _mended(folder, problem, lambda path: "sealed as it is" if accept_change(path) else "")
            if repair and not problem.repaired:
                problem = _mended(folder, problem, _unlink if path in links else _take_away)
            problems.append(problem)
        if progress:
            progress(done + 1, len(checks))
    return problems


def _mended(folder: Path, problem: Problem, mend: Callable[[Path], str]) -> Problem:
    """The problem, and what was done about its file by the one who holds its LLM's lock."""
    place = problem.path.relative_to(folder).parts
    of_llm = place[0] == "llms" and len(place) > 2 and not any(each.is_symlink() for each in problem.path.parents)
    try:
        with locked(folder / "llms" / place[1], place[1]) if of_llm else nullcontext():
            done = mend(problem.path)
    except LockedError:
        return replace(problem, done="left alone, because it is being written")
    except CacheError as error:
        return replace(problem, done=f"left alone ({error.problem})")
    except OSError as error:
        return replace(problem, done=f"left alone ({error.strerror})")
    return replace(problem, done=done, repaired=bool(done))


def _unlink(path: Path) -> str:
    """Take a link away; one in the place of the lock's own note is gone as soon as the lock is held."""
    if path.is_symlink():
        path.unlink()
    return "removed; what it led to is untouched"


def _take_away(path: Path) -> str:
    """Take a damaged file out of the way."""
    if not path.exists() or path.is_dir():
        return ""
    if path.parent.name == "answers":
        path.unlink()
        return "removed; it is made again when it is needed"
    return f"set aside as {set_aside(path).name}"


def _checks(folder: Path) -> Iterator[tuple[Path, Callable[[Path], object]]]:
    """Every file with the function that reads it and raises CacheError."""
    yield folder / "questions.parquet", _questions
    if (folder / MARKS).exists():
        yield folder / MARKS, lambda path: read_marks(path.parent)

    @lru_cache(maxsize=1)
    def ids() -> QuestionIds | None:
        try:
            return QuestionIds(read_frame(folder / "questions.parquet", QUESTION_SCHEMA)["question_id"])
        except (FileNotFoundError, DamagedError):  # which is said of the file itself
            return None

    for llm in _subfolders(folder / "llms"):
        yield llm, lambda path: name_of(path.name)
        if any(not each.name.startswith(".") for each in llm.iterdir()):  # else a writer came, and was refused
            yield llm / MANIFEST, partial(_manifest, llm_manifest)
        for path in _files(llm / "generations"):
            yield path, _part
        for path in _files(llm / "answers"):
            yield path, read_frame
        if (llm / VERDICTS).exists():
            yield llm / VERDICTS, partial(_verdicts, ids)
    of_tokens = [each for each in _subfolders(folder) if each.name == TOKENS]
    for router in [*_subfolders(folder / "routers"), *of_tokens]:
        yield router, lambda path: name_of(path.name)
        yield router / MANIFEST, partial(_manifest, router_manifest)
        for path in sorted(router.glob("*.parquet")):
            yield path, read_table
        yield from _weights(router)


def _weights(router: Path) -> Iterator[tuple[Path, Callable[[Path], object]]]:
    """What a router learned: the files that its manifest lists with their digests."""
    try:
        files = router_manifest(router).get("files")
    except (FileNotFoundError, DamagedError):
        return
    for name, expected in files.items() if isinstance(files, dict) else ():
        if (router / name).resolve().is_relative_to(router.resolve()):
            yield router / name, partial(_unchanged, expected)


def _subfolders(folder: Path) -> list[Path]:
    return [each for each in _plain(folder) if each.is_dir() and not each.name.startswith(TEMPORARY)]


def _files(folder: Path) -> list[Path]:
    """All files but half-written and set aside ones, which nobody reads."""
    return [
        each for each in _plain(folder) if not each.name.startswith(TEMPORARY) and not each.name.endswith(".damaged")
    ]


def _plain(folder: Path) -> list[Path]:
    """What is in a folder, but for links, in it or in its place."""
    every = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    return [each for each in every if not each.is_symlink()]


def _link(path: Path) -> None:
    raise DamagedError(f"{path} is a link, and a cache holds none")


def _manifest(read: Callable[[Path], object], path: Path) -> None:
    if not path.exists():
        raise DamagedError(f"{path} is missing")
    read(path.parent)


def _part(path: Path) -> None:
    part = part_of(path)
    if part is None:
        raise DamagedError(f"{path} has not the name of a part")
    Parts(path.parent, report=lambda _path, _what: None, sound=set()).sound_rows(part)


def _questions(path: Path) -> None:
    if not path.exists():
        raise DamagedError(f"{path} is missing")
    if read_frame(path, QUESTION_SCHEMA)["question_id"].is_duplicated().any():
        raise DamagedError(f"{path} has a question id twice")


def _verdicts(questions: Callable[[], QuestionIds | None], path: Path) -> None:
    if (known := questions()) is None:
        read_frame(path)
    else:
        read_verdicts(path, lambda: known)


def _unchanged(expected: str, path: Path) -> None:
    if not path.exists():
        raise DamagedError(f"{path} is missing")
    if digest(read_file(path)) != expected:
        raise DamagedError(f"{path} is truncated or changed")
