"""The commands of the parts of a screen: tables, texts, sliders, the matrix and the plot."""

from __future__ import annotations

from selectllm_tui.commands.command import commands_of

__all__ = ["MOVING", "WALKING"]

WALKING = commands_of(
    "plot",
    "Trade-off",
    ("next_point", "tab", "point(1)", "The next point to the right; from the last the next part."),
    ("point_before", "shift+tab", "point(-1)", "The point before; from the first the part before."),
    ("point_left", "left h", "along(-1)", "The next point to the left."),
    ("point_right", "right l", "along(1)", "The next point to the right."),
    ("point_above", "up k", "above(1)", "The next point above."),
    ("point_below", "down j", "above(-1)", "The next point below."),
    ("left", "shift+left", "pan_left", "Move the view to the left."),
    ("right", "shift+right", "pan_right", "Move it to the right."),
    ("up", "shift+up", "pan_up", "Move it up."),
    ("down", "shift+down", "pan_down", "Move it down."),
)
MOVING = (
    *commands_of(
        "table",
        "Moving",
        ("up", "up k", "move(-1)", "The row above."),
        ("down", "down j", "move(1)", "The row below."),
        ("page_up", "pageup", "page(-1)", "A screenful up."),
        ("page_down", "pagedown", "page(1)", "A screenful down."),
        ("half_up", "ctrl+u", "half(-1)", "Half a screenful up."),
        ("half_down", "ctrl+d", "half(1)", "Half a screenful down."),
        ("first", "home g", "end(-1)", "The first row."),
        ("last", "end G", "end(1)", "The last row."),
        ("open", "enter", "choose", "Open the row."),
    ),
    *commands_of(
        "text",
        "Moving",
        ("up", "up k", "scroll_up", "A line of a text up."),
        ("down", "down j", "scroll_down", "A line of a text down."),
        ("page_up", "pageup", "page_up", "A screenful of a text up."),
        ("page_down", "pagedown", "page_down", "A screenful of a text down."),
        ("half_up", "ctrl+u", "half(-1)", "Half a screenful of a text up."),
        ("half_down", "ctrl+d", "half(1)", "Half a screenful of a text down."),
        ("start", "home g", "scroll_home", "The start of a text."),
        ("end", "end G", "scroll_end", "The end of a text."),
    ),
    *commands_of(
        "sliders",
        "Moving",
        ("less", "left h", "slide(-1)", "Move the slider under the cursor down."),
        ("more", "right l", "slide(1)", "Move it up."),
    ),
    *commands_of(
        "grid",
        "Moving",
        ("left", "left h", "across(-1)", "The cell to the left, in the matrix."),
        ("right", "right l", "across(1)", "The cell to the right."),
    ),
    *commands_of(
        "screen",
        "Moving",
        ("next_part", "tab", "app.focus_next", "To the next part of the screen."),
        ("part_before", "shift+tab", "app.focus_previous", "To the part before."),
    ),
)
