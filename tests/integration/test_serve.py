"""`selectllm serve` in front of two real vLLM servers: streamed and voted answers, and one of the two killed."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import selectllm_engine as sl
from llm_servers import vllm_servers
from paths import ROOT
from selectllm_engine.importers.records import Options
from selectllm_engine.importers.served_log import import_served
from selectllm_engine.setups import setup_of, write_setup
from selectllm_engine.store import Cache

pytestmark = pytest.mark.integration

LLMS = os.environ.get("SELECTLLM_TEST_LLMS", "")
SMALL, LARGE = "smollm2-135m-it", "qwen2.5-coder-0.5b-it"
REQUESTS, AT_A_TIME = 24, 4

for needed in ("vllm", "openai", "starlette", "uvicorn", "prometheus_client"):
    if find_spec(needed) is None:
        pytest.skip(f"needs {needed}", allow_module_level=True)
for name in (SMALL, LARGE):
    if not (Path(LLMS) / name / "config.json").is_file():
        pytest.skip(
            f"SELECTLLM_TEST_LLMS names no folder with {name}; tools/pypi_llms.py makes one", allow_module_level=True
        )


@contextlib.contextmanager
def serving(folder, setup):
    """OpenAI's client of a setup that is served."""
    import openai

    # Ctrl-C is heard, though a shell that starts things in the background has them ignore it.
    script = "import signal, sys; from selectllm_tui.cli import main; "
    script += "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
    command = [sys.executable, "-c", script, "serve", "--setup", setup, "--port", "0", "--cache", str(ROOT / "cache")]
    command += ["--log", f"{setup}.jsonl", "--log-texts", "--router-timeout", "600"]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        url = next(found[1] for line in process.stderr if (found := re.search(r"on (http://\S+);", line)))
        yield openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=900)
        process.send_signal(signal.SIGINT)
        assert process.wait(600) == 130
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def asking(number):
    """A request; `min_tokens` is vLLM's own, so that every reply has some words."""
    text = f"What is {number} + {number + 1}? End with: The answer is X."
    how = {"max_tokens": 16, "temperature": 0.0, "extra_body": {"min_tokens": 8}}
    return {"model": "selectllm", "messages": [{"role": "user", "content": text}], **how}


async def test_two_real_endpoints_and_one_that_is_killed(tmp_path):
    run = sl.load("reasoning", ROOT / "cache")
    write_setup(setup_of(run, [SMALL, LARGE]), tmp_path / "voted.toml")
    write_setup(setup_of(run, [SMALL, LARGE], "ridge:tfidf", "argmax"), tmp_path / "routed.toml")
    with vllm_servers(Path(LLMS), tmp_path, SMALL, LARGE, longest=256) as servers:
        lines = [f'[llms."{name}"]\nendpoint = "{url}"\n' for name, (url, _) in servers.items()]
        (tmp_path / "selectllm.toml").write_text("\n".join(lines))
        with serving(tmp_path, "voted.toml") as voting, serving(tmp_path, "routed.toml") as routing:
            async with voting, routing:  # their connections are closed before the servers end
                await ask_both(voting, routing)
                await kill_one(servers[LARGE][1], voting, routing)
    log = tmp_path / "voted.toml.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    judged = [{**line, "gold": 2 * int(re.search(r"\d+", line["text"])[0]) + 1} for line in lines]
    log.write_text("".join(json.dumps(line) + "\n" for line in judged))
    done = import_served(Cache(tmp_path / "cache"), log, "traffic", options=Options())
    assert set(done.llms) == {SMALL, LARGE}
    assert done.splits["test"] > REQUESTS


async def ask_both(voting, routing):
    """Voted answers, whole and streamed, and a stream that is passed on."""
    reply = await voting.chat.completions.with_raw_response.create(**asking(1000))
    assert set(reply.headers["x-selectllm-asked"].split(",")) == {SMALL, LARGE}
    assert "x-selectllm-failed" not in reply.headers
    assert reply.parse().choices[0].message.content
    assert reply.parse().usage.completion_tokens > 2
    assert [each.id async for each in routing.models.list()] == ["selectllm", SMALL, LARGE]
    for client in (voting, routing):
        stream = await client.chat.completions.create(**asking(2000), stream=True)
        texts = [each.choices[0].delta.content or "" async for each in stream if each.choices]
        assert "".join(texts).strip()
        assert len([text for text in texts if text]) > (1 if client is routing else 0)
        assert stream.response.headers["x-selectllm-llm"] in {SMALL, LARGE}


async def kill_one(process, voting, routing):
    """Every request is answered while and after one of the two is killed."""
    gate, answered, dead = asyncio.Semaphore(AT_A_TIME), [], []

    async def one(number):
        client = (voting, routing)[number % 2]
        async with gate:
            reply = await client.chat.completions.with_raw_response.create(**asking(number))
        answered.append((number, reply.status_code, reply.parse().choices[0].message.content))
        if len(answered) == REQUESTS // 3:
            os.killpg(process.pid, signal.SIGKILL)
            dead.append(process.wait())

    await asyncio.gather(*(one(number) for number in range(2 * REQUESTS)))
    assert dead
    assert sorted(number for number, _, _ in answered) == list(range(2 * REQUESTS))  # none failed, none came twice
    assert all(status == 200 and text is not None for _, status, text in answered)
    reply = await voting.chat.completions.with_raw_response.create(**asking(3000))
    assert reply.headers["x-selectllm-failed"] == LARGE
    stream = await routing.chat.completions.create(**asking(4000), stream=True)
    assert stream.response.headers["x-selectllm-llm"] == SMALL
    assert [each async for each in stream]
