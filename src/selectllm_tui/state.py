"""What the explorer shows, as immutable values; every key is a pure transition from one state to the next.

`ShownSetup` determines every figure on the screen and `View` only what is looked at; `State` holds both, and the
steps for undo.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from selectllm_tui.llm_names import matching
from selectllm_tui.shown_setup import ShownSetup, step_from
from selectllm_tui.tabs import TABS
from selectllm_tui.view import AS_MADE, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.store import Change, Mark
    from selectllm_tui.shown_setup import Space

__all__ = ["PINS", "Elsewhere", "Opener", "Remarked", "State"]

UNDO_DEPTH = 200
PINS = 4  # setups that can be pinned at once


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
class State:
    """Setup, view, and the steps that undo and redo take, the next one last and first.

    `before` is the setup on the screen before the last key that changed it: what changes are shown against.
    `pins` are setups to compare with, `pin` which of them does. `marks` are what people have left on questions, by id.
    """

    setup: ShownSetup
    view: View = field(default_factory=View)
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
        return self.look(tab=step_from(tuple(TABS), self.view.tab, step))
