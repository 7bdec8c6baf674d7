"""Defaults of options from `selectllm.toml`: looked up when a command wants one, so that help never reads the file.

Flags win over them, and so does $SELECTLLM_CACHE over `cache`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Defaults"]


class Defaults(dict[str, object]):
    """What one command (`evaluate`, `cache list`) takes from the file, by parameter; read at the first look.

    `options` are its parameters, and whether one may be given several times.
    """

    def __init__(self, command: str, options: Mapping[str, bool]) -> None:
        super().__init__()
        self._command = command
        self._options = options
        self._read = False

    def get(self, name: str, default: object = None) -> object:
        """The default of a parameter; raises UsageError where the file is wrong."""
        if not self._read:
            self._read = True
            self.update(_defaults(self._command, self._options))
        return super().get(name, default)


def _defaults(command: str, options: Mapping[str, bool]) -> dict[str, object]:
    from selectllm_engine.settings import KEYS, read_settings

    try:
        given = read_settings().defaults
    except UsageError:
        if command == "doctor" or "_SELECTLLM_COMPLETE" in os.environ:  # doctor says what is wrong with it
            return {}
        raise
    defaults = {}
    for name, value in given.items():
        key = KEYS["defaults"][name]
        option = key.option or name
        if (
            option not in options
            or not key.counts_for(command)
            or (name == "cache" and os.environ.get("SELECTLLM_CACHE"))
        ):
            continue
        if isinstance(value, list) and not options[option]:
            if len(value) == 1:  # several are no default where one is wanted
                defaults[option] = value[0]
            continue
        defaults[option] = value
    return defaults
