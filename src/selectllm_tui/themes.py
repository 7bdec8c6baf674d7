"""The explorer's own themes, dark and light, with one accent colour; Textual's others can be chosen too."""

from __future__ import annotations

from textual.color import Color
from textual.theme import Theme

__all__ = ["APP_CSS", "BREAKPOINTS", "DEFAULT", "FALLBACK", "LIGHT", "LOW", "PLAIN", "THEMES", "shades"]

DEFAULT, LIGHT = "selectllm-dark", "selectllm-light"
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
        name=LIGHT,
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

PLAIN = "ansi-dark"  # the theme for terminals of 16 colours: their own ones
STRENGTHS = (0.04, 0.09, 0.15, 0.22, 0.30, 0.39, 0.50)  # of the accent in the shades of a heat map
GREYS = {True: (233, 234, 235, 236, 238, 240, 242), False: (255, 254, 253, 252, 251, 250, 248)}  # of 256 colours


def grey(number: int) -> str:
    """What Rich shows as one of the greys of 256 colours, 232 to 255: it counts them in 25ths from black to white."""
    level = round((number - 231) * 255 / 25)
    return f"#{level:02x}{level:02x}{level:02x}"


def shades(accent: str, background: str, *, dark: bool, colours: int | None) -> dict[str, str]:
    """The colours of cursors and heat maps, weakest first: tints of the accent; greys where a terminal has 256.

    Of 256 colours the nearest to each tint would be the same, or in no order.
    """
    if colours == 256:
        heat = [grey(number) for number in GREYS[dark]]
        cursor, blurred, hover = (grey(number) for number in ((239, 236, 235) if dark else (252, 254, 255)))
    else:
        ground, ink = Color.parse(background), Color.parse(accent)
        plain = Color.parse("#ffffff" if dark else "#000000")
        heat = [ground.blend(ink, strength).hex for strength in STRENGTHS]
        cursor = ground.blend(ink, 0.22).hex
        blurred, hover = ground.blend(plain, 0.08).hex, ground.blend(plain, 0.05).hex
    made = {f"heat-{at}": colour for at, colour in enumerate(heat)}
    return {**made, "cursor": cursor, "cursor-blurred": blurred, "hovered": hover}


# Classes that a screen has by its width: no room for the side panel, room, plenty of it.
BREAKPOINTS = [(0, "-narrow"), (113, "-normal"), (160, "-wide")]
LOW = [(0, "-low"), (18, "-high"), (34, "-tall")]  # on few lines the tab comes first, on many there is room for more

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
.paint--found { color: $background; background: $warning; text-style: bold underline; }
.paint--apart { color: $accent; text-style: bold underline; }
.paint--right-chosen { color: $success; text-style: bold underline; }
.paint--wrong-chosen { color: $error; text-style: bold underline; }
.paint--muted-chosen { color: $foreground; text-style: bold underline; }
.paint--cell-cursor { color: $background; background: $accent; text-style: bold; }
.paint--heat-0 { background: $heat-0; }
.paint--heat-1 { background: $heat-1; }
.paint--heat-2 { background: $heat-2; }
.paint--heat-3 { background: $heat-3; }
.paint--heat-4 { background: $heat-4; }
.paint--heat-5 { background: $heat-5; }
.paint--heat-6 { background: $heat-6; text-style: bold; }
.rows--cursor { background: $cursor; }
.rows--cursor-blurred { background: $cursor-blurred; }
.rows--hover { background: $hovered; }
.-plain .rows--cursor { background: transparent; text-style: reverse; }
.-plain .rows--cursor-blurred { background: transparent; text-style: underline; }
.-plain .rows--hover { background: transparent; }
.-plain .paint--cell-cursor, .-plain .paint--hit, .-plain .paint--badge {
    color: $foreground; background: transparent; text-style: reverse;
}
.-plain .paint--found { color: $foreground; background: transparent; text-style: bold underline reverse; }
.-plain .paint--heat-0, .-plain .paint--heat-1, .-plain .paint--heat-2, .-plain .paint--heat-3,
.-plain .paint--heat-4, .-plain .paint--heat-5, .-plain .paint--heat-6 { background: transparent; }
.-plain .paint--muted, .-plain .paint--header { color: $foreground; }
.-plain .paint--faint { color: $foreground; text-style: dim; }
.-narrow Side, .-bare Side { display: none; }
.-narrow PoolStrip, .-bare PoolStrip { display: block; }
.-tall QuestionsTab #preview, .-wide QuestionsTab #preview { display: block; }
.-wide QuestionsTab #questions-body { layout: horizontal; }
.-wide QuestionsTab #preview { width: 40%; height: 100%; border-top: none; border-left: solid $line; padding: 0 1; }
.-narrow ResultsTab Bar { height: 1; }
.-wide ResultsTab Bar { height: 2; }
.-narrow TradeoffTab #front { max-height: 3; }
.-tall RecommendTab #front-legend, .-tall RecommendTab #front-plot { display: block; }
.-tall RecommendTab #advice { height: auto; max-height: 25%; }
.-tall RecommendTab #offers { max-height: 30%; }
.-low RecommendTab #trade { display: none; }
.-low PoolStrip, .-low ResultsTab Bar { display: none; }
.-wide Side { width: 54; }
"""
