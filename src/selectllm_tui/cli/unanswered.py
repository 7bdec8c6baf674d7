"""What of the samples that were just made is no answer, said at the end of `generate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.errors import CacheError, UnknownNameError
from selectllm_engine.evaluation import Unanswered
from selectllm_tui.cli.console import note
from selectllm_tui.cli.import_report import watching
from selectllm_tui.notation import percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectllm_engine.store import Cache

__all__ = ["note_unanswered"]


def note_unanswered(cache: Cache, made: Iterable[tuple[str, str]]) -> None:
    """Write a line on standard error for every benchmark and LLM that has samples, extracting their answers."""
    from selectllm_engine.store import verdict_counts

    with watching("extracting answers") as progress:
        lines = []
        for benchmark, llm in made:
            try:
                counts = verdict_counts(cache, benchmark, llm, progress=progress)
            except (CacheError, UnknownNameError):  # nothing of it was made
                continue
            total = {name: int(counts[name].sum()) for name in counts.columns if name != "subject"}
            if total["samples"]:
                cut = None if counts["cut"].null_count() == counts.height else total["cut"]
                each = Unanswered(total["samples"], total["missing"], total["empty"], cut, total["cut_missing"])
                lines.append(_line(f"{llm} on {benchmark}", each))
                accuracy = total["own_right"] / total["own"] if total["own"] else None
                if warning := each.explains(accuracy):
                    lines.append(f"warning: {llm} on {benchmark} is right on {percent(accuracy)} %: {warning}")
    for line in lines:
        note(line)


def _line(name: str, each: Unanswered) -> str:
    parts = [f"{percent(each.share)} % of {each.samples:,} samples without an answer"]
    parts.append(f"{percent(each.empty / each.samples)} % empty")
    parts += [] if each.cut is None else [f"{percent(each.cut / each.samples)} % cut off"]
    return f"{name}: {', '.join(parts)}"
