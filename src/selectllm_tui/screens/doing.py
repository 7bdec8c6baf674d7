"""What the keys do that is more than a new state: opening, searching, copying, leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectllm_tui.screens.main import MainScreen
    from selectllm_tui.state import State

__all__ = ["DOINGS"]


def open_row(screen: MainScreen) -> None:
    """Opens the row under the tab's cursor."""
    tab = screen.tab
    if tab is not None and tab.row is not None:
        screen.opened(tab.row)


def search(screen: MainScreen) -> None:
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


def filters(screen: MainScreen) -> None:
    """Offers the filters with their counts."""
    from selectllm_tui.screens.filters import FilterScreen

    def done(name: str | None) -> None:
        if name is not None:
            tab = screen.state.view.tab if screen.state.view.tab == "question" else "questions"
            screen.set_state(screen.state.look(filter=name or None, tab=tab))

    screen.app.push_screen(FilterScreen(screen.state.view.filter, screen.counts), done)


def subject(screen: MainScreen) -> None:
    """Steps through the subjects; after the last, all of them."""
    subjects = screen.subjects()
    if not subjects:
        screen.say("the questions have no subjects")
        return
    current = screen.state.view.subject
    at = subjects.index(current) + 1 if current in subjects else 0
    screen.set_state(screen.state.look(subject=subjects[at] if at < len(subjects) else None))


def _step(screen: MainScreen, step: int) -> None:
    listing = screen.listing
    if listing is None or not len(listing.order):
        return
    current = screen.state.view.question
    at = listing.find(current) if current is not None else None
    if at is None:
        at = 0 if screen.state.view.tab == "question" and step > 0 else -step if current is None else -1
    place = (at + step) % len(listing.order) if current is not None else 0
    screen.set_state(screen.state.look(question=listing.id_at(int(listing.order[place]))))


def back(screen: MainScreen) -> None:
    """From a question to the list, then out of search, subject and filter."""
    view = screen.state.view
    if view.tab == "question":
        screen.set_state(screen.state.look(tab="questions"))
    elif view.search:
        screen.set_state(screen.state.look(search=""))
    elif view.subject is not None:
        screen.set_state(screen.state.look(subject=None))
    elif view.filter is not None:
        screen.set_state(screen.state.look(filter=None))
    elif screen.tab is not None:
        screen.tab.focus_default()


def show_help(screen: MainScreen) -> None:
    """Explains the keys, those of the focused part first."""
    from selectllm_tui.screens.help import HelpScreen

    screen.app.push_screen(HelpScreen(screen.state.view.tab))


def leave(screen: MainScreen) -> None:
    """Leaves the explorer."""
    screen.app.exit()


DOINGS: dict[str, Callable[[MainScreen], None]] = {
    "open": open_row,
    "search": search,
    "filters": filters,
    "subject": subject,
    "next": lambda screen: _step(screen, 1),
    "previous": lambda screen: _step(screen, -1),
    "back": back,
    "help": show_help,
    "quit": leave,
}


def chosen(screen: MainScreen, table: str, key: str) -> State | None:
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
