"""Is what is stored still what was written? Every file of a cache is read, and on request damaged ones set aside."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from selectllm_engine.benchmarks import QUESTION_SCHEMA
from selectllm_engine.errors import CacheError, DamagedError, LockedError
from selectllm_engine.store.files import TEMPORARY, digest, name_of, read_json
from selectllm_engine.store.frames import check_frame, read_frame
from selectllm_engine.store.parts import Parts, part_of, set_aside
from selectllm_engine.store.question_table import QuestionIds
from selectllm_engine.store.verdicts import read_verdicts
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


def verify_folder(folder: Path, *, repair: bool = False, progress: Progress | None = None) -> list[Problem]:
    """Check one benchmark's folder.

    With `repair` damaged files are renamed to `*.damaged` (derived ones removed), so that the next `generate` makes
    their samples again; an LLM that is being written is left alone. `progress` counts files.
    """
    checks = list(_checks(folder))
    problems = []
    for done, (path, check) in enumerate(checks):
        try:
            check(path)
        except FileNotFoundError:  # merged into another part meanwhile
            continue
        except CacheError as error:
            problem = Problem(path, error.problem)
            problems.append(_repair(folder, problem) if repair else problem)
        if progress:
            progress(done + 1, len(checks))
    return problems


def _repair(folder: Path, problem: Problem) -> Problem:
    """Take a damaged file out of the way."""
    path = problem.path
    place = path.relative_to(folder).parts
    try:
        with locked(folder / "llms" / place[1], place[1]) if place[0] == "llms" else nullcontext():
            if not path.is_file():
                done = ""
            elif place[-2:-1] == ("answers",):
                path.unlink()
                done = "removed; it is made again when it is needed"
            else:
                done = f"set aside as {set_aside(path).name}"
    except LockedError:
        return replace(problem, done="left alone, because it is being written")
    except OSError as error:
        return replace(problem, done=f"left alone ({error.strerror})")
    return replace(problem, done=done, repaired=bool(done))


def _checks(folder: Path) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """Every file with the function that reads it and raises CacheError."""
    yield folder / "questions.parquet", _questions

    @lru_cache(maxsize=1)
    def ids() -> QuestionIds | None:
        try:
            return QuestionIds(read_frame(folder / "questions.parquet", QUESTION_SCHEMA)["question_id"])
        except (FileNotFoundError, DamagedError):  # which is said of the file itself
            return None

    for llm in _subfolders(folder / "llms"):
        yield llm, _folder
        if any(not each.name.startswith(".") for each in llm.iterdir()):  # else a writer came, and was refused
            yield llm / "manifest.json", _manifest
        for path in _files(llm / "generations"):
            yield path, _part
        for path in _files(llm / "answers"):
            yield path, _sealed
        if (llm / "verdicts.parquet").exists():
            yield llm / "verdicts.parquet", partial(_verdicts, ids)
    for router in _subfolders(folder / "routers"):
        yield router, _folder
        yield router / "manifest.json", _manifest
        for path in sorted(router.glob("*.parquet")):
            yield path, _sealed
        yield from _weights(router)


def _weights(router: Path) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """What a router learned: the files that its manifest lists with their digests."""
    try:
        files = read_json(router / "manifest.json").get("files")
    except (FileNotFoundError, DamagedError):
        return
    for name, expected in files.items() if isinstance(files, dict) else ():
        if (router / name).resolve().is_relative_to(router.resolve()):
            yield router / name, partial(_unchanged, expected)


def _subfolders(folder: Path) -> list[Path]:
    every = sorted(folder.iterdir()) if folder.is_dir() else []
    return [each for each in every if each.is_dir() and not each.name.startswith(TEMPORARY)]


def _files(folder: Path) -> list[Path]:
    """All files but half-written and set aside ones, which nobody reads."""
    every = sorted(folder.iterdir()) if folder.is_dir() else []
    return [each for each in every if not each.name.startswith(TEMPORARY) and not each.name.endswith(".damaged")]


def _folder(path: Path) -> None:
    name_of(path.name)


def _manifest(path: Path) -> None:
    if not path.exists():
        raise DamagedError(f"{path} is missing")
    read_json(path)


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
        check_frame(path)
    else:
        read_verdicts(path, lambda: known)


def _unchanged(expected: str, path: Path) -> None:
    if not path.exists():
        raise DamagedError(f"{path} is missing")
    if digest(path.read_bytes()) != expected:
        raise DamagedError(f"{path} is truncated or changed")


def _sealed(path: Path) -> None:
    check_frame(path)
