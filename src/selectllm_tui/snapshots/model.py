"""The loaded run, and what is worth keeping between two keys."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, TypeVar

from selectllm_engine.errors import DamagedError, NotAvailableError, SelectLLMError
from selectllm_engine.evaluation import (
    POLICIES,
    PolicySpec,
    RouterScores,
    Selection,
    compared_with,
    parse_policy,
    planned_row,
)
from selectllm_engine.evaluation.comparison import Reference
from selectllm_engine.store import MARKS, as_vote_rule, variant_of
from selectllm_tui.limits import Stops, round_numbers
from selectllm_tui.row_keys import BOUND
from selectllm_tui.shown_setup import BEST_SINGLE, ShownSetup, Slider, Space
from selectllm_tui.snapshots.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Hashable

    from selectllm_engine.api import Run
    from selectllm_engine.evaluation import PoolView, Prepared, Row, Verdicts
    from selectllm_engine.evaluation.figures import Right
    from selectllm_engine.setups import Recommender
    from selectllm_engine.store import Mark
    from selectllm_tui.cache_activity import Contents
    from selectllm_tui.row_keys import RowKey

__all__ = ["Model", "Tick"]

T = TypeVar("T")
Tick = Callable[[int, int], None]  # told (done, total) of long work; raises where nobody waits for it any more
PACE = 0.04  # seconds between two looks at rows that are still being computed
UNTOLD = 0.5  # seconds for which nobody wants to know how far a search is
KEPT = {"votes": 2, "view": 8, "row": 4000, "judged": 2, "tab": 24}  # how many of each kind are kept


class Model:
    """A run behind the explorer. Safe to use from several threads.

    Attributes:
        run: the engine's facade.
        space: what there is to choose from.
        seen: the files that the run was read from; None where nobody looks for new ones.
        recorded: whether it is the run that comes with the package.
        recommending: held by whoever asks the recommender, which answers one at a time.
        pace: seconds between two looks at rows that are still being computed.
        untold: seconds of a search before it says how far it is.

    Raises:
        UsageError: there is no question that all LLMs have answered.
    """

    def __init__(self, run: Run, seen: Contents | None = None, *, pace: float = PACE, untold: float = UNTOLD) -> None:
        self.run = run
        self.pace = pace
        self.untold = untold
        self.seen = seen
        self.recorded = run.cache.is_packaged(run.benchmark)
        self._lock = RLock()
        self.recommending = Lock()
        self._recommender: Recommender | None = None
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {kind: OrderedDict() for kind in KEPT}
        start, splits = "test" if "test" in run.splits else run.splits[-1], tuple(run.splits)
        if not len(run.outcomes(start).labels):  # a run that was just begun: show what is complete
            splits = tuple(split for split in splits if len(run.outcomes(split).labels))
            start = splits[-1] if splits else start
        outcomes = run.outcomes(start)
        self.space = Space(
            benchmark=run.benchmark,
            llms=run.llms,
            routers=tuple(run.routers),
            policies=sliders(len(run.llms)),
            samples=outcomes.samples,
            splits=splits,
            no_learned_vote=self._no_learned_vote(),
            stops=_stops(run.prepared(start, None), len(run.llms)),
        )
        self.prepared(start, outcomes.samples)  # raises where there is no complete question at all
        self._left_out = outcomes.left_out_total
        self.marks = self._marks()

    def _no_learned_vote(self) -> str:
        try:
            self.run.learner().of().check()
        except NotAvailableError as reason:
            return str(reason)
        return ""

    def _marks(self) -> dict[str, Mark]:
        try:
            return self.run.cache.marks(self.run.benchmark)
        except DamagedError as error:
            self.run.cache.report(self.run.cache.folder(self.run.benchmark) / MARKS, error.problem)
            return {}

    @property
    def note(self) -> str:
        """What the header should warn of."""
        problems = len(self.run.cache.problems)
        parts = [
            f"{self._left_out:,} questions incomplete" if self._left_out else "",
            f"{problems} damaged file{'s' if problems > 1 else ''} passed over" if problems else "",
        ]
        return ", ".join(part for part in parts if part)

    @property
    def advice(self) -> str:
        """What to do about it; or whose run it is; empty where there is nothing to say."""
        if self.run.cache.problems:
            return "selectllm cache verify names the damaged files"
        if self._left_out:
            return "selectllm generate samples the incomplete questions"
        return f"{self.run.benchmark} is the recorded run, comes with selectllm" if self.recorded else ""

    def keep(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once per key; the least recently used is forgotten."""
        kept = self._kept[kind]
        with self._lock:
            if key in kept:
                kept.move_to_end(key)
                found: T = kept[key]
                return found
        made = make()
        with self._lock:
            kept[key] = made
            while len(kept) > KEPT[kind]:
                kept.popitem(last=False)
        return made

    def recommender(self) -> Recommender:
        """What recommends, and keeps what it has tried; raises UsageError where too few questions are labelled."""
        if self._recommender is None:
            from selectllm_engine.settings import read_settings
            from selectllm_engine.setups import Recommender

            self._recommender = Recommender(self.run, read_settings().encoders)
        return self._recommender

    def prepared(self, split: str, k: int) -> Prepared:
        """A split over the first k samples."""
        return self.run.prepared(split, k or None)

    def view(self, setup: ShownSetup) -> PoolView:
        """The pool of a setup over its split, its rows compared with the setup's reference where that can be had."""
        shared = (setup.pool.on, setup.k, setup.protocol, setup.split, setup.vote)
        view = self.keep("view", shared, lambda: self._view(setup))
        if setup.against == BEST_SINGLE:
            return view
        return self.keep("view", (*shared, setup.against), lambda: self._compared(view, setup.against))

    def _view(self, setup: ShownSetup) -> PoolView:
        rule, k = as_vote_rule(setup.vote), setup.k or None
        return self.run.view(setup.pool, k=k, protocol=setup.protocol, split=setup.split, vote=rule)

    def _compared(self, view: PoolView, name: str) -> PoolView:
        from selectllm_engine.setups import NO_ROUTER, no_router

        try:
            silent = [no_router(self.run, view.prepared.outcomes.split)] if name.startswith(f"{NO_ROUTER} ") else ()
            return compared_with(view, self.run.row_named(view, name, silent))
        except SelectLLMError:  # of another run, or without accuracy: rows say whom they are compared with
            return view

    def scores(self, setup: ShownSetup, policy: str | None = None) -> RouterScores:
        """The probabilities of the setup's router; with a confidence forest only where the policy needs one.

        Without a router they say nothing.
        """
        if setup.router is None:
            from selectllm_engine.setups import no_router

            return no_router(self.run, setup.split)
        forest = POLICIES[policy or setup.policy].needs_forest
        return self.run.scores(setup.router, setup.split, forest=forest)

    def spec(self, setup: ShownSetup, policy: str | None = None) -> PolicySpec:
        """A policy (the setup's own without `policy`) with the value of its slider."""
        return parse_policy(setup.spec_of(policy or setup.policy))

    def selection(self, setup: ShownSetup) -> Selection | None:
        """Which LLMs answer each question: all of the pool without a router, None where the data can't say.

        An expectation is drawn once, with a fixed seed.
        """
        view = self.view(setup)
        if not setup.chooses:
            return _together(view, setup)
        try:
            return view.policy(self.scores(setup), self.spec(setup)).drawn()
        except NotAvailableError:
            return None

    def verdicts(self, setup: ShownSetup) -> Verdicts | None:
        """What became of each question; None where the data can't say."""
        view = self.view(setup)
        if not setup.chooses:
            return view.verdicts(_together(view, setup))
        try:
            return view.policy_verdicts(self.scores(setup), self.spec(setup))
        except NotAvailableError:
            return None

    def row(self, setup: ShownSetup, key: RowKey) -> Row:
        """The row of a key; of the setup's router."""
        spec = self.spec(setup, key.name) if key.kind == "policy" else None
        shared = (setup.pool.on, setup.k, setup.protocol, setup.split, setup.vote, setup.against)
        own = (setup.router, spec) if key == BOUND or spec else ()
        return self.keep("row", (shared, key, own), lambda: self._row(self.view(setup), setup, key, spec))

    def _row(self, view: PoolView, setup: ShownSetup, key: RowKey, spec: PolicySpec | None) -> Row:
        match key.kind:
            case "llm":
                return view.llm_row(key.name)
            case "policy" if setup.chooses and spec is not None:
                return view.policy_row(self.scores(setup, spec.name), spec)
            case "bound" if setup.router is not None:
                return view.upper_bound_row(self.scores(setup, "argmax"))
        return planned_row(view, key.name).row()

    def right(self, setup: ShownSetup) -> Right | None:
        """Which questions the setup's own row is right on, [Q] (see `Figures.right`); None where the data can't say."""
        view = self.view(setup)
        if not setup.chooses:
            return view.figures(_together(view, setup)).right
        try:
            return view.policy_right(self.scores(setup), self.spec(setup))
        except NotAvailableError:
            return None

    def row_against(self, setup: ShownSetup, key: RowKey, name: str, right: Right) -> Row:
        """The row of a key, compared with a row of that name that is right on these questions."""
        spec = self.spec(setup, key.name) if key.kind == "policy" else None
        return self._row(self.view(setup).against(Reference(name, right)), setup, key, spec)

    def facts(self, setup: ShownSetup) -> dict[str, Facts]:
        """What is known of each LLM on the setup's split and K, and what its votes weigh."""
        voting = setup.pool.on if setup.vote == "learned" else None
        return self.keep("tab", ("facts", setup.split, setup.k, voting), lambda: self._facts(setup))

    def _facts(self, setup: ShownSetup) -> dict[str, Facts]:
        prepared = self.prepared(setup.split, setup.k)
        weights: dict[str, float] = {}
        if setup.vote == "learned" and len(setup.pool) > 1:
            voters = self.run.vote_weights(setup.pool, k=setup.k or None)
            weights = {name: voters.weight(name) for name in voters.llms}
        made = {}
        for n, name in enumerate(self.space.llms):
            info = self.run.info(name)
            latency = float(prepared.mean_latency[n])
            made[name] = Facts(
                accuracy=float(prepared.labels[:, n].mean()),
                latency=None if math.isnan(latency) else latency,
                chat=info.get("chat"),
                specialised=info.get("specialised"),
                parameters=info.get("parameters"),
                prompt=(info.get("prompt") or {}).get("style"),
                weight=weights.get(name),
                variant_of=variant_of(info),
            )
        return made


def _together(view: PoolView, setup: ShownSetup) -> Selection:
    """Who answers where nothing chooses: all of the pool; of labels only best-single, for there is no vote."""
    return view.everyone() if setup.k else view.one(view.best_single)


def _stops(prepared: Prepared, llms: int) -> Stops:
    """What the limits of a recommendation can be: from what the fastest LLM takes to what all take together."""
    stops: Stops = {}
    for name, means in (("latency", prepared.mean_latency), ("cost", prepared.mean_cost)):
        known = means[means > 0]  # not where it is unknown
        if len(known):
            stops[f"max_{name}"] = round_numbers(float(known.min()), float(known.sum()))
    preferred = [name for name in ("latency", "cost") if f"max_{name}" in stops]
    return {**stops, "max_llms": tuple(range(1, llms)), "prefer": ("accuracy", *preferred)}


def sliders(llms: int) -> dict[str, Slider | None]:
    """The policies, with the sliders of those that have a parameter."""
    return {
        name: None
        if info.symbol is None or info.default is None
        else Slider(
            info.symbol,
            info.low,
            info.top(llms),
            info.step,
            min(info.default, info.top(llms)),
            info.endless,
            info.most,
        )
        for name, info in POLICIES.items()
    }
