"""What is recommended, as values: a setup, what is expected of it and what it did on test, and others instead."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from selectllm_engine.evaluation import Row
    from selectllm_engine.setups.setup import Setup

__all__ = ["Estimate", "Proposed", "Recommendation", "SubjectEffect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a setup may be expected to do on questions of the same kinds; None is what isn't known.

    Attributes:
        accuracy, accuracy_low, accuracy_high: share answered right, and its 95 % interval.
        latency, cost: mean seconds and dollars per question.
        llms_per_question: mean number of LLMs asked.
        delta, delta_low, delta_high: accuracy more than the reference, and the 95 % interval by question.
        questions: labelled questions behind it.
    """

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    latency: float | None
    cost: float | None
    llms_per_question: float
    delta: float
    delta_low: float | None = None
    delta_high: float | None = None
    questions: int


@dataclass(frozen=True, slots=True)
class Proposed:
    """A setup with what is expected of it, and its row on test; None without a test split."""

    setup: Setup
    estimate: Estimate
    test: Row | None

    def to_dict(self) -> dict[str, object]:
        """The part of `recommend --format json` that says what a setup is, and what it gives."""
        test = None if self.test is None else self.test.as_dict()
        return {"setup": asdict(self.setup), "estimate": asdict(self.estimate), "test": test}


class SubjectEffect(NamedTuple):
    """A subject on which a setup is significantly better or worse than the reference.

    Attributes:
        subject: its name.
        questions: labelled ones.
        delta: accuracy more than the reference there.
        p: of McNemar's test, Holm-adjusted over all subjects.
    """

    subject: str
    questions: int
    delta: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What to run.

    Attributes:
        verdict: "use" the setup, or "stay" with the reference, which it is then.
        setup, estimate, test: as in `Proposed`.
        reference: best-single, the LLM that is right most often on train and validation.
        agrees: whether test agrees with the estimated accuracy, as far as both can say; None without a test split.
        alternatives: up to two others, with their trade.
        subjects: where the setup is significantly better or worse than the reference, on the labelled questions.
        needed: how many labelled questions would show in four of five cases the lead over the reference that is
            expected of the setup, or of the one that one stays for; None where there is none.
        tried: how many setups were compared.
        notes: what was left out, and why one stays.
    """

    benchmark: str
    verdict: Literal["use", "stay"]
    setup: Setup
    estimate: Estimate
    test: Row | None
    reference: str
    agrees: bool | None
    alternatives: tuple[Proposed, ...]
    subjects: tuple[SubjectEffect, ...]
    needed: int | None
    tried: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Recommendation for {self.benchmark}: {self.verdict} {self.setup.name}>"

    def to_dict(self) -> dict[str, Any]:
        """The object that `recommend --format json` prints."""
        return {
            "benchmark": self.benchmark,
            "verdict": self.verdict,
            **Proposed(self.setup, self.estimate, self.test).to_dict(),
            "agrees": self.agrees,
            "reference": self.reference,
            "alternatives": [each.to_dict() for each in self.alternatives],
            "subjects": [each._asdict() for each in self.subjects],
            "needed": self.needed,
            "tried": self.tried,
            "notes": list(self.notes),
        }
