"""One LLM's results: parts, the answers derived from them, manifest and verdicts."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from cache_files import derived_files, part_files
from fakes import SMALL_SIZES, fake_generations, fake_manifest, fake_questions, fake_rows, flip_bit
from selectllm_engine.answers import EXTRACTOR_VERSION
from selectllm_engine.errors import (
    CacheError,
    DamagedError,
    SettingsMismatchError,
)
from selectllm_engine.store import GENERATION_SCHEMA, Cache
from selectllm_engine.store.parts import MOST_PARTS, part_metadata

# Parts


def test_a_part_is_named_by_its_bytes_and_says_how_it_was_made(cache):
    (path,) = part_files(cache)
    assert path.name == f"000001-{hashlib.blake2b(path.read_bytes()).hexdigest()[:16]}.parquet"
    (made,) = part_metadata(path)
    assert json.loads(made.pop("settings"))["sampling"]["max_tokens"] == 48
    assert made == {"engine": "fake", "hardware": "none"}


def test_generations_of_one_question_in_order_of_samples(cache):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 5), ("test-0", 4)), {})
    found = cache.generations("fake", "a", "test-0")
    assert found["sample"].to_list() == [0, 1, 2, 4, 5]
    assert found.schema == GENERATION_SCHEMA
    assert cache.generations("fake", "a").height == 32


def test_the_first_of_repeated_samples_wins(cache):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 0), ("test-0", 3), ("test-0", 3)), {})
        writer.append(fake_rows(("test-0", 3), text="The answer is 2."), {})
    found = cache.answers("fake", "a").filter(question_id="test-0")
    assert found["sample"].to_list() == [0, 1, 2, 3]
    assert cache.sampled("fake", "a").height == 31
    texts = cache.generations("fake", "a", "test-0")["text"].to_list()
    assert texts[3] == "The answer is 1."
    assert texts[0] == fake_generations(fake_questions(SMALL_SIZES), 0, 3)["text"][12]


def test_no_rows_make_no_part(cache):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(), {})
    assert len(part_files(cache)) == 1


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"question_id": ["x"]}),
        fake_rows(("x", -1)),
        fake_rows((None, 0)),
        fake_rows(("x", 0), text=None),
        pl.DataFrame({**fake_rows(("x", 0)).to_dict(), "sample": ["one"]}),
    ],
)
def test_generations_that_cannot_be_stored(cache, frame):
    with cache.writer("fake", "a") as writer, pytest.raises(CacheError):
        writer.append(frame, {})
    assert len(part_files(cache)) == 1


def test_recorded_latency_and_cost_are_kept_per_part(cache):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 3)).with_columns(latency=pl.lit(1.5), cost=pl.lit(0.25)), {})
    found = cache.answers("fake", "a").filter(question_id="test-0").select("latency", "cost").rows()
    assert found == [(None, None)] * 3 + [(1.5, 0.25)]


def test_many_parts_become_one(cache):
    cache.answers("fake", "a")
    with cache.writer("fake", "a") as writer:
        for sample in range(3, MOST_PARTS + 3):
            writer.append(fake_rows(("test-0", sample), ("test-0", 3)), {"time": str(sample % 2)})
            if sample == MOST_PARTS + 1:
                cache.answers("fake", "a")
                assert len(derived_files(cache)) == len(part_files(cache)) == MOST_PARTS
    (path,) = part_files(cache)
    assert cache.sampled("fake", "a").height == 30 + MOST_PARTS
    made = [{key: value for key, value in each.items() if key != "settings"} for each in part_metadata(path)]
    assert made == [{"engine": "fake", "hardware": "none"}, {"time": "1"}, {"time": "0"}]
    assert cache.verify() == []
    assert cache.answers("fake", "a").height == 30 + MOST_PARTS
    assert len(derived_files(cache)) == 1


def test_merging_carries_known_answers_over(cache, monkeypatch):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 3)), {})
    before = cache.answers("fake", "a")
    monkeypatch.setattr("selectllm_engine.answers.columns.extract_answers", None)  # would fail if it were called
    with cache.writer("fake", "a", most_parts=2) as writer:
        writer.append(fake_rows(("test-0", 3)), {})
        monkeypatch.undo()
    assert cache.answers("fake", "a").equals(before)


def test_rows_that_are_there_twice_after_a_merge_was_cut_off(cache, monkeypatch):
    before = cache.generations("fake", "a")
    monkeypatch.setattr("selectllm_engine.store.parts.Parts.discard", lambda *_: None)
    with cache.writer("fake", "a", most_parts=1) as writer:
        writer.append(fake_rows(("test-0", 3)), {})
    assert len(part_files(cache)) == 3
    assert cache.generations("fake", "a").equals(pl.concat([before, fake_rows(("test-0", 3))]))
    monkeypatch.undo()
    with cache.writer("fake", "a", most_parts=1) as writer:
        writer.append(fake_rows(("test-0", 4)), {})
    assert len(part_files(cache)) == 1
    assert cache.sampled("fake", "a").height == 32


def test_a_reader_that_loses_a_part_to_a_merge_looks_again(cache, monkeypatch):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 3)), {})
        expected = cache.answers("fake", "a")
        parts = cache.parts("fake", "a")
        stale = parts.listed()
        merged, _ = parts.compact()
        parts.discard(merged)
    seen = iter([stale])
    fresh = type(parts).listed
    monkeypatch.setattr(type(parts), "listed", lambda self: next(seen, None) or fresh(self))
    assert cache.answers("fake", "a").equals(expected)


# Derived answers


def test_answers_are_extracted_once(cache, monkeypatch):
    heard = []
    first = cache.answers("fake", "a", progress=lambda *counts: heard.append(counts))
    assert heard[-1] == (30, 30)
    assert [path.name for path in derived_files(cache)] == [
        f"v{EXTRACTOR_VERSION}-{path.stem.partition('-')[2]}.parquet" for path in part_files(cache)
    ]
    monkeypatch.setattr("selectllm_engine.answers.columns.extract_answers", None)
    assert cache.answers("fake", "a").equals(first)
    assert 0 < first["answer"].null_count() < 15


def test_a_second_opening_does_not_touch_the_texts(cache):
    first = cache.answers("fake", "a")
    for path in part_files(cache):
        path.write_bytes(b"")
    assert Cache(cache.root).answers("fake", "a").equals(first)


@pytest.mark.parametrize("damage", [flip_bit, lambda path: path.write_bytes(path.read_bytes()[:99]), Path.unlink])
def test_damaged_derived_answers_are_made_again(cache, damage):
    first = cache.answers("fake", "a")
    (path,) = derived_files(cache)
    sound = path.read_bytes()
    damage(path)
    assert cache.answers("fake", "a").equals(first)
    assert path.read_bytes() == sound


def test_stale_derived_answers_are_removed(cache):
    cache.answers("fake", "a")
    (path,) = derived_files(cache)
    for name in (f"v{EXTRACTOR_VERSION + 1}-{'0' * 16}.parquet", f"v{EXTRACTOR_VERSION}-{'0' * 16}.parquet", ".tmp-1"):
        path.with_name(name).touch()
    path.unlink()
    cache.answers("fake", "a")
    assert list(path.parent.iterdir()) == [path]


def test_a_cache_that_cannot_be_written_is_read_all_the_same(cache, monkeypatch):
    def refuse(*args):
        raise CacheError("cannot write: read-only file system")

    monkeypatch.setattr("selectllm_engine.store.answer_files.write_frame", refuse)
    assert cache.answers("fake", "a").height == 30
    assert derived_files(cache) == []


def test_generations_of_unknown_questions_have_no_answer_yet(cache):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("later-0", 0)), {})
    assert cache.answers("fake", "a").filter(question_id="later-0")["answer"].to_list() == [None]
    later = fake_questions({"later": 1})
    cache.write_questions("fake", later)
    assert cache.answers("fake", "a").filter(question_id="later-0")["answer"].to_list() == ["1"]


# Manifests


def test_the_manifest_is_written_once_and_compared(cache):
    stored = cache.manifest("fake", "a")
    assert (stored["format"], stored["llm"], stored["samples"]) == (1, "a", 3)
    with cache.writer("fake", "a") as writer:
        writer.start(fake_manifest("a", samples=2, created="now", price={"input": 1.0, "output": 2.0}))
        assert cache.manifest("fake", "a") == {**stored, "price": {"input": 1.0, "output": 2.0}}
        writer.start(fake_manifest("a", samples=8))
        assert cache.manifest("fake", "a")["samples"] == 8
        writer.update(latency=None)
        assert cache.manifest("fake", "a")["latency"] is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights", {"id": "other", "revision": None, "fingerprint": None}),
        ("weights", {"id": "fake/a", "revision": "v2", "fingerprint": None}),
        ("chat", False),
        ("prompt", {"style": "few-shot"}),
        ("sampling", {"temperature": 0.0}),
    ],
)
def test_other_settings_stop_the_run_and_show_both(cache, field, value):
    before = cache.manifest("fake", "a")
    with cache.writer("fake", "a") as writer, pytest.raises(SettingsMismatchError) as error:
        writer.start(fake_manifest("a", **{field: value}))
    message = str(error.value)
    assert field in message
    assert json.dumps(value, sort_keys=True) in message
    assert json.dumps(before[field]) in message
    assert "\n" not in message
    assert cache.manifest("fake", "a") == before


def test_the_same_weights_from_elsewhere(cache):
    with cache.writer("fake", "c") as writer:
        writer.start(fake_manifest("c", weights={"id": "hub/c", "revision": "1", "fingerprint": "f"}))
        writer.start(fake_manifest("c", weights={"id": "folder", "revision": None, "fingerprint": "f"}))
        with pytest.raises(SettingsMismatchError):
            writer.start(fake_manifest("c", weights={"id": "hub/c", "revision": "1", "fingerprint": "g"}))
    assert cache.manifest("fake", "c")["weights"]["id"] == "hub/c"


def test_llms_come_in_the_order_they_were_added(tmp_path):
    cache = Cache(tmp_path)
    cache.write_questions("fake", fake_questions(SMALL_SIZES))
    for llm in ("z", "a", "m"):
        with cache.writer("fake", llm) as writer:
            writer.start(fake_manifest(llm))
            assert llm not in cache.llms("fake")  # nothing to show yet
            writer.append(fake_rows(("test-0", 0)), {})
    assert cache.llms("fake") == ["z", "a", "m"]


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"llm": "\ud800"'])
def test_a_damaged_manifest(cache, content):
    (cache.folder("fake") / "llms" / "a" / "manifest.json").write_text(content, errors="surrogatepass")
    with pytest.raises(DamagedError):
        cache.manifest("fake", "a")
    assert cache.llms("fake") == ["b"]
    assert [problem.path.name for problem in cache.problems.values()] == ["manifest.json"]


def test_a_lost_manifest_is_said(cache):
    path = cache.folder("fake") / "llms" / "a" / "manifest.json"
    path.unlink()
    assert cache.llms("fake") == ["b"]
    assert cache.problems[path].what == f"{path} is missing"


# Verdicts


def test_verdicts_are_replaced_by_question_and_sample(cache):
    with cache.writer("fake", "a") as writer:
        writer.write_verdicts(
            pl.DataFrame({"question_id": ["test-0", "test-1"], "sample": [0, 0], "score": [0.0, 1.0]})
        )
        writer.write_verdicts(pl.DataFrame({"question_id": ["test-1"], "sample": [0], "score": [0.5], "cost": [0.1]}))
    found = cache.verdicts("fake", "a").sort("question_id")
    assert found.rows() == [("test-0", 0, 0.0, None, None, None), ("test-1", 0, 0.5, None, None, 0.1)]


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"question_id": ["x"], "sample": [0]}),
        pl.DataFrame({"question_id": ["x"], "sample": [0], "score": [2.0]}),
        pl.DataFrame({"question_id": ["x"], "sample": [0], "score": [float("nan")]}),
        pl.DataFrame({"question_id": ["x"], "sample": [None], "score": [1.0]}),
    ],
)
def test_verdicts_that_cannot_be_stored(cache, frame):
    with cache.writer("fake", "a") as writer, pytest.raises(CacheError, match="verdicts"):
        writer.write_verdicts(frame)
