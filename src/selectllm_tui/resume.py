"""What an explorer remembers of a cache between two evenings: setup, view and theme.

Kept in the user's own state folder, never in the cache, which may be shared or read-only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from selectllm_engine.llms import Pool
from selectllm_tui.limits import Limits
from selectllm_tui.shown_setup import BEST_SINGLE, ShownSetup
from selectllm_tui.state import PINS, State
from selectllm_tui.tabs import TABS
from selectllm_tui.untrusted import visible
from selectllm_tui.view import FILTERS, GROUPINGS, WHO_IS_RIGHT, WIDEST, Columns, View

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_tui.shown_setup import Space

__all__ = ["last_benchmark", "recall", "remember"]

FORMAT = 1
_FIELDS = ("router", "policy", "parameters", "k", "protocol", "split", "vote", "against")


def _path(cache: Path, benchmark: str = "") -> Path:
    """Where a benchmark's state is kept; without one, which benchmark of the cache was open last."""
    from platformdirs import user_state_path

    name = hashlib.blake2b(f"{cache.resolve()}\n{benchmark}".encode(), digest_size=8).hexdigest()
    return user_state_path("selectllm", appauthor=False) / "explorer" / f"{name}.json"


def remember(cache: Path, benchmark: str, state: State, theme: str) -> None:
    """Stores a state; silently doesn't where the folder can't be written."""
    content = {
        "format": FORMAT,
        "theme": theme,
        "setup": _stored(state.setup),
        "pins": [_stored(each) for each in state.pins],
        "pin": state.pin,
        "view": asdict(replace(state.view, wished=())),
    }
    with contextlib.suppress(OSError):
        path = _path(cache, benchmark)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        _path(cache).write_text(json.dumps({"format": FORMAT, "benchmark": benchmark}), encoding="utf-8")


def last_benchmark(cache: Path) -> str | None:
    """The benchmark of a cache that was open last; None where that is not known."""
    try:
        return str(json.loads(_path(cache).read_text(encoding="utf-8"))["benchmark"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _stored(setup: ShownSetup) -> dict[str, Any]:
    fields = {field: getattr(setup, field) for field in _FIELDS}
    return {"run": setup.pool.run, "pool": setup.pool.names, **fields}


def recall(cache: Path, benchmark: str, space: Space) -> tuple[State, str] | None:
    """The state and theme of last time, fitted to what there is now; None where nothing usable is stored."""
    try:
        content = json.loads(_path(cache, benchmark).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return None
        pins = tuple(map(_setup, content.get("pins", [])[:PINS]))
        pin = max(int(content.get("pin", 0)), 0)
        state = State(_setup(content["setup"]), _view(content["view"], pinned=bool(pins)), pins=pins, pin=pin)
        return state.fit(space), str(content["theme"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None  # damaged, or not ours


def _setup(stored: dict[str, Any]) -> ShownSetup:
    run = tuple(map(str, stored["run"]))
    return ShownSetup(
        pool=Pool.of(run, [name for name in map(str, stored["pool"]) if name in run] or None),
        router=None if stored["router"] is None else str(stored["router"]),
        policy=str(stored["policy"]),
        parameters=tuple((str(name), float(value)) for name, value in stored["parameters"]),
        k=int(stored["k"]),
        protocol="paper" if stored["protocol"] == "paper" else "corrected",
        split=str(stored["split"]),
        vote="learned" if stored.get("vote") == "learned" else "equal",
        against=str(stored.get("against", BEST_SINGLE)),
    )


def _group(stored: Any) -> tuple[str, str] | None:
    return (str(stored[0]), str(stored[1])) if stored and stored[0] in GROUPINGS else None


def _limits(stored: Any) -> Limits:
    """Whether the sliders have these values, whoever shows them looks."""
    known = stored if isinstance(stored, dict) else {}
    latency, cost, llms = (known.get(name) for name in ("max_latency", "max_cost", "max_llms"))
    return Limits(
        max_latency=None if latency is None else float(latency),
        max_cost=None if cost is None else float(cost),
        max_llms=None if llms is None else int(llms),
        prefer=str(known.get("prefer", "accuracy")),
    )


def _columns(stored: dict[str, Any]) -> Columns:
    """Columns that are there no more do no harm."""
    return Columns(
        under=None if stored["under"] is None else str(stored["under"]),
        hidden=tuple(map(str, stored["hidden"])),
        widths=tuple((str(key), min(max(int(width), 1), WIDEST)) for key, width in stored["widths"]),
        all=bool(stored.get("all")),
    )


def _view(stored: dict[str, Any], *, pinned: bool) -> View:
    view = View(
        tab=stored["tab"] if stored["tab"] in TABS else "results",
        filter=stored["filter"] if stored["filter"] in FILTERS else None,
        search=visible(str(stored["search"])),
        cell=stored["cell"] if pinned and stored.get("cell") in WHO_IS_RIGHT else None,
        group=_group(stored.get("group")),
        question=None if stored["question"] is None else str(stored["question"]),
        bare=bool(stored.get("bare")),
        follow=bool(stored.get("follow", True)),
        pool=visible(str(stored.get("pool", ""))),
        sorts=tuple(
            (tab, column, bool(descending))
            for tab, column, descending in stored["sorts"]
            if tab in TABS and TABS[tab].sorts_by(column)
        ),
        columns=tuple((tab, _columns(each)) for tab, each in stored.get("columns", ()) if tab in TABS),
        measures=tuple(
            (tab, measure) for tab, measure in stored["measures"] if tab in TABS and measure in TABS[tab].measures
        ),
    )
    view = replace(view, limits=_limits(stored.get("limits")))
    return view if view.filter != "changed" else View(tab=view.tab, question=view.question)
