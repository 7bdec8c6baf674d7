#!/usr/bin/env python3
"""Throughput of two replicas beside one, and of one beside an engine without a pool, on a Ray cluster on this machine.

python perf/replicas.py FOLDER [--questions 60] [--samples 4] [--max-tokens 64] [--rounds 3]

FOLDER holds weights for vLLM on CPU. Each node of the cluster gets half of this machine's cores, for one replica.
All nodes share this machine, so that two replicas compute on twice the cores that one has, and on no more memory
bandwidth: on machines of their own they would share nothing but the driver. The three ways take turns; time is counted
from the first sample that comes back to the last, loading left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from selectllm_engine.generation.hardware import cores, cpu_name
from selectllm_engine.generation.scheduler import Workers
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Sampling
from selectllm_engine.store import open_cache
from selectllm_engine.store.cache import Cache

if TYPE_CHECKING:
    import polars as pl

BENCHMARK = "reasoning"
OBJECTS = 100 << 20


@contextlib.contextmanager
def ray_cluster(nodes: int, share: int) -> Any:
    """The address of a cluster with a head and some nodes of `share` cores."""
    from ray.cluster_utils import Cluster

    size = {"object_store_memory": OBJECTS, "include_dashboard": False, "num_gpus": 0}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **size})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=share, **size)
        yield cluster.address
    finally:
        cluster.shutdown()


def speed(spec: WorkerSpec, questions: pl.DataFrame, *, replicas: int) -> float:
    """Tokens per second from when all replicas are there."""
    told: list[tuple[float, int]] = []
    there = 0
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "cache")
        cache.write_questions(BENCHMARK, questions)
        with Workers([replace(spec, cache=str(cache.root))], logs=Path(folder)) as workers:
            for event in workers:
                if event is None:
                    continue
                if event.kind in {"failed", "retry", "lost"}:
                    raise SystemExit(str(event.fields))
                there = len(event.fields["rates"]) if event.kind == "replicas" else there
                if event.kind == "progress" and event.fields["tokens"] and there >= replicas:
                    told.append((perf_counter(), event.fields["tokens"]))
                if event.kind == "phase" and event.fields["phase"] == "timing":
                    workers.interrupt()
    if len(told) < 2:
        raise SystemExit("too few questions: all were done before all replicas were there")
    (begun, before), (ended, after) = told[0], told[-1]
    return (after - before) / (ended - begun)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the LLM's weights")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    share = max(1, cores() // 2)
    questions = open_cache().questions(BENCHMARK).head(arguments.questions)
    llm = LLM(name="timed", weights=str(arguments.folder), sampling=Sampling(max_tokens=arguments.max_tokens))
    task = Task(benchmark=BENCHMARK, samples=arguments.samples, terse=True)
    spec = WorkerSpec(llm=llm, cache="", tasks=(task,))
    rounds: list[dict[str, float]] = []
    for number in range(arguments.rounds):
        speeds: dict[str, float] = {}
        for replicas in (1, 2) if number % 2 else (2, 1):
            with ray_cluster(replicas, share) as address:
                speeds[f"{replicas}"] = speed(replace(spec, ray=address), questions, replicas=replicas)
        os.environ["OMP_NUM_THREADS"] = str(share)
        speeds["alone"] = speed(spec, questions, replicas=0)
        del os.environ["OMP_NUM_THREADS"]
        rounds.append(speeds)
        print(
            f"round {number + 1}: " + ", ".join(f"{way} {rate:.0f} tokens/s" for way, rate in speeds.items()),
            flush=True,
        )
    print(f"vLLM on {cpu_name()}; each replica on {share} of them, all on the same machine")
    for what, over, under in (("two replicas / one", "2", "1"), ("one replica / no pool", "1", "alone")):
        ratios = [speeds[over] / speeds[under] for speeds in rounds]
        print(f"{what}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
