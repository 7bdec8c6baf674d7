"""Where benchmarks are: in one's own cache, or read-only in the one beneath it; how they come and go as a whole."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from selectllm_engine.errors import CacheError, DamagedError, UnknownNameError, UsageError
from selectllm_engine.store.files import first_reason, folder_name, links_in, move, name_of, scratch, sweep
from selectllm_engine.store.manifests import TOKENS
from selectllm_engine.store.renames import finish, is_pending
from selectllm_engine.store.writer import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Layers", "folders_in"]

_PATIENCE = 30.0  # seconds to wait for another process that adds or removes a benchmark


class Layers:
    """A cache folder, with an optional read-only one beneath.

    Attributes:
        root: where changes go.
        packaged: what lies beneath, None for nothing.
    """

    def __init__(self, root: Path, *, packaged: Path | None = None) -> None:
        self.root = root
        self.packaged = packaged if packaged is not None and packaged.resolve() != root.resolve() else None
        self._without_links: set[Path] = set()

    def benchmarks(self) -> list[str]:
        """Names of all benchmarks, those of the package included."""
        return sorted({*self._own(), *folders_in(self.packaged, "questions.parquet")})

    def is_packaged(self, benchmark: str) -> bool:
        """Whether a benchmark is read from the package."""
        layer = self.layer(benchmark)
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

    def folder(self, benchmark: str) -> Path:
        """Where a benchmark is read from; raises DamagedError where there is a link in it."""
        return self._plain((self.layer(benchmark) or self.root) / folder_name(benchmark))

    def own(self, benchmark: str) -> Path:
        """Where a benchmark is written to; one that only the package has is copied there first."""
        layer = self.layer(benchmark)
        if layer is None:
            raise UnknownNameError("benchmark", benchmark, self.benchmarks())
        own = self.own_folder(benchmark)
        if layer == self.root:
            return self._plain(own)
        with self.changing():
            if self.layer(benchmark) == self.root:  # somebody else was faster
                return own
            with scratch(self.root) as place:
                copy = place / own.name
                try:
                    shutil.copytree(layer / own.name, copy, ignore=shutil.ignore_patterns(".*"))
                    for path in [copy, *copy.rglob("*")]:
                        path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))
                except OSError as error:
                    problem = f"cannot copy {benchmark} to {self.root} ({first_reason(error)})"
                    raise CacheError(problem, "free some space, or choose another --cache") from error
                move(copy, own)
        return own

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
            locks.enter_context(self.changing())
            place = self._own_place(benchmark, llm, router)
            if router is None:
                for name in [llm] if llm is not None else folders_in(place / "llms"):
                    folder = self.own_folder(benchmark) / "llms" / folder_name(name)
                    if not folder.is_symlink():
                        locks.enter_context(locked(folder, f"{name} on {benchmark}"))
            with scratch(self.root) as doomed:
                move(place, doomed / "removed")  # gone at once, whatever happens to the rest

    def size(self, benchmark: str, *, llm: str | None = None, router: str | None = None) -> int:
        """Bytes on disk of one LLM's results, one router, or with neither the whole benchmark."""
        return _bytes(self._place(benchmark, llm, router))

    def tokens_size(self, benchmark: str) -> int:
        """Bytes on disk of how many tokens questions are expected to take; 0 where nobody has learned that."""
        return _bytes(self._place(benchmark, None, None) / TOKENS)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock of the cache itself: whole benchmarks come and go one at a time."""
        with locked(self.root, f"the cache {self.root}", wait=_PATIENCE):
            finish(self.root)
            for folder in (self.root, *(self.own_folder(name) for name in self._own())):
                sweep(folder)
            yield

    def settle(self) -> None:
        """Finish a change that was cut off. Raises CacheError where that can't be done here."""
        if is_pending(self.root):
            with self.changing():
                pass

    def everything(self) -> list[str]:
        """Benchmarks, also those whose questions are lost."""
        return sorted({*self.benchmarks(), *folders_in(self.root, "llms")})

    def own_folder(self, benchmark: str) -> Path:
        """Where a benchmark of one's own is or would be."""
        return self.root / folder_name(benchmark)

    def llm_folder(self, benchmark: str, llm: str) -> Path:
        """Where an LLM's results are read from."""
        return self.folder(benchmark) / "llms" / folder_name(llm)

    def layer(self, benchmark: str) -> Path | None:
        """The cache that a benchmark is read from; None where neither has it."""
        for layer in (self.root, self.packaged):
            if layer is not None and (layer / folder_name(benchmark) / "questions.parquet").exists():
                return layer
        return None

    def _place(self, benchmark: str, llm: str | None, router: str | None) -> Path:
        """The folder of an LLM's results, a router or a whole benchmark, also where files in it are lost."""
        if benchmark not in self.everything():
            raise UnknownNameError("benchmark", benchmark, self.everything())
        folder = (self.layer(benchmark) or self.root) / folder_name(benchmark)  # also with links in it
        for kind, name, below in (("LLM", llm, folder / "llms"), ("router", router, folder / "routers")):
            if name is not None and name not in folders_in(below):
                raise UnknownNameError(kind, name, folders_in(below))
            if name is not None:
                return below / folder_name(name)
        return folder

    def _own_place(self, benchmark: str, llm: str | None, router: str | None) -> Path:
        place = self._place(benchmark, llm, router)
        if self.is_packaged(benchmark):
            raise UsageError(f"{benchmark} comes with the package", "nothing of yours is stored for it")
        return place

    def _plain(self, folder: Path) -> Path:
        """A benchmark's folder, once it is clear that nothing in it leads out of it."""
        if folder not in self._without_links:
            for link in links_in(folder):
                raise DamagedError(f"{link} is a link, and a cache holds none", "see selectllm cache verify")
            self._without_links.add(folder)
        return folder

    def _own(self) -> list[str]:
        return folders_in(self.root, "questions.parquet")


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # merged or replaced meanwhile
            total += path.lstat().st_size if path.is_file() else 0
    return total


def folders_in(folder: Path | None, with_file: str = "") -> list[str]:
    """The names that the folders in a folder stand for, of those that hold a certain file."""
    names = []
    with contextlib.suppress(OSError):
        for each in sorted(folder.iterdir() if folder is not None else ()):
            with contextlib.suppress(CacheError):
                if each.is_dir() and (each / with_file).exists():
                    names.append(name_of(each.name))
    return names
