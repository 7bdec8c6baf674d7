"""Tokens per second of `selectllm generate`'s runner against one bare call of vLLM's `LLM.generate`.

    python perf/throughput.py FOLDER [--questions 100] [--samples 5] [--max-tokens 128]

Both get the same prompts, sampling settings and engine settings, each in a process of its own, and are timed from the
first request to the last completion; the runner's time includes writing to a cache. Needs selectllm[vllm,reasoning].
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from selectllm_engine.benchmarks import load_benchmark
from selectllm_engine.cache import Cache
from selectllm_engine.generation import runner
from selectllm_engine.generation.engine import Encoded, make_engine
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Sampling

BENCHMARK = "reasoning"


class Timed:
    """An engine that notes when sampling began and what it finished; single prompts are not timed."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.prompts: list[Encoded] = []
        self.begun = 0.0
        self.tokens = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def start(self, **settings: Any) -> None:
        self._engine.start(**settings)
        self.begun = time.perf_counter()

    def submit(self, request_id: str, prompt: Encoded, sampling: Sampling, samples: int) -> None:
        self.prompts.append(prompt)
        self._engine.submit(request_id, prompt, sampling, samples)

    def step(self) -> Any:
        finished = self._engine.step()
        self.tokens += sum(made.output_tokens for each in finished for made in each.completions)
        return finished


def with_runner(arguments: argparse.Namespace) -> dict[str, float]:
    """Through the runner, into a cache."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        benchmark = load_benchmark(BENCHMARK, sizes={"train": 0, "validation": 0, "test": arguments.questions})
        cache.write_questions(BENCHMARK, benchmark.questions)
        task = Task(
            benchmark=BENCHMARK, samples=arguments.samples, terse=benchmark.terse, exemplars=benchmark.exemplars
        )
        llm = LLM(name="timed", weights=str(arguments.folder), sampling=Sampling(max_tokens=arguments.max_tokens))
        spec = WorkerSpec(llm=llm, cache=folder, tasks=(task,))
        made: list[Timed] = []
        ended = 0.0

        def load(spec: WorkerSpec, weights: Path | None) -> Any:
            made.append(Timed(make_engine(spec, weights)))
            return made[0]

        def emit(event: str, /, **fields: Any) -> None:
            nonlocal ended
            if event == "failed":
                raise SystemExit(fields["problem"])
            if fields.get("phase") == "timing":
                ended = time.perf_counter()
                stop.level = 1

        stop = runner.Stop()
        runner.run(spec, cache, load_engine=load, emit=emit, stop=stop)
        return {"tokens": made[0].tokens, "seconds": ended - made[0].begun}


def bare(arguments: argparse.Namespace) -> dict[str, float]:
    """One call of LLM.generate with all prompts."""
    from vllm import LLM as VLLM
    from vllm import SamplingParams

    benchmark = load_benchmark(BENCHMARK, sizes={"train": 0, "validation": 0, "test": arguments.questions})
    llm = LLM(name="timed", weights=str(arguments.folder))
    engine: Any = make_engine(WorkerSpec(llm=llm, cache="", tasks=()), arguments.folder)
    task = Task(benchmark=BENCHMARK, samples=arguments.samples, terse=benchmark.terse, exemplars=benchmark.exemplars)
    style = "zero-shot" if engine.chat else "few-shot"
    sampling = Sampling(max_tokens=arguments.max_tokens)
    settings = runner.Settings(chat=engine.chat, style=style, sampling=sampling)
    encode = runner.encoder(engine, task, settings)
    prompts = [encode(row) for row in benchmark.questions.iter_rows(named=True)]
    longest = max(prompt.tokens for prompt in prompts) + sampling.max_tokens
    llm = VLLM(**engine.settings(longest=longest, seed=0))
    params = SamplingParams(
        n=arguments.samples,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        stop=list(sampling.stop),
    )
    begun = time.perf_counter()
    outputs = llm.generate(
        [{"prompt_token_ids": prompt.content.tolist()} for prompt in prompts], params, use_tqdm=False
    )
    seconds = time.perf_counter() - begun
    return {"tokens": sum(len(each.token_ids) for output in outputs for each in output.outputs), "seconds": seconds}


WAYS = {"bare": bare, "runner": with_runner}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the LLM's weights")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many is taken")
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(WAYS[arguments.only](arguments)))
        return
    best = dict.fromkeys(WAYS, 0.0)
    for _ in range(arguments.rounds):
        for way in WAYS:
            done = subprocess.run(
                [sys.executable, *sys.argv, "--only", way], stdout=subprocess.PIPE, text=True, check=True
            )
            measured = json.loads(done.stdout.splitlines()[-1])
            speed = measured["tokens"] / measured["seconds"]
            best[way] = max(best[way], speed)
            print(
                f"{way}: {measured['tokens']:,.0f} tokens in {measured['seconds']:.1f} s, {speed:.0f} tokens/s",
                flush=True,
            )
    print(f"runner / bare: {best['runner'] / best['bare']:.3f}")


if __name__ == "__main__":
    main()
