"""Values of foreign JSON → what a record may hold; None for what is something else."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["count", "entries", "last_asked", "last_written", "mapping", "number", "score", "words"]

_INT = 2**31


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, empty for anything else."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> Sequence[object]:
    """A list, empty for anything else."""
    return value if isinstance(value, list) else []


def last_asked(messages: object) -> str:
    """What the user said last in a conversation; "" where that is nothing."""
    told = [each for each in map(mapping, entries(messages)) if str(each.get("role")).lower() in ("user", "human")]
    return str(told[-1].get("prompt", told[-1].get("content"))) if told else ""


def last_written(text: str) -> str:
    """The same of a conversation that is written in JSON; any other text as it is."""
    try:
        last = [each["content"] for each in json.loads(text) if each["role"] == "user"][-1]
    except (ValueError, TypeError, LookupError, RecursionError):
        return text
    return last if isinstance(last, str) else text


def number(value: object) -> float | None:
    """A number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def score(value: object) -> float | None:
    """A truth value or a number from 0 to 1."""
    found = float(value) if isinstance(value, bool) else number(value)
    return found if found is not None and found <= 1 else None


def count(value: object) -> int | None:
    """A whole number that is not negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT else None


def words(value: object) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None
