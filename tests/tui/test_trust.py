"""What a person must be able to rely on: nothing crashes, and whatever does leaves a report, the setup and a shell."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import time
from fcntl import ioctl
from termios import TIOCSWINSZ
from typing import TYPE_CHECKING

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color

from selectllm_tui.app import ExplorerApp
from selectllm_tui.crash import CrashError
from selectllm_tui.palette import Palette
from selectllm_tui.screens.main import MainScreen
from selectllm_tui.screens.message import LoadingScreen
from selectllm_tui.tabs import TABS
from selectllm_tui.themes import THEMES, shades
from selectllm_tui.widgets.paint import HEAT
from tui.explorers import press, settled

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 120.0
EXPLORER = "from selectllm_tui.cli import main; import sys; sys.exit(main(['tui', *sys.argv[1:]]))"
BROKEN = """
from selectllm_tui.screens.state_screen import StateScreen
def broken(self): raise ZeroDivisionError("made for the test")
StateScreen.on_screen_resume = broken
"""
ENDLESS = """
import threading
from selectllm_tui.app import ExplorerApp
ExplorerApp.read = lambda self: threading.Event().wait()
"""


async def test_every_tab_is_painted_without_colours(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert app.no_color
        for _ in TABS:
            await press(pilot, "right_square_bracket")


async def test_what_goes_wrong_while_it_is_left_is_no_crash(cache: Path) -> None:
    app = ExplorerApp(cache=cache)

    async def left() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await settled(pilot)
            app.exit(return_code=3)
            app._handle_exception(ZeroDivisionError("made for the test"))

    with pytest.raises(ZeroDivisionError):  # by the pilot alone
        await left()
    assert (app.crash, app.return_code) == (None, 3)


async def test_keys_that_open_tabs_faster_than_they_can_be_made(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        for tab in ("questions", "results", "questions", "recommend", "questions"):
            screen.action_press(f"tab_{tab}")
        await settled(pilot)
        assert screen.state.view.tab == "questions"
        assert screen.tab is not None
        assert screen.tab.id == "tab-questions"
        assert screen.tab.table is not None
        assert len(screen.tab.table.rows)


async def test_the_palette_opens_once_there_is_something_to_command(cache: Path) -> None:
    class Waiting(ExplorerApp):
        def load_run(self) -> None:
            """Never."""

    app = Waiting(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+p", "ctrl+p")
        assert [type(screen) for screen in app.screen_stack][1:] == [LoadingScreen]
        ExplorerApp.load_run(app)
        await settled(pilot)
        assert [type(screen) for screen in app.screen_stack][1:] == [MainScreen]
        await pilot.press("ctrl+p")
        await pilot.press("ctrl+p")
        assert [type(screen) for screen in app.screen_stack][1:] == [MainScreen, Palette]


@pytest.mark.parametrize("height", [1, 4, 40])
async def test_the_palette_takes_pages_on_any_number_of_lines(cache: Path, height: int) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(60, height)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p", "pagedown", "pageup", "end", "pagedown", "x", "pagedown")
        assert isinstance(app.screen, Palette)


async def test_what_is_left_twice_closes_once(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        for key in ("ctrl+p", "f", "e", "question_mark"):
            await pilot.press(key)
            opened = app.screen
            assert opened is not screen
            opened.dismiss()
            opened.dismiss()
            await settled(pilot)
            assert app.screen is screen


async def test_a_crash_keeps_a_report_and_the_setup(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(cache=cache)

    def broken(self: MainScreen) -> None:
        raise ZeroDivisionError("made for\x1b[2J the test")

    async def crash() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await settled(pilot)
            await press(pilot, "2")
            monkeypatch.setattr(MainScreen, "refresh_context", broken)
            await pilot.press("1")

    with pytest.raises(ZeroDivisionError):
        await crash()
    assert isinstance(app.crash, CrashError)
    (report,) = (tmp_path / "state" / "selectllm" / "crashes").iterdir()
    text = report.read_text("utf-8")
    assert "ZeroDivisionError: made for␛[2J the test" in text
    assert "terminal: 120 x 40" in text
    assert str(report) in str(app.crash)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    again = ExplorerApp(cache=cache, resume=True)
    async with again.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        assert screen.state.setup.pool.names == ("fake-c",)


class Terminal:
    """An explorer in a terminal of its own."""

    def __init__(self, cache: Path, home: Path, *, before: str = "") -> None:
        self.terminal, self.child = pty.openpty()  # kept open: what is written last is lost with the last who has it
        ioctl(self.child, TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + EXPLORER, "--cache", str(cache)],
            stdin=self.child,
            stdout=self.child,
            stderr=self.child,
            env={**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(home)},
            start_new_session=True,
        )
        self.seen = b""

    def read_until(self, part: bytes) -> None:
        end = time.monotonic() + PATIENCE
        while part not in self.seen:
            if not self._read(max(end - time.monotonic(), 0)):
                raise AssertionError(f"no {part!r}: {self.seen[-2000:]!r}")

    def _read(self, seconds: float) -> bool:
        if not select.select([self.terminal], [], [], seconds)[0]:
            return False
        self.seen += os.read(self.terminal, 65536)
        return True

    def code(self) -> int:
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.05)
        while self._read(0.05):
            pass
        os.close(self.terminal)
        os.close(self.child)
        return self.process.wait(PATIENCE)


def test_leaving_does_not_wait_for_what_is_still_computed(cache: Path, tmp_path: Path) -> None:
    terminal = Terminal(cache, tmp_path, before=ENDLESS)
    terminal.read_until(b"reading results")
    os.write(terminal.terminal, b"\x11")  # ctrl+q
    assert terminal.code() == 0
    assert b"\x1b[?1049l" in terminal.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_restore_the_terminal(cache: Path, tmp_path: Path, number: signal.Signals) -> None:
    terminal = Terminal(cache, tmp_path)
    terminal.read_until(b"best-single")
    terminal.process.send_signal(number)
    assert terminal.code() == 128 + number
    assert terminal.seen.rindex(b"\x1b[?1049l") > terminal.seen.rindex(b"best-single")
    assert b"\x1b[?25h" in terminal.seen
    assert b"Traceback" not in terminal.seen


def test_a_crash_restores_the_terminal_and_ends_with_one_line(cache: Path, tmp_path: Path) -> None:
    terminal = Terminal(cache, tmp_path, before=BROKEN)
    assert terminal.code() == 1
    after = terminal.seen[terminal.seen.rindex(b"\x1b[?1049l") :].decode()
    assert "ZeroDivisionError: made for the test" in after
    assert "Traceback" not in after
    (report,) = (tmp_path / "selectllm" / "crashes").iterdir()
    assert str(report) in "".join(after.split("\r\n"))


def lightness(colour: str) -> float:
    """CIE L* of a colour."""
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in Color.parse(colour).normalized
    ]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("colours", [None, 256])
def test_shades_are_ordered_in_lightness(dark: bool, colours: int | None) -> None:
    theme = THEMES[0] if dark else THEMES[1]
    made = shades(theme.accent, theme.background, dark=dark, colours=colours)
    if colours == 256:
        made = {
            name: RichColor.parse(each).downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex
            for name, each in made.items()
        }
    ramp = [lightness(made[f"heat-{at}"]) for at in range(HEAT)]
    assert ramp == sorted(set(ramp), reverse=not dark)
    assert made["cursor"] != made["cursor-blurred"]


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_cursors_are_in_reverse_video_and_bars_beside_figures_on_ansi_themes(cache: Path, theme: str) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        app.theme = theme
        await press(pilot, "right_square_bracket")
        table = screen.tab.table
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert any(bar in text for bar in "▁▂▃▄▅▆▇")
        await press(pilot, "left_square_bracket")
        table = screen.tab.table
        await press(pilot, "down")
        segments = list(table.render_line(table.cursor - table.scroll_offset.y + 1))
        assert all(segment.style.reverse for segment in segments)
        assert len({(segment.style.color, segment.style.bgcolor) for segment in segments}) == 1


async def test_nothing_selected_leaves_the_clipboard_alone(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        app.copy_to_clipboard("mine")
        await pilot.mouse_down("#results", offset=(3, 3))
        await pilot.hover("#results", offset=(20, 6))
        await pilot.mouse_up("#results", offset=(20, 6))
        await press(pilot, "ctrl+c")
        app.copy_to_clipboard("")
        assert app.clipboard == "mine"


async def test_one_figure_is_rounded_once_on_one_screen(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        latency = screen.headline.row.latency
        assert text.count(f"{latency:.{screen.digits}f}") >= 2  # in the header and in the table
        assert "random (baseline)" in text


async def test_other_splits_than_test_wear_a_badge(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "split" not in text
        await press(pilot, "t")
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert " train split " in text.splitlines()[0]
        assert "figures of the train split" in text
