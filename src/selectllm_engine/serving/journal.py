"""The log of a server: a line of JSON for each answered question, without texts unless they are wanted.

Without texts a question is known by a digest, and answers are numbers: equal ones are equal answers of that question.
A disk that is full doesn't keep requests from being answered.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import UsageError
from selectllm_engine.importers.served_log import LOG_FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from selectllm_engine.serving.samples import Sample

__all__ = ["Journal"]


class Journal:
    """A log file that is added to.

    Args:
        path: made where there is none, for its owner's eyes alone.
        texts: whether it shall hold texts.

    Raises:
        UsageError: it can't be written.
    """

    def __init__(self, path: Path, *, texts: bool) -> None:
        self._texts = texts
        self.problem = ""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise UsageError(f"the log {path} cannot be written ({error.strerror})", "choose another --log") from error
        self._file = open(handle, "ab", buffering=0)  # noqa: PTH123, SIM115 for as long as the server runs

    def write(self, text: str, facts: Mapping[str, Any], given: Iterable[tuple[str, Sample, float | None]]) -> None:
        """Add a line about a question: facts, and of each LLM's name its samples with their dollars."""
        answers: dict[str, int] = {}
        votes = [
            {
                "llm": llm,
                "answer": self._answer(each.answer, answers),
                **({"text": each.text} if self._texts else {}),
                "seconds": round(each.seconds, 6),
                "prompt_tokens": each.prompt_tokens,
                "output_tokens": each.output_tokens,
                "cost": cost,
                "finish_reason": each.choice.get("finish_reason"),
            }
            for llm, each, cost in given
        ]
        line = {
            "format": LOG_FORMAT,
            "question": _digest(text),
            **({"text": text} if self._texts else {}),
            **{name: self._answer(value, answers) if name == "answer" else value for name, value in facts.items()},
            "votes": votes,
        }
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            self.problem = self.problem or str(error.strerror)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _answer(self, answer: str | None, answers: dict[str, int]) -> str | int | None:
        if answer is None or self._texts:
            return answer
        return answers.setdefault(answer, len(answers))


def _digest(text: str) -> str:
    """What a question is known by in the log."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()
