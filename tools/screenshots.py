#!/usr/bin/env python3
"""Make the pictures of the explorer in docs/images, and the one that moves, from a copy of the recorded run in cache/.

python tools/screenshots.py
"""

from __future__ import annotations

import asyncio
import re
import shutil
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import constants

from selectllm_tui.app import ExplorerApp
from selectllm_tui.screens.main import MainScreen
from selectllm_tui.widgets.tabs.results import FLASH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.pilot import Pilot

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZE = (120, 36)
constants.COLOR_SYSTEM = "truecolor"  # whatever terminal the tool is started in
# What is pressed before each picture; the state carries on from one to the next.
PICTURES = {
    "results": ["r", "p", "p", "p", "p", "p", "3"],
    "matrix": ["u", "right_square_bracket", "down", "right"],
    "tradeoff": ["right_square_bracket", "tab", "tab", "tab"],
    "questions": ["right_square_bracket", "m", "down", "down", "down"],
    "question": ["enter", "n"],
    "generations": ["end", "up", "up", "enter"],
    "sidebyside": ["escape", "T", "d"],
    "marks": ["escape", "M", "number_sign", *"odd gold answer?", "enter", "escape", "down", "down", "M"],
    "lessons": ["right_square_bracket", "right_square_bracket"],
    "pools": ["right_square_bracket", "down"],
    "recommend": ["right_square_bracket", "left", "left", "left", "left", "left"],
    "compare": ["f1", "B", "r", "D"],
}
# The pictures of the one that moves: what is pressed before each, and what is said of it.
FRAMES = (
    ([], "selectllm tui: what each way to answer achieves"),
    (["B"], "B pins the setup"),
    (["r"], "r takes the next router; Δ pin is the difference"),
    (["D"], "D compares: the questions that only one of them gets right"),
    (["enter"], "↵ opens the first that was lost"),
    (["down", "enter"], "↓ ↵ what gemma wrote there"),
    (["escape", "T"], "esc T what the others wrote, side by side"),
)
FRAME_SIZE = (100, 30)
SECONDS = 3  # of a frame


SPACE = "&#160;"
# A text of the picture: its tag up to x, x, the width it is stretched to, the rest of the tag, its words.
TEXT = re.compile(
    rf'(<text [^>]*?x=")([\d.]+)("[^>]*?textLength=")([\d.]+)("[^>]*>)((?:{SPACE})*)([^<]*?)((?:{SPACE})*)</text>'
)


def anchored(text: re.Match[str]) -> str:
    """A text without the spaces at its ends, at the place of its first letter: some viewers drop such spaces."""
    before, x, middle, length, rest, left, words, right = text.groups()
    size = cell_len(unescape(words).strip())
    if not size:
        return ""
    cell = float(length) / (len(left + right) // len(SPACE) + size)
    return f"{before}{float(x) + len(left) // len(SPACE) * cell:g}{middle}{size * cell:g}{rest}{words}</text>"


async def settle(app: ExplorerApp) -> None:
    """Waits until everything is computed and painted."""
    while not any(isinstance(screen, MainScreen) for screen in app.screen_stack):
        await asyncio.sleep(0.01)
    for _ in range(3):
        await app.workers.wait_for_complete()
        await asyncio.sleep(0.05)


async def drawn(app: ExplorerApp, title: str) -> str:
    """The screen as a picture, once figures stand where changes were shown."""
    await asyncio.sleep(2 * FLASH)
    picture = re.sub(r"[ \t]+\n", "\n", app.export_screenshot(title=title))
    return TEXT.sub(anchored, picture)


def moving(frames: list[str]) -> str:
    """Pictures of one size as one that shows them in turns; the first where nothing moves."""
    size, *_ = re.findall(r'viewBox="([^"]+)"', frames[0])
    whole, share = SECONDS * len(frames), 100 / len(frames)
    parts = [
        f'<svg class="selectllm-tour" viewBox="{size}" xmlns="http://www.w3.org/2000/svg">',
        f"<style>.frame {{ visibility: hidden; animation: turn {whole}s step-end infinite }}"
        f"@keyframes turn {{ 0% {{ visibility: visible }} {share:g}% {{ visibility: hidden }} }}"
        "@media (prefers-reduced-motion) { .frame { animation: none } .frame.first { visibility: visible } }</style>",
    ]
    for at, frame in enumerate(frames):
        first = " first" if at == 0 else ""
        parts += [f'<g class="frame{first}" style="animation-delay: {SECONDS * at}s">', frame.strip(), "</g>"]
    return "\n".join([*parts, "</svg>\n"])


async def pressed(app: ExplorerApp, pilot: Pilot[None], keys: Iterable[str]) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(app)


async def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:  # what is marked stays there
        cache = Path(folder) / "cache"
        shutil.copytree(ROOT / "cache", cache)
        app = ExplorerApp("reasoning", cache)
        async with app.run_test(size=SIZE) as pilot:
            await settle(app)
            for name, keys in PICTURES.items():
                await pressed(app, pilot, keys)
                picture = await drawn(app, f"selectllm tui · {name}")
                (IMAGES / f"{name}.svg").write_text(picture, "utf-8")
        app = ExplorerApp("reasoning", cache)
        async with app.run_test(size=FRAME_SIZE) as pilot:
            await settle(app)
            frames = []
            for keys, said in FRAMES:
                await pressed(app, pilot, keys)
                frames.append(await drawn(app, said))
        (IMAGES / "tour.svg").write_text(moving(frames), "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
