"""The kinds of answers: one file each, which says how it is read, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.answers import dates, expressions, letters, lists, numbers_stated, texts, words

if TYPE_CHECKING:
    from selectllm_engine.answers.kind import AnswerKind

__all__ = ["KINDS", "Kind"]

Kind = str  # one of KINDS

KINDS: dict[Kind, AnswerKind] = {
    "number": numbers_stated.KIND,
    "letter": letters.KIND,
    "word": words.KIND,
    "expression": expressions.KIND,
    "date": dates.KIND,
    "list": lists.KIND,
    "set": lists.SET,
    "text": texts.KIND,
}
