"""Where weights are and what identifies them."""

import shutil

import pytest

from fake_engine import fake_weights
from selectllm_engine.errors import EngineError, MissingExtraError, UsageError
from selectllm_engine.generation import weights
from selectllm_engine.generation.weights import check_access, find_weights, fingerprint, local_folder
from selectllm_engine.llms import LLM


@pytest.fixture
def folder(tmp_path):
    folder = fake_weights(tmp_path / "weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_a_copy_elsewhere_has_the_same_fingerprint(folder, tmp_path):
    (folder / "README.md").write_text("says nothing about the weights")
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "README.md").write_text("something else")
    assert fingerprint(copy) == fingerprint(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_every_file_that_matters_changes_it(folder, name):
    before = fingerprint(folder)
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert fingerprint(folder) != before
    (folder / name).rename(folder / f"other_{name}")
    assert fingerprint(folder) != before


def test_large_files_are_sampled_evenly(folder):
    path = folder / "model.safetensors"
    header = path.read_bytes()
    path.write_bytes(header + bytes(10_000))
    before = fingerprint(folder, 16)
    changed = 0
    for offset in range(0, 10_000, 7):
        path.write_bytes(header + bytes(offset) + b"\1" + bytes(9_999 - offset))
        changed += fingerprint(folder, 16) != before
    assert 0 < changed < 100, "about 16 * 16 of 10,000 bytes are looked at"
    path.write_bytes(header + bytes(9_999))
    assert fingerprint(folder, 16) != before, "the size counts"


def test_no_path_is_kept(folder):
    found = find_weights(LLM(name="x", weights=str(folder)))
    assert found.folder == folder.resolve()
    assert found.parameters == 4e-9
    assert found.manifest() == {"id": "weights", "revision": None, "fingerprint": fingerprint(folder)}


def test_weights_that_cannot_be_loaded_safely(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EngineError, match=r"no \*.safetensors file, and pickled weights are never loaded"):
        find_weights(LLM(name="x", weights=str(folder)))
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(EngineError, match="is no safetensors file or is cut off"):
        find_weights(LLM(name="x", weights=str(folder)))
    for header in (b"[" * 100_000, b'{"a": {"shape": [' + b"9" * 4000 + b"]}}"):
        (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
        with pytest.raises(EngineError, match="is no safetensors file"):
            find_weights(LLM(name="x", weights=str(folder)))
    (folder / "config.json").unlink()
    with pytest.raises(EngineError, match=r"has no config\.json"):
        find_weights(LLM(name="x", weights=str(folder)))


def test_folders_and_hub_ids(folder, monkeypatch):
    assert local_folder(str(folder)) == folder
    assert local_folder("owner/name-7B.v1") is None
    monkeypatch.chdir(folder.parent)
    assert local_folder("weights") is not None
    for neither in ("nowhere", "./owner/name", "~/nowhere", "~nobody-of-that-name/x", "/no/where", "a/b/c"):
        with pytest.raises(UsageError, match="no folder"):
            local_folder(neither)


class FakeHub:
    """Stands for huggingface_hub: gives a snapshot, or raises."""

    class GatedRepoError(Exception): ...

    class RepositoryNotFoundError(Exception): ...

    class LocalEntryNotFoundError(Exception): ...

    class HfHubHTTPError(Exception): ...

    def __init__(self, answer):
        self.answer = answer

    def snapshot_download(self, hub_id, *, revision, allow_patterns):
        self.asked = hub_id, revision
        assert not any("bin" in pattern or "pickle" in pattern for pattern in allow_patterns)
        if isinstance(self.answer, Exception):
            raise self.answer
        return str(self.answer)

    def auth_check(self, hub_id):
        assert hub_id == "owner/name"
        if isinstance(self.answer, Exception):
            raise self.answer


@pytest.mark.parametrize("answer", [None, RuntimeError("the connection broke")])
def test_weights_that_may_be_downloaded(monkeypatch, answer):
    monkeypatch.setattr(weights, "import_module", lambda _: FakeHub(answer))
    check_access(LLM(name="x", weights="owner/name"))


@pytest.mark.parametrize("error", [FakeHub.GatedRepoError(), FakeHub.RepositoryNotFoundError()])
def test_weights_that_may_not_be_downloaded(monkeypatch, error):
    monkeypatch.setattr(weights, "import_module", lambda _: FakeHub(error))
    with pytest.raises(EngineError, match=r"is gated|the hub has no"):
        check_access(LLM(name="x", weights="owner/name"))


def test_a_download_is_pinned_to_its_commit(folder, monkeypatch):
    snapshot = folder.rename((folder.parent / "snapshots").mkdir() or folder.parent / "snapshots" / "abc123")
    hub = FakeHub(snapshot)
    monkeypatch.setattr(weights, "import_module", lambda _: hub)
    found = find_weights(LLM(name="x", weights="owner/name"), known_revision="abc123")
    assert hub.asked == ("owner/name", "abc123")
    assert found.manifest() == {"id": "owner/name", "revision": "abc123", "fingerprint": fingerprint(snapshot)}
    find_weights(LLM(name="x", weights="owner/name", revision="v2"), known_revision="abc123")
    assert hub.asked == ("owner/name", "v2")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FakeHub.GatedRepoError(), "owner/name is gated; accept its terms on"),
        (FakeHub.RepositoryNotFoundError(), "the hub has no owner/name, or it is private; check the id"),
        (FakeHub.LocalEntryNotFoundError(), "is not on this machine and the hub cannot be reached; name a folder"),
        (FakeHub.HfHubHTTPError("503 away\nmore"), r"owner/name cannot be downloaded \(503 away\); try again"),
        (OSError("disk full"), r"cannot be downloaded \(disk full\)"),
    ],
)
def test_downloads_that_fail(monkeypatch, error, line):
    monkeypatch.setattr(weights, "import_module", lambda _: FakeHub(error))
    with pytest.raises(EngineError, match=line):
        find_weights(LLM(name="x", weights="owner/name"))


def test_without_the_hub_library(monkeypatch):
    def missing(_):
        raise ImportError

    monkeypatch.setattr(weights, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"selectllm\[vllm\]"):
        find_weights(LLM(name="x", weights="owner/name"))
