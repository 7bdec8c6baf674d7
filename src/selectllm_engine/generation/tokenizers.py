"""An LLM's own tokenizer, chat template and context, read from its folder; for the engines that run weights here."""

from __future__ import annotations

import json
import re
from array import array
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import EngineError
from selectllm_engine.generation.engine import Encoded
from selectllm_engine.generation.prompts import Prompt, template_arguments, without_system

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from selectllm_engine.llms import Thinking

__all__ = ["Tokenizer", "remedy", "telling_line"]

_PARTIAL, _MOST_BYTES = "\ufffd", 4  # how part of a character is read, and how many bytes one has at most
_COUNT = re.compile(r"\d+ validation errors? for ")


class Tokenizer:
    """The tokenizer in a folder.

    Attributes:
        wrapped: the tokenizer of transformers.
        chat: whether it has a chat template.
        context: the most tokens that the configuration allows; None where it doesn't say.

    Raises:
        EngineError: it can't be loaded.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoConfig, AutoTokenizer

        try:
            self.wrapped: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False).get_text_config()
        except Exception as error:
            problem = f"the tokenizer or configuration cannot be loaded ({telling_line(error)})"
            raise EngineError(problem, remedy(error)) from error
        self.chat = bool(getattr(self.wrapped, "chat_template", None))
        self.context: int | None = getattr(config, "max_position_embeddings", None)
        self._pieces: dict[int, str] = {}

    def pieces(self, tokens: Iterable[int]) -> list[str]:
        """The text of each token; of several that make up one character together, the last one has it."""
        found: list[str] = []
        waiting: list[int] = []
        for token in tokens:
            if (piece := self._pieces.get(token)) is None:
                piece = self._pieces[token] = self._piece(token)
            if waiting or piece.endswith(_PARTIAL):
                waiting.append(token)
                piece = self.wrapped.decode(waiting)
                if piece.endswith(_PARTIAL) and len(waiting) < _MOST_BYTES:
                    piece = ""
                else:
                    waiting = []
            found.append(piece)
        return found

    def _piece(self, token: int) -> str:
        piece: str = self.wrapped.decode([token])
        begins = (self.wrapped.convert_ids_to_tokens(token) or "").startswith("\u2581") and not piece.startswith(" ")
        return f" {piece}" if begins else piece  # SentencePiece's tokenizers drop it from what stands first

    def encode(self, prompt: Prompt) -> Encoded:
        """Token ids of a prompt; where a template knows no system role, its sentence goes before the user's.

        Raises:
            EngineError: the template takes no such messages at all.
        """
        if prompt.messages is None:
            tokens = self.wrapped(prompt.text)["input_ids"]
        else:
            told = self._told(prompt.thinking)
            try:
                tokens = self._template(prompt.messages, told)
            except Exception:  # templates raise what they like; most often because they know no system role
                try:
                    tokens = self._template(without_system(prompt.messages), told)
                except Exception as error:
                    problem = f"the LLM's chat template cannot be used ({telling_line(error)})"
                    raise EngineError(problem, "set chat = false for it in selectllm.toml") from error
        return Encoded(array("I", tokens), len(tokens))  # a tenth of a list's memory: there can be thousands

    def _told(self, thinking: Thinking | None) -> dict[str, Thinking]:
        """What the chat template is told; raises EngineError where it asks for nothing of that."""
        told = template_arguments(thinking)
        template = str(self.wrapped.chat_template)
        if told and not any(re.search(rf"\b{name}\b", template) for name in told):
            raise EngineError(
                f"the LLM's chat template has no switch for thinking = {json.dumps(thinking)}",
                "leave thinking out for it in selectllm.toml",
            )
        return told

    def _template(self, messages: Any, told: dict[str, Thinking]) -> Any:
        return self.wrapped.apply_chat_template(
            list(messages), add_generation_prompt=True, tokenize=True, return_dict=False, **told
        )


def telling_line(error: BaseException) -> str:
    """The line of a library's message that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and _COUNT.match(lines[0]):  # pydantic's heading
        lines = [line for line in lines[1:] if line.startswith("Value error, ")] or lines
    return lines[0].removeprefix("Value error, ")[:300] if lines else type(error).__name__


def remedy(error: BaseException) -> str:
    """What can be done about an LLM that a library refuses to load."""
    text = str(error).lower()
    if "trust_remote_code" in text or "custom code" in text:
        return "code that comes with weights is never run: take an LLM without"
    if "does not recognize this architecture" in text or "not supported" in text:
        return "install a newer version of the engine, or take another LLM"
    return ""
