"""What the keys do that is more than a new state: for each such command the function `do_<name>`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from selectllm_engine.errors import SelectLLMError
from selectllm_tui.keys import keys_in
from selectllm_tui.screens.choice import Choice
from selectllm_tui.state import PINS, Elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selectllm_tui.commands import Command
    from selectllm_tui.screens.state_screen import StateScreen
    from selectllm_tui.state import State

__all__ = ["action", "chosen"]


def do_open(screen: StateScreen) -> None:
    """Opens the row under the tab's cursor: an LLM of a question by its generations."""
    from selectllm_tui.widgets.tabs.question import QuestionTab

    tab = screen.tab
    if isinstance(tab, QuestionTab) and tab.detail is not None and tab.llm is not None:
        from selectllm_tui.screens.generations import GenerationsScreen

        screen.app.push_screen(GenerationsScreen(screen.model.run, tab.detail, tab.llm))
    elif tab is not None and tab.row is not None:
        try:
            screen.set_state(tab.opened(tab.row, screen.state))
        except SelectLLMError as error:
            screen.say(str(error))


def do_side_by_side(screen: StateScreen) -> None:
    """What several LLMs wrote on the question, the one under the cursor first."""
    from selectllm_tui.screens.side_by_side import SideBySideScreen
    from selectllm_tui.widgets.tabs.question import QuestionTab

    tab = screen.tab
    if isinstance(tab, QuestionTab) and tab.detail is not None:
        screen.app.push_screen(SideBySideScreen(screen.model.run, tab.detail, tab.llm))
    else:
        screen.say("side by side: no question is open")


def do_note(screen: StateScreen) -> None:
    """Asks for a line to note on the question."""
    from selectllm_engine.store import Mark
    from selectllm_tui.screens.note import NoteScreen

    question = screen.state.view.question or ""

    def done(text: str | None) -> None:
        if text is not None:
            screen.set_state(screen.state.marking(question, {"note": text}))

    screen.app.push_screen(NoteScreen(question, screen.state.marks.get(question, Mark()).note), done)


def do_undo(screen: StateScreen) -> None:
    """Takes the last change back."""
    step = screen.state.past[-1]
    if isinstance(step, Elsewhere):
        screen.open_benchmark(step.benchmark, "undo")
    else:
        screen.set_state(screen.state.undo())


def do_redo(screen: StateScreen) -> None:
    """Makes again what undo took back."""
    step = screen.state.future[0]
    if isinstance(step, Elsewhere):
        screen.open_benchmark(step.benchmark, "redo")
    else:
        screen.set_state(screen.state.redo())


def do_search(screen: StateScreen) -> None:
    """Asks for a text while the list already narrows."""
    from selectllm_tui.screens.search import SearchScreen

    before = screen.state.view.search

    def look(text: str) -> None:
        screen.set_state(screen.state.look(search=text))

    def done(text: str | None) -> None:
        look(before if text is None else text)

    if screen.state.view.tab != "questions":
        screen.set_state(screen.state.look(tab="questions"))
    screen.app.push_screen(SearchScreen(before, look), done)


def do_search_pool(screen: StateScreen) -> None:
    """Asks for words while the pool already lists only the LLMs whose names have them."""
    from selectllm_tui.screens.search import SearchScreen

    before = screen.state.view.pool

    def look(text: str) -> None:
        screen.set_state(screen.state.look(pool=text))

    def done(text: str | None) -> None:
        look(before if text is None else text)

    screen.app.push_screen(SearchScreen(before, look, "word  -word", title="LLMs with"), done)


def do_switch_llm(screen: StateScreen) -> None:
    """Takes the next key as that of an LLM."""
    screen.await_llm()


def do_filters(screen: StateScreen) -> None:
    """Offers the filters with their counts."""
    from selectllm_tui.screens.filters import FilterScreen

    def done(name: str | None) -> None:
        if name is not None:
            tab = screen.state.view.tab if screen.state.view.tab == "question" else "questions"
            screen.set_state(screen.state.look(filter=name or None, tab=tab))

    screen.app.push_screen(FilterScreen(screen.state.view.filter, screen.counts), done)
    if not screen.counts:
        screen.threads.list_questions(screen.model, screen.state)


