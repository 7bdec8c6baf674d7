"""What the explorer shows, as immutable values; every key is a pure transition from one state to the next.

`ShownSetup` determines every figure on the screen and `View` only what is looked at; `State` holds both, and the
setups before for undo. `Space` says what there is to choose from in the loaded run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from selectllm_engine.llms import Pool
from selectllm_engine.verdicts import Verdict
from selectllm_tui.limits import NO_LIMITS, Limits
from selectllm_tui.llm_names import matching
from selectllm_tui.tabs import TABS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selectllm_engine.insights import Cell
    from selectllm_engine.store import Change, Mark
    from selectllm_tui.limits import Stops

__all__ = [
    "AS_MADE",
    "FILTERS",
    "GROUPINGS",
    "LLM_COLUMN",
    "LOOKING",
    "PINS",
    "WHO_IS_RIGHT",
    "WIDEST",
    "WITHOUT_ROUTER",
    "Columns",
    "Elsewhere",
    "Filter",
    "Opener",
    "Remarked",
    "ShownSetup",
    "Slider",
    "Space",
    "State",
    "View",
]

ProtocolName = Literal["corrected", "paper"]
# The cells of the 2 × 2 table of the pinned setup (a) and this one (b), those that tell them apart first.
WHO_IS_RIGHT: dict[Cell, str] = {
    "only_a": "only the pinned setup is right",
    "only_b": "only this setup is right",
    "both": "both setups are right",
    "neither": "neither setup is right",
}
BEST_SINGLE = "best-single"
# Policies that choose without a router, too.
WITHOUT_ROUTER = ("cascade", "vote:auto", "cascade-value")
LOOKING = ("cost-aware", "cascade-value")  # policies that may look at seconds or dollars


@dataclass(frozen=True, slots=True)
class Filter:
    """Which questions are listed: the key that switches it, and what holds for them."""

    key: str
    sentence: str
    of_votes: bool = False


FILTERS: dict[str, Filter] = {
    Verdict.MISROUTED: Filter("m", Verdict.MISROUTED.sentence),
    "only-one": Filter("o", "exactly one LLM of the pool is right"),
    Verdict.UNSOLVABLE: Filter("z", Verdict.UNSOLVABLE.sentence),
    Verdict.OUTVOTED: Filter("v", Verdict.OUTVOTED.sentence, of_votes=True),
    Verdict.RESCUED: Filter("b", Verdict.RESCUED.sentence, of_votes=True),
    "disagreement": Filter("d", "the LLMs of the pool do not all vote alike"),
    "changed": Filter("c", "the last change flipped right and wrong"),
}
# What questions can be grouped by, and what that is called.
GROUPINGS = {
    "subject": "subject",
    "verdict": "verdict",
    "right": "LLMs that are right",
    "length": "length of the gold answer",
}
UNDO_DEPTH = 200
WIDEST = 200  # cells that a column can be given
LLM_COLUMN = "llm:"  # before an LLM's name: the key of its column
PINS = 4  # setups that can be pinned at once


@dataclass(frozen=True, slots=True)
class Slider:
    """The parameter of a policy: its symbol and the values that keys step through.

    An `endless` one may be infinite, one that goes `beyond` any larger number.
    """

    symbol: str
    low: float
    high: float
    step: float
    default: float
    endless: bool = False
    beyond: bool = False

    def fit(self, value: float) -> float:
        """`value` where the policy takes it, on the grid or not; else the nearest."""
        taken = self.low <= value <= self.high or (self.endless and value == math.inf)
        taken = taken or (self.beyond and self.high < value < math.inf)
        return value if taken else self.clamp(value)

    @property
    def values(self) -> list[float]:
        """Those that keys step through, and infinity where that is one."""
        steps = round((self.high - self.low) / self.step)
        return [
            *(self.clamp(self.low + at * self.step) for at in range(steps + 1)),
            *([math.inf] if self.endless else []),
        ]

    def clamp(self, value: float) -> float:
        """The nearest to `value` within the range and on the grid of steps."""
        steps = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return round(min(max(self.low + steps * self.step, self.low), self.high), 6)


@dataclass(frozen=True, slots=True)
class Space:
    """What a loaded run offers: `policies` maps each name to the slider of its parameter, or None.

    `stops` are the values of the sliders of a recommendation. `no_learned_vote` says why no vote can be learned from
    its labelled questions; empty where one can.
    """

    benchmark: str
    llms: tuple[str, ...]
    routers: tuple[str, ...]
    policies: dict[str, Slider | None] = field(hash=False)
    samples: int
    splits: tuple[str, ...]
    no_learned_vote: str = ""
    stops: Stops = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ShownSetup:
    """Pool, router, policy and the rest: what every figure is a function of.

    `router` is None where none is trained, or none is wanted; `k` is 0 where only labels are known; `parameters` holds
    the value of each policy that has a slider, so that switching policies forgets nothing, and `by` what policies look
    at that may look at seconds or dollars. `vote` is how samples of several LLMs become one answer: equal, learned, or
    by a file of weights; `against` is the row, by the name that `evaluate` prints, that the others are compared with.
    """

    pool: Pool
    router: str | None
    policy: str
    parameters: tuple[tuple[str, float], ...]
    k: int
    protocol: ProtocolName
    split: str
    vote: str = "equal"
    against: str = BEST_SINGLE
    by: str | None = None

    @classmethod
    def of(cls, space: Space) -> ShownSetup:
        """Where an explorer starts: everything on, the first router, argmax, all samples, the test split."""
        return cls(
            pool=Pool.of(space.llms),
            router=next(iter(space.routers), None),
            policy="argmax" if "argmax" in space.policies else next(iter(space.policies)),
            parameters=tuple((name, slider.default) for name, slider in space.policies.items() if slider),
            k=space.samples,
            protocol="corrected",
            split="test" if "test" in space.splits else space.splits[-1],
        )

    @property
    def parameter(self) -> float | None:
        """The value of the current policy's parameter, None where it has none."""
        return self.parameter_of(self.policy)

    def parameter_of(self, policy: str) -> float | None:
        """The value of a policy's parameter, None where it has none."""
        return dict(self.parameters).get(policy)

    def value_of(self, policy: str) -> str:
        """The value of a policy's parameter in words; empty where it has none."""
        value = self.parameter_of(policy)
        return "" if value is None else "max" if value == math.inf else f"{value:g}"

    @property
    def chooses(self) -> bool:
        """Whether a policy chooses; else all of the pool answer."""
        return self.router is not None or self.policy in WITHOUT_ROUTER

    @property
    def essence(self) -> tuple[object, ...]:
        """What a file of it says: without its split, its reference and what other policies are set to."""
        chosen = (self.router, self.spec_of(self.policy)) if self.chooses else (None, None)
        return (self.pool.names, *chosen, self.vote, self.k, self.protocol)

    def onto(self, setup: ShownSetup) -> ShownSetup:
        """The same on the split of another setup and with its reference, and its values of other policies."""
        own = {self.policy: value} if (value := self.parameter) is not None else {}
        parameters = tuple((dict(setup.parameters) | own).items())
        return replace(self, split=setup.split, against=setup.against, parameters=parameters)

    def spec_of(self, policy: str) -> str:
        """A policy as `evaluate` takes it, with the value of its slider and what it looks at."""
        value = self.parameter_of(policy)
        if value is None:
            return policy
        looks = f":{self.by}" if self.by is not None and policy in LOOKING else ""
        return f"{policy}:{'max' if value == math.inf else f'{value:.12g}'}{looks}"

    @property
    def sentence(self) -> str:
        """The setup in a few words."""
        value = f" {self.value_of(self.policy)}".rstrip()
        parts = (
            f"{len(self.pool)} of {len(self.pool.run)} LLMs",
            f"{self.router or 'no router'} → {self.policy}{value}" if self.chooses else "no router",
            f"K {self.k}" if self.k else "",
            self.voting,
            "paper" if self.protocol == "paper" else "",
        )
        return ", ".join(part for part in parts if part)

    @property
    def voting(self) -> str:
        """How it votes, in words; empty where every sample counts alike."""
        return {"equal": "", "learned": "learned vote"}.get(self.vote, "vote by a file of weights")

    def toggle(self, llm: str) -> ShownSetup:
        """One LLM switched; raises UsageError where none would be left on."""
        return replace(self, pool=self.pool.toggle(llm))

    def with_pool(self, names: Iterable[str]) -> ShownSetup:
        """Exactly `names` on."""
        return replace(self, pool=Pool.of(self.pool.run, names))

    def with_router(self, space: Space, step: int) -> ShownSetup:
        """The next (or previous) router; the same where there is none to switch to."""
        return replace(self, router=_step(space.routers, self.router, step)) if space.routers else self

    def with_policy(self, space: Space, step: int) -> ShownSetup:
        """The next (or previous) policy; without a router of those that do without."""
        names = tuple(space.policies) if self.router is not None else WITHOUT_ROUTER
        return replace(self, policy=_step(names, self.policy, step))

    def with_parameter(self, space: Space, steps: int, policy: str | None = None) -> ShownSetup:
        """A policy's slider (the current one's) moved by `steps`; the same at its end or where there is no slider."""
        name = policy or self.policy
        slider, value = space.policies.get(name), self.parameter_of(name)
        if slider is None or value is None or (steps > 0 and value > slider.high):
            return self
        values = dict(self.parameters) | {name: slider.clamp(value + steps * slider.step)}
        return replace(self, parameters=tuple(values.items()))

    def at(self, policy: str, value: float, by: str | None) -> ShownSetup:
        """A policy at a value of its parameter, that looks at `by` (None: at seconds first)."""
        parameters = dict(self.parameters) | {policy: value}
        return replace(self, policy=policy, parameters=tuple(parameters.items()), by=by)

    def with_k(self, space: Space, step: int) -> ShownSetup:
        """K moved by `step` within 1 to the samples there are."""
        return replace(self, k=min(max(self.k + step, 1), space.samples)) if space.samples else self

    def with_split(self, space: Space, step: int = 1) -> ShownSetup:
        """The next split."""
        return replace(self, split=_step(space.splits, self.split, step))

    def with_protocol(self) -> ShownSetup:
        """The other protocol; the released code counts every vote alike."""
        return replace(self, protocol="paper" if self.protocol == "corrected" else "corrected", vote="equal")

    def with_vote(self) -> ShownSetup:
        """The other vote; the released code counts every vote alike."""
        return replace(self, vote="learned" if (self.vote, self.protocol) == ("equal", "corrected") else "equal")

    def with_reference(self, name: str) -> ShownSetup:
        """Rows compared with that one; with best-single where they are already."""
        return replace(self, against=BEST_SINGLE if self.against == name else name)

    def fit(self, space: Space) -> ShownSetup:
        """The nearest setup that `space` offers: for a reloaded cache, or one remembered from earlier."""
        start = ShownSetup.of(space)
        on = [name for name in self.pool.names if name in space.llms]
        on += [name for name in space.llms if name not in self.pool.run]  # new LLMs arrive switched on
        known = dict(self.parameters)
        return replace(
            start,
            pool=Pool.of(space.llms, on or None),
            router=self.router if self.router is None or self.router in space.routers else start.router,
            policy=self.policy if self.policy in space.policies else start.policy,
            parameters=tuple(
                (name, slider.fit(known.get(name, slider.default))) for name, slider in space.policies.items() if slider
            ),
            k=min(max(self.k, 1), space.samples) if self.k else space.samples,
            protocol=self.protocol,
            split=self.split if self.split in space.splits else start.split,
            vote="equal" if space.no_learned_vote or self.protocol == "paper" else self.vote,
            against=self.against,
            by=self.by,
        )


