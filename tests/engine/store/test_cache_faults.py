"""Nothing is lost: full disks, kills, two writers, damaged files."""

import errno
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from unittest.mock import ANY

import polars as pl
import pytest

from cache_files import contents, derived_files, part_files
from fakes import SMALL_SIZES, fake_manifest, fake_questions, fake_rows, flip_bit
from paths import TESTS
from selectllm_engine.errors import (
    CacheError,
    LockedError,
    SettingsMismatchError,
)
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.files import TEMPORARY, digest
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.merges import merge
from selectllm_engine.store.sealed_json import read_sealed, write_sealed


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(cache, monkeypatch):
    before = contents(cache.root)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with cache.writer("fake", "a") as writer:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(CacheError, match="No space left on device; free some space") as error:
            writer.append(fake_rows(("test-0", 3)), {})
        assert "\n" not in str(error.value)
    assert contents(cache.root) == before


@pytest.fixture
def full_copies(monkeypatch):
    """No file that is copied finds room."""

    def full(source, to, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(source), None, os.fspath(to))

    monkeypatch.setattr(shutil, "copyfile", full)  # copytree collects what every single file failed for


def test_a_disk_that_is_full_while_the_packaged_run_is_copied_says_the_first_reason(cache, tmp_path, full_copies):
    before = contents(cache.root)
    layered = Cache(tmp_path / "own", packaged=cache.root)
    with pytest.raises(CacheError) as error, layered.writer("fake", "a"):
        pass
    assert str(error.value) == (
        f"cannot copy fake to {layered.root} (No space left on device); free some space, or choose another --cache"
    )
    assert layered.is_packaged("fake")
    assert not [path for path in layered.root.iterdir() if path.name not in {".lock", ".writer"}]
    assert contents(cache.root) == before


def test_a_disk_that_is_full_while_another_cache_joins_says_the_first_reason(cache, tmp_path, full_copies):
    own = Cache(tmp_path / "own")
    with pytest.raises(CacheError, match=r"^cannot copy \S+ \(No space left on device\); free some space$"):
        merge(own, cache, "fake")
    assert own.benchmarks() == []


def test_a_disk_too_full_for_merging_keeps_the_parts(cache, monkeypatch):
    def full(*args):
        raise CacheError("cannot write: no space left on device")

    monkeypatch.setattr("selectllm_engine.store.parts.Parts.compact", full)
    with cache.writer("fake", "a", most_parts=1) as writer:
        writer.append(fake_rows(("test-0", 3)), {})
    assert len(part_files(cache)) == 2
    assert cache.sampled("fake", "a").height == 31


def test_ctrl_c_while_writing_leaves_nothing_behind(cache, monkeypatch):
    def interrupt(handle):
        raise KeyboardInterrupt

    before = contents(cache.root)
    with cache.writer("fake", "a") as writer:
        monkeypatch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            writer.append(fake_rows(("test-0", 3)), {})
    assert contents(cache.root) == before


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "cache")
    with pytest.raises(CacheError, match=r"cannot write in .* choose another --cache"):
        cache.write_questions("fake", fake_questions(SMALL_SIZES))


def test_two_writers_of_one_llm(cache):
    with cache.writer("fake", "a") as writer:
        with pytest.raises(LockedError, match=f"a on fake is being written by .*process {os.getpid()}"):
            cache.writer("fake", "a").__enter__()
        with cache.writer("fake", "b"):
            pass
        writer.append(fake_rows(("test-0", 3)), {})
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 4)), {})
    assert cache.sampled("fake", "a").height == 32


WRITER = """
import sys
from pathlib import Path
from fakes import fake_rows
from selectllm_engine.store.cache import Cache
with Cache(Path(sys.argv[1])).writer("fake", "a") as writer:
    for sample in range(int(sys.argv[2]), 100_000):
        writer.append(fake_rows(("test-0", sample)), {})
        print(sample, flush=True)
"""


def start_writer(cache, first):
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", WRITER, str(cache.root), str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def test_kill_at_random_moments_loses_only_what_was_in_flight(cache):
    first = 3
    for delay in (0.0, 0.05, 0.11):
        with start_writer(cache, first) as process:
            said = [process.stdout.readline()]
            with pytest.raises(LockedError, match=f"process {process.pid}"), cache.writer("fake", "a"):
                pass
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            said += process.stdout.read().split()
        finished = int(said[-1])
        reader = Cache(cache.root)
        samples = set(reader.sampled("fake", "a").filter(question_id="test-0")["sample"])
        assert set(range(finished + 1)) <= samples <= set(range(finished + 2))
        assert reader.problems == {}
        first = max(samples) + 1
    with cache.writer("fake", "a") as writer:  # the lock died with its process
        writer.append(fake_rows(("test-0", first)), {})
    assert not list(cache.root.rglob(f"{TEMPORARY}*"))
    assert cache.verify() == []
    assert set(cache.sampled("fake", "a").filter(question_id="test-0")["sample"]) == set(range(first + 1))


