"""What a table has no room for: more figures of its rows, of its LLMs and routers, and accuracy by subject.

Corrected arithmetic only: protocol `paper` has none of these figures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.curves import aiq
from selectllm_engine.evaluation.metrics import (
    Quality,
    by_subject,
    calibration_error,
    pass_at_k,
    quality,
    regret,
    selection_entropy,
    selection_shares,
    trade_off,
    value_over_best,
)
from selectllm_engine.evaluation.outcomes import unanswered_of
from selectllm_engine.evaluation.tabulation import plan, tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.policies import By, PolicySpec
    from selectllm_engine.evaluation.pool_view import PoolView
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection
    from selectllm_engine.evaluation.statistics import Interval
    from selectllm_engine.evaluation.table import Row, Table

__all__ = ["Details", "LLMDetails", "RouterDetails", "RowDetails", "SubjectDetails", "detail", "row_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDetails:
    """More figures of one row; None where the data can't give them.

    Attributes:
        v_b: accuracy over best-single's.
        regret: the oracle's accuracy − this one's.
        selection_entropy: of the histogram, in bits.
        selection_histogram: per LLM of the pool its share of the answers given; adds up to 1.
        vote_calibration_error: expected distance of the chance that a learned vote gives its answers and the share that
            is right; None without such a vote.
        latency_interval, gap_closed_interval: 95 % bootstrap intervals; every row's over the same resampled questions.
    """

    v_b: float | None = None
    regret: float | None = None
    selection_entropy: float | None = None
    selection_histogram: dict[str, float] | None = None
    vote_calibration_error: float | None = None
    latency_interval: Interval | None = None
    gap_closed_interval: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMDetails:
    """More figures of one LLM; None where the data can't give them.

    Attributes:
        maj_at_k, pass_at_k: share of questions whose vote is right, and that at least one sample gets right; None
            where only labels are known.
        train_accuracy, test_accuracy: on the train split, and on the evaluated one.
        gap, gap_p, alarm: see `contamination.Gap`.
        missing, empty, cut: shares of the samples without an answer, without any text, and cut off; None where there
            are no texts, or nobody said why they ended.
        warning: what of this explains a low accuracy; None where nothing does.
    """

    maj_at_k: float | None
    pass_at_k: float | None
    train_accuracy: float | None
    test_accuracy: float
    gap: float | None
    gap_p: float | None
    alarm: bool | None
    missing: float | None = None
    empty: float | None = None
    cut: float | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterDetails:
    """How good a router's probabilities are; None where the data can't say, the reason in `note`.

    Attributes:
        aiq: of its cost-aware curve, between the pool's fastest and slowest (cheapest and dearest) LLM's mean.
        aiq_by: "latency", or "cost" where not all latencies are known.
        seconds_per_question: the router's own time.
        quality: per LLM of the pool that it was trained with.
        overall: of all those LLMs: means, F1 weighted by their numbers of right answers.
        note: why figures are missing.
    """

    aiq: float | None = None
    aiq_by: str | None = None
    seconds_per_question: float | None = None
    quality: tuple[Quality, ...] = ()
    overall: Quality | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectDetails:
    """How many questions a subject has, and each row's accuracy on them, None where the data can't give it."""

    questions: int
    accuracy: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A table and what it has no room for.

    Attributes:
        table: whose details these are.
        rows: by the row's name; see `row_names` for names that several rows have.
        llms: by name, in the pool's order.
        routers: by name.
        subjects: by name; "" for questions without one. Empty where no question has a subject.
    """

    table: Table
    rows: dict[str, RowDetails]
    llms: dict[str, LLMDetails]
    routers: dict[str, RouterDetails]
    subjects: dict[str, SubjectDetails]

    def __repr__(self) -> str:
        return f"<Details of {self.table!r}>"

    def to_dict(self) -> dict[str, Any]:
        """What `evaluate --details --format json` adds: the object `details`."""
        return {
            "rows": {name: asdict(each) for name, each in self.rows.items()},
            "llms": {name: asdict(each) for name, each in self.llms.items()},
            "routers": {
                name: asdict(each)
                | {
                    "quality": {str(one.llm): _figures(one, "f1") for one in each.quality},
                    "overall": None if each.overall is None else _figures(each.overall, "weighted_f1"),
                }
                for name, each in self.routers.items()
            },
            "subjects": {name: asdict(each) for name, each in self.subjects.items()},
        }


def _figures(one: Quality, f1: str) -> dict[str, float | None]:
    return {"auroc": one.auroc, "brier": one.brier, "calibration_error": one.calibration_error, f1: one.f1}


def detail(
    view: PoolView, routers: Sequence[RouterScores], policies: Sequence[PolicySpec], *, charge_router: bool = False
) -> Details:
    """The table of a pool with its details.

    Args:
        view: a pool over the evaluated split, under protocol `corrected`.
        routers: their scores for its questions.
        policies: each is applied to each router.
        charge_router: add routers' own time to the table's latencies.
    """
    table = tabulate(view, routers, policies, charge_router=charge_router)
    rows: dict[str, RowDetails] = {}
    subjects: dict[str, pl.DataFrame] = {}
    planned = plan(view, routers, policies)
    for name, row, selection in zip(
        row_names(table.rows), table.rows, (each.selection for each in planned), strict=True
    ):
        rows[name] = RowDetails() if selection is None else _row(view, row, selection)
        if selection is not None:
            subjects[name] = by_subject(view, selection)
    return Details(
        table=table,
        rows=rows,
        llms=_llms(view),
        routers={scores.name: _router(view, scores) for scores in routers},
        subjects=_subjects(rows, subjects),
    )


