"""Helpers that make caches with routers and drive explorers."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from textual.events import Key
from textual.keys import key_to_character
from textual.worker import WorkerCancelled

from fakes import fake_generations, fake_manifest, fake_questions, write_fake_run
from selectllm_engine.api import load
from selectllm_engine.store import GENERATION_SCHEMA, Cache
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.sealed_json import write_sealed
from selectllm_tui.screens.main import MainScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.app import App
    from textual.pilot import Pilot

ESCAPES = "\x1b]52;c;aGFja2Vk\x07\x1b[2J\x1b[31mred\x9b31m\r\x00\x7f"
MARKUP = "[@click=app.quit]quit[/] [/nope] [bold]x[/bold] [link=https://example.org]y[/link] [red"
INVISIBLE = "a\u200bb\u202ec\u2066d\ufeff\u2028e\u00adf"
WIDE = "漢字🙂👨\u200d👩\u200d👧e\u0301" + "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306"
HOSTILE = f"{MARKUP} {ESCAPES} {INVISIBLE} {WIDE}"


def write_fake_router(cache: Cache, benchmark: str, router: str, *, noise: float, seed: int = 0) -> None:
    """A router whose probabilities are the labels, blurred."""
    rng = np.random.default_rng(seed)
    run = load(benchmark, cache)
    frames = []
    for split in run.splits:
        outcomes = run.outcomes(split)
        blurred = (1 - noise) * outcomes.labels + noise * rng.random(outcomes.labels.shape)
        columns = {name: blurred[:, n].astype(np.float32) for n, name in enumerate(run.llms)}
        frames.append(outcomes.questions.select("question_id", "split").with_columns(**columns))
    folder = cache.router_dir(benchmark, router, write=True)
    for name in ("probabilities", "forest"):  # a stored forest need not be fitted, and is the same everywhere
        write_frame(folder / f"{name}.parquet", pl.concat(frames))
    write_sealed(folder / "manifest.json", {"router": router, "seconds_per_question": 0.001})


def write_routed_run(root: Path, **kwargs: object) -> Cache:
    """A fake run with two fake routers."""
    cache = write_fake_run(root, **kwargs)
    write_fake_router(cache, "fake", "fake:sharp", noise=0.6)
    write_fake_router(cache, "fake", "fake:blurred", noise=0.9)
    return cache


def write_hostile_run(root: Path) -> Cache:
    """A run in which every name and text is hostile."""
    cache = Cache(root)
    benchmark = f"{MARKUP}\x1b[2J{INVISIBLE}"
    table = fake_questions({"train": 20, "validation": 12, "test": 16})
    long = "[" * 50_000 + "\x1b" * 50_000
    table = table.with_columns(
        text=pl.concat_str(pl.lit(HOSTILE), pl.col("text")),
        choices=pl.when(pl.col("kind") == "letter").then(pl.lit([HOSTILE, MARKUP, WIDE, "four"])),
    )
    table = table.with_columns(
        text=pl.when(pl.col("question_id") == "test-1").then(pl.lit(long)).otherwise(pl.col("text")),
        question_id=pl.concat_str(pl.col("question_id"), pl.lit(f"{MARKUP}\x1b[31m{INVISIBLE}")),
    )
    topics = table["subject"]
    cache.write_questions(benchmark, table.with_columns(subject=pl.concat_str(pl.col("subject"), pl.lit(HOSTILE))))
    table = table.with_columns(topics)
    names = [f"[@click=app.quit]llm[/]\x1b]0;title\x07{n}\u202e" for n in range(2)]
    names += ["[/nope] " + WIDE + "n" * 40, "漢" * 20]
    for number, name in enumerate(names):
        rows = fake_generations(table, number, 3)
        rows = rows.with_columns(text=pl.concat_str(pl.lit(HOSTILE), pl.col("text"), pl.lit(ESCAPES)))
        rows = rows.with_columns(
            text=pl.when(pl.col("question_id").str.starts_with("test-1[") & (pl.col("sample") == 1))
            .then(pl.lit(long))
            .otherwise(pl.col("text"))
        )
        with cache.writer(benchmark, name) as writer:
            facts = {
                "specialised": HOSTILE,
                "parameters": 7.0,
                "samples": 3,
                "created": f"2026-01-01T00:00:{number:02d}",
            }
            writer.start(fake_manifest(name, **facts))
            writer.append(rows.cast(GENERATION_SCHEMA), {"engine": HOSTILE})
    write_fake_router(cache, benchmark, f"[@click=app.quit]router[/]\x1b[5m{INVISIBLE}", noise=0.7)
    write_fake_router(cache, benchmark, "[/nope]\x9b2J", noise=0.9)
    return cache


async def idle(app: App[None]) -> None:
    """Waits until no worker is running; those that a newer one replaced were cancelled, which is no failure."""
    while list(app.workers):
        with contextlib.suppress(WorkerCancelled):
            await app.workers.wait_for_complete()


async def settled(pilot: Pilot[None]) -> MainScreen:
    """Waits until the run is loaded and all that the screen shows is computed and painted."""
    while not any(isinstance(screen, MainScreen) and screen.threads.generation for screen in pilot.app.screen_stack):
        await asyncio.sleep(0)  # the screens are being switched: nobody there to wait for
    while True:
        await idle(pilot.app)
        await pilot.pause()
        if not list(pilot.app.workers):
            assert not main_of(pilot).failure
            return main_of(pilot)


def main_of(pilot: Pilot[None]) -> MainScreen:
    """The explorer's main screen."""
    return next(screen for screen in pilot.app.screen_stack if isinstance(screen, MainScreen))


async def press(pilot: Pilot[None], *keys: str) -> MainScreen:
    """Presses keys one by one, waiting for what each changes."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
    return main_of(pilot)


def type_ahead(pilot: Pilot[None], *keys: str) -> None:
    """Presses keys without any pause, as a terminal sends what is pasted or comes from a script."""
    for key in keys:
        pilot.app.post_message(Key(key, key_to_character(key) if key != "slash" else "/"))


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Waits for what follows from something else in its own time, such as the classes of a size."""
    for _ in range(3000):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError("waited in vain")


async def resize(pilot: Pilot[None], width: int, height: int) -> None:
    """Resizes the terminal and waits until what follows from the size of the screen is painted too."""
    await pilot.resize_terminal(width, height)
    await settled(pilot)
    while pilot.app.screen.size != (width, height) or pilot.app.screen._callbacks:
        await pilot.pause()
    await pilot.pause()
