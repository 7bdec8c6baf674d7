"""The screen under the tabs: side panel, header, footer and tabs show one state, and what workers find out about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.store import changed
from selectllm_tui.keys import keys_in
from selectllm_tui.mark_changes import differences, merged_changes
from selectllm_tui.preconditions import Context
from selectllm_tui.screens.message import ProblemScreen
from selectllm_tui.screens.workers import (
    AllComputed,
    Computed,
    Copied,
    Listed,
    MarksSaved,
    Routable,
    Saved,
    ScreenThreads,
    SetupSaved,
    Ticked,
    Watched,
)
from selectllm_tui.snapshots.headline import Headline
from selectllm_tui.snapshots.questions import Questions
from selectllm_tui.tabs import TABS
from selectllm_tui.themes import BREAKPOINTS, LOW
from selectllm_tui.untrusted import safe
from selectllm_tui.widgets.formats import decimals
from selectllm_tui.widgets.header import Header, Heading
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.side import PoolStrip, Side
from selectllm_tui.widgets.tabs import Tab, make_tab

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.worker import WorkType

    from selectllm_engine.store import Change, Mark
    from selectllm_tui.cache_activity import SamplingActivity
    from selectllm_tui.shown_setup import ShownSetup, Space
    from selectllm_tui.snapshots.facts import Facts
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.state import Opener, State

__all__ = ["StateScreen"]

WATCH_EVERY = 3.0
PAUSE = 5.0  # seconds at least between two times that new results are read by themselves
MOST_SENT = 1_000_000  # characters that the terminal is sent for its clipboard
SEPARATORS = (" ── ", " ─ ", "  ", "·")  # between the titles of tabs, the widest that fits


class StateScreen(Screen[None]):
    """Side panel, tabs, header and footer over one state. What keys do to it, the main screen says.

    Attributes:
        model: the loaded run.
        state: what is shown.
        notes: what is to be said of the setup that it was opened with.
        threads: what computes it.
        failure: why the last figures could not be computed; empty where they could.
    """

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    VERTICAL_BREAKPOINTS = LOW
    DEFAULT_CSS = """
    StateScreen { layout: vertical; }
    #body { height: 1fr; }
    #main { width: 1fr; border: round $line; padding: 0 1; border-title-color: $foreground 62%; }
    #main:focus-within { border: round $accent; }
    #tabs { height: 1fr; }
    """

    def __init__(self, model: Model, state: State, notes: Sequence[str] = ()) -> None:
        super().__init__()
        self.model = model
        self.state = replace(state, marks=model.marks)
        self.kept: dict[str, Change] = {}  # changes of marks that the cache doesn't take
        self.notes = notes
        self.threads = ScreenThreads(self, self.busy)
        self.most_sent = MOST_SENT
        self.failure = ""
        self.headline: Headline | None = None
        self.facts: Mapping[str, Facts] = {}
        self.facts_of: tuple[object, ...] = ()
        self._panel: tuple[ShownSetup, Space, Mapping[str, Facts], tuple[str, ...] | None, bool, str] | None = None
        self._edge = ""
        self.pointed = ""  # the column under the mouse
        self.listing: Questions | None = None
        self.steps = 0  # to the next question, once it is known which that is
        self.running: tuple[SamplingActivity, ...] = ()
        self.new = False
        self.followed = Followed()
        self.saved: tuple[ShownSetup, Path] | None = None  # the setup that was saved last, and where
        self.routable: tuple[str, ...] | None = None  # routers that can read a new text; None until that is known

    def compose(self) -> ComposeResult:
        """Header, side panel, tabs, footer."""
        yield Header()
        yield PoolStrip()
        with Horizontal(id="body"):
            yield Side()
            with Vertical(id="main"):
                yield ContentSwitcher(id="tabs")
        yield KeyBar()

    async def on_mount(self) -> None:
        """Opens the tab of the state."""
        await self._open_tab(self.state.view.tab)
        self._show_setup()
        self._show_panel()
        self.compute()
        if told := "; ".join(self.notes) or self.model.advice:
            self.say(told, "accent" if self.model.recorded and not self.notes else "warn")
        self.set_interval(WATCH_EVERY, lambda: self.threads.watch(self.model))
        self.threads.watch(self.model)

    # State

    def set_state(self, state: State) -> None:
        """Another state: shows at once what is known, computes the rest."""
        old, self.state = self.state, state
        if state.setup != old.setup or state.view.pool != old.view.pool:
            self._show_setup()
        self._show_panel()
        if state.view.tab != old.view.tab:
            switch: WorkType[None] = partial(self._switch, state.view.tab)
            self.run_worker(switch, group="tabs", exclusive=True)  # a coroutine is made where it is awaited
        elif state.computed != old.computed:
            if self.tab is not None:
                self.tab.look(state, self.model.space)
            self.compute()
        if state.marks != old.marks:
            self.threads.save_marks(self.model.run, differences(old.marks, state.marks))
        self._arrange_columns()
        self.refresh_context()

    def _arrange_columns(self) -> None:
        """The columns of the tab that is open, as they are arranged."""
        if self.tab is not None and self.tab.id == f"tab-{self.state.view.tab}":
            self.tab.arrange_columns(self.state)
            self.show_edge()

    def extracting(self, done: int, total: int) -> None:
        """Says how far the answers of what is being read are extracted."""
        self.query_one(KeyBar).message = (f"extracting answers: {done:,} of {total:,}", "muted")

    def toggle(self, llm: str) -> None:
        """Switches an LLM by name, or says why it can't be switched."""
        try:
            self.set_state(self.state.change(self.state.setup.toggle(llm)))
        except SelectLLMError as error:
            self.say(str(error))

    def open_benchmark(self, name: str, by: Opener = "choice") -> None:
        """Asks for another benchmark; this one stays on the screen until that is read."""
        if name != self.model.space.benchmark:
            self.busy(True)
            self.say(f"reading {name} …", "accent")
            self.post_message(ProblemScreen.Picked(name, by))

    def compute(self) -> None:
        """Starts to compute what the state shows."""
        self.threads.compute(self.model, self.state)

    async def _switch(self, name: str) -> None:
        await self._open_tab(name)
        self.compute()

    @property
    def tab(self) -> Tab[Any] | None:
        """The tab on the screen."""
        found = self.query_one("#tabs", ContentSwitcher).visible_content
        return cast("Tab[Any] | None", found)

    async def _open_tab(self, name: str) -> None:
        switcher = self.query_one("#tabs", ContentSwitcher)
        if not switcher.is_attached:  # the explorer is being left
            return
        if not switcher.query(f"#tab-{name}"):
            switcher.mount(make_tab(name))  # not awaited: the next key cancels this, which may not leave half a tab
        while not all(tab.is_mounted for tab in switcher.query(f"#tab-{name}")):
            await asyncio.sleep(0.01)
        had_focus = self.focused is None or self.focused.screen is not self or self.query_one("#main").has_focus_within
        switcher.current = f"tab-{name}"
        self._title()
        tab, self.pointed = self.tab, ""
        if tab is not None:
            tab.look(self.state, self.model.space)
            self._arrange_columns()
            if had_focus:
                tab.focus_default()
        self.refresh_context()

    def _title(self) -> None:
        """The titles of the tabs; of the current one only where the width is not enough for all."""
        current = self.state.view.tab
        room = self.query_one("#main").outer_size.width - 6
        titles = {name: tab.title for name, tab in TABS.items()}
        taken, gaps = sum(map(len, titles.values())), len(titles) - 1
        separator = next((each for each in SEPARATORS if taken + len(each) * gaps <= room), None)
        shown = titles if separator is not None else {current: titles[current]}
        title = (separator or "").join(
            f"[@click=screen.show_tab('{name}')][{'bold $accent' if name == current else '$foreground'}]{title}[/][/]"
            for name, title in shown.items()
        )
        place = "" if separator is not None else f"  {list(TABS).index(current) + 1} of {len(TABS)}"
        self.query_one("#main").border_title = title + place

    def _show_panel(self) -> None:
        """The side panel; where a person wants none, the strip in its place."""
        if self.state.view.bare != self.has_class("-bare"):
            self.set_class(self.state.view.bare, "-bare")
            self.call_after_refresh(self._title)

    def action_show_tab(self, name: str) -> None:
        """Opens a tab (a click on its title)."""
        self.set_state(self.state.look(tab=name))

    def on_resize(self) -> None:
        """Fits the titles of the tabs to the width that is left once the side panel came or went."""
        self.call_after_refresh(self._title)

    def on_screen_resume(self) -> None:
        """The terminal may have been resized under a dialog."""
        self.call_after_refresh(self._title)

    def follow(self) -> None:
        """Reads new results where that is wanted and the last time is long enough ago."""
        if self.new and self.state.view.follow and self.followed.begin(monotonic()):
            self.run_worker(self.app.run_action("app.reload"))

    def unread(self, problem: str) -> None:
        """Says why a run could not be read again."""
        self.followed.end(monotonic())
        self.busy(False)
        self.say(problem)

    def reload(self, model: Model) -> None:
        """Shows a run that was read again, as nearly as possible in the same setup."""
        followed = self.followed.end(monotonic())
        had_routers, self.model = bool(self.model.space.routers), model
        self.listing, self.new, self.steps, self.routable = None, False, 0, None
        before = self.state.setup.split
        if not had_routers and model.space.routers:  # trained meanwhile
            self.state = replace(self.state, setup=replace(self.state.setup, router=model.space.routers[0]))
        self.state = self.state.fit(model.space)
        self._take_marks(model.marks)
        self._show_setup()
        self.compute()
        self.threads.watch(self.model)
        if self.state.setup.split != before:
            self.say(f"{before} has no complete question: this is {self.state.setup.split}")
        elif not followed:
            self.say(self.model.advice or "read again", "accent")

    # Showing

    def _show_setup(self) -> None:
        """What a setup says without any computing: marks, sliders, names."""
        setup, search = self.state.setup, self.state.view.pool
        weighed = any(each.weight is not None for each in self.facts.values())
        last = weighed and self.facts_of != _weighed(setup)
        panel = (setup, self.model.space, self.facts, self.routable, last, search)
        if panel != self._panel:  # figures come for every key, and most of them change nothing here
            self._panel = panel
            self.query_one(Side).show(*panel[:4], last=last, search=search)
        strip = self.query_one(PoolStrip)
        strip.setup, strip.facts, strip.search = setup, self.facts, search
        self.show_edge()
        self._show_heading(setup)

    def show_edge(self) -> None:
        """At the frame's lower edge the column under mouse or cursor, how many are hidden, and the split's badge."""
        split, arranged, tab = self.state.setup.split, self.state.view.arranged, self.tab
        table, column = tab and tab.table, self.pointed or (tab.column if tab is not None else "")
        parts = [
            f"[$accent]{safe(table.title_of(column), limit=60)}[/]" if table and column else "",
            f"[$foreground 62%]{len(arranged.hidden)} hidden[/]" if arranged.hidden else "",
            "" if split == "test" else f"[bold $background on $warning] figures of the {safe(split)} split [/]",
        ]
        edge = "  ".join(each for each in parts if each)
        if edge != self._edge:
            self._edge = edge
            self.query_one("#main").border_subtitle = edge

    def _note(self) -> str:
        """What to tell: why there are no figures, results that are just being made, what was passed over."""
        row = self.headline.row if self.headline is not None else None
        running = [f"{each.llm} {each.done:,}/{each.total:,}" for each in self.running]
        parts = [
            row.note or "" if row is not None and row.accuracy is None else "",
            f"sampling {', '.join(running)}" if running else "",
            f"new results: {keys_in(self.app).hint('reload')} reads" if self.new and not self.state.view.follow else "",
            self.model.note,
        ]
        return ", ".join(part for part in parts if part)

    def _show_heading(self, setup: ShownSetup) -> None:
        headline = self.headline
        self.query_one(Header).heading = Heading(
            benchmark=self.model.space.benchmark,
            questions=headline.questions if headline else 0,
            setup=setup,
            row=headline.row if headline else None,
            before=headline.before if headline else None,
            note=self._note(),
            recorded=self.model.recorded,
            digits=self.digits,
            symbol=knob.symbol if (knob := self.model.space.policies[setup.policy]) else "",
        )

    @property
    def digits(self) -> int | None:
        """Decimals of seconds everywhere on the screen: those of the LLMs'; None until they are known."""
        return decimals([each.latency for each in self.facts.values()]) if self.facts else None

    def busy(self, on: bool) -> None:
        """Shows, or shows no more, that something is being computed."""
        self.query_one(Header).busy = on
        if on:
            for tab in self.query(Tab):
                tab.wait(self.state)

    def say(self, text: str, style: str = "warn") -> None:
        """Writes a sentence into the footer for a moment."""
        self.query_one(KeyBar).say(text, style=style)

    # Keys that can act

    def await_llm(self, *, on: bool = True) -> None:
        """Takes the next key as that of an LLM, and says so; or no more."""
        leave = keys_in(self.app).hint("back")
        self.query_one(KeyBar).prefix = f"an LLM's digit or letter, {leave} leaves" if on else ""

    def context(self) -> Context:
        """What decides which commands can act."""
        tab, focused = self.tab, self.focused
        llm = focused.key if isinstance(focused, RowTable) and focused.id == "pool" else (tab.llm if tab else None)
        return Context(
            state=self.state,
            space=self.model.space,
            llm=llm or None,
            under=tab.table.key if tab and tab.table else None,
            row=tab.row if tab else None,
            subject=tab.subject if tab else None,
            columns=tab.table.reach if tab and tab.table else (),
            questions=len(self.listing.order) if self.listing and self.listing.lists(self.state) else None,
        )

    def refresh_context(self) -> None:
        """Dims and lights the footer's keys."""
        self.query_one(KeyBar).context = self.context()

    def on_descendant_focus(self) -> None:
        """Other keys can act in another part."""
        self.refresh_context()

    # Questions

    @property
    def counts(self) -> Mapping[str, int]:
        """How many questions each filter leaves; empty while that is not known."""
        return self.listing.counts if self.listing is not None and self.listing.counted(self.state) else {}

    def step(self, step: int) -> None:
        """To a question further on within the filter, as soon as it is known which questions these are."""
        self.steps += step
        if self.listing is not None and self.listing.lists(self.state):
            step, self.steps = self.steps, 0
            if step and (found := self.listing.neighbour(self.state.view, step)) is not None:
                self.set_state(self.state.look(question=found))

    def show_apart(self, state: State | None) -> None:
        """The questions that tell two setups apart, as a comparison has left them; nothing where it was left."""
        if state is not None:
            self.set_state(replace(self.state, pin=state.pin, view=state.view))

    # What the workers found

    @on(Watched)
    def _watched(self, message: Watched) -> None:
        if (message.running, message.new) != (self.running, self.new):
            self.running, self.new = message.running, message.new
            self._show_heading(self.state.setup)
        self.follow()

    @on(Computed)
    def _computed(self, message: Computed) -> None:
        if message.generation != self.threads.generation:
            return
        if isinstance(message.snapshot, Headline):
            self.headline = message.snapshot
            self.facts, self.facts_of = message.snapshot.facts, _weighed(self.state.setup)
            self._show_setup()
        else:
            if isinstance(message.snapshot, Questions):
                self.listing = message.snapshot
                self.step(0)
            for tab in self.query(f"#tab-{message.tab}").results(Tab):
                if not (tab.is_mounted and tab.children):  # just begun, or left: computed again where it is shown
                    continue
                tab.digits = self.digits
                tab.pinned = self.headline.pinned if self.headline is not None else None
                tab.show(message.snapshot, self.state)
            self.show_edge()
        self.refresh_context()

    @on(Routable)
    def _routable(self, message: Routable) -> None:
        self.routable = message.routers
        self._show_setup()

    @on(Listed)
    def _listed(self, message: Listed) -> None:
        from selectllm_tui.screens.filters import FilterScreen

        self.listing = message.snapshot
        self.refresh_context()
        for screen in self.app.screen_stack:
            if isinstance(screen, FilterScreen):
                screen.show(self.counts)

    @on(Ticked)
    def _ticked(self, message: Ticked) -> None:
        if message.generation == self.threads.generation and self.threads.computing:  # one may come after a stop
            self.query_one(KeyBar).message = (f"{message.done:,} of {message.total:,}", "muted")

    @on(AllComputed)
    def _finished(self, message: AllComputed) -> None:
        if not self.threads.computed(message.generation):
            return
        self.query_one(KeyBar).done()
        self.failure = message.error
        if self.routable is None:  # after what is on the screen: it may import libraries
            self.threads.find_routable(self.model)
        if message.error:
            self.say(message.error)

    @on(Saved)
    def _saved(self, message: Saved) -> None:
        if message.error:
            self.say(f"cannot save {message.name}: {message.error}")
        else:
            self.say(f"saved {message.name}", "accent")

    @on(SetupSaved)
    def _setup_saved(self, message: SetupSaved) -> None:
        if message.error:
            self.say(f"setup not saved: {message.error}")
            return
        self.saved = (message.setup, message.path)
        self.say(f"saved {message.path.absolute()}: selectllm tui --setup FILE opens it", "accent")

    def _take_marks(self, marks: Mapping[str, Mark]) -> None:
        """Marks as they are stored, with those changes that are not stored, or not yet."""
        self.state = replace(self.state, marks=changed(marks, merged_changes(self.kept, *self.threads.unsaved)))

    @on(MarksSaved)
    def _marks_saved(self, message: MarksSaved) -> None:
        self.threads.unsaved.remove(message.changes)
        if message.error:
            self.kept = merged_changes(self.kept, message.changes)
            self.say(f"kept until you leave, not in the cache: {message.error}")
            return
        before = self.state.marks
        self.kept = {name: each for name, each in self.kept.items() if name not in message.changes}
        self._take_marks(message.marks)
        if self.state.marks != before:  # somebody else's
            self.compute()
        for question_id, change in message.changes.items():
            what = "noted" if change.get("note") else "note taken away" if "note" in change else ""
            what = what or ("marked" if change.get("marked") else "marked no more")
            self.say(f"{what}: {question_id}", "accent")

    @on(Copied)
    def _copied(self, message: Copied) -> None:
        if message.error or not message.text:
            self.say(f"{message.name} not copied: {message.error or 'there is nothing to copy'}")
            return
        if sent := len(message.text) <= self.most_sent:
            self.app.copy_to_clipboard(message.text)
        parts = [f"in {' and '.join(message.took)}"] if message.took else []
        parts += ["sent to the terminal's clipboard, where it takes that (OSC 52)"] if sent else []
        self.say(f"{message.name}: {', '.join(parts) or 'too long for the terminal, and no tool took it'}", "accent")


@dataclass
class Followed:
    """When new results were read by themselves: reading may take a tenth of the time, and at most one does."""

    began: float | None = None
    next: float = 0.0

    def begin(self, now: float) -> bool:
        """Whether to read now."""
        if self.began is not None or now < self.next:
            return False
        self.began = now
        return True

    def end(self, now: float) -> bool:
        """It is read, or failed; whether it was by itself."""
        if self.began is None:
            return False
        self.next, self.began = now + max(PAUSE, 9 * (now - self.began)), None
        return True


def _weighed(setup: ShownSetup) -> tuple[object, ...]:
    """What the weights of a learned vote depend on."""
    return setup.pool.names, setup.vote, setup.k
