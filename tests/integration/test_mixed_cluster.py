"""A Ray cluster whose nodes are not alike: other GPUs, other weights."""

import time
from dataclasses import replace
from importlib.util import find_spec

import polars as pl
import pytest

from fake_engine import FAKE_WORKER, fake_weights
from fakes import fake_questions
from paths import TESTS
from ray_clusters import fake_gpu_cluster
from selectllm_engine.generation.scheduler import Workers
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.parts import part_metadata

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings

if find_spec("ray") is None:
    pytest.skip("needs ray", allow_module_level=True)

GIVE_UP = 900.0  # seconds; only a hang takes so long
TYPES = ("A100", "H100")


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    return [tmp_path_factory.mktemp(kind) for kind in TYPES]


@pytest.fixture(scope="module")
def cluster(homes):
    with fake_gpu_cluster(types=TYPES, homes=homes) as cluster:
        yield cluster


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path / "cache")
    cache.write_questions("fake", fake_questions({"test": 60}))
    return cache


@pytest.fixture
def run(tmp_path, monkeypatch, cluster, cache):
    """Runs a worker on the cluster; what it tells."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))

    def events(weights, **more):
        task = Task(benchmark="fake", samples=4, terse=True)
        llm = LLM(name="a", weights=str(weights))
        spec = WorkerSpec(llm=llm, cache=str(cache.root), tasks=(task,), ray=cluster.address)
        told, start = [], time.monotonic()
        with Workers([replace(spec, **more)], command=FAKE_WORKER, logs=tmp_path / "logs") as workers:
            for event in workers:
                assert time.monotonic() - start < GIVE_UP
                told += [] if event is None else [event]
        return told

    return events


def problems(told):
    return [event.fields["problem"] for event in told if event.kind == "failed"]


def test_each_part_names_the_hardware_that_its_samples_were_made_on(run, cache, tmp_path):
    told = run(fake_weights(tmp_path / "a", signed=True, delay=0.05, capacity=4), gpu_type="any")
    assert not problems(told)
    seen = set()
    for part in cache.parts("fake", "a").listed():
        (metadata,) = part_metadata(part.path)
        assert pl.read_parquet(part.path)["text"].str.starts_with(f"{metadata['hardware']}: ").all()
        seen.add(metadata["hardware"])
    assert seen == {*TYPES}
    assert cache.sampled("fake", "a").height == 240
    assert cache.manifest("fake", "a")["latency"]["hardware"] in TYPES


def test_several_types_are_refused_before_anything_is_loaded(run, cache, tmp_path):
    told = run(fake_weights(tmp_path / "a", crash=True))
    (problem,) = problems(told)
    assert problem == "the Ray cluster has GPUs of several types, A100, H100, and seconds of one are not another's"
    assert cache.sampled("fake", "a").is_empty()
    told = run(fake_weights(tmp_path / "b", signed=True), gpu_type="H100")
    assert not problems(told)
    assert cache.generations("fake", "a")["text"].str.starts_with("H100: ").all()


def test_other_weights_on_one_node_are_refused_before_anything_is_loaded(run, cache, homes, tmp_path, monkeypatch):
    """`~` is another folder on every node, as the cache of a hub is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for home in (tmp_path, *homes):
        fake_weights(home / "llm", crash=True)
    with (homes[1] / "llm" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    (problem,) = problems(run("~/llm", gpu_type="any"))
    assert problem.startswith("node ")
    assert problem.endswith(": it has other weights there")
    (homes[0] / "llm" / "config.json").unlink()
    (problem,) = problems(run("~/llm", gpu_type="any"))
    assert "and 1 more of 2: " in problem
    assert cache.sampled("fake", "a").is_empty()