def do_group(screen: StateScreen) -> None:
    """Offers the groups of the listed questions."""
    from selectllm_tui.screens.groups import GroupScreen

    def done(group: tuple[str, str] | None) -> None:
        if group is not None:
            screen.set_state(screen.state.look(group=group, tab="questions"))

    screen.app.push_screen(GroupScreen(screen.model, screen.state), done)


def do_back(screen: StateScreen) -> None:
    """From a question to the list, then out of search, group, comparison and filter."""
    view = screen.state.view
    if view.tab == "recommend" and screen.threads.stop():
        screen.say("stopped: a slider, or the tab when it is opened again, goes on where it was")
    elif view.arranged.under is not None:
        screen.set_state(screen.state.arrange(under=None))
    elif view.tab == "question":
        screen.set_state(screen.state.look(tab="questions"))
    elif view.pool and (screen.focused is None or screen.focused.id == "pool"):
        screen.set_state(screen.state.look(pool=""))
    elif view.search:
        screen.set_state(screen.state.look(search=""))
    elif view.group is not None:
        screen.set_state(screen.state.look(group=None))
    elif view.cell is not None:
        screen.set_state(screen.state.look(cell=None))
    elif view.filter is not None:
        screen.set_state(screen.state.look(filter=None))
    elif view.pool:
        screen.set_state(screen.state.look(pool=""))
    elif screen.tab is not None:
        screen.tab.focus_default()


def do_pin(screen: StateScreen) -> None:
    """Pins the setup, or pins it no more."""
    screen.set_state(screen.state.toggle_pin())
    pins = len(screen.state.pins)
    if screen.state.setup in screen.state.pins:
        key = keys_in(screen.app).hint("compare")
        screen.say(f"pinned, {pins} of {PINS}: change something, then {key} compares", "accent")
    else:
        screen.say(f"pinned no more; {pins or 'none'} left", "accent")


def do_compare(screen: StateScreen) -> None:
    """The pinned setup and this one side by side; a question that is chosen there opens."""
    from selectllm_tui.screens.compare import CompareScreen

    screen.app.push_screen(CompareScreen(screen.model, screen.state, screen.digits), screen.show_apart)


def do_panel(screen: StateScreen) -> None:
    """Hides the side panel, or shows it."""
    if screen.has_class("-narrow"):
        screen.say("the terminal is too narrow for the side panel")
        return
    screen.set_state(screen.state.look(bare=not screen.state.view.bare))


def do_help(screen: StateScreen) -> None:
    """Explains the keys, those of the focused part first; the one that is chosen there is pressed."""
    from selectllm_tui.screens.help import HelpScreen
    from selectllm_tui.widgets.keybar import KeyBar

    def done(command: Command | None) -> None:
        if command is not None:
            screen.post_message(KeyBar.Pressed(command))

    part = screen.focused.id if screen.focused is not None else None
    screen.app.push_screen(HelpScreen(screen.state.view.tab, part or ""), done)


def do_quit(screen: StateScreen) -> None:
    """Leaves the explorer."""
    screen.app.exit()


def do_ask(screen: StateScreen) -> None:
    """Routes a question that a person types."""
    from selectllm_tui.screens.ask import AskScreen

    setup, space = screen.state.setup, screen.model.space
    readers = tuple(name for name in space.routers if screen.routable is None or name in screen.routable)
    screen.app.push_screen(AskScreen(screen.model.run, setup, replace(space, routers=readers)))


def do_copy(screen: StateScreen) -> None:
    """Asks what to copy: the key again takes the first."""
    from selectllm_tui.screens.choice import CopyScreen
    from selectllm_tui.screens.copies import copies

    found = copies(screen)

    def done(name: str | None) -> None:
        if name is not None:
            screen.threads.copy(found[name][0].name, found[name][1])

    choices = {name: choice for name, (choice, _) in found.items()}
    if choices:
        screen.app.push_screen(CopyScreen(choices), done)


FORMS = {
    "csv": Choice("CSV", "the table's values, for spreadsheets and notebooks"),
    "markdown": Choice("Markdown", "the table, for a document"),
    "svg": Choice("SVG", "the screen as it is"),
}


