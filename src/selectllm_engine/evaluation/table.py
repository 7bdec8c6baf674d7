"""The evaluation's result: rows of figures, as data, JSON or a frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from selectllm_engine.errors import MissingExtraError, UnknownNameError
from selectllm_engine.evaluation.notebook import html_table, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from selectllm_engine.evaluation.outcomes import LeftOut

__all__ = ["BADGES", "SCHEMA", "Row", "RowKind", "Saving", "Table", "badged"]

SCHEMA = 2  # of what commands print as JSON objects

# Splits whose figures flatter: p and gap closed mean nothing there.
BADGES = {"train": "routers learned these", "validation": "chosen here"}


def badged(split: str) -> str:
    """The name of a split, with why its figures flatter."""
    return f"{split} ({BADGES[split]})" if split in BADGES else split


RowKind = Literal["baseline", "llm", "router"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The figures of one selection; fractions are within 0 to 1, None is what the data can't give (`note` says why).

    Attributes:
        kind, name, router, policy, parameter: what was evaluated.
        accuracy, accuracy_low, accuracy_high: share of questions answered right and its 95 % Wilson interval.
        latency: mean seconds per question, the selected LLMs' latencies added up; under protocol `paper` what the
            released code prints, a mean over correctly answered questions.
        latency_parallel: the same with the slowest selected LLM's latency: all asked at once.
        latency_correct: `latency` over correctly answered questions only.
        latency_p50, latency_p95: its median and 95 % quantile over the questions; None for an expectation.
        cost: mean dollars per question.
        llms_per_question: mean number of selected LLMs.
        samples_per_question: mean number of samples that vote.
        gap_closed: None on splits of `BADGES`, else (accuracy − best-single's) / (oracle's − best-single's).
        p_vs_best_single: exact two-sided McNemar p against best-single on the same questions, not adjusted; None on
            splits of `BADGES`.
        reference: the row that the next ones compare this one with, on the same questions.
        delta: accuracy − the reference's.
        delta_low, delta_high: its 95 % interval by question: for more questions of these kinds (Newcombe 1998).
        delta_low_clustered, delta_high_clustered, p_clustered: the interval and p by subject: for other kinds of
            questions (Miller 2024); None under 5 subjects.
        discordant: share of questions on which exactly one of this row and the reference is right.
        p: exact two-sided McNemar p against the reference, not adjusted; None where the row is the reference. On splits
            of `BADGES` it and the intervals are there between LLMs only, which learn from neither.
        vote: how samples of several LLMs became one answer: "equal", "learned" or a file's name; None where one LLM
            answers.
        p_adjusted: the same by Holm over all rows of the table that one can run; None where this one takes no part.
        unsolvable, misrouted, outvoted: share of questions answered wrong because no LLM of the pool is right,
            because one is but none selected, because a selected one is but the pooled vote is not.
        rescued: share of questions on which the pooled vote is right though no LLM of the pool is.
        notes: what to know about the figures, or why they are missing.
    """

    kind: RowKind
    name: str
    router: str | None = None
    policy: str | None = None
    parameter: float | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    latency: float | None = None
    latency_parallel: float | None = None
    latency_correct: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    cost: float | None = None
    llms_per_question: float | None = None
    samples_per_question: float | None = None
    gap_closed: float | None = None
    p_vs_best_single: float | None = None
    reference: str | None = None
    delta: float | None = None
    delta_low: float | None = None
    delta_high: float | None = None
    delta_low_clustered: float | None = None
    delta_high_clustered: float | None = None
    p_clustered: float | None = None
    discordant: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    unsolvable: float | None = None
    misrouted: float | None = None
    outvoted: float | None = None
    rescued: float | None = None
    vote: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def note(self) -> str | None:
        """All notes as one text, None without any: what machine formats have."""
        return "; ".join(self.notes) or None

    @property
    def reachable(self) -> bool:
        """Whether one can run it: bounds and random are only there to compare with."""
        return self.kind != "baseline" or not (
            self.name in ("oracle", "random", "repeatable") or self.name.endswith(" upper-bound")
        )

    @property
    def policy_text(self) -> str:
        """The policy as commands take it, for example "threshold:0.6"; empty without one."""
        return (self.policy or "") + ("" if self.parameter is None else f":{self.parameter:g}")

    def __repr__(self) -> str:
        seconds = "" if self.latency is None else f", {self.latency:.2f} s"
        return f"<Row {self.name!r}: {percent(self.accuracy)} %{seconds}>"

    def as_dict(self) -> dict[str, Any]:
        """The row as the JSON object `evaluate --format json` prints."""
        return {**{name: getattr(self, name) for name in _FIGURES}, "note": self.note}


_COMPARISON = ("reference", "detectable_difference", "repeatable_share", "subjects", "router_charged")
_FIGURES = tuple(field.name for field in fields(Row) if field.name != "notes")
_COLUMNS: dict[str, Any] = {
    name: pl.String if name in ("kind", "name", "router", "policy", "reference", "vote", "note") else pl.Float64
    for name in (*_FIGURES, "note")
}


