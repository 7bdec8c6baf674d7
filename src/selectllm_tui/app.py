"""The explorer: a terminal application over one benchmark's results."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from threading import Timer
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import on, work
from textual.app import App
from textual.events import Key, Paste
from textual.filter import LineFilter
from textual.message import Message

from selectllm_engine.errors import CacheError, SelectLLMError
from selectllm_tui.crash import CrashError, save_report
from selectllm_tui.glyphs import AsciiGlyphs
from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import Keys
from selectllm_tui.preferences import Preferences
from selectllm_tui.screens.message import LoadingScreen, ProblemScreen
from selectllm_tui.themes import APP_CSS, DEFAULT, FALLBACK, PLAIN, THEMES, shades
from selectllm_tui.type_ahead import TypeAhead
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.binding import BindingType
    from textual.color import Color
    from textual.command import Provider
    from textual.events import Event

    from selectllm_engine.api import Run
    from selectllm_engine.setups import Setup
    from selectllm_tui.cache_activity import Contents
    from selectllm_tui.screens.main import MainScreen
    from selectllm_tui.shown_setup import ShownSetup
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.state import Opener, State
    from selectllm_tui.stored_benchmarks import StoredBenchmark

__all__ = ["ExplorerApp", "leave_soon"]


def _palette() -> type[Provider]:
    from selectllm_tui.palette import ExplorerCommands

    return ExplorerCommands


class _Styled(LineFilter):
    """Gives every segment a style: Textual's own filter for NO_COLOR can't take those without one."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        plain = Style.null()
        return [Segment(text, plain if style is None else style, control) for text, style, control in segments]


PATIENCE = 3.0  # seconds that leaving may take once the terminal is as it was, or may be gone


def leave_soon(code: int) -> None:
    """Ends the process in a few seconds even where threads are still computing what nobody waits for any more."""
    watchdog = Timer(PATIENCE, os._exit, [code])
    watchdog.daemon = True
    watchdog.start()


