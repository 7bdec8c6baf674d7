"""Made-up endpoints of a run's LLMs, without a network: they replay recorded generations and break as told."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import httpx

from selectllm_engine.llms import LLM
from selectllm_engine.routers.training_data import question_texts

_JSON = {"content-type": "application/json", "retry-after": "0"}
HOST = "http://fake-endpoint"


def fake_llms(names, **fields):
    """Settings for LLMs that are served at the fake endpoints."""
    return {
        name: LLM(name=name, weights=f"served-{name}", endpoint=f"{HOST}/{number}/v1", **fields)
        for number, name in enumerate(names)
    }


class FakeEndpoints(httpx.AsyncBaseTransport):
    """Answers chat completions of any number of LLMs; `llms` are those of `fake_llms`, in that order.

    answer: from an LLM's name and the request's fields to its texts, as many as `n`.
    down: names of LLMs that can't be reached.
    faults: from the number of a request, from 0, to one of: "reset", "cut", "half", a status, or an async function.
    """

    def __init__(self, names, answer):
        self.names, self.answer = list(names), answer
        self.down, self.faults = set(), {}
        self.closed = 0  # streams
        self.requests, self.headers = [], []
        self.asked = Counter()

    async def handle_async_request(self, request):
        name = self.names[int(request.url.path.split("/")[1])]
        fields, number = json.loads(request.content), len(self.requests)
        self.requests.append((name, fields))
        self.headers.append(dict(request.headers))
        self.asked[name] += 1
        if name in self.down:
            raise httpx.ConnectError("down")
        fault = self.faults.get(number)
        if callable(fault):
            fault = await fault()
        if fault == "reset":
            raise httpx.ReadError("reset")
        if isinstance(fault, int):
            return httpx.Response(fault, stream=httpx.ByteStream(b'{"error": {"message": "no"}}'), headers=_JSON)
        texts = self.answer(name, fields)
        if fields.get("stream"):
            return httpx.Response(
                200, stream=_Events(self, texts, fault), headers={"content-type": "text/event-stream"}
            )
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
                "odd": [number],
            }
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 10, "completion_tokens": 5 * len(texts), "total_tokens": 0}
        body = json.dumps({"id": f"r{number}", "choices": [] if fault == "half" else choices, "usage": usage}).encode()
        body = body[: len(body) // 2] if fault == "cut" else body
        return httpx.Response(200, stream=httpx.ByteStream(body), headers=_JSON)


class _Events(httpx.AsyncByteStream):
    def __init__(self, owner, texts, fault):
        self.owner, self.texts, self.fault = owner, texts, fault

    async def aclose(self):
        self.owner.closed += 1

    async def __aiter__(self):
        for index, text in enumerate(texts := self.texts):
            for word in text.split(" "):
                yield _event(index, {"content": f"{word} "}, None)
                if self.fault == "cut":
                    raise httpx.ReadError("broken off")
                await asyncio.sleep(0)
            yield _event(index, {}, "stop")
        usage = {"prompt_tokens": 10, "completion_tokens": 5 * len(texts)}
        yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"


def _event(index, delta, end):
    event = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    event["choices"] = [{"index": index, "delta": delta, "finish_reason": end}]
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def replayed(run, split="test"):
    """Endpoints' answers that are a run's recorded generations, the first n of them; and the questions' texts."""
    questions = run.outcomes(split).questions.select("question_id", text=question_texts())
    ids = dict(zip(questions["text"], questions["question_id"], strict=True))
    texts = {}
    for name in run.llms:
        frame = run.cache.generations(run.benchmark, name).sort("question_id", "sample")
        texts[name] = {
            key[0]: part["text"].to_list() for key, part in frame.group_by("question_id", maintain_order=True)
        }

    def answer(name, fields):
        return texts[name][ids[fields["messages"][-1]["content"]]][: fields.get("n", 1)]

    return answer, questions["text"].to_list()
