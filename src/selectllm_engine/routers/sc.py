"""`sc`: separate classifiers, an encoder fine-tuned for each LLM on its own (the study's)."""

from __future__ import annotations

from selectllm_engine.routers.mlc import FineTuned

__all__ = ["Separate"]


class Separate(FineTuned):
    """One encoder per LLM, each with one output: N times the time and the weights of `mlc`."""

    def _groups(self, llms: int) -> list[list[int]]:
        return [[llm] for llm in range(llms)]
