"""The arrays of one benchmark split: what every LLM answered to every question, loaded once.

Q questions, N LLMs, K samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

__all__ = [
    "NOT_FOUND",
    "NOT_SAMPLED",
    "By",
    "Expected",
    "LeftOut",
    "Outcomes",
    "Unanswered",
    "samples_made",
    "unanswered_of",
]

By = Literal["latency", "cost"]  # what an answer costs: seconds or dollars
NOT_FOUND = -1  # a generation in which no answer was found
NOT_SAMPLED = -2  # a sample that was not made, because no more could decide its LLM's vote


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Questions of the split without figures, because `llm` has fewer than K samples, or no verdict, of them."""

    llm: str
    questions: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """How many of an LLM's samples are no answer.

    Attributes:
        samples: how many there are.
        missing: in how many no answer was found, empty ones included.
        empty: how many hold nothing but white space.
        cut: how many ended because there was no room for more; None where nobody said why they ended.
        cut_missing: in how many of those no answer was found.
    """

    samples: int
    missing: int
    empty: int
    cut: int | None
    cut_missing: int

    @property
    def share(self) -> float:
        """The share of samples without an answer; 0 where there are no samples."""
        return self.missing / max(self.samples, 1)

    def explains(self, accuracy: float | None, *, recorded: bool = False) -> str | None:
        """In words what explains at least half of what is wrong; None where nothing here does.

        `recorded`: another tool judged, which may have found answers where we found none: only what is empty or cut
        off counts.
        """
        missing = max(self.empty, self.cut_missing) if recorded else self.missing
        if accuracy is None or not self.samples or missing < max(1, (1 - accuracy) * self.samples / 2):
            return None
        if 2 * self.empty >= missing:
            return f"{self.empty:,} of {self.samples:,} samples are empty"
        if 2 * self.cut_missing >= missing:
            return f"{self.cut_missing:,} of {self.samples:,} samples were cut off before they gave an answer"
        return f"no answer was found in {missing:,} of {self.samples:,} samples"


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What questions are expected to take, before anybody is asked.

    Attributes:
        tokens: float32 [Q, N, 2], of the prompt and of one answer; NaN where unknown.
        lines: per "latency" and "cost" float64 [N, 3], what a request, a token of the prompt and one of the answer
            take, in seconds or dollars; NaN where an LLM's are not counted by tokens.
    """

    tokens: NDArray[np.float32]
    lines: Mapping[By, NDArray[np.float64]]

    def burden(self, by: By) -> NDArray[np.float32]:
        """Seconds or dollars, float32 [Q, N]; NaN where unknown."""
        each, prompt, output = self.lines[by].T
        found = each + prompt * self.tokens[:, :, 0] + output * self.tokens[:, :, 1]
        return np.asarray(found, np.float32, order="F")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcomes:
    """The questions that are complete for all LLMs of a run, and what the LLMs answered.

    Attributes:
        questions: Q rows; columns question_id, split, subject, text, choices, gold, kind.
        llms: names of all LLMs of the run, in its order.
        samples: K, samples per question and LLM; 0 where only labels are known.
        answers: int16 [Q, N, K], codes into the question's own `vocabulary`; NOT_FOUND, and after the last sample of a
            question that sampling stopped at, NOT_SAMPLED. None where only labels are known.
        vocabulary: per question the distinct canonical answers (gold included), a list[str] series of length Q.
        gold: int16 [Q], the code of the gold answer.
        labels: bool [Q, N], is the LLM's maj@K right.
        latency: float32 [Q, N], seconds to answer the prompt alone once; NaN where unknown.
        cost: float32 [Q, N], dollars per question; NaN where unknown.
        expected: what questions are expected to take, from their texts alone; None where nobody expects anything.
        left_out: which LLMs made how many questions of the split incomplete.
        left_out_total: number of questions of the split that are left out.
        unanswered: per LLM what of all its samples of these questions is no answer; None where there are no texts.
        recorded: per LLM whether some of its labels are another tool's verdicts.
    """

    benchmark: str
    split: str
    questions: pl.DataFrame
    llms: tuple[str, ...]
    samples: int
    answers: NDArray[np.int16] | None
    vocabulary: pl.Series | None
    gold: NDArray[np.int16]
    labels: NDArray[np.bool_]
    latency: NDArray[np.float32]
    cost: NDArray[np.float32]
    expected: Expected | None = None
    left_out: tuple[LeftOut, ...] = ()
    left_out_total: int = 0
    unanswered: tuple[Unanswered | None, ...] = ()
    recorded: tuple[bool, ...] = ()

    def __repr__(self) -> str:
        questions, llms = self.labels.shape
        samples = f"{self.samples} samples" if self.samples else "labels only"
        return f"<Outcomes of {self.benchmark} · {self.split}: {questions:,} questions, {llms} LLMs, {samples}>"


def samples_made(answers: NDArray[np.int16]) -> NDArray[np.int32] | None:
    """How many samples of each question and LLM were made, int32 [Q, N]; None where that is K everywhere."""
    if answers.min(initial=0) > NOT_SAMPLED:
        return None
    return np.asarray((answers != NOT_SAMPLED).sum(axis=2), np.int32)


def unanswered_of(outcomes: Outcomes) -> dict[str, Unanswered]:
    """What of the LLMs' samples is no answer; without the LLMs that have no texts.

    Where votes are over the first k samples, the answers missing are counted in those.
    """
    found = {}
    for llm, (name, each) in enumerate(zip(outcomes.llms, outcomes.unanswered, strict=False)):
        if each is not None:
            found[name] = each
            if outcomes.answers is None:
                continue
            used = outcomes.answers[:, llm]
            used = used[used != NOT_SAMPLED]
            if used.size < each.samples:
                shares = used.size / each.samples  # empty and cut off ones are taken to be spread evenly
                found[name] = Unanswered(
                    samples=used.size,
                    missing=int((used == NOT_FOUND).sum()),
                    empty=round(each.empty * shares),
                    cut=None if each.cut is None else round(each.cut * shares),
                    cut_missing=round(each.cut_missing * shares),
                )
    return found
