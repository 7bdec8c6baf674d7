"""The benchmarks that are known by name: a description of each, and what its card says of it.

Splits are the published ones; `note` says where ours are not, and what else to know. `confirmed` is whether the layout
of the columns was found on the data set's own public card, not only in code that reads it; the hub's files themselves
were not at hand.
"""

from __future__ import annotations

from selectllm_engine.benchmarks.configurations import names
from selectllm_engine.benchmarks.preset import Preset
from selectllm_engine.benchmarks.presets_with_options import WITH_OPTIONS
from selectllm_engine.benchmarks.presets_without_options import WITHOUT_OPTIONS

__all__ = ["PRESETS", "Preset"]

PRESETS: dict[str, Preset] = {
    name: (WITH_OPTIONS | WITHOUT_OPTIONS)[name]
    for name in names(
        """
        gsm8k mmlu mmlu-pro mmlu-redux arc-easy arc-challenge commonsense-qa openbookqa hellaswag winogrande boolq piqa
        truthfulqa-mc1 gpqa sciq medqa agieval bbh math math-500 aime svamp asdiv multiarith aqua-rat mgsm global-mmlu
        drop triviaqa nq-open strategyqa
        """
    )
}
