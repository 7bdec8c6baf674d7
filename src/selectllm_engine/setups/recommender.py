"""`recommend`: from a run and a wish to one setup, what it may be expected to do, and what it did on test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from selectllm_engine.errors import NotAvailableError, UsageError
from selectllm_engine.evaluation import Reference, holm, known, mcnemar, needed_questions, newcombe, wilson
from selectllm_engine.setups.choice import LOSS, Outlook, TriedSetups, Wish, choose, expected, front, most_accurate
from selectllm_engine.setups.choice_data import choice_data
from selectllm_engine.setups.recommendation import Estimate, Proposed, Recommendation, SubjectEffect
from selectllm_engine.setups.search import MANY, Search
from selectllm_engine.setups.setup_on_run import planned_in, setup_of, setup_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selectllm_engine.evaluation import By, Row
    from selectllm_engine.run import StoredRun
    from selectllm_engine.setups.choice_data import ChoiceData
    from selectllm_engine.setups.search import Progress
    from selectllm_engine.setups.setup import Setup

__all__ = ["Recommender", "recommend"]

Z95, Z95_ONE_SIDED = 1.959964, 1.644854
SIGNIFICANT = 0.05


class Recommender:
    """Recommends from a run, wish after wish: what was tried for one is there for the next.

    Args:
        run: from `selectllm_engine.load`.
        encoders: where encoders are, as for `route`.
        many: labelled questions of which a search looks at no more.

    Raises:
        UsageError: too few labelled questions.
    """

    def __init__(self, run: StoredRun, encoders: Mapping[str, str] | None = None, *, many: int = MANY) -> None:
        self._run = run
        self._data = choice_data(run, encoders)
        self._search, self._many = Search(self._data, _penalty(run), many=many), many
        self._last: tuple[Wish, TriedSetups] | None = None
        self._luck: dict[Wish, float] = {}  # what others than the chosen are expected to do less than they seem
        self._rows: dict[Setup, Row] = {}

    def recommend(self, wish: Wish, progress: Progress | None = None) -> Recommendation:
        """The setup that meets a wish best; arguments and errors are those of `recommend`."""
        run, data, field = self._run, self._data, self._field(wish, progress)
        chosen, single = choose(field)
        outlook = expected(field)
        notes = list(data.left_out)
        if (there := len(data.outcomes.labels)) > self._many:
            notes.append(f"searched on {self._many:,} of the {there:,} labelled questions; all confirmed")
        verdict: Literal["use", "stay"] = "stay" if chosen == single else "use"
        needed = None if chosen == single else _needed(outlook)
        if verdict == "use" and field.allowed[single] and (why := _doubt(field, chosen, single, outlook)):
            notes.append(why)
            chosen, verdict = single, "stay"
        made = _Made(run, data, field, single, self._rows)
        estimate = made.estimate(chosen, outlook if verdict == "use" else None)
        # a trade is of one measure: others lose at least what the chosen does when it is chosen anew
        luck = self._luck[wish] = max(_luck(field), float(field.right[chosen].mean()) - estimate.accuracy)
        notes += self._one_sample(field, chosen)
        proposed = made.proposed(chosen, estimate)
        others = [made.proposed(other, made.estimate(other, luck=luck)) for other in _others(field, chosen)]
        agrees = None if proposed.test is None else _agrees(estimate, proposed.test, run)
        return Recommendation(
            benchmark=run.benchmark,
            verdict=verdict,
            setup=proposed.setup,
            estimate=estimate,
            test=proposed.test,
            reference=run.llms[field.proposals[single].pool[0]],
            agrees=agrees,
            alternatives=tuple(others),
            subjects=tuple(_subjects(data, field, chosen, single)),
            needed=needed,
            tried=len(field.proposals),
            notes=tuple(notes),
        )

    def _one_sample(self, field: TriedSetups, chosen: int) -> list[str]:
        """What one sample of each LLM would give, which is what seconds and dollars are for."""
        proposal = field.proposals[chosen]
        one = self._search.one_sample(proposal)
        if one is None or 1 in (proposal.k, self._data.outcomes.samples):
            return []
        fewer = 100 * float(one.right.mean() - field.right[chosen].mean())
        return [f"with one sample of each LLM in the place of all that vote: {fewer:+.1f} points of accuracy"]

    def front(self, wish: Wish, progress: Progress | None = None) -> tuple[Proposed, ...]:
        """What is chosen within ever larger limits on seconds, the fastest first; the other limits are the wish's.

        On dollars where these are preferred or no seconds are known. Each is expected to do what it did, less some
        luck, as alternatives are. Arguments and errors are those of `recommend`.
        """
        if wish not in self._luck:
            self.recommend(wish, progress)
        field = self._field(wish, progress)
        by: By = "cost" if wish.prefer == "cost" or np.isnan(field.latency).all() else "latency"
        _, single = most_accurate(field)
        made, luck = _Made(self._run, self._data, field, single, self._rows), self._luck[wish]
        return tuple(made.proposed(place, made.estimate(place, luck=luck)) for place in front(field, by))

    def _field(self, wish: Wish, progress: Progress | None) -> TriedSetups:
        if self._last is None or self._last[0] != wish:
            _check_known(self._data, wish)
            field = TriedSetups(list(self._search.within(wish, progress or (lambda *_: None)).items()), wish)
            _check_possible(field, self._run)
            self._last = (wish, field)
        return self._last[1]


def recommend(
    run: StoredRun,
    wish: Wish | None = None,
    *,
    encoders: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Recommendation:
    """The setup that meets a wish best, chosen on train and validation; test is read once, for what is shown.

    Args:
        run: from `selectllm_engine.load`.
        wish: limits and preference; None for the most accurate whatever it takes.
        encoders: where encoders are, as for `route`.
        progress: told what is done, how much of it, of how much.

    Raises:
        UsageError: too few labelled questions, a limit on what isn't known, or nothing within the limits.
    """
    return Recommender(run, encoders).recommend(wish or Wish(), progress)


def _luck(field: TriedSetups) -> float:
    """How much less accurate the most accurate of all is when it is chosen anew."""
    best, _ = most_accurate(field)
    return max(0.0, float(field.right[best].mean()) - expected(field, most_accurate).accuracy)


def _penalty(run: StoredRun) -> float | None:
    try:
        return run.learner().of().penalty
    except NotAvailableError:
        return None


# What can't be


def _check_known(data: ChoiceData, wish: Wish) -> None:
    for name, what, make in (
        ("latency", "seconds", "selectllm measure times them, and imports take --latency"),
        ("cost", "dollars", "prices come from recorded costs or an LLM's price in selectllm.toml"),
    ):
        wanted = getattr(wish, f"max_{name}") is not None or wish.prefer == name
        if wanted and np.isnan(getattr(data.outcomes, name)).any(axis=0).all():
            raise UsageError(f"no LLM of {data.outcomes.benchmark} has known {what}", make)


def _check_possible(field: TriedSetups, run: StoredRun) -> None:
    """Refuse a wish that nothing meets, with what comes nearest."""
    wish = field.wish

    def named(place: int) -> str:
        return _setup(run, field, place).name

    for name, limit, unit in (("latency", wish.max_latency, "s"), ("cost", wish.max_cost, "dollars")):
        values = getattr(field, name)
        if limit is not None and not (values <= limit).any():
            least = int(np.nanargmin(values))
            raise UsageError(
                f"no setup answers within {limit:g} {unit}: {named(least)} takes the least, {values[least]:.4g} {unit}",
                "allow for more",
            )
    if not field.allowed.any():
        raise UsageError("no setup is within all of these limits", "allow for more of one of them")
    if wish.min_accuracy is not None:
        accuracy = np.where(field.allowed, field.right.mean(axis=1), -1.0)
        best = int(np.argmax(accuracy))
        if accuracy[best] < wish.min_accuracy:
            raise UsageError(
                f"no setup is right on {100 * wish.min_accuracy:.1f} % of the labelled questions: the most accurate, "
                f"{named(best)}, is on {100 * accuracy[best]:.1f} %",
                "ask for less, or for fewer limits",
            )


def _doubt(field: TriedSetups, chosen: int, single: int, outlook: Outlook) -> str | None:
    """Why one better stays with best-single; None where the chosen is worth it."""
    seemed = 100 * float(field.right[chosen].mean() - field.right[single].mean())
    proven = f"chosen anew without a fifth of the questions at a time, {100 * outlook.delta:+.1f} on that fifth"
    if field.wish.prefer == "accuracy":
        if outlook.delta > Z95_ONE_SIDED * outlook.error:
            return None
        return (
            f"the choice among {len(field.proposals):,} setups seems {seemed:+.1f} points better than best-single; "
            f"{proven}, which may be chance"
        )
    if field.wish.min_accuracy is not None or outlook.delta - outlook.error >= -LOSS:
        return None
    return f"the choice among {len(field.proposals):,} setups seems as accurate ({seemed:+.1f} points); {proven}"


# What is said of it


def _setup(run: StoredRun, field: TriedSetups, place: int) -> Setup:
    proposal = field.proposals[place]
    pool = [run.llms[llm] for llm in proposal.pool]
    found = setup_of(run, pool, proposal.router, proposal.policy, vote=proposal.vote, k=proposal.k)
    return replace(found, samples=found.k or 1)  # what is served is what was estimated


class _Made(NamedTuple):
    run: StoredRun
    data: ChoiceData
    field: TriedSetups
    single: int
    rows: dict[Setup, Row]  # of test, as far as they were read

    def estimate(self, place: int, outlook: Outlook | None = None, *, luck: float = 0.0) -> Estimate:
        """What is expected of a proposal: by the outlook of choosing it, else by its own figures less some luck."""
        tried = self.field.tried[place]
        right, alone = self.field.right[place], self.field.right[self.single]
        count = len(right)
        if outlook is None:
            counts = [int(np.count_nonzero(a & b)) for a in (right, ~right) for b in (alone, ~alone)]
            outlook = Outlook(*(float(each) for each in counts))
        accuracy = outlook.accuracy - luck
        both, only_chosen, only_single = (round(each) for each in outlook[:3])
        interval = newcombe(both, only_chosen, only_single, count - both - only_chosen - only_single)
        unsure = luck == 0 and place != self.single
        low, high = wilson(round(accuracy * count), count)
        return Estimate(
            accuracy=accuracy,
            accuracy_low=low,
            accuracy_high=high,
            latency=known(tried.latency),
            cost=known(tried.cost),
            llms_per_question=tried.llms,
            delta=outlook.delta - luck if place != self.single else 0.0,
            delta_low=interval.low if unsure else None,
            delta_high=interval.high if unsure else None,
            questions=count,
        )

    def proposed(self, place: int, estimate: Estimate) -> Proposed:
        """The setup with its row on test, compared with the reference over all its samples."""
        run, setup = self.run, _setup(self.run, self.field, place)
        if "test" not in run.splits or not len(run.outcomes("test").labels):
            return Proposed(setup, estimate, None)
        if setup not in self.rows:
            llm = self.field.proposals[self.single].pool[0]
            reference = Reference(run.llms[llm], run.prepared("test").labels[:, llm])
            view = setup_view(run, setup, "test").against(reference)
            self.rows[setup] = planned_in(run, setup, view).row()
        return Proposed(setup, estimate, self.rows[setup])


def _others(field: TriedSetups, chosen: int) -> list[int]:
    """Two others: the most accurate of what takes much less, and of all, each asking other LLMs or another router."""
    accuracy = np.where(field.allowed, field.right.mean(axis=1), -1.0)
    burden = field.cost if field.wish.prefer == "cost" or np.isnan(field.latency[chosen]) else field.latency
    found = [chosen]
    for share in (0.8, np.inf, np.inf):
        near = np.array([any(each[:2] == field.proposals[place][:2] for place in found) for each in field.proposals])
        left = accuracy if np.isinf(share) else np.where(burden <= share * burden[chosen], accuracy, -1.0)
        left = np.where(near, -1.0, left)
        if left.max() >= 0:
            found.append(int(np.argmax(left)))
    return found[1:3]


def _agrees(estimate: Estimate, test: Row, run: StoredRun) -> bool | None:
    """Whether two accuracies, each of a sample of questions, may be of the same setup."""
    if test.accuracy is None:
        return None
    variances = [
        share * (1 - share) / count
        for share, count in ((estimate.accuracy, estimate.questions), (test.accuracy, len(run.outcomes("test").labels)))
    ]
    return bool(abs(test.accuracy - estimate.accuracy) <= Z95 * np.sqrt(sum(variances)) + 1e-12)


def _needed(outlook: Outlook) -> int | None:
    """How many questions would show the expected difference."""
    if outlook.delta <= 0 or outlook.discordant < outlook.delta:
        return None
    return int(np.ceil(needed_questions(outlook.delta, outlook.discordant)))


def _subjects(data: ChoiceData, field: TriedSetups, chosen: int, single: int) -> Iterator[SubjectEffect]:
    """The subjects with a significant difference, the largest loss first."""
    names = data.outcomes.questions["subject"].fill_null("")
    if chosen == single or names.n_unique() < 2:
        return
    effects = []
    for (subject,), rows in names.to_frame().with_row_index().group_by(["subject"], maintain_order=True):
        at = rows["index"].to_numpy()
        right, alone = field.right[chosen, at], field.right[single, at]
        won, lost = int((right & ~alone).sum()), int((alone & ~right).sum())
        effects.append(SubjectEffect(str(subject), len(at), (won - lost) / len(at), mcnemar(won, lost)))
    adjusted = [each._replace(p=p) for each, p in zip(effects, holm([each.p for each in effects]), strict=True)]
    yield from sorted((each for each in adjusted if each.p < SIGNIFICANT), key=lambda each: each.delta)
