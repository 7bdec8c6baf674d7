"""The options that the commands of `selectllm import` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.options import names

if TYPE_CHECKING:
    from selectllm_engine.importers.assembly import Options

__all__ = ["SHARED", "NewBenchmark", "chosen", "seconds"]

NewBenchmark = Annotated[str, typer.Option("--benchmark", metavar="NAME", help="Name of the new benchmark.")]
SplitBy = Annotated[
    str | None,
    typer.Option(
        metavar="TRAIN/VALIDATION/TEST",
        help="Draw splits for questions that have none, such as 50/10/40; without it they are all test.",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of that draw.")]
Threshold = Annotated[
    float, typer.Option(metavar="SCORE", help="The mean recorded score from which on an LLM counts as right.")
]
GoldKind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="What gold answers are: number, letter, word, expression, date, list, set or text; labels goes by "
        "recorded scores alone. Inferred without it.",
    ),
]
Verdicts = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[SUBJECT=]CHOICE",
        help="Whose verdict counts, of all subjects or of one; may be given again: recorded, own, or auto, ours where "
        "it agrees with 98 % of the recorded ones.",
    ),
]
Again = Annotated[bool, typer.Option("--again", help="Judge what was imported before anew, from its file.")]

# Options that all assembled formats have, with their defaults: what `chosen` takes.
SHARED: dict[str, tuple[object, object]] = {
    "split_by": (SplitBy, None),
    "seed": (Seed, 0),
    "threshold": (Threshold, 0.5),
    "kind": (GoldKind, None),
    "verdicts": (Verdicts, None),
    "again": (Again, False),
}


def chosen(
    *, split_by: str | None, seed: int, threshold: float, kind: str | None, verdicts: list[str] | None, again: bool
) -> Options:
    """The options that every format shares."""
    from selectllm_engine.importers.assembly import Options
    from selectllm_engine.importers.splits import parse_shares
    from selectllm_engine.store import VerdictChoice

    shares = None if split_by is None else parse_shares(split_by)
    choice = VerdictChoice.parse(verdicts) if verdicts else None
    return Options(split_by=shares, seed=seed, threshold=threshold, kind=kind, verdicts=choice, again=again)


def seconds(text: str) -> dict[str, float]:
    """`name=seconds,…` as a mapping."""
    found = {}
    for each in names(text) or []:
        name, _, value = each.rpartition("=")
        try:
            found[name] = float(value)
        except ValueError:
            name = ""
        if not name:
            raise UsageError(f"--latency {each} is no name with seconds", "write --latency NAME=SECONDS,NAME=SECONDS")
    return found
