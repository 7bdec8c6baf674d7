"""Every key and what it does, in one table: bindings, footer, help, palette and the docs all come from it.

A command's `reason` says why it cannot act now (None where it can). Such a command is dimmed, never hidden, and
pressing it says the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from selectllm_engine.verdicts import Verdict
from selectllm_tui import preconditions
from selectllm_tui import transitions as to
from selectllm_tui.llm_names import LETTERS
from selectllm_tui.state import FILTERS
from selectllm_tui.tabs import ARRANGED, LISTING, TABS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COMMANDS", "Command", "Target"]

Target = Literal["main", "pool", "table", "grid", "sliders", "plot", "text", "generations", "columns", "textual"]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that keys do.

    Attributes:
        name: what it is called in code.
        keys: Textual's names of its keys.
        title: for the footer and the palette, a few words.
        help: one sentence for the help.
        section: under which heading of the help it stands.
        target: which part of the screen has the binding.
        tabs: the tabs on which it acts; empty for all.
        palette: whether the palette offers it.
        reason: why it cannot act now, or None.
        do: the state that it leads to; None where more is done than that, by `screens.actions.do_<name>`, or where the
            part of the screen that has the binding acts by itself.
        rank: its place among those for which the footer has room, the smaller the sooner; a tab's own come in between.
        at_end: whether it stands at the end of the footer.
    """

    name: str
    keys: tuple[str, ...]
    title: str
    help: str
    section: str
    target: Target = "main"
    tabs: tuple[str, ...] = ()
    palette: bool = True
    reason: preconditions.Reason = preconditions.always
    do: to.Transition | None = None
    rank: int | None = None
    at_end: bool = False


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


def _of_columns(*keys: tuple[str, tuple[str, ...], str, str]) -> Iterator[Command]:
    """Those of the generations side by side: name, keys, title, help."""
    return (Command(*each, "Side by side", "columns", palette=False) for each in keys)


