"""The sections of a report. Figures and sentences are those of the commands; this only puts them on a page."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import MissingExtraError, UsageError
from selectllm_tui.cli.console import Sheet, SheetColumn
from selectllm_tui.cli.report.elements import Html, element, joined, paragraphs, picture, prose, table
from selectllm_tui.notation import number, p_value, percent, points, points_span, span
from selectllm_tui.sentences import limits, sentence, stays
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from selectllm_engine.insights import SubjectLosses
    from selectllm_tui.cli.report.about import About

SUBJECTS = 60  # those with the most questions
SIGNIFICANT = 0.05
LONGEST = 60  # characters of a subject's name

ANSWERS = {"yes": ("✓ yes", "yes"), "no": ("✗ no", "no"), "partly": ("◐ partly", "")}


def subtitle(about: About) -> Html:
    """What the figures are over, and by which version."""
    from importlib.metadata import version

    from selectllm_engine.evaluation import badged

    found = about.comparison
    facts = [badged(about.split), f"{found.counts.questions:,} questions", f"selectllm {version('selectllm')}"]
    return element("p", " · ".join(facts), class_="quiet")


def in_short(about: About) -> Html:
    """The setup in words, its main figures, and how far it is from what it is compared with."""
    from selectllm_tui.cli.compare import pair_sheets

    row, (rows, counts) = about.comparison.a, pair_sheets(about.comparison)
    differs = about.comparison.counts.discordant > 0
    ends = points_span(row.delta_low, row.delta_high)
    tiles = [
        ("accuracy", f"{percent(row.accuracy)} %", f"95 % interval {span(row.accuracy_low, row.accuracy_high)}"),
        *([(f"against {about.against}", f"{points(row.delta)} points", f"95 % interval {ends}")] if differs else []),
        ("seconds a question", number(2)(row.latency), f"95 % of them within {number(2)(row.latency_p95)}"),
        ("dollars a question", number(5)(row.cost), ""),
        ("LLMs asked", number(2)(row.llms_per_question), f"of {len(about.setup.pool)} in the pool"),
    ]
    shown = element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value), element("dd", more))
            for name, value, more in tiles
            if value != number(5)(None)
        ),
        class_="tiles",
    )
    return joined(
        [
            *_recommendation(about),
            shown,
            table(rows, caption=f"a: this setup, b: {about.against}"),
            *([table(counts, caption="On how many questions each is right")] if differs else []),
        ]
    )


def _recommendation(about: About) -> list[Html]:
    """What `selectllm recommend` says, where the page is about that; else how the setup answers."""
    from selectllm_tui.recommendation_words import called, headline, how, told, trade

    found = about.found
    if found is None:
        why = [f"Nothing is recommended: {about.no_find}."] if about.no_find else []
        return [element("p", f"{called(about.shown)}. {how(about.shown)}", class_="lead"), paragraphs(why)]
    others = [trade(found, each) for each in found.alternatives]
    notes = [f"{found.tried:,} setups were compared on train and validation", *found.notes]
    return [
        element("p", headline(found), class_="lead"),
        element("p", how(found.setup)),
        element("ul", *(element("li", each) for each in told(found))),
        *([element("p", "Instead:"), element("ul", *(element("li", each) for each in others))] if others else []),
        element("ul", *(element("li", each) for each in notes), class_="notes"),
    ]


def rows(about: About) -> Html:
    """The table of `selectllm evaluate`, the setup's row first."""
    from selectllm_tui.cli.evaluate import left_out, sheet

    of = about.setup
    found = about.run.evaluate(about.field, against=about.against, **about.how)
    routers = dict.fromkeys(row.router for row in found.rows if row.router)
    shown = sheet(found, {name: about.run.router_seconds(name) for name in routers})
    own = {**about.comparison.a.as_dict(), "kind": "setup", "name": f"this setup: {of.name}"}
    whole = replace(shown, rows=[own, *shown.rows], styles=["marked", *shown.styles])
    return joined([paragraphs([said] if (said := left_out(found)) else [], class_="quiet"), table(whole)])


def trade_off_plot(about: About) -> Html:
    """Accuracy against seconds, against dollars where seconds are not known."""
    from selectllm_tui.cli.plots import TRADE_OFF, trade_off

    of = about.setup
    routers = None if of.router is None else [of.router]
    how: dict[str, Any] = {"routers": routers, "policies": None, "pool": about.field, "k": of.k, "split": about.split}
    who = f"router {of.router}" if of.router else "the best router"
    alt = (
        f"Accuracy up, {{0}} across: LLMs, baselines, {who} with every policy, and the Pareto front. The table of all "
        "rows has the figures."
    )
    for by, across in TRADE_OFF.items():
        try:
            svg = trade_off(about.run, by=by, vote=about.vote, **how)
        except MissingExtraError as missing:
            return element("p", f"Not drawn: {missing}.", class_="quiet")
        except UsageError as reason:
            said = reason.problem
        else:
            return picture(svg, alt.format(across), f"Accuracy and {across}")
    return element("p", f"Not drawn: {said}.", class_="quiet")


def matrix_plot(about: About) -> Html:
    """The accuracy of every router with every policy."""
    from selectllm_tui.cli.plots import matrix

    how: dict[str, Any] = {"routers": None, "policies": None, "pool": about.field, "k": about.setup.k}
    try:
        svg = matrix(about.run, by="accuracy", split=about.split, vote=about.vote, **how)
    except UsageError as reason:
        return element("p", f"Not drawn: {reason}.", class_="quiet")
    alt = "A heat map of accuracy in percent: a row for each router, a column for each policy, the values written in."
    return picture(svg, alt, "Accuracy of every router with every policy")


