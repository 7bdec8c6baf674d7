"""Generations side by side: which columns there are, what is marked in them, and that they fit small terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_tui.app import ExplorerApp
from selectllm_tui.passages import MOST_WORDS, in_all, overlaid, words_apart
from selectllm_tui.screens.search import SearchScreen
from selectllm_tui.screens.side_by_side import FEWEST, MOST, SideBySideScreen, shown_columns
from tui.explorers import main_of, press, resize, settled, until, write_hostile_run
from tui.test_comparing import text_of

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

WORDS = st.lists(st.sampled_from(["so", "the", "answer", "is", "B", "7"]), max_size=12).map(" ".join)


async def opened(pilot: Pilot[None], *keys: str) -> SideBySideScreen:
    """The screen of the first question, once its generations are read."""
    main = await settled(pilot)
    main.set_state(main.state.look(tab="question"))
    await settled(pilot)
    await press(pilot, *keys, "T")
    screen = pilot.app.screen
    assert isinstance(screen, SideBySideScreen)
    await until(pilot, lambda: all(screen._sample(llm) for llm in screen._columns))
    await settled(pilot)
    return screen


@given(WORDS, WORDS)
def test_what_is_not_apart_is_common_to_both_in_the_same_order(first: str, other: str) -> None:
    one, two = words_apart(first, other)

    def kept(text: str, places: list[tuple[int, int]]) -> list[str]:
        apart = {at for place in places for at in range(*place)}
        return "".join(" " if at in apart else char for at, char in enumerate(text)).split()

    assert kept(first, one) == kept(other, two)
    assert words_apart(first, first) == ([], [])


def test_words_apart_are_counted_up_to_a_limit() -> None:
    many = "same " * MOST_WORDS
    assert words_apart(f"{many}one", f"{many}other") == ([], [])
    assert words_apart("a b c", "a x c d") == ([(2, 3)], [(2, 3), (6, 7)])


@given(st.text(max_size=30), st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=3)))
def test_a_text_in_spans_is_the_text_and_the_last_layer_holds(text: str, layers: list[list[tuple[int, int]]]) -> None:
    clipped = [[(min(a, len(text)), min(b, len(text))) for a, b in map(sorted, places)] for places in layers]
    named = [(places, str(number)) for number, places in enumerate(clipped)]
    expected = ["plain"] * len(text)
    for places, style in named:
        for place in places:
            for at in range(*place):
                expected[at] = style
    spans = overlaid(text, named)
    assert "".join(part for part, _ in spans) == text
    assert [style for part, style in spans for _ in part] == expected


def test_places_in_all_lists() -> None:
    assert in_all([[(0, 5), (8, 9)], [(2, 9)], [(0, 3), (4, 9)]]) == [(2, 3), (4, 5), (8, 9)]


@pytest.mark.parametrize(
    ("wanted", "active", "width", "shown"),
    [(4, 0, 200, [0, 1, 2, 3]), (4, 3, 80, [0, 1, 3]), (3, 2, 55, [0, 2]), (2, 1, 20, [1]), (2, 0, 1, [0])],
)
def test_the_first_and_the_active_column_are_shown(wanted: int, active: int, width: int, shown: list[int]) -> None:
    assert shown_columns(wanted, active, width) == shown


async def test_columns_samples_and_llms_are_stepped_through(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(200, 50)) as pilot:
        screen = await opened(pilot, "down")
        first = screen._columns[0]
        assert first == main_of(pilot).tab.llm
        assert "gold" in text_of(pilot)
        assert all(sample.text.split()[0] in text_of(pilot) for sample in map(screen._sample, screen._columns))
        before = screen._sample(first)
        await press(pilot, "n")
        assert screen._sample(first) is not before
        assert " 2/" in text_of(pilot)
        await press(pilot, "N")
        assert screen._sample(first) is before
        await press(pilot, *["minus"] * MOST)
        assert len(screen._columns) == FEWEST
        await press(pilot, "right", "right_square_bracket")
        other = screen._columns[1]
        await press(pilot, "left_square_bracket")
        assert screen._columns[1] != other
        assert screen._columns[0] == first
        assert len({*screen._llms}) == len(main_of(pilot).model.space.llms)
        await press(pilot, *["plus"] * MOST)
        assert len(screen._columns) == min(MOST, len(screen._llms))
        await press(pilot, "y")
        assert app.clipboard == screen._sample(screen._columns[1]).text
        await press(pilot, "escape")
        assert app.screen is main_of(pilot)


async def test_words_are_found_and_marked(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(200, 50)) as pilot:
        screen = await opened(pilot)
        word = screen._sample(screen._columns[0]).text.split()[0]
        await press(pilot, "slash")
        assert isinstance(app.screen, SearchScreen)
        await press(pilot, *word, "enter")
        assert any(style == "found" for _, style in screen._painted[0])
        assert "×" in text_of(pilot)
        await press(pilot, "slash", "x", "x", "escape")
        assert screen._search == word
        await press(pilot, "d")
        await until(pilot, lambda: len(screen._apart[1]) == len(screen._columns))
        assert "words apart" in text_of(pilot)
        texts = [screen._sample(llm).text for llm in screen._columns]
        for number, other in enumerate(texts[1:], 1):
            assert screen._apart[1][number] == words_apart(texts[0], other)[1]
        await press(pilot, "d")
        assert not any(style == "apart" for spans in screen._painted.values() for _, style in spans)


@pytest.mark.parametrize(("size", "columns"), [((20, 5), 1), ((60, 15), 2), ((30, 8), 1)])
async def test_small_terminals_show_fewer_columns_and_say_so(
    cache: Path, size: tuple[int, int], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(200, 50)) as pilot:
        screen = await opened(pilot)
        await press(pilot, *["minus"] * MOST, *(["plus"] if columns > 1 else []))
        await resize(pilot, *size)
        await until(pilot, lambda: sum(each.display for each in screen.query(".column")) == columns)
        await settled(pilot)
        await until(pilot, lambda: f"{columns} of {columns + 1} columns"[:9] in text_of(pilot))
        await press(pilot, "right", "right")
        assert screen._active < len(screen._columns)
        assert screen.query_one(f"#column-{screen._active}").display
        await resize(pilot, 200, 50)
        await until(pilot, lambda: "columns fit" not in text_of(pilot))


async def test_hostile_generations_do_nothing(tmp_path: Path) -> None:
    write_hostile_run(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "d", "n", "slash", *"[a", "enter", "right", "n", "d", "d")
        assert "\x1b" not in text_of(pilot)
        assert "\u202e" not in text_of(pilot)


async def test_of_labels_only_there_is_nothing_to_read(tmp_path: Path) -> None:
    from tui.test_odd_runs import labels_only

    labels_only(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        main = await settled(pilot)
        main.set_state(main.state.look(tab="question"))
        await settled(pilot)
        await press(pilot, "T", "n", "d", "y")
        assert "no generations" in text_of(pilot)
