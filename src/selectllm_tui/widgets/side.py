"""The side panel: pool, routers, policies with their sliders. On narrow screens the pool is a strip instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.markup import escape
from textual.message import Message
from textual.reactive import reactive

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.keys import keys_in
from selectllm_tui.llm_names import key_of, matching, short_names
from selectllm_tui.shown_setup import WITHOUT_ROUTER
from selectllm_tui.snapshots.facts import Facts
from selectllm_tui.untrusted import safe
from selectllm_tui.widgets.cells import Cell, Column, ListRows
from selectllm_tui.widgets.formats import decimals, fixed, percent, slider
from selectllm_tui.widgets.paint import Painting, Span, line, named, shorten, width_of
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.strip import Strip

    from selectllm_tui.shown_setup import ShownSetup, Space

__all__ = ["PoolStrip", "Side", "policy_rows", "pool_rows", "router_rows"]

POOL_COLUMNS = (
    Column("on", "", 1),
    Column("number", "", 1),
    Column("llm", "", 16, flex=1),
    Column("parameters", "", 5, align="right", drop=2),
    Column("tag", "", 8, drop=1),
    Column("accuracy", "", 5, align="right"),
    Column("latency", "", 6, align="right"),
)
ROUTER_COLUMNS = (Column("mark", "", 1), Column("router", "", 8, flex=1))
POLICY_COLUMNS = (
    Column("mark", "", 1),
    Column("policy", "", 10, flex=1),
    Column("symbol", "", 1),
    Column("slider", "", 9),
    Column("value", "", 4, align="right"),
)


def pool_rows(setup: ShownSetup, facts: Mapping[str, Facts], *, last: bool = False, search: str = "") -> ListRows:
    """One row per LLM of the run that a search leaves, variants under theirs; weights of the `last` pool are marked."""
    digits = decimals([each.latency for each in facts.values()])
    lines: list[list[Cell]] = []
    shorts = short_names(setup.pool.run)
    listed = matching(setup.pool.run, search)
    for at, name in enumerate(setup.pool.run):
        if name not in listed:
            continue
        on, known = name in setup.pool, facts.get(name, Facts())
        style = "plain" if on else "muted"
        of = known.variant_of
        under = of in setup.pool.run and name.startswith(f"{of}/")
        lines.append(
            [
                line(("●", "accent") if on else ("○", "muted")),
                line((key_of(at), "muted")),
                named(name.removeprefix(of), style, ("  ", style)) if under else _named(name, shorts[at], style),
                line((known.size, "muted")),
                line((known.tag, "muted")),
                line((percent(known.accuracy), style)),
                line(
                    (_seconds(known.latency, digits), "muted")
                    if known.weight is None
                    else (_weight(known.weight, "…" if last else "w"), "muted" if last else style)
                ),
            ]
        )
    return ListRows(POOL_COLUMNS, listed, lines)


def _named(name: str, short: str, style: str) -> Cell:
    """A name; without what all names share where there is no room for that."""
    return lambda width: named(name if width_of(line(name)) <= width else short, style)(width)


def _seconds(latency: float | None, digits: int) -> str:
    return "" if latency is None else f"{fixed(latency, digits)}s"


def _weight(weight: float, mark: str) -> str:
    """Under a learned vote what an LLM's samples weigh stands in place of its seconds, which Results has, too."""
    return f"{mark} {weight:.1f}".replace("-", "−")


def router_rows(setup: ShownSetup, space: Space, routable: Sequence[str] | None = None) -> ListRows:
    """One row per router; those that are not `routable`, where that is known, are marked."""
    if not space.routers:
        return ListRows((Column("none", "", 8, flex=1),), ("none",), [[line(("none yet: selectllm train", "muted"))]])
    return ListRows(
        ROUTER_COLUMNS,
        space.routers,
        [
            _marked(name == setup.router, name, after="" if routable is None or name in routable else "no new text")
            for name in space.routers
        ],
    )


