"""A made-up server that speaks OpenAI's protocol and breaks as told, and a proxy that breaks what a real one says."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FAULTS = ("reset", "429", "500", "truncated", "cut", "half")


class FakeServer:
    """Answers every request with numbered texts; use as a context manager.

    faults: by the number of a completion request, from 0, one of FAULTS. "truncated" breaks the connection within the
    body, "cut" sends half of the JSON as if it were all, "half" leaves the choices out, "429" comes with a Retry-After.
    behaviour: models (names), listed (what is told of them instead), fields (of every choice), many ("ignored",
    "refused"), usage (False, or fields of it), refuse (fields that are unknown here), system (False), status (of
    everything), key (that is wanted), wait (Retry-After of 429 and 500), limit ("max_completion_tokens"), long (prompts
    with this word are refused), gate (an Event that answers wait for), spare (most replies of one prompt that are not
    whole), quirk (a function of a request's fields: the message it is refused with, or None).
    upstream: base URL of a real server that answers instead.
    """

    def __init__(self, faults=None, *, upstream=None, **behaviour):
        self.faults = dict(faults or {})
        self.behaviour = behaviour
        self.upstream = upstream
        self.requests = []  # the fields of every completion request
        self.paths = []
        self.headers = []
        self.happened = Counter()
        self.halved = Counter()  # replies that are not whole, by prompt
        self.running = self.most = 0  # samples that were asked for at the same time
        self.texts = 0
        self._lock = threading.Lock()

    def __enter__(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else every reply waits 40 ms for an acknowledgement

            def log_message(self, *_):
                pass

            def do_GET(self):
                owner.get(self)

            def do_POST(self):
                owner.post(self)

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # the client went away

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def get(self, handler):
        if self.upstream:
            return reply(handler, *self.forward("GET", handler.path, None))
        if (status := self.status(handler)) != 200:
            return reply(handler, status, {"error": {"message": f"no: {handler.headers['Authorization']}"}})
        named = self.behaviour.get("models", ["m"])
        listed = self.behaviour.get("listed", [{"id": name, "object": "model", "owned_by": "fake"} for name in named])
        return reply(handler, 200, {"object": "list", "data": listed})

    def status(self, handler):
        key = self.behaviour.get("key")
        if key and handler.headers["Authorization"] != f"Bearer {key}":
            return 401
        return self.behaviour.get("status", 200)

    def post(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        fields = json.loads(body)
        samples = fields.get("n", 1)
        with self._lock:
            number = len(self.requests)
            self.requests.append(fields)
            self.paths.append(handler.path)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self.running += samples
            self.most = max(self.most, self.running)
            fault = self.faults.get(number)
            if fault in {"cut", "half"}:
                prompt = json.dumps(fields.get("messages", fields.get("prompt")))
                self.halved[prompt] += 1
                if self.halved[prompt] > self.behaviour.get("spare", len(self.requests)):
                    fault = None
        try:
            if gate := self.behaviour.get("gate"):
                gate.wait(60)
            if fault == "reset":
                self.happened[fault] += 1
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                socket.close(handler.connection.detach())
                return
            if fault in {"429", "500"}:
                self.happened[fault] += 1
                wait = {"Retry-After": str(self.behaviour["wait"])} if "wait" in self.behaviour else {}
                wait = wait or ({"Retry-After": "0.05"} if fault == "429" else {})
                reply(handler, int(fault), {"error": {"message": "busy"}}, **wait)
                return
            status, answer = self.forward("POST", handler.path, body) if self.upstream else self.answer(handler, fields)
            answer = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            if fault == "truncated":
                self.happened[fault] += 1
                handler.send_response(status)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(answer)))
                handler.end_headers()
                handler.wfile.write(answer[: len(answer) // 2])
                handler.wfile.flush()
                handler.close_connection = True
                return
            if fault == "cut":
                self.happened[fault] += 1
                answer = answer[: len(answer) // 2]
            if fault == "half":
                self.happened[fault] += 1
                answer = json.dumps(json.loads(answer) | {"choices": []}).encode()
            reply(handler, status, answer)
        finally:
            with self._lock:
                self.running -= samples

    def forward(self, method, path, body):
        parts = urlsplit(self.upstream)
        connection = HTTPConnection(parts.hostname, parts.port, timeout=600)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def answer(self, handler, fields):
        if (status := self.status(handler)) != 200:
            return status, {"error": {"message": f"no: {handler.headers['Authorization']}"}}
        if fields["model"] not in self.behaviour.get("models", ["m"]):
            return 404, {"error": {"message": "no such model"}}
        for name in self.behaviour.get("refuse", ()):
            if name in fields:
                return 400, {"error": {"message": f"unknown field {name}"}}
        if refusal := self.behaviour.get("quirk", lambda _: None)(fields):
            return 400, {"error": {"message": refusal, "type": "invalid_request_error"}}
        chat = handler.path.endswith("/chat/completions")
        samples = fields.get("n", 1)
        if samples > 1 and self.behaviour.get("many") == "refused":
            return 400, {"error": {"message": "only one completion choice is allowed"}}
        if samples > 1 and self.behaviour.get("many") == "ignored":
            samples = 1
        if self.behaviour.get("limit") == "max_completion_tokens" and "max_tokens" in fields:
            return 400, {"error": {"message": "Unsupported parameter: use 'max_completion_tokens' instead."}}
        if chat and self.behaviour.get("system") is False and fields["messages"][0]["role"] == "system":
            return 400, {"error": {"message": "System role not supported"}}
        asked = "".join(each["content"] for each in fields["messages"]) if chat else fields["prompt"]
        if self.behaviour.get("long", "\0") in asked:
            return 400, {"error": {"message": "maximum context length exceeded"}}
        choices = []
        for index in range(samples):
            with self._lock:
                self.texts += 1
                text = f"{self.texts}: The answer is {len(asked)}."
            said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
            choices.append({"index": index, "finish_reason": "stop", **said, **self.behaviour.get("fields", {})})
        made = fields.get("min_tokens", 7) * samples
        usage = {"prompt_tokens": len(asked.split()), "completion_tokens": made, "total_tokens": 0}
        given = self.behaviour.get("usage", {})
        usage = {} if given is False else {"usage": usage | given}
        return 200, {"id": "x", "object": "chat.completion", "model": "m", "choices": choices[::-1], **usage}


def reply(handler, status, body, **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