@dataclass(frozen=True, slots=True)
class Columns:
    """How a person arranged a tab's columns: which is `under` the cursor, which are `hidden`, which have a width.

    `shown` are those that the settings choose, in their order, none for all; `all` is all of them, whatever these say.
    """

    under: str | None = None
    hidden: tuple[str, ...] = ()
    widths: tuple[tuple[str, int], ...] = ()
    shown: tuple[str, ...] = ()
    all: bool = False

    def width_of(self, key: str) -> int | None:
        """The cells that a column was given; None where it has its own."""
        return dict(self.widths).get(key)


AS_MADE = Columns()


@dataclass(frozen=True, slots=True)
class Remarked:
    """What takes a change of marks and notes back."""

    changes: Mapping[str, Change] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The benchmark that leads a step back, or forth."""

    benchmark: str


Step = ShownSetup | Remarked | Elsewhere
Opener = Literal["choice", "undo", "redo"]  # by what a benchmark is opened


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: none of it changes a figure.

    `bare` is without the side panel, `pool` the words that its list of LLMs is searched for.
    `group` is a grouping and the group of it that is listed; None for all.
    `limits` are those of what is recommended, `follow` is whether new results are read by themselves.
    `cell` is that of the 2 × 2 table of the pinned setup and this one whose questions are listed; None for all.
    `sorts` holds (tab, column, descending), `measures` (tab, which figure the tab shows); both only where a person
    chose other than the default.
    `columns` is how those of a tab are arranged, `wished` (tab, columns that the settings choose).
    """

    tab: str = "results"
    filter: str | None = None
    search: str = ""
    group: tuple[str, str] | None = None
    cell: Cell | None = None
    question: str | None = None
    bare: bool = False
    pool: str = ""
    sorts: tuple[tuple[str, str, bool], ...] = ()
    measures: tuple[tuple[str, str], ...] = ()
    columns: tuple[tuple[str, Columns], ...] = ()
    wished: tuple[tuple[str, tuple[str, ...]], ...] = ()
    limits: Limits = NO_LIMITS
    follow: bool = True

    def sort_of(self, tab: str) -> tuple[str, bool] | None:
        """Column and direction by which a tab is sorted."""
        return next(((column, descending) for each, column, descending in self.sorts if each == tab), None)

    def sorted_by(self, tab: str, column: str | None, *, descending: bool = False) -> View:
        """A tab sorted by a column; None restores the tab's own order."""
        others = tuple(entry for entry in self.sorts if entry[0] != tab)
        return replace(self, sorts=others if column is None else (*others, (tab, column, descending)))

    @property
    def arranged(self) -> Columns:
        """How the columns of the tab are arranged."""
        own = dict(self.columns).get(self.tab, AS_MADE)
        return own if own.all else replace(own, shown=dict(self.wished).get(self.tab, ()))

    def measure_of(self, tab: str, default: str) -> str:
        """The figure that a tab shows."""
        return dict(self.measures).get(tab, default)

    def measuring(self, tab: str, measure: str) -> View:
        """A tab that shows another figure."""
        return replace(self, measures=tuple((dict(self.measures) | {tab: measure}).items()))


