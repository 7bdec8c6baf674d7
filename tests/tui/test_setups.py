"""Setups in the explorer: opened from a file, saved to one, and reproduced by what is copied."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from selectllm_engine.api import load
from selectllm_engine.evaluation import POLICIES
from selectllm_engine.setups import check_setup, evaluate_setup, read_setup, setup_of, write_setup
from selectllm_tui.app import ExplorerApp
from selectllm_tui.cli import main
from selectllm_tui.screens.save import SaveScreen
from selectllm_tui.setups import as_saved, as_shown
from selectllm_tui.shown_setup import LOOKING, WITHOUT_ROUTER, ShownSetup
from selectllm_tui.snapshots.headline import headline
from selectllm_tui.snapshots.model import Model
from selectllm_tui.state import State
from tui.explorers import idle, press, settled
from tui.test_copies import copy
from tui.test_trust import Terminal

if TYPE_CHECKING:
    from pathlib import Path

ROUTER = "fake:blurred"
SETUPS: dict[str, dict[str, Any]] = {
    "one LLM": {"pool": ["fake-b"]},
    "a vote of two": {"pool": ["fake-a", "fake-c"], "k": 2},
    "a router": {"router": ROUTER, "policy": "argmax"},
    "a value between two steps": {"router": ROUTER, "policy": "threshold:0.333333", "pool": ["fake-a", "fake-b"]},
    "a tuned value": {"router": ROUTER, "policy": "threshold:auto"},
    "all it may ask": {"router": ROUTER, "policy": "cascade-value:max"},
    "a look at seconds": {"router": ROUTER, "policy": "cost-aware:0.3:latency"},
    "no router": {"policy": "cascade:0.65", "k": 3},
    "no router, a learned policy": {"policy": "vote:auto"},
    "a learned vote": {"vote": "learned"},
    "released code": {"router": ROUTER, "policy": "top-m:3", "protocol": "paper"},
}


@pytest.mark.parametrize("given", SETUPS.values(), ids=SETUPS)
def test_a_setup_is_shown_with_the_figures_that_it_has_and_saved_as_it_was(cache: Path, given: dict[str, Any]) -> None:
    run = load("fake", cache)
    saved = setup_of(run, **given)
    model = Model(run)
    shown = as_shown(saved, run, model.space)
    assert shown == shown.fit(model.space)  # nor does reading the cache again change it
    row, found = main_row(model, shown), evaluate_setup(run, saved)
    for name in ("accuracy", "latency", "delta", "delta_low", "p", "misrouted", "llms_per_question", "note"):
        if not (name == "note" and "auto" in str(saved.policy)):  # which says that it was tuned
            assert getattr(row, name) == getattr(found, name), name
    if "auto" not in str(saved.policy):
        assert as_saved(shown, run) == saved


def main_row(model: Model, setup: ShownSetup) -> Any:
    return headline(model, State(setup)).row


def test_policies_that_do_without_a_router_are_the_engines() -> None:
    assert [name for name, each in POLICIES.items() if not each.needs_router] == list(WITHOUT_ROUTER)
    assert [name for name, each in POLICIES.items() if each.options] == list(LOOKING)


async def test_the_explorer_opens_on_a_setup(cache: Path, tmp_path: Path) -> None:
    run = load("fake", cache)
    path = write_setup(setup_of(run, ["fake-a", "fake-c"], None, "cascade:0.65", k=2), tmp_path / "setup.toml")
    app = ExplorerApp("fake", cache, setup=read_setup(path))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert screen.headline.row.accuracy == evaluate_setup(run, read_setup(path)).accuracy
        groups = {each.group for each in screen.tab._results.entries}
        assert groups == {"", "no router", "LLMs"}
        await press(pilot, "p")
        assert screen.state.setup.policy == "vote:auto"  # the next that does without
        await press(pilot, "t", "ctrl+r")
        assert screen.state.setup.router is None
        await press(pilot, "r")
        assert screen.state.setup.router == run.routers[0]


async def test_a_setup_that_the_run_does_not_have_is_refused(cache: Path) -> None:
    saved = setup_of(load("fake", cache), ["fake-a"], ROUTER, "argmax")
    for other, code, said in (
        (replace(saved, pool=("fake-x",)), 2, "fake-x"),
        (replace(saved, router="fake:other"), 2, "fake:other"),
        (replace(saved, k=9), 2, "9 samples"),
        (replace(saved, kind="date"), 2, "date"),
        (replace(saved, vote="nothing.json"), 2, "nothing.json"),
    ):
        app = ExplorerApp("fake", cache, setup=other)
        async with app.run_test(size=(120, 40)):
            await idle(app)
        assert app.refusal is not None
        assert app.refusal.exit_code == code
        assert said in str(app.refusal)
    app = ExplorerApp("nowhere", cache, setup=replace(saved, benchmark="nowhere"))
    async with app.run_test(size=(120, 40)):
        await idle(app)
    assert "nowhere" in str(app.refusal)


def test_a_refusal_is_one_line_and_an_exit_code(cache: Path, tmp_path: Path) -> None:
    saved = setup_of(load("fake", cache), None, ROUTER, "argmax")
    path = write_setup(replace(saved, router="fake:other"), tmp_path / "setup.toml")
    terminal = Terminal(cache, tmp_path, before=f"import sys; sys.argv += ['--setup', {str(path)!r}]\n")
    assert terminal.code() == 2
    after = terminal.seen[terminal.seen.rindex(b"\x1b[?1049l") :].decode()
    assert "error: no router 'fake:other'; " in after
    assert "Traceback" not in after


@pytest.mark.parametrize("other", [["--benchmark", "fake"], ["--resume"]])
def test_nothing_else_may_say_what_is_opened(
    cache: Path, tmp_path: Path, other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_setup(setup_of(load("fake", cache)), tmp_path / "setup.toml")
    assert main(["tui", "--setup", str(path), *other, "--cache", str(cache)]) == 2
    assert f"{other[0]} and --setup both say" in capsys.readouterr().err


async def test_what_was_made_anew_since_is_said(cache: Path) -> None:
    saved = replace(setup_of(load("fake", cache), None, ROUTER, "argmax"), router_digest="0" * 16)
    (told,) = check_setup(load("fake", cache), saved)
    app = ExplorerApp("fake", cache, setup=saved)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        assert screen.notes == (told,)
        assert "was trained again" in "".join(strip.text for strip in screen._compositor.render_strips())


async def test_the_setup_is_saved_and_replacing_is_asked(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "2", "p", "p", "p", "p", "W")
        assert isinstance(app.screen, SaveScreen)
        assert await copy(pilot, monkeypatch, "enter") == (
            f"saved {tmp_path / 'setup.toml'}: selectllm tui --setup FILE opens it"
        )
        first = read_setup(tmp_path / "setup.toml")
        assert first == as_saved(screen.state.setup, screen.model.run)
        assert first.pool == ("fake-a", "fake-c")
        assert evaluate_setup(screen.model.run, first).accuracy == screen.headline.row.accuracy
        await press(pilot, "minus", "W", "enter")
        assert isinstance(app.screen, SaveScreen)  # asks first
        assert read_setup(tmp_path / "setup.toml") == first
        await copy(pilot, monkeypatch, "enter")
        assert read_setup(tmp_path / "setup.toml") == as_saved(screen.state.setup, screen.model.run) != first
        await press(pilot, "W")
        app.screen.query_one("Input").value = "setup.toml/mine"
        assert (await copy(pilot, monkeypatch, "enter")).startswith("setup not saved: ")
        await press(pilot, "W")
        app.screen.query_one("Input").value = "mine.json"
        await press(pilot, "enter")
        await settled(pilot)
        assert (tmp_path / "mine.json.toml").exists()


async def test_a_policy_without_a_router_is_reproduced_by_its_file_and_in_python(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = load("fake", cache)
    app = ExplorerApp("fake", cache, setup=setup_of(run, ["fake-a", "fake-c"], None, "cascade:0.65", k=2))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        row = screen.headline.row
        assert await copy(pilot, monkeypatch, "y", "s") == (
            "shell not copied: options can't say a policy without a router; W saves the setup, then --setup says it"
        )
        await copy(pilot, monkeypatch, "W", "enter")
        await copy(pilot, monkeypatch, "y", "s")
        shell = shlex.split(app.clipboard)[1:]
        await copy(pilot, monkeypatch, "y", "p")
        lines = app.clipboard.strip().splitlines()
    assert main([*shell, "--format", "json"]) == 0
    printed = {each["name"]: each for each in json.loads(capsys.readouterr().out)["rows"]}
    names: dict[str, Any] = {}
    exec("\n".join([*lines[:-1], f"found = {lines[-1]}"]), names)  # noqa: S102
    for found in (printed[row.name], names["found"].row(row.name).as_dict()):
        for name in ("accuracy", "latency", "delta", "misrouted", "policy", "parameter"):
            assert found[name] == row.as_dict()[name], name
