"""Questions by group: their subject, what became of them, how many LLMs are right, how long the gold answer is."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.verdicts import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["grouped", "of_group"]

LENGTHS = (0, 1, 2, 3, 4, 5, 9, 17, 33, 65)  # characters from which on a gold answer is in the next group


def of_group(
    frame: pl.DataFrame, verdict: NDArray[np.int8], right: NDArray[np.intp], by: str, value: str
) -> NDArray[np.bool_]:
    """Which questions are in a group, bool [Q]."""
    labels, codes = grouped(frame, verdict, right, by)
    return np.asarray(codes == labels.index(value)) if value in labels else np.zeros(frame.height, dtype=bool)


def grouped(
    frame: pl.DataFrame, verdict: NDArray[np.int8], right: NDArray[np.intp], by: str
) -> tuple[list[str], NDArray[np.intp]]:
    """The names of all groups, in their order, and the place of each question's [Q].

    Args:
        frame: the questions, Q rows.
        verdict: codes of `Verdict` [Q].
        right: LLMs of the pool that are right [Q].
        by: one of `GROUPINGS`.
    """
    match by:
        case "verdict":
            return list(map(str, Verdict)), verdict.astype(np.intp)
        case "right":
            most = int(right.max(initial=0))
            return [str(count) for count in range(most + 1)], right
        case "length":
            length = frame["gold"].fill_null("").str.len_chars().to_numpy()
            upper = [str(low) if high - low == 1 else f"{low}–{high - 1}" for low, high in pairwise(LENGTHS)]
            return [*upper, f"{LENGTHS[-1]} and more"], np.searchsorted(LENGTHS, length, side="right") - 1
    subjects = frame["subject"].fill_null("")
    labels = sorted(subjects.unique().to_list())
    return labels, subjects.cast(pl.Enum(labels)).to_physical().to_numpy().astype(np.intp)
