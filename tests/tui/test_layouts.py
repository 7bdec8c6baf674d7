"""What the screens look like, as text, on three sizes of terminal: `pytest --snapshot-update` after a change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from selectllm_tui.app import ExplorerApp
from tui.explorers import press, settled, write_routed_run

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from selectllm_tui.screens.main import MainScreen

SIZES = ((80, 24), (120, 36), (200, 60))
LLMS = {5: [f"fake-{name}" for name in "abcde"], 33: [f"fake-{number}b-it" for number in range(33)]}
ALL = [(size, llms, tab) for size in SIZES for llms in LLMS for tab in ("results", "questions", "question")]
ALL += [(size, llms, "recommend") for size in SIZES for llms in LLMS]
ALL += [((120, 36), 5, tab) for tab in ("matrix", "tradeoff", "lessons", "pools")]


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A run of five LLMs and one of 33."""
    made = {llms: tmp_path_factory.mktemp(f"llms-{llms}") for llms in LLMS}
    for llms, root in made.items():
        write_routed_run(root, llms=LLMS[llms])
    return made


@pytest.mark.parametrize(("size", "llms", "tab"), ALL, ids=[f"{tab}-{n}-llms-{w}x{h}" for (w, h), n, tab in ALL])
async def test_a_tab_looks_as_it_did(
    caches: dict[int, Path], size: tuple[int, int], llms: int, tab: str, snapshot: SnapshotAssertion
) -> None:
    cache = caches[llms]
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=size) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab=tab))
        await press(pilot, "3")
        if tab == "results":
            screen.tab._calm()
            await pilot.pause()
        shown = ""
        while shown != (shown := painted(screen)):  # what a text's height moves is laid out in its own time
            await pilot.pause(0.1)
    assert shown == snapshot


def painted(screen: MainScreen) -> str:
    """The screen as text; the ends of scroll bars' thumbs, in eighths of a cell, are Textual's own affair."""
    lines = [strip.text.rstrip() for strip in screen._compositor.render_strips()]
    return "\n".join(re.sub("[▁▂▃▄▅▆▇](?= {1,2}│)", " ", line) for line in lines)


async def test_variants_stand_under_their_llm(tmp_path: Path) -> None:
    cache = write_routed_run(tmp_path, llms=["a-long-name-of-an-llm", "b", "a-long-name-of-an-llm/think", "b/c"])
    with cache.writer("fake", "a-long-name-of-an-llm/think") as writer:
        writer.update(variant={"of": "a-long-name-of-an-llm", "changes": {"thinking": True}})
    app = ExplorerApp(cache=tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await settled(pilot)
        assert screen.state.setup.pool.run[:2] == ("a-long-name-of-an-llm", "a-long-name-of-an-llm/think")
        lines = [strip.text for strip in screen._compositor.render_strips()]
        rows = [re.search(r"● (\d) (\S.*?|  \S+) {2,}", line) for line in lines]
        assert [row[2] for row in rows if row][1:] == ["  /think", "b", "b/c"]
