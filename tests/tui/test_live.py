"""What is seen of a generation while it runs: figures of each LLM, and results that are read by themselves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl
import pytest

from fakes import fake_generations, fake_manifest, write_fake_run
from selectllm_engine.api import load
from selectllm_engine.store import GENERATION_SCHEMA
from selectllm_tui.app import ExplorerApp
from selectllm_tui.screens.live import LiveScreen, live_table
from selectllm_tui.screens.state_screen import PAUSE, Followed
from selectllm_tui.snapshots.live import LiveRow, live_rows, speed
from selectllm_tui.widgets.cells import drawn
from selectllm_tui.widgets.header import Header
from selectllm_tui.widgets.rows import RowTable
from tui.explorers import press, settled, until

if TYPE_CHECKING:
    from pathlib import Path


def text_of(app: ExplorerApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def test_speed_is_the_tokens_since_the_first_file() -> None:
    assert speed([(10.0, 999), (12.0, 100), (15.0, 50)]) == 30.0
    assert speed([]) is None
    assert speed([(10.0, 5)]) is None
    assert speed([(10.0, 5), (10.0, 5)]) is None


def test_rows_of_what_is_sampled_so_far_as_counted_one_by_one(tmp_path: Path) -> None:
    cache = write_fake_run(tmp_path, samples=2, llms=("fake-a",))
    questions = load("fake", cache).questions
    with cache.writer("fake", "fake-b") as writer:
        writer.start(fake_manifest("fake-b", samples=3))
        rows = fake_generations(questions, 1, 3)
        for begin, time in ((0, 100.0), (30, 110.0), (60, 120.0)):
            writer.append(rows[begin : begin + 30], {"engine": "fake"})
            newest = cache.parts("fake", "fake-b").listed()[-1].path
            os.utime(newest, (time, time))
        first, second = live_rows(cache, "fake")
        sampled = rows[:90]
        assert (first.llm, first.running, first.samples, first.wanted) == ("fake-b", True, 90, 3 * questions.height)
        assert first.tokens_per_second == sampled[30:]["output_tokens"].sum() / 20
        answers = cache.answers("fake", "fake-b")
        gold = dict(questions.select("question_id", "gold").iter_rows())
        right = sum(gold[each["question_id"]] == each["answer"] for each in answers.iter_rows(named=True))
        assert first.accuracy == pytest.approx(right / 90)
        assert first.silent == pytest.approx(answers["answer"].null_count() / 90)
        assert first.low is not None
        assert first.high is not None
        assert first.low < right / 90 < first.high
        width = first.high - first.low
        writer.append(rows[90:], {"engine": "fake"})
        (narrower, _) = live_rows(cache, "fake")
        assert narrower.high is not None
        assert narrower.low is not None
        assert narrower.high - narrower.low < width
    assert (second.llm, second.running, second.tokens_per_second) == ("fake-a", False, None)


def test_a_run_that_stopped_by_its_rule_is_finished(tmp_path: Path) -> None:
    """A vote of 3 of 5 is decided; of a question that is not, and of those not begun, all five are wanted."""
    cache = write_fake_run(tmp_path, samples=2, llms=("fake-a",))
    questions = cache.questions("fake").height
    said = {"test-0": "7 7 7", "test-1": "7 8 7 7", "test-2": "7 8 9 7", "test-3": "7 8 9 7 8"}
    rows = [
        (question, sample, f"The answer is {number}.", 9, 5, "stop")
        for question, numbers in said.items()
        for sample, number in enumerate(numbers.split())
    ]
    with cache.writer("fake", "fake-b") as writer:
        writer.start(fake_manifest("fake-b", samples=5, stop={"rule": "decided", "samples": 5}))
        writer.append(pl.DataFrame(rows, GENERATION_SCHEMA, orient="row"), {"engine": "fake"})
    (row,) = [each for each in live_rows(cache, "fake") if each.llm == "fake-b"]
    assert (row.samples, row.wanted) == (16, 5 * questions - 2 - 1)
    with cache.writer("fake", "fake-b") as writer:
        writer.start({**cache.manifest("fake", "fake-b"), "samples": 6, "stop": None})
    (row,) = [each for each in live_rows(cache, "fake") if each.llm == "fake-b"]
    assert row.wanted == 6 * questions, "now all samples are to be made"


def test_an_llm_without_samples_has_a_row_without_figures() -> None:
    table = live_table([LiveRow("fake-a", running=True, samples=0, wanted=6)])
    assert "0/6" in "".join(text for cell in table.cells(0) for text, _ in drawn(cell, 20))


@pytest.mark.parametrize("size", [(120, 36), (40, 12), (20, 5)])
async def test_the_panel_shows_every_llm_and_what_is_added(tmp_path: Path, size: tuple[int, int]) -> None:
    cache = write_fake_run(tmp_path, samples=2, llms=("fake-a", "fake-b"))
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "L")
        assert isinstance(app.screen, LiveScreen)
        await until(pilot, lambda: len(app.screen.query_one(RowTable).rows) == 2)
        with cache.writer("fake", "fake-b") as writer:
            writer.update(samples=3)
            app.screen.read()
            await until(pilot, lambda: app.screen.query_one(RowTable).rows.key(0) == "fake-b")
            if size[1] > 5:
                assert "1 being sampled" in text_of(app)
        await press(pilot, "escape")
        assert not isinstance(app.screen, LiveScreen)


async def test_new_results_are_read_by_themselves_and_undo_stays(tmp_path: Path) -> None:
    cache = write_fake_run(tmp_path, samples=3, llms=("fake-a", "fake-b"))
    run = load("fake", cache)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "2")
        for name in ("fake-a", "fake-b"):
            with cache.writer("fake", name) as writer:
                writer.update(samples=5)
                more = fake_generations(run.questions, ord(name[-1]) - ord("a"), 5)
                writer.append(more.filter(more["sample"] >= 3), {"engine": "fake"})
        screen.threads.watch(screen.model)
        await until(pilot, lambda: screen.model.space.samples == 5)
        await settled(pilot)
        assert screen.state.setup.pool.names == ("fake-a",)
        assert "ctrl+r" not in screen.query_one(Header).heading.note
        await press(pilot, "u")
        assert screen.state.setup.pool.names == ("fake-a", "fake-b")


async def test_following_is_switched_off_and_on_and_remembered(tmp_path: Path) -> None:
    write_fake_run(tmp_path, samples=2, llms=("fake-a",))
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await settled(pilot)
        assert screen.state.view.follow
        await press(pilot, "ctrl+l")
        assert "wait until ctrl+r" in text_of(app)
        await pilot.press("q")
    again = ExplorerApp(cache=tmp_path, resume=True)
    async with again.run_test(size=(120, 36)) as pilot:
        screen = await settled(pilot)
        assert not screen.state.view.follow
        await press(pilot, "ctrl+l")
        assert screen.state.view.follow
        assert "by themselves" in text_of(again)


def test_reading_by_itself_takes_a_tenth_of_the_time_at_most_and_never_twice_at_once() -> None:
    followed = Followed()
    assert not followed.end(0.0)  # read because somebody asked
    assert followed.begin(1.0)
    assert not followed.begin(2.0)
    assert followed.end(3.0)
    assert not followed.begin(20.9)
    assert followed.begin(21.1)
    assert followed.end(21.1)
    assert not followed.begin(21.0 + PAUSE)
    assert followed.begin(21.2 + PAUSE)
