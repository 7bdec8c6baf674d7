"""Times an architecture from its configuration alone: weights that vLLM makes up, prompts of random tokens.

How fast an LLM of some shape answers one prompt depends on its shape, and hardly on its weights.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from selectllm_engine.errors import EngineError, UsageError
from selectllm_engine.generation.engine import Encoded
from selectllm_engine.generation.latency import LONGEST, PROBES, measure_latency
from selectllm_engine.generation.weights import local_folder, read_config
from selectllm_engine.llms import Sampling

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.generation.runner import Emit, LoadEngine, Stop
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import LLM

__all__ = ["config_folder", "dummy_prompts", "time_dummy"]

SHORTEST_PROMPT, LONGEST_PROMPT = 32, 2048  # tokens


def config_folder(llm: LLM) -> Path:
    """The folder with an LLM's config.json.

    Raises:
        UsageError: it names no folder.
        EngineError: the folder has no configuration.
    """
    folder = local_folder(llm.weights)
    if folder is None:
        raise UsageError(f"{llm.weights} is no folder", f"download its config.json and write --llm {llm.name}=FOLDER")
    if not read_config(folder):
        raise EngineError(f"{llm.weights} has no config.json that can be read", "take the one of the LLM's repository")
    return folder


def dummy_prompts(vocabulary: int, context: int | None, *, seed: int = 0) -> list[Encoded]:
    """PROBES prompts of random tokens, from SHORTEST_PROMPT to LONGEST_PROMPT or what fits, growing by one factor."""
    import numpy as np

    longest = max(1, min(LONGEST_PROMPT, (context or LONGEST_PROMPT + LONGEST) - LONGEST))
    shortest = min(SHORTEST_PROMPT, longest)
    draw = np.random.default_rng(seed)
    lengths = [round(shortest * (longest / shortest) ** (at / (PROBES - 1))) for at in range(PROBES)]
    return [Encoded(array("I", draw.integers(vocabulary, size=each).tolist()), each) for each in lengths]


def time_dummy(spec: WorkerSpec, *, load_engine: LoadEngine, emit: Emit, stop: Stop) -> bool:
    """Time the LLM of a spec without weights and tell the fit; True when that was done.

    Raises:
        SelectLLMError: its configuration can't be read, or the engine can't make it up.
    """
    folder = config_folder(spec.llm)
    config = read_config(folder)
    vocabulary, context = config.get("vocab_size"), config.get("max_position_embeddings")
    if not isinstance(vocabulary, int) or vocabulary < 1:
        raise EngineError(f"the configuration of {spec.llm.name} names no vocab_size")
    prompts = dummy_prompts(vocabulary, context if isinstance(context, int) else None, seed=spec.seed)
    emit("phase", phase="loading")
    engine = load_engine(spec, folder)
    engine.start(longest=prompts[-1].tokens + LONGEST, seed=spec.seed)
    emit("phase", phase="timing")
    latency = measure_latency(engine, prompts, Sampling(), wanted=lambda: not stop.level)
    if latency is not None:
        emit("latency", benchmark=None, **latency)
    return latency is not None