def do_export(screen: StateScreen) -> None:
    """Asks for a form, then saves the tab's table or the screen in the working directory."""
    from selectllm_tui.export import to_markdown
    from selectllm_tui.records import to_csv
    from selectllm_tui.screens.choice import ExportScreen

    tab = screen.tab
    rows, records = (tab.rows, tab.records) if tab is not None else (None, None)
    lacking = {"csv": records is None, "markdown": rows is None}

    def done(form: str | None) -> None:
        stem = f"selectllm-{screen.model.space.benchmark}-{screen.state.view.tab}"
        if form == "svg":  # drawn here: a thread that waits for the screen would never end if that has gone
            screen.call_after_refresh(
                lambda: screen.threads.save(stem, ".svg", partial(str, screen.app.export_screenshot()))
            )
        elif form == "csv" and records is not None:
            screen.threads.save(stem, ".csv", partial(to_csv, records))
        elif form == "markdown" and rows is not None:
            screen.threads.save(stem, ".md", partial(to_markdown, rows))

    screen.app.push_screen(ExportScreen({name: each for name, each in FORMS.items() if not lacking.get(name)}), done)


def do_save_setup(screen: StateScreen) -> None:
    """Asks for a name, then writes the setup to that file."""
    from selectllm_tui.screens.save import SaveScreen

    setup, (_, path) = screen.state.setup, screen.saved or (None, None)

    def done(path: Path | None) -> None:
        if path is not None:
            screen.threads.save_setup(screen.model.run, setup, path)

    screen.app.push_screen(SaveScreen("setup.toml" if path is None else str(path)), done)


def do_live(screen: StateScreen) -> None:
    """Shows what is being sampled."""
    from selectllm_tui.screens.live import LiveScreen

    screen.app.push_screen(LiveScreen(screen.model.run))


def do_follow(screen: StateScreen) -> None:
    """Reads new results by themselves from now on, or no more."""
    screen.set_state(screen.state.look(follow=not screen.state.view.follow))
    key = keys_in(screen.app).hint("reload")
    on = screen.state.view.follow
    screen.say("new results are read by themselves" if on else f"new results wait until {key} reads them", "accent")
    screen.follow()


def do_benchmarks(screen: StateScreen) -> None:
    """Offers the benchmarks of the cache."""
    from selectllm_tui.screens.benchmarks import BenchmarkScreen

    def done(name: str | None) -> None:
        if name is not None:
            screen.open_benchmark(name)

    screen.app.push_screen(BenchmarkScreen(screen.model.run.cache, screen.model.space.benchmark), done)


def do_reload(screen: StateScreen) -> None:
    """Reads the cache again."""
    screen.busy(True)
    screen.run_worker(screen.app.run_action("app.reload"))


def do_next(screen: StateScreen) -> None:
    """To the next question within the filter."""
    screen.step(1)


def do_previous(screen: StateScreen) -> None:
    """To the question before within the filter."""
    screen.step(-1)


def do_suspend(screen: StateScreen) -> None:
    """Back to the shell for a while."""
    screen.app.action_suspend_process()


def do_zoom_in(screen: StateScreen) -> None:
    """Looks closer at the plot."""
    _plot(screen, "zoom_in")


def do_zoom_out(screen: StateScreen) -> None:
    """Looks at the plot from further away."""
    _plot(screen, "zoom_out")


def do_zoom_reset(screen: StateScreen) -> None:
    """Brings all of the plot back into view."""
    _plot(screen, "reset_scales")


def _plot(screen: StateScreen, action: str) -> None:
    from selectllm_tui.widgets.plot import Plot

    for plot in screen.tab.query(Plot) if screen.tab is not None else ():
        getattr(plot, f"action_{action}")()


def chosen(screen: StateScreen, table: str, key: str) -> State | None:
    """The state after a row of the side panel was opened; None where it means nothing."""
    from selectllm_tui.transitions import choose_policy, choose_router

    match table:
        case "pool":
            return screen.state.change(screen.state.setup.toggle(key))
        case "routers" if key in screen.model.space.routers:
            return choose_router(screen.state, key)
        case "policies" if key in screen.model.space.policies:
            return choose_policy(screen.state, key)
    return None


def action(name: str) -> Callable[[StateScreen], None]:
    """What the command of that name does."""
    found: Callable[[StateScreen], None] = globals()[f"do_{name}"]
    return found
