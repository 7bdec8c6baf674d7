"""Where benchmarks come from: presets, sources that make their questions, descriptions, and a person's own files.

A source module has one public function, `load`, and SIZES. A new preset is an entry of `PRESETS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks.presets import PRESETS
from selectllm_engine.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selectllm_engine.benchmarks.benchmark import Benchmark
    from selectllm_engine.benchmarks.description import Description

__all__ = ["SOURCES", "known_names", "known_sizes", "load_benchmark"]

SOURCES: dict[str, str] = {"reasoning": "selectllm_engine.benchmarks.reasoning"}
OWN_FILES = "selectllm_engine.benchmarks.files"  # any other name, read from `data`
DESCRIBED = "selectllm_engine.benchmarks.described_benchmarks"
MADE = "selectllm_engine.benchmarks.reasoning_kinds"


def known_names() -> tuple[str, ...]:
    """The benchmarks that are known without a file of one's own."""
    return (*PRESETS, *SOURCES)


def load_benchmark(
    name: str,
    *,
    data: Path | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    description: Description | None = None,
) -> Benchmark:
    """Read or make the questions of a benchmark.

    Args:
        name: one that is known; any other name together with `data` or a description is a person's own questions.
        data: a folder (or a file) to read instead of the Hugging Face hub.
        sizes: questions per split, for sources that make them.
        seed: of drawn splits or of the questions that are made; the same seed gives the same questions.
        description: of a person's own questions, or instead of a preset's.

    Raises:
        UnknownNameError: no such benchmark, and neither `data` nor a description.
        UsageError: an argument that the source has no use for.
        MissingExtraError: the source needs libraries that are not installed.
        BenchmarkError: the questions cannot be read.
    """
    kinds = description.kinds if description is not None else ()
    if kinds or (description is None and name in SOURCES):
        if data is not None:
            raise UsageError(
                f"{name} makes its questions itself", "leave the data out, or give your questions another name"
            )
        if kinds:
            return _module(MADE).load(name, kinds, sizes=sizes, seed=seed)  # type: ignore[no-any-return]
        return _module(SOURCES[name]).load(sizes=sizes, seed=seed)  # type: ignore[no-any-return]
    if description is None and name in PRESETS:
        description = PRESETS[name]
    if description is None and data is None:
        raise UnknownNameError("benchmark", name, known_names())
    if sizes:
        raise UsageError(
            f"{name} has a fixed number of questions", "limit how many are used instead of asking for sizes"
        )
    if description is None:
        return _module(OWN_FILES).load(name, data=data)  # type: ignore[no-any-return]
    return _module(DESCRIBED).load(name, description, data=data, seed=seed)  # type: ignore[no-any-return]


def known_sizes(name: str) -> dict[str, int] | None:
    """Questions per split of a benchmark, told without reading it; None for a person's own."""
    if name in PRESETS:
        return dict(PRESETS[name].sizes)
    return dict(_module(SOURCES[name]).SIZES) if name in SOURCES else None


def _module(path: str) -> Any:
    return import_module(path)
