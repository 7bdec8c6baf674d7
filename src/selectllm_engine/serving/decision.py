"""Which LLMs are asked a question, and how its answers are read. N LLMs of the run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.importers.lettered_options import options_in
from selectllm_engine.routers.features import Nearest
from selectllm_engine.routers.training_data import question_texts

if TYPE_CHECKING:
    from selectllm_engine.evaluation import Selection
    from selectllm_engine.routers.chooser import Beliefs, Chooser, Fixed
    from selectllm_engine.run import StoredRun

__all__ = ["AnswerKinds", "Decision", "decide"]

_OPTION = re.compile(r"\(([A-Z])\)")


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Whom a question goes to.

    Attributes:
        beliefs: the router's.
        asked: the LLMs that are asked; of a policy that stops early those that it may ask, in order.
        selection: None of a policy that stops early.
    """

    beliefs: Beliefs
    asked: tuple[int, ...]
    selection: Selection | None

    @property
    def confidence(self) -> float | None:
        """The highest chance of being right of those asked; None where no router says any."""
        highest = float(np.nan_to_num(self.beliefs.surest[0, list(self.asked)], nan=-1.0).max())
        return None if highest < 0 else highest


def decide(chooser: Chooser | Fixed, text: str) -> Decision:
    """Whom a question goes to; raises what the router raises."""
    beliefs = chooser.believe([text])
    if chooser.chain is not None:
        return Decision(beliefs, tuple(chooser.chain), None)
    selection = chooser.select(beliefs)
    mask = selection.mask[0]
    return Decision(beliefs, tuple(int(llm) for llm in chooser.view.order if mask[llm]), selection)


class AnswerKinds:
    """How answers to a question are read.

    In a benchmark with several kinds of answers, a question with options is of kind letter, and others are of the kind
    that the most similar training question has.
    """

    def __init__(self, run: StoredRun) -> None:
        known = run.questions.filter(run.questions["kind"].is_not_null())
        if known.is_empty():
            raise UsageError(f"{run.benchmark} has labels only, so that nobody can vote", "serve one LLM alone")
        self._kinds: list[str] = known["kind"].unique(maintain_order=True).to_list()
        self._nearest: Nearest | None = None
        if len(set(self._kinds) - {"letter"}) > 1:
            taught = known.filter((known["split"] != "test") & (known["kind"] != "letter"))
            self._nearest = Nearest(taught.select(question_texts()).to_series().to_list())
            self._taught: list[str] = taught["kind"].to_list()

    def of(self, text: str) -> tuple[str, int]:
        """The kind of a question's answer, and how many options it has."""
        options = _options(text)
        if "letter" in self._kinds and (options or self._kinds == ["letter"]):
            return "letter", options or 26
        near = self._nearest.to(text, 1) if self._nearest else []
        others = [kind for kind in self._kinds if kind != "letter"]
        return self._taught[near[0][0]] if near else others[0], 0


def _options(text: str) -> int:
    """How many options a question lists, "(A) … (B) …" in a line or a line each; 0 where it lists none."""
    listed = options_in(text)
    if listed:
        return len(listed)
    count = 0
    for match in _OPTION.finditer(text):
        if match[1] == chr(ord("A") + count):
            count += 1
    return count if count > 1 else 0
