"""The tabs: one entry each, for the titles, the help, the footer, the keys that step through figures and columns.

A tab is an entry here, the widget `<Name>Tab` in `widgets/tabs/<name>.py` and its function in `snapshots/<name>.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from selectllm_engine.verdicts import Verdict

__all__ = ["ARRANGED", "LISTING", "TABS", "TabSpec"]


@dataclass(frozen=True, slots=True)
class TabSpec:
    """One tab.

    Attributes:
        title: on its frame.
        about: for the help, what it shows; `{undo}` in it stands for the key of that command.
        measures: the figures it can show, its own choice first.
        sorts: the columns that a key steps through; None is the tab's own order.
        sorted_by_click: further columns, which a click on their head sorts by, or the key when the cursor is on them.
        downwards: columns that are sorted from the greatest down first; those of LLMs are, too.
        of_llms: whether it has a column for each LLM, to be sorted by.
        columns: those of its table, for `[tui.columns]`; the first says what a row is, and is always shown.
        footer: the commands that its footer offers first, with what they are called there.
    """

    title: str
    about: str
    measures: tuple[str, ...] = ()
    sorts: tuple[str | None, ...] = ()
    sorted_by_click: tuple[str, ...] = ()
    downwards: frozenset[str] = frozenset()
    of_llms: bool = False
    columns: tuple[str, ...] = ()
    footer: dict[str, str] = field(default_factory=dict, hash=False)

    def sorts_by(self, column: str) -> bool:
        """Whether it can be sorted by a column."""
        return column in (*self.sorts, *self.sorted_by_click) or (self.of_llms and column.startswith("llm:"))


TABS: dict[str, TabSpec] = {
    "results": TabSpec(
        "Results",
        (
            "One row per way to answer: baselines, the router with every policy, each LLM alone. accuracy is the share "
            "of questions answered right, in percent, with its 95 % Wilson interval drawn on a scale common to all "
            "rows. seconds is the latency: the time to answer a prompt once, one at a time, summed over the LLMs that "
            "answer; accuracy is maj@K's. Δ is the difference in points to the row that all are compared with, "
            "best-single unless {against} makes another one that; raw p is McNemar's on the same questions, not "
            "adjusted for looking at many rows. Δ pin is the difference in points to the pinned setup ({pin}), "
            "{compare} puts the two side by side. LLMs/q is how many LLMs answer a question. gap is the part of the "
            "way from best-single to the oracle. Faint figures behind a dot are the last ones, until those of the "
            "setup are there. Below the table is more about the row under the cursor. {open} on a policy makes it the "
            "policy, on an LLM switches it."
        ),
        measures=("figures", "published"),
        sorts=(None, "accuracy", "latency", "delta", "gap_closed", "name"),
        sorted_by_click=("cost", "llms_per_question", "p", "interval", "pinned"),
        downwards=frozenset({"accuracy", "delta", "gap_closed", "interval", "pinned"}),
        columns=(
            *("name", "group", "accuracy", "interval", "accuracy_low", "accuracy_high", "latency", "cost"),
            *("llms_per_question", "delta", "gap_closed", "p", "pinned", "published"),
        ),
        footer={"open": "use it", "sort": "sort", "filter_misrouted": "misrouted"},
    ),
    "matrix": TabSpec(
        "Matrix",
        (
            "Every router (down) with every policy (across), at the values of the sliders; the stronger the shade, "
            "the better. ◆ is the best pair, ▸ the one in use. {open} goes to the pair under the cursor, {measure} "
            "changes the figure."
        ),
        measures=("accuracy", "latency", "gap"),
        footer={"open": "use the pair", "measure": "figure"},
    ),
    "tradeoff": TabSpec(
        "Trade-off",
        (
            "Accuracy against seconds ({measure}: dollars) per question, on a logarithmic scale: LLMs, baselines, the "
            "router's policies, the curves of cost-aware over λ and of cascade-value over the price of a second (μ), "
            "and the Pareto front: what nothing else beats in both; best is the upper left. {plot_next_point} and the "
            "arrows walk the points; the one under the cursor is read out below; {open} on a policy makes it the "
            "policy, on a point of a curve sets its λ, or the B that leads to it, on an LLM switches it. {zoom_in} and "
            "{zoom_out} zoom, shift with the arrows moves, {zoom_reset} brings everything back; the mouse's wheel and "
            "drag do too. A label that has no room is left out: zoom in to see it."
        ),
        measures=("latency", "cost"),
        footer={
            "open": "use it",
            "zoom_in": "closer",
            "zoom_out": "further",
            "zoom_reset": "all",
            "measure": "seconds or dollars",
        },
    ),
    "questions": TabSpec(
        "Questions",
        (
            "One line per question, one mark per LLM: ✓ right, ✗ wrong, · no answer found; underlined are the LLMs "
            "that were selected, faint those outside the pool. vote is the winning answer's share of the selected "
            "LLMs' samples. Every wrong answer is exactly one of the first three: "
            + "; ".join(f"{each}: {each.sentence}" for each in Verdict if each not in {Verdict.RIGHT, Verdict.UNKNOWN})
            + '. {search} finds questions by terms that must all hold: a word of the text or id, "two words", ~regex, '
            "3+, 5- and ;b+ (LLM 3 is right, LLM 5 is not, that with the letter b is), vote<60, sub:subject, by:LLM; a "
            "minus before a term, such as -word or -sub:subject, leaves out what it finds; beside each term stands how "
            "many questions it takes; {alike} adds sub: or by: of what the cursor is on. {group} groups the questions "
            "that are listed. {mark} marks a question (⚑), {note} notes a line on it (✎); mark: finds the marked, "
            "note: those with a note, note:word those with the word in it."
        ),
        sorts=(None, "verdict", "right", "vote_share", "subject", "question_id"),
        sorted_by_click=("text",),
        of_llms=True,
        columns=("question_id", "mark", "right", "verdict", "vote_share", "answered_by", "subject", "text", "note"),
        footer={"open": "open", "search": "search", "filters": "filter", "sort": "sort", "group": "group"},
    ),
    "question": TabSpec(
        "Question",
        (
            "What the router believed (p: probability of being right), what each LLM's samples voted for and what the "
            "vote of the selected LLMs (▸) came to; pooled is all their samples in one vote. Ties go to the answer "
            "seen first. {open} on an LLM shows its generations, {side_by_side} those of several LLMs side by side."
        ),
        sorts=(None, "probability", "answer", "right"),
        sorted_by_click=("llm", "bar", "weight", "votes"),
        downwards=frozenset({"probability", "right", "bar"}),
        columns=("llm", "probability", "bar", "weight", "votes", "counts", "answer", "right", "note"),
        footer={
            "open": "generations",
            "side_by_side": "side by side",
            "next": "next",
            "filters": "filter",
            "copy": "copy",
            "ask": "ask your own",
        },
    ),
    "lessons": TabSpec(
        "Lessons",
        (
            "Where the setup loses accuracy, then the study's five questions, answered for this pool and split with "
            "the figures behind each answer; last, which LLMs do better on train than the others: they may have seen "
            "it."
        ),
        footer={"filter_misrouted": "misrouted", "filter_outvoted": "outvoted", "filter_unsolvable": "unsolvable"},
    ),
    "pools": TabSpec(
        "Pools",
        (
            "The best subsets of all LLMs of the run, ranked on validation by their pooled vote; the other figures "
            "are those of the split on the screen: pooled vote, oracle and seconds if all of the subset answer. ★ "
            "marks the Pareto front where they are ranked, ▸ the pool in use. {open} makes the subset under the cursor "
            "the pool; {undo} brings the old one back."
        ),
        sorts=(None, "pooled", "latency", "size"),
        sorted_by_click=("rank", "front", "llms", "validation_pooled", "oracle", "pinned"),
        downwards=frozenset({"pooled", "front", "validation_pooled", "oracle", "pinned"}),
        of_llms=True,
        columns=(
            *("marks", "rank", "front", "llms", "validation_pooled", "pooled", "bar", "oracle", "latency", "size"),
            "pinned",
        ),
        footer={"open": "make it the pool", "sort": "sort"},
    ),
    "recommend": TabSpec(
        "Recommend",
        (
            "What to run within the limits of the sliders ({sliders_less} and {sliders_more} move the one under the "
            "cursor, the right end is no limit), as selectllm recommend says it: chosen on train and validation from "
            "all pools, routers, policies, votes and numbers of samples, whatever is switched on now. ★ is "
            "recommended, ▲ two to take instead, ● the front: what is chosen within ever larger limits. expected is "
            "what each may be expected to do on such questions, the other figures are those of test. {open} makes the "
            "setup under the cursor the one in use, {undo} brings the old one back. {measure} puts the plot in the "
            "place of the words. {back} stops a search that takes long."
        ),
        measures=("words", "plot"),
        sorts=(None, "accuracy", "test_accuracy", "latency"),
        sorted_by_click=("name", "vote", "k", "test_delta", "cost"),
        downwards=frozenset({"accuracy", "test_accuracy", "test_delta"}),
        of_llms=True,
        columns=(
            *("name", "kind", "current", "pool", "vote", "k", "accuracy", "test_accuracy", "test_delta", "latency"),
            "cost",
        ),
        footer={"open": "use it", "measure": "words or plot", "save_setup": "save setup"},
    ),
}
ARRANGED = ("results", "questions", "question", "pools", "recommend")  # the tabs whose columns have a cursor
LISTING = ("questions", "question")  # the tabs that show questions, one or all
