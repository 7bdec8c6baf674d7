"""What is sent to servers that speak OpenAI's protocol, and how their replies are read; no I/O.

Servers differ in what they take. What one refuses is learnt from its first refusal and left out from then on, where
that changes no draw; where it would, the refusal is told with the setting that helps.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.generation.engine import Completion
from selectllm_engine.generation.prompts import template_arguments, without_system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.generation.prompts import Prompt
    from selectllm_engine.llms import Sampling

__all__ = ["OWN_SERVERS", "Ask", "Dialect", "Reply", "helps", "read_reply", "whole"]

# what servers say that refuse messages of the system, several samples at once, or a prompt for its length
_SYSTEM = re.compile(r"\bsystem\b|roles must", re.IGNORECASE)
_MANY = re.compile(r"\bn\b|choice|candidate|multiple|completions", re.IGNORECASE)
_LONG = re.compile(r"context|too long|too large", re.IGNORECASE)
_STOP = re.compile(r"\bstop\b|stop_sequences?", re.IGNORECASE)
# what is never left out, for the draws would be others -> what a server that refuses it is told apart by
_NEEDED = {
    "top_p": re.compile(r"\btop_p\b", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "top_k": re.compile(r"\btop_k\b", re.IGNORECASE),
    "repetition_penalty": re.compile(r"\brepetition_penalty\b", re.IGNORECASE),
}
_NEUTRAL = {"top_p": 1, "temperature": 1, "top_k": 0, "repetition_penalty": 1}
# how some servers call what the protocol calls "stop" and "length"
_ENDS = {
    **dict.fromkeys(("eos", "eos_token", "end_turn", "stop_sequence", "stop"), "stop"),
    **dict.fromkeys(("max_tokens", "max_output_tokens", "length"), "length"),
}
# servers of one's own, by what they call themselves: what they aren't told they take from the LLM's files
OWN_SERVERS = frozenset({"vllm", "sglang", "llamacpp", "library"})
_MOST_TOKENS = (1 << 31) - 1  # that can be stored
_MOST_LOGPROBS = 100_000  # tokens of a reply whose probabilities are asked for, each with some hundred bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """So many samples of one prompt; `exactly` is the number of new tokens of a sample that is timed."""

    model: str
    prompt: Prompt
    sampling: Sampling
    samples: int
    exactly: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The completions in one reply, and the tokens of their prompt where the server counts them."""

    completions: tuple[Completion, ...]
    prompt_tokens: int | None


@dataclass(slots=True)
class Dialect:
    """What a server takes.

    Attributes:
        many: several samples per request (`n`).
        system: messages of the system.
        limit: the field for the most new tokens.
        exact: the fields that servers of one's own have for timing.
        stop: strings that end a completion; without, it is cut off here.
        defaults: also settings that have the protocol's default value, for servers that have other ones.
        logprobs: probabilities of the tokens.
        penalty: the names that a repetition penalty has; servers know one of them.
    """

    many: bool = True
    system: bool = True
    limit: str = "max_tokens"
    exact: bool = True
    stop: bool = True
    defaults: bool = False
    logprobs: bool = True
    penalty: tuple[str, ...] = ("repetition_penalty", "repeat_penalty")

    def fields(self, ask: Ask, samples: int, *, salt: str = "") -> dict[str, object]:
        """The fields of a request."""
        sampling = ask.sampling
        fields: dict[str, object] = {"model": ask.model}
        for name in ("temperature", "top_p"):
            if self.defaults or getattr(sampling, name) != 1:
                fields[name] = getattr(sampling, name)
        if ask.prompt.messages is None:
            fields |= {"prompt": ask.prompt.text, "max_tokens": ask.exactly or sampling.max_tokens}
        else:
            messages = ask.prompt.messages if self.system else without_system(ask.prompt.messages)
            fields |= {"messages": list(messages), self.limit: ask.exactly or sampling.max_tokens}
        if samples > 1:
            fields["n"] = samples
        if sampling.stop and self.stop and ask.exactly is None:
            fields["stop"] = list(sampling.stop)
        if self.logprobs and ask.exactly is None and samples * sampling.max_tokens <= _MOST_LOGPROBS:
            fields["logprobs"] = 1 if ask.prompt.messages is None else True
        extra: dict[str, object] = {}
        if isinstance(sampling.thinking, str):
            fields["reasoning_effort"] = sampling.thinking
        elif sampling.thinking is not None:
            extra["chat_template_kwargs"] = template_arguments(sampling.thinking)  # vLLM, SGLang and llama.cpp
        if sampling.top_k > 0:
            extra["top_k"] = sampling.top_k
        if sampling.repetition_penalty != 1:
            extra |= dict.fromkeys(self.penalty, sampling.repetition_penalty)
        if ask.exactly is not None and self.exact:  # vLLM and llama.cpp
            extra |= {"ignore_eos": True, "min_tokens": ask.exactly, "cache_salt": salt, "cache_prompt": False}
        return fields | ({"extra_body": extra} if extra else {})

    def learn(self, refusal: str, ask: Ask) -> bool:
        """Leave out what a server refused, judging by what it said; False where that leaves nothing to try."""
        if self.limit == "max_tokens" and "max_completion_tokens" in refusal and ask.prompt.messages is not None:
            self.limit = "max_completion_tokens"
        elif ask.exactly is not None and self.exact:
            self.exact = False
        elif self.logprobs and "logprob" in refusal.lower():
            self.logprobs = False
        elif self.system and ask.prompt.messages is not None and _SYSTEM.search(refusal):
            self.system = False
        elif self.many and ask.samples > 1 and _MANY.search(refusal) and not _LONG.search(refusal):
            self.many = False
        elif self.stop and ask.sampling.stop and ask.exactly is None and _STOP.search(refusal):
            self.stop = False
        elif len(self.penalty) > 1 and ask.sampling.repetition_penalty != 1 and "repeat_penalty" in refusal:
            self.penalty = self.penalty[:1]
        elif len(self.penalty) > 1 and ask.sampling.repetition_penalty != 1 and "repetition_penalty" in refusal:
            self.penalty = self.penalty[1:]
        else:
            return False
        return True


