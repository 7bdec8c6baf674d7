"""The commands of dialogs and of the screens before there is anything to explore."""

from __future__ import annotations

from selectllm_tui.commands.command import commands_of
from selectllm_tui.state import PINS
from selectllm_tui.view import FILTERS

__all__ = ["DIALOGS"]

DIALOGS = (
    *commands_of(
        "dialog",
        "Dialogs",
        ("leave", "escape q", "leave", "Leave a dialog; in a line one types in by a key that is no character."),
    ),
    *commands_of(
        "generations",
        "Generations",
        ("next_sample", "n", "sample(1)", "The next generation."),
        ("sample_before", "N", "sample(-1)", "The generation before."),
        ("text_down", "space", "scroll_text(1)", "A screenful of its text down."),
        ("text_up", "b", "scroll_text(-1)", "A screenful of its text up."),
        ("pager", "E", "pager", "Open its text in $PAGER."),
        ("copy", "y", "copy_generation", "Copy its text."),
    ),
    *commands_of(
        "side_by_side",
        "Side by side",
        ("column_before", "left h", "column(-1)", "The column to the left."),
        ("next_column", "right l", "column(1)", "The column to the right."),
        ("llm_before", "left_square_bracket", "other_llm(-1)", "The LLM before in the column, of those in none."),
        ("next_llm", "right_square_bracket", "other_llm(1)", "The next LLM in the column, of those in none."),
        ("more_columns", "plus equals_sign", "columns(1)", "A column more."),
        ("fewer_columns", "minus", "columns(-1)", "A column less."),
        ("next_sample", "n", "sample(1)", "The next generation of the column's LLM."),
        ("sample_before", "N", "sample(-1)", "The generation before."),
        ("words_apart", "d", "words_apart", "Mark the words in which the others differ from the first column."),
        ("find", "slash", "find", "Find words in all columns."),
        ("text_down", "space", "scroll_text(1)", "A screenful of the column's text down."),
        ("text_up", "b", "scroll_text(-1)", "A screenful of the column's text up."),
        ("pager", "E", "pager", "Open the column's text in $PAGER."),
        ("copy", "y", "copy_generation", "Copy the column's text."),
    ),
    *commands_of(
        "comparison",
        "Comparison",
        ("cell_before", "left h", "cell(-1)", "The questions that another of the two setups gets right, or both do."),
        ("next_cell", "right l", "cell(1)", "The same, the other way round."),
    ),
    *commands_of(
        "comparison",
        "Comparison",
        *((f"pin_{at}", f"{at}", f"pin({at})", "Compare with that pinned setup.") for at in range(1, PINS + 1)),
        family=f"1-{PINS}",
    ),
    *commands_of(
        "groups",
        "Grouping",
        ("grouping_before", "left h", "by(-1)", "Group by what comes before."),
        ("next_grouping", "right l F", "by(1)", "Group by what comes next."),
        ("sort", "s", "sort", "The least accurate groups first; again: their own order."),
    ),
    *commands_of(
        "filters",
        "Choosing a filter",
        *(
            (name.replace("-", "_"), each.key, f"pick('{name}')", f"The filter {name}.")
            for name, each in FILTERS.items()
        ),
    ),
    *commands_of(
        "copy",
        "Choosing what to copy",
        ("first", "y", "pick_first", "The first of what can be copied."),
        ("question", "t", "pick('question')", "The question's text, votes and verdict."),
        ("row", "r", "pick('row')", "The row under the cursor."),
        ("cell", "c", "pick('cell')", "The figure under the cursor."),
        ("markdown", "m", "pick('markdown')", "The table as Markdown."),
        ("csv", "v", "pick('csv')", "The table as CSV."),
        ("shell", "s", "pick('shell')", "The command that gives the figures."),
        ("python", "p", "pick('python')", "The Python lines that give the figures."),
    ),
    *commands_of(
        "export",
        "Choosing what to save",
        ("csv", "c", "pick('csv')", "The table as CSV."),
        ("markdown", "m", "pick('markdown')", "The table as Markdown."),
        ("svg", "s", "pick('svg')", "The screen as SVG."),
    ),
    *commands_of(
        "help",
        "Help",
        ("search", "slash", "search", "Find a key, or what does something."),
        ("to_lines", "down enter", "to_lines", "From the words to the lines that were found."),
    ),
    *commands_of(
        "ask",
        "A question of one's own",
        ("router", "r", "router(1)", "The next router, in the table."),
        ("router_back", "R", "router(-1)", "The router before."),
        ("policy", "p", "policy(1)", "The next policy, in the table."),
        ("policy_back", "P", "policy(-1)", "The policy before."),
    ),
    *commands_of("loading", "While it reads", ("leave", "q", "app.exit", "Leave; what is extracted by then is kept.")),
    *commands_of(
        "problem",
        "Where nothing can be shown",
        ("leave", "q escape", "app.exit", "Leave the explorer."),
        ("again", "ctrl+r", "app.reload", "Try again."),
    ),
)
