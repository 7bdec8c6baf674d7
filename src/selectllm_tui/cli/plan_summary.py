"""Shows on standard error what a generation plan will do, the room it takes, and what is missing for it."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from selectllm_engine.errors import SelectLLMError
from selectllm_tui.cli.console import Sheet, SheetColumn, aligned, note
from selectllm_tui.notation import MISSING, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.generation.needs import Needs
    from selectllm_engine.generation.plan import Item, Plan

TYPICAL = 0.2  # share of questions on which exactly one of two rows is right: nothing is known yet

__all__ = ["count", "refuse_lacks", "show_plan", "size"]


def count(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def show_plan(plan: Plan, needs: Needs, *, gpus: Sequence[str] = ()) -> None:
    """Say what will be done, LLM by LLM, the room it takes, and what is missing."""
    request = plan.request
    if request.samples:
        limit = f", the first {count(request.limit, 'question')} of each split" if request.limit is not None else ""
        splits = ", ".join(request.splits) or "all splits"
        if request.shard is not None:
            limit += ", shard {} of {}".format(*request.shard)
        where = f" on {'GPUs' if len(gpus) > 1 else 'GPU'} {', '.join(gpus)}" if gpus else ""
        if request.ray is not None:
            where = " on the Ray cluster" + ("" if request.ray == "auto" else f" at {request.ray}")
        stop = "" if request.stop is None else f" at most, stopping by {request.stop}"
        _say(f"{count(request.samples, 'sample')} per question{stop}, {splits}{limit}, with {request.engine}{where}")
        note("")
        _table(plan, needs)
        note("")
        _totals(plan, needs)
        _shows(plan)
    else:
        for item in plan.items:
            note(f"  {item.llm.name} on {item.source.name}: {'single prompts to time' if item.to_time else 'nothing'}")
    if needs.lacks:
        note("")
        note("missing:")
        for lack in needs.lacks:
            _say(str(lack.error), bullet="- ", after="  ")


def refuse_lacks(needs: Needs) -> None:
    """Raise SelectLLMError where something is missing for a plan that was shown."""
    if len(needs.lacks) == 1:
        error = needs.lacks[0].error
        raise SelectLLMError(error.problem, error.remedy)
    if needs.lacks:
        raise SelectLLMError(f"{len(needs.lacks)} things are missing for this plan", "the lines above name them")


def _say(text: str, *, bullet: str = "", after: str = "") -> None:
    """A line, broken at the terminal's width; what follows is indented by `after`."""
    width = max(shutil.get_terminal_size().columns - 1, 40)
    for line in textwrap.wrap(
        text,
        width,
        initial_indent=bullet,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        note(line)


def _table(plan: Plan, needs: Needs) -> None:
    columns = [
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("benchmark", "benchmark", align="left"),
        SheetColumn("questions", "questions"),
        SheetColumn("missing", "to make"),
        SheetColumn("done", "there"),
        SheetColumn("timing", "timing"),
        SheetColumn("disk", "disk"),
        SheetColumn("memory", "memory"),
    ]
    for line in aligned(Sheet(columns, [_row(item, needs) for item in plan.items])):
        note(line)


def _row(item: Item, needs: Needs) -> dict[str, object]:
    need = needs.llms.get(item.llm.name)
    return {
        "llm": item.llm.name,
        "benchmark": item.source.name,
        "questions": f"{item.questions:,}",
        "missing": MISSING if item.problem else f"{item.missing:,}",
        "done": f"{item.done:,}" if item.done and not item.problem else MISSING,
        "timing": "yes" if item.to_time and not item.problem else MISSING,
        "disk": size(item.bytes) if item.missing and not item.problem else MISSING,
        "memory": size(need.memory) if need and (item.missing or item.to_time) else MISSING,
    }


def _shows(plan: Plan) -> None:
    """How small a difference between two rows the test questions of each benchmark will be able to show."""
    from selectllm_engine.evaluation import detectable_difference
    from selectllm_engine.generation.spec import choose_questions

    for source in {item.source.name: item.source for item in plan.items if item.problem is None}.values():
        asked = choose_questions(source.questions, plan.request.splits, plan.request.limit)
        questions = int((asked["split"] == "test").sum())
        shown = detectable_difference(questions, TYPICAL)
        if shown is not None:
            _say(
                f"{source.name}: {count(questions, 'test question')} can show differences of {100 * shown:.1f} points "
                f"(where two rows differ on {100 * TYPICAL:.0f} % of them, power 80 %)",
                after="  ",
            )


def _totals(plan: Plan, needs: Needs) -> None:
    missing = count(sum(item.missing for item in plan.items if item.problem is None), "sample")
    most = "" if plan.request.stop is None else "at most "
    _say(f"to make: {most}{missing}, about {size(plan.bytes)} in {plan.cache.root}, {size(plan.free)} free", after="  ")
    from selectllm_engine.generation.dollars import planned_dollars

    if (dollars := planned_dollars(plan)) is not None:
        _say(f"at most about ${dollars:,.2f}: every sample as long as it may be, prompts as the first ones", after="  ")
    if needs.download:
        from selectllm_engine.machine import free

        there = f"{needs.downloads}, {size(free(needs.downloads))} free"
        _say(f"to download: about {size(needs.download)} of weights to {there}", after="  ")
    known = {name: need.memory for name, need in needs.llms.items() if need.memory is not None}
    if known:
        most = max(known, key=lambda name: known[name])
        samples = count(plan.request.samples, "sample")
        _say(
            f"memory: about {size(known[most])} at most, for {most}: bf16 weights and the KV cache of {samples}",
            after="  ",
        )