COMMANDS: tuple[Command, ...] = (
    # Pool
    Command(
        "toggle",
        tuple("123456789"),
        "toggle",
        "Switch the LLM with that number on or off.",
        "Pool",
        palette=False,
        do=to.toggle,
        rank=1,
    ),
    Command(
        "toggle_by_letter",
        tuple(LETTERS),
        "toggle",
        "Switch the LLM with that letter, where the cursor is in the pool and there is one.",
        "Pool",
        "pool",
        palette=False,
        do=to.toggle,
    ),
    Command("switch_llm", ("semicolon",), "LLM", "Then an LLM's digit or letter, from anywhere, to switch it.", "Pool"),
    Command(
        "toggle_here",
        ("space",),
        "toggle",
        "Switch the LLM under the cursor on or off.",
        "Pool",
        reason=preconditions.no_llm,
        do=to.toggle_here,
    ),
    Command(
        "all",
        ("a",),
        "all",
        "Switch all LLMs on.",
        "Pool",
        reason=preconditions.all_on,
        do=to.on_setup(lambda setup, _: setup.with_pool(setup.pool.run)),
        rank=18,
    ),
    Command(
        "search_pool",
        ("slash",),
        "search the pool",
        "In the pool: list only LLMs whose names have some words; esc lists all.",
        "Pool",
        "pool",
    ),
    Command(
        "toggle_listed",
        ("ampersand",),
        "toggle the listed",
        "Switch all LLMs off that the pool lists, all or those of a search; on where one of them is off.",
        "Pool",
        reason=preconditions.listed,
        do=to.toggle_listed,
    ),
    Command(
        "only",
        ("x",),
        "only this",
        "Leave only the LLM under the cursor on.",
        "Pool",
        reason=preconditions.only,
        do=to.only,
    ),
    Command(
        "undo",
        ("u",),
        "undo",
        "Take the last change back: of the setup, of a mark or note, or of the benchmark.",
        "Pool",
        reason=preconditions.undo,
        rank=13,
    ),
    Command(
        "redo",
        ("U",),
        "redo",
        "Take the last undo back.",
        "Pool",
        reason=preconditions.redo,
    ),
    # Setup
    Command(
        "router",
        ("r",),
        "router",
        "The next router.",
        "Router and policy",
        reason=preconditions.routers,
        do=to.on_setup(lambda setup, space: setup.with_router(space, 1)),
        rank=11,
    ),
    Command(
        "router_back",
        ("R",),
        "previous router",
        "The router before.",
        "Router and policy",
        reason=preconditions.routers,
        do=to.on_setup(lambda setup, space: setup.with_router(space, -1)),
    ),
    Command(
        "policy",
        ("p",),
        "policy",
        "The next policy.",
        "Router and policy",
        reason=preconditions.policies,
        do=to.on_setup(lambda setup, space: setup.with_policy(space, 1)),
        rank=12,
    ),
    Command(
        "policy_back",
        ("P",),
        "previous policy",
        "The policy before.",
        "Router and policy",
        reason=preconditions.policies,
        do=to.on_setup(lambda setup, space: setup.with_policy(space, -1)),
    ),
    Command(
        "more",
        ("equals_sign", "plus"),
        "parameter up",
        "The policy's parameter (λ, τ or m) one step up.",
        "Router and policy",
        reason=preconditions.parameter(1),
        do=to.on_setup(lambda setup, space: setup.with_parameter(space, 1)),
    ),
    Command(
        "less",
        ("minus",),
        "parameter down",
        "The policy's parameter one step down.",
        "Router and policy",
        reason=preconditions.parameter(-1),
        do=to.on_setup(lambda setup, space: setup.with_parameter(space, -1)),
    ),
    Command(
        "k_more",
        ("full_stop",),
        "K up",
        "Vote over one sample more per LLM.",
        "Router and policy",
        reason=preconditions.k(1),
        do=to.on_setup(lambda setup, space: setup.with_k(space, 1)),
    ),
    Command(
        "k_less",
        ("comma",),
        "K down",
        "Vote over one sample less.",
        "Router and policy",
        reason=preconditions.k(-1),
        do=to.on_setup(lambda setup, space: setup.with_k(space, -1)),
    ),
    Command(
        "split",
        ("t",),
        "split",
        "The next split: test, train, validation.",
        "Router and policy",
        reason=preconditions.splits,
        do=to.on_setup(lambda setup, space: setup.with_split(space)),
        rank=19,
    ),
    Command(
        "protocol",
        ("C",),
        "protocol",
        "Between the corrected protocol and the released code's arithmetic (paper).",
        "Router and policy",
        do=to.on_setup(lambda setup, _: setup.with_protocol()),
        rank=20,
    ),
    Command(
        "vote",
        ("V",),
        "vote",
        "Between equal votes and the vote whose weights are learned from train and validation.",
        "Router and policy",
        reason=preconditions.learned_vote,
        do=to.on_setup(lambda setup, _: setup.with_vote()),
        rank=13,
    ),
    Command(
        "against",
        ("A",),
        "compare with",
        "Compare all rows with the one under the cursor; again: with best-single.",
        "Router and policy",
        tabs=("results",),
        reason=preconditions.reference,
        do=to.compare_with,
    ),
    # Comparing
    Command(
        "pin",
        ("B",),
        "pin",
        "Pin this setup, to compare others with; on a pinned one: pin it no more. Up to four.",
        "Comparing",
        reason=preconditions.pin,
        rank=16,
    ),
    Command(
        "compare",
        ("D",),
        "compare",
        "The pinned setup and this one side by side, and the questions that only one of them gets right.",
        "Comparing",
        reason=preconditions.pinned,
        rank=16,
    ),
    # Tabs
    Command(
        "tab_next",
        ("right_square_bracket", "ctrl+right"),
        "tab",
        "The next tab.",
        "Tabs",
        do=lambda context, _: context.state.tab(1),
        rank=2,
    ),
    Command(
        "tab_back",
        ("left_square_bracket", "ctrl+left"),
        "previous tab",
        "The tab before.",
        "Tabs",
        do=lambda context, _: context.state.tab(-1),
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
    Command(
        "reverse",
        ("S",),
        "reverse",
        "Sort the other way round.",
        "Tabs",
        tabs=ARRANGED,
        do=to.reverse_sort,
    ),
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
        "The cursor to the column on the left; the frame's lower edge names it. esc takes it away.",
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
    *(
        Command(name, keys, title, sentence, "Trade-off", "plot", palette=False)
        for name, keys, title, sentence in (
            ("point(1)", ("tab",), "next point", "The next point to the right; from the last the next part."),
            ("point(-1)", ("shift+tab",), "point before", "The point before; from the first the part before."),
            ("along(-1)", ("left", "h"), "point left", "The next point to the left."),
            ("along(1)", ("right", "l"), "point right", "The next point to the right."),
            ("above(1)", ("up", "k"), "point above", "The next point above."),
            ("above(-1)", ("down", "j"), "point below", "The next point below."),
            ("pan_left", ("shift+left",), "left", "Move the view to the left."),
            ("pan_right", ("shift+right",), "right", "Move it to the right."),
            ("pan_up", ("shift+up",), "up", "Move it up."),
            ("pan_down", ("shift+down",), "down", "Move it down."),
        )
    ),
    # Generations
    Command("sample(1)", ("n",), "next sample", "The next generation.", "Generations", "generations", palette=False),
    Command(
        "sample(-1)", ("N",), "sample before", "The generation before.", "Generations", "generations", palette=False
    ),
    Command(
        "scroll_text(1)",
        ("space",),
        "text down",
        "A screenful of its text down.",
        "Generations",
        "generations",
        palette=False,
    ),
    Command(
        "scroll_text(-1)", ("b",), "text up", "A screenful of its text up.", "Generations", "generations", palette=False
    ),
    Command("pager", ("E",), "in $PAGER", "Open its text in $PAGER.", "Generations", "generations", palette=False),
    Command("copy_generation", ("y",), "copy", "Copy its text.", "Generations", "generations", palette=False),
    # Side by side
    *_of_columns(
        ("column(-1)", ("left", "h"), "column before", "The column to the left."),
        ("column(1)", ("right", "l"), "next column", "The column to the right."),
        ("other_llm(-1)", ("left_square_bracket",), "LLM before", "The LLM before in the column, of those in none."),
        ("other_llm(1)", ("right_square_bracket",), "next LLM", "The next LLM in the column, of those in none."),
        ("columns(1)", ("plus", "equals_sign"), "more columns", "A column more."),
        ("columns(-1)", ("minus",), "fewer columns", "A column less."),
        ("sample(1)", ("n",), "next sample", "The next generation of the column's LLM."),
        ("sample(-1)", ("N",), "sample before", "The generation before."),
        ("words_apart", ("d",), "words apart", "Mark the words in which the others differ from the first column."),
        ("find", ("slash",), "find", "Find words in all columns."),
        ("scroll_text(1)", ("space",), "text down", "A screenful of the column's text down."),
        ("scroll_text(-1)", ("b",), "text up", "A screenful of the column's text up."),
        ("pager", ("E",), "in $PAGER", "Open the column's text in $PAGER."),
        ("copy_generation", ("y",), "copy", "Copy the column's text."),
    ),
    # Moving
    Command("move(-1)", ("up", "k"), "up", "The row above.", "Moving", "table", palette=False),
    Command("move(1)", ("down", "j"), "down", "The row below.", "Moving", "table", palette=False),
    Command("page(-1)", ("pageup",), "page up", "A screenful up.", "Moving", "table", palette=False),
    Command("page(1)", ("pagedown",), "page down", "A screenful down.", "Moving", "table", palette=False),
    Command("half(-1)", ("ctrl+u",), "half up", "Half a screenful up.", "Moving", "table", palette=False),
    Command("half(1)", ("ctrl+d",), "half down", "Half a screenful down.", "Moving", "table", palette=False),
    Command("end(-1)", ("home", "g"), "first", "The first row.", "Moving", "table", palette=False),
    Command("end(1)", ("end", "G"), "last", "The last row.", "Moving", "table", palette=False),
    Command("scroll_up", ("up", "k"), "up", "A line of a text up.", "Moving", "text", palette=False),
    Command("scroll_down", ("down", "j"), "down", "A line of a text down.", "Moving", "text", palette=False),
    Command("page_up", ("pageup",), "page up", "A screenful of a text up.", "Moving", "text", palette=False),
    Command("page_down", ("pagedown",), "page down", "A screenful of a text down.", "Moving", "text", palette=False),
    Command("half(-1)", ("ctrl+u",), "half up", "Half a screenful of a text up.", "Moving", "text", palette=False),
    Command("half(1)", ("ctrl+d",), "half down", "Half a screenful of a text down.", "Moving", "text", palette=False),
    Command("scroll_home", ("home", "g"), "start", "The start of a text.", "Moving", "text", palette=False),
    Command("scroll_end", ("end", "G"), "end", "The end of a text.", "Moving", "text", palette=False),
    Command(
        "slide(-1)",
        ("left", "h"),
        "less",
        "Move the slider under the cursor down.",
        "Moving",
        "sliders",
        palette=False,
    ),
    Command("slide(1)", ("right", "l"), "more", "Move it up.", "Moving", "sliders", palette=False),
    Command(
        "across(-1)", ("left", "h"), "left", "The cell to the left, in the matrix.", "Moving", "grid", palette=False
    ),
    Command("across(1)", ("right", "l"), "right", "The cell to the right.", "Moving", "grid", palette=False),
    Command("choose", ("enter",), "open", "Open the row.", "Moving", "table", palette=False),
    Command(
        "app.focus_next", ("tab",), "next part", "To the next part of the screen.", "Moving", "textual", palette=False
    ),
    Command(
        "app.focus_previous", ("shift+tab",), "part before", "To the part before.", "Moving", "textual", palette=False
    ),
    # Everywhere
    Command("panel", ("H",), "side panel", "Without the side panel, or with it.", "Everywhere"),
    Command("back", ("escape",), "back", "Leave: a dialog, a search, a filter, a question.", "Everywhere"),
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
        "textual",
        palette=False,
        rank=14,
        at_end=True,
    ),
    Command(
        "copy_text",
        ("ctrl+c", "super+c"),
        "copy text",
        "Copy what is selected in a line that one types in.",
        "Everywhere",
        "textual",
        palette=False,
    ),
    Command("quit", ("ctrl+q",), "quit", "Leave the explorer.", "Everywhere", "textual", palette=False),
)
