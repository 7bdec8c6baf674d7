"""What an explorer remembers is a file like any other: whoever wrote it, the next one opens and works."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from selectllm_engine.api import load
from selectllm_tui.app import ExplorerApp
from selectllm_tui.resume import _path, recall
from selectllm_tui.shown_setup import ShownSetup
from selectllm_tui.snapshots.model import Model
from selectllm_tui.tabs import TABS
from tui.explorers import ESCAPES, INVISIBLE, press, settled
from tui.test_hostile import check

if TYPE_CHECKING:
    from pathlib import Path

EVIL = f"{ESCAPES}{INVISIBLE}[@click=app.quit]x[/]"
STORED: dict[str, Any] = {
    "format": 1,
    "theme": EVIL,
    "setup": {
        "run": ["fake-a", EVIL],
        "pool": [EVIL],
        "router": EVIL,
        "policy": EVIL,
        "parameters": [["cost-aware", 1e308], ["top-m", -5], [EVIL, 1]],
        "k": -7,
        "protocol": EVIL,
        "split": EVIL,
    },
    "view": {
        "tab": "results",
        "filter": EVIL,
        "search": EVIL,
        "group": ["right", EVIL],
        "cell": EVIL,
        "bare": EVIL,
        "question": EVIL,
        "sorts": [[tab, EVIL, True] for tab in TABS] + [["results", "__class__", True]],
        "measures": [[tab, EVIL] for tab in TABS],
        "limits": {"max_latency": 1e308, "max_cost": -1, "max_llms": -3, "prefer": EVIL},
    },
}
UNREADABLE = {
    "no object": "[]",
    "no numbers": json.dumps(STORED).replace("-7", "1e999"),
    "nested": "[" * 100_000,
    "another shape": json.dumps(STORED | {"setup": [], "view": 3}),
    "another format": json.dumps(STORED | {"format": 2}),
}


def store(cache: Path, text: str) -> None:
    path = _path(cache, "fake")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("tab", TABS)
async def test_what_others_wrote_opens_harmlessly(cache: Path, tab: str) -> None:
    store(cache, json.dumps(STORED | {"view": STORED["view"] | {"tab": tab}}))
    app = ExplorerApp(cache=cache, resume=True)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await settled(pilot)
        assert screen.state.view.tab == tab
        assert screen.state.setup.k == 1
        check(pilot)
        for key in ("s", "S", "w", "slash"):
            await press(pilot, key)
            check(pilot)


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_passed_over(cache: Path, text: str) -> None:
    store(cache, text)
    assert recall(cache, "fake", Model(load("fake", cache)).space) is None


def test_values_out_of_range_come_back_into_it(cache: Path) -> None:
    store(cache, json.dumps(STORED))
    space = Model(load("fake", cache)).space
    recalled = recall(cache, "fake", space)
    assert recalled is not None
    start = ShownSetup.of(space)
    setup = recalled[0].setup
    assert (setup.router, setup.policy, setup.split) == (start.router, start.policy, start.split)
    assert setup.parameter_of("cost-aware") == space.policies["cost-aware"].high  # no λ is as large as that
    assert setup.parameter_of("top-m") == space.policies["top-m"].low
