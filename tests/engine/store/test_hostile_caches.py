"""A cache from somebody: links that lead out of it, files that are none, names that some disks take for one."""

import contextlib
import io
import os

import polars as pl
import pytest
import xxhash

from fakes import fake_manifest, fake_questions, write_fake_run
from selectllm_engine.errors import CacheError, DamagedError, SelectLLMError, UsageError
from selectllm_engine.importers.assembly import Record, store
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.files import digest
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.sealed_json import write_sealed


@pytest.fixture
def cache(tmp_path):
    return write_fake_run(tmp_path / "cache", questions={"train": 4, "test": 6}, llms=("a", "b"), samples=2)


@pytest.fixture
def mine(tmp_path):
    """A folder of the user's, with a file in it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "v0-0123456789abcdef.parquet").write_text("precious")
    return folder


def kept(folder):
    return {path.name: path.read_text() for path in folder.iterdir()} == {"v0-0123456789abcdef.parquet": "precious"}


def test_what_a_writer_says_of_itself_goes_into_no_file_of_the_users(cache, mine):
    target = next(mine.iterdir())
    for folder in (cache.root, cache.folder("fake") / "llms" / "a"):
        (folder / ".writer").symlink_to(target)
    with pytest.raises(DamagedError, match=r"\.writer is a link"), cache.__class__(cache.root).writer("fake", "a"):
        pass
    assert kept(mine)
    with cache.changing():
        assert kept(mine)
    (cache.root / ".lock").unlink()
    (cache.root / ".lock").symlink_to(target)
    with pytest.raises(CacheError, match=r"\.lock is a link"), cache.changing():
        pass
    assert kept(mine)


@pytest.mark.parametrize("place", ["answers", "generations", "", "manifest.json", "verdicts.parquet", ".writer"])
def test_links_in_a_benchmark_are_refused_told_and_taken_away(cache, mine, place):
    folder = cache.folder("fake") / "llms" / "a"
    target = mine if "." not in place else next(mine.iterdir())
    link = folder / place if place else cache.folder("fake") / "llms" / "linked"
    if link.exists():
        link.rename(mine.parent / "before")
    link.symlink_to(target)
    reader = Cache(cache.root)
    for work in (
        lambda: reader.llms("fake"),
        lambda: reader.answers("fake", "a"),
        lambda: reader.writer("fake", "a").__enter__(),
        lambda: reader.router_dir("fake", "prior", write=True),
    ):
        with pytest.raises(DamagedError, match="is a link, and a cache holds none; see selectllm cache verify"):
            work()
    assert [each.path for each in reader.verify()].count(link) == 1
    done = {each.path: each for each in reader.verify(repair=True)}
    assert done[link].repaired
    assert not os.path.lexists(link)
    assert not [path for path in folder.iterdir() if path.name.endswith(".damaged")]
    assert kept(mine)
    assert Cache(cache.root).llms("fake") in (["b"], ["a", "b"])
    link.symlink_to(target)
    Cache(cache.root).remove("fake")
    assert kept(mine)


def sealed(data):
    """Bytes that carry their checksum as files of ours do."""
    data = data + b"xxh3-64:" + b"0" * 16
    return data[:-16] + xxhash.xxh3_64_hexdigest(data).encode()


@pytest.mark.parametrize("content", [b"", b"PAR1" * 9, os.urandom(100)], ids=["empty", "marks", "noise"])
@pytest.mark.parametrize("name", ["questions", "verdicts", "answers", "part", "probabilities"])
def test_a_sealed_file_that_is_no_parquet_can_be_repaired(cache, name, content, capfd):
    cache.answers("fake", "a")
    with cache.writer("fake", "a") as writer:
        writer.write_verdicts(pl.DataFrame({"question_id": ["test-0"], "sample": [0], "score": [1.0]}))
    router = cache.router_dir("fake", "prior", write=True)
    write_frame(router / "probabilities.parquet", pl.DataFrame({"question_id": ["test-0"], "a": [0.5]}))
    write_sealed(router / "manifest.json", {"router": "prior"})
    folder = cache.folder("fake")
    path = {
        "questions": folder / "questions.parquet",
        "verdicts": folder / "llms" / "a" / "verdicts.parquet",
        "answers": next((folder / "llms" / "a" / "answers").glob("v*")),
        "part": folder / "llms" / "a" / "generations" / f"000009-{digest(content)}.parquet",
        "probabilities": router / "probabilities.parquet",
    }[name]
    path.write_bytes(content if name == "part" else sealed(content))
    reader = Cache(cache.root)
    assert [each.path for each in reader.verify()] == [path]
    assert [each.repaired for each in reader.verify(repair=True)] == [True]
    assert not path.exists()
    path.write_bytes(content if name == "part" else sealed(content))
    for work in (
        lambda: reader.questions("fake"),
        lambda: reader.generations("fake", "a"),
        lambda: reader.answers("fake", "a"),
        lambda: reader.verdicts("fake", "a"),
        lambda: reader.writer("fake", "a").__enter__(),
    ):
        with contextlib.suppress(SelectLLMError):
            work()
    assert capfd.readouterr().err == ""


def test_a_part_of_other_types_is_passed_over(cache):
    buffer = io.BytesIO()
    frame = cache.generations("fake", "a").with_columns(latency=pl.lit("slow"))
    frame.write_parquet(buffer)
    folder = cache.folder("fake") / "llms" / "a" / "generations"
    (folder / f"000009-{digest(buffer.getvalue())}.parquet").write_bytes(buffer.getvalue())
    assert cache.generations("fake", "a").height == 20
    assert "no column latency of type Float64" in next(iter(cache.problems.values())).what


def test_names_that_differ_by_case_only_are_refused(cache):
    with pytest.raises(UsageError, match=r"there is an LLM 'a', which disks that ignore case take 'A' for; write 'a'"):
        cache.writer("fake", "A").__enter__()
    with pytest.raises(UsageError, match="there is a benchmark 'fake'"):
        cache.write_questions("Fake", fake_questions({"test": 2}))
    with pytest.raises(UsageError, match="there is a benchmark 'fake'"), cache.new("FAKE"):
        pass
    cache.router_dir("fake", "prior", write=True)
    with pytest.raises(UsageError, match="there is a router 'prior'"):
        cache.router_dir("fake", "Prior", write=True)
    with pytest.raises(UsageError, match="there is a router 'prior'"), cache.replacing_router("fake", "PRIOR"):
        pass
    assert cache.llms("fake") == ["a", "b"]
    assert cache.benchmarks() == ["fake"]


def test_importing_names_that_differ_by_case_only_changes_nothing(cache):
    def importing(*llms):
        rows = [Record(llm=llm, question=f"How many? {n}", gold="1", score=1.0) for n in range(3) for llm in llms]
        store(cache, "other", rows, source="fake", origin={"digest": " ".join(llms)})

    with pytest.raises(UsageError, match="there is an LLM 'Qwen', which disks that ignore case take 'qwen' for"):
        importing("Qwen", "qwen")
    assert cache.benchmarks() == ["fake"]
    importing("qwen")
    with pytest.raises(UsageError, match="there is an LLM 'qwen', which disks"):
        importing("Qwen")
    assert cache.llms("other") == ["qwen"]


def test_letters_beyond_ascii_have_folders_of_their_own(cache):
    for llm in ("É", "é"):
        with cache.writer("fake", llm) as writer:
            writer.start(fake_manifest(llm))
