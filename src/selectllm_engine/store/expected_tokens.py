"""How many tokens questions are expected to take, as `train` keeps it beside the routers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import DamagedError
from selectllm_engine.store.manifests import MOST, TOKENS
from selectllm_engine.store.scores import aligned, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from selectllm_engine.store.cache import Cache

__all__ = ["ExpectedTokens", "read_expected_tokens"]


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedTokens:
    """Per question and LLM the tokens of the prompt and of an answer; tables as those of routers."""

    prompt: pl.DataFrame
    output: pl.DataFrame

    def of(self, questions: pl.DataFrame, llms: Sequence[str]) -> NDArray[np.float32]:
        """Those of some questions and LLMs, float32 [Q, N, 2]; NaN where nothing is stored, or no number of tokens."""
        both = np.stack([aligned(frame, llms, questions)[0] for frame in (self.prompt, self.output)], axis=2)
        return np.where((both >= 0) & (both < MOST), both, np.nan).astype(np.float32)


def read_expected_tokens(cache: Cache, benchmark: str) -> ExpectedTokens | None:
    """What is stored; None where nothing is, or it can't be read, which is among the cache's problems then."""
    tables = []
    for path in (cache.folder(benchmark) / TOKENS / f"{name}.parquet" for name in ("prompt", "output")):
        try:
            tables.append(read_table(path))
        except FileNotFoundError:
            return None
        except DamagedError as error:
            cache.report(path, error.problem)
            return None
    return ExpectedTokens(*tables)
