"""Every key and what it does, in one table: bindings, footer, help, palette and the docs all come from it.

A command's `reason` says why it cannot act now (None where it can). Such a command is dimmed, never hidden, and
pressing it says the reason.
"""

from __future__ import annotations

from selectllm_engine.verdicts import Verdict
from selectllm_tui import preconditions
from selectllm_tui import transitions as to
from selectllm_tui.commands.command import Command, commands_of
from selectllm_tui.commands.dialogs import DIALOGS
from selectllm_tui.commands.parts import MOVING, WALKING
from selectllm_tui.commands.setup import SETUP
from selectllm_tui.tabs import ARRANGED, LISTING, TABS
from selectllm_tui.view import FILTERS

__all__ = ["COMMANDS"]


def _filter(name: str) -> Command:
    reason = preconditions.changed if name == "changed" else preconditions.always
    return Command(
        f"filter_{name.replace('-', '_')}",
        (FILTERS[name].key,),
        name,
        f"Only questions where {FILTERS[name].sentence}; again for all.",
        "Questions",
        tabs=(*LISTING, "lessons", *(["results"] if name == Verdict.MISROUTED else [])),
        reason=preconditions.votes if FILTERS[name].of_votes else reason,
        do=to.switch_filter(name),
    )


COMMANDS: tuple[Command, ...] = (
    *SETUP,
    # Tabs
    Command(
        "tab_next",
        ("right_square_bracket", "ctrl+right"),
        "tab",
        "The next tab.",
        "Tabs",
        do=lambda context: context.state.tab(1),
        rank=2,
    ),
    Command(
        "tab_back",
        ("left_square_bracket", "ctrl+left"),
        "previous tab",
        "The tab before.",
        "Tabs",
        do=lambda context: context.state.tab(-1),
    ),
    *(
        Command(f"tab_{name}", (f"f{at}",), f"tab {tab.title}", f"The tab {tab.title}.", "Tabs", do=to.open_tab(name))
        for at, (name, tab) in enumerate(TABS.items(), 1)
    ),
    Command("open", ("enter",), "open", "Open the row under the cursor.", "Tabs", reason=preconditions.row),
    Command(
        "sort",
        ("s",),
        "sort",
        "Sort by the column under the cursor, again: as before; where none has it, by the next column.",
        "Tabs",
        tabs=ARRANGED,
        do=to.next_sort,
    ),
    Command("reverse", ("S",), "reverse", "Sort the other way round.", "Tabs", tabs=ARRANGED, do=to.reverse_sort),
    Command(
        "measure",
        ("w",),
        "figure",
        "Show another figure: the study's column, accuracy or latency or gap, latency or cost; words or plot.",
        "Tabs",
        tabs=("results", "matrix", "tradeoff", "recommend"),
        reason=preconditions.measure,
        do=to.next_measure,
        rank=15,
    ),
    # Columns
    Command(
        "column_back",
        ("less_than_sign",),
        "column left",
        "The cursor to the column on the left; the frame's lower edge names it. {back} takes it away.",
        "Columns",
        tabs=ARRANGED,
        reason=preconditions.columns,
        do=to.move_column(-1),
    ),
    Command(
        "column_next",
        ("greater_than_sign",),
        "column right",
        "To the column on the right.",
        "Columns",
        tabs=ARRANGED,
        reason=preconditions.columns,
        do=to.move_column(1),
    ),
    Command(
        "column_hide",
        ("underscore",),
        "hide column",
        "Hide the column under the cursor.",
        "Columns",
        tabs=ARRANGED,
        reason=preconditions.not_last_column,
        do=to.hide_column,
    ),
    Command(
        "column_wider",
        ("vertical_line",),
        "wider column",
        "Make the column under the cursor wider; above an LLM's marks its name has room then.",
        "Columns",
        tabs=ARRANGED,
        reason=preconditions.wider(1),
        do=to.widen_column(1),
    ),
    Command(
        "column_narrower",
        ("backslash",),
        "narrower column",
        "Make it narrower.",
        "Columns",
        tabs=ARRANGED,
        reason=preconditions.wider(-1),
        do=to.widen_column(-1),
    ),
    Command(
        "columns_all",
        ("quotation_mark",),
        "all columns",
        "Show all columns of the tab again, as wide as they were made; first those that `[tui.columns]` chooses.",
        "Columns",
        tabs=ARRANGED,
        reason=preconditions.arranged_columns,
        do=to.show_columns,
    ),
    # Questions
    Command("search", ("slash",), "search", "Only questions with some words, votes, subject or LLMs.", "Questions"),
    Command(
        "alike",
        ("asterisk",),
        "alike",
        "Questions like what the cursor is on: of a question's subject, or that an LLM answers; again for all.",
        "Questions",
        reason=preconditions.alike,
        do=to.search_alike,
    ),
    Command("filters", ("f",), "filter", "Choose a filter from a list with counts.", "Questions"),
    *(_filter(name) for name in FILTERS),
    Command(
        "group",
        ("F",),
        "group",
        "The listed questions by subject, verdict, right LLMs or length of the gold answer, with their accuracy.",
        "Questions",
    ),
    Command(
        "next",
        ("n",),
        "next",
        "The next question within the filter.",
        "Questions",
        tabs=LISTING,
        reason=preconditions.within,
    ),
    Command(
        "previous",
        ("N",),
        "previous",
        "The question before, within the filter.",
        "Questions",
        tabs=LISTING,
        reason=preconditions.within,
    ),
    Command(
        "side_by_side",
        ("T",),
        "side by side",
        "What two to four LLMs wrote on the question, in columns.",
        "Questions",
        tabs=("question",),
        reason=preconditions.several_llms,
    ),
    Command(
        "mark",
        ("M",),
        "mark",
        "Mark the question; on a marked one: mark it no more. Marks and notes stay in the cache.",
        "Questions",
        tabs=LISTING,
        reason=preconditions.no_question,
        do=to.mark,
    ),
    Command(
        "note",
        ("number_sign",),
        "note",
        "Note a line on the question; an empty line takes the note away.",
        "Questions",
        tabs=LISTING,
        reason=preconditions.no_question,
    ),
    Command("ask", ("i",), "ask", "Route a question of your own.", "Questions", reason=preconditions.policies, rank=17),
    # Trade-off
    Command("zoom_in", ("Z",), "zoom in", "Look closer.", "Trade-off", tabs=("tradeoff", "recommend")),
    Command("zoom_out", ("X",), "zoom out", "Look from further away.", "Trade-off", tabs=("tradeoff", "recommend")),
    Command(
        "zoom_reset", ("0",), "whole plot", "Everything in view again.", "Trade-off", tabs=("tradeoff", "recommend")
    ),
    *WALKING,
    *DIALOGS,
    *MOVING,
    # Everywhere
    Command("panel", ("H",), "side panel", "Without the side panel, or with it.", "Everywhere"),
    Command("back", ("escape",), "back", "Leave: a search, a filter, a question.", "Everywhere"),
    Command("export", ("e",), "export", "Save the table (CSV, Markdown) or the screen (SVG).", "Everywhere", rank=16),
    Command(
        "copy",
        ("y",),
        "copy",
        "Copy the question, row, cell or table, or the command or Python that gives the figures; twice: the first.",
        "Everywhere",
    ),
    Command(
        "save_setup",
        ("W",),
        "save setup",
        "Save the setup as a file: selectllm tui --setup FILE opens it, other commands take it.",
        "Everywhere",
    ),
    Command("live", ("L",), "sampling", "How accurate and fast each LLM is that is being sampled.", "Everywhere"),
    Command(
        "follow",
        ("ctrl+l",),
        "follow",
        "Read new results by themselves while they are made, or only when asked to.",
        "Everywhere",
    ),
    Command("benchmarks", ("O",), "benchmarks", "Open another benchmark of the cache.", "Everywhere"),
    Command("reload", ("ctrl+r",), "reload", "Read the cache again.", "Everywhere"),
    Command(
        "help", ("question_mark",), "help", "What the keys do and the figures mean.", "Everywhere", rank=3, at_end=True
    ),
    Command("quit", ("q",), "quit", "Leave the explorer.", "Everywhere", rank=4, at_end=True),
    Command("suspend", ("ctrl+z",), "suspend", "Back to the shell for a while; fg returns.", "Everywhere"),
    Command(
        "command_palette",
        ("ctrl+p",),
        "commands",
        "Everything, by name.",
        "Everywhere",
        "app",
        palette=False,
        action="command_palette",
        rank=14,
        at_end=True,
    ),
    *commands_of(
        "app", "Everywhere", ("quit_from_anywhere", "ctrl+q", "quit", "Leave the explorer, from a dialog, too.")
    ),
)
