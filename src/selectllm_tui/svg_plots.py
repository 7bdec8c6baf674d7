"""Figures for papers and slides as SVG: accuracy against seconds or dollars, and routers × policies as a heat map.

Colours are told apart by people who see few of them (Okabe and Ito 2008), and every kind of point has a shape of its
own, so that figures can be printed in grey. Text stays text: it can be searched and restyled, and a viewer's own fonts
show what ours lack. The same figures give the same bytes.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import MissingExtraError
from selectllm_tui.label_placement import place
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Curve", "Heat", "PlotMark", "draw_heat", "draw_scatter"]

_BLUE, _ORANGE, _GREEN, _PURPLE, _GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
_ROUTERS = ((_ORANGE, "D"), (_GREEN, "^"), (_PURPLE, "v"), ("#56B4E9", "P"), ("#E69F00", "<"), ("#000000", ">"))
_FONT = 8  # points
_LONGEST = 40  # characters of a name
_LOGARITHMIC = 30  # largest over smallest burden from which on the axis is logarithmic
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "selectllm",
    "text.parse_math": False,  # a $ in a name is a dollar
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": _FONT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": _FONT,
    "legend.fontsize": _FONT,
}


@dataclass(frozen=True, slots=True)
class PlotMark:
    """One point of a scatter plot: `group` is "LLM", "baseline" or a router's name; `accuracy` a fraction."""

    label: str
    group: str
    burden: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through (burden, accuracy): a router's name and a policy's curve, or "" and the Pareto front.

    `along` is the policy with what changes along the curve.
    """

    group: str
    points: tuple[tuple[float, float], ...]
    along: str = ""


@dataclass(frozen=True, slots=True)
class Heat:
    """A heat map: a value per row and column, None where there is none; `shown` are the values as text."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    shown: tuple[tuple[str, ...], ...]


@contextmanager
def _canvas(width: float, height: float) -> Iterator[Any]:
    """A matplotlib figure of that many inches, drawn with our settings whatever a person's are.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("drawing a plot", "figures") from None
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # glyphs that only the viewer's fonts have
        mpl.rcdefaults()
        settings: Any = mpl.rcParams
        settings.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def _svg(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "selectllm"})
    return out.getvalue()


def _name(text: str) -> str:
    return visible(text, limit=_LONGEST)


def draw_scatter(marks: Sequence[PlotMark], curves: Sequence[Curve], *, title: str, across: str) -> bytes:
    """Accuracy (up) against a burden (across, whose axis is named `across`) as SVG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    groups = dict.fromkeys([*(each.group for each in marks), *(each.group for each in curves)])
    routers = [name for name in groups if name not in {"LLM", "baseline", ""}]
    looks = {"LLM": (_BLUE, "o"), "baseline": (_GREY, "s")}
    looks |= {name: _ROUTERS[at % len(_ROUTERS)] for at, name in enumerate(routers)}
    with _canvas(7.0, 4.6) as figure:
        axes = figure.add_subplot()
        for at, curve in enumerate(curves):
            x, y = zip(*((burden, 100 * accuracy) for burden, accuracy in curve.points), strict=True)
            if curve.group:
                label = f"{_name(curve.group)} {curve.along}"
                second = any(curve.group == each.group for each in curves[:at])
                look: dict[str, Any] = {"color": looks[curve.group][0], "linestyle": ":" if second else "-"}
                axes.plot(x, y, linewidth=1, alpha=0.7, label=label, zorder=1, **look)
            else:
                axes.plot(x, y, color="#000000", linewidth=0.8, linestyle=(0, (4, 3)), label="Pareto front", zorder=1)
        for group, (colour, shape) in looks.items():
            own = [each for each in marks if each.group == group]
            if own:
                axes.plot(
                    [each.burden for each in own],
                    [100 * each.accuracy for each in own],
                    linestyle="none",
                    marker=shape,
                    markersize={"baseline": 9, "LLM": 6.5}.get(group, 5),  # all are seen where they coincide
                    markerfacecolor="none" if group == "baseline" else colour,
                    markeredgecolor=colour,
                    label=_name(group),
                    zorder=2,
                )
        burdens = [each.burden for each in marks if each.burden > 0]
        if burdens and len(burdens) == len(marks) and max(burdens) > _LOGARITHMIC * min(burdens):
            from matplotlib.ticker import LogLocator

            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter("{x:g}")  # not as a formula, which would show as its source
            axes.xaxis.set_minor_formatter("")
        axes.margins(0.08)
        axes.set_xlabel(across)
        axes.set_ylabel("accuracy, %")
        axes.set_title(_wrapped(title), loc="left", color=_GREY)
        axes.grid(visible=True, color="#DDDDDD", linewidth=0.5, zorder=-1)
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        _label(figure, axes, marks, curves, {group: colour for group, (colour, _) in looks.items()})
        return _svg(figure)


