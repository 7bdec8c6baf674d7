"""Digests of what a setup names and doesn't hold: a router's weights, and what a vote's weights are learned from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from selectllm_engine.errors import CacheError
from selectllm_engine.store import digest, read_file

if TYPE_CHECKING:
    from selectllm_engine.run import StoredRun
    from selectllm_engine.setups.setup import Setup

__all__ = ["router_digest", "vote_digest"]


def router_digest(run: StoredRun, router: str) -> str | None:
    """The digest of a router's weights, of its probabilities where it has none; None where neither can be read.

    Raises:
        UnknownNameError: no such router.
    """
    files = run.router_info(router).get("files")
    if isinstance(files, dict) and files:
        return digest(json.dumps(files, sort_keys=True).encode())
    try:
        return digest(read_file(run.cache.router_dir(run.benchmark, router) / "probabilities.parquet"))
    except (CacheError, OSError):
        return None


def vote_digest(run: StoredRun, setup: Setup) -> str | None:
    """The digest of a file of weights; of a learned vote that of the answers which teach it, None of an equal one.

    Weights are not the same to the last digit on every machine, the answers that they are learned from are.
    """
    if setup.vote_file is not None:
        try:
            return digest(read_file(Path(setup.vote_file)))
        except (CacheError, OSError):
            return None
    if not setup.learns:
        return None
    pool, parts = list(run.pool(setup.pool).mask), []
    for split in ("train", "validation"):
        prepared = run.beside(split, setup.k)
        if prepared is not None and prepared.outcomes.answers is not None:
            parts += [prepared.outcomes.gold.tobytes(), prepared.outcomes.answers[:, pool].tobytes()]
    return digest(b"".join(parts)) if parts else None