def row_names(rows: Iterable[Row]) -> list[str]:
    """A name of its own for each row: where several share one, the parameter follows, and else a number."""
    rows = list(rows)
    shared = Counter(row.name for row in rows)
    names: dict[str, None] = {}
    for row in rows:
        name = f"{row.name}:{row.parameter:g}" if shared[row.name] > 1 and row.parameter is not None else row.name
        numbered = (f"{name} #{number}" for number in count(2))
        names[name if name not in names else next(each for each in numbered if each not in names)] = None
    return list(names)


def _row(view: PoolView, row: Row, selection: Selection) -> RowDetails:
    shares = selection_shares(selection)
    intervals = view.intervals(selection)
    return RowDetails(
        v_b=None if row.accuracy is None else value_over_best(row.accuracy, float(view.best_right.mean())),
        regret=None if row.accuracy is None else regret(row.accuracy, view.oracle_accuracy),
        selection_entropy=selection_entropy(shares),
        selection_histogram={name: float(shares[view.pool.run.index(name)]) for name in view.pool},
        vote_calibration_error=_vote_error(view, selection),
        latency_interval=intervals.latency,
        gap_closed_interval=intervals.gap_closed,
    )


def _vote_error(view: PoolView, selection: Selection) -> float | None:
    right = view.figures(selection).right
    if selection.confidence is None or right is None:
        return None
    return calibration_error(selection.confidence, right.astype(bool))


def _llms(view: PoolView) -> dict[str, LLMDetails]:
    outcomes = view.prepared.outcomes
    accuracy, any_right = view.prepared.labels.mean(axis=0), pass_at_k(outcomes)
    gaps = {gap.llm: gap for gap in view.gaps}
    unanswered = unanswered_of(outcomes)

    def of(name: str) -> LLMDetails:
        llm, gap = outcomes.llms.index(name), gaps.get(name)
        silent = unanswered.get(name)
        recorded = llm < len(outcomes.recorded) and outcomes.recorded[llm]
        return LLMDetails(
            maj_at_k=None if outcomes.answers is None else float(accuracy[llm]),
            pass_at_k=None if any_right is None else float(any_right[llm]),
            train_accuracy=gap.train if gap else None,
            test_accuracy=float(accuracy[llm]),
            gap=gap.gap if gap else None,
            gap_p=gap.p if gap else None,
            alarm=gap.alarm if gap else None,
            missing=silent.share if silent else None,
            empty=silent.empty / max(silent.samples, 1) if silent else None,
            cut=silent.cut / max(silent.samples, 1) if silent and silent.cut is not None else None,
            warning=silent.explains(float(accuracy[llm]), recorded=recorded) if silent else None,
        )

    return {name: of(name) for name in view.pool}


def _router(view: PoolView, scores: RouterScores) -> RouterDetails:
    seconds = scores.seconds_per_question
    names = [name for name in view.pool if name not in scores.missing]
    if scores.note is not None or not names:
        return RouterDetails(
            seconds_per_question=seconds, note=scores.note or f"{scores.name} knows none of these LLMs"
        )
    known = [view.pool.run.index(name) for name in names]
    *each, overall = quality(scores.probabilities[:, known], view.prepared.labels[:, known], names)
    found = by = note = None
    try:
        found, by = _aiq(view, scores)
    except NotAvailableError as reason:
        note = str(reason)
    return RouterDetails(
        aiq=found, aiq_by=by, seconds_per_question=seconds, quality=tuple(each), overall=overall, note=note
    )


def _aiq(view: PoolView, scores: RouterScores) -> tuple[float, str]:
    """A router's AIQ, and whether by latency or cost; raises NotAvailableError."""
    prepared = view.prepared
    burdens: dict[By, tuple[NDArray[np.float32], NDArray[np.float64]]] = {
        "latency": (prepared.latency, prepared.mean_latency),
        "cost": (prepared.cost, prepared.mean_cost),
    }
    for by, (values, means) in burdens.items():
        if np.isnan(values[:, view.order]).any():
            continue
        points = [(point.burden, point.accuracy) for point in trade_off(view, scores, by=by)]
        found = aiq(points, float(means[view.order].min()), float(means[view.order].max()))
        if found is None:
            raise NotAvailableError(f"AIQ needs LLMs that differ in {by}")
        return found, by
    raise NotAvailableError("AIQ needs the latency or cost of every answer")


def _subjects(names: Iterable[str], frames: dict[str, pl.DataFrame]) -> dict[str, SubjectDetails]:
    """From each row's accuracies per subject to each subject's accuracies per row."""
    first = next(iter(frames.values()))
    if first["subject"].null_count() == first.height:
        return {}
    columns = {name: frames[name]["accuracy"].to_list() if name in frames else None for name in names}
    return {
        subject or "": SubjectDetails(
            questions=questions,
            accuracy={name: None if column is None else column[at] for name, column in columns.items()},
        )
        for at, (subject, questions) in enumerate(first.select("subject", "questions").iter_rows())
    }
