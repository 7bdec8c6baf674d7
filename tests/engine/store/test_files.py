"""Names that are safe as folder names, and Parquet files that carry their digest."""

import errno
import hashlib
import time
import zlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import write_fake_run
from selectllm_engine.errors import (
    CacheError,
    DamagedError,
    UsageError,
)
from selectllm_engine.store import folder_name, name_of
from selectllm_engine.store.frames import LARGE, MUCH, SEAL_KEY, check_frame, read_frame, write_frame

SIZES = {"train": 4, "test": 6}


# Names


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("qwen2.5-coder-0.5b-it", "qwen2.5-coder-0.5b-it"),
        ("knn:tfidf", "knn%3Atfidf"),
        ("mlc:roberta-base@4", "mlc%3Aroberta-base@4"),
        ("../x", "%2E.%2Fx"),
        ("a/b\\c", "a%2Fb%5Cc"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "%2E.%2E"),
        (".hidden", "%2Ehidden"),
        ("~root", "%7Eroot"),
        ("v1.", "v1%2E"),
        ("CON", "%43ON"),
        ("nul.txt", "%6Eul.txt"),
        ("console", "console"),
        ("a b", "a%20b"),
        ("\0", "%00"),
        ("100%", "100%25"),
        ("größe", "gr%C3%B6%C3%9Fe"),
    ],
)
def test_folder_names(name, folder):
    assert folder_name(name) == folder
    assert name_of(folder) == name


@pytest.mark.parametrize("name", ["", "x" * 300, "ä" * 100, "\ud800"])
def test_names_that_cannot_be_folders(name):
    with pytest.raises(UsageError) as error:
        folder_name(name)
    assert len(str(error.value)) < 200


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=26))
def test_every_name_comes_back_from_its_folder(name):
    folder = folder_name(name)
    assert name_of(folder) == name
    assert folder.isascii()
    assert not {"/", "\\", ":", "\0"} & set(folder)
    assert folder[0] not in ".~"
    assert folder[-1] != "."


@given(st.text(max_size=20))
def test_folders_of_others_are_refused(folder):
    try:
        name = name_of(folder)
    except CacheError:
        return
    assert folder_name(name) == folder


def test_a_hostile_name_stays_inside_the_cache(tmp_path):
    cache = write_fake_run(tmp_path / "cache", "../../evil", questions=SIZES, llms=("../x", "..", "a\n\x1b[31m"))
    assert {path.name for path in tmp_path.iterdir()} == {"cache"}
    assert cache.benchmarks() == ["../../evil"]
    assert cache.llms("../../evil") == ["../x", "..", "a\n\x1b[31m"]
    assert not cache.answers("../../evil", "..").is_empty()


# Parquet files with a digest inside


def test_a_frame_reads_back_and_any_change_is_found(tmp_path):
    path = tmp_path / "x.parquet"
    frame = pl.DataFrame({"a": ["x", None], "b": [[1], []]})
    write_frame(path, frame)
    assert read_frame(path).equals(frame)
    assert pl.read_parquet(path).equals(frame)
    data = path.read_bytes()
    for at in range(len(data)):
        for changed in (data[:at], data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]):
            path.write_bytes(changed)
            with pytest.raises(DamagedError):
                check_frame(path)


@pytest.mark.parametrize(
    ("seal", "length", "checksum"),
    [
        (b"crc-32:", 8, lambda data: f"{zlib.crc32(data):08x}"),
        (b"blake2b-64:", 16, lambda data: hashlib.blake2b(data).hexdigest()[:16]),
    ],
)
def test_files_with_an_older_seal_are_read(tmp_path, seal, length, checksum):
    path, frame = tmp_path / "x.parquet", pl.DataFrame({"a": ["x", None], "xxh3-64:": [1, 2]})
    frame.write_parquet(path, metadata={SEAL_KEY: seal.decode() + "0" * length})
    data = path.read_bytes()
    at = data.rindex(seal) + len(seal)
    data = data[:at] + checksum(data).encode() + data[at + length :]
    path.write_bytes(data)
    assert read_frame(path).equals(frame)
    path.write_bytes(data[:9] + bytes([data[9] ^ 1]) + data[10:])
    with pytest.raises(DamagedError):
        check_frame(path)


def test_another_writers_parquet_is_damaged(tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(DamagedError, match="truncated or changed"):
        read_frame(tmp_path / "x.parquet")


def test_a_frame_with_other_columns(tmp_path):
    write_frame(tmp_path / "x.parquet", pl.DataFrame({"a": [1]}))
    with pytest.raises(DamagedError, match="no column b"):
        read_frame(tmp_path / "x.parquet", pl.Schema({"b": pl.Int64()}))


def test_text_like_a_seal_in_the_data_does_no_harm(tmp_path):
    frame = pl.DataFrame({"xxh3-64:0000000000000000": ["xxh3-64:0000000000000000", "xxh3-64:0123456789abcdef"]})
    write_frame(tmp_path / "x.parquet", frame)
    assert read_frame(tmp_path / "x.parquet").equals(frame)


def test_a_large_frame_is_the_same(tmp_path):
    frame = pl.DataFrame({"a": [f"text {row}" for row in range(LARGE)]})
    write_frame(tmp_path / "x.parquet", frame)
    assert read_frame(tmp_path / "x.parquet").equals(frame)


def test_a_disk_that_fails_meanwhile_is_one_line(tmp_path, monkeypatch):
    done = []

    def fails(handle):
        if not done:
            done.append(handle)
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("selectllm_engine.store.frames._seal", lambda file: time.sleep(0.2))
    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(CacheError, match="Input/output error; free some space"):
        write_frame(tmp_path / "x.parquet", pl.DataFrame({"a": np.arange(MUCH // 8 + 1)}))
    assert not list(tmp_path.iterdir())


def test_what_polars_cannot_write_is_one_line_and_leaves_nothing(tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    frame = pl.DataFrame({"a": [f"text {row * row}" for row in range(10_000)]})
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(CacheError, match="File too large; free some space") as error:
            write_frame(tmp_path / "x.parquet", frame)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
