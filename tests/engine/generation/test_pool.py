"""Replicas on the GPUs of one machine, which are made up; the rest of Ray's tests take minutes (tests/integration)."""

from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from operator import truediv
from unittest import mock

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_engine import FAKE_WORKER, FakeEngine, fake_weights, load_fake
from fakes import fake_questions
from paths import TESTS
from selectllm_engine.errors import EngineError
from selectllm_engine.generation import scheduler
from selectllm_engine.generation.pool import ReplicaPool
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM
from selectllm_engine.store.cache import Cache


def spec_of(name="a", weights="", cache="", engine="vllm"):
    task = Task(benchmark="fake", samples=4, terse=True)
    return WorkerSpec(llm=LLM(name=name, weights=str(weights)), cache=str(cache), tasks=(task,), engine=engine)


def test_gpus_without_an_llm_of_their_own_are_for_replicas(monkeypatch):
    monkeypatch.setattr(scheduler, "find_spec", lambda _: "there")
    a, b, served = spec_of("a"), spec_of("b"), spec_of("c", engine="openai")
    specs, gpus = scheduler.share_gpus([a, served, b], ["0", "1", "2"], {"a": 2, "b": 1, "c": 9})
    assert specs == [replace(a, ray="local"), served, b]
    assert gpus == ["0,2", "1"]
    assert scheduler.share_gpus([a, b], ["0", "1"], {"a": 2, "b": 1}) == ([a, b], ["0", "1"])
    assert scheduler.share_gpus([served], ["0", "1"], {"c": 9}) == ([served], ["0", "1"])
    assert scheduler.share_gpus([a], ["0,1", "2,3"], {"a": 0}) == ([replace(a, ray="local")], ["0,1,2,3"])
    monkeypatch.setattr(scheduler, "find_spec", lambda _: None)
    assert scheduler.share_gpus([a], ["0", "1"], {"a": 1}) == ([a], ["0", "1"])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=3), st.integers(0, 5))
def test_no_other_share_of_gpus_ends_sooner(work, further):
    names, gpus = "abc"[: len(work)], [str(gpu) for gpu in range(len(work) + further)]
    with mock.patch.object(scheduler, "find_spec", return_value="there"):
        specs, shares = scheduler.share_gpus(
            [spec_of(name) for name in names], gpus, dict(zip(names, work, strict=True))
        )
    counts = [share.count(",") + 1 for share in shares]
    assert sorted(gpu for share in shares for gpu in share.split(",")) == gpus
    assert [spec.ray for spec in specs] == [None if count == 1 else "local" for count in counts]
    ways = (way for way in product(range(1, len(gpus) + 1), repeat=len(work)) if sum(way) == len(gpus))
    assert max(map(truediv, work, counts)) == min(max(map(truediv, work, way)) for way in ways)


@pytest.mark.skipif(find_spec("ray") is None, reason="needs ray")
def test_one_llm_on_two_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    cache = Cache(tmp_path / "cache")
    cache.write_questions("fake", fake_questions({"test": 60}))
    spec = spec_of("a", fake_weights(tmp_path / "a", delay=0.01), cache.root)
    specs, gpus = scheduler.share_gpus([spec], ["0", "1"], {"a": 1})
    with scheduler.Workers(specs, gpus=gpus, command=FAKE_WORKER, logs=tmp_path / "logs") as workers:
        told = [event for event in workers if event is not None]
    assert [event.fields["code"] for event in told if event.kind == "ended"] == [0]
    assert {event.fields["room"] for event in told if event.kind == "replicas"} == {2}
    parts = cache.parts("fake", "a").listed()
    rows = pl.concat([pl.read_parquet(part.path) for part in parts])
    assert sorted(rows.select("question_id", "sample").rows()) == sorted(
        (f"test-{question}", sample) for question in range(60) for sample in range(4)
    )
    assert rows["text"].n_unique() == rows.height
    metadata = pl.read_parquet_metadata(parts[0].path)
    assert (metadata["hardware"], metadata["replicas"]) == ("fake", "2")
    assert metadata["ray"]


def test_replicas_that_find_themselves_on_other_gpus_than_ray_knew_are_refused(tmp_path):
    tokenizer = FakeEngine(fake_weights(tmp_path / "a"))
    spec = spec_of("a", tmp_path / "a")
    for kind, refused in ((None, True), ("any", False)):
        pool = ReplicaPool(replace(spec, gpu_type=kind), tokenizer, load_engine=load_fake, emit=print)
        pool._facts = {"hardware": "fake one"}
        pool._check_hardware("fake one")
        with pytest.raises(EngineError, match="on fake one and on fake two") if refused else nullcontext():
            pool._check_hardware("fake two")
