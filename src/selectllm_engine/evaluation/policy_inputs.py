"""What a policy may look at. Q questions, N LLMs of the run, n LLMs of the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.learner import Learned
    from selectllm_engine.evaluation.margin import Margin
    from selectllm_engine.evaluation.outcomes import By
    from selectllm_engine.evaluation.votes import Tally

__all__ = ["ByQuestion", "PolicyInputs"]


class ByQuestion(NamedTuple):
    """What questions are expected to take.

    Attributes:
        burden: float32 [Q, N], seconds or dollars, of the pool's LLMs finite.
        better: whether cost-aware did better with such numbers on validation than with the LLMs' means.
    """

    burden: NDArray[np.float32]
    better: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PolicyInputs:
    """What a policy may look at: never a label of the questions it decides.

    Attributes:
        order: intp [n], the pool's LLMs from fast to slow (ties: cheaper, then run order).
        probabilities, forest: float32 [Q, N] as in RouterScores, columns contiguous.
        latency, cost: float64 [N], each LLM's mean; NaN where unknown.
        ascending: intp [n], the pool's LLMs from least to most accurate on validation; None without validation.
        samples: K.
        best_single: the LLM that is best on the questions that were for choosing.
        leading_votes: gives the leading answer's votes, integers [Q], after each LLM of `order` was asked; raises
            NotAvailableError where only labels are known, as `tally` does.
        tally: gives the votes for all answers.
        learned: gives what labelled questions teach; what it has raises NotAvailableError where they are too few.
        views: gives the router's opinions as `learned` has them, float64 [Q, N]; None where it was learned without.
        margin: gives the gain from which on best-single is left; raises NotAvailableError.
        by_question: gives the seconds or dollars that each question is expected to take; None where unknown.
    """

    order: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    forest: NDArray[np.float32] | None
    latency: NDArray[np.float64]
    cost: NDArray[np.float64]
    ascending: NDArray[np.intp] | None
    samples: int
    best_single: int
    leading_votes: Callable[[], Sequence[NDArray[np.integer]]]
    tally: Callable[[], Tally]
    learned: Callable[[], Learned]
    views: Callable[[], NDArray[np.float64] | None]
    margin: Callable[[], Margin]
    by_question: Callable[[By], ByQuestion | None]

    @property
    def llms(self) -> int:
        """N."""
        return int(self.probabilities.shape[1])
