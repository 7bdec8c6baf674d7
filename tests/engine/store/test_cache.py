"""The cache: where it is, names, questions, the run beneath it, whole benchmarks coming and going."""

import os

import polars as pl
import pytest

from cache_files import contents
from fakes import SMALL_SIZES, fake_questions, fake_rows, flip_bit, write_fake_run
from selectllm_engine.errors import (
    CacheError,
    DamagedError,
    LockedError,
    UnknownNameError,
    UsageError,
)
from selectllm_engine.store.cache import Cache, open_cache
from selectllm_engine.store.files import TEMPORARY

# Where


def test_an_explicit_cache_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_cache().root.is_relative_to(os.environ["XDG_DATA_HOME"])
    (tmp_path / "cache").mkdir()
    assert open_cache().root == tmp_path / "cache"
    monkeypatch.setenv("SELECTLLM_CACHE", str(tmp_path / "other"))
    assert open_cache().root == tmp_path / "other"
    assert open_cache(tmp_path / "mine").root == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_a_file_is_no_cache(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="is a file"):
        open_cache(tmp_path / "file")


def test_choosing_a_benchmark(tmp_path):
    cache = Cache(tmp_path)
    with pytest.raises(UsageError, match="is empty"):
        cache.choose(None)
    cache.write_questions("gsm8k", fake_questions(SMALL_SIZES))
    assert cache.choose(None) == "gsm8k"
    with pytest.raises(UnknownNameError, match="did you mean 'gsm8k'"):
        cache.choose("gsm8")
    cache.write_questions("mmlu", fake_questions(SMALL_SIZES))
    with pytest.raises(UsageError, match="gsm8k, mmlu"):
        cache.choose(None)


def test_reading_what_is_not_there(cache):
    with pytest.raises(UnknownNameError, match="choose from fake"):
        cache.questions("none")
    assert cache.llms("none") == cache.routers("none") == []
    with pytest.raises(UnknownNameError, match="choose from a, b"):
        cache.manifest("fake", "zzz")
    with pytest.raises(UnknownNameError, match="no benchmark 'none'"), cache.writer("none", "a"):
        pass
    assert cache.verdicts("fake", "a") is None


def test_foreign_folders_are_passed_over(cache):
    (cache.root / "My Benchmark").mkdir()
    (cache.root / "README.md").write_text("…")
    assert cache.benchmarks() == ["fake"]


# Packaged run beneath


@pytest.fixture
def layered(tmp_path):
    packaged = write_fake_run(tmp_path / "packaged", questions=SMALL_SIZES, llms=("a", "b"), samples=3).root
    return Cache(tmp_path / "own", packaged=packaged)


def test_the_packaged_run_is_read_and_never_written(layered):
    before = contents(layered.packaged)
    assert layered.benchmarks() == ["fake"]
    assert layered.is_packaged("fake")
    assert layered.choose(None) == "fake"
    assert layered.answers("fake", "a").height == 30
    assert layered.verify() == []
    assert contents(layered.packaged) == before
    assert not layered.root.exists()


def test_the_first_change_copies_a_packaged_benchmark(layered):
    before = contents(layered.packaged)
    with layered.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 3)), {})
    assert not layered.is_packaged("fake")
    assert layered.sampled("fake", "a").height == 31
    assert layered.sampled("fake", "b").height == 30
    assert contents(layered.packaged) == before
    assert not list(layered.root.rglob(f"{TEMPORARY}*"))


def test_routers_and_questions_are_written_to_the_own_cache(layered):
    assert layered.router_dir("fake", "knn:tfidf").is_relative_to(layered.packaged)
    folder = layered.router_dir("fake", "knn:tfidf", write=True)
    assert folder == layered.root / "fake" / "routers" / "knn%3Atfidf"
    assert layered.routers("fake") == []
    (folder / "manifest.json").write_text("{}")
    assert layered.routers("fake") == ["knn:tfidf"]
    assert layered.llms("fake") == ["a", "b"]


def test_more_questions_for_a_packaged_benchmark(layered):
    layered.write_questions("fake", fake_questions({**SMALL_SIZES, "validation": 2}))
    assert layered.questions("fake").height == 12
    assert layered.sampled("fake", "a").height == 30


def test_ones_own_benchmarks_come_first(layered):
    write_fake_run(layered.root, "mine", questions=SMALL_SIZES, llms=("a",))
    assert layered.benchmarks() == ["fake", "mine"]
    assert layered.choose(None) == "mine"


def test_the_packaged_run_cannot_be_removed_or_repaired(layered):
    with pytest.raises(UsageError, match="comes with the package"):
        layered.remove("fake")
    flip_bit(next((layered.packaged / "fake").rglob("generations/*.parquet")))
    assert [problem.repaired for problem in layered.verify(repair=True)] == [False]


def test_a_cache_that_lies_on_itself_is_its_own(cache):
    assert Cache(cache.root, packaged=cache.root).packaged is None


# Questions


