"""Where weights are and what identifies them."""

import shutil

import pytest

from fake_engine import fake_weights
from selectllm_engine.errors import EngineError, UsageError
from selectllm_engine.generation import weights
from selectllm_engine.generation.weights import find_weights, fingerprint, local_folder
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


def test_large_files_are_sampled_evenly(folder, monkeypatch):
    monkeypatch.setattr(weights, "SAMPLE_BYTES", 16)
    path = folder / "model.safetensors"
    header = path.read_bytes()
    path.write_bytes(header + bytes(10_000))
    before = fingerprint(folder)
    changed = 0
    for offset in range(0, 10_000, 7):
        path.write_bytes(header + bytes(offset) + b"\1" + bytes(9_999 - offset))
        changed += fingerprint(folder) != before
    assert 0 < changed < 100, "about 16 * 16 of 10,000 bytes are looked at"
    path.write_bytes(header + bytes(9_999))
    assert fingerprint(folder) != before, "the size counts"


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
    (folder / "config.json").unlink()
    with pytest.raises(EngineError, match=r"has no config\.json"):
        find_weights(LLM(name="x", weights=str(folder)))


def test_folders_and_hub_ids(folder, monkeypatch):
    assert local_folder(str(folder)) == folder
    assert local_folder("owner/name-7B.v1") is None
    monkeypatch.chdir(folder.parent)
    assert local_folder("weights") is not None
    for neither in ("nowhere", "./owner/name", "~/nowhere", "/no/where", "a/b/c"):
        with pytest.raises(UsageError, match="no folder"):
            local_folder(neither)
