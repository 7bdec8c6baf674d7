"""The questions whose answers are known: what votes, cascades and margins learn from. L labelled questions, N LLMs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.votes import Tally, tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.outcomes import Outcomes

__all__ = ["FEWEST_LABELLED", "Labelled", "labelled", "opinions"]

FEWEST_LABELLED = 50
FURTHEST = 3.0  # an opinion in logits is cut off there


def opinions(probabilities: NDArray[np.floating], rates: NDArray[np.floating]) -> NDArray[np.float64]:
    """What a router says about the LLMs on a question beyond their rates [N]: clip(logit p − logit rate, ±3), [Q, N].

    For questions that the router learned from p must be held out, else γ becomes far too large. 0 where p is unknown.
    """
    p, rate = (np.clip(np.asarray(each, np.float64), 1e-3, 1 - 1e-3) for each in (probabilities, rates))
    apart = np.log(p / (1 - p)) - np.log(rate / (1 - rate))
    return np.asarray(np.clip(np.nan_to_num(apart, nan=0.0), -FURTHEST, FURTHEST))


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The questions to learn a vote from, those of train before those of validation.

    Attributes:
        benchmark, llms: of the run.
        tally: of the answers [L, N, K].
        gold: int16 [L].
        labels: bool [L, N].
        validation: bool [L], is it one of validation.
        opinions: float64 [L, N]; None without a router's probabilities.
        rates: float64 [N], the LLMs' accuracies on these questions.
    """

    benchmark: str
    llms: tuple[str, ...]
    tally: Tally
    gold: NDArray[np.int16]
    labels: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    opinions: NDArray[np.float64] | None
    rates: NDArray[np.float64]

    @property
    def questions(self) -> int:
        """L."""
        return len(self.gold)


def labelled(
    train: Outcomes | None,
    validation: Outcomes | None,
    probabilities: tuple[NDArray[np.floating] | None, NDArray[np.floating] | None] = (None, None),
) -> Labelled:
    """The labelled questions of a run.

    Args:
        train: outcomes of the split; None where there is none.
        validation: the same. Of two numbers of samples the smaller is taken.
        probabilities: a router's for both, [Q, N], those of train held out; a split that is there without any means
            that the vote does without text.

    Raises:
        NotAvailableError: there are labels only, or fewer than 50 questions.
    """
    pairs = [(split, p) for split, p in zip((train, validation), probabilities, strict=True) if split is not None]
    answers = [split.answers for split, _ in pairs if split.answers is not None]
    if len(answers) < len(pairs):
        raise NotAvailableError("a learned vote needs answers; this benchmark has labels only")
    count = sum(map(len, answers))
    if count < FEWEST_LABELLED:
        raise NotAvailableError(f"a learned vote needs {FEWEST_LABELLED} labelled questions; there are {count}")
    samples = min(each.shape[2] for each in answers)
    labels = np.concatenate([split.labels for split, _ in pairs])
    rates = labels.mean(axis=0)
    known = [p for _, p in pairs if p is not None]
    return Labelled(
        benchmark=pairs[0][0].benchmark,
        llms=pairs[0][0].llms,
        tally=tally(np.concatenate([each[:, :, :samples] for each in answers])),
        gold=np.concatenate([split.gold for split, _ in pairs]),
        labels=labels,
        validation=np.concatenate([np.full(len(split.labels), split is validation) for split, _ in pairs]),
        opinions=opinions(np.concatenate(known), rates) if len(known) == len(pairs) else None,
        rates=rates,
    )