def _marked(current: bool, name: str, *, muted: bool = False, after: str = "") -> list[Cell]:
    style = "muted" if muted else ("strong" if current else "plain")
    return [line(("▸" if current else "", "accent")), named(name, style, after=after)]


def policy_rows(setup: ShownSetup, space: Space) -> ListRows:
    """One row per policy, with the slider of its parameter, and K below."""
    keys, lines = [], []
    for name, knob in space.policies.items():
        keys.append(name)
        current = name == setup.policy and setup.chooses
        cells = _marked(current, name, muted=setup.router is None and name not in WITHOUT_ROUTER)
        value = setup.parameter_of(name)
        if knob is None or value is None:
            cells += [(), (), ()]
        else:
            part = (value - knob.low) / (knob.high - knob.low) if knob.high > knob.low else 0.0
            cells += [line((knob.symbol, "muted")), slider(part, 9), line((setup.value_of(name), "plain"))]
        lines.append(cells)
    if space.samples:
        keys.append("K")
        part = (setup.k - 1) / (space.samples - 1) if space.samples > 1 else 1.0
        lines.append(
            [(), line(("samples", "plain")), line(("K", "muted")), slider(part, 9), line((str(setup.k), "plain"))]
        )
    return ListRows(POLICY_COLUMNS, keys, lines)


STRIP = 3  # lines of the pool on narrow screens

# Above each list, what it is and the keys that act on it from anywhere.
TITLES = {"pool": ("Pool", "llm_1"), "routers": ("Router", "router"), "policies": ("Policy", "policy")}


class SliderTable(RowTable):
    """Rows of which some have a slider: left and right move it."""

    BINDINGS = bindings("sliders")

    @dataclass
    class Slid(RowTable.Moved):
        """A slider was moved by some steps."""

        step: int = 0

    def action_slide(self, step: int) -> None:
        """Moves the slider of the row under the cursor."""
        self.post_message(self.Slid(self, self.key, step))


class PoolTable(RowTable):
    """The LLMs of the run; where there are more than nine, letters switch them."""

    BINDINGS = bindings("pool")


PARTS = {"pool": PoolTable, "routers": RowTable, "policies": SliderTable}


class Side(Vertical):
    """Three lists of rows."""

    DEFAULT_CSS = """
    Side { width: 40; }
    Side RowTable { border: round $line; border-title-color: $foreground 62%; height: auto; padding: 0 1; }
    Side RowTable:focus { border: round $accent; border-title-color: $accent; }
    Side #pool { max-height: 45%; border-subtitle-color: $foreground 62%; }
    Side #routers { height: 1fr; min-height: 4; }
    Side #policies { max-height: 40%; border-subtitle-color: $foreground 62%; }
    """

    def compose(self) -> ComposeResult:
        """Pool, routers, policies."""
        keys = keys_in(self.app)
        for name, (title, command) in TITLES.items():
            table = PARTS[name](id=name, header=False)
            table.border_title = f"{title} [$accent]{escape(keys.hint(command))}[/]"
            if name == "policies":
                slide, samples = escape(keys.hint("less more")), escape(keys.hint("k_less k_more"))
                table.border_subtitle = f"[$accent]{slide}[/] slider   [$accent]{samples}[/] K"
            yield table

    def show(
        self,
        setup: ShownSetup,
        space: Space,
        facts: Mapping[str, Facts],
        routable: Sequence[str] | None = None,
        *,
        last: bool = False,
        search: str = "",
    ) -> None:
        """Another setup; `last` says that the facts are still those of the one before."""
        pool = self.query_one("#pool", PoolTable)
        llms = len(setup.pool.run)
        rows = pool_rows(setup, facts, last=last, search=search)
        pool.show(rows)
        title, command = TITLES["pool"]
        keys = escape(keys_in(self.app).hint(f"{command} switch_llm" if llms > 9 else command))
        found = f"⌕ {safe(search, limit=12)} {len(rows)} of {llms}" if search else ""
        pool.border_title = f"{title} [$accent]{keys}[/] {found}".rstrip()
        current = {
            "routers": (router_rows(setup, space, routable), setup.router),
            "policies": (policy_rows(setup, space), setup.policy),
        }
        for name, (rows, chosen) in current.items():
            table = self.query_one(f"#{name}", RowTable)
            table.show(rows, cursor=None if table.has_focus else chosen)  # nobody's cursor is moved under their hands
        self.tell(facts)

    def tell(self, facts: Mapping[str, Facts]) -> None:
        """Writes what is known of the LLM under the cursor below the pool."""
        pool = self.query_one("#pool", RowTable)
        pool.border_subtitle = safe(facts.get(pool.key, Facts()).sentence, limit=60)


