"""What a run teaches, in typed figures: the study's five questions with their answers. Sentences are a face's.

"Significant" is p < 0.05, Holm-adjusted over the tests of one answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from selectllm_engine.evaluation import BADGES, html_table

if TYPE_CHECKING:
    from selectllm_engine.evaluation import Gap, Row, Unanswered

__all__ = [
    "SIGNIFICANT",
    "Answer",
    "Beaten",
    "BoundReached",
    "Lesson",
    "Lessons",
    "PolicyEffect",
    "RouterLatency",
    "Solved",
    "UnseenSubjects",
]

SIGNIFICANT = 0.05

Answer: TypeAlias = Literal["yes", "no", "partly", "unknown"]
Figures: TypeAlias = "dict[str, float | None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson(ABC):
    """One of the study's questions with its answer; each kind has its own figures.

    Attributes:
        key: "solvable", "bound", "beaten", "policies" or "latency".
        question: as the study asks it.
        answer: "unknown" where the data can't tell.
    """

    key: ClassVar[str]
    question: ClassVar[str]
    answer: Answer

    @property
    @abstractmethod
    def figures(self) -> Figures:
        """The figures behind the answer, by what they are of; fractions, seconds or p values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved(Lesson):
    """Question 1: of how many LLMs, the oracle's accuracy, and the share of questions that only one LLM solves."""

    key = "solvable"
    question = "Do several LLMs together solve every question?"
    llms: int
    oracle: float
    by_one: float

    @property
    def figures(self) -> Figures:
        """The oracle, and the shares solved by none and by only one."""
        return {"oracle": self.oracle, "solved by none": 1 - self.oracle, "solved by only one": self.by_one}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundReached(Lesson):
    """Question 2: the accuracies of the oracle and of every router's upper bound; p of the best bound's difference.

    Without the prior, which looks at no question.
    """

    key = "bound"
    question = "Can a router's upper bound equal the oracle?"
    oracle: float
    bounds: dict[str, float]
    p: float | None = None

    @property
    def best(self) -> str:
        """The router of the highest bound; there must be one."""
        return max(self.bounds, key=lambda name: self.bounds[name])

    @property
    def figures(self) -> Figures:
        """The oracle, the test, the bounds."""
        tested = {} if self.p is None else {"p": self.p}
        return {"oracle": self.oracle, **tested, **{f"{name} upper bound": each for name, each in self.bounds.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beaten(Lesson):
    """Question 3: routers with argmax against every LLM.

    Attributes:
        routers, llms: their accuracies; LLMs from fast to slow, empty where there is no router.
        best_single: the LLM chosen on train and validation; on these questions another may do better.
        p: per (router, LLM), Holm-adjusted over all.
    """

    key = "beaten"
    question = "Does a router beat the individual LLMs?"
    routers: dict[str, float]
    llms: dict[str, float]
    best_single: str
    p: dict[tuple[str, str], float]

    def beaten(self, router: str) -> tuple[str, ...]:
        """The LLMs that a router is significantly better than."""
        ahead = (llm for llm in self.llms if self.routers[router] > self.llms[llm])
        return tuple(llm for llm in ahead if self.p[router, llm] < SIGNIFICANT)

    @property
    def best(self) -> str:
        """The router that beats the most LLMs; there must be one."""
        return max(self.routers, key=lambda name: (len(self.beaten(name)), self.routers[name]))

    @property
    def top(self) -> str:
        """The LLM that is most accurate here."""
        return max(self.llms, key=lambda name: self.llms[name])

    @property
    def figures(self) -> Figures:
        """Accuracies, tests against best-single, and how many LLMs each router beats."""
        if not self.routers:
            return {}
        return {
            f"best single, {self.best_single}": self.llms[self.best_single],
            **self.routers,
            **{f"p of {name} against best single": self.p[name, self.best_single] for name in self.routers},
            **{f"LLMs beaten by {name}": float(len(self.beaten(name))) for name in self.routers},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEffect(Lesson):
    """Question 4: what the policies make of one router.

    Attributes:
        router: which; None where there is none.
        accuracy, latency: per policy that has an accuracy; seconds are None where unknown.
        p: per policy that can be tested its p against argmax, Holm-adjusted.
        better: the policies that are significantly better than argmax.
    """

    key = "policies"
    question = "What does the policy change?"
    router: str | None
    accuracy: dict[str, float]
    latency: dict[str, float | None]
    p: dict[str, float]
    better: tuple[str, ...]

    @property
    def best(self) -> str:
        """The most accurate policy; there must be a router."""
        return max(self.accuracy, key=lambda name: self.accuracy[name])

    @property
    def figures(self) -> Figures:
        """Accuracies, latencies, tests against argmax."""
        return {
            **self.accuracy,
            **{f"latency of {name}": seconds for name, seconds in self.latency.items()},
            **{f"p of {name} against argmax": p for name, p in self.p.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterLatency(Lesson):
    """Question 5: seconds of the router with argmax, and of the LLMs whose accuracy is not significantly different."""

    key = "latency"
    question = "Is a router's latency at most that of any individual LLM of like accuracy?"
    router: str | None
    latency: float | None
    alike: dict[str, float]

    @property
    def fastest(self) -> str:
        """The fastest of the LLMs of like accuracy; there must be one."""
        return min(self.alike, key=lambda name: self.alike[name])

    @property
    def figures(self) -> Figures:
        """The router's seconds and those LLMs'."""
        if self.latency is None:
            return {}
        of_llms = {f"{name}, of like accuracy": seconds for name, seconds in self.alike.items()}
        return {f"{self.router} argmax": self.latency, **of_llms}


@dataclass(frozen=True, slots=True)
class UnseenSubjects:
    """A router's argmax where it has learned from a question's subject, and where it has not.

    Attributes:
        router: its name.
        seen, unseen: both rows.
    """

    router: str
    seen: Row
    unseen: Row


@dataclass(frozen=True, slots=True)
class Lessons:
    """All lessons of a pool.

    Attributes:
        benchmark, split, pool: what they are about.
        lessons: the five.
        gaps: per LLM of the pool, largest first; empty without a train split.
        losses: where argmax on the router loses accuracy (best-single without one): unsolvable, misrouted, outvoted;
            and what a vote gains, rescued; as fractions.
        detectable_difference: the smallest difference that this many questions can show; None where they show none.
        repeatable_share: how much of the oracle's lead can be predicted at all, see `Table`.
        unseen: per router that was refitted without each subject in turn what is left of it.
        best_single: the accuracy of best-single, to compare that with.
        router: the router that questions 4 and 5 and `losses` are about; None where there is none.
        unanswered: per LLM of the pool that has texts what of its samples is no answer.
        warnings: per LLM whose low accuracy that explains, in words.
    """

    benchmark: str
    split: str
    pool: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    gaps: tuple[Gap, ...]
    losses: dict[str, float | None]
    router: str | None
    detectable_difference: float | None = None
    repeatable_share: float | None = None
    unseen: tuple[UnseenSubjects, ...] = ()
    best_single: float | None = None
    unanswered: dict[str, Unanswered] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)

    @property
    def badge(self) -> str | None:
        """Why figures of this split flatter; None where they don't."""
        return BADGES.get(self.split)

    def __repr__(self) -> str:
        answers = ", ".join(f"{each.key} {each.answer}" for each in self.lessons)
        return f"<Lessons of {self.benchmark} · {self.split}: {answers}>"

    def _repr_html_(self) -> str:
        """How a notebook shows it: questions and answers."""
        rows = [[each.question, each.answer] for each in self.lessons]
        return html_table(f"Lessons of {self.benchmark} · {self.split}", ["question", "answer"], [rows])