@dataclass(frozen=True, slots=True)
class State:
    """Setup, view, and the steps that undo and redo take, the next one last and first.

    `before` is the setup on the screen before the last key that changed it: what changes are shown against.
    `pins` are setups to compare with, `pin` which of them does. `marks` are what people have left on questions, by id.
    """

    setup: ShownSetup
    view: View = View()
    before: ShownSetup | None = None
    past: tuple[Step, ...] = ()
    future: tuple[Step, ...] = ()
    pins: tuple[ShownSetup, ...] = ()
    pin: int = 0
    marks: Mapping[str, Mark] = field(default_factory=dict, hash=False)

    @property
    def pinned(self) -> ShownSetup | None:
        """What the setup is compared with, on the same questions: another than itself where there is one."""
        on_split = [replace(each, split=self.setup.split) for each in self.pins]
        others = [each for each in on_split[self.pin :] + on_split[: self.pin] if each != self.setup]
        return next(iter(others or on_split), None)

    @property
    def listed(self) -> tuple[str, ...]:
        """The LLMs that the pool lists."""
        return matching(self.setup.pool.run, self.view.pool)

    @property
    def computed(self) -> tuple[object, ...]:
        """What decides the figures and questions on the screen."""
        return self.setup, replace(self.view, pool="", bare=False, columns=()), self.pinned, self.marks

    def toggle_pin(self) -> State:
        """The setup pinned, to be compared with from now on; where it is pinned, no more."""
        kept = tuple(each for each in self.pins if each != self.setup)
        if len(kept) == len(self.pins):
            kept = (*kept, self.setup)
        cell = self.view.cell if kept else None
        return replace(self, pins=kept, pin=max(len(kept) - 1, 0), view=replace(self.view, cell=cell))

    def fit(self, space: Space) -> State:
        """The same setups and view, as nearly as `space` offers them, those to undo and redo, too."""
        pins = tuple(dict.fromkeys(each.fit(space) for each in self.pins))
        return State(
            self.setup.fit(space),
            self.view,
            past=tuple(each.fit(space) if isinstance(each, ShownSetup) else each for each in self.past),
            future=tuple(each.fit(space) if isinstance(each, ShownSetup) else each for each in self.future),
            pins=pins,
            pin=min(self.pin, max(len(pins) - 1, 0)),
            marks=self.marks,
        )

    def marking(self, question_id: str, change: Change) -> State:
        """What is left on a question changed, remembered for undo; nothing where it is the same."""
        marked, back = self._remarked({question_id: change})
        return replace(marked, past=self._remembering(back), future=()) if back.changes else self

    def _remarked(self, changes: Mapping[str, Change]) -> tuple[State, Remarked]:
        """The state with other marks, and what takes that back."""
        from selectllm_engine.store import changed
        from selectllm_tui.mark_changes import differences

        marks = changed(self.marks, changes)
        return replace(self, marks=marks), Remarked(differences(marks, self.marks))

    def _remembering(self, step: Step) -> tuple[Step, ...]:
        return (*self.past, step)[-UNDO_DEPTH:]

    def left(self, by: Opener) -> State:
        """As it is left for another benchmark: the step by which undo or redo leaves it is taken."""
        past = self.past[:-1] if by == "undo" else self.past
        return replace(self, past=past, future=self.future[1:] if by == "redo" else self.future)

    def entered(self, by: Opener, benchmark: str) -> State:
        """As it is opened from another benchmark, to which undo leads back; redo, where undo led here."""
        step = Elsewhere(benchmark)
        if by == "undo":
            return replace(self, future=(step, *self.future))
        return replace(self, past=self._remembering(step))

    def change(self, setup: ShownSetup) -> State:
        """Another setup, remembered for undo; nothing where it is the same."""
        if setup == self.setup:
            return self
        return replace(self, setup=setup, before=self.setup, past=self._remembering(self.setup), future=())

    def undo(self) -> State:
        """The last change taken back; nothing where there is none, or where it was the benchmark."""
        taken, back = self._taken(self.past[-1] if self.past else None)
        return self if back is None else replace(taken, past=self.past[:-1], future=(back, *self.future))

    def redo(self) -> State:
        """What undo took back made again."""
        taken, back = self._taken(self.future[0] if self.future else None)
        return self if back is None else replace(taken, past=(*self.past, back), future=self.future[1:])

    def _taken(self, step: Step | None) -> tuple[State, Step | None]:
        """The state after a step, and the step that takes that back; None where it is no step within the benchmark."""
        if isinstance(step, Remarked):
            return self._remarked(step.changes)
        if isinstance(step, ShownSetup):
            return replace(self, setup=step, before=self.setup), self.setup
        return self, None

    def look(self, **changes: Any) -> State:
        """Another view of the same setup."""
        return replace(self, view=replace(self.view, **changes))

    def arrange(self, **changes: Any) -> State:
        """The columns of the tab arranged otherwise."""
        others = tuple(each for each in self.view.columns if each[0] != self.view.tab)
        chosen = replace(self.view.arranged, **changes, shown=())  # those are looked up
        return self.look(columns=others if chosen == AS_MADE else (*others, (self.view.tab, chosen)))

    def tab(self, step: int) -> State:
        """The next (or previous) tab."""
        return self.look(tab=_step(tuple(TABS), self.view.tab, step))


def _step(names: tuple[str, ...], current: str | None, step: int) -> str:
    at = names.index(current) if current in names else -step
    return names[(at + step) % len(names)]
