"""State transitions are pure, undoable and never leave what the run offers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.errors import UsageError
from selectllm_engine.llms import Pool
from selectllm_tui.keymap import COMMANDS
from selectllm_tui.preconditions import Context
from selectllm_tui.shown_setup import ShownSetup, Slider, Space
from selectllm_tui.state import State
from selectllm_tui.tabs import TABS
from selectllm_tui.view import FILTERS

SPACE = Space(
    benchmark="fake",
    llms=("a", "b", "c"),
    routers=("knn:tfidf", "prior"),
    policies={
        "argmax": None,
        "threshold": Slider("τ", 0.0, 1.0, 0.05, 0.6),
        "top-m": Slider("m", 1, 3, 1, 2),
    },
    samples=5,
    splits=("train", "validation", "test"),
)
START = State(ShownSetup.of(SPACE))
TRANSITIONS = {command.name: command.do for command in COMMANDS if command.do is not None}
TRANSITIONS |= {"undo": lambda context: context.state.undo(), "redo": lambda context: context.state.redo()}
KEYS = st.sampled_from(
    [
        *(
            name
            for name in TRANSITIONS
            if name not in {"toggle_here", "only", "sort", "reverse", "measure"}
            and not name.startswith(("llm_", "column"))  # these ask for a table, see test_columns
        )
    ]
    + [f"llm_{number}" for number in (1, 2, 3, 4)]
)


def pressed(state: State, keys: list[str]) -> State:
    for name in keys:
        try:
            state = TRANSITIONS[name](Context(state=state, space=SPACE))
        except UsageError:
            continue
    return state


def test_an_explorer_starts_with_everything_on() -> None:
    setup = START.setup
    assert (setup.pool.names, setup.router, setup.policy) == (SPACE.llms, "knn:tfidf", "argmax")
    assert (setup.k, setup.split, setup.protocol) == (5, "test", "corrected")


@given(st.lists(KEYS, max_size=12), st.sampled_from([1, 2, 3]))
def test_toggling_twice_changes_nothing(keys: list[str], number: int) -> None:
    state = pressed(START, keys)
    try:
        once = TRANSITIONS[f"llm_{number}"](Context(state=state, space=SPACE))
    except UsageError:
        return
    assert TRANSITIONS[f"llm_{number}"](Context(state=once, space=SPACE)).setup == state.setup


@given(st.lists(KEYS, max_size=20))
def test_undo_returns_through_every_setup_to_the_first_and_redo_goes_back(keys: list[str]) -> None:
    keys = [key for key in keys if key not in {"undo", "redo"}]
    state = pressed(START, keys)
    steps = len(state.past)
    back = state
    for _ in range(steps):
        back = back.undo()
    assert (back.setup, back.marks) == (START.setup, {})
    assert back.undo() is back
    for _ in range(steps):
        back = back.redo()
    assert (back.setup, back.marks) == (state.setup, state.marks)
    assert back.redo() is back


@given(st.lists(KEYS, max_size=30))
def test_no_keys_lead_out_of_what_the_run_offers(keys: list[str]) -> None:
    state = pressed(START, keys)
    setup = state.setup
    assert setup.pool.names
    assert setup.router in SPACE.routers
    assert setup.policy in SPACE.policies
    assert 1 <= setup.k <= SPACE.samples
    assert setup.split in SPACE.splits
    for name, value in setup.parameters:
        slider = SPACE.policies[name]
        assert slider is not None
        assert slider.low <= value <= slider.high
    assert setup.fit(SPACE) == setup
    assert state.view.tab in TABS
    assert state.view.filter in {None, *FILTERS}


@given(st.lists(KEYS, max_size=12))
def test_what_is_looked_at_changes_no_figure_and_no_history(keys: list[str]) -> None:
    state = pressed(START, keys)
    looked = pressed(state, ["tab_next", "filter_misrouted", "tab_questions"])
    assert (looked.setup, looked.past, looked.before) == (state.setup, state.past, state.before)


def test_sliders_step_on_their_grid_and_stop_at_their_ends() -> None:
    setup = START.setup.with_policy(SPACE, 1)
    assert setup.policy == "threshold"
    assert setup.with_parameter(SPACE, 1).parameter == pytest.approx(0.65)
    assert setup.with_parameter(SPACE, 100).parameter == 1.0
    assert setup.with_parameter(SPACE, -100).parameter == 0.0
    assert START.setup.with_parameter(SPACE, 1) == START.setup


def test_switching_policies_keeps_their_parameters() -> None:
    setup = START.setup.with_policy(SPACE, 1).with_parameter(SPACE, -2)
    assert setup.with_policy(SPACE, 1).with_policy(SPACE, -1).parameter == pytest.approx(0.5)


def test_the_change_is_measured_against_the_setup_before_the_last_key() -> None:
    one = START.change(START.setup.toggle("a"))
    assert one.before == START.setup
    assert one.undo().before == one.setup
    assert one.undo().redo().before == START.setup


def test_a_setup_fits_a_run_that_has_grown() -> None:
    more = Space(
        **{**{name: getattr(SPACE, name) for name in SPACE.__slots__}, "llms": ("a", "b", "c", "d"), "samples": 8}
    )
    setup = START.setup.toggle("b").fit(more)
    assert setup.pool.names == ("a", "c", "d")
    assert setup.k == 5


def test_a_setup_fits_a_run_that_has_shrunk() -> None:
    less = Space("fake", ("x",), (), {"argmax": None}, 0, ("test",))
    setup = START.setup.fit(less)
    assert (setup.pool, setup.router, setup.k) == (Pool.of(("x",)), None, 0)
