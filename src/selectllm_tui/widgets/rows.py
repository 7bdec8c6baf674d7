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
from selectllm_tui.view import AS_MADE, LLM_COLUMN
from selectllm_tui.widgets.cells import Cell, Column, ListRows, Rows, drawn, layout
from selectllm_tui.widgets.columns import arranged, arrow, heads, in_order_of, in_view, part_cells, places
from selectllm_tui.widgets.paint import STYLES, Line, Painting, Span, fit, paint, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events

    from selectllm_tui.view import Columns

__all__ = ["RowTable"]

WIDE = 400  # cells for what is copied of cells that draw themselves by width


class RowTable(ScrollView, Painting, can_focus=True, inherit_bindings=False):
    """Rows with a cursor. Posts Moved when the cursor moves, Chosen on enter or a second click on a row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--cursor-blurred", "rows--hover", *STYLES}
    BINDINGS = bindings("table")
    DEFAULT_CSS = """
    RowTable { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    hover: reactive[int] = reactive(-1, repaint=False)
    pointed: reactive[str] = reactive("", repaint=False, init=False)  # the column under the mouse

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

    @dataclass
    class Pointed(Message):
        """The mouse is on another column; on none where it is empty."""

        table: RowTable
        column: str

    def __init__(self, *, id: str, header: bool = True, gap: int = 1, cursor: bool = True) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Rows = ListRows(())
        self.header, self.gap, self.show_cursor = header, gap, cursor
        self.sorted_by: tuple[str, bool] | None = None
        self.arrangement = AS_MADE
        self._order: Sequence[int] = ()  # which column of the rows is in which place
        self._reach: Sequence[Column] = ()  # the columns as they are arranged
        self._columns: Sequence[Column] = ()  # those in view
        self._widths: list[int] = []
        self._laid_out: tuple[Sequence[Column], int, Columns] = ((), 0, AS_MADE)

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
        width = self._lay_out()
        if self.header and y == 0:
            return self._heads()
        at = y + self.scroll_offset.y - self.header
        if not 0 <= at < len(self.rows):
            return Strip.blank(width, self.ground)
        cells = self.rows.cells(at)
        if not self.rows.key(at):
            return self.painted(drawn(cells[0], width))
        return self._row(cells, self._base(at), cursor=at == self.cursor)

    def _lay_out(self) -> int:
        """Gives the columns their room; returns the cells that there are."""
        width = self.scrollable_content_region.width
        if self._laid_out != (self.rows.columns, width, self.arrangement):
            self._laid_out = (self.rows.columns, width, self.arrangement)
            self._order = in_order_of(self.rows.columns, self.arrangement.shown)
            self._reach = arranged([self.rows.columns[at] for at in self._order], self.arrangement)
            self._columns = in_view(self._reach, self.arrangement.under, width, self.gap)
            self._widths = layout(self._columns, width, self.gap)
        return width

    def arrange_columns(self, arrangement: Columns) -> None:
        """Shows the columns as a person arranged them."""
        if arrangement != self.arrangement:
            self.arrangement = arrangement
            self.refresh()

    @property
    def reach(self) -> tuple[tuple[str, int], ...]:
        """The columns that a cursor can go to, those of LLMs one by one, with their cells."""
        self._lay_out()
        found: list[tuple[str, int]] = []
        for column, width in zip(self._reach, self._widths, strict=True):
            if width:
                found += [(part, column.part) for part in column.parts] or [(column.key, width)]
        return tuple(found)

    @property
    def cell(self) -> str | None:
        """What stands in the row and the column under the cursors; None where no column has one."""
        under = self.arrangement.under
        if not self.key or under is None:
            return None
        for column, cell in zip(self.rows.columns, self.rows.cells(self.cursor), strict=True):
            if under in column.parts:
                return drawn(cell, 1)[column.parts.index(under)][0]
            if under == column.key:
                return "".join(text for text, _ in drawn(cell, WIDE)).strip()
        return None

    def title_of(self, place: str) -> str:
        """What a column is called in words."""
        if place.startswith(LLM_COLUMN):
            return place.removeprefix(LLM_COLUMN)
        column = next((each for each in self.rows.columns if each.key == place), None)
        return "" if column is None else column.saved or column.title.strip() or column.key.replace("_", " ")

    def _base(self, at: int) -> Style:
        if at == self.cursor and self.show_cursor:
            return self.get_component_rich_style("rows--cursor" if self.has_focus else "rows--cursor-blurred")
        return self.get_component_rich_style("rows--hover") if at == self.hover else self.ground

    def shows(self, column: str) -> bool:
        """Whether there is room for a column."""
        widths = zip(self._columns, self._widths, strict=False)
        return any((each.key == column or column in each.parts) and width for each, width in widths)

    def _heads(self) -> Strip:
        """The titles; an arrow beside the one that rows are sorted by, in the gap behind it where it is full."""
        spans: list[Span] = []
        behind: Span = ("", "plain")
        under = self.arrangement.under
        for column, width in zip(self._columns, self._widths, strict=True):
            if not width:
                continue
            if spans:
                spans += [behind, (" " * (self.gap - len(behind[0])), "plain")]
            behind = ("", "plain")
            title: Line = ((column.title, "header"),)
            if column.parts:
                title = heads(column, under, self.sorted_by)
            if self.sorted_by and self.sorted_by[0] in {column.key, column.parts[-1] if column.parts else ""}:
                sign = arrow(self.sorted_by[1])
                title = (*(title if column.parts else ((column.title, "strong"),)), (f" {sign}", "accent"))
                if width_of(title) > width:
                    title, behind = title[:-1], (sign, "accent")
            shown = fit(title, width, column.align)
            spans.extend([(text, "cell-cursor") for text, _ in shown] if column.key == under else shown)
        return paint([*spans, behind], self.scrollable_content_region.width, self.style_of, self.ground)

    def _row(self, cells: Sequence[Cell], base: Style, *, cursor: bool) -> Strip:
        spans: list[Span] = []
        under = self.arrangement.under if cursor else None
        for column, width, at in zip(self._columns, self._widths, self._order, strict=True):
            if width:
                if spans:
                    spans.append((" " * self.gap, "plain"))
                shown = drawn(cells[at], width)
                if column.parts:
                    shown = part_cells(shown, self.rows.columns[at].parts, column, under)
                shown = fit(shown, width, column.align)
                spans.extend([(text, "cell-cursor") for text, _ in shown] if under == column.key else shown)
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
        """Marks the row under the mouse, and tells the column."""
        self.hover = self._row_at(event)
        self.pointed = self.place_at(event) or ""

    def on_leave(self) -> None:
        """Forgets the row and the column under the mouse."""
        self.hover = -1
        self.pointed = ""

    def watch_pointed(self) -> None:
        """Tells which column the mouse is on."""
        self.post_message(self.Pointed(self, self.pointed))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one on the same row opens it; on a head it sorts."""
        offset = event.get_content_offset(self)
        if offset is not None and self.header and offset.y == 0:
            at, place = self.column_at(event), self.place_at(event)
            if at is not None and place is not None and self._columns[at].sortable:
                self.post_message(self.HeaderPicked(self, place))
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

    def place_at(self, event: events.MouseEvent) -> str | None:
        """The column under the mouse, an LLM's alone where there are several in one."""
        offset = event.get_content_offset(self)
        if offset is None:
            return None
        self._lay_out()
        found = places(self._columns, self._widths, self.gap)
        before = [each for each in found if each.left <= offset.x]
        return before[-1].key if before else None

    def on_resize(self) -> None:
        """Keeps the row under the cursor in view."""
        self.virtual_size = Size(self.size.width, len(self.rows) + self.header)
        self._reveal()