class PoolStrip(Painting):
    """The pool on as few lines as it takes, for screens without room for the side panel."""

    DEFAULT_CSS = """
    PoolStrip { display: none; height: auto; padding: 0 1; }
    """

    setup: reactive[ShownSetup | None] = reactive(None)
    facts: reactive[Mapping[str, Facts]] = reactive({})
    search: reactive[str] = reactive("")

    @dataclass
    class Toggled(Message):
        """An LLM was clicked."""

        llm: str

    def watch_setup(self) -> None:
        """Takes as many lines as it needs; where that changes nothing, the screen is not laid out again."""
        if self.display and len(self.entries(self.size.width)) != self.size.height:
            self.refresh(layout=True)

    def watch_facts(self) -> None:
        """As for another setup."""
        self.watch_setup()

    def watch_search(self) -> None:
        """As for another setup."""
        self.watch_setup()

    def entries(self, width: int) -> list[list[tuple[str, list[Span]]]]:
        """The LLMs that a search leaves, line by line."""
        rows: list[list[tuple[str, list[Span]]]] = [[]]
        used = 0
        llms = len(self.setup.pool.run) if self.setup else 0
        room = 22 if llms <= 4 else 14 if llms <= 9 else 9  # cells of a name
        run = self.setup.pool.run if self.setup else ()
        listed, shorts = matching(run, self.search), short_names(run)
        for at, name in enumerate(run):
            if name not in listed:
                continue
            on = self.setup is not None and name in self.setup.pool
            short = shorten(name if width_of(line(name)) <= room else shorts[at], room)
            accuracy = f" {percent(self.facts.get(name, Facts()).accuracy).strip()}" if llms <= 9 else ""
            spans: list[Span] = [
                ("●" if on else "○", "accent" if on else "muted"),
                (f"{key_of(at)} ", "muted"),
                (short, "plain" if on else "muted"),
                (f"{accuracy}  ", "muted"),
            ]
            if used and used + width_of(spans) > width + 2:
                rows.append([])
                used = 0
            rows[-1].append((name, spans))
            used += width_of(spans)
        return _cut(rows, width)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002
        """Lines that the pool takes."""
        return len(self.entries(width))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        rows = self.entries(self.size.width)
        spans = [span for _, entry in rows[y] for span in entry] if y < len(rows) else []
        return self.painted(spans)

    def on_click(self, event: events.Click) -> None:
        """A click switches an LLM."""
        offset = event.get_content_offset(self)
        rows = self.entries(self.size.width)
        if offset is None or offset.y >= len(rows):
            return
        left = 0
        for name, spans in rows[offset.y]:
            if left <= offset.x < left + width_of(spans):
                if name:
                    self.post_message(self.Toggled(name))
                return
            left += width_of(spans)


def _cut(rows: list[list[tuple[str, list[Span]]]], width: int) -> list[list[tuple[str, list[Span]]]]:
    """At most as many lines as the strip may have, and how many LLMs are left out."""
    left_out = sum(map(len, rows[STRIP:]))
    rows = rows[:STRIP]
    while left_out:
        more: list[Span] = [(f"and {left_out} more", "muted")]
        if not rows[-1] or sum(width_of(spans) for _, spans in rows[-1]) + width_of(more) <= width:
            rows[-1].append(("", more))
            break
        rows[-1].pop()
        left_out += 1
    return rows
