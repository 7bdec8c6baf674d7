"""The words that data sets have for splits."""

from __future__ import annotations

from selectllm_engine.benchmarks.benchmark import SPLITS

__all__ = ["SPLIT_WORDS"]

SPLIT_WORDS = {split: split for split in (*SPLITS, "exemplar")} | {
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "exemplars": "exemplar",
    "dev": "exemplar",
}
