"""Lists as Python, NumPy and PyTorch print them, read without running anything.

`['a', 'b']`, `('a',)`, `array(['a', 'b'], dtype=object)`, `[np.str_('a')]`; `[0 1 0]`, `[-1.2e-03, 4.]`,
`tensor([0.5])`; over one line or several.
"""

from __future__ import annotations

import ast
import json
import math
import re

__all__ = ["names", "numbers", "texts_of"]

_ESCAPE = r"\\[\\'\"abfnrtvxuUN0-7]"
_END = r"(?=[\s,\[\](){}]|$)"
_NAME = re.compile(rf"(?:'(?:[^'\\]|{_ESCAPE})*+'|\"(?:[^\"\\]|{_ESCAPE})*+\"){_END}")
_NUMBER = re.compile(rf"(?:[-+]?(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?+|[-+]?inf|True|False){_END}")
_WRAPPING = re.compile(
    r"(?:np|numpy)\.\w++\(|(?:array|tensor|list|tuple|set|frozenset)\(|(?:dtype|device)=[\w.:<>|']++"
)
_BETWEEN = re.compile(r"[\s,\[\](){}]*+")


def names(text: str) -> list[str]:
    """The strings of a printed list.

    Raises:
        ValueError: it is something else; the message names what.
    """
    return [str(ast.literal_eval(token)) for token in _tokens(text, _NAME)]


def numbers(text: str) -> list[float]:
    """The numbers of a printed list, as they were: 64 bits if all digits were printed.

    Raises:
        ValueError: it is something else; the message names what.
    """
    return [_number(token) for token in _tokens(text, _NUMBER)]


def texts_of(text: str) -> list[str] | None:
    """The texts of a list in JSON or as Python prints it, or the one number in it; None for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = names(text)
        except (ValueError, SyntaxError):
            return None
    if not isinstance(found, list) or not found:
        return None
    if len(found) == 1 and isinstance(found[0], int | float) and not isinstance(found[0], bool):
        return [json.dumps(found[0])]
    return found if all(isinstance(each, str) for each in found) else None


def _tokens(text: str, token: re.Pattern[str]) -> list[str]:
    """All tokens of a list, between which nothing but brackets, commas, blanks and wrapping may stand."""
    if not text.strip():
        raise ValueError("is empty")
    found: list[str] = []
    at = 0
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        if at == len(text):
            return found
        if match := token.match(text, at):
            found.append(match[0])
        elif not (match := _WRAPPING.match(text, at)):
            rest = text[at:].split(maxsplit=1)[0][:40]
            raise ValueError(
                "was shortened when it was printed ('...')" if rest[:3] == "..." else f"has {rest!r} in it"
            )
        at = match.end()


def _number(text: str) -> float:
    if text in {"True", "False"}:
        return float(text == "True")
    value = float(text)
    if math.isinf(value) and "inf" not in text:
        raise ValueError(f"has {text[:40]!r} in it, which is too large")
    return value
