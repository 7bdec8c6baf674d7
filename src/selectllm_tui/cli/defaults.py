"""Defaults of options from `selectllm.toml`: looked up when a command wants one, so that help never reads the file.

Flags win over them, and so does $SELECTLLM_CACHE over `cache`.
"""

from __future__ import annotations

import os
from typing import Any

from selectllm_engine.errors import UsageError

__all__ = ["OPTIONS", "Defaults"]

_EXPORTS = ("export results", "export predictions", "export table", "export figure")
_LOOKING = ("tui", "evaluate", "show", "route", "pools", "lessons", *_EXPORTS)
_RUNNING = ("generate", "latency")
_SINGLE = (*_LOOKING, "latency", "train")  # commands on one benchmark

# key of the file -> the parameter it is the default of, and the commands that take it, None for all
OPTIONS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "cache": ("cache", None),
    "benchmark": ("benchmark", (*_SINGLE, "generate")),  # nothing is removed or imported by default
    "llms": ("llm", ("generate",)),
    "gpu": ("gpu", _RUNNING),
    "tensor_parallel": ("tensor_parallel", _RUNNING),
    "engine": ("engine", _RUNNING),
    "base_url": ("base_url", _RUNNING),
    "concurrency": ("concurrency", ("generate",)),
    "samples": ("samples", ("generate",)),
    "limit": ("limit", ("generate",)),
    "prompt": ("prompt", ("generate",)),
    "max_tokens": ("max_tokens", ("generate",)),
    "seed": ("seed", _RUNNING),
    "device": ("device", ("train",)),
}


class Defaults(dict[str, Any]):
    """What one command (`evaluate`, `cache list`) takes from the file, by parameter; read at the first look."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command
        self._read = False

    def get(self, name: str, default: Any = None) -> Any:
        """The default of a parameter; raises UsageError where the file is wrong."""
        if not self._read:
            self._read = True
            self.update(_defaults(self._command))
        return super().get(name, default)


def _defaults(command: str) -> dict[str, Any]:
    from selectllm_engine.settings import read_settings

    try:
        given = read_settings().defaults
    except UsageError:
        if command == "doctor" or "_SELECTLLM_COMPLETE" in os.environ:  # doctor says what is wrong with it
            return {}
        raise
    defaults = {}
    for key, value in given.items():
        parameter, commands = OPTIONS[key]
        if (commands is not None and command not in commands) or (key == "cache" and os.environ.get("SELECTLLM_CACHE")):
            continue
        if key == "benchmark" and command in _SINGLE:
            if len(value) == 1:
                defaults[parameter] = value[0]
            continue
        defaults[parameter] = value
    return defaults
