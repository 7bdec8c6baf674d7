"""Names of LLMs that were run in several configurations, and which of several runs counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

import xxhash

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Once", "telling_names"]

_Key = TypeVar("_Key")
_LONGEST = 40  # characters of a setting


def telling_names(runs: Mapping[_Key, tuple[str, str, Mapping[str, object]]]) -> dict[_Key, str]:
    """A name for every run: its LLM's, and what tells apart the configurations in which that LLM did the same task.

    A run is (LLM, task, settings). `m` with {"shots": 0} and with {"shots": 5} on one task are "m [shots=0]" and
    "m [shots=5]". The first setting that tells all apart is enough; else all that differ are named. Runs of equal
    settings get the same name.
    """
    groups: dict[tuple[str, str], dict[_Key, dict[str, str]]] = {}
    for key, (llm, task, settings) in runs.items():
        shown = {name: _shown(value) for name, value in settings.items()}
        groups.setdefault((llm, task), {})[key] = shown
    names: dict[_Key, str] = {}
    for (llm, _), group in groups.items():
        told = _telling(list(group.values()))
        for key, settings in group.items():
            words = ", ".join(f"{each}={settings[each]}" for each in told if each in settings)
            names[key] = f"{llm} [{words}]" if words else llm
    return {key: names[key] for key in runs}


def _telling(configurations: list[dict[str, str]]) -> list[str]:
    """The settings by which configurations differ."""
    fields = list(dict.fromkeys(name for each in configurations for name in each))
    values = {name: {each.get(name) for each in configurations} for name in fields}
    differing = [name for name in fields if len(values[name]) > 1]
    distinct = len({tuple(each.get(name) for name in differing) for each in configurations})
    alone = [name for name in differing if len(values[name]) == distinct]
    return alone[:1] or differing


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = " ".join(text.split())
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 9]}…{xxhash.xxh3_64_hexdigest(text.encode(errors='replace'))[:8]}"


class Once:
    """Which LLM was seen on which question in another file already; files are to come newest first."""

    def __init__(self) -> None:
        self.passed = 0  # rows that were seen before
        self._seen: dict[int, int] = {}  # hash of LLM and question -> the file it came from

    def first(self, llm: str, question: str, file: int) -> bool:
        """Whether no earlier file had this LLM's answer to this question."""
        found = xxhash.xxh3_64_intdigest(f"{llm}\0{question}".encode(errors="replace"))
        new = self._seen.setdefault(found, file) == file
        self.passed += not new
        return new
