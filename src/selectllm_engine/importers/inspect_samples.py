"""A sample of an Inspect log → a record: its question, text, gold answer, score, tokens and seconds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import UnknownNameError
from selectllm_engine.importers.records import Record
from selectllm_engine.importers.values import count, entries, mapping, number, score, words
from selectllm_engine.store import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.importers.inspect_logs import InspectLog

__all__ = ["Scorer", "question_of", "record_of", "score_of", "unusable"]

_SCORES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_ATTACHED = "attachment://"


class Scorer:
    """Whose verdict of a log counts: the first one's, the named one's, or one part of its scores."""

    def __init__(self, chosen: str | None) -> None:
        self.name, self._chosen, self._part = chosen, chosen, ""

    @property
    def written(self) -> str:
        """With the part, where one is chosen."""
        return f"{self.name}.{self._part}" if self._part else str(self.name)

    def verdict(self, scores: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
        """What the scorer said of a sample, and its score."""
        if self._chosen is None:
            self.name = self.name or next(iter(scores), None)
        elif self._chosen not in scores:
            named = [name for name in scores if self._chosen.startswith(f"{name}.")]
            if named:
                self.name = max(named, key=len)
                self._part = self._chosen.removeprefix(f"{self.name}.")
        found = scores.get(self.name) if self.name else None
        verdict = mapping(found)
        value = verdict.get("value")
        if isinstance(value, dict) and self._part:
            if self._part not in value:
                raise UnknownNameError(f"part of {self.name}", self._part, list(value))
            return verdict, value[self._part]
        return verdict, value


def unusable(sample: Mapping[str, object] | None) -> str | None:
    """Why a sample is not used, if so."""
    if sample is None:
        return "samples of more than 256 MiB"
    if sample.get("error"):
        return "samples that ended with an error"
    if sample.get("invalidation"):
        return "samples that were invalidated"
    choices = sample.get("choices")
    if isinstance(choices, list) and len(choices) > len(LETTERS):
        return "samples with more than 26 choices"
    if count(sample.get("epoch")) is None or not isinstance(sample.get("id"), (int, str)):
        return "samples without an id or epoch"
    if not question_of(sample).strip():
        return "samples without a question in words"
    return None


def record_of(
    sample: Mapping[str, Any],
    log: InspectLog,
    *,
    llm: str,
    score: float | None,
    answer: object,
    clock: str | None,
    literal: bool,
) -> Record | None:
    """The record of a sample; None where the LLM said nothing at all, not even an empty text.

    `literal`: whether the target is the answer itself, which among options it always is.
    """
    output = mapping(sample.get("output"))
    first = mapping(next(iter(entries(output.get("choices"))), None))
    text = _words(mapping(first.get("message")).get("content"), sample)
    answer = answer if isinstance(answer, str) and answer else None
    text = answer if not text and answer else text
    if text is None:
        return None
    question, target = question_of(sample), sample.get("target")
    choices = sample.get("choices")
    options = tuple(str(each) for each in choices) if isinstance(choices, list) and choices else None
    usage = _usage(sample, output, log)
    prompt = [count(usage.get(f"input_tokens{each}")) for each in ("", "_cache_read", "_cache_write")]
    return Record(
        llm=llm,
        key=_key(sample, log.task, question, options, target),
        question=question,
        choices=options,
        gold=_gold(target, options) if literal or options else None,
        kind="letter" if options else None,
        subject=log.task,
        sample=max(sample["epoch"] - 1, 0),
        text=text,
        answer=answer,
        score=score,
        latency=number(sample.get(clock)) if clock else None,
        cost=number(usage.get("total_cost")),
        prompt_tokens=count(sum(each or 0 for each in prompt)) if prompt[0] is not None else None,
        output_tokens=count(usage.get("output_tokens")),
        finish_reason=words(first.get("stop_reason")),
    )


def _key(
    sample: Mapping[str, object], task: str, question: str, options: tuple[str, ...] | None, target: object
) -> str:
    name = sample["id"]
    if isinstance(name, str) and not name.isdecimal():
        return f"{task}-{name}"
    whole = json.dumps([question, options, target], sort_keys=True)
    return f"{task}-{digest(whole.encode())}"


def question_of(sample: Mapping[str, object]) -> str:
    """The input, of a conversation what the user said in it."""
    asked = sample.get("input")
    if isinstance(asked, list):
        told = (_words(each.get("content"), sample) for each in map(mapping, asked) if each.get("role") == "user")
        return "\n\n".join(filter(None, told))
    return _words(asked, sample) or ""


def _words(content: object, sample: Mapping[str, object]) -> str | None:
    """The text of a message: a string, or parts of which some are text. Long ones may be kept as attachments."""
    if isinstance(content, list):
        parts = [
            _words(each.get("text"), sample)
            for each in content
            if isinstance(each, dict) and each.get("type", "text") == "text"
        ]
        known = [each for each in parts if each is not None]
        return "\n".join(known) if known else None
    if not isinstance(content, str):
        return None
    if content.startswith(_ATTACHED):
        return words(mapping(sample.get("attachments")).get(content.removeprefix(_ATTACHED)))
    return content


def _gold(target: object, options: tuple[str, ...] | None) -> str | None:
    """The one target; None where several are right."""
    targets = target if isinstance(target, list) else [target]
    if len(targets) != 1 or not isinstance(targets[0], str):
        return None
    gold = targets[0].strip()
    # In parentheses a letter is no option's text, as it may be elsewhere ("Which vitamin is it?").
    return f"({gold})" if options and len(gold) == 1 else gold


def _usage(sample: Mapping[str, object], output: Mapping[str, object], log: InspectLog) -> Mapping[str, object]:
    """Tokens and cost of the LLM itself over the whole sample, else of its last call."""
    usage = mapping(sample.get("model_usage"))
    return mapping(usage.get(log.named) or (next(iter(usage.values())) if len(usage) == 1 else output.get("usage")))


def score_of(value: object) -> float | None:
    """A score's value from 0 to 1; None where it is something else."""
    if isinstance(value, str):
        found = _SCORES.get(value, _WORDS.get(value.lower()))
        if found is not None:
            return found
        try:
            value = float(value)
        except ValueError:
            return None
    return score(value)
