"""What to run within some limits: sliders, the recommendation in words, the front as a plot, the setups as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectllm_tui.limits import place_of, places_of
from selectllm_tui.notation import points
from selectllm_tui.recommendation_words import headline, how, told, trade
from selectllm_tui.records import proposed_record
from selectllm_tui.view import LLM_COLUMN
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Cell, Column, ListRows, in_order
from selectllm_tui.widgets.columns import marks_column
from selectllm_tui.widgets.paint import Line, line, named
from selectllm_tui.widgets.plot import LINE, LabelledPoint, LogFormatter, Plot
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.side import SliderTable
from selectllm_tui.widgets.tabs.base import Tab
from selectllm_tui.widgets.tabs.pools import pool_marks
from selectllm_tui.widgets.tabs.tradeoff import SCALES, UNITS, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from selectllm_engine.evaluation import Row
    from selectllm_tui.limits import Limits
    from selectllm_tui.shown_setup import Space
    from selectllm_tui.snapshots.recommend import Offer, Recommended
    from selectllm_tui.state import State

__all__ = ["RecommendTab", "advice", "limit_rows", "offer_rows"]

# Shape, style and rank of each kind of setup; shapes differ, so that colour is not needed.
KINDS = {"recommended": ("★", "accent", 0), "instead": ("▲", "right", 1), "front": ("●", "plain", 3)}
SINGLE = ("◇", "muted", 2)
WIDTH = 16  # cells of a slider
LIMITS = {"max_latency": "seconds ≤", "max_cost": "$/1000 q ≤", "max_llms": "LLMs ≤", "prefer": "prefer"}


class RecommendTab(Tab["Recommended"]):
    """Sliders, words, plot, table, and more about the row under the cursor."""

    DEFAULT_CSS = """
    RecommendTab #limits { height: auto; max-height: 4; }
    RecommendTab #advice { height: 1fr; }
    RecommendTab #offers { height: auto; max-height: 45%; }
    RecommendTab #front-legend, RecommendTab #front-plot { display: none; }
    RecommendTab #trade { max-height: 3; }
    RecommendTab.-plot #advice { display: none; }
    RecommendTab.-plot #front-legend, RecommendTab.-plot #front-plot { display: block; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: Recommended | None = None
        self._by = ""

    def compose(self) -> ComposeResult:
        """Sliders, words, plot, table, one more line."""
        yield SliderTable(id="limits", header=False, gap=2)
        yield Bar(id="advice")
        yield Bar(id="front-legend")
        plot = Plot(id="front-plot")
        plot.can_focus = False  # from the sliders the next part is the table
        yield plot
        yield RowTable(id="offers", gap=2)
        yield Bar(id="trade")

    def on_mount(self) -> None:
        """Says that it is looking: the first time takes longest."""
        self.query_one("#advice", Bar).flow(line(("looking for setups …", "muted")))

    def look(self, state: State, space: Space) -> None:
        """The sliders as they are, before anything is found for them."""
        self.query_one("#limits", SliderTable).show(limit_rows(state.view.limits.fit(space.stops), space.stops))
        self.set_class(state.view.measure_of("recommend", "words") == "plot", "-plot")

    def show(self, snapshot: Recommended, state: State) -> None:
        """Renders what was found."""
        new, self._shown = snapshot is not self._shown, snapshot
        self.query_one("#advice", Bar).flow(*advice(snapshot))
        self.query_one("#front-legend", Bar).flow(*legend(snapshot))
        first = "0" if new and snapshot.offers else None
        self.table.sorted_by = state.view.sort_of("recommend")
        self.query_one("#offers", RowTable).show(offer_rows(snapshot, state, self.digits), cursor=first)
        self._tell()
        self._draw(snapshot)

    def _draw(self, snapshot: Recommended) -> None:
        plot = self.query_one(Plot)
        if snapshot.by != self._by:
            self._by = snapshot.by
            plot.set_x_formatter(LogFormatter())
            plot.set_xlabel(UNITS[snapshot.by])
            plot.set_ylabel("accuracy %")
            plot.forget_view()
        front = [each for each in marks(snapshot) if each.char != SINGLE[0]]
        plot.draw(marks(snapshot), (([(each.x, each.y) for each in sorted(front, key=_x)], "muted", LINE),))

    @property
    def table(self) -> RowTable:
        """The setups."""
        return self.query_one("#offers", RowTable)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The setups, as `recommend --format csv` writes them."""
        return [proposed_record(each.proposed) for each in self._offers]

    @property
    def _offers(self) -> tuple[Offer, ...]:
        return self._shown.offers if self._shown is not None else ()

    def opened(self, key: str, state: State) -> State:
        """The setup becomes the one in use."""
        return state.change(self._offers[int(key)].setup.onto(state.setup))

    def on_row_table_moved(self) -> None:
        """Says more about the row under the cursor."""
        self._tell()

    def _tell(self) -> None:
        found, key = self._shown.found if self._shown is not None else None, self.table.key
        if found is None or not key:
            self.query_one("#trade", Bar).flow()
            return
        offer = self._offers[int(key)]
        parts = [line((trade(found, offer.proposed), "plain"))] if key != "0" else []
        self.query_one("#trade", Bar).flow(*parts, line((how(offer.proposed.setup), "muted")))

    def focus_default(self) -> None:
        """The sliders have the keys."""
        self.query_one("#limits", SliderTable).focus()


def _x(mark: LabelledPoint) -> float:
    return mark.x


def limit_rows(limits: Limits, stops: Mapping[str, tuple[Any, ...]]) -> ListRows:
    """One row per slider: what it limits, where it stands, the limit."""
    columns = (Column("name", "", 10), Column("slider", "", WIDTH), Column("value", "", 20, flex=1))
    names = [name for name in LIMITS if name in stops]
    lines: list[list[Cell]] = []
    for name in names:
        value, places = getattr(limits, name), places_of(stops, name)
        part = place_of(stops, name, value) / max(len(places) - 1, 1)
        lines.append([line((LIMITS[name], "muted")), formats.slider(part, WIDTH), line((_said(name, value), "plain"))])
    return ListRows(columns, names, lines)


def _said(name: str, value: Any) -> str:
    if value is None:
        return "any"
    return f"{1000 * value:g}" if name == "max_cost" else f"{value:g}" if name != "prefer" else str(value)


def advice(found: Recommended) -> list[Line]:
    """The recommendation in plain words, or why there is none."""
    if found.found is None:
        return [line((found.problem, "warn"))]
    recommendation = found.found
    return [
        line((headline(recommendation), "accent")),
        line((how(recommendation.setup), "muted")),
        *(line((each, "plain")) for each in told(recommendation)),
        *(line(("instead ", "right"), (trade(recommendation, each), "plain")) for each in recommendation.alternatives),
        *(line((each, "muted")) for each in recommendation.notes),
    ]


def legend(found: Recommended) -> list[Line]:
    """What the shapes mean, those that occur."""
    there = {each.kind for each in found.offers}
    parts = [line((char, style), (f" {kind}", "muted")) for kind, (char, style, _) in KINDS.items() if kind in there]
    if found.single is not None:
        parts.append(line(SINGLE[:2], (" best-single", "muted")))
    where = "as expected" if any(each.proposed.test is None for each in found.offers) else "on test"
    return [*parts, line((f"chosen on train and validation, drawn {where}", "muted"))] if parts else []


def marks(found: Recommended) -> list[LabelledPoint]:
    """The setups as points, and best-single."""
    made = []
    for each in found.offers:
        burden, accuracy = each.burden[found.by], each.accuracy
        if burden is not None and accuracy is not None:
            char, style, rank = KINDS[each.kind]
            label = each.proposed.setup.name if each.kind != "front" else ""
            made.append(LabelledPoint(place(found.by, burden), 100 * accuracy, char, style, label, rank))
    if (mark := _single(found.single, found)) is not None:
        made.append(mark)
    return made


def _single(row: Row | None, found: Recommended) -> LabelledPoint | None:
    burden = None if row is None else row.cost if found.by == "cost" else row.latency
    if row is None or burden is None or row.accuracy is None:
        return None
    char, style, rank = SINGLE
    return LabelledPoint(place(found.by, burden), 100 * row.accuracy, char, style, row.name, rank)


def offer_rows(found: Recommended, state: State, digits: int | None = None) -> ListRows:
    """One row per setup: the recommended one, the two to take instead, the front from fast to accurate."""
    run = state.setup.pool.run
    if digits is None:
        digits = formats.decimals([each.burden["latency"] for each in found.offers])
    columns = [
        Column("kind", "", 1, saved="kind"),
        Column("current", "", 1, export=False),
        Column("name", "setup", 22, flex=1, sortable=True),
        marks_column("pool", run, drop=3, sortable=True),
        Column("vote", "vote", 8, drop=6, sortable=True),
        Column("k", "K", 2, align="right", drop=5, sortable=True),
        Column("accuracy", "expected", 8, align="right", drop=1, sortable=True),
        Column("test_accuracy", "test", 5, align="right", sortable=True),
        Column("test_delta", "Δ", 6, align="right", drop=2, sortable=True),
        Column("latency", "seconds", 7, align="right", sortable=True),
        Column("cost", "$/1000 q", 8, align="right", drop=4, sortable=True),
    ]
    if all(each.burden["cost"] is None for each in found.offers):
        columns.pop()
    order = list(enumerate(found.offers))
    if sort := state.view.sort_of("recommend"):
        order = in_order(order, lambda each: _value(each[1], sort[0]), descending=sort[1])
    lines = [
        [_cells(each, run, digits, current=each.setup.essence == state.setup.essence)[name.key] for name in columns]
        for _, each in order
    ]
    return ListRows(columns, [str(at) for at, _ in order], lines)


def _value(each: Offer, column: str) -> float | str | None:
    """What a column sorts by."""
    setup, test = each.proposed.setup, each.proposed.test
    values: dict[str, float | str | None] = {
        "name": setup.name,
        "vote": setup.vote,
        "k": setup.k,
        "accuracy": each.proposed.estimate.accuracy,
        "test_accuracy": None if test is None else test.accuracy,
        "test_delta": None if test is None else test.delta,
        "latency": each.burden["latency"],
        "cost": each.burden["cost"],
    }
    return values[column] if column in values else column.removeprefix(LLM_COLUMN) in setup.pool


def _cells(each: Offer, run: tuple[str, ...], digits: int, *, current: bool) -> dict[str, Cell]:
    setup, test = each.proposed.setup, each.proposed.test
    char, ink, _ = KINDS[each.kind]
    style = "strong" if current else "plain"
    cost = each.burden["cost"]
    return {
        "kind": line((char, ink)),
        "current": line(("▸" if current else "", "accent")),
        "name": named(setup.name, style),
        "pool": pool_marks(setup.pool, run),
        "vote": line((setup.vote, "muted")),
        "k": line(("" if setup.k is None else str(setup.k), "muted")),
        "accuracy": line((formats.percent(each.proposed.estimate.accuracy), "muted")),
        "test_accuracy": line((formats.percent(None if test is None else test.accuracy), style)),
        "test_delta": line((points(test.delta) if test is not None and test.delta is not None else "", "muted")),
        "latency": line((formats.fixed(each.burden["latency"], digits), style)),
        "cost": line((formats.fixed(None if cost is None else SCALES["cost"] * cost, formats.DOLLARS), style)),
    }
