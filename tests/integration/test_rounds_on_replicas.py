"""Sampling until votes are decided, on a Ray cluster of several nodes: what one engine would make, whatever dies."""

import random
import signal
import subprocess
import time
from dataclasses import replace
from importlib.util import find_spec

import polars as pl
import pytest

from fake_engine import fake_weights
from fake_replay import FAKE_REPLAY_WORKER, fake_recording
from fakes import fake_manifest, fake_questions
from paths import TESTS
from ray_clusters import fake_gpu_cluster
from selectllm_engine.evaluation import StopRule, next_round
from selectllm_engine.generation.scheduler import Workers
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Variant
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.outcome_arrays import load_outcomes

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings

if find_spec("ray") is None:
    pytest.skip("needs ray", allow_module_level=True)

GIVE_UP = 900.0  # seconds; only a hang takes so long
QUESTIONS = 120
MOST = 20  # samples that are recorded of each question
NAMES = ("a", "a/hot")
KILLS = 6
AGAIN = 60  # samples that are made between two kills: more than what was in flight at one of them


@pytest.fixture(scope="module")
def cluster():
    with fake_gpu_cluster() as cluster:
        yield cluster


class ReplicasLab:
    """A cache that replicas fill with what was recorded of an LLM and of a variant."""

    def __init__(self, folder, address):
        self._folder = folder
        self._questions = fake_questions({"test": QUESTIONS})
        self._recorded = {name: fake_recording(self._questions, MOST, seed) for seed, name in enumerate(NAMES)}
        files = {name: folder / f"{name.replace('/', '-')}.parquet" for name in NAMES}
        for name, file in files.items():
            self._recorded[name].write_parquet(file)
        self.cache = Cache(folder / "cache")
        self.cache.write_questions("fake", self._questions)
        behaviour = {"recorded": {name: str(file) for name, file in files.items()}, "among_others": True}
        weights = fake_weights(folder / "weights", **behaviour, into=str(self.cache.root), delay=0.02)
        self._llm = LLM(name="a", weights=str(weights), parameters=1.0)
        self._address = address

    def spec(self, samples):
        hot = replace(self._llm, name="a/hot", variant=Variant(of="a", changes={"temperature": 1.5}))
        tasks = (Task(benchmark="fake", samples=samples, terse=True, stop="decided", llm=llm) for llm in (None, hot))
        return WorkerSpec(llm=self._llm, cache=str(self.cache.root), tasks=tuple(tasks), ray=self._address)

    def run(self, samples, act=lambda *_: None):
        """All that the worker tells; `act(event, workers)` may interfere."""
        told, start = [], time.monotonic()
        with Workers([self.spec(samples)], command=FAKE_REPLAY_WORKER, logs=self._folder / "logs") as workers:
            for event in workers:
                assert time.monotonic() - start < GIVE_UP
                if event is not None:
                    told.append(event)
                    act(event, workers)
        assert not [event.fields for event in told if event.kind in {"failed", "retry"}]
        return told

    def check(self, *numbers):
        """Exactly what the rule asks for of each question, for one K after the other; and the votes of all samples."""
        samples = numbers[-1]
        whole = Cache(self._folder / f"whole-{samples}")
        whole.write_questions("fake", self._questions)
        for name, recorded in self._recorded.items():
            with whole.writer("fake", name) as writer:
                writer.start(fake_manifest(name, samples=samples))
                writer.append(recorded.filter(pl.col("sample") < samples), {})
            said = whole.answers("fake", name).sort("question_id", "sample").group_by("question_id").agg("answer")
            wanted = {question_id: _rounds(answers, numbers) for question_id, answers in said.iter_rows()}
            assert sum(wanted.values()) < 0.95 * QUESTIONS * samples
            parts = self.cache.parts("fake", name).listed()
            made = pl.concat([pl.read_parquet(part.path) for part in parts]).sort("question_id", "sample")
            limit = pl.col("question_id").replace_strict(wanted)
            expected = recorded.filter(pl.col("sample") < limit).sort("question_id", "sample")
            key = ["question_id", "sample", "text"]
            assert made.select(key).equals(expected.select(key))
        assert not self.cache.verify()
        ours, theirs = (load_outcomes(cache, "fake", "test") for cache in (self.cache, whole))
        assert (ours.samples, ours.left_out_total) == (theirs.samples, 0) == (samples, 0)
        assert (ours.labels == theirs.labels).all()


def _rounds(answers, numbers):
    """How many of the samples are made of a question."""
    made = 0
    for samples in numbers:
        while more := next_round(answers[:made], samples, StopRule()):
            made += more
    return made


@pytest.fixture
def replicas_lab(tmp_path, monkeypatch, cluster):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    return ReplicasLab(tmp_path, cluster.address)


def test_replicas_make_what_one_engine_would_and_a_larger_k_adds_to_it(replicas_lab):
    told = replicas_lab.run(10)
    assert max(len(event.fields["rates"]) for event in told if event.kind == "replicas") == 3
    replicas_lab.check(10)
    assert not [event for event in replicas_lab.run(10) if event.kind == "replicas"], "nothing is missing"
    replicas_lab.run(20)
    replicas_lab.check(10, 20)


def test_kills_of_replicas_nodes_and_drivers_change_nothing(replicas_lab, cluster):
    chance = random.Random(17)
    for _ in range(2):
        driver = subprocess.Popen(
            FAKE_REPLAY_WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        driver.stdin.write(replicas_lab.spec(10).to_json().encode() + b"\n")
        driver.stdin.flush()
        done = chance.randint(2, 9)
        while f'"tokens": {done}'.encode() not in driver.stdout.readline():  # of 5 a sample: 20, 21, 200, …
            assert driver.poll() is None
        driver.kill()
        driver.communicate()
    made = sum(replicas_lab.cache.sampled("fake", name).height for name in replicas_lab.cache.llms("fake"))
    assert 0 < made < 10 * QUESTIONS
    kills, losses, next_kill, replicas = [], 0, 0, 0

    def act(event, _):
        nonlocal losses, next_kill, replicas
        losses += event.kind == "lost"
        replicas = len(event.fields["rates"]) if event.kind == "replicas" else replicas
        if event.kind != "progress" or not event.fields["tokens"] or not replicas or len(kills) == KILLS:
            return
        made = event.fields["tokens"] // 5
        if made < next_kill and event.fields.get("llm") == (kills[-1][0] if kills else None):
            return
        kind = chance.choice(["replica", "process", "node"])
        if kind == "node":
            cluster.replace_node(chance.randrange(3))
        elif not cluster.kill_replica(chance, signal.SIGTERM if kind == "replica" else signal.SIGKILL):
            return
        kills.append((event.fields.get("llm"), kind))
        next_kill = made + AGAIN

    replicas_lab.run(10, act)
    assert kills
    assert losses
    replicas_lab.check(10)
