"""What a benchmark that is known by name is, and the parts that many of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.benchmarks.description import Description, Exemplars, SplitShare

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONVERTED", "FIVE", "FIVE_SHOWN", "NO_ANSWERS", "WITHOUT_TEST", "Preset", "published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset(Description):
    """A description, the questions per split that it gives, and where they come from."""

    sizes: Mapping[str, int]
    source: str
    licence: str | None = None
    confirmed: bool = True
    note: str | None = None

    @property
    def answers(self) -> str | None:
        """Of which kind they are."""
        return self.kind or ("letter" if self.choices else None)


def published(*ours: str, **others: str) -> dict[str, SplitShare]:
    """The source's splits of these names, and others of ours from those that are named."""
    return {each: SplitShare(of=each) for each in ours} | {each: SplitShare(of=of) for each, of in others.items()}


# Where the published test split has no answers, the published validation split is test and train gives validation.
WITHOUT_TEST = {
    "train": SplitShare(of="train", share=0.9),
    "validation": SplitShare(of="train", share=0.1),
    "test": SplitShare(of="validation"),
}
NO_ANSWERS = "its test split has no answers: validation is test, a tenth of train validation"
FIVE = Exemplars(of="train", take=5)
FIVE_SHOWN = "five train questions are the exemplars"

# The hub's own conversion to Parquet, for data sets whose files are of another format.
CONVERTED = "~parquet"
