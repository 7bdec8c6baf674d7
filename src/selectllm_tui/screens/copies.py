"""What of the screen can be copied, and what each is as a text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from selectllm_tui.screens.choice import Choice
from selectllm_tui.untrusted import visible
from selectllm_tui.widgets.cells import drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from selectllm_tui.screens.state_screen import StateScreen
    from selectllm_tui.snapshots.question import Detail
    from selectllm_tui.state import State
    from selectllm_tui.widgets.cells import Cell, Rows

__all__ = ["copies"]

Copies = dict[str, tuple[Choice, "Callable[[], str]"]]
WIDE = 400  # cells for cells that draw themselves by width


def copies(screen: StateScreen) -> Copies:
    """What can be copied on the tab, the most wanted first, with what makes its text (which may take long)."""
    tab, made = screen.tab, []
    if tab is None:
        return {}
    if (question := _question(screen)) is not None:
        made.append((Choice("question", "its text, votes and verdict"), question))
    if tab.rows is not None and tab.table is not None and (at := tab.rows.find(tab.table.key)) is not None:
        made.append((Choice("row", "the row under the cursor, cells between tabs"), partial(_row, tab.rows, at)))
    if tab.cell is not None:
        made.append((Choice("cell", "the figure under the cursor"), partial(str, tab.cell)))
    if tab.rows is not None:
        from selectllm_tui.export import to_markdown

        made.append((Choice("Markdown", "the table"), partial(to_markdown, tab.rows)))
    if tab.records is not None:
        from selectllm_tui.records import to_csv

        made.append((Choice("CSV", "the table, values as they are"), partial(to_csv, tab.records)))
    from selectllm_tui.reproduce import command, python

    state, space, cache = screen.state, screen.model.space, _folder(screen)
    file = screen.saved[1] if screen.saved is not None and screen.saved[0] == state.setup else None
    shell = partial(command, state, space, cache, file)
    made.append((Choice("shell", "the command that gives these figures"), shell))
    made.append((Choice("Python", "the lines that give these figures"), partial(python, state, space, cache)))
    return {choice.name.lower(): (choice, make) for choice, make in made}


def _folder(screen: StateScreen) -> Path | None:
    """The cache, where a command must be told; the recorded run is found without."""
    return None if screen.model.recorded else screen.model.run.cache.root.resolve()


def _row(rows: Rows, at: int) -> str:
    cells = zip(rows.columns, rows.cells(at), strict=True)
    return "\t".join(_text(cell, column.space) for column, cell in cells if column.export)


def _text(cell: Cell, space: str) -> str:
    return visible(space.join(text for text, _ in drawn(cell, WIDE)).strip())


def _question(screen: StateScreen) -> Callable[[], str] | None:
    """The question that is open, or under the cursor of the list."""
    state, model, listing = screen.state, screen.model, screen.listing
    if state.view.tab not in {"questions", "question"} or listing is None:
        return None

    def make() -> str:
        from selectllm_tui.snapshots.question import detail

        found = detail(model, state, listing)
        return "" if found is None else question_text(found, state)

    return make


def question_text(detail: Detail, state: State) -> str:
    """A question as it is shown, and its votes as a Markdown table."""
    from selectllm_tui.export import to_markdown
    from selectllm_tui.widgets.tabs.question import ballot_rows, question_title, text_spans

    title = visible("   ".join(part for part in map(_line, question_title(detail, state)) if part))
    text = visible(_line(text_spans(detail)), newlines=True)
    return f"{title}\n\n{text}\n\n{to_markdown(ballot_rows(detail))}"


def _line(spans: Iterable[tuple[str, str]]) -> str:
    return "".join(text for text, _ in spans)
