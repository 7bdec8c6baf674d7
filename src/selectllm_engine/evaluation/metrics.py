"""More ways to look at LLMs, routers and selections than accuracy and latency. Q questions, N LLMs of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.evaluation.curves import LAMBDAS
from selectllm_engine.evaluation.outcomes import samples_made
from selectllm_engine.evaluation.statistics import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.outcomes import Outcomes
    from selectllm_engine.evaluation.policies import By
    from selectllm_engine.evaluation.pool_view import PoolView
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection

__all__ = [
    "Quality",
    "TradeOff",
    "by_subject",
    "calibration_error",
    "pass_at_k",
    "quality",
    "regret",
    "selection_entropy",
    "selection_shares",
    "trade_off",
    "value_over_best",
]


def pass_at_k(outcomes: Outcomes) -> NDArray[np.float64] | None:
    """Per LLM the share of questions that at least one of its samples gets right, [N].

    None with labels only, and where sampling stopped before K: the samples that were not made might have been right.
    """
    if outcomes.answers is None or samples_made(outcomes.answers) is not None:
        return None
    return np.asarray((outcomes.answers == outcomes.gold[:, None, None]).any(axis=2).mean(axis=0))


def value_over_best(accuracy: float, best_single: float) -> float | None:
    """V_B, a router's accuracy over best-single's (RouterEval, arXiv 2503.10657); None where that is 0."""
    return accuracy / best_single if best_single else None


def regret(accuracy: float, oracle: float) -> float:
    """How much accuracy the oracle has more."""
    return oracle - accuracy


def selection_shares(selection: Selection) -> NDArray[np.float64]:
    """The share of all answers given that comes from each LLM, [N], adding up to 1."""
    if selection.choice is not None:
        counts = np.bincount(selection.choice, minlength=selection.llms).astype(float)
    else:
        counts = np.asarray(selection.mask if selection.weights is None else selection.weights).sum(axis=0, dtype=float)
    return np.asarray(counts / counts.sum())


def selection_entropy(shares: NDArray[np.float64]) -> float:
    """Shannon entropy of the selection histogram in bits: 0 sends everything to one LLM (RouterEval)."""
    used = shares[shares > 0]
    return max(0.0, -float((used * np.log2(used)).sum()))


@dataclass(frozen=True, slots=True)
class TradeOff:
    """One point of a router's cost-aware curve: at this λ, mean seconds (or dollars) and accuracy."""

    weight: float
    burden: float
    accuracy: float


def trade_off(
    view: PoolView, scores: RouterScores, *, by: By = "latency", weights: Sequence[float] = LAMBDAS
) -> list[TradeOff]:
    """The curve of policy cost-aware over λ, from argmax alone to the fastest (or cheapest) LLM alone.

    Raises:
        NotAvailableError: latency (or cost) is not known for every LLM of the pool, or the router has no figures.
    """
    points = []
    for weight in weights:
        figures = view.figures(view.cost_aware(scores, weight, by))
        burden = figures.cost if by == "cost" else figures.latency
        points.append(TradeOff(weight, float(burden.mean(dtype=np.float64)), float(np.asarray(figures.right).mean())))
    return points


def by_subject(view: PoolView, selection: Selection) -> pl.DataFrame:
    """Accuracy per subject: subject, questions, accuracy with its interval, latency, best_single, oracle.

    Accuracy is null where votes are needed and unknown, its interval also for an expectation.
    """
    figures = view.figures(selection)
    right = None if figures.right is None else figures.right.astype(np.float64)
    accuracy = pl.Series([None] * view.prepared.questions if right is None else right, dtype=pl.Float64)
    frame = pl.DataFrame(
        {
            "subject": view.prepared.outcomes.questions["subject"],
            "accuracy": accuracy,
            "latency": pl.Series(figures.latency.astype(np.float64)).fill_nan(None),
            "best_single": view.best_right.astype(np.float64),
            "oracle": view.solvable.astype(np.float64),
        }
    )
    found = (
        frame.group_by("subject", maintain_order=True)
        .agg(pl.len().alias("questions"), pl.all().exclude("questions").mean())
        .sort("subject", nulls_last=True)
    )
    certain = right is not None and selection.weights is None
    intervals = [
        wilson(round(accuracy * count), count) if certain else (None, None)
        for accuracy, count in found.select("accuracy", "questions").iter_rows()
    ]
    return found.with_columns(
        pl.Series("accuracy_low", [low for low, _ in intervals], dtype=pl.Float64),
        pl.Series("accuracy_high", [high for _, high in intervals], dtype=pl.Float64),
    ).select(
        *("subject", "questions", "accuracy", "accuracy_low", "accuracy_high", "latency", "best_single", "oracle"),
    )


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a router's probabilities fit one LLM's labels (all LLMs': `llm` None, means over the LLMs).

    Attributes:
        auroc: chance that a right answer has a higher probability than a wrong one, ties count half; None where all
            labels are the same.
        brier: mean squared distance of probability and label (0 is best).
        calibration_error: expected distance of probability and share of right answers, over 10 bins of equal mass.
        f1: of "right" predicted at p ≥ 0.5; for all LLMs weighted by their numbers of right answers.
    """

    llm: str | None
    auroc: float | None
    brier: float
    calibration_error: float
    f1: float


def quality(
    probabilities: NDArray[np.floating], labels: NDArray[np.bool_], names: Sequence[str]
) -> tuple[Quality, ...]:
    """The quality for each LLM, then for all; arrays [Q, N], one name per LLM."""
    each = []
    for name, p, label in zip(names, probabilities.T.astype(np.float64), labels.T, strict=True):
        error = calibration_error(p, label)
        each.append(Quality(name, _auroc(p, label), float(np.mean((p - label) ** 2)), error, _f1(p, label)))
    support = labels.sum(axis=0)
    aurocs = [one.auroc for one in each if one.auroc is not None]
    return (
        *each,
        Quality(
            llm=None,
            auroc=float(np.mean(aurocs)) if aurocs else None,
            brier=float(np.mean([one.brier for one in each])),
            calibration_error=float(np.mean([one.calibration_error for one in each])),
            f1=float(np.average([one.f1 for one in each], weights=support)) if support.sum() else 0.0,
        ),
    )


def _auroc(p: NDArray[np.float64], label: NDArray[np.bool_]) -> float | None:
    """Mann and Whitney's U over the number of pairs, from mean ranks."""
    right, wrong = int(label.sum()), int((~label).sum())
    if not right or not wrong:
        return None
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    return float((mean_rank[place][label].sum() - right * (right + 1) / 2) / (right * wrong))


def calibration_error(p: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    """Expected distance of probability and share of right answers, over ten bins of equal mass."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, 10) if len(part)]
    return float(sum(abs(p[part].mean() - label[part].mean()) * len(part) for part in parts) / len(p))


def _f1(p: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    predicted = p >= 0.5
    found = int((predicted & label).sum())
    return 2 * found / (int(predicted.sum()) + int(label.sum())) if found else 0.0
