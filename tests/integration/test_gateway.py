"""`selectllm export gateway litellm`: LiteLLM's real proxy, before fake endpoints of the recorded run's LLMs."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import selectllm_engine as sl
from paths import ROOT
from selectllm_engine.routers.training_data import question_texts
from selectllm_engine.serving.gateway import LITELLM
from selectllm_engine.setups import planned_setup, setup_of, write_setup
from selectllm_tui.cli import main

pytestmark = pytest.mark.integration

try:
    version("litellm")
except PackageNotFoundError:
    pytest.skip("needs litellm[proxy]", allow_module_level=True)

GIVE_UP = 600.0  # seconds
QUESTIONS = 40
MASTER = "sk-made-up-master"
BEST = "qwen2.5-coder-1.5b-it/few-shot-cool"


class FakeEndpoints:
    """OpenAI's protocol for several LLMs; each says its name, in pieces where a stream is wanted. Some are down."""

    def __init__(self, names):
        self.names, self.down, self.seen = list(names), set(), []

    def __enter__(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                owner.answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, name):
        return f"http://127.0.0.1:{self._server.server_address[1]}/{self.names.index(name)}/v1"

    def answer(self, handler, fields):
        name = self.names[int(handler.path.split("/")[1])]
        self.seen.append((name, fields, handler.headers["Authorization"]))
        if name in self.down:
            return self.reply(handler, 500, b'{"error": {"message": "down"}}')
        head = {"id": "made-up", "created": 0, "model": fields["model"]}
        if not fields.get("stream"):
            message = {"role": "assistant", "content": f"I am {name}."}
            usage = {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
            return self.reply(handler, 200, json.dumps(body).encode())
        events = b""
        for piece in ("I", " am ", f"{name}."):
            choice = {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}
            body = {**head, "object": "chat.completion.chunk", "choices": [choice]}
            events += b"data: " + json.dumps(body).encode() + b"\n\n"
        choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
        body = {**head, "object": "chat.completion.chunk", "choices": [choice]}
        events += b"data: " + json.dumps(body).encode() + b"\n\ndata: [DONE]\n\n"
        return self.reply(handler, 200, events, "text/event-stream")

    def reply(self, handler, status, body, kind="application/json"):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class Proxy:
    """LiteLLM's proxy, as an exported folder says."""

    def __init__(self, folder, environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = folder / "log"
        litellm = Path(sys.executable).with_name("litellm")
        command = [
            str(litellm),
            "--config",
            str(folder / "config.yaml"),
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=folder.parent
            )

    def __enter__(self):
        start = time.monotonic()
        while not self.alive():
            assert self._process.poll() is None, self.log[-5000:]
            assert time.monotonic() - start < GIVE_UP, self.log[-5000:]
            time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(60)

    @property
    def log(self):
        return self._log.read_text(errors="replace")

    def alive(self):
        try:
            return self.request("GET", "/health/liveliness")[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, key=MASTER):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=GIVE_UP)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, text

    def ask(self, text, model="selectllm", **fields):
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        status, reply = self.request("POST", "/v1/chat/completions", body)
        assert status == 200, reply
        return reply


@pytest.fixture(scope="module")
def run():
    return sl.load("reasoning", ROOT / "cache")


@pytest.fixture(scope="module")
def endpoints(run):
    with FakeEndpoints(run.llms) as fakes:
        yield fakes


@pytest.fixture(scope="module")
def setup(run):
    return setup_of(run, router="logistic:tfidf", policy="cost-aware:0.1")


@pytest.fixture(scope="module")
def folder(run, endpoints, setup, tmp_path_factory):
    """An exported folder, beside the selectllm.toml and the setup that it is from."""
    place = tmp_path_factory.mktemp("gateway")
    lines = []
    for number, name in enumerate(run.llms):
        lines += [f'[llms."{name}"]', f'endpoint = "{endpoints.url(name)}"', f'weights = "served-{name}"']
        lines += [f'api_key_env = "KEY_{number}"']
    (place / "selectllm.toml").write_text("\n".join(lines))
    write_setup(setup, place / "s.toml")
    before = Path.cwd()
    os.chdir(place)
    try:
        args = ["export", "gateway", "litellm", "out", "--setup", "s.toml", "--cache", str(ROOT / "cache")]
        assert main(args) == 0
    finally:
        os.chdir(before)
    return place / "out"


@pytest.fixture(scope="module")
def environment(run):
    keys = {f"KEY_{number}": f"made-up-{number}" for number in range(len(run.llms))}
    return {**os.environ, **keys, "LITELLM_MASTER_KEY": MASTER, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@pytest.fixture(scope="module")
def proxy(folder, environment):
    with Proxy(folder, environment) as started:
        yield started


@pytest.fixture(autouse=True)
def forgotten(endpoints):
    endpoints.seen.clear()
    endpoints.down.clear()


def test_the_version_is_the_one_that_is_documented():
    assert version("litellm") == LITELLM


def test_the_llms_are_those_of_evaluate(run, setup, proxy, endpoints):
    chosen = planned_setup(run, setup).select().choice
    assert len({int(llm) for llm in chosen[:QUESTIONS]}) > 2
    questions = run.outcomes("test").questions
    texts = questions.select(question_texts()).to_series().to_list()
    for text, llm in zip(texts[:QUESTIONS], chosen, strict=False):
        endpoints.seen.clear()
        reply = json.loads(proxy.ask(text, temperature=0.5))
        name = run.llms[int(llm)]
        assert reply["choices"][0]["message"]["content"] == f"I am {name}."
        ((asked, fields, key),) = endpoints.seen
        assert (asked, fields["model"], fields["temperature"]) == (name, f"served-{name}", 0.5)
        assert fields["messages"] == [{"role": "user", "content": text}]
        assert key == f"Bearer made-up-{int(llm)}"


def test_streams_arrive_in_pieces(run, setup, proxy, endpoints):
    question = run.outcomes("test").questions.select(question_texts()).to_series()[0]
    name = run.llms[int(planned_setup(run, setup).select().choice[0])]
    events = [line.removeprefix("data: ") for line in proxy.ask(question, stream=True).splitlines() if line]
    assert events[-1] == "[DONE]"
    deltas = [choice["delta"].get("content") for each in events[:-1] for choice in json.loads(each)["choices"]]
    assert [each for each in deltas if each] == ["I", " am ", f"{name}."]


def test_every_llm_may_be_asked_for_by_name_and_a_key_is_needed(run, proxy):
    for name in run.llms:
        assert f"I am {name}." in proxy.ask("Who are you?", model=name)
    body = {"model": "selectllm", "messages": [{"role": "user", "content": "Who?"}]}
    assert proxy.request("POST", "/v1/chat/completions", body, key="sk-another")[0] in (400, 401, 403)


def test_best_single_answers_where_the_router_can_not(proxy):
    body = {"model": "selectllm", "messages": [{"role": "system", "content": "There is no user."}]}
    status, reply = proxy.request("POST", "/v1/chat/completions", body)
    assert (status, json.loads(reply)["choices"][0]["message"]["content"]) == (200, f"I am {BEST}.")
    assert "best-single answers: the router failed (ValueError)" in proxy.log


def test_the_next_best_answers_where_one_is_down(run, setup, proxy, endpoints):
    question = run.outcomes("test").questions.select(question_texts()).to_series()[0]
    name = run.llms[int(planned_setup(run, setup).select().choice[0])]
    endpoints.down.add(name)
    said = json.loads(proxy.ask(question))["choices"][0]["message"]["content"]
    second = BEST if name != BEST else "qwen2.5-coder-1.5b-it"
    assert said == f"I am {second}."
