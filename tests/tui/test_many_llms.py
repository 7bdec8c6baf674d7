"""LLMs at any number: a key each, a list that can be searched and switched at once, names without what all share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selectllm_engine.errors import UsageError
from selectllm_engine.llms import Pool
from selectllm_tui.app import ExplorerApp
from selectllm_tui.keymap import COMMANDS
from selectllm_tui.llm_names import LETTERS, families, key_of, matching, number_of, short_names
from selectllm_tui.palette import ExplorerCommands
from selectllm_tui.preconditions import Context, listed
from selectllm_tui.shown_setup import ShownSetup, Space
from selectllm_tui.snapshots.questions import listing
from selectllm_tui.state import State
from selectllm_tui.transitions import toggle, toggle_listed
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.side import PoolStrip
from tui.explorers import press, settled, type_ahead, until, write_routed_run

if TYPE_CHECKING:
    from pathlib import Path

NAMES = tuple(f"hub-{'gemma' if n % 2 else 'llama'}-{n}b-it" for n in range(12))
GEMMAS = NAMES[1::2]
SPACE = Space("fake", NAMES, (), {"argmax": None}, 3, ("test",))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of twelve LLMs."""
    root = tmp_path_factory.mktemp("many")
    write_routed_run(root, llms=NAMES)
    return root


def test_each_llm_has_a_key_of_its_own_that_moves_no_cursor() -> None:
    keys = [key_of(at) for at in range(60)]
    given = [key for key in keys if key]
    assert given[:11] == [*"123456789", "b", "c"]
    assert len(set(given)) == len(given) >= 45
    assert [number_of(key) for key in given] == [*range(len(given))]
    assert not any(map(number_of, ("", "0", "j", "k", "a", "x", "bc")))
    moving = {key for command in COMMANDS if command.scope == "table" for key in command.keys}
    assert not moving & set(LETTERS)


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (("gemma-2b-it", "gemma-7b-it"), ("2b", "7b")),
        (("hub/a-1", "hub/b-1"), ("a", "b")),
        (("gemma-7b", "gemma-7b-it"), ("7b", "7b-it")),
        (("gemma-", "gemma-it"), ("gemma-", "gemma-it")),  # nothing would be left of the first
        (("fake-10", "fake-11"), ("10", "11")),  # words are not cut
        (("alone-it",), ("alone-it",)),
        ((), ()),
    ],
)
def test_names_are_shown_without_the_words_that_all_share(names: tuple[str, ...], short: tuple[str, ...]) -> None:
    assert short_names(names) == short


def test_families_are_llms_whose_names_begin_alike() -> None:
    assert families(NAMES) == {"llama": NAMES[::2], "gemma": GEMMAS}
    assert families(("fake-a", "fake-b")) == {}
    assert families(("x-1", "x-2", "y")) == {"x": ("x-1", "x-2")}


def test_the_pool_is_searched_by_words_that_a_name_has_or_lacks() -> None:
    assert matching(NAMES, "GEMMA -1b -") == tuple(name for name in GEMMAS if "1b" not in name)
    assert matching(NAMES, "") == NAMES


def test_what_is_listed_is_switched_at_once_and_never_the_last() -> None:
    state = State(ShownSetup.of(SPACE)).look(pool="gemma")
    off = toggle_listed(Context(state, SPACE))
    assert off.setup.pool.names == NAMES[::2]
    assert off.undo().setup == state.setup
    some = off.change(off.setup.with_pool([NAMES[0], NAMES[1]]))
    assert toggle_listed(Context(some, SPACE)).setup.pool.names == (NAMES[0], *GEMMAS)
    assert listed(Context(state, SPACE)) is None
    assert "lists none" in listed(Context(state.look(pool="nobody"), SPACE))
    assert "at least one" in listed(Context(state.look(pool=""), SPACE))
    only = state.change(state.setup.with_pool(GEMMAS[:2]))
    assert listed(Context(only, SPACE)) is None  # the others of the list are switched on
    assert "at least one" in listed(Context(only.change(only.setup.with_pool(GEMMAS)), SPACE))


def test_a_letter_that_no_llm_has_is_refused() -> None:
    state = State(ShownSetup.of(SPACE))
    assert toggle(9)(Context(state, SPACE)).setup.pool == Pool.of(NAMES, set(NAMES) - {NAMES[9]})
    with pytest.raises(UsageError, match="no LLM f"):
        toggle(13)(Context(state, SPACE))


async def test_letters_switch_in_the_pool_alone_and_do_what_they_do_elsewhere(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="lessons"))
        await press(pilot, "b")  # rescued questions
        assert screen.state.view.filter == "rescued"
        assert len(screen.state.setup.pool) == 12
        screen.query_one("#pool").focus()
        await press(pilot, "b", "d")
        assert set(NAMES) - set(screen.state.setup.pool.names) == {NAMES[9], NAMES[11]}
        policy = screen.state.setup.policy
        await press(pilot, "p")  # no thirteenth LLM and beyond: the next policy
        assert screen.state.setup.policy != policy
        await press(pilot, "u", "u")
        assert NAMES[11] in screen.state.setup.pool