def _label(figure: Any, axes: Any, marks: Sequence[PlotMark], curves: Sequence[Curve], colours: dict[str, str]) -> None:
    """Write each point's name beside it, where it hides nothing; the names of points in one place are a block."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # labels follow the layout, not the other way round
    renderer = figure.canvas.get_renderer()
    points = axes.transData.transform([(each.burden, 100 * each.accuracy) for each in marks]).tolist()
    together: dict[tuple[int, int], list[int]] = {}
    for at, (x, y) in enumerate(points):
        together.setdefault((round(x / 3), round(y / 3)), []).append(at)
    texts, sizes, anchors, colour = [], [], [], []
    for group in together.values():
        names = list(dict.fromkeys(_name(marks[at].label) for at in group))
        lines = [", ".join(names[at : at + 2]) for at in range(0, len(names), 2)]
        text = axes.text(0, 0, "\n".join(lines), fontsize=_FONT - 1)
        box = text.get_window_extent(renderer)
        text.remove()
        texts.append(text.get_text())
        sizes.append((box.width, box.height))
        anchors.append(tuple(points[group[0]]))
        colour.append(colours[marks[group[0]].group])
    frame = axes.get_window_extent(renderer)
    busy = [*points, *(spot for curve in curves for spot in _along(axes, curve))]
    found = place(anchors, sizes, busy, (frame.x0, frame.y0, frame.x1, frame.y1), unit=figure.dpi / 72)
    back = axes.transData.inverted()
    for text, spot, anchor, tint in zip(texts, found, anchors, colour, strict=True):
        axes.text(*back.transform((spot.x, spot.y)), text, fontsize=_FONT - 1, color=tint, va="bottom", zorder=3)
        if spot.far:
            x, y = back.transform([anchor, spot.end]).T
            axes.plot(x, y, color=tint, linewidth=0.4, zorder=1, scalex=False, scaley=False)


def _along(axes: Any, curve: Curve) -> Iterator[tuple[float, float]]:
    """Pixels of a curve, a few apart."""
    import numpy as np

    corners = axes.transData.transform([(burden, 100 * accuracy) for burden, accuracy in curve.points])
    for start, end in pairwise(corners):
        steps = max(1, int(np.abs(end - start).max() // 8))
        yield from (tuple(start + (end - start) * step / steps) for step in range(steps))


def draw_heat(heat: Heat, *, title: str, scale: str) -> bytes:
    """Routers (rows) × policies (columns) as SVG, the values written into the cells; `scale` names the colour bar.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    width = 2.6 + 0.75 * len(heat.columns)
    with _canvas(max(width, 4.5), 1.6 + 0.28 * len(heat.rows)) as figure:
        import numpy as np
        from matplotlib import colormaps
        from matplotlib.colors import Normalize

        values = np.array([[np.nan if each is None else each for each in row] for row in heat.values])
        known = values[~np.isnan(values)]
        span = Normalize(float(known.min()), float(known.max())) if known.size else Normalize(0, 1)
        axes = figure.add_subplot()
        colours = colormaps["cividis"].with_extremes(bad="#FFFFFF")
        picture = axes.imshow(values, cmap=colours, norm=span, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            dark = not np.isnan(value) and span(value) < 0.5
            text = heat.shown[row][column]
            axes.text(column, row, text, ha="center", va="center", color="#FFFFFF" if dark else "#000000")
        axes.set_xticks(range(len(heat.columns)), [_name(each) for each in heat.columns], rotation=30, ha="right")
        axes.set_yticks(range(len(heat.rows)), [_name(each) for each in heat.rows])
        axes.tick_params(length=0)
        axes.set_title(_wrapped(title), loc="left", color=_GREY)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(picture, ax=axes, pad=0.02)
        bar.set_label(scale)
        bar.outline.set_visible(False)
        return _svg(figure)


def _wrapped(title: str) -> str:
    from textwrap import fill

    return "\n".join(fill(visible(line), 100) for line in title.split("\n"))
