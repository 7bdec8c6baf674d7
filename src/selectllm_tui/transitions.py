"""What the keys that change the state do: for each such command a pure function from state to state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from selectllm_engine.errors import UsageError
from selectllm_tui.preconditions import Context
from selectllm_tui.state import FILTERS, LISTING, TABS, Setup, Space, State

__all__ = [
    "BEST_IS_MOST",
    "MEASURES",
    "SORTABLE",
    "SORTS",
    "TRANSITIONS",
    "Transition",
    "choose_policy",
    "choose_router",
]

Transition = Callable[[Context, str], State]

# What each tab can show, its own choice first, and the columns that `s` steps through (None: the tab's own order).
MEASURES: dict[str, tuple[str, ...]] = {
    "results": ("figures", "published"),
    "matrix": ("accuracy", "latency", "gap"),
    "tradeoff": ("latency", "cost"),
}
SORTS: dict[str, tuple[str | None, ...]] = {
    "results": (None, "accuracy", "latency", "gap", "name"),
    "questions": (None, "verdict", "right", "votes", "subject", "question_id"),
    "pools": (None, "accuracy", "latency", "size"),
}
# The columns by which a tab can be sorted; some only by a click on their head.
SORTABLE = {tab: {*columns} - {None} for tab, columns in SORTS.items()}
SORTABLE["results"] |= {"cost", "llms", "p"}
BEST_IS_MOST = {"accuracy", "gap"}  # columns that are sorted from the top first


def _setup(change: Callable[[Setup, Space], Setup]) -> Transition:
    def transition(context: Context, _: str) -> State:
        assert context.space is not None  # noqa: S101 - commands.why_not refuses before
        return context.state.change(change(context.setup, context.space))

    return transition


def _toggle(context: Context, key: str) -> State:
    run = context.setup.pool.run
    at = int(key) - 1
    if at >= len(run):
        raise UsageError(f"there is no LLM {key}", f"the run has {len(run)}")
    return context.state.change(context.setup.toggle(run[at]))


def _toggle_here(context: Context, _: str) -> State:
    assert context.llm is not None  # noqa: S101
    return context.state.change(context.setup.toggle(context.llm))


def _only(context: Context, _: str) -> State:
    assert context.llm is not None  # noqa: S101
    return context.state.change(context.setup.with_pool([context.llm]))


def _filter(name: str) -> Transition:
    def transition(context: Context, _: str) -> State:
        view = context.state.view
        if view.tab not in LISTING:  # whoever asks for such questions elsewhere wants to see them
            return context.state.look(filter=name, tab="questions")
        return context.state.look(filter=None if view.filter == name else name)

    return transition


def _tab(name: str) -> Transition:
    return lambda context, _: context.state.look(tab=name)


def _measure(context: Context, _: str) -> State:
    view = context.state.view
    names = MEASURES[view.tab]
    at = names.index(view.measure_of(view.tab, names[0]))
    return State.look(context.state, measures=view.measuring(view.tab, names[(at + 1) % len(names)]).measures)


def _sort(context: Context, _: str) -> State:
    view = context.state.view
    columns, current = SORTS[view.tab], view.sort_of(view.tab)
    at = columns.index(current[0]) if current and current[0] in columns else 0
    chosen = columns[(at + 1) % len(columns)]
    return context.state.look(sorts=view.sorted_by(view.tab, chosen, descending=chosen in BEST_IS_MOST).sorts)


def _reverse(context: Context, _: str) -> State:
    view = context.state.view
    column, descending = view.sort_of(view.tab) or (SORTS[view.tab][1], False)
    return context.state.look(sorts=view.sorted_by(view.tab, column, descending=not descending).sorts)


def choose_policy(state: State, name: str) -> State:
    """A policy picked by its row."""
    return state.change(replace(state.setup, policy=name))


def choose_router(state: State, name: str) -> State:
    """A router picked by its row."""
    return state.change(replace(state.setup, router=name))


TRANSITIONS: dict[str, Transition] = {
    "toggle": _toggle,
    "toggle_here": _toggle_here,
    "only": _only,
    "all": _setup(lambda setup, _: setup.with_pool(setup.pool.run)),
    "undo": lambda context, _: context.state.undo(),
    "redo": lambda context, _: context.state.redo(),
    "router": _setup(lambda setup, space: setup.with_router(space, 1)),
    "router_back": _setup(lambda setup, space: setup.with_router(space, -1)),
    "policy": _setup(lambda setup, space: setup.with_policy(space, 1)),
    "policy_back": _setup(lambda setup, space: setup.with_policy(space, -1)),
    "more": _setup(lambda setup, space: setup.with_parameter(space, 1)),
    "less": _setup(lambda setup, space: setup.with_parameter(space, -1)),
    "k_more": _setup(lambda setup, space: setup.with_k(space, 1)),
    "k_less": _setup(lambda setup, space: setup.with_k(space, -1)),
    "split": _setup(lambda setup, space: setup.with_split(space)),
    "protocol": _setup(lambda setup, _: setup.with_protocol()),
    "tab_next": lambda context, _: context.state.tab(1),
    "tab_back": lambda context, _: context.state.tab(-1),
    **{f"tab_{name}": _tab(name) for name in TABS},
    **{f"filter_{name.replace('-', '_')}": _filter(name) for name in FILTERS},
    "measure": _measure,
    "sort": _sort,
    "reverse": _reverse,
}
