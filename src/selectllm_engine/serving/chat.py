"""Chat requests and replies of OpenAI's protocol: what of them is looked at, and how replies are written; no I/O."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "HEADER",
    "SELF",
    "ChatRequest",
    "RequestError",
    "completion",
    "events",
    "header_values",
    "read_chat",
    "said",
]

HEADER = "x-selectllm-"
SELF = "selectllm"  # the setup's name among the models
DETAILS = "selectllm"  # the request's field that asks for the vote in the body, and the reply's that has it
_MOST_HEADER = 400  # characters of a value


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        headers: beside the body.
        body: the reply's, in OpenAI's form.
    """

    def __init__(
        self, status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        kind = "invalid_request_error" if status < 500 else "server_error"
        self.body = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a chat completion.

    Attributes:
        fields: all of it, but for what is this server's own.
        model: who is asked.
        text: what the user said last; "" where there are no words.
        turns: how often the user has said something.
        stream: whether the reply is wanted in pieces.
        details: whether the vote is wanted in the body.
    """

    fields: dict[str, object]
    model: str
    text: str
    turns: int
    stream: bool
    details: bool

    @property
    def wants_several(self) -> bool:
        """Whether another number of completions is wanted than one."""
        return self.fields.get("n") not in (None, 1)

    @property
    def calls_tools(self) -> bool:
        """Whether an answer may be a call of a tool, which can't be voted on."""
        return any(self.fields.get(name) for name in ("tools", "functions"))

    @property
    def counts_usage(self) -> bool:
        """Whether a streamed reply shall end with the tokens it took."""
        options = self.fields.get("stream_options")
        return isinstance(options, dict) and bool(options.get("include_usage"))


def read_chat(body: bytes) -> ChatRequest:
    """The request in a body; raises RequestError."""
    fields = read_object(body)
    model, messages = fields.get("model"), fields.get("messages")
    if not isinstance(model, str):
        raise RequestError(400, "model must be the name of one of /v1/models")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise RequestError(400, "messages must be a list of at least one message")
    details = fields.pop(DETAILS, False)
    turns = sum(each.get("role") == "user" for each in messages)
    return ChatRequest(fields, model, last_words(messages), turns, fields.get("stream") is True, bool(details))


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object in a body; raises RequestError."""
    try:
        fields = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RequestError(400, "the body is no JSON") from None
    if not isinstance(fields, dict):
        raise RequestError(400, "the body is no JSON object")
    return fields


def _no_number(name: str) -> float:
    raise ValueError(name)


def last_words(messages: Iterable[Mapping[str, object]]) -> str:
    """The text of the user's last message, "" without any."""
    asked = [each for each in messages if each.get("role") == "user"]
    return said(asked[-1]) if asked else ""


def said(message: object) -> str:
    """A message's text: its content, or the texts of its parts; thoughts and pictures are none."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "\n".join(part for part in parts if isinstance(part, str))
    return content.encode(errors="replace").decode() if isinstance(content, str) else ""


def completion(
    model: str, choice: Mapping[str, object], usage: Mapping[str, int], details: Mapping[str, object] | None
) -> dict[str, object]:
    """A reply with one choice, of one LLM's reply."""
    made = {
        **_head(model, "chat.completion"),
        "choices": [{**choice, "index": 0}],
        "usage": dict(usage),
    }
    return made if details is None else {**made, DETAILS: details}


def events(
    model: str,
    choice: Mapping[str, object],
    usage: Mapping[str, int] | None,
    details: Mapping[str, object] | None,
) -> Iterator[bytes]:
    """The same as server-sent events: the text, its end, where wanted the tokens and the vote."""
    head = _head(model, "chat.completion.chunk")
    message = choice.get("message")
    delta = {name: value for name, value in (message if isinstance(message, dict) else {}).items() if value is not None}
    for said_now, end in ((delta, None), ({}, choice.get("finish_reason"))):
        yield _event({**head, "choices": [{"index": 0, "delta": said_now, "logprobs": None, "finish_reason": end}]})
    if usage is not None:
        yield _event({**head, "choices": [], "usage": dict(usage)})
    if details is not None:
        yield _event({**head, "choices": [], DETAILS: details})
    yield b"data: [DONE]\n\n"


def _event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _head(model: str, kind: str) -> dict[str, object]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def header_values(values: Mapping[str, object]) -> dict[str, str]:
    """Values as headers of HTTP; those that are None are left out.

    Names and answers are hostile: all but plain characters is percent-encoded.
    """
    return {
        HEADER + name: quote(str(value).encode(errors="replace"), safe=" ,.:;/()+=@")[:_MOST_HEADER]
        for name, value in values.items()
        if value is not None
    }
