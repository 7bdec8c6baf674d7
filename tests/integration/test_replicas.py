"""Replicas of an LLM on a Ray cluster of several nodes, made up on this machine: what is lost is made again, once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from fake_engine import FAKE_WORKER, fake_weights
from fakes import fake_questions
from paths import TESTS
from selectllm_engine.generation.scheduler import Workers
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Sampling
from selectllm_engine.store.cache import Cache

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings

if find_spec("ray") is None:
    pytest.skip("needs ray", allow_module_level=True)

from ray_clusters import fake_gpu_cluster

GIVE_UP = 900.0  # seconds; only a hang takes so long
LLMS = os.environ.get("SELECTLLM_TEST_LLMS", "")
NAME = "smollm2-135m-it"
KILLS = 20
AGAIN = 60  # samples that are made between two kills: more than what was in flight at one of them


@pytest.fixture
def cluster():
    with fake_gpu_cluster() as cluster:
        yield cluster


def make(tmp_path, monkeypatch, *, questions, samples, address, **behaviour):
    """A cache with questions, and what a worker is told to make of them."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    cache = Cache(tmp_path / "cache")
    cache.write_questions("fake", fake_questions({"test": questions}))
    task = Task(benchmark="fake", samples=samples, terse=True)
    llm = LLM(name="a", weights=str(fake_weights(tmp_path / "a", **behaviour)))
    return cache, WorkerSpec(llm=llm, cache=str(cache.root), tasks=(task,), ray=address)


def sound(cache, questions, samples):
    """Exactly K samples of every question, none twice in any part."""
    rows = pl.concat([pl.read_parquet(part.path) for part in cache.parts("fake", "a").listed()])
    assert sorted(rows.select("question_id", "sample").rows()) == sorted(
        (f"test-{question}", sample) for question in range(questions) for sample in range(samples)
    )
    assert rows["text"].n_unique() == rows.height


def test_twenty_random_kills_and_exactly_k(tmp_path, monkeypatch, cluster):
    """Of replicas (a signal that Ray hears), their processes, and nodes, at random moments."""
    chance = random.Random(17)
    cache, spec = make(
        tmp_path, monkeypatch, questions=1000, samples=4, address=cluster.address, capacity=8, delay=0.02
    )
    kills, losses, next_kill, replicas, problems = [], 0, 10, 0, []
    start = time.monotonic()
    with Workers([spec], command=FAKE_WORKER, logs=tmp_path / "logs") as workers:
        for event in workers:
            assert time.monotonic() - start < GIVE_UP
            if event is None:
                continue
            losses += event.kind == "lost"
            replicas = len(event.fields["rates"]) if event.kind == "replicas" else replicas
            problems += [event.fields] if event.kind in {"failed", "retry"} else []
            if event.kind != "progress" or len(kills) == KILLS or event.fields["done"] < next_kill or not replicas:
                continue
            kind = chance.choice(["replica", "process", "process", "node"])
            if kind == "node":
                cluster.replace_node(chance.randrange(3))
            elif not cluster.kill_replica(chance, signal.SIGTERM if kind == "replica" else signal.SIGKILL):
                continue
            kills.append(kind)
            next_kill = event.fields["done"] + AGAIN + chance.randrange(100)
    assert not problems
    assert len(kills) == KILLS
    assert {*kills} == {"replica", "process", "node"}
    assert losses
    sound(cache, 1000, 4)
