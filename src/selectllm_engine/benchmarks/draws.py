"""Random orders that the seed alone decides, on every machine and with every version of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.benchmarks.benchmark import ranked

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["drawn", "shuffled_within"]

_FEW = 100_000  # names, up to which a digest of each costs nothing that is felt


def drawn(names: pl.Series, seed: int) -> NDArray[np.int64]:
    """The positions of Q names in a random order, int64 [Q].

    Up to 100,000 names it depends on the names (`ranked`), with more on how many they are.
    """
    if len(names) > _FEW:
        return np.argsort(_mixed(np.arange(len(names), dtype=np.uint64), seed), kind="stable")
    place = {name: position for position, name in enumerate(names)}
    return np.fromiter((place[name] for name in ranked(place, seed)), np.int64, len(place))


def shuffled_within(counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """For Q lists of `counts` elements an order of each: int64 [Q, longest], positions beyond a list's end last."""
    rows, longest = len(counts), int(counts.max(initial=0))
    keys = _mixed(np.arange(rows * longest, dtype=np.uint64), seed).reshape(rows, longest)
    keys[np.arange(longest) >= counts[:, None]] = np.iinfo(np.uint64).max
    return np.argsort(keys, axis=1, kind="stable")


def _mixed(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea, Flood 2014) of every number's place in the stream that a seed begins."""
    with np.errstate(over="ignore"):
        mixed = (numbers + np.uint64(1) + np.uint64(seed % (1 << 64)) * np.uint64(0xD1342543DE82EF95)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
