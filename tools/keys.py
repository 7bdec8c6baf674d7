#!/usr/bin/env python3
"""Write docs/explorer.md: a picture of every tab, what it is about, and every key, from the explorer itself."""

from __future__ import annotations

from pathlib import Path

from selectllm_tui.keymap_lookup import markdown
from selectllm_tui.keys import USUAL
from selectllm_tui.tabs import TABS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explorer.md"
HEAD = """# The explorer

`selectllm tui` opens on the results in the cache. Everything on the screen follows the pool, the router and the policy
that are switched on: change one by a key, and every figure shows its change for a moment. The header always says what
is switched on and what that achieves; the footer names the tab's keys, dimmed where one can't act. Pressing a dimmed
key says why it can't. `?` explains the tab, `ctrl+p` finds everything by name, `u` takes any change back.

While `selectllm generate` fills the cache, the header says how far it is, and the figures follow by themselves: new
results are read every few seconds, the setup, the cursor and what can be undone stay. `ctrl+l` switches that off and,
again, on; `ctrl+r` reads them once. `L` shows every LLM as it is sampled: how far it is, its accuracy with an interval
that narrows, new tokens per second, and the share of samples without an answer.

The explorer starts where the last one of the cache was left; `selectllm tui --fresh` doesn't. `[tui]` in
[selectllm.toml](settings.md#tui) chooses theme, glyphs, start tab, columns and keys.

What is switched on is a [setup](concepts.md#setups-and-what-is-recommended): `W` saves it as a small file that every
command takes, `selectllm tui --setup FILE` opens on one, and `y`, then `s` or `p`, copies the command or the Python
lines that give the figures of the screen.

`selectllm tui --web` shows it in a browser of this machine, and of no other (the extra `web`, `--port` for another port
than 8000): one explorer for each page, until Ctrl-C. Nothing is asked of any other server, and other pages can't reach
it.

![The explorer in Chromium](images/browser.png)

Columns have a cursor, too: `<` and `>` move it, `s` sorts by the column under it (above the marks: by that LLM), `_`
hides it, `|` makes it wider, `"` brings all back. The frame's lower edge names the column that the cursor or the mouse
is on, or its LLM. `[tui.columns]` says which columns a tab starts with, by the names that stand below. `O` opens
another benchmark of the cache; each is found again as it was left.

The mouse works too: click an LLM, a row (twice to open it), a column's head, a tab or a key in the footer.

## Five minutes of keys

1. **Who matters?** On *Results*, press `1` to `9`: each switches an LLM off and, again, on. The header and every cell
   show what that changes; where nothing does, the LLM is dispensable. `x` in the pool leaves one LLM alone, `a` brings
   all back. LLMs beyond the ninth have a letter: `;` and the letter switches one from anywhere. In the pool, `/` lists
   LLMs by name, and `&` switches all that are listed.
2. **Which router, which policy?** `r` and `p` step through them, `-` and `=` move the slider of a policy that has one,
   `,` and `.` the number of samples that vote. `]` leads to *Matrix*: all of it at once; `↵` takes the pair under the
   cursor.
3. **At what price?** `]` again, *Trade-off*: what lies on the Pareto front is worth its seconds. `tab` walks the
   points, `↵` uses one. `w` shows dollars.
4. **Where is accuracy lost?** On *Lessons*, the bar says it; `m` opens the misrouted questions, `v` the outvoted, `z`
   the unsolvable. `↵` on a question shows every vote, `↵` on an LLM there its generations, `n` the next question.
   `T` shows what several LLMs wrote side by side, `M` marks the question, `#` notes a line on it.
5. **What does a change lose?** `B` pins the setup; change anything, then `D`: both side by side, their 2 × 2 table,
   and the questions that only one of them gets right. `↵` opens one, `n` the next of them, `esc` their list.
6. **Is there a better pool?** *Pools* ranks the subsets; `↵` makes one the pool, `u` takes it back.
7. **What should I run?** On *Recommend*, `←` and `→` move what it may take; the words, the plot and the table follow.
   `tab` leads to the table, `↵` makes a setup the one in use, `W` saves it.
"""
KEYS = """## Keys

Every command has a name, by which `[tui.keys]` of [selectllm.toml](settings.md#tui) gives it other keys: the keys of
tabs, tables and boxes, the digits and the letters of the pool. Those of a box or of a part of the screen are heard
there alone. What stays is what belongs to every line that one types in (its characters, `↵`, `ctrl+c`) and to the list
of `ctrl+p`. An LLM's digit or letter is its name, too, above its column and in searches: it stays where another key
switches the LLM. `;` takes the next key as an LLM's, however fast it comes; `esc` or a click takes that back.
"""
TAIL = """The pictures are made by `tools/screenshots.py` from the recorded run, the page by `tools/keys.py`.
"""


def reference() -> str:
    """The page."""
    tabs = []
    for name, tab in TABS.items():
        about = USUAL.worded(tab.about)
        columns = f"\nColumns: {', '.join(f'`{each}`' for each in tab.columns)}.\n" if tab.columns else ""
        tabs.append(f"## {tab.title}\n\n![The tab {tab.title}](images/{name}.svg)\n\n{about}\n{columns}")
    return "\n".join([HEAD, *tabs, KEYS, markdown(), TAIL])


if __name__ == "__main__":
    PAGE.write_text(reference(), "utf-8")
