"""What is recommended within the limits of the sliders, whatever the setup on the screen."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.setups import Proposed, Wish
from selectllm_tui import row_keys
from selectllm_tui.setups import as_shown
from selectllm_tui.shown_setup import ShownSetup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.evaluation import By, Row
    from selectllm_engine.setups import Recommendation
    from selectllm_tui.limits import Limits
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["Offer", "Recommended", "recommend"]

Kind = Literal["recommended", "instead", "front"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A setup: recommended, one of the two to take instead, or of the front; and as the explorer has it."""

    kind: Kind
    proposed: Proposed
    setup: ShownSetup

    @property
    def burden(self) -> dict[By, float | None]:
        """Mean seconds and dollars per question on test; as expected where there is no test split."""
        found = self.proposed.test or self.proposed.estimate
        return {"latency": found.latency, "cost": found.cost}

    @property
    def accuracy(self) -> float | None:
        """On test; as expected where there is no test split."""
        return self.proposed.estimate.accuracy if self.proposed.test is None else self.proposed.test.accuracy


@dataclass(frozen=True, slots=True)
class Recommended:
    """The setups, or why there are none; `single` is best-single's row on test, `by` what the front is limited by."""

    found: Recommendation | None = None
    offers: tuple[Offer, ...] = ()
    single: Row | None = None
    by: By = "latency"
    problem: str = ""


def recommend(model: Model, state: State, tick: Tick) -> Iterator[tuple[str, Recommended]]:
    """The setups, chosen among what was tried once."""
    limits = state.view.limits.fit(model.space.stops)
    yield "recommend", model.keep("tab", ("recommend", limits), lambda: _recommended(model, limits, tick))


def _recommended(model: Model, limits: Limits, tick: Tick) -> Recommended:
    started = time.monotonic()

    def progress(_: str, done: int, total: int) -> None:
        tick(done, total if time.monotonic() > started + model.untold else 0)

    wish = Wish(**limits.said)
    with model.recommending:
        tick(0, 0)  # nobody may wait for it any more
        try:
            recommender = model.recommender()
            found = recommender.recommend(wish, progress)
            front = recommender.front(wish, progress)
        except SelectLLMError as error:
            return Recommended(problem=str(error))
    offered: list[tuple[Kind, Proposed]] = [
        ("recommended", Proposed(found.setup, found.estimate, found.test)),
        *(("instead", each) for each in found.alternatives),
    ]
    known = {each.setup for _, each in offered}
    offered += [("front", each) for each in front if each.setup not in known]
    return Recommended(
        found,
        tuple(Offer(kind, each, as_shown(each.setup, model.run, model.space)) for kind, each in offered),
        _single(model, found.reference),
        "cost" if wish.prefer == "cost" or "max_latency" not in model.space.stops else "latency",
    )


def _single(model: Model, llm: str) -> Row | None:
    """The row of best-single on test."""
    if "test" not in model.space.splits:
        return None
    return model.row(replace(ShownSetup.of(model.space), split="test"), row_keys.llm(llm))
