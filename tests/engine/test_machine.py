"""What a machine has: a made-up nvidia-smi, and servers that answer like the hub, badly, or not at all."""

import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from selectllm_engine import machine


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(machine, "_silent", {})


@pytest.fixture
def fake_hub(monkeypatch):
    """A server that answers every request with `status`; what is asked for is in `asked`."""

    class Handler(BaseHTTPRequestHandler):
        status = 200
        asked: list[str] = []  # noqa: RUF012

        def do_HEAD(self):
            self.asked.append(self.path)
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield Handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("status", "problem"), [(200, None), (403, None), (503, "it answers 503")])
def test_a_hub_that_answers(fake_hub, status, problem):
    fake_hub.status = status
    assert machine.hub_problem() == problem
    assert len(fake_hub.asked) == 1
    fake_hub.asked.clear()


def test_a_hub_that_is_switched_off(fake_hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert machine.hub_problem() == "HF_HUB_OFFLINE is set"
    assert fake_hub.asked == []


def test_a_hub_that_is_away_or_silent(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        assert machine.hub_problem(0.2) == "no answer within 0.2 s"
        monkeypatch.setattr(machine, "_silent", {})
    assert machine.hub_problem() == "Connection refused"
    monkeypatch.setenv("HF_ENDPOINT", "nonsense")
    assert "nonsense" in machine.hub_problem()
    monkeypatch.setattr(machine, "_ask", lambda *_: time.sleep(5))
    assert machine.hub_problem(0.01) == "no answer within 0.01 s", "looking up a name can take long"


def test_a_silent_hub_is_waited_for_once(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    asked = []

    def ask(url, _):
        asked.append(url)
        time.sleep(1)

    monkeypatch.setattr(machine, "_ask", ask)
    monkeypatch.setattr(machine, "_silent", {})
    problems = {machine.hub_problem(0.01, "http://a") for _ in range(3)}
    assert problems == {"no answer within 0.01 s"}
    assert asked == ["http://a"]
    monkeypatch.setattr(machine, "_silent", {})
    machine.hub_problem(0.01, "http://a", silent=0)
    machine.hub_problem(0.01, "http://a", silent=0)
    assert len(asked) == 3, "later it is asked again"


def test_gpus_and_memory(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.gpus() == []
    program = tmp_path / "nvidia-smi"
    for script, found in [
        ("echo '0, Fake GPU, 81920, 2048'", [machine.Gpu("0", "Fake GPU", 80 << 30, 2 << 30)]),
        ("echo '0, Fake GPU, 81920, [N/A]'", [machine.Gpu("0", "Fake GPU", 80 << 30, 80 << 30)]),
        ("echo '0, Fake GPU, [N/A], [N/A]'", [machine.Gpu("0", "Fake GPU", 0, 0)]),
        ("echo 'No devices were found'; exit 6", []),
        ("echo 'strange'", []),
    ]:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        assert machine.gpus() == found
    assert machine.memory() > 1 << 20
    assert machine.free(tmp_path / "not" / "there") > 0
