"""How sure an LLM was of the answer that it gave: the log-probability of the answer's tokens."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

from selectllm_engine.answers import KINDS, find_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["answer_logprob"]


def answer_logprob(text: str, tokens: Sequence[tuple[str, float]], *, kind: str, choices: int = 4) -> float | None:
    """The mean natural logarithm of the probabilities of the tokens that a text's answer is made of.

    Args:
        text: the completion.
        tokens: it token by token, each with its log-probability; what ends it may follow.
        kind: of the question, which says what an answer is.
        choices: how many options the question has.

    Returns:
        None where there is no answer, or where the tokens don't add up to the text before its end: those of some
        tokenizers have no text of their own.
    """
    if not tokens or kind not in KINDS or (found := find_answer(text, kind=kind, choices=choices)) is None:
        return None
    said = "".join(piece for piece, _ in tokens)
    if said[: found.end] != text[: found.end]:
        return None
    inside, start = [], 0
    for piece, logprob in tokens:
        if start < found.end and start + len(piece) > found.start:
            inside.append(logprob)
        start += len(piece)
    return fsum(inside) / len(inside) if inside else None
