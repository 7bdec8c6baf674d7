"""Columns as a person arranged them, some hidden, some wider; and where each is, those of LLMs one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from selectllm_tui.llm_names import key_of, short_names
from selectllm_tui.view import LLM_COLUMN
from selectllm_tui.widgets.cells import Column
from selectllm_tui.widgets.paint import Span, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_tui.view import Columns
    from selectllm_tui.widgets.paint import Line

__all__ = [
    "TO_PIN",
    "ColumnPlace",
    "arranged",
    "arrow",
    "heads",
    "in_order_of",
    "in_view",
    "marks_column",
    "part_cells",
    "places",
]

TO_PIN = Column("pinned", "Δ pin", 6, align="right", drop=2, sortable=True, asked=True, saved="Δ to the pin")
CLOSE = 12  # LLMs from which on their marks stand without a space between them


class ColumnPlace(NamedTuple):
    """A column on the screen, or that of one LLM: its key and its first cell."""

    key: str
    left: int


def marks_column(key: str, llms: tuple[str, ...], *, drop: int = 0, sortable: bool = False) -> Column:
    """A column with a mark for each LLM of a run."""
    return _sized(
        Column(
            key,
            "",
            0,
            drop=drop,
            sortable=sortable,
            saved=", ".join(llms),
            parts=tuple(f"{LLM_COLUMN}{name}" for name in llms),
            heads=tuple((key_of(at) or "·", short) for at, short in enumerate(short_names(llms))),
            space=" " if len(llms) <= CLOSE else "",
        )
    )


def _sized(column: Column) -> Column:
    size = len(column.parts)
    return replace(column, width=max(size * column.part + len(column.space) * (size - 1), 1))


def in_order_of(columns: Sequence[Column], shown: Sequence[str]) -> list[int]:
    """Which column is in which place: those that are shown first, in the order of `shown`."""
    keys = [each.key for each in columns]
    first = [keys.index(key) for key in shown if key in keys]
    return [*first, *(at for at in range(len(keys)) if at not in first)]


def arranged(columns: Sequence[Column], chosen: Columns) -> list[Column]:
    """The columns, in their order, as they were arranged: those of a chosen width have it wherever there is room."""
    made = []
    for each in columns:
        column = replace(each, screen=each.asked or each.key in chosen.shown) if chosen.shown else each
        width = chosen.width_of(LLM_COLUMN if column.parts else column.key)
        if column.key in chosen.hidden:
            made.append(replace(column, screen=False))
        elif column.parts:
            kept = [at for at, part in enumerate(column.parts) if part not in chosen.hidden]
            parts, names = tuple(column.parts[at] for at in kept), tuple(column.heads[at] for at in kept)
            space = " " if width is not None and width > 1 else column.space
            shown = replace(
                column, parts=parts, heads=names, part=width or 1, space=space, screen=column.screen and bool(kept)
            )
            made.append(_sized(shown))
        elif width is not None:
            made.append(replace(column, width=width, flex=0, drop=0))
        else:
            made.append(column)
    return made


def in_view(columns: Sequence[Column], under: str | None, width: int, gap: int) -> list[Column]:
    """The columns; of LLMs that have no room together, as many as have, with that under the cursor."""
    needed = [each.width + gap for each in columns if each.screen and not each.drop and not each.parts]
    made = []
    for column in columns:
        stride = column.part + len(column.space)
        room = max((width - sum(needed) - 1) // stride, 1)  # a cell says that there are more
        if column.screen and len(column.parts) > room and column.width > width - sum(needed):
            at = column.parts.index(under) if under in column.parts else 0
            start = min(at // room * room, len(column.parts) - room)
            part = slice(start, start + room)
            shown = _sized(replace(column, parts=column.parts[part], heads=column.heads[part], cut=True))
            made.append(replace(shown, width=shown.width + 1))
        else:
            made.append(column)
    return made


def places(columns: Sequence[Column], widths: Sequence[int], gap: int) -> list[ColumnPlace]:
    """Where each column is that is shown."""
    found, left = [], 0
    for column, width in zip(columns, widths, strict=True):
        if not width:
            continue
        stride = column.part + len(column.space)
        if column.parts:
            found += [ColumnPlace(part, left + at * stride) for at, part in enumerate(column.parts)]
        else:
            found.append(ColumnPlace(column.key, left))
        left += width + gap
    return found


def part_cells(cell: Line, all_parts: Sequence[str], column: Column, under: str | None) -> list[Span]:
    """The marks of the LLMs that are shown, of a cell with one for each; `under` is the one that stands out."""
    spans: list[Span] = []
    marks = cell if len(column.parts) == len(all_parts) else _kept(cell, all_parts, column)
    for part, (mark, style) in zip(column.parts, marks, strict=True):
        if spans and column.space:
            spans.append((column.space, "plain"))
        spans.append((mark, "cell-cursor" if part == under else style))
        if column.part > 1:
            spans.append((" " * (column.part - 1), "plain"))
    return [*spans, ("…", "muted")] if column.cut else spans


def _kept(cell: Line, all_parts: Sequence[str], column: Column) -> list[Span]:
    shown = set(column.parts)
    return [span for part, span in zip(all_parts, cell, strict=True) if part in shown]


def heads(column: Column, under: str | None, sort: tuple[str, bool] | None) -> list[Span]:
    """Above the marks each LLM's key, or its name where they were made wide enough for names."""
    spans: list[Span] = []
    for at, (part, (key, name)) in enumerate(zip(column.parts, column.heads, strict=True)):
        chosen = sort is not None and sort[0] == part
        style = "cell-cursor" if part == under else "accent" if chosen else "header"
        spans += [(text, style) for text, _ in fit(((key if column.part == 1 else name, style),), column.part)]
        if at < len(column.parts) - 1 and column.space:
            spans.append((arrow(sort[1]) if sort is not None and chosen else column.space, "accent"))
    return [*spans, ("…", "muted")] if column.cut else spans


def arrow(descending: bool) -> str:
    """Which way rows are sorted."""
    return "▼" if descending else "▲"
