"""Where benchmarks come from: the table of sources, one module each, and a person's own files.

A source module has one public function, `load`. A new source is such a module and a line in `SOURCES`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks.benchmark import refuse_sizes
from selectllm_engine.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selectllm_engine.benchmarks.benchmark import Benchmark

__all__ = ["SOURCES", "known_sizes", "load_benchmark"]

SOURCES: dict[str, str] = {
    "gsm8k": "selectllm_engine.benchmarks.gsm8k",
    "mmlu": "selectllm_engine.benchmarks.mmlu",
    "reasoning": "selectllm_engine.benchmarks.reasoning",
}
OWN_FILES = "selectllm_engine.benchmarks.files"  # any other name, read from `data`


def load_benchmark(
    name: str, *, data: Path | None = None, sizes: Mapping[str, int] | None = None, seed: int = 0
) -> Benchmark:
    """Read or make the questions of a benchmark.

    Args:
        name: one of SOURCES; any other name together with `data` is a person's own questions.
        data: a folder (or a file, for own questions) to read instead of the Hugging Face hub.
        sizes: questions per split, for sources that generate them.
        seed: of the validation draw or of the generated questions; the same seed gives the same questions.

    Raises:
        UnknownNameError: no such source, and no `data`.
        UsageError: an argument that the source has no use for.
        MissingExtraError: the source needs libraries that are not installed.
        BenchmarkError: the questions cannot be read.
    """
    if name in SOURCES:
        return _module(SOURCES[name]).load(data=data, sizes=sizes, seed=seed)  # type: ignore[no-any-return]
    if data is None:
        raise UnknownNameError("benchmark", name, SOURCES)
    refuse_sizes(name, sizes)
    return _module(OWN_FILES).load(name, data=data)  # type: ignore[no-any-return]


def known_sizes(name: str) -> dict[str, int] | None:
    """Questions per split of a source, told without reading it; None for a person's own benchmark."""
    return dict(_module(SOURCES[name]).SIZES) if name in SOURCES else None


def _module(path: str) -> Any:
    return import_module(path)
