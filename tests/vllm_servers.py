"""Real vLLM servers on CPU, for the integration tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

GIVE_UP = 900.0  # seconds; loading takes most of it on a busy machine


@contextlib.contextmanager
def vllm_servers(folder, logs, *names, longest=1024):
    """Servers of the LLMs in a folder, started side by side: by name the base URL and the process."""
    with contextlib.ExitStack() as stack:
        started = {name: stack.enter_context(_starting(folder / name, logs / f"{name}.log", longest)) for name in names}
        begun = time.monotonic()
        for name, (port, process) in started.items():
            while not _healthy(port):
                assert process.poll() is None, (logs / f"{name}.log").read_text(errors="replace")[-3000:]
                assert time.monotonic() - begun < GIVE_UP
                time.sleep(1)
        yield {name: (f"http://127.0.0.1:{port}/v1", process) for name, (port, process) in started.items()}


@contextlib.contextmanager
def _starting(llm, log, longest):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(llm)]
    settings = ["--served-model-name", llm.name, "--host", "127.0.0.1", "--port", str(port)]
    settings += ["--max-model-len", str(longest), "--enforce-eager"]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *settings], stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
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


def _healthy(port):
    try:
        return urlopen(f"http://127.0.0.1:{port}/health", timeout=5).status == 200
    except (URLError, OSError):
        return False
