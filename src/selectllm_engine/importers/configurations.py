"""Two configurations of one LLM are two LLMs: what tells runs apart, and names that say so, in two ways.

Runs of one LLM on one task with the same settings are re-runs, of which the newest counts. Where settings differ
(reasoning effort, an adapter, shots, a prompt, roles of agents), none is a re-run of another.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import xxhash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["bracketed_names", "flattened", "joined_names", "settings_of_text"]

_Key = TypeVar("_Key")

# Settings that change how fast a run is, or where, not what an LLM answers.
_ELSEWHERE = frozenset(
    {
        *("batch_size", "max_batch_size", "device", "parallelize", "tensor_parallel_size", "data_parallel_size", "tp"),
        *("gpu_memory_utilization", "max_connections", "max_retries", "timeout", "base_url", "api_key", "port", "host"),
        *("num_concurrent", "cache_dir", "use_cache", "trust_remote_code", "token", "tokenized_requests", "max_tasks"),
        *("attempt_timeout", "adaptive_connections", "cache", "log_level", "swap_space", "add_bos_token", "eos_string"),
    }
)
_LONGEST = 40  # characters of a value in a name


def settings_of_text(written: str) -> dict[str, Any]:
    """`a=1,b=x` as a mapping."""
    pairs = (each.partition("=") for each in written.split(",") if "=" in each)
    return {name.strip(): value.strip() for name, _, value in pairs}


def flattened(settings: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested settings as `outer.inner` → text, without those that are not set or change no answer."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        if name in _ELSEWHERE or value is None or value in ({}, []):
            continue
        if isinstance(value, dict):
            found |= flattened(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return found


def joined_names(runs: Sequence[tuple[str, str, Mapping[str, str] | None]]) -> list[str]:
    """A name for the LLM of each run: its own, and where its runs of a task differ in settings, these behind it.

    Args:
        runs: per run the LLM's name, the task and the settings, flattened; None where they are not known, which
            makes it a run like any other.
    """
    groups: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for llm, task, settings in runs:
        if settings is None:
            continue
        groups.setdefault((llm, task), []).append(settings)
    telling: dict[str, dict[str, None]] = {}
    for (llm, _), alike in groups.items():
        names = dict.fromkeys(name for settings in alike for name in settings)
        differing = {name: None for name in names if len({settings.get(name) for settings in alike}) > 1}
        telling.setdefault(llm, {}).update(differing)
    return [
        llm if settings is None else _named(llm, {name: settings.get(name) for name in telling[llm]})
        for llm, _, settings in runs
    ]


def _named(llm: str, settings: Mapping[str, str | None]) -> str:
    parts = [f"{name.rpartition('.')[2]}={_short(value)}" for name, value in settings.items() if value is not None]
    return "+".join([llm, *parts])


def _short(value: str) -> str:
    """A value that fits into a name and between commas; of a long one a digest."""
    plain = re.sub(r"[\s,+]+", "_", value.strip())
    return plain if len(plain) <= _LONGEST else blake2b(value.encode(errors="replace"), digest_size=3).hexdigest()


def bracketed_names(runs: Mapping[_Key, tuple[str, str, Mapping[str, object]]]) -> dict[_Key, str]:
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
