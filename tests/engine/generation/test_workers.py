"""Worker processes: what they tell, how they stop and die, and what is left then."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from fake_engine import FAKE_WORKER, fake_weights
from fakes import fake_questions
from paths import TESTS
from selectllm_engine.generation.scheduler import Workers
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM
from selectllm_engine.store.cache import Cache

GIVE_UP = 300.0  # seconds; only a hang takes so long
QUESTIONS = 30


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path / "cache")
    cache.write_questions("fake", fake_questions({"test": QUESTIONS}))
    return cache


@pytest.fixture
def spec(cache, tmp_path):
    def make(name="a", samples=4, **behaviour):
        folder = fake_weights(tmp_path / name, **behaviour)
        task = Task(benchmark="fake", samples=samples, terse=True)
        return WorkerSpec(llm=LLM(name=name, weights=str(folder)), cache=str(cache.root), tasks=(task,))

    return make


class Watch:
    """Runs workers to their end and keeps what they told; `act(event, workers)` may interfere."""

    def __init__(self, specs, tmp_path, *, act=None, gpus=()):
        self.events = []
        self.logs = tmp_path / "logs"
        with Workers(specs, gpus=gpus, command=FAKE_WORKER, logs=self.logs) as workers:
            start = time.monotonic()
            for event in workers:
                assert time.monotonic() - start < GIVE_UP
                if event is not None:
                    self.events.append(event)
                    if act:
                        act(event, workers)
            self.interrupted = workers.interrupted

    def of(self, kind, llm=None):
        return [event.fields for event in self.events if event.kind == kind and llm in {None, event.llm}]


def sound(cache, llm, samples):
    """Exactly K samples of every question, none twice in any part; nothing unfinished is left."""
    parts = cache.parts("fake", llm).listed()
    rows = pl.concat([pl.read_parquet(part.path) for part in parts])
    assert sorted(rows.select("question_id", "sample").rows()) == sorted(
        (f"test-{question}", sample) for question in range(QUESTIONS) for sample in range(samples)
    )
    assert rows["text"].n_unique() == rows.height
    assert not [problem for problem in cache.verify() if f"/{llm}/" in problem.path.as_posix()]


def test_from_start_to_end(cache, spec, tmp_path):
    watch = Watch([spec()], tmp_path)
    sound(cache, "a", 4)
    assert watch.events[0].kind == "started"
    assert [fields["phase"] for fields in watch.of("phase")] == ["preparing", "loading", "timing"]
    assert watch.of("progress")[-1] == {
        "benchmark": "fake",
        "done": 120,
        "spared": 0,
        "tokens": 600,
        "dollars": 0.0,
    }
    assert watch.of("ended")[0]["code"] == 0
    assert not list(watch.logs.iterdir()), "the log of a good run is of no use"


def test_llms_are_handed_out_to_gpus(cache, spec, tmp_path):
    watch = Watch([spec(name) for name in "abc"], tmp_path, gpus=("4", "7"))
    gpus = [fields["gpu"] for fields in watch.of("started")]
    assert gpus[:2] == ["4", "7"]
    assert set(gpus[2:]) <= {"4", "7"}
    kinds = [event.kind for event in watch.events if event.kind in {"started", "ended"}]
    assert kinds[:3] == ["started", "started", "ended"]
    for name in "abc":
        sound(cache, name, 4)


def test_the_gpu_is_set_before_anything_runs(spec, tmp_path):
    names = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"
    show = (sys.executable, "-c", f"import os, json; [print(json.dumps({{'event': os.environ[x]}})) for x in {names}]")
    with Workers([spec()], gpus=("3",), command=show, logs=tmp_path) as workers:
        told = [event.kind for event in workers if event]
    assert {"3", "PCI_BUS_ID"} <= {*told}, "as nvidia-smi counts"


def test_a_library_that_asks_a_question_gets_no_answer(cache, spec, tmp_path):
    watch = Watch([spec("a", asks=True), spec("b")], tmp_path)
    assert "EOFError" in watch.of("failed", "a")[0]["problem"]
    sound(cache, "b", 4)


def test_one_that_fails_stops_no_other(cache, spec, tmp_path):
    watch = Watch([spec("a", load_error="no room"), spec("b")], tmp_path)
    assert watch.of("failed", "a") == [{"benchmark": None, "problem": "no room", "remedy": "take another"}]
    ended = watch.of("ended", "a")[0]
    assert ended["code"] == 1
    assert "EngineError: no room" in Path(ended["log"]).read_text()
    sound(cache, "b", 4)


def test_one_that_crashes_is_tried_once_more(cache, spec, tmp_path):
    watch = Watch([spec("a", crash_once=True), spec("b", crash=True), spec("c")], tmp_path)
    assert len(watch.of("retry", "a")) == len(watch.of("retry", "b")) == 1
    sound(cache, "a", 4)
    sound(cache, "c", 4)
    (failure,) = watch.of("failed")
    assert failure["problem"].startswith("its process was killed by signal 9; is there enough memory?")
    assert failure["problem"].endswith("fatal: the fake ran out of memory")


def test_a_word_cut_off_by_a_kill_hangs_nobody(spec, tmp_path):
    script = 'import os, sys; sys.stdout.write(\'{"event": "progr\'); sys.stdout.flush(); os.kill(os.getpid(), 9)'
    with Workers([spec()], command=(sys.executable, "-c", script), logs=tmp_path) as workers:
        kinds = [event.kind for event in workers if event]
    assert kinds == ["started", "retry", "started", "failed", "ended"]


def test_killed_at_random_moments_nothing_is_lost_or_made_twice(cache, spec, tmp_path):
    chance = random.Random(1)
    kills = 0
    for _ in range(6):
        worker = subprocess.Popen(
            FAKE_WORKER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "FAKE_WRITE_SECONDS": "0.05"},
        )
        worker.stdin.write(spec(delay=0.01, capacity=2).to_json().encode() + b"\n")
        worker.stdin.flush()
        for _ in range(chance.randint(1, 20)):  # a moment is a number of events, whatever the machine's speed
            worker.stdout.readline()
        kills += worker.poll() is None
        worker.kill()
        worker.communicate()
    assert kills
    Watch([spec()], tmp_path)
    sound(cache, "a", 4)


def busy(event):
    return event.kind == "progress" and event.fields["done"] > 0


def test_ctrl_c_finishes_what_is_in_flight(cache, spec, tmp_path):
    def act(event, workers):
        if busy(event) and not workers.interrupted:
            workers.interrupt()

    watch = Watch([spec(delay=0.05), spec("b")], tmp_path, act=act)
    assert watch.interrupted
    assert watch.of("ended", "a")[0]["code"] == 130
    assert not watch.of("started", "b")
    counts = cache.sampled("fake", "a").group_by("question_id").len()["len"]
    assert set(counts) == {4}
    assert 0 < len(counts) < QUESTIONS
    Watch([spec()], tmp_path)
    sound(cache, "a", 4)


def test_ctrl_c_twice_stops_now(cache, spec, tmp_path):
    def act(event, workers):
        if busy(event) and not workers.interrupted:
            workers.interrupt()
            workers.interrupt()

    watch = Watch([spec(delay=0.1)], tmp_path, act=act)
    assert watch.of("ended")[0]["code"] == 130
    done = watch.of("progress")[-1]["done"]
    assert cache.sampled("fake", "a").height == done < QUESTIONS * 4


def test_ctrl_c_while_loading_waits_for_nothing(cache, spec, tmp_path):
    def act(event, workers):
        if event.kind == "phase" and event.fields["phase"] == "preparing":
            workers.interrupt()

    watch = Watch([spec(delay=0.1)], tmp_path, act=act)
    assert watch.of("ended")[0]["code"] == 130


def test_a_worker_whose_parent_dies_stops_and_keeps_what_it_has(cache, spec, tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom fake_engine import FAKE_WORKER\n"
        "from selectllm_engine.generation.scheduler import Workers\n"
        "from selectllm_engine.generation.spec import WorkerSpec\n"
        "with Workers([WorkerSpec.from_json(sys.argv[1])], command=FAKE_WORKER, logs=Path(sys.argv[2])) as workers:\n"
        "    for event in workers:\n"
        "        if event: print(event.kind, event.fields.get('done', ''), flush=True)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, spec(delay=0.05).to_json(), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    for line in parent.stdout:
        if line.startswith("progress") and not line.startswith("progress 0"):
            break
    parent.kill()
    parent.wait()
    parent.stdout.close()
    start = time.monotonic()
    made = 0
    while not made and time.monotonic() - start < GIVE_UP:
        time.sleep(0.1)
        made = cache.sampled("fake", "a").height
    assert 0 < made < QUESTIONS * 4
    while "lock held":
        try:
            with cache.writer("fake", "a"):
                break
        except Exception:
            assert time.monotonic() - start < GIVE_UP
            time.sleep(0.1)
    assert cache.sampled("fake", "a").height == made


def test_two_at_the_same_llm(cache, spec, tmp_path):
    with Cache(cache.root).writer("fake", "a"):
        watch = Watch([spec(), spec("b")], tmp_path)
    (failure,) = watch.of("failed")
    assert failure["problem"].startswith("a on fake is being written by")
    assert watch.of("ended", "a")[0]["code"] == 1
    sound(cache, "b", 4)
