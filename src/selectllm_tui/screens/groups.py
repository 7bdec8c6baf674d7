"""The listed questions by group, with what the setup achieves on each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.message import Message

from selectllm_tui.keymap_lookup import bindings
from selectllm_tui.notation import points
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.view import GROUPINGS
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Column, ListRows
from selectllm_tui.widgets.paint import Line, line, named
from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from selectllm_tui.snapshots.groups import Group
    from selectllm_tui.snapshots.model import Model
    from selectllm_tui.state import State

__all__ = ["GroupScreen", "group_rows"]

ORDER = tuple(GROUPINGS)


class GroupScreen(Dialog["tuple[str, str]"]):
    """Dismisses with a grouping and the group of it that was chosen."""

    HINTS: ClassVar[dict[str, str]] = {
        "groups_grouping_before groups_next_grouping": "by what",
        "groups_sort": "sort",
        "table_open": "only these",
        "dialog_leave": "back",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("groups")
    heading = "Group the listed questions"
    DEFAULT_CSS = "GroupScreen > .box { height: 90%; } GroupScreen Bar { margin-bottom: 1; }"

    class Ready(Message):
        """The groups are there."""

        def __init__(self, by: str, found: list[Group], error: str = "") -> None:
            super().__init__()
            self.by, self.found, self.error = by, found, error

    def __init__(self, model: Model, state: State) -> None:
        super().__init__()
        self._model, self._state = model, state
        self._by = state.view.group[0] if state.view.group else ORDER[0]
        self._found: list[Group] = []
        self._worst_first = False

    def content(self) -> ComposeResult:
        """By what, the groups."""
        yield Bar(id="groupings")
        yield RowTable(id="groups", gap=2)

    def on_mount(self) -> None:
        """Starts to group."""
        self.query_one(RowTable).focus()
        self._group()

    def _group(self) -> None:
        self.query_one(Bar).flow(*(_grouping(name, current=name == self._by) for name in ORDER))
        self.group(self._by)

    @work(thread=True, exclusive=True, group="groups", exit_on_error=False)
    def group(self, by: str) -> None:
        """Groups in a thread."""
        from selectllm_tui.snapshots.groups import groups

        try:
            self.post_message(self.Ready(by, groups(self._model, self._state, by)))
        except Exception as error:  # what can't be computed must not end in a traceback
            self.post_message(self.Ready(by, [], str(error) or type(error).__name__))

    @on(Ready)
    def _ready(self, message: Ready) -> None:
        if message.by != self._by:
            return
        self._found = message.found
        if message.error:
            self.query_one(Bar).show(line((message.error, "warn")))
        self._show()

    def _show(self) -> None:
        found = self._found
        if self._worst_first:
            found = sorted(found, key=lambda each: each.accuracy if each.accuracy is not None else 2.0)
        current = self._state.view.group[1] if self._state.view.group else None
        against = self._state.setup.against
        self.query_one(RowTable).show(
            group_rows(found, self._by, against), cursor=None if current is None else f"{KEY}{current}"
        )

    def action_by(self, step: int) -> None:
        """The next grouping."""
        self._by = ORDER[(ORDER.index(self._by) + step) % len(ORDER)]
        self._group()

    def action_sort(self) -> None:
        """The least accurate first, or the groups' own order."""
        self._worst_first = not self._worst_first
        self._show()

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        self.dismiss((self._by, message.key.removeprefix(KEY)))


KEY = "="  # before a group's name in a row's key: none is empty, as a rule's is


def _grouping(name: str, *, current: bool) -> Line:
    return line(("▸ " if current else "", "accent"), (GROUPINGS[name], "strong" if current else "muted"))


def group_rows(found: list[Group], by: str, against: str) -> ListRows:
    """A row per group: how many questions, how accurate the setup is, and by how much more than another row."""
    columns = (
        Column("group", GROUPINGS[by], 16, flex=2),
        Column("questions", "questions", 9, align="right"),
        Column("share", "", 10, flex=1, drop=3, export=False),
        Column("accuracy", "accuracy", 8, align="right"),
        Column("bar", "", 10, flex=1, drop=2, export=False),
        Column("delta", f"Δ {against}", max(len(against) + 2, 6), align="right", drop=1),
    )
    most = max((each.questions for each in found), default=1)
    return ListRows(
        columns,
        [f"{KEY}{each.value}" for each in found],
        [
            [
                named(each.value or "none", "plain"),
                line(formats.count(each.questions)),
                partial(_bar, each.questions / most),
                line(formats.percent(each.accuracy)),
                partial(_bar, each.accuracy or 0.0),
                line(points(each.delta) if each.delta is not None else ""),
            ]
            for each in found
        ],
    )


def _bar(part: float, width: int) -> Line:
    return ((formats.bar(part, width), "muted"),)
