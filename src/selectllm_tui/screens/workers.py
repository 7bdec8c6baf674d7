"""What computes and saves in threads, so that no key ever waits: workers that only post messages to their screen.

Every state that is computed has a number; whatever is posted for an older one is dropped by whoever receives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

from textual.message import Message
from textual.worker import get_current_worker

from selectllm_engine.errors import SelectLLMError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.screen import Screen
    from textual.timer import Timer

    from selectllm_engine.api import Run
    from selectllm_engine.store import Change, Mark
    from selectllm_tui.cache_activity import SamplingActivity
    from selectllm_tui.shown_setup import ShownSetup
    from selectllm_tui.snapshots import Snapshot
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.snapshots.questions import Questions
    from selectllm_tui.state import State

__all__ = [
    "AllComputed",
    "Computed",
    "Copied",
    "Listed",
    "MarksSaved",
    "Routable",
    "Saved",
    "ScreenThreads",
    "SetupSaved",
    "Ticked",
    "Watched",
]

SPINNER_AFTER = 0.15


class _StaleError(Exception):
    """Nobody waits for what is being computed."""


@dataclass
class Computed(Message):
    """A part of what the screen shows is there; `tab` is empty for the header's figures."""

    generation: int
    tab: str
    snapshot: Snapshot


@dataclass
class Listed(Message):
    """The questions within the filter, for a dialog that counts them."""

    snapshot: Questions


@dataclass
class Ticked(Message):
    """Long work is going on."""

    generation: int
    done: int
    total: int


@dataclass
class Watched(Message):
    """Which LLMs are being sampled at this moment, and whether there are results that were not read."""

    running: tuple[SamplingActivity, ...]
    new: bool


@dataclass
class Routable(Message):
    """The routers that can read a new text here."""

    routers: tuple[str, ...]


@dataclass
class AllComputed(Message):
    """All of it is there, or it failed."""

    generation: int
    error: str = ""


@dataclass
class Saved(Message):
    """A file was written; or, with an error, not."""

    name: str
    error: str = ""


@dataclass
class SetupSaved(Message):
    """A setup was written; or, with an error, not."""

    path: Path
    setup: ShownSetup
    error: str = ""


@dataclass
class MarksSaved(Message):
    """Marks and notes are stored, and these are all there are now; or, with an error, not."""

    changes: Mapping[str, Change]
    marks: Mapping[str, Mark]
    error: str = ""


@dataclass
class Copied(Message):
    """A text is made and handed to the tools that took it; or, with an error, not."""

    name: str
    text: str
    took: Sequence[str] = ()
    error: str = ""


