"""Columns have a cursor, sort, hide and take another width; LLMs have one each, and all of it is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_tui.app import ExplorerApp
from selectllm_tui.keymap import COMMANDS
from selectllm_tui.preconditions import Context
from selectllm_tui.preferences import Preferences
from selectllm_tui.shown_setup import ShownSetup, Space
from selectllm_tui.snapshots.questions import listing
from selectllm_tui.state import State
from selectllm_tui.tabs import ARRANGED, TABS
from selectllm_tui.view import AS_MADE, Columns
from selectllm_tui.widgets.cells import Column, in_order
from selectllm_tui.widgets.columns import arranged, heads, in_order_of, in_view, marks_column, part_cells, places
from selectllm_tui.widgets.keybar import KeyBar
from tui.explorers import press, resize, settled, until

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_tui.screens.main import MainScreen

SPACE = Space("fake", ("a", "b", "c"), (), {"argmax": None}, 3, ("test",))
SHOWN = (("name", 20), ("accuracy", 8), ("latency", 7))
DO = {command.name: command for command in COMMANDS if command.section == "Columns"}
LLMS = tuple(f"hub-{name}-it" for name in ("alpha", "beta", "gamma"))


def on(state: State, name: str, shown: tuple[tuple[str, int], ...] = SHOWN) -> State:
    context = Context(state, SPACE, columns=tuple(each for each in shown if each[0] not in state.view.arranged.hidden))
    return state if DO[name].reason(context) else DO[name].do(context)


@given(st.lists(st.sampled_from(sorted(DO)), max_size=25))
def test_whatever_is_pressed_a_column_is_left_and_all_come_back(names: list[str]) -> None:
    state = State(ShownSetup.of(SPACE))
    for name in names:
        before, state = state, on(state, name)
        assert state.setup == before.setup
        assert not state.past
        assert len(set(state.view.arranged.hidden)) == len(state.view.arranged.hidden) < len(SHOWN)
        under = state.view.arranged.under
        assert under is None or under in dict(SHOWN) or under not in state.view.arranged.hidden
        assert all(1 <= width <= 200 for _, width in state.view.arranged.widths)
    back = on(state, "columns_all").view.arranged
    assert (back.hidden, back.widths) == ((), ())


def test_the_cursor_starts_at_the_end_that_it_comes_from_and_stays_within() -> None:
    state = State(ShownSetup.of(SPACE))
    assert on(state, "column_next").view.arranged.under == "name"
    assert on(state, "column_back").view.arranged.under == "latency"
    last = on(on(state, "column_back"), "column_next")
    assert last.view.arranged.under == "latency"
    assert on(last, "column_hide").view.arranged == Columns("accuracy", ("latency",))


def test_each_tab_has_columns_of_its_own() -> None:
    state = on(on(State(ShownSetup.of(SPACE)), "column_next"), "column_wider")
    assert state.view.arranged.widths == (("name", 24),)
    other = state.look(tab="pools")
    assert other.view.arranged == AS_MADE
    assert on(other, "column_next").look(tab="results").view.arranged == state.view.arranged
    assert state.computed == state.arrange(hidden=("name",)).computed  # nothing is computed for it


def test_a_chosen_width_is_kept_and_the_rest_gives_way() -> None:
    columns = (Column("name", "", 10, flex=1), Column("text", "", 30, flex=2, drop=1))
    shown = arranged(columns, Columns(widths=(("text", 40),)))
    assert (shown[1].width, shown[1].flex, shown[1].drop) == (40, 0, 0)
    assert [each.screen for each in arranged(columns, Columns(hidden=("name",)))] == [False, True]


def test_each_llm_has_a_column_that_is_headed_by_its_key_or_by_its_name() -> None:
    column = marks_column("right", LLMS)
    assert column.width == 5
    assert places([column], [5], 1) == [(f"llm:{name}", 2 * at) for at, name in enumerate(LLMS)]
    assert "".join(text for text, _ in heads(column, None, None)) == "1 2 3"
    assert "".join(text for text, _ in heads(column, None, (f"llm:{LLMS[0]}", True))) == "1▼2 3"
    wide = arranged([column], Columns(hidden=(f"llm:{LLMS[1]}",), widths=(("llm:", 5),)))[0]
    assert "".join(text for text, _ in heads(wide, None, None)) == "alpha gamma"
    marks = [("✓", "right"), ("✗", "wrong"), ("·", "muted")]
    assert "".join(text for text, _ in part_cells(marks, column.parts, wide, None)) == "✓     ·    "
    assert part_cells(marks, column.parts, wide, f"llm:{LLMS[2]}")[3] == ("·", "cell-cursor")
    none = arranged([column], Columns(hidden=column.parts))[0]
    assert not none.screen


def test_where_not_all_llms_have_room_the_one_under_the_cursor_has() -> None:
    columns = [Column("id", "", 4), marks_column("right", tuple("abcdefghijklmnopqrst")), Column("x", "", 9, drop=1)]
    assert in_view(columns, None, 40, 2) == columns
    for llm in "abcdefghijklmnopqrst":
        shown = in_view(columns, f"llm:{llm}", 16, 2)[1]
        assert f"llm:{llm}" in shown.parts
        assert (shown.width, len(shown.parts), shown.cut) == (10, 9, True)


def test_what_has_no_value_comes_last_either_way() -> None:
    items = [("a", 2), ("b", None), ("c", 1), ("d", 2)]
    assert [name for name, _ in in_order(items, lambda each: each[1], descending=True)] == ["a", "d", "c", "b"]
    assert [name for name, _ in in_order(items, lambda each: each[1], descending=False)] == ["c", "a", "d", "b"]


async def on_tab(pilot: object, tab: str) -> MainScreen:
    screen = await settled(pilot)
    screen.set_state(screen.state.look(tab=tab))
    return await settled(pilot)


def edge(screen: MainScreen) -> str:
    return str(screen.query_one("#main").border_subtitle)


async def test_questions_are_sorted_by_an_llm(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_tab(pilot, "questions")
        first = [screen.tab.table.rows.key(at) for at in range(3)]
        await press(pilot, "greater_than_sign", "greater_than_sign", "greater_than_sign", "s")
        assert "fake-b" in edge(screen)
        assert "2▼" in screen.tab.table.render_line(0).text
        shown = listing(screen.model, screen.state)
        marks = shown.judged.marks[shown.order, 1].tolist()
        assert marks == sorted(marks, reverse=True) != sorted(marks)
        await press(pilot, "S")
        shown = listing(screen.model, screen.state)
        marks = shown.judged.marks[shown.order, 1].tolist()
        assert marks == sorted(marks)
        await press(pilot, "s")  # again: the list's own order
        assert [screen.tab.table.rows.key(at) for at in range(3)] == first
        await press(pilot, "escape", "s")
        assert screen.state.view.sort_of("questions") == ("verdict", False)


@pytest.mark.parametrize("tab", ARRANGED)
async def test_every_column_can_have_the_cursor_be_sorted_by_hidden_and_copied(cache: Path, tab: str) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_tab(pilot, tab)
        table = screen.tab.table
        reach = [key for key, _ in table.reach]
        for key in reach:
            await press(pilot, "greater_than_sign")
            assert screen.state.view.arranged.under == key
            assert table.cell is not None
            await press(pilot, "s")
            sort = screen.state.view.sort_of(tab)
            if TABS[tab].sorts_by(key):
                assert sort is not None
                assert sort[0] == key
            elif TABS[tab].sorts:
                assert "not sorted by" in screen.query_one(KeyBar).message[0]
        while len(table.reach) > 1:  # what was dropped for want of room comes back meanwhile
            await press(pilot, "underscore")
        await press(pilot, "underscore")
        assert "only column" in screen.query_one(KeyBar).message[0]
        assert f"{len(screen.state.view.arranged.hidden)} hidden" in edge(screen)
        await press(pilot, "quotation_mark", "escape")
        assert [key for key, _ in table.reach] == reach
        assert screen.state.view.arranged == AS_MADE


@pytest.mark.parametrize(("width", "height"), [(20, 5), (80, 24)])
async def test_columns_are_arranged_on_any_screen(cache: Path, width: int, height: int) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(width, height)) as pilot:
        for tab in ARRANGED:
            screen = await on_tab(pilot, tab)
            await press(pilot, "less_than_sign", "less_than_sign", "vertical_line", "s", "underscore", "backslash")
            assert screen.state.view.arranged.under is not None
        await resize(pilot, 120, 40)
        await press(pilot, "greater_than_sign", "escape")


async def test_the_mouse_names_an_llm_and_its_head_sorts(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_tab(pilot, "questions")
        table = screen.tab.table
        left = dict(places(table._columns, table._widths, table.gap))["llm:fake-c"]
        await pilot.hover("#questions", offset=(left, 3))
        await until(pilot, lambda: "fake-c" in edge(screen))
        await pilot.hover("#filters", offset=(0, 0))
        await until(pilot, lambda: "fake-c" not in edge(screen))
        await pilot.click("#questions", offset=(left, 0))
        await settled(pilot)
        assert screen.state.view.sort_of("questions") == ("llm:fake-c", True)


async def test_the_edge_names_the_policy_that_the_matrix_s_cursor_is_on(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await on_tab(pilot, "matrix")
        policies = [column.key for column in screen.tab.table.rows.columns[1:]]
        await press(pilot, *["left"] * len(policies))
        for policy in policies:
            title = screen.tab.table.title_of(policy)
            assert title.startswith(policy)
            await until(pilot, lambda title=title: title in edge(screen))
            await press(pilot, "right")
        await press(pilot, "right_square_bracket")
        assert edge(screen) == ""


async def test_pools_are_sorted_by_an_llm_of_theirs(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_tab(pilot, "pools")
        screen.set_state(screen.state.look(sorts=(("pools", "llm:fake-b", True),)))
        await settled(pilot)
        rows = screen.tab.table.rows
        has = [rows.cells(at)[2][1][0] == "●" for at in range(len(rows))]
        assert has == sorted(has, reverse=True)
        assert 0 < sum(has) < len(has)


def test_chosen_columns_stand_in_their_order_and_those_off_the_screen_can_be_chosen() -> None:
    columns = (Column("a", "", 3), Column("b", "", 3), Column("c", "", 3, screen=False))
    assert in_order_of(columns, ("c", "gone", "a")) == [2, 0, 1]
    assert in_order_of(columns, ()) == [0, 1, 2]
    chosen = Columns(shown=("c", "a"), hidden=("a",))
    shown = arranged([columns[at] for at in in_order_of(columns, chosen.shown)], chosen)
    assert [(each.key, each.screen) for each in shown] == [("c", True), ("a", False), ("b", False)]


def test_what_the_settings_choose_lies_under_what_keys_do() -> None:
    wished = (("results", ("name", "latency", "accuracy")),)
    state = State(ShownSetup.of(SPACE)).look(wished=wished)
    assert state.view.arranged == Columns(shown=("name", "latency", "accuracy"))
    hidden = on(on(state, "column_next"), "column_hide")
    assert hidden.view.columns == (("results", Columns("accuracy", ("name",))),)  # what is kept says nothing of them
    assert hidden.view.arranged.shown == wished[0][1]
    back = on(hidden, "columns_all")
    assert back.view.arranged == Columns("accuracy", shown=wished[0][1])
    everything = on(back, "columns_all")
    assert everything.view.arranged == Columns("accuracy", all=True)
    assert on(everything, "columns_all") == back
    assert state.look(tab="pools").view.arranged == AS_MADE


@pytest.mark.parametrize("tab", ARRANGED)
async def test_each_tab_shows_the_columns_of_the_settings(cache: Path, tab: str) -> None:
    names = TABS[tab].columns
    plain = ExplorerApp(cache=cache)
    async with plain.run_test(size=(200, 40)) as pilot:
        screen = await on_tab(pilot, tab)
        await press(pilot, "B", "1")
        made = {each.key for each in screen.tab.table.rows.columns}
    # the rest is there only with prices, a learned vote, or the study's figures
    assert made <= {*names} <= made | {"cost", "weight", "published"}
    chosen = tuple(reversed(names))
    app = ExplorerApp(cache=cache, wishes=Preferences(columns=((tab, chosen),)))
    async with app.run_test(size=(300, 40)) as pilot:
        screen = await on_tab(pilot, tab)
        await press(pilot, "B", "1")
        table = screen.tab.table
        reach = [key for key, _ in table.reach]
        parts = {part: column.key for column in table.rows.columns for part in column.parts}
        assert [*dict.fromkeys(parts.get(key, key) for key in reach)] == [key for key in chosen if key in made]
        for at in range(len(reach)):  # each cell stands under its own head
            await press(pilot, "greater_than_sign")
            assert screen.state.view.arranged.under == reach[at]
            assert table.cell is not None
            if reach[at] not in {"interval", "bar", "votes"}:  # drawn by width
                assert table.cell[:5] in table.render_line(table.cursor + 1).text
    few = ExplorerApp(cache=cache, wishes=Preferences(columns=((tab, (names[0], names[2])),)))
    async with few.run_test(size=(120, 40)) as pilot:
        screen = await on_tab(pilot, tab)
        table = screen.tab.table
        shown = [column.key for column, width in zip(table._columns, table._widths, strict=True) if width]
        assert shown == [names[0], names[2]]
        await press(pilot, "quotation_mark")
        assert len(table.reach) > 2
        await press(pilot, "quotation_mark")
        assert len(dict.fromkeys(parts.get(key, key) for key, _ in table.reach)) == 2


async def test_what_a_key_asks_for_is_shown_whatever_the_settings_choose(cache: Path) -> None:
    wishes = Preferences(columns=(("results", ("name", "accuracy")), ("pools", ("marks", "pooled"))))
    app = ExplorerApp(cache=cache, wishes=wishes)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        screen = await press(pilot, "B", "1")
        assert [key for key, _ in screen.tab.table.reach] == ["name", "accuracy", "pinned"]
        screen = await on_tab(pilot, "pools")
        assert [key for key, _ in screen.tab.table.reach][-2:] == ["pooled", "pinned"]
        await press(pilot, "less_than_sign", "underscore")
        assert screen.tab.table.reach[-1][0] == "pooled"


async def test_keys_change_columns_of_the_settings_and_that_is_resumed(cache: Path) -> None:
    wishes = Preferences(columns=(("results", ("name", "latency", "accuracy", "delta")),))
    app = ExplorerApp(cache=cache, wishes=wishes)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, *["greater_than_sign"] * 3, "underscore", "vertical_line", "q")
    other = replace(wishes, columns=(("results", ("name", "delta", "accuracy", "latency")),))
    app = ExplorerApp(cache=cache, resume=True, wishes=other)  # the file was edited meanwhile
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert [key for key, _ in screen.tab.table.reach] == ["name", "delta", "latency"]
        assert screen.state.view.arranged.widths == (("delta", 10),)
        head = screen.tab.table.render_line(0).text
        assert head.index("Δ") < head.index("seconds")


async def test_what_was_arranged_is_resumed_and_survives_an_llm_that_went(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await on_tab(pilot, "questions")
        screen.set_state(
            screen.state.arrange(under="verdict", hidden=("llm:gone", "llm:fake-a"), widths=(("text", 9),))
        )
        screen.set_state(screen.state.look(sorts=(("questions", "llm:gone", True),)))
        await settled(pilot)
        await press(pilot, "q")
    app = ExplorerApp(cache=cache, resume=True)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        reach = dict(screen.tab.table.reach)
        assert "llm:fake-a" not in reach
        assert reach["text"] == 9
        assert screen.context().column == "verdict"
        assert len(screen.tab.table.rows) == 40
