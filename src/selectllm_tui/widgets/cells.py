"""What a table shows: columns, cells, and where rows come from. Cells are made when they are visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from rich.cells import cell_len

from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.paint import Align, Line, Span

__all__ = ["Cell", "Column", "ListRows", "Rows", "drawn", "in_order", "layout", "rule"]

T = TypeVar("T")

Cell = Line | Callable[[int], Line]  # a line, or one that depends on the width of its column


@dataclass(frozen=True, slots=True)
class Column:
    """A column of fixed width, or one that shares what is left (`flex`, at least `width`).

    Columns with the highest `drop` vanish first where the table is too narrow; 0 never does. Columns that only draw
    bars are not exported; those with what the bars show are not on the `screen`. `saved` is a title that says in a file
    what a short one says on the screen. Those that are `asked` for by a key are shown whatever the settings choose.

    A column may have `parts`, as many columns of `part` cells with a `space` between, each known by its key and headed
    by a short or a longer text of `heads`: a cell of it is a line with a span for each. `cut` says that some of them
    are out of view.
    """

    key: str
    title: str
    width: int
    flex: int = 0
    align: Align = "left"
    drop: int = 0
    sortable: bool = False
    export: bool = True
    screen: bool = True
    asked: bool = False
    saved: str = ""
    parts: tuple[str, ...] = ()
    heads: tuple[tuple[str, str], ...] = ()
    part: int = 1
    space: str = ""
    cut: bool = False


class Rows(Protocol):
    """What a table shows."""

    @property
    def columns(self) -> Sequence[Column]:
        """What the cells are."""

    def __len__(self) -> int: ...

    def key(self, at: int) -> str:
        """What names the row; empty for a rule, on which the cursor never stands."""

    def find(self, key: str) -> int | None:
        """Where a row is."""

    def cells(self, at: int) -> Sequence[Cell]:
        """A cell per column; a single one for a rule, drawn over the whole width."""


@dataclass(frozen=True, slots=True)
class ListRows:
    """A few rows, all at hand."""

    columns: Sequence[Column]
    keys: Sequence[str] = ()
    lines: Sequence[Sequence[Cell]] = ()

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, at: int) -> str:
        """See Rows."""
        return self.keys[at]

    def find(self, key: str) -> int | None:
        """See Rows."""
        return self.keys.index(key) if key in self.keys else None

    def cells(self, at: int) -> Sequence[Cell]:
        """See Rows."""
        return self.lines[at]


def in_order(items: Iterable[T], value: Callable[[T], Any], *, descending: bool) -> list[T]:
    """Items by a value, stable, those without one last whichever way."""
    known: list[T] = []
    unknown: list[T] = []
    for each in items:
        (unknown if value(each) is None else known).append(each)
    return [*sorted(known, key=value, reverse=descending), *unknown]


def layout(columns: Sequence[Column], width: int, gap: int) -> list[int]:
    """Cells per column, 0 for the ones that are dropped; together with the gaps at most `width` where possible."""
    shown = {at for at, column in enumerate(columns) if column.screen}

    def needed() -> int:
        return sum(columns[at].width for at in shown) + gap * max(len(shown) - 1, 0)

    while needed() > width:
        at = max(shown, key=lambda each: (columns[each].drop, each))
        if columns[at].drop == 0:
            break
        shown.discard(at)
    spare = max(width - needed(), 0)
    flex = sum(columns[at].flex for at in shown)
    widths = [0] * len(columns)
    for at in sorted(shown):
        column = columns[at]
        share = spare * column.flex // flex if flex else 0
        flex, spare = flex - column.flex, spare - share
        widths[at] = column.width + share
    return widths


def drawn(cell: Cell, width: int) -> Line:
    """The line of a cell in a column of that width."""
    return cell(width) if callable(cell) else cell


def rule(title: str) -> Cell:
    """A quiet line over the whole width, with a title in it."""

    def draw(width: int) -> Line:
        name: Span = (f"{visible(title, limit=max(width - 6, 1))} " if title else "", "muted")
        return (
            ("── " if title else "", "faint"),
            name,
            ("─" * max(width - 3 * bool(title) - cell_len(name[0]), 0), "faint"),
        )

    return draw
