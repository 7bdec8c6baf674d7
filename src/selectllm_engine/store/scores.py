"""A router's stored probabilities, brought into the order of a split's questions and LLMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.errors import DamagedError
from selectllm_engine.evaluation import RouterScores
from selectllm_engine.store.frames import read_frame
from selectllm_engine.store.manifests import router_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import Outcomes

__all__ = ["UNSEEN", "aligned", "own_seconds", "read_scores", "read_table"]

UNSEEN = "unseen"  # the table of what a router says about a subject that learned from the others alone
_KEYS = pl.Schema({"question_id": pl.String(), "split": pl.String()})
_NUMBERS = (pl.Float32, pl.Float64, pl.Boolean)


def read_scores(
    folder: Path,
    router: str,
    outcomes: Outcomes,
    validation: Outcomes | None,
    *,
    train: Outcomes | None = None,
    forest: bool,
    unseen: bool = False,
) -> RouterScores:
    """Read a router's folder: probabilities, and where they are there forest and logits.

    A confidence forest that is not stored is fitted on the validation split, if `forest`. Where the probabilities
    can't be used, all figures are NaN and `note` says why: one bad router must not take the others' figures along.

    Args:
        folder: with probabilities.parquet and manifest.json, perhaps forest.parquet, logits.parquet and
            predicted.parquet.
        router: its name.
        outcomes: of the split that is evaluated.
        validation: of the validation split; None where there is none.
        train: of the train split; None where there is none.
        forest: whether to fit a missing forest.
        unseen: take what the router says about each subject that learned from the others alone. There is no forest
            then, for forests know all subjects.
    """

    def useless(note: str) -> RouterScores:
        return RouterScores(router, np.full(outcomes.labels.shape, np.nan, np.float32), note=note)

    if unseen and not (folder / f"{UNSEEN}.parquet").exists():
        return useless("was trained without --hold-out-subjects")
    try:
        manifest = router_manifest(folder)
        learned = train if unseen or manifest.get("train_held_out") is True else None
        table = folder / f"{UNSEEN if unseen else 'probabilities'}.parquet"
        stored = _Stored(table, outcomes, validation, learned)
        paths = {} if unseen else {name: folder / f"{name}.parquet" for name in ("forest", "logits", "predicted")}
        beside = {name: _Stored(path, outcomes, validation) for name, path in paths.items() if path.exists()}
    except (FileNotFoundError, DamagedError, pl.exceptions.PolarsError):
        return useless(f"the probabilities of {router} can't be read; train it again")
    known = [llm for llm, name in enumerate(outcomes.llms) if name not in stored.missing]

    def sound(values: NDArray[np.float64] | None) -> NDArray[np.float32] | None:
        return _single(values) if values is not None and _possible(values[:, known]).all() else None

    lacking = int((~_possible(stored.here[:, known])).sum()) if known else len(stored.here)
    if unseen and (lacking or not known):
        return useless(f"{router} lacks questions; train it again")
    if lacking:
        note = f"{router} has no probabilities for {lacking:,} of {len(stored.here):,} questions; train it again"
        return RouterScores(router, stored.here.astype(np.float32), missing=stored.missing, note=note)
    held_out, trees = sound(stored.held_out), beside.get("forest")
    here, there = (None, None) if trees is None or not trees.sound(known) else (trees.here, trees.held_out)
    wanted = forest and not unseen and not stored.missing
    if here is None and wanted and held_out is not None and validation is not None:
        here, there = _fit_forest(stored.here, held_out, validation, same=validation is outcomes)
    return RouterScores(
        router,
        stored.here.astype(np.float32),
        forest=_single(here),
        validation=held_out,
        validation_forest=_single(there),
        logits=beside["logits"].here if "logits" in beside else None,
        predicted=beside["predicted"].here > 0 if "predicted" in beside else None,
        seconds_per_question=own_seconds(manifest),
        train=sound(stored.taught),
        missing=stored.missing,
        unseen=unseen,
    )


def read_table(path: Path) -> pl.DataFrame:
    """A router's numbers: columns question_id, split (null where unknown) and one per LLM; raises as `read_frame`."""
    return read_frame(path, _KEYS, optional=("split",), others=_NUMBERS)


def own_seconds(manifest: Mapping[str, object]) -> float | None:
    """A router's own seconds per question as its manifest has them; None where there is no such time."""
    seconds = manifest.get("seconds_per_question")
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else None


class _Stored:
    """One stored table of numbers per question and LLM.

    Attributes:
        here, held_out, taught: float64 [Q, N], [V, N] and [T, N], NaN where nothing is stored; the last two None
            without a validation or a train split.
        missing: the LLMs without a column.
    """

    def __init__(
        self, path: Path, outcomes: Outcomes, validation: Outcomes | None, train: Outcomes | None = None
    ) -> None:
        frame = read_table(path)
        self.missing = tuple(name for name in outcomes.llms if name not in frame.columns)
        splits = [each.questions for each in (outcomes, validation, train) if each is not None]
        found = iter(aligned(frame, outcomes.llms, *splits))
        self.here = next(found)
        self.held_out = None if validation is None else next(found)
        self.taught = None if train is None else next(found)

    def sound(self, known: list[int]) -> bool:
        """Whether the numbers of these LLMs are all probabilities."""
        tables = (self.here,) if self.held_out is None else (self.here, self.held_out)
        return all(_possible(table[:, known]).all() for table in tables)


def aligned(frame: pl.DataFrame, llms: Sequence[str], *splits: pl.DataFrame) -> list[NDArray[np.float64]]:
    """A table's numbers for some LLMs and the questions of each split, [Q, N] each; NaN where there is none.

    Of a question that stands there twice the first row counts.
    """
    asked = pl.concat([questions["question_id"] for questions in splits]).to_frame()
    rows = pl.DataFrame({"question_id": frame["question_id"], "row": np.arange(frame.height)})
    if rows["question_id"].n_unique() < rows.height:
        rows = rows.unique("question_id", keep="first")
    row = asked.join(rows, on="question_id", how="left", maintain_order="left")["row"].fill_null(-1)
    values = np.full((frame.height + 1, len(llms)), np.nan)  # the last row is that of questions without any
    for at, name in enumerate(llms):
        if name in frame.columns:
            column = frame[name]
            values[:-1, at] = (column.cast(pl.Float32) if column.dtype == pl.Boolean else column).to_numpy()
    return np.split(values[row.to_numpy()], np.cumsum([questions.height for questions in splits])[:-1])


def _possible(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which questions have a probability for every LLM, [Q]."""
    return np.asarray(((values >= 0) & (values <= 1)).all(axis=1))


def _single(values: NDArray[np.float64] | None) -> NDArray[np.float32] | None:
    return None if values is None else values.astype(np.float32)


def _fit_forest(
    here: NDArray[np.float64], held_out: NDArray[np.float32], validation: Outcomes, *, same: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The confidence forest's probabilities here and, out of bag, on the validation split."""
    from selectllm_engine.store.confidence_forest import ConfidenceForest

    fitted = ConfidenceForest().fit(held_out, validation.labels)
    out_of_bag = fitted.out_of_bag_.astype(np.float64)
    return (out_of_bag if same else fitted.predict_proba(here.astype(np.float32)).astype(np.float64)), out_of_bag
