"""A learned vote's weights as a file, to be used on another benchmark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from selectllm_engine.exporters.results import Exported, check_target, save

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from selectllm_engine.llms import Pool
    from selectllm_engine.run import StoredRun

__all__ = ["export_vote"]


def export_vote(
    run: StoredRun,
    path: Path,
    *,
    pool: Pool | Iterable[str] | None = None,
    router: str | None = None,
    k: int | None = None,
    force: bool = False,
) -> Exported:
    """Write the weights of a pool's learned vote as a small JSON object.

    Args:
        run: from `selectllm_engine.load`.
        path: a file that ends in .json.
        pool: whose votes are weighed; all LLMs without it.
        router: whose opinions count; then they are needed wherever the weights are used.
        k: learned from the first k samples; None for all.
        force: replace a file that is there.

    Raises:
        UsageError: the path can't be written to, or there is no such vote.
        UnknownNameError: an unknown LLM or router.
    """
    check_target(path, (".json",), force=force)
    weights = run.vote_weights(pool, router, k=k)
    save(path, (json.dumps(weights.to_dict(), indent=1, allow_nan=False) + "\n").encode())
    return Exported(path, weights.questions, weights.llms)
