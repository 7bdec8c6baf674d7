"""What every tab has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from textual.containers import Vertical

from selectllm_tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selectllm_engine.evaluation import Row
    from selectllm_tui.shown_setup import Space
    from selectllm_tui.state import State
    from selectllm_tui.widgets.cells import Rows

__all__ = ["Tab"]

Shown = TypeVar("Shown")


class Tab(Vertical, Generic[Shown]):
    """One tab. It shows snapshots of one type and says what its cursor is on; the main screen does the rest."""

    DEFAULT_CSS = "Tab { height: 1fr; }"

    digits: int | None = None  # decimals of seconds on the whole screen, once they are known
    pinned: Row | None = None  # of the pinned setup, on the questions on the screen

    def show(self, snapshot: Shown, state: State) -> None:
        """Renders a snapshot of the state."""
        raise NotImplementedError

    def look(self, state: State, space: Space) -> None:
        """Shows what a state says without any computing."""

    def arrange_columns(self, state: State) -> None:
        """Shows the columns as they are arranged."""
        if self.table is not None:
            self.table.arrange_columns(state.view.arranged)

    def wait(self, state: State) -> None:
        """Says that figures of the state take longer, where the tab can."""

    @property
    def table(self) -> RowTable | None:
        """The table that the cursor moves in."""
        return next(iter(self.query(RowTable)), None)

    @property
    def rows(self) -> Rows | None:
        """What `export` writes as a document."""
        return self.table.rows if self.table is not None else None

    @property
    def records(self) -> Iterable[Mapping[str, Any]] | None:
        """The table's values, for programs; None where there is no table of values."""
        return None

    @property
    def cell(self) -> str | None:
        """The figure under the cursor, where that is on one."""
        return self.table.cell if self.table is not None else None

    @property
    def column(self) -> str:
        """The column under the cursor, for the frame's lower edge; empty where none has it."""
        return (self.table.arrangement.under or "") if self.table is not None else ""

    @property
    def llm(self) -> str | None:
        """The LLM under the cursor."""
        return None

    @property
    def subject(self) -> str | None:
        """The subject of the question under the cursor."""
        return None

    @property
    def row(self) -> str | None:
        """What names the row under the cursor, where it opens something."""
        return self.table.key if self.table is not None else None

    def opened(self, key: str, state: State) -> State:  # noqa: ARG002 - most tabs use it
        """The state after the row `key` was opened."""
        return state

    def focus_default(self) -> None:
        """Gives the focus to the part that is used most."""
        if self.table is not None:
            self.table.focus()
