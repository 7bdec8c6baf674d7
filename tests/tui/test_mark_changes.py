"""Questions are marked and noted on: kept in the cache, found, exported, by two explorers at once, or for a session."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from selectllm_engine.errors import CacheError
from selectllm_engine.store import Cache, Mark
from selectllm_tui.app import ExplorerApp
from selectllm_tui.mark_changes import differences, merged_changes
from selectllm_tui.records import to_csv
from selectllm_tui.screens.note import NoteScreen
from tui.explorers import main_of, press, settled, until, write_routed_run
from tui.test_comparing import text_of

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from selectllm_tui.screens.main import MainScreen


@pytest.fixture
def own(tmp_path: Path) -> Cache:
    return write_routed_run(tmp_path / "own")


async def questions(pilot: Pilot[None]) -> MainScreen:
    """The list of questions, all marks stored."""
    screen = await settled(pilot)
    screen.set_state(screen.state.look(tab="questions"))
    return await settled(pilot)


async def stored(pilot: Pilot[None]) -> None:
    """Waits until the changes of marks are stored, or refused."""
    await until(pilot, lambda: not main_of(pilot).threads.unsaved)
    await settled(pilot)


def test_changes_lead_from_marks_to_marks() -> None:
    before = {"a": Mark(marked=True), "b": Mark(note="x")}
    after = {"b": Mark(marked=True, note="x"), "c": Mark(note="y")}
    assert differences(before, after) == {"a": {"marked": False}, "b": {"marked": True}, "c": {"note": "y"}}
    assert differences(after, after) == {}
    assert merged_changes({"a": {"marked": True}}, {"a": {"note": "n"}}, {"a": {"marked": False}}) == {
        "a": {"marked": False, "note": "n"}
    }


async def test_a_question_is_marked_and_noted_on_and_found_again(own: Cache) -> None:
    app = ExplorerApp(cache=own.root)
    async with app.run_test(size=(160, 50)) as pilot:
        screen = await questions(pilot)
        await press(pilot, "M")
        first = screen.state.view.question
        await stored(pilot)
        assert own.marks("fake") == {first: Mark(marked=True)}
        assert f"marked: {first}" in text_of(pilot)
        assert "⚑" in text_of(pilot)
        await press(pilot, "down", "number_sign")
        assert isinstance(app.screen, NoteScreen)
        await press(pilot, *"odd one", "enter")
        await stored(pilot)
        second = screen.state.view.question
        assert own.marks("fake") == {first: Mark(marked=True), second: Mark(note="odd one")}
        await press(pilot, "enter")
        assert "✎ odd one" in text_of(pilot)
        await press(pilot, "M", "M", "escape")
        await stored(pilot)
        assert own.marks("fake")[second] == Mark(note="odd one")
        for search, found in (
            ("mark:", [first]),
            ("note:", [second]),
            ("note:ODD", [second]),
            ("note:even", []),
            ('note:"odd one"', [second]),
            ("-mark: note:", [second]),
            ("-note: mark:", [first]),
            ('-note:"odd one" mark:', [first]),
        ):
            screen.set_state(screen.state.look(search=search))
            await settled(pilot)
            assert [screen.listing.id_at(int(q)) for q in screen.listing.order] == found
        screen.set_state(screen.state.look(search="-mark: -note:"))
        await settled(pilot)
        assert len(screen.listing.order) == 38
        assert text_of(pilot).count("⌕ -mark: −1") == text_of(pilot).count("⌕ -note: −1") == 1
        screen.set_state(screen.state.look(search=""))
        await settled(pilot)
        rows = {row["question_id"]: row for row in csv.DictReader(io.StringIO(to_csv(screen.tab.records)))}
        assert (rows[first]["marked"], rows[first]["note"]) == ("True", "")
        assert (rows[second]["marked"], rows[second]["note"]) == ("False", "odd one")


async def test_a_note_is_changed_left_and_taken_away(own: Cache) -> None:
    own.mark("fake", {"test-0": {"note": "old"}})
    app = ExplorerApp(cache=own.root)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await questions(pilot)
        screen.set_state(screen.state.look(tab="question", question="test-0"))
        await press(pilot, "number_sign", "x", "escape")
        assert screen.state.marks["test-0"] == Mark(note="old")
        await press(pilot, "number_sign", "e", "r", "backspace", "s", "enter")
        await stored(pilot)
        assert own.marks("fake")["test-0"].note == "oldes"
        await press(pilot, "number_sign", *["backspace"] * 9, "enter")
        await stored(pilot)
        assert own.marks("fake") == {}
        assert "note taken away: test-0" in text_of(pilot)


async def test_marks_and_notes_are_undone_and_made_again_in_their_order(own: Cache) -> None:
    app = ExplorerApp(cache=own.root)
    async with app.run_test(size=(160, 50)) as pilot:
        screen = await questions(pilot)
        await press(pilot, "M")
        first = screen.state.view.question
        await press(pilot, "2", "down", "number_sign", *"odd", "enter")
        second = screen.state.view.question
        await press(pilot, "number_sign", "enter")  # the same note is no change
        seen = [screen.state]
        for _ in range(3):
            await press(pilot, "u")
            await stored(pilot)
            assert own.marks("fake") == screen.state.marks
            seen.append(screen.state)
        assert [each.marks for each in seen] == [
            {first: Mark(marked=True), second: Mark(note="odd")},
            {first: Mark(marked=True)},
            {first: Mark(marked=True)},
            {},
        ]
        assert f"marked no more: {first}" in text_of(pilot)
        assert len(seen[1].setup.pool) + 1 == len(seen[2].setup.pool)
        assert not screen.state.past
        Cache(own.root).mark("fake", {second: {"marked": True}})  # somebody else's stays
        for _ in range(3):
            await press(pilot, "U")
            await stored(pilot)
        assert own.marks("fake") == {first: Mark(marked=True), second: Mark(marked=True, note="odd")}
        assert screen.state.setup == seen[0].setup
        await press(pilot, "U")
        assert "nothing to redo" in text_of(pilot)
        await press(pilot, "u", "M")
        assert not screen.state.future


async def test_two_explorers_see_each_others_marks(own: Cache) -> None:
    app = ExplorerApp(cache=own.root)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await questions(pilot)
        Cache(own.root).mark("fake", {"test-9": {"note": "theirs"}})
        await press(pilot, "M")
        await stored(pilot)
        assert own.marks("fake") == {"test-9": Mark(note="theirs"), screen.state.view.question: Mark(marked=True)}
        assert screen.state.marks == own.marks("fake")
        Cache(own.root).mark("fake", {"test-9": {"note": "anew"}})
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: screen.state.marks == own.marks("fake"))


async def test_where_the_cache_takes_no_marks_they_are_kept_for_the_session(
    own: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CacheError("the disk is full", "free some space")

    app = ExplorerApp(cache=own.root)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await questions(pilot)
        with monkeypatch.context() as patch:
            patch.setattr(Cache, "mark", full)
            await press(pilot, "M")
            await stored(pilot)
        assert "kept until you leave, not in the cache: the disk is full" in text_of(pilot)
        first = screen.state.view.question
        assert screen.state.marks == {first: Mark(marked=True)}
        assert own.marks("fake") == {}
        await press(pilot, "ctrl+r")
        await settled(pilot)
        assert screen.state.marks == {first: Mark(marked=True)}
        await press(pilot, "M", "M")
        await stored(pilot)
        assert own.marks("fake") == screen.state.marks == {first: Mark(marked=True)}
        assert screen.kept == {}


async def test_marks_of_the_packaged_run_are_kept_for_the_session(
    own: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selectllm_engine.store.cache._packaged", lambda _: own.root)
    (tmp_path / "empty").mkdir()
    app = ExplorerApp(cache=tmp_path / "empty")
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await questions(pilot)
        await press(pilot, "M")
        await stored(pilot)
        assert "kept until you leave, not in the cache: fake is the recorded run" in text_of(pilot)
        assert screen.state.marks == {screen.state.view.question: Mark(marked=True)}
    assert own.marks("fake") == {}


async def test_damaged_marks_are_told_and_left_alone(own: Cache) -> None:
    own.mark("fake", {"test-1": {"marked": True}})
    path = own.root / "fake" / "marks.json"
    path.write_bytes(damaged := path.read_bytes().replace(b"true", b"false"))
    app = ExplorerApp(cache=own.root)
    async with app.run_test(size=(200, 40)) as pilot:
        await questions(pilot)
        assert "1 damaged file passed over" in text_of(pilot)
        await press(pilot, "M")
        await stored(pilot)
        assert "kept until you leave" in text_of(pilot)
    assert path.read_bytes() == damaged


async def test_hostile_notes_do_nothing_on_small_screens(own: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    own.mark("fake", {f"test-{n}": {"marked": True, "note": "\x1b[2J[red]\u202e" + "漢" * 900} for n in range(9)})
    app = ExplorerApp(cache=own.root)
    async with app.run_test(size=(20, 5)) as pilot:
        await questions(pilot)
        await press(pilot, "M", "number_sign", "x", "enter", "enter", "M", "escape")
        await stored(pilot)
        assert "\x1b" not in text_of(pilot)
        assert "\u202e" not in text_of(pilot)