async def test_a_prefix_and_a_key_switch_an_llm_from_anywhere(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(40, 10)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "semicolon", "c")
        assert NAMES[10] not in screen.state.setup.pool
        await press(pilot, "semicolon", "2")
        assert NAMES[1] not in screen.state.setup.pool
        await press(pilot, "semicolon", "escape")
        assert len(screen.state.setup.pool) == 10
        assert screen.query_one(KeyBar).message is None


async def test_the_key_after_the_prefix_may_come_at_once_and_is_always_an_llm_s(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "f4")
        type_ahead(pilot, "semicolon", "b", "semicolon", "d", "semicolon", "1")
        await until(pilot, lambda: len(screen.state.setup.pool) == 9)
        await settled(pilot)
        assert set(NAMES) - set(screen.state.setup.pool.names) == {NAMES[0], NAMES[9], NAMES[11]}
        assert screen.state.view.filter is None  # b and d are filters, too
        bar = screen.query_one(KeyBar)
        for key, said in (
            ("j", "no LLM has the key j"),
            ("z", "there is no LLM z"),
            ("semicolon", "no LLM has the key ;"),
        ):
            cursor = screen.tab.table.cursor
            await press(pilot, "semicolon")
            assert "digit or letter" in bar.render_line(0).text
            await press(pilot, key)
            assert bar.message[0].startswith(said)
            assert bar.prefix == ""
            assert screen.tab.table.cursor == cursor


async def test_what_takes_the_keys_away_ends_the_wait_for_an_llm(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        bar = screen.query_one(KeyBar)
        await press(pilot, "semicolon", "ctrl+p", "escape", "2")
        assert bar.prefix == ""
        assert NAMES[1] not in screen.state.setup.pool
        await press(pilot, "semicolon")
        await pilot.click("#results", offset=(5, 3))
        await press(pilot, "b")
        assert bar.prefix == ""
        assert NAMES[9] in screen.state.setup.pool
        await press(pilot, "question_mark", "slash", *"from anywhere, to switch", "enter", "enter")
        await until(pilot, lambda: bar.prefix != "")
        await press(pilot, "b")
        assert NAMES[9] not in screen.state.setup.pool


async def test_the_pool_lists_what_is_searched_and_switches_it(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        pool = screen.query_one("#pool")
        pool.focus()
        await press(pilot, "slash", *"gemma", "enter", "ampersand")
        assert [pool.rows.key(at) for at in range(len(pool.rows))] == list(GEMMAS)
        assert "6 of 12" in str(pool.border_title)
        assert screen.state.setup.pool.names == NAMES[::2]
        await press(pilot, "end", "space")  # the row under the cursor is the one that is meant
        assert NAMES[11] in screen.state.setup.pool
        await press(pilot, "escape")
        assert len(pool.rows) == 12
        assert screen.focused is pool
        await press(pilot, "slash", *"nobody", "enter", "ampersand", "down", "space", "x", "escape")
        assert len(pool.rows) == 12


async def test_where_there_is_no_side_panel_the_strip_shows_what_is_searched(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        strip = screen.query_one(PoolStrip)
        shown = "".join(span[0] for row in strip.entries(80) for _, spans in row for span in spans)
        assert "●b llama-10b" not in shown
        assert "●b gemma-9b" in shown  # without hub- and -it
        screen.set_state(screen.state.look(pool="gemma"))
        await until(pilot, lambda: [name for row in strip.entries(80) for name, _ in row] == list(GEMMAS))
        await press(pilot, "escape")
        assert screen.state.view.pool == ""


async def test_questions_are_headed_by_the_keys_and_found_by_them(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await settled(pilot)
        assert "1 2 3 4 5 6 7 8 9 b c d" in screen.tab.table.render_line(0).text
        by_letter = listing(screen.model, screen.state.look(search=";b+"))
        by_number = listing(screen.model, screen.state.look(search="10+"))
        assert by_letter.order.tolist() == by_number.order.tolist() != []
        assert listing(screen.model, screen.state.look(search=";Z+")).chips[0].problem == "there is no LLM ;Z"


async def test_the_palette_switches_a_family(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        entries = {name: do for name, _, do in ExplorerCommands(screen).entries()}
        entries["switch all gemma off"]()
        await settled(pilot)
        assert screen.state.setup.pool.names == NAMES[::2]
        names = [name for name, _, _ in ExplorerCommands(screen).entries()]
        assert "switch all gemma on" in names
        assert "search the pool" in names


async def test_a_search_of_the_pool_is_kept(many: Path) -> None:
    app = ExplorerApp(cache=many)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(pool="gemma"))
        await settled(pilot)
        await press(pilot, "q")
    app = ExplorerApp(cache=many, resume=True)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert len(screen.query_one("#pool").rows) == 6
