"""What the keys that change the state do: for each such command a pure function from state to state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError
from selectllm_tui.llm_names import key_of
from selectllm_tui.preconditions import Context
from selectllm_tui.row_keys import RowKey
from selectllm_tui.state import State
from selectllm_tui.tabs import LISTING, TABS
from selectllm_tui.view import LLM_COLUMN, WIDEST

if TYPE_CHECKING:
    from selectllm_tui.shown_setup import ShownSetup, Space

__all__ = [
    "Transition",
    "choose_policy",
    "choose_router",
    "compare_with",
    "from_the_top",
    "hide_column",
    "mark",
    "move_column",
    "next_measure",
    "next_sort",
    "on_setup",
    "only",
    "open_tab",
    "reverse_sort",
    "search_alike",
    "show_columns",
    "switch_filter",
    "toggle",
    "toggle_here",
    "toggle_listed",
    "widen_column",
]

CELLS = 4  # by which a column gets wider
Transition = Callable[[Context], State]


def on_setup(change: Callable[[ShownSetup, Space], ShownSetup]) -> Transition:
    """A change of the setup within what the run offers."""

    def transition(context: Context) -> State:
        assert context.space is not None  # noqa: S101 - keymap_lookup.why_not refuses before
        return context.state.change(change(context.setup, context.space))

    return transition


def toggle(at: int) -> Transition:
    """Switches the LLM at a place of the run."""

    def transition(context: Context) -> State:
        run = context.setup.pool.run
        if at >= len(run):
            raise UsageError(f"there is no LLM {key_of(at)}", f"the run has {len(run)}")
        return context.state.change(context.setup.toggle(run[at]))

    return transition


def toggle_here(context: Context) -> State:
    """Switches the LLM under the cursor."""
    assert context.llm is not None  # noqa: S101
    return context.state.change(context.setup.toggle(context.llm))


def toggle_listed(context: Context) -> State:
    """Switches all LLMs that the pool lists off; on where one of them is off."""
    setup, listed = context.setup, context.state.listed
    off = set(listed) <= set(setup.pool.names)
    names = set(setup.pool.names) - set(listed) if off else {*setup.pool.names, *listed}
    return context.state.change(setup.with_pool(names))


def only(context: Context) -> State:
    """Leaves only the LLM under the cursor on."""
    assert context.llm is not None  # noqa: S101
    return context.state.change(context.setup.with_pool([context.llm]))


def switch_filter(name: str) -> Transition:
    """Lists only the questions of a filter; again: all."""

    def transition(context: Context) -> State:
        view = context.state.view
        if view.tab not in LISTING:  # whoever asks for such questions elsewhere wants to see them
            return context.state.look(filter=name, tab="questions")
        return context.state.look(filter=None if view.filter == name else name)

    return transition


def search_alike(context: Context) -> State:
    """Finds the questions that the LLM under the cursor answers, or those of the question's subject; again: all."""
    kind, name = ("by", context.llm) if context.llm else ("sub", context.subject or "")
    term = f'{kind}:"{name.partition(chr(34))[0]}"'
    view = context.state.view
    rest = view.search.replace(term, "") if term in view.search else f"{view.search} {term}"
    return context.state.look(search=" ".join(rest.split()), tab="questions")


def open_tab(name: str) -> Transition:
    """Opens a tab."""
    return lambda context: context.state.look(tab=name)


def compare_with(context: Context) -> State:
    """Compares the rows with the one under the cursor."""
    from selectllm_engine.setups import NO_ROUTER

    setup = context.setup
    if not context.under:
        return context.state.change(setup.with_reference(setup.against))
    key = RowKey.parse(context.under)
    spec = setup.spec_of(key.name) if key.kind == "policy" else ""
    return context.state.change(setup.with_reference(key.printed(setup.router or NO_ROUTER, spec)))


