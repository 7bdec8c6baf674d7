"""What goes on beside the keys: stale results, errors, exports, asking, a generation that is running."""

from __future__ import annotations

import csv
import json
import os
import platform
import threading
from dataclasses import replace
from functools import partialmethod
from typing import TYPE_CHECKING, Any

from textual.events import Paste
from textual.widget import Widget

from fakes import fake_generations, write_fake_run
from selectllm_engine.api import load
from selectllm_engine.evaluation import POLICIES
from selectllm_engine.routers.training import train
from selectllm_engine.store.cache import Cache
from selectllm_tui.app import ExplorerApp
from selectllm_tui.cache_activity import sampling
from selectllm_tui.row_keys import policy
from selectllm_tui.screens.ask import AskScreen, QuestionInput
from selectllm_tui.screens.workers import Computed
from selectllm_tui.shown_setup import ShownSetup
from selectllm_tui.snapshots.model import Model
from selectllm_tui.snapshots.results import LEARNED, results
from selectllm_tui.state import State
from selectllm_tui.widgets.cells import drawn
from selectllm_tui.widgets.header import Header
from selectllm_tui.widgets.rows import RowTable
from tui.explorers import idle, press, settled, until, write_fake_router

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


async def test_results_of_an_older_state_are_dropped(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        shown = screen.headline
        stale = shown.__class__(row=shown.row, before=None, questions=-1, facts={})
        screen.post_message(Computed(screen.threads.generation - 1, "", stale))
        await pilot.pause()
        assert screen.headline is shown
        screen.post_message(Computed(screen.threads.generation, "", stale))
        await pilot.pause()
        assert screen.headline is stale


async def test_keys_are_not_held_up_by_what_is_computed_and_a_spinner_turns(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.threads.patience = 0.001
        make = screen.model._row
        monkeypatch.setattr(screen.model, "_row", lambda *args: gate.wait(30) and make(*args))
        await pilot.press("1", "p", "r", "k")
        await pilot.pause()
        assert screen.state.setup.pool.names == ("fake-b", "fake-c")
        assert (screen.state.setup.policy, screen.state.setup.router) == ("random", "fake:sharp")
        while not screen.query_one(Header).busy:
            await pilot.pause(0.01)
        gate.set()
        await settled(pilot)
        assert not screen.query_one(Header).busy
        assert screen.headline.row.name == "fake:sharp random"


async def test_the_last_figures_stay_marked_until_there_are_others(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    app = ExplorerApp(cache=cache)

    def marked(table: RowTable) -> list[bool]:
        """Of each row with figures, whether they are faint and behind a dot."""
        at = [column.key for column in table.rows.columns].index("accuracy")
        cells = [drawn(line[at], 9) for line in table.rows.lines if len(line) > at]
        accuracies = [line for line in cells if any(character.isdigit() for text, _ in line for character in text)]
        return [line[0][0].startswith("· ") and {style for _, style in line} == {"faint"} for line in accuracies]

    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        table = screen.query_one("#results", RowTable)
        before, exported = len(marked(table)), len(list(screen.tab.records))
        assert before > 10
        assert not any(marked(table))
        screen.threads.patience = 0.001
        make = screen.model._row
        monkeypatch.setattr(screen.model, "_row", lambda *args: gate.wait(60) and make(*args))
        await pilot.press("1")
        await until(pilot, lambda: all(marked(table)))
        assert len(marked(table)) == before
        assert not list(screen.tab.records)  # nobody takes them away with them
        gate.set()
        await settled(pilot)
        assert not any(marked(table))
        assert len(list(screen.tab.records)) == exported


async def test_an_error_while_computing_is_said_and_the_next_key_works(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)

        def fail(*_: object) -> None:
            raise ValueError("the disk is on fire")

        with monkeypatch.context() as patch:
            patch.setattr(screen.model, "_row", fail)
            await pilot.press("1")
            await idle(app)
            await pilot.pause()
            assert "the disk is on fire" in screen.failure
        await press(pilot, "2")
        assert screen.headline.row.accuracy is not None


async def test_tables_and_the_screen_are_exported_beside_each_other(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "e", "c", "e", "c", "e", "m", "e", "end", "enter")
        accuracy = screen.headline.row.accuracy
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    stem = "selectllm-fake-results"
    assert names == [f"{stem}-2.csv", f"{stem}.csv", f"{stem}.md", f"{stem}.svg"]
    with (tmp_path / "out" / f"{stem}.csv").open(encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert {"oracle", "random", "best-single", "all-llms", "fake:blurred argmax", "fake-a"} <= set(rows)
    assert float(rows["fake:blurred argmax"]["accuracy"]) == accuracy
    assert "| ▸ argmax |" in (tmp_path / "out" / f"{stem}.md").read_text("utf-8")


async def test_files_have_values_not_what_is_painted(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "1", "1", "1")
        await press(pilot, "e", "c")
        for tab in ("matrix", "questions", "question", "pools"):
            screen.set_state(screen.state.look(tab=tab))
            await settled(pilot)
            await press(pilot, "e", "c")
            while not list((tmp_path / "out").glob(f"*-{tab}.csv")):
                await settled(pilot)
            if tab == "question":
                detail = screen.tab.detail
            if tab == "questions":
                listing = screen.listing
    tables = {}
    for path in (tmp_path / "out").iterdir():
        assert not set(path.read_text("utf-8")) & set("▲▼▸−▇…")
        with path.open(encoding="utf-8") as file:
            tables[path.stem.removeprefix("selectllm-fake-")] = list(csv.DictReader(file))
    assert set(tables) == {"results", "matrix", "questions", "question", "pools"}
    assert len(tables["matrix"]) == 2 * len(POLICIES)
    assert len(tables["questions"]) == 40
    marks = {1: "True", 0: "False", -1: ""}
    for row, q in zip(tables["questions"], listing.order.tolist(), strict=True):
        assert row["question_id"] == listing.id_at(q)
        assert [row[name] for name in listing.llms] == [marks[mark] for mark in listing.judged.marks[q].tolist()]
        assert float(row["vote_share"]) == listing.share_of(q)
    for row, ballot in zip(tables["question"], (*detail.ballots, detail.pooled), strict=True):
        assert json.loads(row["votes"]) == [list(each) for each in ballot.votes]
        assert row["right"] == str(ballot.right)
    assert {row["size"] for row in tables["pools"]} == {"1", "2", "3"}


async def test_a_question_of_ones_own_is_routed(tmp_path: Path) -> None:
    write_fake_run(tmp_path)
    train(load("fake", tmp_path), "prior")
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "i")
        assert isinstance(app.screen, AskScreen)
        await press(pilot, *"how many apples", "enter")
        rows = app.screen.query_one("#llms", RowTable).rows
        assert [rows.key(at) for at in range(len(rows))] == ["fake-a", "fake-b", "fake-c"]
        await press(pilot, "escape")


async def test_a_question_is_routed_with_a_router_that_can_run_here(tmp_path: Path) -> None:
    write_fake_router(write_fake_run(tmp_path), "fake", "fake:sharp", noise=0.6)
    for router in ("prior", "knn:tfidf"):
        train(load("fake", tmp_path), router)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert screen.routable == ("knn:tfidf", "prior")
        rows = screen.query_one("#routers", RowTable).rows
        marked = ["".join(text for text, _ in drawn(rows.cells(at)[1], 30)) for at in range(len(rows))]
        assert ["no new text" in each for each in marked] == [True, False, False]

        def shown() -> str:
            return "\n".join(strip.text for strip in app.screen._compositor.render_strips())

        await press(pilot, "i")
        assert "fake:sharp can't read a new text here" in shown()
        await press(pilot, *"how many apples", "enter")
        assert "with knn:tfidf → argmax" in shown()
        await press(pilot, "tab", "r")
        assert "with prior → argmax" in shown()
        await press(pilot, "p")
        assert "with prior → random" in shown()
        assert screen.state.setup.router == "fake:sharp"


async def test_a_question_of_several_lines_is_pasted_whole(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "i")
        app.screen.query_one(QuestionInput).post_message(Paste("How many?\n\n Four or\tfive?\n"))
        await pilot.pause()
        assert app.screen.query_one(QuestionInput).value == "How many? Four or five?"


async def test_a_router_that_cannot_be_loaded_says_so(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "i", "x", "enter")
        shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "fake:blurred" in shown
        assert "routing …" not in shown


async def test_a_generation_that_is_running_is_seen_and_reload_shows_its_samples(tmp_path: Path) -> None:
    cache = write_fake_run(tmp_path, samples=3, llms=("fake-a",))
    run = load("fake", cache)
    assert sampling(cache, "fake") == ()
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(200, 40)) as pilot:
        await settled(pilot)
        screen = await press(pilot, "ctrl+l")
        with cache.writer("fake", "fake-a") as writer:
            writer.update(samples=5)
            more = fake_generations(run.questions, 0, 5)
            writer.append(more.filter(more["sample"] >= 3), {"engine": "fake"})
            (found,) = sampling(cache, "fake")
            assert (found.llm, found.done, found.total) == ("fake-a", 650, 650)
            screen.threads.watch(screen.model)
            await settled(pilot)
            assert "sampling fake-a 650/650" in screen.query_one(Header).heading.note
        assert screen.model.space.samples == 3
        screen.threads.watch(screen.model)
        await settled(pilot)
        assert screen.query_one(Header).heading.note == "new results: ctrl+r reads"  # the writer is gone
        await press(pilot, "ctrl+r")
        assert screen.model.space.samples == 5
        screen.threads.watch(screen.model)
        await settled(pilot)
        assert not screen.query_one(Header).heading.note


def test_the_note_of_a_dead_writer_is_not_believed(tmp_path: Path) -> None:
    cache = write_fake_run(tmp_path, llms=("fake-a",))
    note = Cache(tmp_path).folder("fake") / "llms" / "fake-a" / ".writer"
    for content, alive in (
        ({"process": os.getpid(), "on": platform.node()}, True),
        ({"process": 2**22 + 1, "on": platform.node()}, False),
        ({"process": 1, "on": "another machine"}, True),
        ({"on": platform.node()}, False),
        ([], False),
    ):
        note.write_text(json.dumps(content))
        assert bool(sampling(cache, "fake")) is alive, content
    note.write_text("{")
    assert sampling(cache, "fake") == ()


def test_rows_that_are_learned_come_last_and_hold_up_no_other(cache: Path) -> None:
    model = Model(load("fake", cache), pace=3600.0)
    state = State(ShownSetup.of(model.space))
    first, last = (found for _, found in results(model, state, lambda *_: None))
    assert {each.key for each in first.entries if each.row is None} == LEARNED
    assert all(each.row is not None for each in last.entries)
    learned = replace(state, setup=replace(state.setup, policy="vote:auto"))
    first, last = (found for _, found in results(model, learned, lambda *_: None))
    assert {each.key for each in first.entries if each.row is None} == LEARNED - {policy("vote:auto")}


async def test_a_key_lays_the_screen_out_no_more_than_it_must(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out = []
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        await press(pilot, "2", "2")
        monkeypatch.setattr(Widget, "refresh", partialmethod(noted, laid_out, Widget.refresh))
        await press(pilot, "2", "3", "u")
    assert not laid_out


def noted(widget: Widget, laid_out: list[Widget], refresh: Callable[..., Widget], *given: Any, **how: Any) -> Widget:
    if how.get("layout"):
        laid_out.append(widget)
    return refresh(widget, *given, **how)
