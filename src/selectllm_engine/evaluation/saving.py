"""What the same accuracy costs less: the cheapest row that is as accurate as best-single, chosen on validation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.comparison import two_by_two
from selectllm_engine.evaluation.policies import POLICIES
from selectllm_engine.evaluation.statistics import as_accurate
from selectllm_engine.evaluation.table import Saving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.figures import Figures, Floats
    from selectllm_engine.evaluation.policies import PolicySpec
    from selectllm_engine.evaluation.pool_arrays import PoolArrays
    from selectllm_engine.evaluation.pool_view import PoolView
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection

__all__ = ["find_saving", "own_time"]


class _Candidate(NamedTuple):
    """A row's name, its figures on validation, its selection on the evaluated split once wanted; seconds to add."""

    name: str
    there: Figures
    here: Callable[[], Selection]
    seconds: float


def own_time(scores: RouterScores, spec: PolicySpec) -> float | None:
    """The seconds that a policy waits for the router; None where they are not known."""
    info = None if spec.function is not None else POLICIES[spec.name]
    return 0.0 if info is not None and not info.asks_router else scores.seconds_per_question


def find_saving(
    view: PoolView, routers: Sequence[RouterScores], policies: Sequence[PolicySpec], *, charge_router: bool = False
) -> Saving | None:
    """The saving; None where validation knows no row that is as accurate and faster, or is what is evaluated.

    Args:
        view: the pool over the evaluated split.
        routers: of the rows to choose among, beside the pool's LLMs.
        policies: the same.
        charge_router: count the router's own time.
    """
    tuning = view.on_validation
    if tuning is None or view.prepared.outcomes.split in ("train", "validation"):
        return None
    single = tuning.figures(tuning.one(tuning.best_single))
    timed = not np.isnan(single.latency).any()

    def burden(figures: Figures, seconds: float = 0.0) -> float:
        return float((figures.latency if timed else figures.cost).mean(dtype=np.float64)) + timed * seconds

    found = [
        (burden(each.there, each.seconds), each)
        for each in _candidates(view, tuning, routers, policies, charge_router=charge_router)
        if _as_accurate(each.there, tuning.best_right)
    ]
    cheaper = [pair for pair in found if pair[0] < burden(single)]
    if not cheaper:
        return None
    best = min(cheaper, key=lambda pair: pair[0])[1]
    here, against = view.figures(best.here()), view.figures(view.one(view.best_single))
    return Saving(
        row=best.name,
        latency=_saved(here.latency, against.latency, best.seconds),
        cost=_saved(here.cost, against.cost),
        as_accurate=_as_accurate(here, view.best_right),
    )


def _candidates(
    view: PoolView,
    tuning: PoolArrays,
    routers: Sequence[RouterScores],
    policies: Sequence[PolicySpec],
    *,
    charge_router: bool,
) -> Iterator[_Candidate]:
    for llm in view.order.tolist():
        if llm != view.best_single:
            yield _Candidate(view.pool.run[llm], tuning.figures(tuning.one(llm)), partial(view.one, llm), 0.0)
    for scores in routers:
        for spec in policies:
            seconds = (own_time(scores, spec) if charge_router else 0.0) or 0.0
            try:
                view.check(scores)
                tuned = view.tune(scores, spec)
                if scores.validation is None or _stays(view, scores, tuned):
                    continue
                there = tuning.figures(tuning.policy(scores.on_validation(), tuned))
            except NotAvailableError:
                continue
            yield _Candidate(f"{scores.name} {spec.name}", there, partial(view.policy, scores, tuned), seconds)


def _stays(view: PoolView, scores: RouterScores, spec: PolicySpec) -> bool:
    """Whether a policy gives all questions to best-single, so that it saves nothing: it needn't be learned again."""
    if spec.function is not None or not POLICIES[spec.name].stays:
        return False
    choice = view.policy(scores, spec).choice
    return choice is not None and bool((np.asarray(choice) == view.best_single).all())


def _as_accurate(figures: Figures, single: NDArray[np.bool_]) -> bool:
    right = figures.right
    return right is not None and right.dtype == np.bool_ and as_accurate(*two_by_two(right, single))  # type: ignore[arg-type]


def _saved(values: Floats, single: Floats, more: float = 0.0) -> float | None:
    mean, of = float(values.mean(dtype=np.float64)) + more, float(single.mean(dtype=np.float64))
    return None if np.isnan(mean) or np.isnan(of) or of == 0 else 1 - mean / of
