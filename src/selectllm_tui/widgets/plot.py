"""A plot of labelled points and curves, with the axes that latencies need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar
from unicodedata import bidirectional

from rich.cells import cell_len
from textual.css.query import NoMatches
from textual.message import Message
from textual_hires_canvas import Canvas, HiResMode, TextAlign
from textual_plot import PlotWidget
from textual_plot.axis_formatter import AxisFormatter

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.widgets.paint import STYLES, Painting, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.events import MouseScrollDown, MouseScrollUp

__all__ = ["LINE", "LabelledPoint", "LogFormatter", "NoTicks", "Plot", "in_cells"]

NAME = 20  # cells of a label


Curve = tuple[Sequence[tuple[float, float]], str, str]  # points, style name, LINE or a dot

LINE = ""  # braille from point to point


class LogFormatter(AxisFormatter):
    """Ticks at 1, 2 and 5 times powers of ten, for an axis that holds logarithms."""

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:
        """The logarithms of round numbers within the axis."""
        powers = range(math.floor(min_), math.ceil(max_) + 1)
        ticks: list[float] = []
        for steps in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7), tuple(tenth / 10 for tenth in range(10, 100, 5))):
            found = [power + math.log10(step) for power in powers for step in steps]
            found = [tick for tick in found if min_ <= tick <= max_]
            if len(found) > max_ticks:
                break
            ticks = found
        return ticks

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        """The numbers themselves."""
        return [f"{10**tick:.3g}" for tick in ticks]


class NoTicks(AxisFormatter):
    """An axis that only says which is further right."""

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:  # noqa: ARG002
        """None."""
        return []

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:  # noqa: ARG002
        """None."""
        return []


@dataclass(frozen=True, slots=True)
class LabelledPoint:
    """A point with its label; the lower its rank, the sooner it gets room for it."""

    x: float
    y: float
    char: str
    style: str
    label: str
    rank: int
    key: str = ""


class Plot(PlotWidget, Painting, inherit_bindings=False):
    """textual-plot's widget with labels beside its points. Text in it is data and never read as markup."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)
    BINDINGS = bindings("plot")
    DEFAULT_CSS = """
    Plot { height: 1fr; }
    Plot > .plot--axis { color: $line; }
    Plot:focus > .plot--axis { color: $line; }
    Plot > .plot--tick { color: $foreground 62%; text-style: none; }
    Plot > .plot--label { color: $foreground 62%; text-style: none; }
    """

    @dataclass
    class Walked(Message):
        """The cursor is on another point."""

        plot: Plot
        key: str

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.key = ""  # of the point under the cursor
        self.set_reactive(PlotWidget.margin_left, 7)
        self.set_reactive(PlotWidget.margin_top, 1)
        self.set_reactive(PlotWidget.margin_bottom, 2)
        self._marks: Sequence[LabelledPoint] = ()
        self._curves: Sequence[Curve] = ()
        self._limits: tuple[float, float, float, float] | None = None
        self._leftward: set[int] = set()  # lines with a label that is read from right to left

    def action_along(self, step: int) -> None:
        """To the next point to the right or left."""
        self._walk(step, lambda mark: (mark.x, mark.y))

    def action_above(self, step: int) -> None:
        """To the next point above or below."""
        self._walk(step, lambda mark: (mark.y, mark.x))

    def action_point(self, step: int) -> None:
        """To the next point to the right or left; beyond the last to the next part of the screen."""
        if not self._walk(step, lambda mark: (mark.x, mark.y)):
            self.screen.focus_next() if step > 0 else self.screen.focus_previous()

    def _walk(self, step: int, order: Callable[[LabelledPoint], tuple[float, float]]) -> bool:
        """To the next point in an order, the first time to the one of the least rank; False where there is none."""
        marks = sorted((each for each in self._marks if each.key), key=order)
        at = next((at for at, each in enumerate(marks) if each.key == self.key), None)
        to = at + step if at is not None else marks.index(min(marks, key=lambda each: each.rank)) if marks else 0
        if not 0 <= to < len(marks):
            return False
        self.stand_on(marks[to])
        return True

    def stand_on(self, mark: LabelledPoint) -> None:
        """Puts the cursor on a point; where that is out of view, everything comes into view."""
        self.key = mark.key
        if not (self._x_min <= mark.x <= self._x_max and self._y_min <= mark.y <= self._y_max):
            self.action_reset_scales()
        self._rerender()
        self.post_message(self.Walked(self, self.key))

    def action_reset_scales(self) -> None:
        """Everything in view."""
        super().action_reset_scales()
        self._limits = (self._x_min, self._x_max, self._y_min, self._y_max)

    def forget_view(self) -> None:
        """The next points decide what is in view."""
        self._limits = None

    def on_mount(self) -> None:
        """Draws what was handed over before; the base class clears the plot when it is mounted."""
        self.call_after_refresh(self._first)

    def _first(self) -> None:
        self.forget_view()
        self._draw()

    def draw(self, marks: Sequence[LabelledPoint], curves: Sequence[Curve]) -> None:
        """Other points and curves; the view stays where a person has zoomed or panned to."""
        self._marks, self._curves = marks, curves
        if self.key not in {each.key for each in marks}:
            self.key = ""
        self._draw()

    def _draw(self) -> None:
        self.clear()
        marks = self._marks
        for points, style, dot in self._curves:
            if len(points) > 1:
                xs, ys = zip(*points, strict=True)
                if dot:
                    self.scatter(xs, ys, marker=dot, marker_style=self.ink(style))
                    continue
                self.plot(xs, ys, line_style=self.ink(style), hires_mode=HiResMode.BRAILLE)
        if marks:
            self._limit([mark.x for mark in marks], [mark.y for mark in marks])
        self._rerender()

    def _limit(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Everything in view with some air, where a person has not chosen another view."""
        wide, high = (max(xs) - min(xs)) * 0.06 or 0.1, (max(ys) - min(ys)) * 0.08 or 1.0
        limits = (min(xs) - wide, max(xs) + 2.5 * wide, min(ys) - high, max(ys) + high)
        chosen = (self._x_min, self._x_max, self._y_min, self._y_max) != self._limits and self._limits is not None
        self._user_x_min, self._user_x_max, self._user_y_min, self._user_y_max = limits
        if not chosen:
            self._limits = limits
            self.action_reset_scales()

    def ink(self, style: str) -> str:
        """A style name as the text that Rich parses into a style."""
        return str(self.style_of(style))

    @property
    def _roomy(self) -> bool:
        """Whether there is an area to plot in: the base class divides by its size."""
        return self._scale_rectangle.width > 1 and self._scale_rectangle.height > 1

    def _pan(self, factor_x: float, factor_y: float) -> None:
        if self._roomy:
            super()._pan(factor_x, factor_y)

    def _zoom_with_mouse(self, event: MouseScrollDown | MouseScrollUp, factor: float) -> None:
        if self._roomy:
            super()._zoom_with_mouse(event, factor)

    def _render_plot(self) -> None:
        if not self._roomy:
            return
        super()._render_plot()
        try:
            canvas = self.query_one("#plot", Canvas)
        except NoMatches:
            return
        if canvas._canvas_size is None or not self._scale_rectangle.area:
            return
        taken: set[tuple[int, int]] = set()
        self._leftward = set()
        marks = [self._under_cursor(each) if each.key and each.key == self.key else each for each in self._marks]
        shown = [
            each for each in marks if each.label or each.key == self.key
        ]  # the others are a curve's, drawn with it
        places = [(mark, self.get_pixel_from_coordinate(mark.x, mark.y)) for mark in shown]
        for mark, place in sorted(places, key=lambda item: -item[0].rank):
            if self._inside(*place):
                canvas.set_pixel(*place, char=mark.char, style=self.ink(mark.style))
                taken.add(place)
        for mark, (x, y) in sorted(places, key=lambda item: item[0].rank):
            if self._inside(x, y):
                self._label(canvas, mark, x, y, taken)

    def _under_cursor(self, mark: LabelledPoint) -> LabelledPoint:
        return replace(mark, style="cell-cursor", rank=-1, char=mark.char if mark.label else "◉")

    def _render_x_label(self) -> None:
        """Writes the label right below the ticks; the base class leaves a line between."""
        canvas, margin = self.query_one("#plot", Canvas), self.query_one("#margin-bottom", Canvas)
        ink = self.get_component_rich_style("plot--label")
        margin.write_text(canvas.size.width // 2 + self.margin_left, 1, f"[{ink}]{self._x_label}", TextAlign.CENTER)

    def _inside(self, x: int, y: int) -> bool:
        area = self._scale_rectangle
        return area.x <= x < area.right and area.y <= y < area.bottom

    def _label(self, canvas: Canvas, mark: LabelledPoint, x: int, y: int, taken: set[tuple[int, int]]) -> None:
        """Writes the label beside its point where there is room, else leaves it out."""
        text = in_cells(shorten(mark.label, NAME))
        leftward = any(bidirectional(char) in {"R", "AL"} for char in mark.label)
        for left, top in _around(x, y, len(text)):
            cells = [(left + at, top) for at in range(len(text))]
            margin = [(left - 1, top), (left + len(text), top)]
            if leftward and top in self._leftward:
                continue  # terminals that turn such texts would turn both as one, and change their places
            if all(self._inside(*cell) and cell not in taken for cell in cells) and not taken & (
                set(margin) - {(x, y)}
            ):
                for cell, char in zip(cells, text, strict=True):
                    canvas.set_pixel(*cell, char=char, style=self.ink(mark.style))
                taken.update(cells)
                self._leftward |= {top} if leftward else set()
                return


def in_cells(text: str) -> list[str]:
    """A text by cells: what combines stands with its letter, and the cell behind a wide letter is empty."""
    cells: list[str] = []
    for char in text:
        width = cell_len(char)
        if width == 0 and cells:
            at = -1 if cells[-1] else -2
            cells[at] += char
        else:
            cells += [char, *[""] * (width - 1)]
    return cells


def _around(x: int, y: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a label of that size may start: right, left, above, below."""
    yield x + 2, y
    yield x - 1 - size, y
    yield x - size // 2, y - 1
    yield x - size // 2, y + 1
    yield x + 2, y - 1
    yield x + 2, y + 1