class ExplorerApp(App[None]):
    """Loads a run in a worker, then shows the main screen, or says why it can't.

    Args:
        benchmark: its name; None for the only one.
        cache: the cache folder; None for the usual one.
        resume: start where the last explorer of this cache was left.
        setup: start with this one; it is an error where the run doesn't have what it names.
        wishes: what a person's settings say of the explorer; a theme in them is one that there is.
    """

    TITLE = "selectllm"
    CSS = APP_CSS
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    ALLOW_SELECT: ClassVar[bool] = False  # tables are painted: what Textual would select in them is empty
    COMMANDS = {_palette}  # noqa: RUF012 - as the base class has it

    class Progress(Message):
        """Answers are being extracted."""

        def __init__(self, done: int, total: int) -> None:
            super().__init__()
            self.done, self.total = done, total

    class Loaded(Message):
        """The run is there, and what is to be said of the setup that it is opened with."""

        def __init__(self, model: Model, setup: ShownSetup | None = None, notes: Sequence[str] = ()) -> None:
            super().__init__()
            self.model, self.setup, self.notes = model, setup, notes

    class Failed(Message):
        """The run can't be read."""

        def __init__(self, error: SelectLLMError, benchmarks: list[StoredBenchmark]) -> None:
            super().__init__()
            self.error, self.benchmarks = error, benchmarks

    def __init__(
        self,
        benchmark: str | None = None,
        cache: Path | None = None,
        *,
        resume: bool = False,
        setup: Setup | None = None,
        wishes: Preferences | None = None,
    ) -> None:
        super().__init__()
        self._wishes = wishes or Preferences()
        self.keys = Keys(self._wishes.keys)
        self.set_keymap(self.keys.keymap)
        self._type_ahead = TypeAhead(self)
        self._benchmark, self._cache, self._resume, self._setup = benchmark, cache, resume, setup
        self._left: dict[str, State] = {}  # of each benchmark that was open before
        self._opened_by: Opener = "choice"
        self._seen: Contents | None = None
        self.crash: CrashError | None = None
        self.leaving = 0  # the exit code, once it is being left
        self.refusal: SelectLLMError | None = None  # of the setup that it was to be opened with
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._wishes.theme or (PLAIN if self.colours == 16 else DEFAULT)
        self._mark_plain()

    @property
    def colours(self) -> int | None:
        """16 or 256 where the terminal has no more; None otherwise."""
        return {"standard": 16, "256": 256}.get(self.console.color_system or "")

    @property
    def plain(self) -> bool:
        """Whether colours can't grade anything: cursors are in reverse video then, and bars stand beside figures."""
        return self.current_theme.ansi or self.colours == 16 or self.no_color

    def _mark_plain(self) -> None:
        self.set_class(self.current_theme.ansi or self.colours == 16, "-plain")

    def watch_theme(self) -> None:
        """Themes of the terminal's own colours have no shades."""
        self._mark_plain()

    def get_css_variables(self) -> dict[str, str]:
        """Textual's, and the shades of cursors and heat maps."""
        theme = self.current_theme
        variables = super().get_css_variables()
        if theme.ansi:
            return variables | shades("#ffffff", "#000000", dark=theme.dark, colours=256)
        accent, background = variables["accent"], variables["background"]
        return variables | shades(accent, background, dark=theme.dark, colours=self.colours)

    async def on_mount(self) -> None:
        """Starts to load."""
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.leave_by_signal, number)
        await self.push_screen(LoadingScreen())
        self.load_run()

    def leave_by_signal(self, number: int) -> None:
        """Leaves as `q` does, with the exit code that shells expect; at once where the terminal takes nothing more."""
        leave_soon(128 + number)
        self.exit(return_code=128 + number)

    async def on_event(self, event: Event) -> None:
        """What is pasted was written by others: Textual's own lines show it as it is. Keys may come too soon."""
        if isinstance(event, Paste):
            event.text = visible(event.text, newlines=True)
        if not (isinstance(event, Key) and self._type_ahead.holds(event)):
            await super().on_event(event)

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def load_run(self) -> None:
        """Reads the run in a thread."""
        try:
            from selectllm_tui.snapshots.model import Model

            model = Model(self.read(), self._seen)
            opened = self._opened(model) if self._setup is not None and self.main is None else ()
            self.post_message(self.Loaded(model, *opened))
        except SelectLLMError as error:
            self.post_message(self.Failed(error, self._stored()))
        except Exception as error:  # a damaged file must not end in a traceback
            self.log.error(repr(error))
            told = CacheError(f"{type(error).__name__}: {error}", "see selectllm cache verify")
            self.post_message(self.Failed(told, self._stored()))

    def _stored(self) -> list[StoredBenchmark]:
        """The benchmarks that can be opened; none where the cache can't be read."""
        from selectllm_engine.store import open_cache
        from selectllm_tui.stored_benchmarks import stored_benchmarks

        with contextlib.suppress(SelectLLMError, OSError):
            return stored_benchmarks(open_cache(self._cache))
        return []

    def _opened(self, model: Model) -> tuple[ShownSetup, Sequence[str]]:
        """The setup to open with, and what became of what it names; raises where the run doesn't have that."""
        from selectllm_engine.setups import check_setup
        from selectllm_tui.setups import as_shown

        assert self._setup is not None  # noqa: S101
        notes = check_setup(model.run, self._setup)
        return as_shown(self._setup, model.run, model.space), notes

    def read(self) -> Run:
        """The run to explore; called in a thread."""
        from selectllm_engine.api import load
        from selectllm_engine.store import open_cache
        from selectllm_tui.cache_activity import contents
        from selectllm_tui.resume import last_benchmark

        cache = open_cache(self._cache)
        wanted = self._benchmark
        if wanted is None and self._resume and (last := last_benchmark(cache.root)) in cache.benchmarks():
            wanted = last
        benchmark = cache.choose(wanted)
        self._seen = contents(cache, benchmark)  # before it is read: what comes meanwhile is new
        return load(benchmark, cache, progress=self._tell)

    def _tell(self, done: int, total: int) -> None:
        self.post_message(self.Progress(done, total))

    @on(Progress)
    def _progress(self, message: Progress) -> None:
        if isinstance(self.screen, LoadingScreen):
            self.screen.progress(message.done, message.total)
        elif (main := self.main) is not None:
            main.extracting(message.done, message.total)

    @on(Loaded)
    async def _loaded(self, message: Loaded) -> None:
        from selectllm_tui.screens.main import MainScreen
        from selectllm_tui.shown_setup import ShownSetup
        from selectllm_tui.state import State
        from selectllm_tui.view import View

        benchmark, space, main = message.model.space.benchmark, message.model.space, self.main
        if main is None:
            self._benchmark = benchmark
            state = self._recalled(message.model) or State(message.setup or ShownSetup.of(space))
            if self._wishes.start is not None:
                state = state.look(tab=self._wishes.start)
        elif benchmark != self._benchmark:
            return  # another was asked for meanwhile
        elif benchmark == main.model.space.benchmark:
            main.reload(message.model)
            return
        else:
            self._remember()
            before = main.model.space.benchmark
            self._left[before] = main.state.left(self._opened_by)
            if (left := self._left.get(benchmark)) is not None:
                state = left.fit(space)
            else:
                view = View(tab=main.state.view.tab, bare=main.state.view.bare)
                state = self._recalled(message.model) or State(ShownSetup.of(space), view)
            state = state.entered(self._opened_by, before)
            while self.screen is not main:
                await self.pop_screen()
        await self.switch_screen(MainScreen(message.model, state.look(wished=self._wishes.columns), message.notes))

    def _recalled(self, model: Model) -> State | None:
        """The state in which the benchmark was left last time, where one asked for that; sets the theme of then."""
        from selectllm_tui.resume import recall

        if not self._resume or (found := recall(model.run.cache.root, model.run.benchmark, model.space)) is None:
            return None
        state, theme = found
        if theme in self.available_themes and self._wishes.theme is None:
            self.theme = theme
        return state

    @property
    def main(self) -> MainScreen | None:
        """The main screen, where there is one."""
        from selectllm_tui.screens.main import MainScreen

        return next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)

    @on(Failed)
    async def _failed(self, message: Failed) -> None:
        if (main := self.main) is not None:
            self._benchmark = main.model.space.benchmark
            main.busy(False)
            main.unread(str(message.error))
            return
        if self._setup is not None:
            self.refusal = message.error
            self.exit()
            return
        await self.switch_screen(ProblemScreen(message.error.problem, message.error.remedy, message.benchmarks))

    @on(ProblemScreen.Picked)
    async def _picked(self, message: ProblemScreen.Picked) -> None:
        self._benchmark, self._opened_by = message.benchmark, message.by
        await self.action_reload()

    async def action_reload(self) -> None:
        """Reads the cache again; a run that is on the screen stays there meanwhile."""
        if isinstance(self.screen, ProblemScreen):
            await self.switch_screen(LoadingScreen())
        self.load_run()

    def action_command_palette(self) -> None:
        """Everything by name, where there is something to command."""
        if (main := self.main) is not None and self.screen is main:
            from selectllm_tui.palette import Palette

            self.push_screen(Palette())

    def copy_to_clipboard(self, text: str) -> None:
        """Copies a text; nothing never takes the place of what is on the clipboard."""
        if text:
            super().copy_to_clipboard(text)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters; without colours every segment gets a style first."""
        filters = [*super().get_line_filters(), *([AsciiGlyphs()] if self._wishes.ascii else [])]
        return [_Styled(), *filters] if self.no_color else filters

    def exit(self, *args: Any, **kwargs: Any) -> None:
        """Leaves, and remembers where."""
        self._remember()
        super().exit(*args, **kwargs)
        self.leaving = self._return_code or 0

    def _remember(self) -> None:
        if (main := self.main) is not None:
            from selectllm_tui.resume import remember

            run = main.model.run
            remember(run.cache.root, run.benchmark, main.state, self.theme)

    def _fatal_error(self) -> None:
        """Instead of Textual's traceback: the setup and a report are kept, and whoever ran this says where."""
        error = self._exception or RuntimeError("unknown")
        if self._exit:  # what goes wrong while parts of the screen are taken away harms nobody any more
            self._return_code = self.leaving
        elif self.crash is None:
            self.crash = CrashError(error, save_report(error, self._facts()))
            self._remember()
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:  # noqa: ARG002
        """As for any other error; Textual calls this for those that draw themselves and for its threads."""
        self._return_code = 1
        self._fatal_error()

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {
            "terminal": f"{self.size.width} x {self.size.height}, {self.console.color_system}",
            "theme": self.theme,
            "screens": " > ".join(type(screen).__name__ for screen in self.screen_stack),
        }
        if (main := self.main) is not None:
            facts |= {"setup": main.state.setup, "view": main.state.view}
        return facts

    def action_exit(self) -> None:
        """Leaves."""
        self.exit()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours that other themes than our own leave out."""
        return FALLBACK
