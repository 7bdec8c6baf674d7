"""A run as a notebook sees it: what is stored, its figures, and what one does with them, one thin method each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError
from selectllm_engine.insights import (
    FRACTIONS,
    ComparedRow,
    Comparison,
    CurvePoint,
    Lessons,
    LLMVotes,
    QuestionView,
    Subsets,
    compare_sides,
    draw_lessons,
    find_subsets,
    learning_curve,
    look_at,
)
from selectllm_engine.run import StoredRun
from selectllm_engine.setups import (
    Prefer,
    Recommendation,
    Setup,
    Wish,
    check_setup,
    planned_in,
    recommend,
    setup_view,
)
from selectllm_engine.store import Cache, Voting, as_vote_rule, open_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from selectllm_engine.evaluation import Policy, Router
    from selectllm_engine.exporters import Exported
    from selectllm_engine.llms import Pool
    from selectllm_engine.routers.routing import Routing
    from selectllm_engine.store import Progress

__all__ = ["LLMVotes", "QuestionView", "Run", "benchmarks", "load"]


def load(
    benchmark: str | None = None, cache: Path | str | Cache | None = None, *, progress: Progress | None = None
) -> Run:
    """The run of a benchmark.

    Args:
        benchmark: its name; None for the only one there is.
        cache: an open cache or its folder; None for the usual place.
        progress: told (done, total) generations where answers must be extracted first.

    Raises:
        UsageError: several benchmarks to choose from, or none.
        UnknownNameError: no such benchmark.
    """
    opened = _opened(cache)
    return Run(opened, opened.choose(benchmark), progress=progress)


def benchmarks(cache: Path | str | Cache | None = None) -> tuple[str, ...]:
    """The names that `load` takes: all benchmarks of a cache, the recorded run that comes with the package included."""
    return tuple(_opened(cache).benchmarks())


def _opened(cache: Path | str | Cache | None) -> Cache:
    return cache if isinstance(cache, Cache) else open_cache(None if cache is None else Path(cache))


class Run(StoredRun):
    """One benchmark's stored results, with everything the commands do.

    What is loaded once stays; load the run again to see newer results.
    """

    def question(
        self,
        question_id: str,
        pool: Pool | Iterable[str] | None = None,
        router: Router | Mapping[str, ArrayLike] | None = None,
        policy: Policy | None = None,
        *,
        k: int | None = None,
        protocol: str = "corrected",
        vote: Voting = "equal",
    ) -> QuestionView:
        """One question with every LLM's votes; with a router, also its choice, under argmax without a policy.

        Raises:
            UsageError: no such question, or a policy without a router.
            UnknownNameError: an unknown LLM, router, policy or protocol.
        """
        rule = as_vote_rule(vote)
        return look_at(self, question_id, self.pool(pool), router, policy, k=k, protocol=protocol, vote=rule)

    def pools(
        self,
        pool: Pool | Iterable[str] | None = None,
        *,
        k: int | None = None,
        split: str = "test",
        vote: Voting = "equal",
        progress: Callable[[int, int], None] | None = None,
    ) -> Subsets:
        """The subsets of a pool, ranked on validation, with the trained routers on those of the Pareto front.

        `vote` is as for `evaluate`; `progress` is told (done, total). Raises as `view` does.
        """
        chosen = self.pool(pool)
        routers = [self.scores(name, split, forest=False) for name in self.routers]
        view = self.view(chosen, k=k, split=split, vote=as_vote_rule(vote))
        return find_subsets(
            view.prepared,
            chosen,
            view.validation,
            train=view.train,
            rule=view.vote,
            learner=view.learner,
            routers=routers,
            progress=progress,
        )

    def compare(
        self,
        a: str | Setup,
        b: str | Setup,
        pool: Pool | Iterable[str] | None = None,
        *,
        k: int | None = None,
        protocol: str = "corrected",
        split: str = "test",
        vote: Voting = "equal",
    ) -> Comparison:
        """Two rows on the same questions, by the names that `evaluate` gives them, or setups.

        A name is an LLM's, a baseline's, or a router's with a policy ("prior threshold:0.7"). Setups bring their own
        pool, k, protocol and vote.

        Raises:
            UnknownNameError: an unknown row, LLM, protocol or split.
            UsageError: a k that isn't there, no complete question, a vote that can't be had, or a row that is not right
                or wrong on each question.
        """

        def side(row: str | Setup) -> ComparedRow:
            if isinstance(row, Setup):
                check_setup(self, row)
                return ComparedRow(row.name, setup_view(self, row, split), partial(planned_in, self, row))
            view = self.view(pool, k=k, protocol=protocol, split=split, vote=as_vote_rule(vote))
            return ComparedRow(row, view, lambda view: self.row_named(view, row))

        return compare_sides(side(a), side(b))

    def recommend(
        self,
        *,
        max_latency: float | None = None,
        max_cost: float | None = None,
        min_accuracy: float | None = None,
        max_llms: int | None = None,
        prefer: Prefer = "accuracy",
        encoders: Mapping[str, str] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Recommendation:
        """The setup that meets a wish best, chosen on train and validation; test is read once, for what is shown.

        Args:
            max_latency: mean seconds per question.
            max_cost: mean dollars per question.
            min_accuracy: share of questions answered right.
            max_llms: how many LLMs its pool may have.
            prefer: "accuracy"; or "latency" or "cost" among what is as accurate as best-single, or has `min_accuracy`.
            encoders: where encoders are, as for `route`.
            progress: told what is done, how much of it, of how much.

        Raises:
            UsageError: a value that can't be, too few labelled questions, a limit on what isn't known, or nothing
                within the limits.
        """
        wish = Wish(max_latency, max_cost, min_accuracy, max_llms, prefer)
        return recommend(self, wish, encoders=encoders, progress=progress)

    def lessons(
        self,
        pool: Pool | Iterable[str] | None = None,
        *,
        k: int | None = None,
        protocol: str = "corrected",
        split: str = "test",
        vote: Voting = "equal",
    ) -> Lessons:
        """The study's five questions answered for a pool, the train-to-test gaps, and where accuracy is lost.

        `vote` is as for `evaluate`. Raises as `view` does.
        """
        view = self.view(pool, k=k, protocol=protocol, split=split, vote=as_vote_rule(vote))
        unseen = [self.scores(name, split, unseen=True) for name in self.routers]
        return draw_lessons(view, [self.scores(name, split) for name in self.routers], unseen)

    def route(
        self,
        question: str,
        router: str | None = None,
        policy: str = "argmax",
        *,
        pool: Pool | Iterable[str] | None = None,
        encoders: Mapping[str, str] | None = None,
        device: str = "auto",
    ) -> Routing:
        """Which LLMs would answer a question that the benchmark doesn't have, and why; see `routing.route`."""
        from selectllm_engine.routers.routing import route

        return route(self, question, router, policy, pool=pool, encoders=encoders, device=device)

    def export(
        self,
        path: Path | str,
        *,
        router: str | None = None,
        pool: Pool | Iterable[str] | None = None,
        splits: Sequence[str] | None = None,
        force: bool = False,
    ) -> Exported:
        """Write all results as one wide .parquet or .csv table; with a router its predictions, as .csv.

        `pool` and `splits` choose among the results, `force` replaces a file that is there. See `export` for the
        columns and the errors.
        """
        from selectllm_engine.exporters import export_predictions, export_results

        if router is None:
            return export_results(self, Path(path), pool=pool, splits=splits, force=force)
        if pool is not None or splits is not None:
            raise UsageError("predictions are exported whole", "leave out pool and splits")
        return export_predictions(self, Path(path), router, force=force)

    def export_vote(
        self,
        path: Path | str,
        pool: Pool | Iterable[str] | None = None,
        router: str | None = None,
        *,
        k: int | None = None,
        force: bool = False,
    ) -> Exported:
        """Write the weights of a pool's learned vote as .json, for `vote=` of another run; see `vote_weights`."""
        from selectllm_engine.exporters import export_vote

        return export_vote(self, Path(path), pool=pool, router=router, k=k, force=force)

    def learning_curve(
        self,
        router: str,
        pool: Pool | Iterable[str] | None = None,
        *,
        split: str = "test",
        fractions: Sequence[float] = FRACTIONS,
        seed: int = 0,
    ) -> tuple[CurvePoint, ...]:
        """How a router's argmax does when trained on parts of the train split. Slow: it trains once per part.

        Raises:
            UnknownNameError: an unknown router family, LLM or split.
            UsageError: there is no train split, or no complete question.
        """
        from selectllm_engine.routers.training import refitting

        fit, questions = refitting(self, router, split, seed=seed)
        view = self.view(pool, split=split)
        return learning_curve(view, router, fit, questions, fractions=fractions, seed=seed)
