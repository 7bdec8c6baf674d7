"""The transformers engine, on a GPU or the CPU: the way for machines without vLLM.

Samples are computed in batches of prompts of similar length, padded on the left. A prompt goes through the LLM once,
whatever the number of its samples. A batch advances by a few tokens per step; samples that have ended leave it then.
"""

from __future__ import annotations

import functools
import os
import time
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field, fields
from math import fsum
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import EngineError
from selectllm_engine.generation.engine import Completion, Finished, Timing
from selectllm_engine.generation.hardware import cores, cpu_name, gpu_name
from selectllm_engine.generation.tokenizers import Tokenizer, remedy, telling_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.generation.engine import Encoded
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import Sampling

__all__ = ["TransformersEngine", "load"]

CPU_CAPACITY, GPU_CAPACITY = 32, 128  # samples of a batch
STEP_TOKENS = 16  # by which a batch advances
_TAIL = 8  # tokens that a stop string may start before it, cut inside a character
_REMEDY = "free memory on the device, or take a smaller LLM or --max-tokens"


def load(spec: WorkerSpec, folder: Path) -> TransformersEngine:
    """The engine for the weights in a folder, with its tokenizer; on a GPU where there is one.

    Raises:
        EngineError: there is no GPU where one was asked for, or the tokenizer can't be loaded.
    """
    del spec
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    asked = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if asked and not torch.cuda.is_available():
        why = "the installed torch is made for CPU" if torch.version.cuda is None else "torch finds no such GPU"
        raise EngineError(f"GPU {asked} cannot be used: {why}", "leave --gpu out, or install a torch for CUDA")
    return TransformersEngine(folder, device="cuda" if torch.cuda.is_available() else "cpu")


@dataclass(slots=True)
class _PromptSamples:
    """A prompt, and its completions as they get done."""

    id: str
    tokens: Sequence[int]
    sampling: Sampling
    completions: list[Completion | None]


@dataclass(slots=True)
class _Batch:
    """Samples that are computed together: row by row the request and the sample's number; all have the same age.

    ids and mask, integers [rows, tokens], hold the padded prompts and what was made of each; `cache` the keys and
    values of all tokens but the last; `logprobs`, floats [rows, made], are those of the tokens that were made.
    """

    rows: list[tuple[_PromptSamples, int]]
    ids: Any
    mask: Any
    cache: Any
    logprobs: Any
    made: int = 0

    @property
    def sampling(self) -> Sampling:
        return self.rows[0][0].sampling


@dataclass(slots=True)
class _StopsAt:
    """A stopping criterion of transformers: which rows have said one of `texts`."""

    texts: tuple[str, ...]
    tokenizer: Any
    start: int  # where new tokens begin
    tail: int = field(init=False)

    def __post_init__(self) -> None:
        self.tail = _TAIL + max(map(len, self.texts))

    def __call__(self, ids: Any, *_: Any, **__: Any) -> Any:
        import torch

        new = ids[:, max(self.start, ids.shape[1] - self.tail) :]
        ends = self.tokenizer.batch_decode(new, skip_special_tokens=True)  # as texts are read
        said = [any(text in end for text in self.texts) for end in ends]
        return torch.tensor(said, dtype=torch.bool, device=ids.device)


class _LogProbs:
    """A logits processor of transformers that changes nothing: the log-probabilities of the tokens that are drawn.

    They are the LLM's own, as vLLM tells them: before a repetition penalty, temperature and the like.
    """

    def __init__(self) -> None:
        self._logits: Any = None
        self._drawn: list[Any] = []

    def __call__(self, ids: Any, logits: Any) -> Any:
        self._draw(ids)
        self._logits = logits
        return logits

    def _draw(self, ids: Any) -> None:
        """Add that of the last token, which the logits of the step before led to."""
        if self._logits is not None:
            drawn = self._logits.gather(1, ids[:, -1:])
            self._drawn.append(drawn - self._logits.logsumexp(1, keepdim=True))

    def of(self, sequences: Any) -> Any:
        """Floats [rows, drawn tokens], of the tokens at the end of `sequences`; once all are there."""
        import torch

        self._draw(sequences)
        return torch.cat(self._drawn, dim=1)


