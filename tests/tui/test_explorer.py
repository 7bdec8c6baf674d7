"""The explorer as a person drives it: keys in, state and screen out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from selectllm_engine.api import load
from selectllm_engine.evaluation.policies import parse_policy
from selectllm_engine.verdicts import Verdict
from selectllm_tui.app import ExplorerApp
from selectllm_tui.row_keys import RowKey, baseline
from selectllm_tui.screens.filters import FilterScreen
from selectllm_tui.screens.generations import GenerationsScreen
from selectllm_tui.screens.groups import GroupScreen
from selectllm_tui.screens.help import HelpScreen
from selectllm_tui.screens.message import ProblemScreen
from selectllm_tui.screens.search import SearchScreen
from selectllm_tui.snapshots.groups import groups
from selectllm_tui.tabs import TABS
from selectllm_tui.view import FILTERS, GROUPINGS
from selectllm_tui.widgets.header import Header
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.side import Side
from selectllm_tui.widgets.textview import TextView
from tui.explorers import idle, main_of, press, resize, settled, until

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from selectllm_engine.evaluation import Row


FILTER_KEYS = {name: (each.key,) for name, each in FILTERS.items()}


def text_of(pilot: Pilot[None]) -> str:
    """What is on the screen."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


async def test_toggling_an_llm_changes_pool_and_figures_and_undo_brings_them_back(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        everyone = screen.headline.row
        await press(pilot, "3")
        assert screen.state.setup.pool.names == ("fake-a", "fake-b")
        assert screen.headline.before == everyone
        assert screen.headline.row.accuracy != everyone.accuracy
        change = 100 * (screen.headline.row.accuracy - everyone.accuracy)
        assert f"{'▲' if change > 0 else '▼'} {abs(change):.1f}" in text_of(pilot)
        await press(pilot, "u")
        assert screen.state.setup.pool.names == ("fake-a", "fake-b", "fake-c")
        assert screen.headline.row == everyone
        await press(pilot, "U")
        assert screen.state.setup.pool.names == ("fake-a", "fake-b")
        await press(pilot, "a")
        assert len(screen.state.setup.pool) == 3


async def test_the_last_llm_stays_on_and_the_reason_is_said(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "1", "2", "3")
        assert screen.state.setup.pool.names == ("fake-c",)
        assert "at least one LLM" in text_of(pilot)


async def test_numbers_beyond_the_run_say_so(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "7")
        assert len(screen.state.setup.pool) == 3
        assert "no LLM 7" in text_of(pilot)


async def test_the_side_panel_switches_with_enter_and_space(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.query_one("#pool", RowTable).focus()
        await press(pilot, "down", "space")
        assert screen.state.setup.pool.names == ("fake-a", "fake-c")
        await press(pilot, "enter")
        assert len(screen.state.setup.pool) == 3
        await press(pilot, "x")
        assert screen.state.setup.pool.names == ("fake-b",)
        await press(pilot, "tab", "down", "enter")
        assert screen.state.setup.router == "fake:sharp"
        await press(pilot, "tab", "end", "up", "enter")
        assert screen.state.setup.policy == "cascade-value"


async def test_routers_policies_sliders_k_split_and_protocol_have_keys(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        setup = screen.state.setup
        assert (setup.router, setup.policy, setup.k) == ("fake:blurred", "argmax", 5)
        await press(pilot, "r")
        assert screen.state.setup.router == "fake:sharp"
        await press(pilot, "R", "P")
        assert (screen.state.setup.router, screen.state.setup.policy) == ("fake:blurred", "cascade-value")
        await press(pilot, "minus", "minus", "plus")
        assert screen.state.setup.parameter == pytest.approx(0.75)
        await press(pilot, "p")
        assert screen.state.setup.policy == "argmax"
        await press(pilot, "equals_sign")
        assert "argmax has no parameter" in text_of(pilot)
        await press(pilot, "comma", "comma", "full_stop")
        assert screen.state.setup.k == 4
        await press(pilot, "t")
        assert screen.state.setup.split == "train"
        await press(pilot, "C")
        assert screen.state.setup.protocol == "paper"
        assert " paper " in text_of(pilot)


async def test_every_tab_opens_by_key_and_click_and_shows_something(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        sights = []
        for name in TABS:
            assert screen.state.view.tab == name
            sights.append(text_of(pilot))
            await press(pilot, "right_square_bracket")
        assert screen.state.view.tab == "results"
        assert len(set(sights)) == len(TABS)
        for sight, sign in zip(
            sights,
            (
                "best-single",
                "best fake:",
                "seconds per question",
                "misrouted",
                "(right)",
                "accuracy is lost",
                "subsets",
                "expected",
            ),
            strict=True,
        ):
            assert sign in sight
        await press(pilot, "left_square_bracket")
        assert screen.state.view.tab == "recommend"
        await pilot.click("#main", offset=(16, 0))
        await settled(pilot)
        assert screen.state.view.tab == "matrix"


@pytest.mark.parametrize(
    ("key", "name"),
    [(filter_keys[0], name) for name, filter_keys in FILTER_KEYS.items()],
)
async def test_every_filter_has_a_key_and_shows_as_many_questions_as_it_says(cache: Path, key: str, name: str) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await press(pilot, "3", key)
        assert screen.state.view.filter == name
        table = screen.query_one("#questions", RowTable)
        assert len(table.rows) == screen.counts[name] == len(screen.listing.order)
        await press(pilot, key)
        assert screen.state.view.filter is None
        assert len(table.rows) == 40


async def test_filters_count_what_the_engine_judges(cache: Path) -> None:
    run = load("fake", cache)
    verdicts = run.view().policy_verdicts(run.scores("fake:blurred", forest=False), parse_policy("argmax"))
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await settled(pilot)
        assert set(screen.counts) == set(FILTERS)
        for name in ("unsolvable", "misrouted", "outvoted", "rescued"):
            assert screen.counts[name] == (verdicts.verdict == Verdict[name.upper()].code).sum()


async def test_the_filter_menu_shows_counts_and_chooses(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "right_square_bracket", "right_square_bracket", "right_square_bracket", "f")
        assert isinstance(app.screen, FilterScreen)
        await press(pilot, "d")
        assert (screen.state.view.filter, app.screen) == ("disagreement", screen)
        await press(pilot, "f", "home", "enter")
        assert screen.state.view.filter is None


async def test_searching_narrows_with_every_letter_and_escape_takes_it_back(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "slash")
        assert isinstance(app.screen, SearchScreen)
        await press(pilot, *"APPLES")
        found = len(screen.listing.order)
        assert 0 < found < 40
        await press(pilot, "enter")
        assert (app.screen, screen.state.view.search, len(screen.listing.order)) == (screen, "APPLES", found)
        await press(pilot, "slash", "x", "escape")
        assert screen.state.view.search == "APPLES"
        await press(pilot, "escape")
        assert (screen.state.view.search, len(screen.listing.order)) == ("", 40)


@pytest.mark.parametrize("by", GROUPINGS)
async def test_every_group_leads_to_as_many_questions_as_it_says(cache: Path, by: str) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        steps = ["right"] * list(GROUPINGS).index(by)
        await press(pilot, "F", *steps)
        assert isinstance(app.screen, GroupScreen)
        found = groups(screen.model, screen.state, by)
        assert sum(each.questions for each in found) == 40
        assert len(app.screen.query_one(RowTable).rows) == len(found)
        right = screen.model.verdicts(screen.state.setup).right
        reference = screen.model.view(screen.state.setup).reference.right
        await press(pilot, "escape")
        for each in found:
            screen.set_state(screen.state.look(group=(by, each.value), tab="questions"))
            await settled(pilot)
            order = screen.listing.order.tolist()
            assert len(order) == each.questions
            assert each.accuracy == pytest.approx(sum(right[q] for q in order) / len(order))
            apart = sum(int(right[q]) - int(reference[q]) for q in order)
            assert each.delta == pytest.approx(apart / len(order))
        last = screen.state.view.group
        await press(pilot, "F", "enter")
        assert screen.state.view.group == last  # the cursor stood on it
        await press(pilot, "escape")
        assert screen.state.view.group is None
        assert len(screen.listing.order) == 40


async def test_groups_are_of_the_listed_questions_the_worst_first_where_one_likes(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await press(pilot, "m", "F", "F", "s")
        rows = app.screen.query_one(RowTable).rows
        listed = len(screen.listing.order)
        assert [rows.key(at) for at in range(len(rows))] == ["=misrouted"]
        await press(pilot, "enter")
        assert screen.state.view.group == ("verdict", "misrouted")
        assert len(screen.listing.order) == listed
        assert "verdict misrouted" in text_of(pilot)


async def test_the_side_panel_goes_and_comes_back(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        width = screen.query_one("#main").size.width
        await press(pilot, "H")
        assert not screen.query_one(Side).display
        assert screen.query_one("#main").size.width > width
        assert "●1 fake-a" in text_of(pilot)
        await press(pilot, "H")
        assert screen.query_one("#main").size.width == width
        await resize(pilot, 80, 24)
        await until(pilot, lambda: screen.has_class("-narrow"))
        await press(pilot, "H")
        assert "too narrow" in text_of(pilot)


async def test_the_question_under_the_cursor_is_read_where_there_is_room(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await settled(pilot)
        preview = screen.query_one("#preview", TextView)
        for key in ("home", "down", "end"):
            await press(pilot, key)
            row = screen.model.run.question_row(screen.tab.table.key)
            shown = "".join(text for text, _ in preview._spans)
            assert shown.startswith(row["text"])
            assert f"gold {row['gold']}" in shown
            assert all(name in shown for name in screen.model.space.llms)
        await resize(pilot, 120, 30)
        await until(pilot, lambda: not preview.display)
        await resize(pilot, 200, 30)
        await until(pilot, lambda: preview.display)


async def test_ids_are_without_what_all_begin_with(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await settled(pilot)
        assert screen.listing.ids[0] == "test-"
        assert "test-" not in text_of(pilot)
        assert "answered by" not in text_of(pilot)


async def test_questions_sort_by_key_and_by_a_click_on_a_head(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await press(pilot, "s")
        assert screen.state.view.sort_of("questions") == ("verdict", False)
        assert screen.listing is not None
        verdicts = screen.listing.judged.verdict[screen.listing.order].tolist()
        assert verdicts == sorted(verdicts)
        await press(pilot, "S")
        assert screen.listing is not None
        verdicts = screen.listing.judged.verdict[screen.listing.order].tolist()
        assert verdicts == sorted(verdicts, reverse=True)
        await pilot.click("#questions", offset=(1, 0))
        await settled(pilot)
        assert screen.state.view.sort_of("questions") == ("question_id", False)


async def test_a_question_opens_with_its_votes_and_generations_and_steps_within_the_filter(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await press(pilot, "d", "down", "down", "enter")
        assert screen.state.view.tab == "question"
        detail = screen.tab.detail
        assert detail.place == 3
        seen = load("fake", cache).question(detail.question_id, router="fake:blurred")
        assert [each.votes for each in seen.llms] == [
            tuple((answer, count) for answer, count in each.votes if answer is not None) for each in detail.ballots
        ]
        assert [each.selected for each in seen.llms] == [each.selected for each in detail.ballots]
        assert (seen.verdict, seen.oracle) == (detail.verdict, detail.oracle)
        assert seen.pooled.answer == detail.pooled.winner
        await press(pilot, "n")
        assert screen.tab.detail.place == 4
        await press(pilot, "N", "N")
        assert screen.tab.detail.place == 2
        await press(pilot, "enter")
        assert isinstance(app.screen, GenerationsScreen)
        texts = load("fake", cache).generations(screen.tab.detail.question_id, "fake-a")["text"]
        assert texts[0] in " ".join(text_of(pilot).split()) or texts[0] == ""
        await press(pilot, "n", "space", "escape", "escape")
        assert (app.screen, screen.state.view.tab) == (screen, "questions")


async def test_rows_open_what_they_name(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        table = screen.query_one("#results", RowTable)
        table.move_to("policy:threshold")
        await press(pilot, "enter")
        assert screen.state.setup.policy == "threshold"
        table.move_to("llm:fake-b")
        await press(pilot, "enter")
        assert screen.state.setup.pool.names == ("fake-a", "fake-c")
        table.move_to("baseline:oracle")
        await press(pilot, "enter")
        assert "not on a row that opens" in text_of(pilot)
        await press(pilot, "u", "right_square_bracket", "down", "right", "enter")
        assert (screen.state.setup.router, screen.state.setup.policy) == ("fake:sharp", "top-m")
        await press(pilot, "left_square_bracket", "left_square_bracket", "left_square_bracket", "end", "enter")
        assert len(screen.state.setup.pool) < 3


async def test_a_change_is_shown_in_its_cell_and_goes_again(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        still = text_of(pilot)
        await press(pilot, "1")
        results = screen.tab
        assert any(mark in text_of(pilot).split("╭─ Results")[1] for mark in "▲▼")
        results._calm()
        await pilot.pause()
        assert not any(mark in text_of(pilot).split("╭─ Results")[1] for mark in "▲▼")
        assert text_of(pilot) != still


async def test_results_show_the_studys_figures_where_names_match(tmp_path: Path) -> None:
    from fakes import write_fake_run

    write_fake_run(tmp_path, "gsm8k", llms=("gemma-7b", "my-own"))
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "w")
        assert "71.1 /  7.1" in text_of(pilot)
        assert "87.2 /  3.5" in text_of(pilot)


async def test_help_names_the_tab_and_closes(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        assert "Wilson" in text_of(pilot)
        await press(pilot, "escape")
        assert app.screen is screen


async def test_the_palette_finds_llms_and_commands(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"fake-b off")
        await idle(pilot.app)
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        while "fake-b" in main_of(pilot).state.setup.pool:
            await pilot.press("enter")
            await settled(pilot)
        assert screen.state.setup.pool.names == ("fake-a", "fake-c")


async def test_what_cannot_act_is_dimmed_and_says_why(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        bar = screen.query_one(KeyBar)
        styles = {command.name: spans[0][1] for command, spans in bar.entries(400)}
        assert (styles["undo"], styles["router"]) == ("faint", "accent")
        await press(pilot, "u")
        assert "nothing to undo" in text_of(pilot)
        await press(pilot, "1")
        assert {command.name: spans[0][1] for command, spans in bar.entries(400)}["undo"] == "accent"


async def test_a_click_on_the_footer_presses_the_key(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        line = text_of(pilot).splitlines()[-1]
        await pilot.click(KeyBar, offset=(line.index("p policy"), 0))
        await settled(pilot)
        assert screen.state.setup.policy != "argmax"


async def test_reloading_keeps_the_setup(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "2", "p", "ctrl+r")
        assert main_of(pilot) is screen
        assert screen.state.setup.pool.names == ("fake-a", "fake-c")
        assert screen.state.setup.policy == "random"
        assert not screen.query_one(Header).busy


async def test_resuming_starts_where_the_last_one_was_left(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "p", "right_square_bracket", "right_square_bracket", "right_square_bracket", "d")
        app.theme = "nord"
        left = main_of(pilot).state
        await pilot.press("q")
    again = ExplorerApp(cache=cache, resume=True)
    async with again.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert (screen.state.setup, screen.state.view) == (left.setup, left.view)
        assert again.theme == "nord"
    fresh = ExplorerApp(cache=cache)
    async with fresh.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert len(screen.state.setup.pool) == 3


async def test_an_empty_cache_says_what_to_do(tmp_path: Path) -> None:
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test() as pilot:
        await idle(app)
        await pilot.pause()
        assert isinstance(app.screen, ProblemScreen)
        assert "selectllm generate" in text_of(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_several_benchmarks_are_offered(tmp_path: Path) -> None:
    from fakes import write_fake_run

    for name in ("one", "two"):
        write_fake_run(tmp_path, name, questions={"test": 5})
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test() as pilot:
        await idle(app)
        await pilot.pause()
        assert isinstance(app.screen, ProblemScreen)
        await pilot.press("down", "enter")
        screen = await settled(pilot)
        assert screen.model.space.benchmark == "two"


async def test_a_damaged_cache_says_what_to_do(tmp_path: Path) -> None:
    from fakes import flip_bit, write_fake_run

    write_fake_run(tmp_path)
    flip_bit(tmp_path / "fake" / "questions.parquet")
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test() as pilot:
        await idle(app)
        await pilot.pause()
        assert isinstance(app.screen, ProblemScreen)
        assert "selectllm cache" in text_of(pilot)


async def test_sliders_move_in_the_list_of_policies(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        table = screen.query_one("#policies", RowTable)
        table.focus()
        table.move_to("threshold")
        await press(pilot, "right", "right", "left", "left", "left")
        assert screen.state.setup.parameter_of("threshold") == pytest.approx(0.55)
        assert (screen.state.setup.policy, table.key) == ("argmax", "threshold")
        await press(pilot, "end", "left")
        assert screen.state.setup.k == 4
        await press(pilot, "question_mark")
        assert "How a router's probabilities become a choice" in " ".join(text_of(pilot).replace("│", " ").split())


async def test_terminals_of_any_size_are_fine(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(20, 5)) as pilot:
        await settled(pilot)
        for size in ((20, 5), (1, 1), (300, 90)):
            await resize(pilot, *size)
            for _ in TABS:
                await press(pilot, "right_square_bracket")
        await press(pilot, "question_mark", "escape", "f", "escape", "e", "escape")


async def test_all_tabs_are_named_however_the_terminal_was_resized(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for size in ((80, 24), (120, 40), (200, 50), (112, 30), (113, 30), (80, 24)):
            await resize(pilot, *size)
            shown = text_of(pilot)
            assert all(tab.title in shown for tab in TABS.values()), size
        await press(pilot, "e")
        for size in ((200, 50), (120, 40)):  # under a dialog
            await resize(pilot, *size)
        await press(pilot, "escape")
        assert all(tab.title in text_of(pilot) for tab in TABS.values())
        await resize(pilot, 40, 12)
        await press(pilot, "left_square_bracket")
        assert "Recommend  8 of 8" in text_of(pilot)


async def test_a_terminal_of_few_lines_still_shows_rows(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(60, 10)) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "▸ argmax" in text_of(pilot) and "upper bound" in text_of(pilot))


@pytest.mark.parametrize(
    ("column", "field", "descending"),
    [
        ("accuracy", "accuracy", True),
        ("latency", "latency", False),
        ("llms_per_question", "llms_per_question", False),
        ("gap_closed", "gap_closed", True),
        ("delta", "delta", True),
        ("p", "p", False),
    ],
)
async def test_results_sort_by_the_head_of_every_column(
    cache: Path, column: str, field: str, *, descending: bool
) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        for reverse in (descending, not descending):
            screen.tab.table.post_message(RowTable.HeaderPicked(screen.tab.table, column))
            await pilot.pause()
            await settled(pilot)
            assert screen.state.view.sort_of("results") == (column, reverse)
            rows = [
                screen.model.row(screen.state.setup, RowKey.parse(key)) for key in screen.tab.table.rows.keys if key
            ]
            values = [value for row in rows if (value := getattr(row, field)) is not None]
            assert values == sorted(values, reverse=reverse)
            assert [getattr(row, field) is None for row in rows] == [False] * len(values) + [True] * (
                len(rows) - len(values)
            )


async def test_v_switches_the_vote_and_a_the_row_that_all_are_compared_with(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        setup = screen.state.setup

        def row(name: str) -> Row:
            return screen.model.row(screen.state.setup, baseline(name))

        assert row("all-llms").vote == "equal"
        assert row("all-llms").reference == "best-single"
        await press(pilot, "V")
        await settled(pilot)
        assert row("all-llms").vote == "learned"
        assert row("all-llms").accuracy == row("learned-vote").accuracy
        assert "learned vote" in text_of(pilot)
        assert "w " in text_of(pilot), "the pool says what votes weigh"
        screen.tab.table.post_message(RowTable.HeaderPicked(screen.tab.table, "name"))
        await settled(pilot)
        table = screen.tab.table
        table.show(table.rows, cursor=str(baseline("all-llms")))
        screen.refresh_context()
        await press(pilot, "A")
        await settled(pilot)
        assert screen.state.setup.against == "all-llms"
        assert row("oracle").reference == "all-llms"
        assert row("all-llms").delta == 0
        await press(pilot, "A", "V")
        assert (screen.state.setup.vote, screen.state.setup.against) == ("equal", "best-single")
        await press(pilot, "u", "u", "u", "u")
        assert screen.state.setup == setup


async def test_weights_of_the_last_pool_are_marked_until_the_new_ones_are_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "V")
        await settled(pilot)
        assert re.search(r" w −?\d", text_of(pilot))
        with monkeypatch.context() as patched:
            patched.setattr(screen.threads, "compute", lambda *_: None)
            await press(pilot, "1")
            assert re.search(r" … −?\d", text_of(pilot))
            assert not re.search(r" w −?\d", text_of(pilot))
        screen.compute()
        await settled(pilot)
        assert re.search(r" w −?\d", text_of(pilot))
        assert not re.search(r" … −?\d", text_of(pilot))


async def test_a_learned_vote_that_cannot_be_had_says_why(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "C", "V")
        assert screen.state.setup.vote == "equal"
        assert "counts every vote alike" in text_of(pilot)
