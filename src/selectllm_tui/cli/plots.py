"""What a plot shows, from a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError
from selectllm_tui.notation import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.api import Run
    from selectllm_engine.evaluation import By, PoolView, Router, Row, Table, VoteRule

__all__ = ["MATRIX", "TRADE_OFF", "matrix", "trade_off"]

TRADE_OFF = {"latency": "seconds per question, one prompt at a time", "cost": "dollars per question"}
VALUED = "cascade-value"
ALONG = {False: "cost-aware over λ", True: f"{VALUED} over the price of waiting"}
# measure -> its factor, decimals, and the name of the scale
MATRIX = {
    "accuracy": (100, 1, "accuracy, %"),
    "latency": (1, 2, TRADE_OFF["latency"]),
    "cost": (1, 5, TRADE_OFF["cost"]),
    "gap": (100, 0, "gap to the oracle closed, %"),
}


def trade_off(
    run: Run,
    *,
    pool: Sequence[str] | None,
    routers: Sequence[Router] | None,
    policies: Sequence[str] | None,
    by: str,
    k: int | None,
    split: str,
    vote: VoteRule,
) -> bytes:
    """LLMs, baselines, routers, their cost-aware curves and the Pareto front, as SVG.

    Without `routers` the one that is best on validation; without `policies` all for one router, argmax for several.

    Raises:
        UnknownNameError: an unknown LLM, router, policy or split.
        UsageError: latency or cost is known of nothing.
        MissingExtraError: matplotlib is not installed.
    """
    from selectllm_engine.insights import cascade_value_curve, cost_aware_curve, trade_off_plot
    from selectllm_tui.svg_plots import Curve, PlotMark, draw_scatter

    view = run.view(pool, k=k, split=split, vote=vote)
    drawn = _best(run, view, split) if routers is None else list(routers)
    scored = [run.scored(each, split, forest=False) for each in drawn]
    every = policies is None and len(drawn) == 1
    table = run.evaluate(pool, drawn, policies, k=k, split=split, all_policies=every, vote=vote)
    measure: By = "cost" if by == "cost" else "latency"
    curves = {each.name: [*cost_aware_curve(view, each, measure)] for each in scored}
    valued = {each.name: cascade_value_curve(view, each, measure) for each in scored}
    curves |= {f"{name} {VALUED}": curve for name, curve in valued.items()}
    rows = [row for row in table.rows if not row.name.endswith(" upper-bound")]
    figure = trade_off_plot(rows, curves, measure)
    if not figure.points:
        other = next((each for each in TRADE_OFF if any(getattr(row, each) is not None for row in table.rows)), None)
        remedy = f"take --by {other}" if other else "there is --kind matrix"
        raise UsageError(f"no {by} is known of these LLMs", remedy)
    marks = [
        PlotMark(_label(row, table), row.router or _group(row), point.burden, point.accuracy)
        for point, row in ((point, point.row) for point in figure.points)
        if row is not None
    ]
    lines = [
        Curve(name.removesuffix(f" {VALUED}"), points, ALONG[name.endswith(f" {VALUED}")])
        for name, points in figure.curves.items()
        if points
    ]
    lines.append(Curve("", tuple((point.burden, point.accuracy) for point in figure.front)))
    return draw_scatter(marks, lines, title=table.title, across=TRADE_OFF[by])


def _best(run: Run, view: PoolView, split: str) -> list[Router]:
    from selectllm_engine.insights import best_router

    best = best_router(view, [scores for name in run.routers if not (scores := run.scores(name, split)).note])
    return [] if best is None else [best.name]


def _group(row: Row) -> str:
    return "LLM" if row.kind == "llm" else "baseline"


def _label(row: Row, table: Table) -> str:
    """For a router's row the policy, and the router where there are several."""
    several = len({each.router for each in table.rows if each.router}) > 1
    if row.kind != "router" or row.policy is None:
        return row.name
    return f"{row.router} {row.policy_text}" if several else row.policy_text


def matrix(
    run: Run,
    *,
    pool: Sequence[str] | None,
    routers: Sequence[Router] | None,
    policies: Sequence[str] | None,
    by: str,
    k: int | None,
    split: str,
    vote: VoteRule,
) -> bytes:
    """Every router with every policy (or those named) as a heat map, as SVG; raises as `trade_off`."""
    from selectllm_engine.insights import MEASURES, RouterMatrix
    from selectllm_tui.svg_plots import Heat, draw_heat

    table = run.evaluate(pool, routers, policies, k=k, split=split, all_policies=policies is None, vote=vote)
    factor, digits, scale = MATRIX[by]
    found = RouterMatrix.of(table.rows)
    if not found.rows:
        raise UsageError(f"{run.benchmark} has no router", "train some: selectllm train --all")
    known = found.values(by)
    if not known:
        raise UsageError(f"no {by} is known of these LLMs", "take --by accuracy")
    values = tuple(
        tuple(None if (value := known.get((name, policy))) is None else factor * value for policy in found.policies)
        for name in found.routers
    )
    shown = tuple(tuple(MISSING if each is None else f"{each:.{digits}f}" for each in row) for row in values)
    best, oracle = (getattr(table.row(name), MEASURES[by]) for name in ("best-single", "oracle"))
    compared = " · ".join(
        f"{name} {factor * value:.{digits}f}"
        for name, value in ((f"best-single ({table.best_single})", best), ("oracle", oracle))
        if value is not None
    )
    return draw_heat(
        Heat(found.routers, found.policies, values, shown), title=f"{table.title}\n{compared}", scale=scale
    )
