"""A router's predictions as files, in the format in which the study released its own."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.exporters.results import Exported, check_target, save

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import Outcomes, RouterScores
    from selectllm_engine.run import StoredRun

__all__ = ["export_predictions"]

_SPLITS = {"train": "train", "validation": "val", "test": "test"}  # as the study's files name them
_COLUMNS = ("question", "split", "true_label", "prediction", "raw_predictions", "confidence")
_SURE = 200.0  # the logit of a probability of 0 or 1: far enough out to come back as one, and a number in Python


def export_predictions(run: StoredRun, path: Path, router: str, *, force: bool = False) -> Exported:
    """Write a router's predictions as the study released its own, for all splits that it has predictions for.

    The columns of numbers are the LLMs in sorted order of their names. Confidences are logits; a probability of 0 or 1
    has ∓200. Lists are written as Python writes them.

    Args:
        run: from `selectllm_engine.load`.
        path: a file that ends in .csv.
        router: a trained or imported one.
        force: replace a file that is there.

    Raises:
        UsageError: the path can't be written to, or the router has no predictions for any split.
        UnknownNameError: no such router.
        CacheError: results can't be read, or the file can't be written.
    """
    check_target(path, (".csv",), force=force)
    rows: list[list[Any]] = []
    llms: tuple[str, ...] = ()
    unusable: dict[str, list[str]] = {}
    last = ""
    for split in (split for split in _SPLITS if split in run.splits):
        outcomes, scores = run.outcomes(split), run.scores(router, split, forest=False)
        if scores.note is not None:
            unusable.setdefault(scores.note, []).append(split)
        elif len(outcomes.labels):
            llms = tuple(sorted(set(outcomes.llms) - set(scores.missing)))
            logits = _logits(scores)
            predicted = logits > 0 if scores.predicted is None else scores.predicted
            rows += _prediction_rows(outcomes, logits, predicted, llms)
            last = split
    if not rows:
        remedy = "; ".join(unusable) or f"selectllm train --router {router}"
        raise UsageError(f"{router} has no predictions to export", remedy)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    save(path, out.getvalue().encode(errors="replace"))
    notes = [f"{', '.join(splits)} left out: {reason}" for reason, splits in unusable.items()]
    if left_out := [name for name in run.llms if name not in llms]:
        notes.append(f"{', '.join(left_out)} left out: {router} was trained without")
    named = {name for row in rows for name in (*row[2], *row[3])}
    needed = [] if named == set(llms) else [f"--llms {','.join(llms)}"]
    if seconds := _seconds(run, last, llms):
        needed.append(f"--latency {seconds}")
    if needed:
        notes.append(f"the format can't say it all: import it again with {' '.join(needed)}")
    return Exported(path, len(rows), llms, tuple(notes))


def _prediction_rows(
    outcomes: Outcomes, logits: NDArray[np.float64], predicted: NDArray[np.bool_], llms: Sequence[str]
) -> Iterator[list[object]]:
    columns = [outcomes.llms.index(name) for name in llms]
    split = _SPLITS[outcomes.split]
    flags = (each[:, columns].astype(int).tolist() for each in (outcomes.labels, predicted))
    told = (outcomes.questions["text"].to_list(), *flags, logits[:, columns].tolist())
    for text, right, raw, row in zip(*told, strict=True):
        yield [text, split, _on(llms, right), _on(llms, raw), raw, row]


def _on(llms: Sequence[str], flags: Sequence[int]) -> list[str]:
    return [name for name, flag in zip(llms, flags, strict=True) if flag]


def _seconds(run: StoredRun, split: str, llms: Sequence[str]) -> str:
    """Each LLM's mean seconds in a split, as `selectllm import predictions --latency` takes them."""
    outcomes = run.outcomes(split)
    means = {name: outcomes.latency[:, outcomes.llms.index(name)].mean(dtype=np.float64) for name in llms}
    return ",".join(f"{name}={np.float32(mean)!s}" for name, mean in means.items() if not np.isnan(mean))


def _logits(scores: RouterScores) -> NDArray[np.float64]:
    """Recorded logits, else log(p / (1 − p)), float64 [Q, N]; those of 0 and 1 are finite."""
    if scores.logits is not None:
        return np.asarray(np.clip(scores.logits, -_SURE, _SURE))
    p = scores.probabilities.astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(p) - np.log1p(-p), -_SURE, _SURE))