def test_questions_may_be_added_but_not_changed(cache):
    stored = cache.questions("fake")
    cache.write_questions("fake", stored.head(3))
    assert cache.questions("fake").equals(stored)
    more = fake_questions({"train": 4, "test": 8})
    assert set(stored["question_id"]) < set(more["question_id"])
    other = more.with_columns(gold=pl.lit("7"))
    with pytest.raises(CacheError, match="'train-0' stands for another question"):
        cache.write_questions("fake", other)
    additional = more.filter(~pl.col("question_id").is_in(stored["question_id"].to_list()))
    cache.write_questions("fake", pl.concat([stored, additional]))
    assert cache.questions("fake")["question_id"].to_list() == [*stored["question_id"], "test-6", "test-7"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_id": pl.lit("same")}, "'same' of fake is there twice"),
        ({"split": pl.lit(None)}, "has no split"),
        ({"choices": pl.lit("A B")}, "have wrong columns .casting .* not supported.$"),
    ],
)
def test_questions_that_cannot_be_stored(cache, change, message):
    with pytest.raises(CacheError, match=message):
        cache.write_questions("fake", fake_questions(SMALL_SIZES).with_columns(**change))


def test_damaged_questions(cache):
    flip_bit(cache.root / "fake" / "questions.parquet")
    with pytest.raises(DamagedError, match=r"questions.parquet is truncated or changed; see selectllm cache verify"):
        cache.questions("fake")


# New benchmarks, removal, size


def test_a_new_benchmark_appears_whole_or_not_at_all(cache):
    with pytest.raises(CacheError, match="no split"), cache.new("other") as fresh:  # noqa: PT012
        fresh.write_questions("other", fake_questions(SMALL_SIZES))
        assert cache.benchmarks() == ["fake"]
        fresh.write_questions("other", fake_questions(SMALL_SIZES).with_columns(split=pl.lit(None)))
    assert cache.benchmarks() == ["fake"]
    with cache.new("other") as fresh:
        fresh.write_questions("other", fake_questions(SMALL_SIZES))
    assert cache.benchmarks() == ["fake", "other"]
    with pytest.raises(CacheError, match="there is a benchmark 'other' already"), cache.new("other"):
        pass
    assert not list(cache.root.glob(f"{TEMPORARY}*"))


def test_what_a_killed_import_left_is_swept(cache):
    (cache.root / f"{TEMPORARY}left" / "x").mkdir(parents=True)
    cache.write_questions("other", fake_questions(SMALL_SIZES))
    assert not list(cache.root.glob(f"{TEMPORARY}*"))


def test_variants_follow_the_llm_that_they_are_of(tmp_path):
    cache = write_fake_run(
        tmp_path, questions=SMALL_SIZES, llms=("b/x", "a", "b", "a/z", "c", "a/y", "gone/v", "org/d")
    )
    for name in ("b/x", "a/z", "a/y", "gone/v"):  # org/d only has such a name
        with cache.writer("fake", name) as writer:
            writer.update(variant={"of": name.partition("/")[0], "changes": {}})
    assert cache.llms("fake") == ["b", "b/x", "a", "a/z", "a/y", "c", "gone/v", "org/d"]
    with cache.writer("fake", "a/z") as writer:
        writer.update(variant="a stranger's")
    assert cache.llms("fake") == ["b", "b/x", "a", "a/y", "a/z", "c", "gone/v", "org/d"]


def test_removing(cache):
    write_fake_run(cache.root, "other", questions=SMALL_SIZES, llms=("a",))
    router = cache.router_dir("fake", "knn:tfidf", write=True)
    (router / "manifest.json").write_text("{}")
    assert cache.removable("fake", router="knn:tfidf") == cache.size("fake", router="knn:tfidf") == 2
    cache.remove("fake", router="knn:tfidf")
    assert cache.routers("fake") == []
    cache.remove("fake", llm="a")
    assert cache.llms("fake") == ["b"]
    for missing in ({"llm": "a"}, {"router": "knn:tfidf"}):
        with pytest.raises(UnknownNameError):
            cache.remove("fake", **missing)
    with cache.writer("fake", "b"), pytest.raises(LockedError):
        Cache(cache.root).remove("fake")
    (cache.folder("fake") / "questions.parquet").unlink()  # even without its questions
    cache.remove("fake")
    assert cache.benchmarks() == ["other"]
    with pytest.raises(UnknownNameError, match="choose from other"):
        cache.remove("fake")
    assert not list(cache.root.glob(f"{TEMPORARY}*"))


def test_sizes(cache):
    sizes = [cache.size("fake", llm=llm) for llm in ("a", "b")]
    whole = sum(len(data) for data in contents(cache.folder("fake")).values())
    assert 0 < sum(sizes) < cache.size("fake") == whole


def test_the_source_checkout_has_its_recorded_run(monkeypatch, tmp_path):
    package = tmp_path / "src" / "selectllm_engine"
    package.mkdir(parents=True)
    monkeypatch.chdir(package)
    assert open_cache(tmp_path / "own", package=package).packaged is None
    (tmp_path / "cache").mkdir()
    (tmp_path / "pyproject.toml").touch()
    assert open_cache(tmp_path / "own", package=package).packaged == tmp_path / "cache"
    (package / "recorded").mkdir()
    assert open_cache(tmp_path / "own", package=package).packaged == package / "recorded"