class ScreenThreads:
    """The threads of one screen.

    Args:
        screen: hears the messages.
        busy: told True once something takes long, False when it is there.

    Attributes:
        generation: the number of the state that was computed last.
        computing: whether it is not all there yet.
        patience: seconds before it counts as taking long.
        unsaved: changes of marks and notes that are not known to be stored, in the order in which they were made.
    """

    def __init__(self, screen: Screen[None], busy: Callable[[bool], None]) -> None:
        self.screen = screen
        self.patience = SPINNER_AFTER
        self.generation = 0
        self.computing = False
        self.unsaved: list[Mapping[str, Change]] = []
        self._to_save: SimpleQueue[Mapping[str, Change]] = SimpleQueue()
        self._saving = Lock()
        self._busy = busy
        self._timer: Timer | None = None

    def _start(self, work: Callable[[], None], group: str, *, exclusive: bool = True) -> None:
        self.screen.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False, thread=True)

    def compute(self, model: Model, state: State) -> None:
        """Starts to compute what a state shows; what is still being computed for older states is dropped."""
        self.generation += 1
        self.computing = True
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.screen.set_timer(self.patience, lambda: self._busy(True))
        self._start(partial(self._compute, self.generation, model, state), "figures")

    def _compute(self, generation: int, model: Model, state: State) -> None:
        from selectllm_tui.snapshots import snapshots

        worker = get_current_worker()
        error = ""

        def tick(done: int, total: int) -> None:
            if worker.is_cancelled:
                raise _StaleError
            if not total:
                return
            self.screen.post_message(Ticked(generation, done, total))

        try:
            for tab, snapshot in snapshots(model, state, tick):
                if worker.is_cancelled:
                    return
                self.screen.post_message(Computed(generation, tab, snapshot))
        except _StaleError:
            return
        except Exception as failure:
            self.screen.log.error(repr(failure))
            error = str(failure) or type(failure).__name__
        self.screen.post_message(AllComputed(generation, error))

    def stop(self) -> bool:
        """Computes no further; False where nothing is being computed."""
        if not self.computing:
            return False
        self.screen.workers.cancel_group(self.screen, "figures")
        return self.computed(self.generation)

    def computed(self, generation: int) -> bool:
        """Whether that is the state on the screen; if so, the spinner goes."""
        if generation != self.generation:
            return False
        self.computing = False
        if self._timer is not None:
            self._timer.stop()
        self._busy(False)
        return True

    def list_questions(self, model: Model, state: State) -> None:
        """Finds out which questions are within the filter, on whatever tab."""
        self._start(partial(self._list, model, state), "counts")

    def _list(self, model: Model, state: State) -> None:
        from selectllm_tui.snapshots.questions import listing

        try:
            self.screen.post_message(Listed(listing(model, state)))
        except Exception as failure:
            self.screen.log.error(repr(failure))  # said where the figures are computed

    def watch(self, model: Model) -> None:
        """Looks whether a generation is running on this cache, and whether the cache has changed."""
        self._start(partial(self._watch, model), "watch")

    def _watch(self, model: Model) -> None:
        from selectllm_tui.cache_activity import contents, sampling

        run, seen = model.run, model.seen
        try:
            running = sampling(run.cache, run.benchmark)
            new = seen is not None and contents(run.cache, run.benchmark) != seen
        except (SelectLLMError, OSError):
            return  # files come and go: the next look will see them
        self.screen.post_message(Watched(running, new))

    def find_routable(self, model: Model) -> None:
        """Finds out which routers can read a new text here."""
        self._start(partial(self._find_routable, model), "routable")

    def _find_routable(self, model: Model) -> None:
        from selectllm_engine.routers.routing import routable
        from selectllm_engine.settings import read_settings

        try:
            self.screen.post_message(Routable(routable(model.run, read_settings().encoders)))
        except Exception as failure:
            self.screen.log.error(repr(failure))  # said where one of them is asked to

    def copy(self, name: str, text: Callable[[], str]) -> None:
        """Makes a text and hands it to the system's clipboard and tmux."""
        self._start(partial(self._copy, name, text), "copy", exclusive=False)

    def _copy(self, name: str, text: Callable[[], str]) -> None:
        from selectllm_tui.clipboard import copy_beyond_the_terminal

        try:
            made = text()
            took = copy_beyond_the_terminal(made) if made else []
        except Exception as failure:  # a damaged file must not end in a traceback
            self.screen.post_message(Copied(name, "", error=str(failure) or type(failure).__name__))
            return
        self.screen.post_message(Copied(name, made, took))

    def save_setup(self, run: Run, setup: ShownSetup, path: Path) -> None:
        """Writes a setup, in the place of what is there."""
        self._start(partial(self._save_setup, run, setup, path), "export", exclusive=False)

    def _save_setup(self, run: Run, setup: ShownSetup, path: Path) -> None:
        from selectllm_engine.setups import write_setup
        from selectllm_tui.setups import as_saved

        try:
            write_setup(as_saved(setup, run), path, force=True)
        except (SelectLLMError, OSError) as error:
            self.screen.post_message(SetupSaved(path, setup, str(error)))
            return
        self.screen.post_message(SetupSaved(path, setup))

    def save_marks(self, run: Run, changes: Mapping[str, Change]) -> None:
        """Stores changes of marks and notes, in the order in which they were made."""
        self.unsaved.append(changes)
        self._to_save.put(changes)
        self._start(partial(self._save_marks, run), "marks", exclusive=False)

    def _save_marks(self, run: Run) -> None:
        with self._saving:
            changes = self._to_save.get()
            try:
                saved = MarksSaved(changes, run.cache.mark(run.benchmark, changes))
            except Exception as failure:
                saved = MarksSaved(changes, {}, str(failure) or type(failure).__name__)
            self.screen.post_message(saved)

    def save(self, stem: str, suffix: str, text: Callable[[], str]) -> None:
        """Saves what `text` gives in the working directory."""
        self._start(partial(self._save, stem, suffix, text), "export", exclusive=False)

    def _save(self, stem: str, suffix: str, text: Callable[[], str]) -> None:
        from selectllm_tui.export import free_path

        path = Path(f"{stem}{suffix}")
        try:
            path = free_path(Path.cwd(), stem, suffix)
            path.write_text(text(), encoding="utf-8")
        except OSError as error:
            self.screen.post_message(Saved(path.name, error.strerror or str(error)))
            return
        self.screen.post_message(Saved(path.name))
