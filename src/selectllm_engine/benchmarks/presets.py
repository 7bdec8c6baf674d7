"""The benchmarks that are known by name: a description of each, and what its card says of it.

Splits are the published ones; `note` says where ours are not, and what else to know. `confirmed` is whether the layout
of the columns was found on the data set's own public card, not only in code that reads it; the hub's files themselves
were not at hand.
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


def _published(*ours: str, **others: str) -> dict[str, Part]:
    """The source's splits of these names, and others of ours from those that are named."""
    return {each: Part(of=each) for each in ours} | {each: Part(of=of) for each, of in others.items()}


# Where the published test split has no answers, the published validation split is test and train gives validation.
_WITHOUT_TEST = {
    "train": Part(of="train", share=0.9),
    "validation": Part(of="train", share=0.1),
    "test": Part(of="validation"),
}
_NO_ANSWERS = "its test split has no answers: validation is test, a tenth of train validation"
_FIVE = Exemplars(of="train", take=5)

_ARC = Description(
    hub="allenai/ai2_arc",
    question="question",
    choices="choices.text",
    labels="choices.label",
    answer="answerKey",
    split=_published("train", "validation", "test"),
    exemplars=_FIVE,
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
    "mmlu-pro": Preset(
        description=Description(
            hub="TIGER-Lab/MMLU-Pro",
            question="question",
            choices="options",
            answer="answer_index",
            subject="category",
            rationale="cot_content",
            split=_published("test"),
            exemplars=Exemplars(of="validation"),
        ),
        sizes={"test": 12032},
        source="Wang et al. 2024, arXiv 2406.01574",
        licence="MIT",
        confirmed=False,
        note="up to ten options; its validation split gives the exemplars",
    ),
    "arc-easy": Preset(
        description=replace(_ARC, config=("ARC-Easy",)),
        sizes={"train": 2246, "validation": 570, "test": 2376},
        source="Clark et al. 2018, arXiv 1803.05457",
        licence="CC BY-SA 4.0",
        note="five train questions are the exemplars",
    ),
    "arc-challenge": Preset(
        description=replace(_ARC, config=("ARC-Challenge",)),
        sizes={"train": 1114, "validation": 299, "test": 1172},
        source="Clark et al. 2018, arXiv 1803.05457",
        licence="CC BY-SA 4.0",
        note="five train questions are the exemplars",
    ),
    "commonsense-qa": Preset(
        description=replace(_ARC, hub="tau/commonsense_qa", split=_WITHOUT_TEST),
        sizes={"train": 8762, "validation": 974, "test": 1221},
        source="Talmor et al. 2019, arXiv 1811.00937",
        licence="MIT",
        note=_NO_ANSWERS,
    ),
    "openbookqa": Preset(
        description=replace(_ARC, hub="allenai/openbookqa", config=("main",), question="question_stem"),
        sizes={"train": 4952, "validation": 500, "test": 500},
        source="Mihaylov et al. 2018, arXiv 1809.02789",
        note="five train questions are the exemplars",
    ),
    "hellaswag": Preset(
        description=Description(
            hub="Rowan/hellaswag",
            question="{activity_label}: {ctx}",
            choices="endings",
            labels=("0", "1", "2", "3"),
            answer="label",
            split=_WITHOUT_TEST,
            remove={"question": r" \[[a-z]+\]", "choices": r" ?\[[a-z]+\]"},
            exemplars=_FIVE,
        ),
        sizes={"train": 35910, "validation": 3990, "test": 10042},
        source="Zellers et al. 2019, arXiv 1905.07830",
        licence="MIT",
        note=f"asked as a question with four letters; {_NO_ANSWERS}",
    ),
    "winogrande": Preset(
        description=Description(
            hub="allenai/winogrande",
            config=("winogrande_xl",),
            question="Which option fills the blank? {sentence}",
            choices=("option1", "option2"),
            labels=("1", "2"),
            answer="answer",
            split=_WITHOUT_TEST,
            exemplars=_FIVE,
        ),
        sizes={"train": 36353, "validation": 4040, "test": 1267},
        source="Sakaguchi et al. 2019, arXiv 1907.10641",
        licence="CC BY",
        confirmed=False,
        note=_NO_ANSWERS,
    ),
    "boolq": Preset(
        description=Description(
            hub="google/boolq",
            question="{passage}\n\n{question}? Answer yes or no.",
            answer="answer",
            kind="word",
            split=_WITHOUT_TEST,
            exemplars=_FIVE,
        ),
        sizes={"train": 8479, "validation": 943, "test": 3270},
        source="Clark et al. 2019, arXiv 1905.10044",
        licence="CC BY-SA 3.0",
        note=_NO_ANSWERS,
    ),
    "piqa": Preset(
        description=Description(
            hub="ybisk/piqa",
            revision="~parquet",
            config=("plain_text",),
            files={"train": ("{config}/train/*.parquet",), "validation": ("{config}/validation/*.parquet",)},
            question="How is this done best? {goal}",
            choices=("sol1", "sol2"),
            answer="label",
            split=_WITHOUT_TEST,
            exemplars=_FIVE,
        ),
        sizes={"train": 14497, "validation": 1611, "test": 1838},
        source="Bisk et al. 2019, arXiv 1911.11641",
        note=_NO_ANSWERS,
    ),
    "truthfulqa-mc1": Preset(
        description=Description(
            hub="truthfulqa/truthful_qa",
            config=("multiple_choice",),
            question="question",
            choices="mc1_targets.choices",
            answer="mc1_targets.labels",
            split=_published(test="validation"),
            shuffle_choices=0,
        ),
        sizes={"test": 817},
        source="Lin, Hilton, Evans 2021, arXiv 2109.07958",
        licence="Apache 2.0",
        confirmed=False,
        note="options are shuffled, for the first is always right; its only split, validation, is test",
    ),
    "sciq": Preset(
        description=Description(
            hub="allenai/sciq",
            question="question",
            choices=("correct_answer", "distractor1", "distractor2", "distractor3"),
            answer="correct_answer",
            split=_published("train", "validation", "test"),
            shuffle_choices=0,
            exemplars=_FIVE,
        ),
        sizes={"train": 11674, "validation": 1000, "test": 1000},
        source="Welbl, Liu, Gardner 2017, arXiv 1707.06209",
        licence="CC BY-NC 3.0",
        note="options are shuffled; without the supporting paragraph; five train questions are the exemplars",
    ),
    "aqua-rat": Preset(
        description=Description(
            hub="deepmind/aqua_rat",
            config=("raw",),
            question="question",
            choices="options",
            answer="correct",
            labels=("A", "B", "C", "D", "E"),
            rationale="rationale",
            split=_published("train", "validation", "test"),
            remove={"choices": r"^[A-E]\)"},
            exemplars=_FIVE,
        ),
        sizes={"train": 97462, "validation": 254, "test": 254},
        source="Ling et al. 2017, arXiv 1705.04146",
        licence="Apache 2.0",
        note="five train questions are the exemplars",
    ),
    "svamp": Preset(
        description=Description(
            hub="ChilleD/SVAMP",
            question="{Body} {Question}",
            answer="Answer",
            kind="number",
            split=_published("train", "test"),
            exemplars=_FIVE,
        ),
        sizes={"train": 695, "test": 300},
        source="Patel, Bhattamishra, Goyal 2021, arXiv 2103.07191",
        licence="MIT",
        confirmed=False,
        note="five train questions are the exemplars",
    ),
    "multiarith": Preset(
        description=Description(
            hub="ChilleD/MultiArith",
            question="question",
            answer="final_ans",
            kind="number",
            split=_published("train", "test"),
            exemplars=_FIVE,
        ),
        sizes={"train": 415, "test": 180},
        source="Roy, Roth 2015, arXiv 1608.01413",
        confirmed=False,
        note="five train questions are the exemplars",
    ),
    "strategyqa": Preset(
        description=Description(
            hub="ChilleD/StrategyQA",
            question="{question} Answer yes or no.",
            answer="answer",
            kind="word",
            split=_published("train", "test"),
            exemplars=_FIVE,
        ),
        sizes={"train": 1598, "test": 687},
        source="Geva et al. 2021, arXiv 2101.02235",
        licence="MIT",
        confirmed=False,
        note="five train questions are the exemplars",
    ),
    "math-500": Preset(
        description=Description(
            hub="HuggingFaceH4/MATH-500",
            files={"test": ("test.jsonl",)},
            question="problem",
            answer="answer",
            kind="expression",
            subject="subject",
            split=_published("test"),
        ),
        sizes={"test": 500},
        source="Lightman et al. 2023, arXiv 2305.20050",
        confirmed=False,
        note="answers are compared by their normal form, without algebra",
    ),
    "aime": Preset(
        description=Description(
            hub="HuggingFaceH4/aime_2024",
            question="problem",
            answer="answer",
            kind="number",
            split=_published(test="train"),
        ),
        sizes={"test": 30},
        source="American Invitational Mathematics Examination 2024",
        note="its only split, train, is test",
    ),
}
