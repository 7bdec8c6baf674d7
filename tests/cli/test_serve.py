"""`selectllm serve`: a process that answers over a real socket, keeps a log, and ends as it should."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

import selectllm_engine as sl
from fake_server import FakeServer
from selectllm_engine.errors import UsageError
from selectllm_engine.machine import is_loopback
from selectllm_engine.serving.server import client_key, listen
from selectllm_engine.setups import setup_of, write_setup

EVERYWHERE = "0.0.0.0"  # noqa: S104
ASK = {"model": "selectllm", "messages": [{"role": "user", "content": "How many apples?"}]}


@pytest.fixture
def folder(fake_cache, tmp_path):
    """A folder with a setup of the made-up run."""
    write_setup(setup_of(sl.load("fake", fake_cache), router="logistic:tfidf"), tmp_path / "setup.toml")
    return tmp_path


def settings(folder, url):
    lines = [f'[llms.fake-{name}]\nendpoint = "{url}"\nweights = "m"\n' for name in "abc"]
    (folder / "selectllm.toml").write_text("\n".join(lines))


# Ctrl-C is heard, though a shell that starts things in the background has them ignore it.
STARTED = """
import signal, sys
from selectllm_tui.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""


class Process:
    """A server as a process; `url` is where it answers."""

    def __init__(self, folder, cache, *args):
        command = [sys.executable, "-c", STARTED]
        command += ["serve", "--setup", "setup.toml", "--port", "0", "--cache", str(cache), *args]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENAI_API_KEY": "sk-secret-key"},
        )
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            if found := re.search(r"on (http://\S+)/v1", line):
                self.url = found[1]
                return
        raise AssertionError("it did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def listens(url):
    try:
        return httpx.get(f"{url}/healthz", timeout=60).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_what_is_under_way_is_finished_at_the_end(fake_cache, folder, stop):
    gate = threading.Event()
    with FakeServer(gate=gate, key="sk-secret-key") as endpoint:
        settings(folder, endpoint.url)
        with Process(folder, fake_cache, "--log", "log.jsonl") as server:
            found = []
            asking = threading.Thread(
                target=lambda: found.append(httpx.post(f"{server.url}/v1/chat/completions", json=ASK, timeout=600))
            )
            asking.start()
            while not endpoint.requests:
                assert asking.is_alive()
            server.process.send_signal(stop)
            while listens(server.url):
                pass
            gate.set()
            asking.join()
            assert found[0].json()["choices"][0]["message"]["content"].endswith("The answer is 16.")
            assert server.process.wait(600) == 128 + stop
            said = server.said + server.process.stderr.read()
            assert "gives what was evaluated" in said  # each LLM is asked once, and the figures are of more samples
            assert "Traceback" not in said
    (line,) = (folder / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["votes"][0]["output_tokens"] == 7
    assert "sk-secret-key" not in line + said


def test_a_second_interrupt_ends_at_once(fake_cache, folder):
    gate = threading.Event()
    with FakeServer(gate=gate) as endpoint:
        settings(folder, endpoint.url)
        with Process(folder, fake_cache) as server:
            answered = []

            def ask():
                with contextlib.suppress(httpx.HTTPError):
                    answered.append(httpx.post(f"{server.url}/v1/chat/completions", json=ASK, timeout=600).status_code)

            asking = threading.Thread(target=ask)
            asking.start()
            while not endpoint.requests:
                assert asking.is_alive()
            while server.process.poll() is None:  # the answer isn't waited for: the gate is shut
                server.process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.process.wait(0.5)
            asking.join()
            assert answered in ([], [500])
            assert server.process.returncode in (130, -signal.SIGINT)  # the latter by one that came too late
            gate.set()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "it is not said what to serve"),
        (["--setup", "setup.toml", "--log-texts"], "--log-texts says what a log holds"),
        (["--setup", "setup.toml", "--host", EVERYWHERE], f"{EVERYWHERE} can be reached from other machines"),
        (["--setup", "setup.toml", "--api-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY holds no key"),
        (["--setup", "setup.toml"], "nobody knows where fake-a is served"),
    ],
)
def test_what_is_wrong_is_one_line(selectllm, folder, monkeypatch, args, message):
    monkeypatch.chdir(folder)
    code, out, err = selectllm("serve", *args)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_without_the_extra_it_is_named(selectllm, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    assert "pip install 'selectllm[serve]'" in selectllm("serve")[2]


def test_other_hosts_need_a_key(monkeypatch):
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, (EVERYWHERE, "::", "10.0.0.1", "example.org")))
    monkeypatch.setenv("OWN_KEY", " abc ")
    assert client_key(EVERYWHERE, "OWN_KEY") == "abc"
    assert client_key("::1", None) == ""
    monkeypatch.setenv("OWN_KEY", "a\u00fc")
    with pytest.raises(UsageError, match="OWN_KEY holds no key"):
        client_key("127.0.0.1", "OWN_KEY")


def test_a_port_that_is_taken_is_told():
    with listen("127.0.0.1", 0) as taken, pytest.raises(UsageError, match="choose another --port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_replies_do_not_wait_for_acknowledgements():
    """Else the second part of a reply waits 40 ms for that of the first (Nagle's algorithm)."""
    with listen("127.0.0.1", 0) as place, socket.create_connection(place.getsockname()):
        connection, _ = place.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
