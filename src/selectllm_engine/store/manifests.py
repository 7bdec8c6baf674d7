"""The manifests of LLMs and routers: what they must be like, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from selectllm_engine.errors import DamagedError, UsageError
from selectllm_engine.evaluation import StopRule, parse_stop
from selectllm_engine.store.files import name_of
from selectllm_engine.store.sealed_json import read_sealed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["MANIFEST", "MOST", "TOKENS", "llm_manifest", "router_manifest", "stop_of", "variant_of"]

MANIFEST = "manifest.json"
TOKENS = "tokens"  # a benchmark's folder beside its routers': how many tokens questions are expected to take
MOST = 1e9  # seconds or dollars per question or token; whatever says more is wrong
_LIMITS: dict[str, dict[tuple[str, ...], tuple[float, float]]] = {
    # name, or name of a table and a name in it -> the least and the most
    "llm": {
        ("samples",): (0, 1 << 31),
        ("stop", "samples"): (0, 1 << 31),
        ("threshold",): (0, 1),
        ("parameters",): (0, MOST),
        ("latency", "a"): (0, MOST),
        ("latency", "b"): (0, MOST),
        ("latency", "c"): (0, MOST),
        ("price", "input"): (0, MOST),
        ("price", "output"): (0, MOST),
    },
    "router": {("seconds_per_question",): (0, MOST), ("k",): (0, 1 << 31)},
}


def llm_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in an LLM's folder.

    Raises:
        FileNotFoundError: there is none.
        DamagedError: it is damaged, was changed by hand, names another LLM, or holds values that make no sense.
    """
    return _checked(folder, "llm", "LLM")


def variant_of(manifest: Mapping[str, object]) -> str:
    """The LLM that one is a variant of, as its manifest says; "" where it is none."""
    of = _at(manifest, ("variant", "of"))
    return of if isinstance(of, str) else ""


def stop_of(manifest: Mapping[str, object]) -> tuple[StopRule, int] | None:
    """By which rule sampling stopped before how many samples; None where every sample was to be made.

    A question is finished where the answers in its samples meet the rule: how many there are is where it stopped.
    """
    stop = manifest.get("stop")
    if not isinstance(stop, dict) or not _is_number(stop.get("samples")):
        return None
    try:
        return parse_stop(str(stop.get("rule"))), int(stop["samples"])
    except UsageError:  # a later version's: what is not whole counts as missing
        return None


def router_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in a router's folder; raises as `llm_manifest`."""
    return _checked(folder, "router", "router")


def _checked(folder: Path, key: str, kind: str) -> dict[str, object]:
    path = folder / MANIFEST
    content = read_sealed(path)
    if (named := content.get(key)) is not None and not _stands_for(folder, named):
        raise DamagedError(f"{path} is that of the {kind} {str(named)[:80]!r}", "rename the folder, or move it away")
    for place, (least, most) in _LIMITS[key].items():
        value = _at(content, place)
        if not _is_number(value) and (value is None or len(place) > 1):
            continue  # there is none: such a fit or price counts as unknown
        if not (_is_number(value) and least <= value <= most):
            said = f"{'.'.join(place)} {str(value)[:40]}"
            raise DamagedError(f"{path} says {said}, which makes no sense", "see selectllm cache verify")
    return content


def _stands_for(folder: Path, named: object) -> bool:
    return isinstance(named, str) and name_of(folder.name) == named


def _at(content: Mapping[str, object], place: tuple[str, ...]) -> object:
    """The value at a place; None where a table on the way is none."""
    value: object = content
    for key in place:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
