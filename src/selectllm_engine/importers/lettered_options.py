"""Options that a prompt lists by letter: a line each, "A. …" or "A) …"."""

from __future__ import annotations

import re

from selectllm_engine.benchmarks import LETTERS

__all__ = ["options_in"]

_OPTION = re.compile(r"\s*\(?([A-Z])[.):]\s+(\S.*)")


def options_in(prompt: str) -> tuple[str, ...] | None:
    """The texts of the last such list of at least two that begins with A; a blank line ends it. None without one."""
    found: list[str] | None = None
    going: list[str] | None = None
    for line in prompt.splitlines():
        match = _OPTION.fullmatch(line)
        if match and match[1] == "A":
            going = [match[2].strip()]
        elif going is not None and not line.strip():
            found, going = going if len(going) > 1 else found, None
        elif match and going is not None and match[1] == LETTERS[len(going) : len(going) + 1]:
            going.append(match[2].strip())
        elif going is not None:  # an option goes on
            going[-1] = f"{going[-1]}\n{line.strip()}"
    found = going if going is not None and len(going) > 1 else found
    return tuple(found) if found and len(found) <= len(LETTERS) else None
