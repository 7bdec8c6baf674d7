"""A plot of labelled points and curves, with the axes that latencies need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.css.query import NoMatches
from textual_hires_canvas import Canvas, HiResMode, TextAlign
from textual_plot import PlotWidget
from textual_plot.axis_formatter import AxisFormatter

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.widgets.paint import STYLES, Painting, shorten

if TYPE_CHECKING:
    from textual.events import MouseScrollDown, MouseScrollUp

__all__ = ["LINE", "LogFormatter", "Mark", "Plot"]

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


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with its label; the lower its rank, the sooner it gets room for it."""

    x: float
    y: float
    char: str
    style: str
    label: str
    rank: int


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

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.set_reactive(PlotWidget.margin_left, 7)
        self.set_reactive(PlotWidget.margin_top, 1)
        self.set_reactive(PlotWidget.margin_bottom, 2)
        self._marks: Sequence[Mark] = ()
        self._curves: Sequence[Curve] = ()
        self._limits: tuple[float, float, float, float] | None = None

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

    def draw(self, marks: Sequence[Mark], curves: Sequence[Curve]) -> None:
        """Other points and curves; the view stays where a person has zoomed or panned to."""
        self._marks, self._curves = marks, curves
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
        places = [(mark, self.get_pixel_from_coordinate(mark.x, mark.y)) for mark in self._marks]
        for mark, place in sorted(places, key=lambda item: -item[0].rank):
            if self._inside(*place):
                canvas.set_pixel(*place, char=mark.char, style=self.ink(mark.style))
                taken.add(place)
        for mark, (x, y) in sorted(places, key=lambda item: item[0].rank):
            if self._inside(x, y):
                self._label(canvas, mark, x, y, taken)

    def _render_x_label(self) -> None:
        """Writes the label right below the ticks; the base class leaves a line between."""
        canvas, margin = self.query_one("#plot", Canvas), self.query_one("#margin-bottom", Canvas)
        ink = self.get_component_rich_style("plot--label")
        margin.write_text(canvas.size.width // 2 + self.margin_left, 1, f"[{ink}]{self._x_label}", TextAlign.CENTER)

    def _inside(self, x: int, y: int) -> bool:
        area = self._scale_rectangle
        return area.x <= x < area.right and area.y <= y < area.bottom

    def _label(self, canvas: Canvas, mark: Mark, x: int, y: int, taken: set[tuple[int, int]]) -> None:
        """Writes the label beside its point where there is room, else leaves it out."""
        text = "".join(char if cell_len(char) == 1 else "·" for char in shorten(mark.label, NAME))
        for left, top in _around(x, y, len(text)):
            cells = [(left + at, top) for at in range(len(text))]
            margin = [(left - 1, top), (left + len(text), top)]
            if all(self._inside(*cell) and cell not in taken for cell in cells) and not taken & (
                set(margin) - {(x, y)}
            ):
                for cell, char in zip(cells, text, strict=True):
                    canvas.set_pixel(*cell, char=char, style=self.ink(mark.style))
                taken.update(cells)
                return


def _around(x: int, y: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a label of that size may start: right, left, above, below."""
    yield x + 2, y
    yield x - 1 - size, y
    yield x - size // 2, y - 1
    yield x - size // 2, y + 1
    yield x + 2, y - 1
    yield x + 2, y + 1
