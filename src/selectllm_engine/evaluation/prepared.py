"""A split's outcomes laid out for evaluation, shared by every pool. Q questions, N LLMs of the run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation.one_sample_votes import OneSampleVotes, one_sample_votes
from selectllm_engine.evaluation.outcomes import samples_made
from selectllm_engine.evaluation.stop_rules import StopRule, reach
from selectllm_engine.evaluation.votes import Tally, tally, with_k

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.outcomes import By, Outcomes

__all__ = ["Prepared"]


class Prepared:
    """A split's outcomes over the first k samples, laid out for evaluation: one contiguous column per LLM.

    Attributes:
        outcomes: with k samples, labels accordingly.
        whole: with all samples.
        samples: how many samples there are in all.
        labels: bool [Q, N].
        latency, cost: float32 [Q, N], NaN where unknown.
        mean_latency, mean_cost: float64 [N], over the questions where they are known; NaN where never.
        order: intp [N], from fast to slow by mean latency; ties and unknown ones by mean cost, then run order.
        comparable_latency: float32 [Q, N], to compare LLMs by: where unknown the LLM's mean, else larger than all.

    Raises:
        UsageError: there is no complete question, or k is not within the samples.
    """

    def __init__(self, outcomes: Outcomes, k: int | None = None) -> None:
        if not len(outcomes.labels):
            raise UsageError(
                f"the split {outcomes.split} of {outcomes.benchmark} has no question that all LLMs have answered",
                f"sample it with selectllm generate --benchmark {outcomes.benchmark} --split {outcomes.split}",
            )
        self.samples = outcomes.samples
        self.whole = outcomes
        self.outcomes = with_k(outcomes, k)
        self.labels = np.asfortranarray(self.outcomes.labels)
        self.latency = np.asfortranarray(outcomes.latency)
        self.cost = np.asfortranarray(outcomes.cost)
        self.mean_latency, self.mean_cost = _known_means(self.latency), _known_means(self.cost)
        # lexsort is stable: what ties in both stays in run order
        self.order = np.lexsort([np.nan_to_num(mean, nan=np.inf) for mean in (self.mean_cost, self.mean_latency)])
        self.comparable_latency = self.latency
        if unknown := np.flatnonzero(np.isnan(self.latency).any(axis=0)).tolist():
            self.comparable_latency = self.latency.copy(order="F")
            for llm in unknown:
                mean = self.mean_latency[llm]
                stand_in = np.float32(np.finfo(np.float32).max if np.isnan(mean) else mean)
                np.putmask(self.comparable_latency[:, llm], np.isnan(self.comparable_latency[:, llm]), stand_in)

    @cached_property
    def expected(self) -> dict[By, NDArray[np.float32]]:
        """Per "latency" and "cost" what questions are expected to take, float32 [Q, N]; empty where nobody does."""
        found = self.outcomes.expected
        return {} if found is None else {by: found.burden(by) for by in found.lines}

    @cached_property
    def right(self) -> NDArray[np.intp]:
        """How many questions each LLM is right on, intp [N]."""
        return np.array([np.count_nonzero(column) for column in self.labels.T], dtype=np.intp)

    @cached_property
    def tally(self) -> Tally | None:
        """The votes of all LLMs; None where only labels are known."""
        return None if self.outcomes.answers is None else tally(self.outcomes.answers)

    @cached_property
    def made(self) -> NDArray[np.int32] | None:
        """How many samples were made, int32 [Q, N]; None where that is K everywhere."""
        return None if self.outcomes.answers is None else samples_made(self.outcomes.answers)

    @cached_property
    def same_votes(self) -> NDArray[np.bool_]:
        """Of which LLMs the samples made give the votes that all K would have given, whatever those were: bool [N]."""
        same = np.ones(len(self.outcomes.llms), dtype=bool)
        if self.made is not None:
            rule, samples = StopRule(), self.outcomes.samples
            for question, llm in np.argwhere(self.made < samples).tolist():
                codes = np.asarray(self.outcomes.answers)[question, llm, : self.made[question, llm]]
                said = [None if code < 0 else str(code) for code in codes.tolist()]
                same[llm] &= reach(said, samples, rule) == samples
        return same

    @cached_property
    def one_sample_votes(self) -> OneSampleVotes | None:
        """The votes laid out for counting many questions at once; None where there is more than one sample."""
        return None if self.tally is None else one_sample_votes(self.tally, self.outcomes.gold)

    @cached_property
    def unmeasured(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which LLMs have questions without a finite latency, and without a finite cost: bool [N] each."""
        latency, cost = (~np.isfinite(values).all(axis=0) for values in (self.latency, self.cost))
        return np.asarray(latency), np.asarray(cost)

    @cached_property
    def positions(self) -> NDArray[np.intp]:
        """0, 1, … Q − 1."""
        return np.arange(self.questions)

    @cached_property
    def subjects(self) -> NDArray[np.intp] | None:
        """Each question's subject as a number, intp [Q], those without one together; None where no question has any."""
        names = self.outcomes.questions["subject"]
        if names.null_count() == len(names):
            return None
        return (names.fill_null("").rank("dense") - 1).to_numpy().astype(np.intp)

    @property
    def questions(self) -> int:
        """Q."""
        return len(self.labels)


def _known_means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    columns = (column[~np.isnan(column)] for column in values.T)
    return np.array([column.mean(dtype=np.float64) if len(column) else np.nan for column in columns])
