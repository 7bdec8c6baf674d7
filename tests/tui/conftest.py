"""Caches that all tests of the explorer read, and nothing of the person's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tui.explorers import write_routed_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fake run with two routers."""
    root = tmp_path_factory.mktemp("cache")
    write_routed_run(root)
    return root


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What explorers remember goes to the test's own folder; no recorded run lies beneath a cache."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("selectllm_engine.store.cache._packaged", lambda _: None)
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")  # whatever terminal the tests are started in
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name in ("TMUX", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):  # what is copied stays in the test
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def eager_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pilot waits for messages, not for an idle processor: on a busy machine that takes most of the time."""

    async def turns(*_: float) -> None:
        for _turn in range(40):  # more than a key needs from the terminal to the screen and back
            await asyncio.sleep(0)

    # nor does what a busy machine is slow to look at go away meanwhile
    monkeypatch.setattr("selectllm_tui.widgets.tabs.results.FLASH", 3600.0)
    monkeypatch.setattr("textual.app.wait_for_idle", turns)
    monkeypatch.setattr("textual.pilot.wait_for_idle", turns)
