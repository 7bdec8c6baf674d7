"""What computes and saves in threads, so that no key ever waits: workers that only post messages.

Every state that is computed has a number; whatever is posted for an older one is dropped by whoever receives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

from selectllm_engine.errors import SelectLLMError

if TYPE_CHECKING:
    from textual.timer import Timer

    from selectllm_tui.cache_activity import Sampling
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.state import State
    from selectllm_tui.widgets.cells import Rows

__all__ = ["Working"]

SPINNER_AFTER = 0.15


class _StaleError(Exception):
    """Nobody waits for what is being computed."""


class Working(Screen[None]):
    """A screen that shows what its workers find out about a model and a state.

    Attributes:
        model: the loaded run.
        state: what is shown.
        generation: the number of the state that was computed last.
        failure: why the last figures could not be computed; empty where they could.
    """

    @dataclass
    class Computed(Message):
        """A part of what the screen shows is there; `tab` is empty for the header's figures."""

        generation: int
        tab: str
        snapshot: Any

    @dataclass
    class Listed(Message):
        """The questions within the filter, for a dialog that counts them."""

        snapshot: Any

    @dataclass
    class Ticked(Message):
        """Long work is going on."""

        generation: int
        done: int
        total: int

    @dataclass
    class Watched(Message):
        """Which LLMs are being sampled at this moment, and whether there are results that were not read."""

        running: tuple[Sampling, ...]
        new: bool

    @dataclass
    class Finished(Message):
        """All of it is there, or it failed."""

        generation: int
        error: str = ""

    def __init__(self, model: Model, state: State) -> None:
        super().__init__()
        self.model = model
        self.state = state
        self.generation = 0
        self.failure = ""
        self._timer: Timer | None = None

    def busy(self, on: bool) -> None:
        """Shows, or shows no more, that something is being computed."""
        raise NotImplementedError

    def say(self, text: str, style: str = "warn") -> None:
        """Writes a sentence for a moment."""
        raise NotImplementedError

    def compute(self) -> None:
        """Starts to compute what the state shows; what is still being computed for older states is dropped."""
        self.generation += 1
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SPINNER_AFTER, lambda: self.busy(True))
        self._compute(self.generation, self.state)

    @work(thread=True, exclusive=True, group="figures", exit_on_error=False)
    def _compute(self, generation: int, state: State) -> None:
        from selectllm_tui.snapshots import snapshots

        worker = get_current_worker()
        error = ""

        def tick(done: int, total: int) -> None:
            if worker.is_cancelled:
                raise _StaleError
            self.post_message(self.Ticked(generation, done, total))

        try:
            for tab, snapshot in snapshots(self.model, state, tick):
                if worker.is_cancelled:
                    return
                self.post_message(self.Computed(generation, tab, snapshot))
        except _StaleError:
            return
        except Exception as failure:
            self.log.error(repr(failure))
            error = str(failure) or type(failure).__name__
        self.post_message(self.Finished(generation, error))

    @work(thread=True, exclusive=True, group="counts", exit_on_error=False)
    def list_questions(self) -> None:
        """Finds out which questions are within the filter, on whatever tab."""
        from selectllm_tui.snapshots.questions import listing

        try:
            self.post_message(self.Listed(listing(self.model, self.state)))
        except Exception as failure:
            self.log.error(repr(failure))  # said where the figures are computed

    def computed(self, generation: int) -> bool:
        """Whether that is the state on the screen; if so, the spinner goes."""
        if generation != self.generation:
            return False
        if self._timer is not None:
            self._timer.stop()
        self.busy(False)
        return True

    @work(thread=True, exclusive=True, group="watch", exit_on_error=False)
    def look_for_writers(self) -> None:
        """Looks whether a generation is running on this cache, and whether the cache has changed."""
        from selectllm_tui.cache_activity import contents, sampling

        run, seen = self.model.run, self.model.seen
        try:
            running = sampling(run.cache, run.benchmark)
            new = seen is not None and contents(run.cache, run.benchmark) != seen
        except (SelectLLMError, OSError):
            return  # files come and go: the next look will see them
        self.post_message(self.Watched(running, new))

    @work(thread=True, group="export", exit_on_error=False)
    def save(self, suffix: str, rows: Rows | None) -> None:
        """Saves the rows, or the screen, in the working directory."""
        from selectllm_tui.export import free_path, to_csv, to_markdown

        stem = f"selectllm-{self.model.space.benchmark}-{self.state.view.tab}"
        path = Path(f"{stem}{suffix}")
        try:
            path = free_path(Path.cwd(), stem, suffix)
            if suffix == ".svg":
                self.app.call_from_thread(self.app.save_screenshot, path.name, str(path.parent))
            elif rows is not None:
                path.write_text(to_csv(rows) if suffix == ".csv" else to_markdown(rows), encoding="utf-8")
            self.app.call_from_thread(self.say, f"saved {path.name}", "accent")
        except OSError as error:
            self.app.call_from_thread(self.say, f"cannot save {path.name}: {error.strerror}")
