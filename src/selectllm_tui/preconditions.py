"""Why a command cannot act at the moment: what the explorer says when its key is pressed all the same.

`{undo}` in it stands for the key of that command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_tui.shown_setup import BEST_SINGLE
from selectllm_tui.snapshots.published import PUBLISHED
from selectllm_tui.state import PINS

if TYPE_CHECKING:
    from selectllm_tui.shown_setup import ShownSetup, Space
    from selectllm_tui.state import State

__all__ = ["Context", "Reason"]


@dataclass(frozen=True, slots=True)
class Context:
    """What decides whether a command can act: the state, what there is, and what the cursor is on.

    `llm` is the LLM under the cursor of the focused part, `under` what names the row under the cursor of the tab, `row`
    the same where it opens something, `subject` that of the question under the cursor, `questions` the number of
    questions within the filter, None while that is being found out, `columns` those of the tab's table that are shown,
    with their cells.
    """

    state: State
    space: Space | None
    llm: str | None = None
    under: str | None = None
    row: str | None = None
    subject: str | None = None
    questions: int | None = None
    columns: tuple[tuple[str, int], ...] = ()

    @property
    def setup(self) -> ShownSetup:
        """The state's setup."""
        return self.state.setup

    @property
    def column(self) -> str | None:
        """The column under the cursor, where it is shown."""
        under = self.state.view.arranged.under
        return under if under in dict(self.columns) else None


Reason = Callable[[Context], str | None]


def always(_: Context) -> str | None:
    return None


def pool_of_one(context: Context) -> str | None:
    if context.llm in context.setup.pool and len(context.setup.pool) == 1:
        return "a pool needs at least one LLM"
    return None


def no_llm(context: Context) -> str | None:
    return pool_of_one(context) if context.llm else "the cursor is not on an LLM"


def only(context: Context) -> str | None:
    if not context.llm:
        return "the cursor is not on an LLM"
    return "it is the only one already" if context.setup.pool.names == (context.llm,) else None


def all_on(context: Context) -> str | None:
    return "all LLMs are on" if len(context.setup.pool) == len(context.setup.pool.run) else None


def listed(context: Context) -> str | None:
    names = set(context.state.listed)
    if not names:
        return "the pool lists none: {back} lists all"
    return (
        "a pool needs at least one LLM: {search_pool} in the pool lists some"
        if names >= set(context.setup.pool.names) and (names <= set(context.setup.pool.names))
        else None
    )


def columns(context: Context) -> str | None:
    return None if context.columns else "there is no table yet"


def column(context: Context) -> str | None:
    return None if context.column else "no column has the cursor: {column_back} and {column_next} move it"


def not_last_column(context: Context) -> str | None:
    return "it is the only column" if len(context.columns) == 1 and context.column else column(context)


def wider(step: int) -> Reason:
    def reason(context: Context) -> str | None:
        if blocked := column(context):
            return blocked
        return "it is as narrow as it gets" if step < 0 and dict(context.columns)[context.column or ""] == 1 else None

    return reason


def arranged_columns(context: Context) -> str | None:
    arranged = context.state.view.arranged
    touched = arranged.hidden or arranged.widths or arranged.shown or arranged.all
    return None if touched else "all columns are shown as they were made"


def routers(context: Context) -> str | None:
    known = len(context.space.routers) if context.space else 0
    if known == 0:
        return "no router is trained: selectllm train"
    return "there is only one router" if known == 1 and context.setup.router else None


def policies(context: Context) -> str | None:
    if context.setup.chooses:
        return None
    trained = context.space is not None and context.space.routers
    return f"a policy needs a router: {'{router} takes one' if trained else 'selectllm train'}"


def parameter(step: int) -> Reason:
    def reason(context: Context) -> str | None:
        if blocked := policies(context):
            return blocked
        if context.space is None or context.setup.parameter is None:
            return f"{context.setup.policy} has no parameter"
        same = context.setup.with_parameter(context.space, step) == context.setup
        return "it is at its end" if same else None

    return reason


def k(step: int) -> Reason:
    def reason(context: Context) -> str | None:
        if context.space is None or not context.space.samples:
            return "only labels are known, no votes"
        same = context.setup.with_k(context.space, step) == context.setup
        return ("these are all the samples there are" if step > 0 else "K is 1 already") if same else None

    return reason


def measure(context: Context) -> str | None:
    if context.state.view.tab == "results" and context.space and context.space.benchmark not in PUBLISHED:
        return f"the study has no figures for this benchmark, only for {' and '.join(PUBLISHED)}"
    return None


def splits(context: Context) -> str | None:
    return None if context.space and len(context.space.splits) > 1 else "there is only one split"


def votes(context: Context) -> str | None:
    return None if context.space and context.space.samples else "only labels are known, no votes"


def learned_vote(context: Context) -> str | None:
    if context.setup.vote == "learned":
        return None
    if context.setup.protocol == "paper":
        return "the released code counts every vote alike"
    return context.space.no_learned_vote or None if context.space else None


def reference(context: Context) -> str | None:
    return None if context.under or context.setup.against != BEST_SINGLE else "the cursor is not on a row"


def pin(context: Context) -> str | None:
    full = len(context.state.pins) == PINS and context.setup not in context.state.pins
    return f"{PINS} are pinned already: go back to one ({{command_palette}}) and take it away" if full else None


def pinned(context: Context) -> str | None:
    if context.state.pinned is None:
        return "nothing is pinned: {pin} pins this setup, then change something"
    return "this is the pinned setup: change something" if context.state.pinned == context.setup else None


def alike(context: Context) -> str | None:
    return None if context.llm or context.subject else "the cursor is on no LLM and no question with a subject"


def undo(context: Context) -> str | None:
    return None if context.state.past else "nothing to undo"


def redo(context: Context) -> str | None:
    return None if context.state.future else "nothing to redo"


def row(context: Context) -> str | None:
    return None if context.row else "the cursor is not on a row that opens"


def no_question(context: Context) -> str | None:
    return None if context.state.view.question is not None else "the cursor is not on a question"


def several_llms(context: Context) -> str | None:
    return None if context.space and len(context.space.llms) > 1 else "there is only one LLM"


def within(context: Context) -> str | None:
    return "no question within the filter" if context.questions == 0 else None


def changed(context: Context) -> str | None:
    return None if context.state.before else "nothing was changed yet"
