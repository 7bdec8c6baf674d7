"""Replies as samples: texts, tokens, and what of a streamed reply is put together again; no I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectllm_engine.serving.chat import said

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BROKEN", "Sample", "StreamedReply", "samples_of"]

_MOST_TOKENS = (1 << 31) - 1
_MOST_LINE = 1 << 20  # bytes of an event that are looked at
BROKEN = b'data: {"error": {"message": "the endpoint broke off", "type": "server_error", "code": "broken_off"}}\n\n'


@dataclass(slots=True)
class Sample:
    """One completion.

    Attributes:
        choice: of the reply, as it came.
        text: its words.
        prompt_tokens, output_tokens: None where the endpoint doesn't count.
        seconds: until it was there.
        answer: what was extracted from it; None where nothing was found.
        read: whether that was tried.
    """

    choice: dict[str, object]
    text: str
    prompt_tokens: int | None
    output_tokens: int | None
    seconds: float
    answer: str | None = None
    read: bool = False


def samples_of(reply: Mapping[str, Any], seconds: float) -> list[Sample]:
    """The samples in a reply, in their order. Tokens are counted for all together: each has an equal share."""
    choices = sorted(reply["choices"], key=_index)
    usage = reply.get("usage")
    prompt, output = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    return [
        Sample(
            choice,
            said(choice.get("message")),
            _share(prompt, place, len(choices)),
            _share(output, place, len(choices)),
            seconds,
        )
        for place, choice in enumerate(choices)
    ]


def _index(choice: Mapping[str, object]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _count(usage: object, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if type(count) is int and 0 <= count <= _MOST_TOKENS else None


def _share(total: int | None, place: int, parts: int) -> int | None:
    return None if total is None else total * (place + 1) // parts - total * place // parts


class StreamedReply:
    """A reply that is put together from its events, beside passing them on."""

    def __init__(self) -> None:
        self._rest = b""
        self._texts: dict[int, list[str]] = {}
        self._ends: dict[int, str] = {}
        self._usage: object = None

    def feed(self, piece: bytes) -> None:
        """Some more bytes of it."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._rest = self._rest[:_MOST_LINE]
        for line in lines:
            if line.startswith(b"data:"):
                self._read(line[5:])

    def reply(self) -> dict[str, object]:
        """What it would have been in one piece, as far as it is looked at."""
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": "".join(texts)},
                "finish_reason": self._ends.get(index),
            }
            for index, texts in sorted(self._texts.items())
        ]
        return {"choices": choices, "usage": self._usage}

    def _read(self, data: bytes) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return  # [DONE], or what isn't ours to judge
        choices = event.get("choices") if isinstance(event, dict) else None
        if not isinstance(choices, list):
            return
        self._usage = event.get("usage") or self._usage
        for choice in choices:
            if isinstance(choice, dict) and isinstance(index := choice.get("index", 0), int):
                self._texts.setdefault(index, []).append(said(choice.get("delta")))
                if isinstance(end := choice.get("finish_reason"), str):
                    self._ends[index] = end
