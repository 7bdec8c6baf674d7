"""What the screens look like, as text, on three sizes of terminal: `pytest --snapshot-update` after a change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from selectllm_tui.app import ExplorerApp
from tui.explorers import press, settled

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

LAYOUTS = [
    ((80, 24), "results"),
    ((80, 24), "question"),
    ((120, 40), "results"),
    ((120, 40), "matrix"),
    ((120, 40), "tradeoff"),
    ((120, 40), "questions"),
    ((120, 40), "question"),
    ((120, 40), "lessons"),
    ((120, 40), "pools"),
    ((200, 50), "results"),
    ((200, 50), "questions"),
]


@pytest.mark.parametrize(("size", "tab"), LAYOUTS, ids=[f"{tab}-{w}x{h}" for (w, h), tab in LAYOUTS])
async def test_a_tab_looks_as_it_did(cache: Path, size: tuple[int, int], tab: str, snapshot: SnapshotAssertion) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=size) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab=tab))
        await press(pilot, "3")
        if tab == "results":
            screen.tab._calm()
            await pilot.pause()
        # the ends of scroll bars' thumbs, in eighths of a cell, are Textual's own affair
        lines = [
            re.sub("[▁▂▃▄▅▆▇](?= {1,2}│)", " ", strip.text.rstrip()) for strip in screen._compositor.render_strips()
        ]
    assert "\n".join(lines) == snapshot
