"""The run that a command reads, and a word about what of it is damaged."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.console import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selectllm_engine.api import Run
    from selectllm_engine.evaluation import VoteRule
    from selectllm_engine.setups import Setup

__all__ = ["RECORDED", "hold_against", "named", "reading", "voting"]

RECORDED = "the recorded run, comes with selectllm"


def named(cache: Path | None) -> Path | None:
    """The cache that was named by hand, which must be there: else figures of the recorded run would pass for one's own.

    Raises:
        UsageError: there is nothing at that place.
    """
    from selectllm_engine.machine import expanded

    chosen = os.environ.get("SELECTLLM_CACHE") if cache is None else None
    path = expanded(chosen) if chosen else cache
    if path is not None and not path.exists():
        where = f"$SELECTLLM_CACHE names {path}, which" if chosen else f"{path}"
        raise UsageError(
            f"{where} is not there",
            "selectllm generate and selectllm import make a cache; without a name the usual one is read",
        )
    return cache


@contextmanager
def reading(
    benchmark: str | None, cache: Path | None, *, new: bool = False, setup: Setup | None = None
) -> Iterator[Run]:
    """The run of a benchmark; with `new` the cache may be one that is yet to be made.

    A setup that it is read for is held against it: what was made anew since it was written is said.

    What became of it while it was read is said at the end, also after an error: files that were passed over, and
    figures that moved because an earlier version had stored them. Raises as `selectllm_engine.load` does; UsageError
    where a cache that was named by hand is not there.
    """
    from selectllm_engine.api import load

    run = load(benchmark, cache if new else named(cache), progress=_bar())
    try:
        if setup is not None:
            hold_against(run, setup)
        yield run
    finally:
        if run.cache.is_packaged(run.benchmark):
            note(f"note: {run.benchmark} is {RECORDED}")
        for each in run.cache.news:
            note(f"note: {each}")
        if problems := list(run.cache.problems.values()):
            others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            note(
                f"note: {problems[0].what}{others}: passed over; "
                "selectllm cache verify --repair sets damaged files aside"
            )


def hold_against(run: Run, setup: Setup) -> None:
    """Say what was made anew since a setup was written; raises as `check_setup` does."""
    from selectllm_engine.setups import check_setup

    for each in check_setup(run, setup):
        note(f"note: {each}")


def voting(run: Run, vote: str) -> VoteRule:
    """The vote rule of a command line; which LLMs the weights of a file know is said.

    Raises as `as_vote_rule` does.
    """
    from selectllm_engine.store import as_vote_rule

    rule = as_vote_rule(vote)
    if rule.weights is not None:
        match = rule.weights.match(run.llms)
        said = [f"{len(match.known)} of {len(run.llms)} LLMs have a weight in {rule.name}"]
        said += [f"without one, and so without a vote: {', '.join(match.missing)}"] if match.missing else []
        said += [f"not in this run: {', '.join(match.unused)}"] if match.unused else []
        note(f"note: {'; '.join(said)}")
    return rule


def _bar() -> Callable[[int, int], None]:
    """A bar for answers that must be extracted first, which is there only while there are any."""
    bar, show = ExitStack(), None

    def progress(done: int, total: int) -> None:
        nonlocal show
        if show is None:
            from selectllm_tui.cli.import_report import watching

            show = bar.enter_context(watching("extracting answers"))
        show(done, total)
        if done >= total:
            bar.close()
            show = None

    return progress