def mark(context: Context) -> State:
    """Marks the question, or takes its mark away."""
    from selectllm_engine.store import Mark

    state, question = context.state, context.state.view.question or ""
    return state.marking(question, {"marked": not state.marks.get(question, Mark()).marked})


def next_measure(context: Context) -> State:
    """The next figure that the tab can show."""
    view = context.state.view
    names = TABS[view.tab].measures
    at = names.index(view.measure_of(view.tab, names[0]))
    return State.look(context.state, measures=view.measuring(view.tab, names[(at + 1) % len(names)]).measures)


def next_sort(context: Context) -> State:
    """Sorts the tab by the column under the cursor, again: in its own order; without one by the next column."""
    view = context.state.view
    if (under := context.column) is not None:
        if not TABS[view.tab].sorts_by(under):
            raise UsageError("rows are not sorted by this column", "{column_back} and {column_next} move to another")
        again = (view.sort_of(view.tab) or ("", False))[0] == under
        return context.state.look(
            sorts=view.sorted_by(view.tab, None if again else under, descending=from_the_top(view.tab, under)).sorts
        )
    columns, current = TABS[view.tab].sorts, view.sort_of(view.tab)
    at = columns.index(current[0]) if current and current[0] in columns else 0
    chosen = columns[(at + 1) % len(columns)]
    descending = chosen is not None and from_the_top(view.tab, chosen)
    return context.state.look(sorts=view.sorted_by(view.tab, chosen, descending=descending).sorts)


def from_the_top(tab: str, column: str) -> bool:
    """Whether a tab's rows are sorted from the greatest down when they are sorted by a column first."""
    return column in TABS[tab].downwards or column.startswith(LLM_COLUMN)


def move_column(step: int) -> Transition:
    """Moves the cursor to another column."""

    def transition(context: Context) -> State:
        keys = [key for key, _ in context.columns]
        at = keys.index(context.column) + step if context.column is not None else 0 if step > 0 else len(keys) - 1
        return context.state.arrange(under=keys[min(max(at, 0), len(keys) - 1)])

    return transition


def hide_column(context: Context) -> State:
    """Hides the column under the cursor, which moves to the one beside it."""
    keys = [key for key, _ in context.columns]
    at = keys.index(context.column or "")
    beside = keys[at + 1] if at + 1 < len(keys) else keys[at - 1]
    return context.state.arrange(under=beside, hidden=(*context.state.view.arranged.hidden, keys[at]))


def widen_column(step: int) -> Transition:
    """Gives the column under the cursor some cells more; those of LLMs are as wide as each other."""

    def transition(context: Context) -> State:
        key = context.column or ""
        of_llm = key.startswith(LLM_COLUMN)
        width = min(max(dict(context.columns)[key] + step * (1 if of_llm else CELLS), 1), WIDEST)
        widths = dict(context.state.view.arranged.widths) | {LLM_COLUMN if of_llm else key: width}
        return context.state.arrange(widths=tuple(widths.items()))

    return transition


def show_columns(context: Context) -> State:
    """The columns as the settings have them; where they are so, all as they were made, and the other way round."""
    arranged = context.state.view.arranged
    touched = arranged.hidden or arranged.widths
    return context.state.arrange(hidden=(), widths=(), all=arranged.all if touched else not arranged.all)


def reverse_sort(context: Context) -> State:
    """Turns the order of rows around."""
    view = context.state.view
    column, descending = view.sort_of(view.tab) or (context.column or TABS[view.tab].sorts[1], False)
    if column is not None and not TABS[view.tab].sorts_by(column):
        raise UsageError("rows are not sorted by this column", "{column_back} and {column_next} move to another")
    return context.state.look(sorts=view.sorted_by(view.tab, column, descending=not descending).sorts)


def choose_policy(state: State, name: str) -> State:
    """A policy picked by its row."""
    return state.change(replace(state.setup, policy=name))


def choose_router(state: State, name: str) -> State:
    """A router picked by its row."""
    return state.change(replace(state.setup, router=name))
