"""[tui] of selectllm.toml: what it changes, and how it is refused."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from selectllm_engine.errors import UsageError
from selectllm_tui.app import ExplorerApp
from selectllm_tui.glyphs import in_ascii
from selectllm_tui.keys import NAMED
from selectllm_tui.preferences import Preferences, preferences
from selectllm_tui.screens.choice import CopyScreen
from selectllm_tui.tabs import TABS
from selectllm_tui.terminal import is_light
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.rows import RowTable
from settings_texts import parse_settings
from tui.explorers import press, settled, write_routed_run

if TYPE_CHECKING:
    from pathlib import Path


def wishes(text: str) -> Preferences:
    return preferences(parse_settings(text))


def text_of(app: ExplorerApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def test_nothing_is_wished_where_nothing_is_said() -> None:
    assert wishes("") == Preferences()
    assert wishes("[tui]\ntheme='auto'\nglyphs='ascii'\nstart='pools'\nresume=false") == Preferences(
        theme="auto", ascii=True, start="pools", resume=False
    )


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("thme = 'auto'", "there is no key tui.thme", "did you mean 'theme'?"),
        ("theme = 'nrod'", "tui.theme is 'nrod'", "did you mean 'nord'?"),
        ("theme = 3", "tui.theme is 3", "it must be a text that is not empty"),
        ("glyphs = 'asci'", "tui.glyphs is 'asci'", 'it must be "unicode" or "ascii"'),
        ("start = 'question s'", "tui.start is 'question s'", "did you mean 'questions'?"),
        ("resume = 'no'", "tui.resume is 'no'", "it must be true or false"),
        ("columns = 'p'", "tui.columns is 'p'", "it must be a table of a column, or a list of columns, by tab"),
        ("columns.results = []", "tui.columns is {'results': []}", "it must be a table of a column, or a list"),
        ("columns.reslts = 'p'", "there is no table tui.columns.reslts", "did you mean 'results'?"),
        ("columns.matrix = 'p'", "there is no table tui.columns.matrix", "results, questions, question"),
        (
            "columns.results = ['p', 'gap_close']",
            "tui.columns.results has no column 'gap_close'",
            "did you mean 'gap_closed'?",
        ),
        ("columns.pools = 'latncy'", "tui.columns.pools has no column 'latncy'", "did you mean 'latency'?"),
        ("keys = 3", "tui.keys is 3", "it must be a table of a key, or a list of keys, by command"),
        ("keys.undoo = 'x'", "there is no command tui.keys.undoo", "did you mean 'undo'?"),
        ("keys.llm_0 = 'x'", "there is no command tui.keys.llm_0", "did you mean 'llm_"),
        ("keys.undo = 'ctrl+shift+alt'", "tui.keys.undo has 'ctrl+shift+alt', which is no key", "write a character"),
        ("keys.undo = 'ctrl+\u3000'", "tui.keys.undo has 'ctrl+\\u3000', which is no key", "write a character"),
        ("keys.undo = 'f13'", "tui.keys.undo has 'f13', which is no key", "write a character"),
        (
            "keys.undo = 'x'",
            "tui.keys.undo is 'x', which is already the key of 'only'",
            "choose another, or give 'only' another key, too",
        ),
        (
            "keys.undo = 'ctrl+d'",
            "tui.keys.undo is 'ctrl+d', which is already the key of 'table_half_down'",
            "give 'table_half_down' another key",
        ),
        ("keys.undo = 'ctrl+p'", "tui.keys.undo is 'ctrl+p', which is already the key of 'command_palette'", "give"),
        ("keys = {undo = 'K', redo = 'K'}", "tui.keys.undo is 'K', which is already the key of 'redo'", "give 'redo'"),
        (
            "keys.llm_3 = '&'",
            "tui.keys.llm_3 is '&', which is already the key of 'toggle_listed'",
            "give 'toggle_listed'",
        ),
        ("keys.help_search = 'j'", "tui.keys.help_search is 'j', which is already the key of 'table_down'", "give"),
        ("keys.copy_row = 't'", "tui.keys.copy_row is 't', which is already the key of 'copy_question'", "give"),
        ("keys.table_down = 'n'", "tui.keys.table_down is 'n', which is already the key of 'next'", "give 'next'"),
        ("keys.ask_router = 'tab'", "tui.keys.ask_router is 'tab', which is already the key of 'next_part'", "give"),
        ("keys.pool_llm_10 = 'x'", "there is no command tui.keys.pool_llm_10", "did you mean 'llm_10'?"),
    ],
)
def test_wrong_entries_are_refused_with_their_place(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(UsageError) as refused:
        wishes(f"[tui]\n{text}")
    assert refused.value.problem == f"selectllm.toml: {problem}"
    assert refused.value.remedy.startswith(remedy) or remedy in refused.value.remedy


def test_columns_are_chosen_and_what_says_what_a_row_is_stays() -> None:
    chosen = (
        "[tui]\ncolumns = {results = ['delta', 'p', 'delta'], pools = 'pooled', questions = ['text', 'question_id']}"
    )
    assert wishes(chosen).columns == (
        ("results", ("name", "delta", "p")),
        ("pools", ("marks", "pooled")),
        ("questions", ("text", "question_id")),
    )


def test_keys_may_change_places() -> None:
    keys = wishes("[tui.keys]\nundo = 'x'\nonly = ['u', 'ctrl+o']\nsearch = '$'\nredo = ['ctrl+ ', 'ctrl+,']").keys
    assert keys == {
        "undo": ("x",),
        "only": ("u", "ctrl+o"),
        "search": ("dollar_sign",),
        "redo": ("ctrl+space", "ctrl+comma"),
    }


def test_one_key_may_mean_other_things_in_other_places() -> None:
    text = "copy_row = 'x'\nexport_csv = 'x'\nhelp_search = 'f'\nllm_10 = ['b', 'a']\nside_by_side_find = ','"
    assert wishes(f"[tui.keys]\n{text}\ntable_open = ['enter', 'ctrl+o']").keys == {
        "copy_row": ("x",),
        "export_csv": ("x",),
        "help_search": ("f",),
        "llm_10": ("b", "a"),
        "side_by_side_find": ("comma",),
        "table_open": ("enter", "ctrl+o"),
    }


async def test_chosen_keys_act_and_are_shown_and_the_old_ones_do_not(cache: Path) -> None:
    chosen = wishes("[tui.keys]\nundo = 'K'\ntable_down = ['J', 'down']\ntab_next = 'ctrl+t'")
    app = ExplorerApp(cache=cache, wishes=chosen)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        table = screen.query_one("#results", RowTable)
        await press(pilot, "g", "J", "down")
        assert (at := table.cursor) > 1
        await press(pilot, "j")
        assert table.cursor == at
        await press(pilot, "2", "u")
        assert len(screen.state.past) == 1
        await press(pilot, "K")
        assert not screen.state.past
        shown = ["".join(text for text, _ in spans).strip() for _, spans in screen.query_one(KeyBar).entries(400)]
        assert {"K undo", "ctrl+t tab"} < {*shown}
        await press(pilot, "ctrl+right", "right_square_bracket")
        assert screen.state.view.tab == "results"
        await press(pilot, "ctrl+t")
        assert screen.state.view.tab == "matrix"
        await press(pilot, "question_mark", "slash", *"undo last", "enter")
        assert "K  Take the last change back" in text_of(app)
    assert ExplorerApp(cache=cache).keys.of(NAMED["undo"]) == ("u",)  # another one has the usual keys


async def test_two_explorers_have_keys_of_their_own(cache: Path) -> None:
    one, other = (ExplorerApp(cache=cache, wishes=wishes(f"[tui.keys]\nundo = '{key}'")) for key in "KJ")
    for app, key, wrong in ((one, "K", "J"), (other, "J", "K")):
        async with app.run_test(size=(160, 40)) as pilot:
            screen = await settled(pilot)
            await press(pilot, "2", wrong)
            assert screen.state.past
            await press(pilot, key)
            assert not screen.state.past
            shown = ["".join(text for text, _ in spans).strip() for _, spans in screen.query_one(KeyBar).entries(400)]
            assert f"{key} undo" in shown


async def test_keys_of_dialogs_and_llms_can_be_chosen_and_are_shown(cache: Path) -> None:
    chosen = """[tui.keys]
    llm_2 = ['é', '2']
    llm_3 = 'section'
    dialog_leave = 'ctrl+g'
    copy_row = 'w'
    filters_misrouted = 'ctrl+f'
    filters = 'ctrl+e'
    groups_sort = '$'
    next_part = 'ctrl+n'
    """.replace("section", "§")
    app = ExplorerApp(cache=cache, wishes=wishes(chosen))
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        run = screen.state.setup.pool.run
        await press(pilot, "é")
        assert run[1] not in screen.state.setup.pool
        await press(pilot, "2")
        assert run[1] in screen.state.setup.pool
        await press(pilot, "3")
        assert len(screen.state.setup.pool) == len(run)
        await press(pilot, "semicolon", "section_sign")
        assert run[2] not in screen.state.setup.pool
        await press(pilot, "y", "r", "escape", "q")  # none of these any more
        assert isinstance(app.screen, CopyScreen)
        assert "w  row" in text_of(app)
        assert "ctrl+g leave" in text_of(app)
        await press(pilot, "w")
        assert app.screen is screen
        await press(pilot, "ctrl+e", "m")
        assert "ctrl+f" in text_of(app)
        await press(pilot, "ctrl+f")
        assert screen.state.view.filter == "misrouted"
        await press(pilot, "F", "s")
        assert "$ sort" in text_of(app)
        await press(pilot, "ctrl+g")
        assert app.screen is screen
        before = app.focused
        await press(pilot, "tab")
        assert app.focused is before
        await press(pilot, "ctrl+n")
        assert app.focused is not before
        await press(pilot, "question_mark", "slash", *"sort groups_", "enter")
        assert "$  The least accurate" in text_of(app)


async def test_the_start_tab_wins_over_the_last_one(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "f2")
        await pilot.press("q")
    again = ExplorerApp(cache=cache, resume=True, wishes=Preferences(start="pools", theme="nord"))
    async with again.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert (screen.state.view.tab, again.theme) == ("pools", "nord")
        assert len(screen.state.setup.pool) == 2


@pytest.mark.parametrize("no_color", [False, True])
async def test_ascii_glyphs_are_all_there_is_on_every_tab(
    cache: Path, monkeypatch: pytest.MonkeyPatch, *, no_color: bool
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(cache=cache, wishes=Preferences(ascii=True))
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        for name in TABS:
            screen.set_state(screen.state.look(tab=name))
            await settled(pilot)
            painted = "".join(
                segment.text
                for line in screen._compositor.render_strips()
                for filtered in [_filtered(app, line)]
                for segment in filtered
            )
            assert {each for each in painted if not each.isascii()} == set(), name


DIALOGS = {
    "results": ("question_mark", "ctrl+p", "i", "y", "e", "W", "L", "O", "semicolon"),
    "questions": ("f", "F", "slash", "number_sign", "M"),
    "question": ("enter", "T"),
}


async def test_ascii_glyphs_are_all_there_is_in_dialogs_and_of_marks(tmp_path: Path) -> None:
    cache = write_routed_run(tmp_path)
    cache.mark("fake", {"test-0": {"marked": True, "note": "odd\tone"}})
    app = ExplorerApp(cache=tmp_path, wishes=Preferences(ascii=True))
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        for tab, keys in DIALOGS.items():
            screen.set_state(screen.state.look(tab=tab, search="", question="test-0"))
            await settled(pilot)
            for key in keys:
                await press(pilot, key)
                painted = "".join(
                    segment.text
                    for line in app.screen._compositor.render_strips()
                    for segment in _filtered(app, line)  # type: ignore[attr-defined]
                )
                assert {each for each in painted if not each.isascii()} == set(), (tab, key)
                await press(pilot, "escape")
                if app.screen is not screen:
                    await press(pilot, "escape")
                assert app.screen is screen
        await press(pilot, "B", "1", "D")
        assert app.screen is not screen
        assert all(
            each.text.isascii() for line in app.screen._compositor.render_strips() for each in _filtered(app, line)
        )


def _filtered(app: ExplorerApp, line: object) -> list[object]:
    segments = list(line)  # type: ignore[call-overload]
    for each in app.get_line_filters():
        segments = each.apply(segments, app.screen.background_colors[1])
    return segments


def test_ascii_glyphs_are_as_wide_as_the_others_and_leave_other_scripts_alone() -> None:
    assert in_ascii("● on ─ 漢字 λ 0.5") == "o on - 漢字 l 0.5"
    assert len(in_ascii("⣿⠀█│…")) == 5


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;c", True),
        (b"\x1b]11;rgb:1212/1616/1d1d\x07\x1b[?62;22c", False),
        (b"\x1b]11;rgba:fa/f9/f6/ff\x07", True),
        (b"\x1b[?62;c", None),
        (b"", None),
        (b"\x1b]11;?\x07", None),
    ],
)
def test_a_terminal_s_answer_says_whether_its_background_is_light(answer: bytes, light: bool | None) -> None:
    assert is_light(answer) is light


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62c", "True"), (b"\x1b[?62c", "None"), (b"", "None")],
)
def test_the_terminal_is_asked_and_one_that_does_not_answer_holds_nobody_up(answer: bytes, said: str) -> None:
    ours, theirs = pty.openpty()
    code = "from selectllm_tui.terminal import background_is_light; import sys; print(background_is_light())"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)

    def reply() -> None:
        seen = b""
        while b"\x1b[c" not in seen:
            seen += os.read(ours, 1024)
        os.write(ours, answer)

    answering = threading.Thread(target=reply, daemon=True)
    answering.start()
    printed, _ = process.communicate(timeout=120)
    assert printed.decode().strip() == said
    os.close(ours)
    os.close(theirs)
