"""`selectllm pools`: which LLMs to run together."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_tui.cli.console import Sheet, SheetColumn, fits, write_csv, write_json, write_next, write_sheet
from selectllm_tui.cli.loaded_run import reading, voting
from selectllm_tui.cli.options import Benchmark, CacheDir, Format, K, Output, PoolNames, SetupFile, Split, Vote, names
from selectllm_tui.cli.table_fields import (
    FieldNames,
    SortField,
    check_fields,
    chosen_columns,
    chosen_fields,
    sorted_by,
)
from selectllm_tui.notation import number, p_value, percent, span
from selectllm_tui.records import subset_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selectllm_engine.insights import Subset, Subsets

__all__ = ["pools", "ranking", "routed_sheet"]

BEST = 3  # subsets of a size that the table shows


def pools(
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    pool: PoolNames = None,
    split: Split = "test",
    k: K = None,
    vote: Vote = "equal",
    every: Annotated[
        bool, typer.Option("--all", help="Every subset, not only the front and the best of a size.")
    ] = False,
    fields: FieldNames = None,
    sort: SortField = None,
    form: Output = Format.TABLE,
    cache: CacheDir = None,
) -> None:
    """Subsets of the LLMs: how accurate together, how slow, and which are worth running.

    Ranked on the validation split, with the figures of another split beside it. On the front (★) no other subset is
    both more accurate and faster; every trained router is evaluated there.
    """
    check_fields(fields, form)
    with reading(benchmark, cache, setup=setup) as run:
        found = run.pools(names(pool), k=k, split=split, vote=voting(run, vote))
    if form is Format.JSON:
        return write_json(as_json(replace(found, subsets=tuple(sorted_by(found.subsets, sort, subset_record)))))
    if form is Format.CSV:
        rows = [subset_record(each) for each in sorted_by(found.subsets, sort, subset_record)]
        return write_csv(chosen_fields(rows, fields))
    ranked = ranking(found, every=every, sort=sort)
    ranked = replace(ranked, columns=chosen_columns(ranked.columns, ranked.rows, fields, naming="llms"))
    routed = routed_sheet(found)
    if not all(fits(each, form) for each in (ranked, routed) if each is not None):
        llms = max((each.llms for each in found.subsets), key=len)
        ranked = replace(_dotted(ranked, llms), footnotes=[*_legend(llms), *ranked.footnotes])
        routed = routed and _dotted(routed, llms)
    write_sheet(ranked, form)
    return write_next(routed, form)


def _dotted(sheet: Sheet, llms: Sequence[str]) -> Sheet:
    """With a dot per LLM in the place of names."""

    def dots(within: Sequence[str]) -> str:
        return "".join("●" if llm in within else "·" for llm in llms)

    return replace(
        sheet, columns=[replace(each, show=dots) if each.field == "llms" else each for each in sheet.columns]
    )


def _legend(llms: Sequence[str]) -> Iterator[str]:
    """Which dot is whose."""
    for at, llm in enumerate(llms):
        yield f"{'·' * at}●{'·' * (len(llms) - at - 1)} {llm}"


def ranking(found: Subsets, *, every: bool = False, sort: str | None = None) -> Sheet:
    """The front and the best of each size, or every subset."""
    shown = sorted(_shown(found, every=every), key=lambda each: (len(each.llms), each.rank))
    shown = sorted_by(shown, sort, subset_record)
    return Sheet(
        columns=_columns(found),
        rows=[subset_record(each) for each in shown],
        title=f"Pools of {found.benchmark}",
        footnotes=list(_footnotes(found, len(shown))),
        section="size" if sort is None else None,
        styles=["bold" if each.front else "" for each in shown],
    )


def routed_sheet(found: Subsets) -> Sheet | None:
    """The routers on the front's pools; None without any."""
    from selectllm_engine.evaluation import badged

    front = [each for each in found.front() if len(each.llms) > 1]
    routed = [{"llms": list(each.llms), **row.as_dict()} for each in front for row in each.routers]
    if not routed:
        return None
    return Sheet(
        columns=_ROUTED, rows=routed, title=f"Routers on the front, {badged(found.split)}, argmax", section="llms"
    )


def as_json(found: Subsets) -> dict[str, object]:
    """All subsets, best first; what can't be known is null."""
    return {
        **{field: getattr(found, field) for field in ("benchmark", "split", "exhaustive", "ranked_by", "vote")},
        "note": "; ".join(found.notes) or None,
        "subsets": [
            {
                "rank": each.rank,
                "front": each.front,
                "llms": list(each.llms),
                "validation": None if each.validation is None else asdict(each.validation),
                found.split: asdict(each.figures),
                "routers": [row.as_dict() for row in each.routers],
            }
            for each in found.subsets
        ],
    }


def _shown(found: Subsets, *, every: bool) -> Iterator[Subset]:
    seen: Counter[int] = Counter()
    for each in found.subsets:  # best first
        seen[len(each.llms)] += 1
        if every or each.front or seen[len(each.llms)] <= BEST:
            yield each


def _columns(found: Subsets) -> list[SheetColumn]:
    return [
        SheetColumn("rank", "rank"),
        SheetColumn("front", "", lambda front: "★" if front else "", align="left"),
        SheetColumn("llms", "LLMs", ", ".join, align="left"),
        SheetColumn("validation_pooled", "pooled % (validation)", percent, drop=2),
        SheetColumn("pooled", f"pooled % ({found.split})", percent, drop=1),
        SheetColumn("validation_oracle", "oracle % (validation)", percent, drop=4),
        SheetColumn("oracle", f"oracle % ({found.split})", percent),
        SheetColumn("latency", "latency s", number(2)),
        SheetColumn("latency_parallel", "parallel s", number(2), drop=5),
        SheetColumn("cost", "cost $", number(5), drop=3),
    ]


def _footnotes(found: Subsets, shown: int) -> Iterator[str]:
    if shown < len(found.subsets):
        yield f"{shown} of {len(found.subsets)} subsets: the front and the best {BEST} of a size; --all shows every one"
    yield "★ no subset is both more accurate and faster, on the split that ranks"
    votes = {"equal": "", "learned": ", weights learned anew for each pool"}.get(
        found.vote, f", weights of {found.vote}"
    )
    yield f"pooled: accuracy of one vote over all samples{votes}; oracle: share of questions that some LLM solves"
    if not found.exhaustive:
        yield "too many LLMs to look at every subset: the best of each size were extended"
    yield from found.notes


_ROUTED = [
    SheetColumn("llms", "LLMs", ", ".join, align="left"),
    SheetColumn("router", "router", align="left"),
    SheetColumn("accuracy", "accuracy %", percent),
    SheetColumn(("accuracy_low", "accuracy_high"), "95 % interval", span, drop=2),
    SheetColumn("latency", "latency s", number(2)),
    SheetColumn("gap_closed", "gap closed %", percent, drop=1),
    SheetColumn("p_vs_best_single", "raw p", p_value, drop=3),
]
