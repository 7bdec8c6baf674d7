"""What the LLMs said to one question, counted as in the evaluation. N LLMs of the run, K samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.answers import extract_answer
from selectllm_engine.evaluation import NOT_FOUND, majority_vote, pooled_votes, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.evaluation import Tally
    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.serving.decision import Decision
    from selectllm_engine.serving.samples import Sample

__all__ = ["Ballot", "Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was voted.

    Attributes:
        answer: the winner; None where nobody gave an answer.
        votes: samples for it, of `cast`.
        cast: samples with any answer.
        confidence: the learned vote's chance of it being right; None where votes are equal, or one LLM answers.
    """

    answer: str | None
    votes: int
    cast: int
    confidence: float | None


@dataclass(slots=True)
class Ballot:
    """The votes on one question so far.

    Attributes:
        kind, choices: how answers are read.
        samples: K.
        given: by LLM what it said; nothing of one that gave no answer.
    """

    kind: str
    choices: int
    samples: int
    given: dict[int, list[Sample]] = field(default_factory=dict)

    def following(self, chooser: Chooser | Fixed, decision: Decision) -> list[int]:
        """Whom a policy that stops early asks next, given what was said so far; nobody where it stops."""
        wanted = chooser.select(decision.beliefs, self._counted(chooser)[0]).mask[0]
        return [llm for llm in decision.asked if wanted[llm] and llm not in self.given][:1]

    def outcome(self, chooser: Chooser | Fixed, decision: Decision) -> Outcome:
        """What the LLMs that the policy asked voted."""
        counted, vocabulary = self._counted(chooser)
        selection = decision.selection or chooser.select(decision.beliefs, counted)
        voted = chooser.vote(selection, decision.beliefs, counted)
        code = int(voted.answers[0] if voted.answers is not None else pooled_votes(counted, voted.mask).code[0])
        confidence = None if voted.confidence is None else float(voted.confidence[0])
        return self._of(None if code < 0 else vocabulary[code], confidence)

    def alone(self, llm: int) -> Outcome:
        """What one LLM's samples voted."""
        self._read()
        return self._of(majority_vote([each.answer for each in self.given[llm]]).answer, None)

    def carrier(self, outcome: Outcome, ranked: Sequence[int]) -> tuple[int, Sample]:
        """A sample that says what was voted, of the most accurate LLM that does; else that LLM's first one."""
        there = [(llm, each) for llm in ranked for each in self.given.get(llm, ())]
        return next(((llm, each) for llm, each in there if each.answer == outcome.answer), there[0])

    def _of(self, answer: str | None, confidence: float | None) -> Outcome:
        said = [each.answer for samples in self.given.values() for each in samples if each.answer is not None]
        return Outcome(answer, said.count(answer) if answer is not None else 0, len(said), confidence)

    def _read(self) -> None:
        """Find the answers in what is new."""
        for samples in self.given.values():
            for each in samples:
                if not each.read:
                    each.answer = extract_answer(each.text, kind=self.kind, choices=self.choices)
                    each.read = True

    def _counted(self, chooser: Chooser | Fixed) -> tuple[Tally, list[str]]:
        """The votes as the evaluation has them, and what its codes stand for."""
        self._read()
        codes: dict[str, int] = {}
        answers = np.full((1, chooser.view.llms, self.samples), NOT_FOUND, dtype=np.int16)
        for llm in sorted(self.given):
            for place, each in enumerate(self.given[llm][: self.samples]):
                if each.answer is not None:
                    answers[0, llm, place] = codes.setdefault(each.answer, len(codes))
        return tally(answers), list(codes)