class TransformersEngine:
    """One LLM in transformers; see `Engine` for what the methods do."""

    def __init__(self, folder: Path, *, device: str) -> None:
        self._folder = folder
        self._device = device
        self._tokenizer = Tokenizer(folder)
        self.encode = self._tokenizer.encode
        self.chat, self.context = self._tokenizer.chat, self._tokenizer.context
        self.capacity = GPU_CAPACITY if device == "cuda" else CPU_CAPACITY
        self.by_length = True
        self.step_tokens = STEP_TOKENS
        self._model: Any = None
        self._ends: list[int] = []
        self._waiting: deque[tuple[_PromptSamples, int]] = deque()
        self._batch: _Batch | None = None

    def start(self, *, longest: int, seed: int) -> None:
        """Load the weights: as bf16 on GPUs and on CPUs that know it, which is half the memory."""
        import torch
        from transformers import AutoModelForCausalLM

        del longest
        torch.manual_seed(seed)
        if self._device == "cpu":
            torch.set_num_threads(cores())
        try:
            model = AutoModelForCausalLM.from_pretrained(
                self._folder,
                dtype=self._dtype(),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
            self._model = model.eval().to(self._device)
        except Exception as error:
            what = _REMEDY if _out_of_memory(error) else remedy(error)
            raise EngineError(f"transformers cannot load it ({telling_line(error)})", what) from error
        ends = self._model.generation_config.eos_token_id
        ends = self._tokenizer.wrapped.eos_token_id if ends is None else ends
        self._ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)

    def _dtype(self) -> object:
        import torch

        fast = self._device == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.bfloat16 if fast else torch.float32

    def submit(self, request_id: str, prompt: Encoded, sampling: Sampling, samples: int) -> None:
        """Queue the samples of a prompt."""
        request = _PromptSamples(request_id, prompt.content, sampling, [None] * samples)
        self._waiting.extend((request, sample) for sample in range(samples))

    def unfinished(self) -> int:
        """Samples in the batch and in the queue."""
        return len(self._waiting) + (len(self._batch.rows) if self._batch else 0)

    def step(self) -> list[Finished]:
        """A few tokens for every sample of the batch; a smaller batch from its beginning where memory ran out."""
        import torch

        if not self.unfinished():
            return []
        try:
            with torch.inference_mode():
                batch = self._batch = self._batch or self._next()
                self._advance(batch)
                return self._collect(batch)
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            reason = telling_line(error)
        self._halve(reason)
        return []

    def _halve(self, reason: str) -> None:
        """Put the batch back, and take half as many samples at a time from now on."""
        import gc

        import torch

        size = min(self.capacity, self.unfinished()) if self._batch is None else len(self._batch.rows)
        if self._batch is not None:
            self._waiting.extendleft(reversed(self._batch.rows))
            self._batch = None
        if size <= 1:
            raise EngineError(f"a single sample needs more memory than there is ({reason})", _REMEDY)
        self.capacity = size // 2
        gc.collect()
        if self._device == "cuda":
            torch.cuda.empty_cache()

    def _next(self) -> _Batch:
        """The next batch, its prompts computed."""
        import torch

        sampling = self._waiting[0][0].sampling
        rows: list[tuple[_PromptSamples, int]] = []
        while self._waiting and len(rows) < self.capacity and self._waiting[0][0].sampling == sampling:
            rows.append(self._waiting.popleft())
        try:
            prompts = list({id(request): request for request, _ in rows}.values())
            longest = max(len(request.tokens) for request in prompts)
            short = [longest - len(each.tokens) for each in prompts]
            # Padding is masked, but counts as said where repetitions are penalised: so it repeats what is there.
            ids = torch.tensor(
                [[each.tokens[0]] * lacking + list(each.tokens) for each, lacking in zip(prompts, short, strict=True)]
            )
            mask = torch.tensor([[0] * lacking + [1] * (longest - lacking) for lacking in short])
            number = {id(request): at for at, request in enumerate(prompts)}
            of = torch.tensor([number[id(request)] for request, _ in rows]).to(self._device)
            ids, mask = ids.to(self._device), mask.to(self._device)
            cache = None
            if len(prompts) < len(rows) and longest > 1:  # once per prompt; then a copy for each of its samples
                cache = self._generate(ids[:, :-1], mask[:, :-1], None, sampling, new=1)[_cache_name()]
                cache.batch_select_indices(of)
        except BaseException:
            self._waiting.extendleft(reversed(rows))
            raise
        return _Batch(rows, ids[of], mask[of], cache, torch.empty(len(rows), 0, device=self._device))

    def _pad(self) -> int:
        """What follows the end of a sample within a step; which token does not matter."""
        known = [self._tokenizer.wrapped.pad_token_id, *self._ends]
        return next((each for each in known if each is not None), 0)

    def _generate(
        self,
        ids: Any,
        mask: Any,
        cache: Any,
        sampling: Sampling,
        *,
        new: int,
        exact: bool = False,
        made: int = 0,
        logprobs: _LogProbs | None = None,
    ) -> Any:
        """Up to `new` more tokens, of which the last `made` of `ids` are the first; exactly so many where `exact`."""
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList
        from transformers.generation import RepetitionPenaltyLogitsProcessor

        drawn: dict[str, object] = {"do_sample": False}
        if sampling.temperature > 0:
            drawn = {
                "do_sample": True,
                "temperature": float(sampling.temperature),  # whole numbers are refused
                "top_p": float(sampling.top_p),
                "top_k": sampling.top_k,
            }
        config = GenerationConfig(
            **drawn,
            max_new_tokens=new,
            min_new_tokens=new if exact else None,
            eos_token_id=self._ends or None,
            pad_token_id=self._pad(),
            return_dict_in_generate=True,
        )
        self._model.generation_config = config  # else what the LLM's own one says fills the gaps
        processors: list[Any] = [] if logprobs is None else [logprobs]
        if sampling.repetition_penalty != 1:  # behind it
            processors.append(RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty)))
        stops = []
        if sampling.stop and not exact:
            stops = [_StopsAt(sampling.stop, self._tokenizer.wrapped, ids.shape[1] - made)]
        return self._model.generate(
            input_ids=ids,
            attention_mask=mask,
            **{_cache_name(): cache},
            generation_config=config,
            logits_processor=LogitsProcessorList(processors),
            stopping_criteria=StoppingCriteriaList(stops),
        )

    def _room(self, request: _PromptSamples) -> int:
        """The most new tokens for a prompt."""
        asked = request.sampling.max_tokens
        return asked if self.context is None else max(1, min(asked, self.context - len(request.tokens)))

    def _advance(self, batch: _Batch) -> None:
        import torch

        new = min(self.step_tokens, min(self._room(request) for request, _ in batch.rows) - batch.made)
        drawn = _LogProbs()
        out = self._generate(
            batch.ids, batch.mask, batch.cache, batch.sampling, new=new, made=batch.made, logprobs=drawn
        )
        added = out.sequences.shape[1] - batch.ids.shape[1]
        batch.ids, batch.cache = out.sequences, out[_cache_name()]
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones(batch.mask.shape[0], added)], dim=1)
        batch.logprobs = torch.cat([batch.logprobs, drawn.of(out.sequences)], dim=1)
        batch.made += added

    def _collect(self, batch: _Batch) -> list[Finished]:
        """The requests that are complete now; the samples that have ended leave the batch."""
        import torch

        finished: list[Finished] = []
        staying: list[int] = []
        made = batch.ids[:, batch.ids.shape[1] - batch.made :].tolist()
        for at, ((request, sample), tokens, drawn) in enumerate(
            zip(batch.rows, made, batch.logprobs.tolist(), strict=True)
        ):
            completion = self._completion(tokens, drawn, request)
            if completion is None:
                staying.append(at)
                continue
            request.completions[sample] = completion
            done = [each for each in request.completions if each is not None]
            if len(done) == len(request.completions):
                finished.append(Finished(request.id, tuple(done)))
        if not staying:
            self._batch = None
        elif len(staying) < len(batch.rows):
            batch.rows = [batch.rows[at] for at in staying]
            kept = torch.tensor(staying, device=batch.ids.device)
            batch.ids, batch.mask, batch.logprobs = batch.ids[kept], batch.mask[kept], batch.logprobs[kept]
            batch.cache.batch_select_indices(kept)
        return finished

    def _completion(self, tokens: list[int], logprobs: list[float], request: _PromptSamples) -> Completion | None:
        """What a sample's new tokens amount to; None where it goes on."""

        def completion(text: str, length: int, reason: str) -> Completion:
            drawn = logprobs[:length]
            pieces = zip(self._tokenizer.pieces(tokens[:length]), drawn, strict=True)
            return Completion(text, length, reason, fsum(drawn) / length, tokens=tuple(pieces))

        end = next((at for at, token in enumerate(tokens) if token in self._ends), None)
        length = len(tokens) if end is None else end + 1
        text = self._tokenizer.wrapped.decode(tokens[:length], skip_special_tokens=True)
        stops = [at for at in (text.find(stop) for stop in request.sampling.stop) if at >= 0]
        if stops:
            return completion(text[: min(stops)], self._said(tokens[:length], request.sampling.stop), "stop")
        if end is not None:
            return completion(text, length, "stop")
        return completion(text, length, "length") if length >= self._room(request) else None

    def _said(self, tokens: list[int], stops: tuple[str, ...]) -> int:
        """How many tokens it took to say one of `stops`: those after it are padding, or from beside the batch."""

        def said(length: int) -> bool:
            text = self._tokenizer.wrapped.decode(tokens[:length], skip_special_tokens=True)
            return any(stop in text for stop in stops)

        return bisect_left(range(len(tokens)), x=True, key=said)

    def finish_soon(self) -> None:
        """Nothing: what is under way is computed here."""

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Time one prompt; the end of text is ruled out until it has so many tokens."""
        import torch

        with torch.inference_mode():
            ids = torch.tensor([list(prompt.content)], device=self._device)
            start = time.perf_counter()
            out = self._generate(ids, torch.ones_like(ids), None, sampling, new=output_tokens, exact=True)
            made = len(out.sequences[0].tolist()) - prompt.tokens  # waits for the GPU
            seconds = time.perf_counter() - start
        return Timing(prompt.tokens, made, seconds)

    def facts(self) -> Mapping[str, str]:
        """Versions and hardware."""
        from importlib.metadata import version

        return {
            "engine": f"transformers {version('transformers')}",
            "torch": version("torch"),
            "hardware": gpu_name() if self._device == "cuda" else cpu_name(),
        }


@functools.cache
def _cache_name() -> str:
    """What transformers calls keys and values: it was another name before 5.24 or so."""
    from transformers.generation import GenerateDecoderOnlyOutput

    new, old = "cache", "past_key_values"
    return new if any(each.name == new for each in fields(GenerateDecoderOnlyOutput)) else old


def _out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or (a plain RuntimeError) on the CPU."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text
