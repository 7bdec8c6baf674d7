"""A table that holds no rows: it asks for the cells of the visible ones only.

Ten rows or a million, they scroll alike. Rows are known by key, so the cursor stays on its row when rows are
filtered, sorted or replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.widgets.cells import Cell, Column, ListRows, Rows, drawn, layout
from selectllm_tui.widgets.paint import STYLES, Line, Painting, Span, fit, paint, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events

__all__ = ["RowTable"]


class RowTable(ScrollView, Painting, can_focus=True, inherit_bindings=False):
    """Rows with a cursor. Posts Moved when the cursor moves, Chosen on enter or a second click on a row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--cursor-blurred", "rows--hover", *STYLES}
    BINDINGS = bindings("table")
    DEFAULT_CSS = """
    RowTable { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    hover: reactive[int] = reactive(-1, repaint=False)

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        table: RowTable
        key: str

        @property
        def control(self) -> RowTable:
            """The table, for `@on` selectors."""
            return self.table

    @dataclass
    class Chosen(Moved):
        """A row was opened."""

    @dataclass
    class HeaderPicked(Message):
        """The head of a sortable column was clicked."""

        table: RowTable
        column: str

        @property
        def control(self) -> RowTable:
            """The table, for `@on` selectors."""
            return self.table

    def __init__(self, *, id: str, header: bool = True, gap: int = 1, cursor: bool = True) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Rows = ListRows(())
        self.header, self.gap, self.show_cursor = header, gap, cursor
        self.sorted_by: tuple[str, bool] | None = None
        self._widths: list[int] = []
        self._laid_out: tuple[Sequence[Column], int] = ((), 0)

    # What it shows

    def show(self, rows: Rows, *, cursor: str | None = None) -> None:
        """Other rows; the cursor goes to the row `cursor`, or stays on its row, or near where that was."""
        wanted = cursor if cursor is not None else self.key
        self.rows = rows
        at = rows.find(wanted) if wanted else None
        self.virtual_size = Size(self.size.width, len(rows) + self.header)
        self.set_reactive(RowTable.cursor, self._allowed(self.cursor if at is None else at, 1))
        if at is not None and cursor is not None:
            self._reveal()
        self.refresh()

    @property
    def key(self) -> str:
        """The key of the row under the cursor; empty where there is none."""
        return self.rows.key(self.cursor) if 0 <= self.cursor < len(self.rows) else ""

    def move_to(self, key: str) -> None:
        """Puts the cursor on a row, where it is there."""
        at = self.rows.find(key)
        if at is not None:
            self.cursor = at

    # Painting

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        if self._laid_out != (self.rows.columns, width):
            self._laid_out = (self.rows.columns, width)
            self._widths = layout(self.rows.columns, width, self.gap)
        if self.header and y == 0:
            return self._heads()
        at = y + self.scroll_offset.y - self.header
        if not 0 <= at < len(self.rows):
            return Strip.blank(width, self.ground)
        cells = self.rows.cells(at)
        if not self.rows.key(at):
            return self.painted(drawn(cells[0], width))
        return self._row(cells, self._base(at))

    def _base(self, at: int) -> Style:
        if at == self.cursor and self.show_cursor:
            return self.get_component_rich_style("rows--cursor" if self.has_focus else "rows--cursor-blurred")
        return self.get_component_rich_style("rows--hover") if at == self.hover else self.ground

    def shows(self, column: str) -> bool:
        """Whether there is room for a column."""
        widths = zip(self.rows.columns, self._widths, strict=False)
        return any(each.key == column and width for each, width in widths)

    def _heads(self) -> Strip:
        """The titles; an arrow beside the one that rows are sorted by, in the gap behind it where it is full."""
        spans: list[Span] = []
        behind: Span = ("", "plain")
        for column, width in zip(self.rows.columns, self._widths, strict=True):
            if not width:
                continue
            if spans:
                spans += [behind, (" " * (self.gap - len(behind[0])), "plain")]
            behind = ("", "plain")
            title: Line = ((column.title, "header"),)
            if self.sorted_by and self.sorted_by[0] == column.key:
                arrow = "▼" if self.sorted_by[1] else "▲"
                title = ((column.title, "strong"), (f" {arrow}", "accent"))
                if width_of(title) > width:
                    title, behind = title[:1], (arrow, "accent")
            spans.extend(fit(title, width, column.align))
        return paint([*spans, behind], self.scrollable_content_region.width, self.style_of, self.ground)

    def _row(self, cells: Sequence[Cell], base: Style) -> Strip:
        spans: list[Span] = []
        for column, width, cell in zip(self.rows.columns, self._widths, cells, strict=True):
            if width:
                if spans:
                    spans.append((" " * self.gap, "plain"))
                spans.extend(fit(drawn(cell, width), width, column.align))
        return paint(spans, self.scrollable_content_region.width, self.style_of, base)

    # The cursor

    def _allowed(self, at: int, step: int) -> int:
        """The nearest row to `at` (looking in the direction of `step` first) that is not a rule."""
        last = len(self.rows) - 1
        at = min(max(at, 0), max(last, 0))
        for direction in (step, -step):
            probe = at
            while 0 <= probe <= last:
                if self.rows.key(probe):
                    return probe
                probe += direction
        return at

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaints the two rows and tells."""
        for at in (old, new):
            self._refresh_row(at)
        self._reveal()
        if self.key:
            self.post_message(self.Moved(self, self.key))

    def watch_hover(self, old: int, new: int) -> None:
        """Repaints the two rows."""
        for at in (old, new):
            self._refresh_row(at)

    def _refresh_row(self, at: int) -> None:
        self.refresh(Region(0, at + self.header - self.scroll_offset.y, self.size.width, 1))

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, max(self.size.height - self.header, 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)

    def move(self, step: int) -> None:
        """Moves the cursor by a number of rows."""
        if len(self.rows):
            self.cursor = self._allowed(self.cursor + step, 1 if step > 0 else -1)

    def action_move(self, step: int) -> None:
        """Moves the cursor by a row."""
        self.move(step)

    def action_page(self, step: int) -> None:
        """Moves the cursor by a screenful."""
        self.move(step * max(self.size.height - self.header - 1, 1))

    def action_half(self, step: int) -> None:
        """Moves the cursor by half a screenful."""
        self.move(step * max((self.size.height - self.header) // 2, 1))

    def action_end(self, step: int) -> None:
        """Moves the cursor to the first or last row."""
        self.move(step * len(self.rows))

    def action_choose(self) -> None:
        """Opens the row under the cursor."""
        if self.key:
            self.post_message(self.Chosen(self, self.key))

    # The mouse

    def _row_at(self, event: events.MouseEvent) -> int:
        offset = event.get_content_offset(self)
        if offset is None or (self.header and offset.y == 0):
            return -1
        at = offset.y + self.scroll_offset.y - self.header
        return at if at < len(self.rows) and self.rows.key(at) else -1

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Marks the row under the mouse."""
        self.hover = self._row_at(event)

    def on_leave(self) -> None:
        """Forgets the row under the mouse."""
        self.hover = -1

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one on the same row opens it; on a head it sorts."""
        offset = event.get_content_offset(self)
        if offset is not None and self.header and offset.y == 0:
            at = self.column_at(event)
            if at is not None and self.rows.columns[at].sortable:
                self.post_message(self.HeaderPicked(self, self.rows.columns[at].key))
        elif (at := self._row_at(event)) >= 0:
            if at == self.cursor and event.chain > 1:
                self.action_choose()
            self.cursor = at

    def column_at(self, event: events.MouseEvent) -> int | None:
        """The column under the mouse."""
        offset = event.get_content_offset(self)
        left = 0
        for at, width in enumerate(self._widths):
            if offset is not None and width and left <= offset.x < left + width + self.gap:
                return at
            left += width + self.gap if width else 0
        return None

    def on_resize(self) -> None:
        """Keeps the row under the cursor in view."""
        self.virtual_size = Size(self.size.width, len(self.rows) + self.header)
        self._reveal()