DAMAGE = {
    "bit flipped": flip_bit,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "something else": lambda path: path.write_text("PAR1"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_part_is_passed_over_found_and_made_again(cache, damage):
    with cache.writer("fake", "a") as writer:
        writer.append(fake_rows(("test-0", 3), ("test-1", 3)), {})
    path = part_files(cache)[1]
    sound = cache.generations("fake", "a").head(30)
    damage(path)
    reader = Cache(cache.root)
    assert reader.generations("fake", "a").equals(sound)
    assert reader.answers("fake", "a").height == 30
    assert [problem.what for problem in reader.problems.values()] == [f"{path} is truncated or changed"]
    assert [problem.path for problem in reader.verify()] == [path]
    with reader.writer("fake", "a") as writer:  # sets it aside, so that its samples are missing
        assert reader.sampled("fake", "a").height == 30
        writer.append(fake_rows(("test-0", 3), ("test-1", 3)), {})
    assert path.with_name(f"{path.name}.damaged").exists()
    assert cache.sampled("fake", "a").height == 32
    assert cache.verify() == []


def test_a_sound_part_with_other_columns_is_damaged_too(cache):
    buffer = io.BytesIO()
    pl.DataFrame({"question_id": ["test-0"]}).write_parquet(buffer)
    data = buffer.getvalue()
    path = part_files(cache)[0].with_name(f"000002-{hashlib.blake2b(data).hexdigest()[:16]}.parquet")
    path.write_bytes(data)
    assert cache.generations("fake", "a").height == 30
    assert "no column sample" in next(iter(cache.problems.values())).what


def test_verify_finds_every_kind_of_damage_and_repairs(cache):
    cache.answers("fake", "a")
    with cache.writer("fake", "b") as writer:
        writer.write_verdicts(pl.DataFrame({"question_id": ["test-0"], "sample": [0], "score": [1.0]}))
    router = cache.router_dir("fake", "prior", write=True)
    (router / "manifest.json").write_text("{}")
    write_frame(router / "probabilities.parquet", pl.DataFrame({"question_id": ["test-0"]}))
    assert cache.verify() == []
    folder = cache.folder("fake")
    broken = [
        folder / "questions.parquet",
        part_files(cache)[0],
        derived_files(cache)[0],
        folder / "llms" / "b" / "manifest.json",
        folder / "llms" / "b" / "verdicts.parquet",
        router / "probabilities.parquet",
    ]
    for path in broken:
        flip_bit(path, at=0)
    (folder / "llms" / "a" / "generations" / "notes.txt").touch()
    heard = []
    found = cache.verify("fake", progress=lambda *counts: heard.append(counts))
    assert {problem.path for problem in found} == {*broken, folder / "llms" / "a" / "generations" / "notes.txt"}
    assert heard[-1][0] == heard[-1][1]
    assert not any(problem.repaired for problem in found)
    done = cache.verify(repair=True)
    assert all(problem.repaired for problem in done)
    assert {problem.done.split(";")[0].split(" as ")[0] for problem in done} == {"removed", "set aside"}
    for path in broken:
        assert not path.exists()
    missing = cache.verify()
    assert [problem.what for problem in missing] == [
        f"{folder / 'questions.parquet'} is missing",
        f"{folder / 'llms' / 'b' / 'manifest.json'} is missing",
    ]
    cache.write_questions("fake", fake_questions(SMALL_SIZES))  # as the next generate does
    assert cache.llms("fake") == []


def test_changed_and_missing_weights_of_a_router_are_found(cache):
    router = cache.router_dir("fake", "prior", write=True)
    for name in ("weights.skops", "model.safetensors"):
        (router / name).write_bytes(name.encode())
    outside = cache.folder("fake") / "llms" / "a" / "manifest.json"
    files = {path.name: digest(path.read_bytes()) for path in router.iterdir()}
    write_sealed(router / "manifest.json", {"files": {**files, "../../llms/a/manifest.json": "0" * 16}})
    assert cache.verify() == []
    flip_bit(router / "weights.skops")
    (router / "model.safetensors").unlink()
    assert {problem.what.rpartition("/")[2] for problem in cache.verify()} == {
        "weights.skops is truncated or changed",
        "model.safetensors is missing",
    }
    assert {problem.done for problem in cache.verify(repair=True)} == {"set aside as weights.skops.damaged", ""}
    assert outside.exists(), "a manifest names files of its own router only"


def test_a_lost_manifest_does_not_let_other_settings_in(cache):
    manifest = cache.folder("fake") / "llms" / "a" / "manifest.json"
    before = read_sealed(manifest)
    manifest.unlink()
    sampling = {**before["sampling"], "temperature": 1.5}
    with cache.writer("fake", "a") as writer, pytest.raises(SettingsMismatchError, match=r'"temperature": 0\.7.* 1\.5'):
        writer.start(fake_manifest("a", sampling=sampling))
    assert not manifest.exists()
    with cache.writer("fake", "a") as writer:
        writer.start(fake_manifest("a", samples=4, parameters=before["parameters"]))
    assert read_sealed(manifest) == {**before, "samples": 4, "created": ANY}


def test_a_folder_with_nothing_but_a_lock_is_no_damage(cache):
    with cache.writer("fake", "refused"):
        assert cache.verify() == [], "nor is one that is being written for the first time"
    folder = cache.folder("fake") / "llms" / "refused"
    assert folder.is_dir()
    assert cache.verify() == []
    (folder / "generations").mkdir()
    (problem,) = cache.verify()
    assert problem.what == f"{folder / 'manifest.json'} is missing"


def test_repair_leaves_alone_what_is_being_written(cache):
    with cache.writer("fake", "a"):
        flip_bit(part_files(cache)[0])
        (problem,) = Cache(cache.root).verify(repair=True)
    assert (problem.repaired, problem.done) == (False, "left alone, because it is being written")


def test_a_benchmark_whose_questions_are_lost_can_be_verified_by_name(cache):
    (cache.folder("fake") / "questions.parquet").unlink()
    flip_bit(part_files(cache)[0])
    assert len(cache.verify("fake", repair=True)) == 2
    assert [each.what for each in cache.verify("fake")] == [f"{cache.root / 'fake' / 'questions.parquet'} is missing"]