@dataclass(frozen=True, slots=True)
class Saving:
    """The fastest row that is as accurate as best-single on validation (the cheapest, where seconds are unknown).

    "As accurate": the lower end of the one-sided 95 % interval of the difference is above −1 point.

    Attributes:
        row: its name.
        latency, cost: 1 − its seconds, or dollars, over best-single's, on the evaluated split; None where unknown.
        as_accurate: whether it is as accurate on the evaluated split, too.
    """

    row: str
    latency: float | None
    cost: float | None
    as_accurate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows of one evaluation.

    Attributes:
        benchmark, split, protocol: what was evaluated, and by whose arithmetic ("corrected" or "paper").
        questions: questions that the figures are over; `left_out` are incomplete, for the reasons of `incomplete`.
        samples, k: samples there are, and samples used; 0 where only labels are known.
        pool: names of the LLMs switched on.
        vote: how samples of several LLMs become one answer: "equal", "learned" or a file's name.
        best_single: the LLM that the row best-single is.
        reference: the row that the others are compared with.
        detectable_difference: the smallest difference that this many questions can show, from the median share of
            discordant questions among the rows that one can run; None where they can show none.
        repeatable_share: how much of the oracle's lead over the best LLM, at one sample each, an oracle keeps that
            knows the other samples only, a lower bound of what is there to win; None with one LLM or sample, or labels
            only.
        saving: what the same accuracy costs less, by a row that validation chose; None where it knows none.
        router_charged: whether latencies of routers' rows hold the router's own time.
        subjects: how many kinds of questions there are; None where no question has a subject.
        compared: over how many rows the p values are Holm-adjusted; 0 where they are not adjusted.
        answers_missing: per LLM of the pool the share of its samples without an answer; without those that have no
            texts.
    """

    benchmark: str
    split: str
    protocol: str
    questions: int
    left_out: int
    samples: int
    k: int
    pool: tuple[str, ...]
    rows: tuple[Row, ...]
    best_single: str
    vote: str = "equal"
    reference: str = "best-single"
    detectable_difference: float | None = None
    repeatable_share: float | None = None
    saving: Saving | None = None
    router_charged: bool = False
    subjects: int | None = None
    compared: int = 0
    incomplete: tuple[LeftOut, ...] = ()
    answers_missing: dict[str, float] = field(default_factory=dict)

    def row(self, name: str) -> Row:
        """The (first) row of that name; raises UnknownNameError."""
        for row in self.rows:
            if row.name == name:
                return row
        raise UnknownNameError("row", name, [row.name for row in self.rows])

    def __getitem__(self, name: str) -> Row:
        return self.row(name)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def badge(self) -> str | None:
        """Why figures of this split flatter; None where they don't."""
        return BADGES.get(self.split)

    @property
    def title(self) -> str:
        """What the table is about, in a line."""
        of = f" of {self.samples} samples" if self.k < self.samples else ""
        votes = f"maj@{self.k}{of}" if self.k else "labels only"
        paper = ["protocol paper"] if self.protocol == "paper" else []
        pool = f"pool of {len(self.pool)}: {', '.join(self.pool)}"
        shows = self.detectable_difference
        enough = "" if shows is None else f", enough for differences of {100 * shows:.1f} points"
        return " · ".join(
            [self.benchmark, badged(self.split), f"{self.questions:,} questions{enough}", votes, pool, *paper]
        )

    def __repr__(self) -> str:
        return f"<Table of {self.benchmark} · {self.split}: {len(self.rows)} rows, {self.questions:,} questions>"

    def to_dict(self) -> dict[str, Any]:
        """The object that `evaluate --format json` prints."""
        shown = ("benchmark", "split", "protocol", "questions", "left_out", "samples", "k", "vote")
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in shown},
            "pool": list(self.pool),
            "badge": self.badge,
            **{name: getattr(self, name) for name in _COMPARISON},
            "saving": None if self.saving is None else asdict(self.saving),
            "answers_missing": dict(self.answers_missing),
            "rows": [row.as_dict() for row in self.rows],
        }

    def to_frame(self) -> pl.DataFrame:
        """One row per Row, one column per field."""
        return pl.DataFrame([row.as_dict() for row in self.rows], schema=_COLUMNS)

    def to_pandas(self) -> pd.DataFrame:
        """The same for pandas; raises MissingExtraError where that is not installed."""
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtraError("a table for pandas", "pandas") from None
        return pd.DataFrame({column.name: column.to_numpy() for column in self.to_frame()})

    def _repr_html_(self) -> str:
        """How a notebook shows it: the main figures, by kind of row."""
        priced, p = any(row.cost is not None for row in self.rows), "Holm p" if self.compared else "raw p"
        heads = ["", "accuracy %", "Δ", "95 % interval of Δ", "latency s", *(["cost $"] if priced else [])]
        heads += ["gap closed %", p, ""]
        sections = ([row for row in self.rows if row.kind == kind] for kind in ("baseline", "llm", "router"))
        return html_table(self.title, heads, ([self._cells(row, priced=priced) for row in rows] for rows in sections))

    def _cells(self, row: Row, *, priced: bool) -> list[str | None]:
        value = "" if row.parameter is None else f":{row.parameter:g}"
        ends = None if row.delta_low is None else f"{percent(row.delta_low)} – {percent(row.delta_high)}"
        p = row.p_adjusted if self.compared else row.p
        return [
            row.name + value,
            percent(row.accuracy),
            percent(row.delta),
            ends,
            None if row.latency is None else f"{row.latency:.2f}",
            *([None if row.cost is None else f"{row.cost:.5f}"] if priced else []),
            percent(row.gap_closed),
            None if p is None else "< .001" if p < 0.001 else f"{p:.3f}",
            row.note or "",
        ]
