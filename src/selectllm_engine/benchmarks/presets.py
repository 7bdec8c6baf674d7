"""The benchmarks that are known by name: a description of each, and what its card says of it.

Splits are the published ones; `note` says where ours are not, and what else to know. `confirmed` is whether the layout
of the columns was found in a public description of the data set; the hub's files themselves were not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selectllm_engine.benchmarks.description import Description, Exemplars, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A description, the questions per split that it gives, and where they come from."""

    description: Description
    sizes: Mapping[str, int]
    source: str
    licence: str | None = None
    confirmed: bool = True
    note: str | None = None

    @property
    def kind(self) -> str | None:
        """Of its answers."""
        return self.description.kind or ("letter" if self.description.choices else None)


_GSM8K = Description(
    hub="openai/gsm8k",
    config=("main",),
    question="question",
    answer="answer",
    rationale="answer",
    kind="number",
    patterns={"answer": r"####([^#]*)$", "rationale": r"(?s)^(.*)####"},
    remove={"rationale": r"<<[^<>]*>>"},  # <<48/2=24>> are calculator notes
    split={
        "train": Part(of="train", share=6816 / 7473),
        "validation": Part(of="train", share=359 / 7473),
        "test": Part(of="test"),
    },
    exemplars=Exemplars(of="train", take=5),
)
_MMLU = Description(
    hub="cais/mmlu",
    config=("all",),
    question="question",
    choices="choices",
    answer="answer",
    subject="subject",
    split={
        "train": Part(of="test", share=13757 / 14042),
        "validation": Part(of="test", share=285 / 14042),
        "test": Part(of="validation"),
    },
    exemplars=Exemplars(of="dev"),
)
_MMLU_BY_ITS_AUTHORS = replace(  # CSV files without a header, one per subject
    _MMLU,
    files={"test": ("test/*.csv",), "validation": ("val/*.csv",), "dev": ("dev/*.csv",)},
    columns=("question", "A", "B", "C", "D", "answer"),
    choices=("A", "B", "C", "D"),
    labels=("A", "B", "C", "D"),
    subject="file",
    patterns={"subject": "^(.*)_(?:test|val|dev)$"},
)

PRESETS: dict[str, Preset] = {
    "gsm8k": Preset(
        description=_GSM8K,
        sizes={"train": 6816, "validation": 359, "test": 1319},
        source="Cobbe et al. 2021, arXiv 2110.14168",
        licence="MIT",
        note="of the 7,473 train questions 6,816 are train and 359 validation, as in the study",
    ),
    "mmlu": Preset(
        description=replace(_MMLU, otherwise=_MMLU_BY_ITS_AUTHORS),
        sizes={"train": 13757, "validation": 285, "test": 1531},
        source="Hendrycks et al. 2021, arXiv 2009.03300",
        licence="MIT",
        note="its test split is train and validation, its validation split test, as in the study",
    ),
}
