"""What a figure shows, from a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.api import Run
    from selectllm_engine.evaluation import PoolView, RouterScores, Row, Table

__all__ = ["MATRIX", "TRADE_OFF", "matrix", "trade_off"]

_BOUNDS = {"oracle", "random"}  # nobody can choose to run these
TRADE_OFF = {"latency": "seconds per question, one prompt at a time", "cost": "dollars per question"}
# measure -> the row's field, its factor, decimals, and the name of the scale
MATRIX = {
    "accuracy": ("accuracy", 100, 1, "accuracy, %"),
    "latency": ("latency", 1, 2, TRADE_OFF["latency"]),
    "cost": ("cost", 1, 5, TRADE_OFF["cost"]),
    "gap": ("gap_closed", 100, 0, "gap to the oracle closed, %"),
}


def trade_off(
    run: Run,
    *,
    pool: Sequence[str] | None,
    routers: Sequence[str] | None,
    policies: Sequence[str] | None,
    by: str,
    k: int | None,
    split: str,
) -> bytes:
    """LLMs, baselines, routers, their cost-aware curves and the Pareto front, as SVG.

    Without `routers` the one that is best on validation; without `policies` all for one router, argmax for several.

    Raises:
        UnknownNameError: an unknown LLM, router, policy or split.
        UsageError: latency or cost is known of nothing.
        MissingExtraError: matplotlib is not installed.
    """
    from selectllm_engine.evaluation import pareto_front
    from selectllm_tui.cli.evaluate import title
    from selectllm_tui.svg_figures import Curve, Mark, draw_scatter

    view = run.view(pool, k=k, split=split)
    names = _best(run, view, split) if routers is None else list(routers)
    table = run.evaluate(pool, names, policies, k=k, split=split, every=policies is None and len(names) == 1)
    marks, reachable = [], []
    for row in table.rows:
        burden = getattr(row, by)
        if burden is None or row.accuracy is None or row.name.endswith(" upper-bound"):
            continue
        marks.append(Mark(_label(row, table), row.router or _group(row), burden, row.accuracy))
        if row.name not in _BOUNDS:
            reachable.append((burden, row.accuracy))
    if not marks:
        other = next((each for each in TRADE_OFF if any(getattr(row, each) is not None for row in table.rows)), None)
        remedy = f"take --by {other}" if other else "there is --kind matrix"
        raise UsageError(f"no {by} is known of these LLMs", remedy)
    curves = [
        Curve(name, points) for name in names if (points := _curve(view, run.scores(name, split, forest=False), by))
    ]
    reachable += [point for curve in curves for point in curve.points]
    curves.append(Curve("", tuple(reachable[at] for at in pareto_front(reachable))))
    return draw_scatter(marks, curves, title=title(table), across=TRADE_OFF[by])


def _best(run: Run, view: PoolView, split: str) -> list[str]:
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
    parameter = "" if row.parameter is None else f":{row.parameter:g}"
    return f"{row.router} {row.policy}{parameter}" if several else f"{row.policy}{parameter}"


def _curve(view: PoolView, scores: RouterScores, by: str) -> tuple[tuple[float, float], ...]:
    from selectllm_engine.errors import NotAvailableError
    from selectllm_engine.evaluation import trade_off as cost_aware

    try:
        points = cost_aware(view, scores, by="cost" if by == "cost" else "latency")
    except NotAvailableError:
        return ()
    return tuple(sorted({(point.burden, point.accuracy) for point in points}))


def matrix(
    run: Run,
    *,
    pool: Sequence[str] | None,
    routers: Sequence[str] | None,
    policies: Sequence[str] | None,
    by: str,
    k: int | None,
    split: str,
) -> bytes:
    """Every router with every policy (or those named) as a heat map, as SVG; raises as `trade_off`."""
    from selectllm_tui.cli.evaluate import title
    from selectllm_tui.svg_figures import Heat, draw_heat

    table = run.evaluate(pool, routers, policies, k=k, split=split, every=policies is None)
    field, factor, digits, scale = MATRIX[by]
    rows = [row for row in table.rows if row.kind == "router"]
    if not rows:
        raise UsageError(f"{run.benchmark} has no router", "train some: selectllm train --all")
    names = dict.fromkeys(str(row.router) for row in rows)
    columns = dict.fromkeys(_policy(row) for row in rows)
    found = {(row.router, _policy(row)): getattr(row, field) for row in rows}
    if not any(value is not None for value in found.values()):
        raise UsageError(f"no {by} is known of these LLMs", "take --by accuracy")
    values = tuple(
        tuple(None if (value := found[name, column]) is None else factor * value for column in columns)
        for name in names
    )
    shown = tuple(tuple(MISSING if each is None else f"{each:.{digits}f}" for each in row) for row in values)
    best, oracle = getattr(table.row("best-single"), field), getattr(table.row("oracle"), field)
    compared = " · ".join(
        f"{name} {factor * value:.{digits}f}"
        for name, value in ((f"best-single ({table.best_single})", best), ("oracle", oracle))
        if value is not None
    )
    return draw_heat(
        Heat(tuple(names), tuple(columns), values, shown), title=f"{title(table)}\n{compared}", scale=scale
    )


def _policy(row: Row) -> str:
    return f"{row.policy}" if row.parameter is None else f"{row.policy}:{row.parameter:g}"
