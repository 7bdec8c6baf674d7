"""Manifests that carry their checksum: any change is found, and one on purpose can be sealed."""

import json
import os
import random
import warnings

import pytest

from fakes import fake_manifest, write_fake_run
from selectllm_engine.errors import DamagedError
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.manifests import llm_manifest, router_manifest
from selectllm_engine.store.sealed_json import accept, read_sealed, write_sealed

TEXTS = {"text": 'é "seal": "xxh3-64:0000000000000000"', "z": "xxh3-64:", "seal": "mine", "n": [1, 1e-05, None, True]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "manifest.json"


def test_every_flipped_bit_is_found(path):
    write_sealed(path, TEXTS)
    assert read_sealed(path) == {key: value for key, value in TEXTS.items() if key != "seal"}
    whole = path.read_bytes()
    for at in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[at // 8] ^= 1 << at % 8
        path.write_bytes(changed)
        with pytest.raises(DamagedError):
            read_sealed(path)


def test_an_older_one_without_a_seal_is_valid(path):
    path.write_text(json.dumps(fake_manifest("a")))
    assert read_sealed(path) == json.loads(path.read_text())
    assert not accept(path)


def test_a_change_on_purpose_is_told_and_can_be_sealed(path):
    write_sealed(path, {"threshold": 0.5})
    path.write_text(path.read_text().replace("0.5", "0.75"))
    with pytest.raises(DamagedError, match=r"damaged, or was changed by hand; selectllm cache verify --accept"):
        read_sealed(path)
    assert accept(path)
    assert not accept(path)
    assert read_sealed(path) == {"threshold": 0.75}


@pytest.mark.parametrize("value", ["1e999", "-1e999", "NaN", "Infinity", "9" * 400, "1" + "0" * 30, "[" * 100_000])
def test_no_number_is_beyond_all_measure(path, value):
    path.write_text(f'{{"samples": {value}}}')
    with pytest.raises(DamagedError):
        read_sealed(path)
    assert not accept(path)


def test_a_number_beyond_measure_is_no_python_error_either(path):
    path.write_text('{"samples": ' + "9" * 10_000 + "}")
    with pytest.raises(DamagedError, match="is too large"):
        read_sealed(path)


@pytest.mark.parametrize(
    "content",
    [
        {"samples": -1},
        {"samples": "5"},
        {"samples": True},
        {"threshold": 1.5},
        {"latency": {"a": 1e300, "b": 0, "c": 0}},
        {"latency": {"a": -0.5, "b": 0, "c": 0}},
        {"price": {"input": -3, "output": 1}},
        {"parameters": -1},
        {"llm": "another"},
        {"llm": ["a"]},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_told(tmp_path, content):
    cache = write_fake_run(tmp_path, questions={"test": 4}, llms=("a", "b"), samples=1)
    folder = cache.folder("fake") / "llms" / "a"
    write_sealed(folder / "manifest.json", {**llm_manifest(folder), **content})
    reader = Cache(tmp_path)
    assert reader.llms("fake") == ["b"]
    (problem,) = reader.problems.values()
    assert "makes no sense" in problem.what or "is that of the LLM" in problem.what
    assert [each.path for each in reader.verify()] == [folder / "manifest.json"]


def test_a_router_under_anothers_name_is_told(tmp_path):
    cache = write_fake_run(tmp_path, questions={"test": 4}, llms=("a",), samples=1)
    folder = cache.router_dir("fake", "knn:tfidf", write=True)
    write_sealed(folder / "manifest.json", {"router": "mf:tfidf"})
    with pytest.raises(DamagedError, match="that of the router 'mf:tfidf'"):
        router_manifest(folder)
    assert len(cache.verify()) == 1


def test_neither_pipes_nor_devices_nor_floods(path, tmp_path):
    os.mkfifo(path)
    with pytest.raises(DamagedError, match="no plain file"):
        read_sealed(path)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(DamagedError, match="larger than 16 MiB"):
        read_sealed(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(DamagedError, match="is a link"):
        read_sealed(path)
    with pytest.raises(FileNotFoundError):
        read_sealed(tmp_path / "none.json")


def test_accepting_seals_what_was_edited_and_nothing_else(tmp_path):
    cache = write_fake_run(tmp_path, questions={"test": 4}, llms=("a", "b"), samples=1)
    edited, broken = (cache.folder("fake") / "llms" / llm / "manifest.json" for llm in ("a", "b"))
    edited.write_text(edited.read_text().replace('"parameters": 1.0', '"parameters": 7.0'))
    broken.write_text(broken.read_text()[:-20])
    found = {each.path: each for each in cache.verify(accept=True)}
    assert (found[edited].done, found[edited].repaired) == ("sealed as it is", True)
    assert (found[broken].done, found[broken].repaired) == ("", False)
    assert cache.manifest("fake", "a")["parameters"] == 7.0
    assert [each.path for each in cache.verify()] == [broken]


def test_latencies_beyond_measure_are_unknown(tmp_path):
    from selectllm_engine.store import load_outcomes

    cache = write_fake_run(tmp_path, questions={"test": 4}, llms=("a",), samples=1)
    with cache.writer("fake", "a") as writer:
        writer.update(latency=None)
        rows = cache.sampled("fake", "a").with_columns(score=1.0, latency=1e300, cost=1e39).head(2)
        writer.write_verdicts(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcomes = load_outcomes(Cache(tmp_path), "fake", "test")
    assert not (outcomes.latency > 1e9).any()
    assert not (outcomes.cost > 1e9).any()


def test_random_edits_are_never_tracebacks(path):
    chance = random.Random(0)
    write_sealed(path, fake_manifest("a"))
    whole = path.read_bytes()
    for _ in range(2000):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 30)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(changed)
        with pytest.raises(DamagedError):
            read_sealed(path)
