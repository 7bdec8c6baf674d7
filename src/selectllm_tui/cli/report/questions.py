"""A report's telling questions, with every LLM's votes."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from selectllm_tui.cli.console import text
from selectllm_tui.cli.options import Format
from selectllm_tui.cli.report.elements import Html, element, joined, prose, table
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from selectllm_engine.insights import QuestionView, TellingKind
    from selectllm_tui.cli.report.about import About

__all__ = ["QUESTIONS", "telling"]

QUESTIONS = 20
LONGEST = {"question": 2_000, "choice": 200, "name": 60}  # characters

TOLD: dict[TellingKind, str] = {
    "won": "Won: the setup is right, {against} is not",
    "lost": "Lost: {against} is right, the setup is not",
    "missed": "Missed: an LLM is right, the setup and {against} are not",
    "unsolved": "Unsolved: no LLM is right",
}


def telling(about: About) -> Html:
    """The questions that tell the most, with every LLM's votes."""
    from selectllm_engine.insights import telling_questions

    chosen = telling_questions(about.view, about.comparison, QUESTIONS)
    rule = (
        f"At most {QUESTIONS} questions, of each kind equally many as far as there are: won ones that the fewest LLMs "
        "are right on, lost and missed ones that the most are right on, unsolved ones with the most samples for one "
        "answer; among equals the first of the benchmark."
    )
    parts = [element("p", rule, class_="quiet")]
    for kind, group in groupby(chosen, key=lambda each: each.kind):
        parts.append(element("h3", TOLD[kind].format(against=about.against)))
        parts += [_question(about, each.place) for each in group]
    return joined(parts) if chosen else element("p", "Every question is answered right.")


def _question(about: About, place: int) -> Html:
    from selectllm_tui.cli.show import verdict_lines, votes_sheet

    view = _votes(about, place)
    row = view.question
    facts = [row["question_id"], row["subject"] or "", f"gold answer {text(row['gold'])}"]
    shown = [visible(each, limit=LONGEST["name"]) for each in facts if each]
    parts = [element("h4", " · ".join(shown))]
    if about.texts:
        options = [
            f"({letter}) {visible(choice, limit=LONGEST['choice'])}"
            for letter, choice in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", row["choices"] or [], strict=False)
        ]
        parts.append(
            element(
                "blockquote", prose("\n".join([row["text"] or "", *options]), limit=LONGEST["question"]), dir="auto"
            )
        )
    parts.append(table(votes_sheet(view, Format.MARKDOWN), caption=f"Votes on {shown[0]}"))
    return element("article", *parts, element("p", "; ".join(verdict_lines(view)), class_="quiet"), class_="question")


def _votes(about: About, place: int) -> QuestionView:
    """A question with the votes of the setup's pool, and whom the setup asks."""
    from selectllm_engine.insights import view_question
    from selectllm_engine.setups import setup_routers
    from selectllm_engine.verdicts import Verdict

    view, selection = about.view, about.selection
    row = view.prepared.outcomes.questions.row(place, named=True)
    verdict = Verdict.of(int(view.verdicts(selection).verdict[place]))
    scores = next(iter(setup_routers(about.run, about.setup, about.split)), None) if about.setup.router else None
    seen = view_question(view, row, place, selection=selection, verdict=verdict, scores=scores)
    asked = selection.mask[place]
    llms = (replace(each, selected=bool(on)) for each, on in zip(seen.llms, asked, strict=True))
    return replace(seen, llms=tuple(each for each in llms if each.llm in about.setup.pool))
