"""Runs that lack something: every tab and key still works, and says what is missing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from fakes import fake_generations, fake_manifest, fake_questions, flip_bit, write_fake_run
from selectllm_engine.setups import evaluate_setup
from selectllm_engine.store.cache import Cache
from selectllm_tui.app import ExplorerApp
from selectllm_tui.setups import as_saved
from selectllm_tui.tabs import TABS
from tui.explorers import idle, press, settled, write_fake_router

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

KEYS = [
    "2",
    "1",
    "a",
    "r",
    "p",
    "equals_sign",
    "comma",
    "t",
    "C",
    "w",
    "s",
    "S",
    "down",
    "enter",
    "escape",
    "n",
    "G",
    "F",
    "right",
    "enter",
]


def labels_only(root: Path) -> None:
    cache = Cache(root)
    table = fake_questions({"train": 30, "validation": 20, "test": 25})
    cache.write_questions("fake", table)
    for number, name in enumerate(("one", "two", "three")):
        score = pl.Series([(at * (number + 2)) % 5 / 4 for at in range(table.height)])
        columns = {"score": score, "answer": None, "latency": 0.5 + number, "cost": 0.001 * (number + 1)}
        with cache.writer("fake", name) as writer:
            writer.start(fake_manifest(name, latency=None, samples=1))
            writer.write_verdicts(table.select("question_id", sample=pl.lit(0, pl.Int32)).with_columns(**columns))
    write_fake_router(cache, "fake", "fake:sharp", noise=0.6)


def no_router(root: Path) -> None:
    write_fake_run(root)


def one_llm(root: Path) -> None:
    write_fake_router(write_fake_run(root, llms=("alone",)), "fake", "fake:sharp", noise=0.5)


def only_a_test_split(root: Path) -> None:
    write_fake_router(write_fake_run(root, questions={"test": 30}), "fake", "fake:sharp", noise=0.5)


def no_latency(root: Path) -> None:
    cache = write_fake_run(root)
    for llm in cache.llms("fake"):
        with cache.writer("fake", llm) as writer:
            writer.update(latency=None)
    write_fake_router(cache, "fake", "fake:sharp", noise=0.5)


def many_llms(root: Path) -> None:
    names = [f"an-llm-with-a-long-name-{n}b-it" for n in range(14)]
    write_fake_router(write_fake_run(root, llms=names, samples=2), "fake", "fake:sharp", noise=0.5)


def a_damaged_router(root: Path) -> None:
    cache = write_fake_run(root)
    write_fake_router(cache, "fake", "fake:sharp", noise=0.5)
    write_fake_router(cache, "fake", "fake:broken", noise=0.5)
    (cache.router_dir("fake", "fake:broken") / "probabilities.parquet").write_bytes(b"PAR1")


def a_damaged_part(root: Path) -> None:
    cache = write_fake_run(root, samples=2)
    with cache.writer("fake", "fake-b") as writer:
        more = fake_generations(cache.questions("fake"), 1, 3)
        writer.append(more.filter(more["sample"] == 2), {"engine": "fake"})
    flip_bit(max((root / "fake" / "llms" / "fake-b" / "generations").iterdir()))


def no_test_split_yet(root: Path) -> None:
    cache = write_fake_run(root)
    table = cache.questions("fake")
    with cache.writer("fake", "fake-late") as writer:
        writer.start(fake_manifest("fake-late", samples=5))
        writer.append(fake_generations(table.filter(table["split"] != "test"), 3, 5), {"engine": "fake"})


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "labels only": (labels_only, "labels only"),
    "no router": (no_router, "all LLMs vote"),
    "one LLM": (one_llm, "1 of 1 LLMs"),
    "test split only": (only_a_test_split, "there is no validation split"),
    "no latency": (no_latency, "no latency"),
    "many LLMs": (many_llms, "of 14 LLMs"),
    "a damaged part": (a_damaged_part, "selectllm cache verify names the damaged files"),
    "no test split yet": (no_test_split_yet, "fake ·  validation split"),
    "a damaged router": (a_damaged_router, "train it again"),
}


def text_of(pilot: Pilot[None]) -> str:
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


@pytest.mark.parametrize("name", ODD)
async def test_every_tab_and_key_works_on_odd_runs(name: str, tmp_path: Path) -> None:
    make, sign = ODD[name]
    make(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        seen = text_of(pilot)
        for tab in TABS:
            screen.set_state(screen.state.look(tab=tab))
            await press(pilot, "down", "up")
            seen += text_of(pilot)
            if tab in {"results", "question"}:
                await pilot.press(*KEYS)
                await settled(pilot)
                while app.screen is not screen:
                    await press(pilot, "escape")
        assert sign in seen


async def test_a_run_without_any_complete_question_says_what_to_do(tmp_path: Path) -> None:
    write_fake_run(tmp_path)
    flip_bit(next((tmp_path / "fake" / "llms" / "fake-b" / "generations").iterdir()))
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await idle(app)
        await pilot.pause()
        assert "no question that all LLMs have answered" in text_of(pilot)
        assert "selectllm generate --benchmark fake" in text_of(pilot)


async def test_the_header_says_why_it_has_no_figures(tmp_path: Path) -> None:
    a_damaged_router(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert "the probabilities of fake:broken can't be read; train it again" in text_of(pilot)
        await press(pilot, "r")
        assert "can't be read" not in text_of(pilot)


async def test_what_labels_cannot_tell_is_not_counted(tmp_path: Path) -> None:
    labels_only(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        state = screen.state.change(replace(screen.state.setup, policy="threshold"))  # which takes a vote
        screen.set_state(state.look(tab="questions", filter="unsolvable"))
        await settled(pilot)
        labels = screen.model.run.outcomes("test").labels
        assert len(screen.listing.order) == (~labels.any(axis=1)).sum() > 0
        shown = text_of(pilot)
        assert "m misrouted –" in shown
        assert f"z unsolvable {len(screen.listing.order)}" in shown


async def test_reading_again_says_where_it_leads_to_another_split(tmp_path: Path) -> None:
    cache = write_fake_run(tmp_path)
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        table = cache.questions("fake")
        with cache.writer("fake", "fake-late") as writer:
            writer.start(fake_manifest("fake-late", samples=5))
            writer.append(fake_generations(table.filter(table["split"] != "test"), 3, 5), {"engine": "fake"})
        await press(pilot, "ctrl+r")
        assert "test has no complete question: this is validation" in text_of(pilot)
        assert "fake ·  validation split" in text_of(pilot)


async def test_labels_without_a_router_open_on_best_single(tmp_path: Path) -> None:
    labels_only(tmp_path)
    (benchmark,) = Cache(tmp_path).benchmarks()
    shutil.rmtree(tmp_path / benchmark / "routers")
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        run = screen.model.run
        row = run.evaluate().row("best-single")
        assert (screen.headline.row.name, screen.headline.row.accuracy) == ("best-single", row.accuracy)
        assert "no router: best-single answers" in text_of(pilot)
        assert evaluate_setup(run, as_saved(screen.state.setup, run)).accuracy == row.accuracy
        for tab in ("questions", "lessons"):
            screen.set_state(screen.state.look(tab=tab))
            await settled(pilot)
        assert "best-single" in text_of(pilot)
        judged = screen.listing.judged.right.mean()
        assert judged == pytest.approx(row.accuracy)
