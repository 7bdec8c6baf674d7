#!/usr/bin/env python3
"""Make the pictures of the explorer in docs/images, from the recorded run in cache/.

python tools/screenshots.py
"""

from __future__ import annotations

import asyncio
import re
from html import unescape
from pathlib import Path

from rich.cells import cell_len
from textual import constants

from selectllm_tui.app import ExplorerApp
from selectllm_tui.screens.main import MainScreen
from selectllm_tui.widgets.tabs.results import FLASH

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZE = (120, 36)
constants.COLOR_SYSTEM = "truecolor"  # whatever terminal the tool is started in
# What is pressed before each picture; the state carries on from one to the next.
PICTURES = {
    "results": ["r", "p", "p", "p", "p", "p", "3"],
    "matrix": ["u", "right_square_bracket", "down", "right"],
    "tradeoff": ["right_square_bracket"],
    "questions": ["right_square_bracket", "m", "down", "down", "down"],
    "question": ["enter", "n"],
    "generations": ["end", "up", "up", "enter"],
    "lessons": ["escape", "right_square_bracket"],
    "pools": ["right_square_bracket", "down"],
    "recommend": ["right_square_bracket", "left", "left", "left", "left", "left"],
}


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


async def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    app = ExplorerApp("reasoning", ROOT / "cache")
    async with app.run_test(size=SIZE) as pilot:
        await settle(app)
        for name, keys in PICTURES.items():
            for key in keys:
                await pilot.press(key)
                await settle(app)
            await asyncio.sleep(2 * FLASH)  # figures again, where changes were shown
            picture = app.export_screenshot(title=f"selectllm tui · {name}")
            picture = re.sub(r"[ \t]+\n", "\n", picture)
            picture = TEXT.sub(anchored, picture)
            (IMAGES / f"{name}.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
