"""Values of foreign JSON → what a record may hold; None for what is something else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["count", "mapping", "number", "score", "words"]

_INT = 2**31


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, empty for anything else."""
    return value if isinstance(value, dict) else {}


def number(value: Any) -> float | None:
    """A number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def score(value: Any) -> float | None:
    """A truth value or a number from 0 to 1."""
    found = float(value) if isinstance(value, bool) else number(value)
    return found if found is not None and found <= 1 else None


def count(value: Any) -> int | None:
    """A whole number that is not negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT else None


def words(value: Any) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None