def losses(about: About) -> Html:
    """What became of the questions, and where the setup gains and loses, by subject."""
    from selectllm_engine.insights import losses_by_subject
    from selectllm_engine.verdicts import Verdict

    row, found = about.comparison.a, about.comparison
    kinds = (Verdict.UNSOLVABLE, Verdict.MISROUTED, Verdict.OUTVOTED, Verdict.RESCUED)
    shares = [
        element("li", element("strong", f"{percent(getattr(row, kind))} % {kind}"), f": {kind.sentence}")
        for kind in kinds
        if getattr(row, kind) is not None
    ]
    subjects = losses_by_subject(found, about.view.verdicts(about.selection))
    most = sorted(subjects, key=lambda each: -each.counts.questions)[:SUBJECTS]
    columns = [
        SheetColumn(
            "subject", "subject", lambda name: "none" if name is None else visible(name, limit=LONGEST), "left"
        ),
        SheetColumn("questions", "questions"),
        SheetColumn("other", f"{about.against} %", percent),
        SheetColumn("own", "setup %", percent),
        SheetColumn("delta", "Δ", points),
        SheetColumn("gained", "gained"),
        SheetColumn("lost", "lost"),
        SheetColumn("p", "Holm p", p_value),
        SheetColumn("unsolvable", "unsolvable %", percent),
        SheetColumn("misrouted", "misrouted %", percent),
        SheetColumn("outvoted", "outvoted %", percent),
    ]
    figures = [_by_subject(each) for each in subjects if each in most]
    notes = [f"gained, lost: questions on which only the setup, or only {about.against}, is right"]
    notes.append("p: exact McNemar test of each subject, adjusted by Holm over them")
    if len(subjects) > len(most):
        notes.append(f"the {len(most)} subjects with the most questions, of {len(subjects)}")
    styles = ["bold" if each.p < SIGNIFICANT else "" for each in subjects if each in most]
    listed = Sheet(columns, figures, title="By subject", footnotes=notes, styles=styles)
    return joined([element("ul", *shares), *([table(listed)] if figures else [])])


def _by_subject(each: SubjectLosses) -> dict[str, object]:
    both, gained, lost, neither = each.counts
    questions = both + gained + lost + neither
    return {
        **{name: getattr(each, name) for name in ("subject", "p", "unsolvable", "misrouted", "outvoted")},
        "questions": questions,
        "own": (both + gained) / questions,
        "other": (both + lost) / questions,
        "delta": (gained - lost) / questions,
        "gained": gained,
        "lost": lost,
    }


def lessons(about: About) -> Html:
    """The study's five questions, and what else the run teaches."""
    from selectllm_tui.cli.lessons import lost, train_test_gap_sheet, unanswered_sheet, unseen_sheet

    drawn = about.run.lessons(about.field, **about.how)
    answers = []
    for each in drawn.lessons:
        answer, style = ANSWERS.get(each.answer, ("unknown", "quiet"))
        answers += [element("h3", f"{each.question} ", element("span", answer, class_=style))]
        answers += [element("p", sentence(each))]
    said = [*limits(drawn), stays(drawn), lost(drawn)]
    sheets = (unseen_sheet(drawn), train_test_gap_sheet(drawn), unanswered_sheet(drawn))
    return joined([*answers, paragraphs(each for each in said if each), *(table(each) for each in sheets if each)])


def pools(about: About) -> Html:
    """Which LLMs to put together."""
    from selectllm_tui.cli.pools import ranking, routed_sheet

    found = about.run.pools(about.field, k=about.setup.k, split=about.split, vote=about.vote)
    routed = routed_sheet(found)
    return joined([table(ranking(found), head="llms"), *([table(routed)] if routed else [])])


def reproduce(about: About, name: str) -> Html:
    """The setup as a file, and the commands and lines of Python that give these figures."""
    from selectllm_engine.setups import setup_text

    of = about.shown
    split = [] if about.split == "test" else ["--split", about.split]
    against = [] if about.against == "best-single" else ["--against", about.against]
    commands = [
        ["selectllm", "evaluate", "--setup", "setup.toml", *split, *against],
        ["selectllm", "compare", "setup.toml", about.against, *split],
        ["selectllm", "report", name, "--setup", "setup.toml", *split, *against, *(["--texts"] if about.texts else [])],
    ]
    where = "" if about.split == "test" else f", split={about.split!r}"
    python = [
        "import selectllm_engine as sl",
        "from selectllm_engine.setups import read_setup",
        "",
        f"run = sl.load({about.run.benchmark!r})",
        f"found = run.compare(read_setup('setup.toml'), {about.against!r}{where})",
        "print(found.a.accuracy, found.a.delta, found.a.latency)",
    ]
    beside = "" if of.vote_file is None else f", with {of.vote} beside it"
    return joined(
        [
            element("p", f"The setup, as setup.toml{beside}:"),
            element("pre", prose(setup_text(of))),
            element("p", "On the command line; --cache DIR where the results are not in the usual place:"),
            element("pre", prose("\n".join(map(shlex.join, commands)))),
            element("p", "In Python:"),
            element("pre", prose("\n".join(python))),
        ]
    )
