"""Where a row gains and loses against another one, and why, by subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation import holm, two_by_two
from selectllm_engine.insights.pairs import CELLS
from selectllm_engine.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation import TwoByTwo, Verdicts
    from selectllm_engine.insights.pairs import Comparison

__all__ = ["SubjectLosses", "losses_by_subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectLosses:
    """What became of one subject's questions under the first of two rows.

    Attributes:
        subject: its name; None for questions without one.
        counts: on how many of them both rows are right, only one of them, neither.
        p: exact McNemar p of their difference, Holm-adjusted over the subjects.
        unsolvable, misrouted, outvoted: shares that the first row answers wrong, by why.
    """

    subject: str | None
    counts: TwoByTwo
    p: float
    unsolvable: float
    misrouted: float
    outvoted: float


def losses_by_subject(found: Comparison, verdicts: Verdicts) -> tuple[SubjectLosses, ...]:
    """Each subject's part of a comparison, by name; none where no question has a subject.

    `verdicts` are the first row's.
    """
    subjects = found.questions["subject"]
    if subjects.null_count() == len(subjects):
        return ()
    a, b = (np.isin(found.cells, [CELLS.index("both"), CELLS.index(only)]) for only in ("only_a", "only_b"))
    grouped = subjects.to_frame().with_row_index().group_by("subject").agg("index").sort("subject", nulls_last=True)
    places = {name: np.asarray(index) for name, index in grouped.iter_rows()}
    counts = {name: two_by_two(a[index], b[index]) for name, index in places.items()}
    adjusted = holm([each.p for each in counts.values()])

    def share(verdict: Verdict, index: NDArray[np.intp]) -> float:
        return float((verdicts.verdict[index] == verdict.code).mean())

    return tuple(
        SubjectLosses(
            subject=name,
            counts=counts[name],
            p=p,
            unsolvable=share(Verdict.UNSOLVABLE, index),
            misrouted=share(Verdict.MISROUTED, index),
            outvoted=share(Verdict.OUTVOTED, index),
        )
        for (name, index), p in zip(places.items(), adjusted, strict=True)
    )
