"""What of the setup's figures and questions is looked at: tab, filters, search, sorting, columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selectllm_engine.verdicts import Verdict
from selectllm_tui.limits import NO_LIMITS, Limits

if TYPE_CHECKING:
    from selectllm_engine.insights import Cell

__all__ = ["AS_MADE", "FILTERS", "GROUPINGS", "LLM_COLUMN", "WHO_IS_RIGHT", "WIDEST", "Columns", "Filter", "View"]

# The cells of the 2 × 2 table of the pinned setup (a) and this one (b), those that tell them apart first.
WHO_IS_RIGHT: dict[Cell, str] = {
    "only_a": "only the pinned setup is right",
    "only_b": "only this setup is right",
    "both": "both setups are right",
    "neither": "neither setup is right",
}


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
WIDEST = 200  # cells that a column can be given
LLM_COLUMN = "llm:"  # before an LLM's name: the key of its column


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
