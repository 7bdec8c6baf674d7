"""The explorer's own themes, dark and light, with one accent colour; Textual's others can be chosen too."""

from __future__ import annotations

from textual.theme import Theme

__all__ = ["APP_CSS", "BREAKPOINTS", "DEFAULT", "FALLBACK", "LOW", "THEMES"]

DEFAULT = "selectllm-dark"
FALLBACK = {"line": "#5f6b7d"}  # visible, and quiet, on dark and light themes alike
THEMES = (
    Theme(
        name=DEFAULT,
        primary="#e6b45e",
        secondary="#8b98ad",
        accent="#e6b45e",
        foreground="#d5dae3",
        background="#12161d",
        surface="#161b24",
        panel="#202734",
        success="#84c794",
        warning="#e6b45e",
        error="#e27d84",
        dark=True,
        variables={"line": "#333d4d", "scrollbar": "#333d4d", "scrollbar-background": "#12161d"},
    ),
    Theme(
        name="selectllm-light",
        primary="#9a5b00",
        secondary="#5a6577",
        accent="#9a5b00",
        foreground="#222831",
        background="#faf9f6",
        surface="#f3f1ec",
        panel="#e8e5de",
        success="#2b7a41",
        warning="#9a5b00",
        error="#b3343f",
        dark=False,
        variables={"line": "#c9c4b8", "scrollbar": "#c9c4b8", "scrollbar-background": "#faf9f6"},
    ),
)

# Classes that a screen has by its width: no room for the side panel, room, plenty of it.
BREAKPOINTS = [(0, "-narrow"), (112, "-normal"), (160, "-wide")]
LOW = [(0, "-low"), (18, "-high")]  # on few lines the tab comes first

# Colours of the painted styles, and what changes with the width of the terminal.
APP_CSS = """
.paint--plain { }
.paint--strong { text-style: bold; }
.paint--muted { color: $foreground 62%; }
.paint--faint { color: $foreground 32%; }
.paint--accent { color: $accent; }
.paint--right { color: $success; }
.paint--wrong { color: $error; }
.paint--warn { color: $warning; }
.paint--up { color: $success; text-style: bold; }
.paint--down { color: $error; text-style: bold; }
.paint--header { color: $foreground 62%; }
.paint--badge { color: $background; background: $warning; text-style: bold; }
.paint--hit { color: $background; background: $accent; }
.paint--right-chosen { color: $success; text-style: bold underline; }
.paint--wrong-chosen { color: $error; text-style: bold underline; }
.paint--muted-chosen { color: $foreground; text-style: bold underline; }
.paint--cell-cursor { color: $background; background: $accent; text-style: bold; }
.paint--heat-0 { background: $accent 4%; }
.paint--heat-1 { background: $accent 9%; }
.paint--heat-2 { background: $accent 15%; }
.paint--heat-3 { background: $accent 22%; }
.paint--heat-4 { background: $accent 30%; }
.paint--heat-5 { background: $accent 39%; }
.paint--heat-6 { background: $accent 50%; text-style: bold; }
.rows--cursor { background: $accent 22%; }
.rows--cursor-blurred { background: $foreground 8%; }
.rows--hover { background: $foreground 5%; }
.-narrow Side { display: none; }
.-narrow PoolStrip { display: block; }
.-narrow ResultsTab Bar { height: 1; }
.-wide ResultsTab Bar { height: 2; }
.-narrow TradeoffTab #front { max-height: 3; }
.-low PoolStrip, .-low ResultsTab Bar { display: none; }
.-wide Side { width: 54; }
"""
