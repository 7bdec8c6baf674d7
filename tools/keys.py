#!/usr/bin/env python3
"""Write docs/explorer.md: a picture of every tab, what it is about, and every key, from the explorer itself."""

from __future__ import annotations

from pathlib import Path

from selectllm_tui.commands import markdown
from selectllm_tui.screens.help import ABOUT
from selectllm_tui.state import TABS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explorer.md"
HEAD = """# The explorer

`selectllm tui` opens on the results in the cache. Everything on the screen follows the pool, the router and the policy
that are switched on: change one by a key, and every figure shows its change for a moment. The header always says what
is switched on and what that achieves; the footer names the keys, dimmed where one can't act. Pressing a dimmed key
says why it can't. `?` explains the tab, `ctrl+p` finds everything by name, `u` takes any change back.

The mouse works too: click an LLM, a row (twice to open it), a column's head, a tab or a key in the footer.
"""
TAIL = """The pictures are made by `tools/screenshots.py` from the recorded run, the page by `tools/keys.py`.
"""


def reference() -> str:
    """The page."""
    tabs = [f"## {title}\n\n![The tab {title}](images/{name}.svg)\n\n{ABOUT[name]}\n" for name, title in TABS.items()]
    return "\n".join([HEAD, *tabs, "## Keys\n", markdown(), TAIL])


if __name__ == "__main__":
    PAGE.write_text(reference(), "utf-8")
