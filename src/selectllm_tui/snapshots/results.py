"""All rows for a pool: baselines, the router with every policy, the LLMs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selectllm_engine.evaluation import baselines
from selectllm_tui import row_keys
from selectllm_tui.shown_setup import WITHOUT_ROUTER
from selectllm_tui.snapshots.headline import current_key
from selectllm_tui.snapshots.published import published

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.evaluation import Row
    from selectllm_tui.row_keys import RowKey
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["ResultEntry", "Results", "results"]

LARGE = 500_000  # labels from which on the setup's own row is shown before there are others
# Rows that are learned for each pool, which takes its time.
LEARNED = {row_keys.baseline("learned-vote"), row_keys.policy("vote:auto"), row_keys.policy("cascade-value")}
# Columns that are called otherwise in a row.
FIELDS = {"interval": "accuracy_low", "pinned": "accuracy"}


@dataclass(frozen=True, slots=True)
class ResultEntry:
    """One row of the table; `row` is None while it is computed."""

    key: RowKey
    group: str
    label: str
    detail: str = ""
    row: Row | None = None
    published: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """The rows there are so far."""

    entries: tuple[ResultEntry, ...]

    def groups(self, sort: tuple[str, bool] | None) -> list[tuple[str, list[ResultEntry]]]:
        """Entries by group; in one group where they are sorted, those without a figure last."""
        if sort is None:
            grouped: dict[str, list[ResultEntry]] = {}
            for each in self.entries:
                grouped.setdefault(each.group, []).append(each)
            return list(grouped.items())
        column, descending = sort
        field = FIELDS.get(column, column)

        def merit(each: ResultEntry) -> tuple[bool, float | str]:
            value = getattr(each.row, field, None) if column != "name" else each.label
            return value is None, value if value is not None else 0.0

        known = sorted((each for each in self.entries if not merit(each)[0]), key=merit, reverse=descending)
        return [("", [*known, *(each for each in self.entries if merit(each)[0])])]


def listing(model: Model, state: State) -> list[ResultEntry]:
    """The rows of a setup, still without figures."""
    setup = state.setup
    names = [each.name for each in baselines(model.view(setup))]
    # there is a policy random, too
    made = [
        ResultEntry(row_keys.baseline(name), "", "random (baseline)" if name == "random" else name) for name in names
    ]
    group = "no router" if setup.router is None else _router_title(model, setup.router)
    if setup.router is not None:
        made.append(ResultEntry(row_keys.BOUND, group, "upper bound"))
    if setup.chooses:
        for name, slider in model.space.policies.items():
            if setup.router is None and name not in WITHOUT_ROUTER:
                continue
            detail = f"{slider.symbol} {setup.value_of(name)}" if slider is not None else ""
            made.append(ResultEntry(row_keys.policy(name), group, name, detail))
    made += [
        ResultEntry(row_keys.llm(name), "LLMs", name, "" if name in setup.pool else "not in pool")
        for name in model.space.llms
    ]
    return made


def _router_title(model: Model, router: str) -> str:
    seconds = model.run.router_seconds(router)
    return f"{router} · {1000 * seconds:.1f} ms a question" if seconds is not None else router


def results(model: Model, state: State, _: Tick) -> Iterator[tuple[str, Results]]:
    """The rows, the setup's own first, then as they get ready, all others before those that are learned."""
    entries = listing(model, state)
    current = current_key(state.setup)
    learned = [at for at, each in enumerate(entries) if each.key in LEARNED and each.key != current]
    others = sorted(set(range(len(entries))).difference(learned), key=lambda at: entries[at].key != current)
    prepared = model.prepared(state.setup.split, state.setup.k)
    shown = time.monotonic() - model.pace * (prepared.labels.size > LARGE)
    for at in [*others, *learned]:
        if learned and at == learned[0]:
            yield "results", Results(tuple(entries))
            shown = time.monotonic()
        row = model.row(state.setup, entries[at].key)
        detail = entries[at].detail
        if entries[at].key == row_keys.baseline("best-single"):
            detail = model.space.llms[model.view(state.setup).best_single]
        study = published(model.space.benchmark, entries[at].key, state.setup.router)
        entries[at] = replace(entries[at], row=row, detail=detail, published=study)
        if time.monotonic() - shown > model.pace:
            yield "results", Results(tuple(entries))
            shown = time.monotonic()
    yield "results", Results(tuple(entries))