def helps(refusal: str, sampling: Sampling) -> str | None:
    """The setting to change where a server refuses one that can't be left out; None where it names none of them."""
    named = [
        name
        for name, pattern in _NEEDED.items()
        if pattern.search(refusal) and getattr(sampling, name) != _NEUTRAL[name]
    ]
    if not named:
        return None
    settings = " or ".join(f"{name} = {_NEUTRAL[name]}" for name in named)
    return f"set {settings} in its sampling in selectllm.toml"


def read_reply(reply: object, ask: Ask) -> Reply:
    """The completions in a reply of the `openai` package.

    Tokens are counted for all completions of a reply together. Those that were cut off have as many as were allowed;
    the others share the rest in proportion to their characters, none with more than were allowed, so that the sum is
    right.

    Raises:
        ValueError: it is no whole reply.
    """
    choices = getattr(reply, "choices", None)
    if not isinstance(choices, list) or not choices:
        raise ValueError("a reply without choices")
    texts, reasons = [], []
    for choice in sorted(choices, key=_index):
        message = getattr(choice, "message", None)
        if message is None and not hasattr(choice, "text"):
            raise ValueError("a choice without a message")
        text = _text(choice.text if message is None else message.content)
        texts.append(_until_stop(whole(text), ask))
        reason = getattr(choice, "finish_reason", None)
        if not isinstance(reason, str):
            raise ValueError("a choice that has not ended")
        refusal = getattr(message, "refusal", None)
        reason = "refusal" if not text and isinstance(refusal, str) and refusal else whole(reason)
        reasons.append(_ENDS.get(reason.lower(), reason))
    usage = getattr(reply, "usage", None)
    total, prompt = _count(usage, "completion_tokens"), _count(usage, "prompt_tokens")
    most = ask.exactly or ask.sampling.max_tokens
    counts = _shares(total, texts, [reason == "length" for reason in reasons], most)
    thoughts = _count(getattr(usage, "completion_tokens_details", None), "reasoning_tokens")
    if thoughts and len(texts) > 1:
        thoughts = None  # counted for all together
    tokens = [_tokens(choice) for choice in sorted(choices, key=_index)]
    means = [math.fsum(logprob for _, logprob in each) / len(each) if each else None for each in tokens]
    return Reply(tuple(map(Completion, texts, counts, reasons, means, [thoughts] * len(texts), tokens)), prompt)


def _tokens(choice: object) -> tuple[tuple[str, float], ...]:
    """A choice's tokens and their log-probabilities; none where the server doesn't tell all of them."""
    told = getattr(choice, "logprobs", None)
    content = getattr(told, "content", None)
    values = getattr(told, "token_logprobs", None) if content is None else content
    if not isinstance(values, list) or not values:
        return ()
    found = [getattr(each, "logprob", each) for each in values]
    known = [float(each) for each in found if isinstance(each, int | float) and math.isfinite(each)]
    if len(known) < len(found):
        return ()
    pieces = getattr(told, "tokens", None) if content is None else [getattr(each, "token", None) for each in content]
    if not isinstance(pieces, list) or len(pieces) != len(known):
        pieces = [None] * len(known)
    return tuple(
        (piece if isinstance(piece, str) else "", logprob) for piece, logprob in zip(pieces, known, strict=True)
    )


def _text(content: object) -> str:
    """What a message says: a text, or the texts of its parts; thoughts in parts of their own are none of it."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise ValueError("a completion that is no text")
    said = [part.get("text") for part in content if part.get("type") in {"text", "output_text"}]
    return "".join(each for each in said if isinstance(each, str))


def _until_stop(text: str, ask: Ask) -> str:
    """The text up to the first string that ends it, for servers that don't look for those."""
    ends = [text.find(each) for each in ask.sampling.stop if each in text] if ask.exactly is None else []
    return text[: min(ends)] if ends else text


def whole(text: str) -> str:
    """The text as it can be stored: half of a surrogate pair, which JSON may hold, becomes a question mark."""
    return text.encode(errors="replace").decode()


def _index(choice: object) -> int:
    index = getattr(choice, "index", None)
    return index if isinstance(index, int) else 0


def _count(usage: object, name: str) -> int | None:
    count = getattr(usage, name, None)
    return count if type(count) is int and 0 <= count <= _MOST_TOKENS else None


def _shares(total: int | None, texts: list[str], cut: list[bool], most: int) -> list[int | None]:
    """Tokens of each text, of `total` ones: at most `most` each, unless the server itself counts more."""
    if total is None:
        return [None] * len(texts)
    if len(texts) == 1:
        return [total]
    if cut.count(True) * most > total or total > len(texts) * most:
        return list(_in_proportion(total, [len(text) + 1 for text in texts]))
    full = list(cut)
    while True:
        sizes = [0 if done else len(text) + 1 for text, done in zip(texts, full, strict=True)]
        counts = list(_in_proportion(total - full.count(True) * most, sizes))
        over = [done or count > most for done, count in zip(full, counts, strict=True)]
        if over == full:
            return [most if done else count for done, count in zip(full, counts, strict=True)]
        full = over


def _in_proportion(total: int, sizes: list[int]) -> Iterator[int]:
    """Whole numbers that add up to `total`, in proportion to the sizes."""
    before = given = 0
    for size in sizes:
        before += size
        upto = round(total * before / max(sum(sizes), 1))
        yield upto - given
        given = upto
