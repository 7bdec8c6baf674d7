"""A router's stored probabilities, brought into the order of a split's questions and LLMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    if unseen:
        return _read_unseen(folder, router, outcomes, validation, train)
    try:
        stored = _Stored(folder / "probabilities.parquet", outcomes, validation)
        logits = _Stored(path, outcomes, None) if (path := folder / "logits.parquet").exists() else None
        predicted = _Stored(path, outcomes, None) if (path := folder / "predicted.parquet").exists() else None
        trees = _Stored(path, outcomes, validation) if (path := folder / "forest.parquet").exists() else None
        manifest = router_manifest(folder)
        learned = train if manifest.get("train_held_out") is True else None
        taught = None if learned is None else _Stored(folder / "probabilities.parquet", learned, None).here
    except (FileNotFoundError, DamagedError, pl.exceptions.PolarsError):
        nothing = np.full(outcomes.labels.shape, np.nan, np.float32)
        return RouterScores(router, nothing, note=f"the probabilities of {router} can't be read; train it again")
    known = [llm for llm, name in enumerate(outcomes.llms) if name not in stored.missing]
    lacking = int((~_possible(stored.here[:, known])).sum()) if known else len(stored.here)
    if lacking:
        note = f"{router} has no probabilities for {lacking:,} of {len(stored.here):,} questions; train it again"
        return RouterScores(router, stored.here.astype(np.float32), missing=stored.missing, note=note)
    held_out = stored.held_out
    if held_out is not None and not _possible(held_out[:, known]).all():
        held_out = None
    here, there = (None, None) if trees is None or not trees.sound(known) else (trees.here, trees.held_out)
    if here is None and forest and held_out is not None and validation is not None and not stored.missing:
        here, there = _fit_forest(stored.here, held_out, validation, same=validation is outcomes)
    return RouterScores(
        router,
        stored.here.astype(np.float32),
        forest=_single(here),
        validation=_single(held_out),
        validation_forest=_single(there),
        logits=None if logits is None else logits.here,
        predicted=None if predicted is None else predicted.here > 0,
        seconds_per_question=own_seconds(manifest),
        train=None if taught is None or not _possible(taught[:, known]).all() else _single(taught),
        missing=stored.missing,
    )


def _read_unseen(
    folder: Path, router: str, outcomes: Outcomes, validation: Outcomes | None, train: Outcomes | None
) -> RouterScores:
    nothing = np.full(outcomes.labels.shape, np.nan, np.float32)
    path = folder / f"{UNSEEN}.parquet"
    if not path.exists():
        return RouterScores(router, nothing, note="was trained without --hold-out-subjects")
    try:
        stored = _Stored(path, outcomes, validation)
        taught = None if train is None else _Stored(path, train, None).here
        seconds = own_seconds(router_manifest(folder))
    except (FileNotFoundError, DamagedError, pl.exceptions.PolarsError):
        return RouterScores(router, nothing, note=f"the probabilities of {router} can't be read; train it again")
    known = [llm for llm, name in enumerate(outcomes.llms) if name not in stored.missing]

    def sound(values: NDArray[np.float64] | None) -> NDArray[np.float32] | None:
        return _single(values) if values is not None and _possible(values[:, known]).all() else None

    here = sound(stored.here)
    if here is None or not known:
        return RouterScores(router, nothing, note=f"{router} lacks questions; train it again")
    return RouterScores(
        router,
        here,
        validation=sound(stored.held_out),
        seconds_per_question=seconds,
        train=sound(taught),
        missing=stored.missing,
        unseen=True,
    )


def read_table(path: Path) -> pl.DataFrame:
    """A router's numbers: columns question_id, split (null where unknown) and one per LLM; raises as `read_frame`."""
    return read_frame(path, _KEYS, optional=("split",), others=_NUMBERS)


def own_seconds(manifest: Mapping[str, Any]) -> float | None:
    """A router's own seconds per question as its manifest has them; None where there is no such time."""
    seconds = manifest.get("seconds_per_question")
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else None


class _Stored:
    """One stored table of numbers per question and LLM.

    Attributes:
        here, held_out: float64 [Q, N] and [V, N], NaN where nothing is stored; held_out None without validation.
        missing: the LLMs without a column.
    """

    def __init__(self, path: Path, outcomes: Outcomes, validation: Outcomes | None) -> None:
        frame = read_table(path).unique("question_id", keep="first")
        self.missing = tuple(name for name in outcomes.llms if name not in frame.columns)
        self.here = aligned(frame, outcomes.questions, outcomes.llms)
        self.held_out = None if validation is None else aligned(frame, validation.questions, validation.llms)

    def sound(self, known: list[int]) -> bool:
        """Whether the numbers of these LLMs are all probabilities."""
        tables = (self.here,) if self.held_out is None else (self.here, self.held_out)
        return all(_possible(table[:, known]).all() for table in tables)


def aligned(frame: pl.DataFrame, questions: pl.DataFrame, llms: Sequence[str]) -> NDArray[np.float64]:
    """A table's numbers for some questions and LLMs, [Q, N]; NaN where there is none."""
    joined = questions.select("question_id").join(frame, on="question_id", how="left", maintain_order="left")
    columns = [
        pl.col(name).cast(pl.Float64).fill_null(np.nan) if name in frame.columns else pl.lit(np.nan).alias(name)
        for name in llms
    ]
    return joined.select(columns).to_numpy()


def _possible(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which questions have a probability for every LLM, [Q]."""
    return np.asarray(((values >= 0) & (values <= 1)).all(axis=1))


def _single(values: NDArray[np.float64] | None) -> NDArray[np.float32] | None:
    return None if values is None else values.astype(np.float32)


def _fit_forest(
    here: NDArray[np.float64], held_out: NDArray[np.float64], validation: Outcomes, *, same: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The confidence forest's probabilities here and, out of bag, on the validation split."""
    from selectllm_engine.store.confidence_forest import ConfidenceForest

    fitted = ConfidenceForest().fit(held_out.astype(np.float32), validation.labels)
    out_of_bag = fitted.out_of_bag_.astype(np.float64)
    return (out_of_bag if same else fitted.predict_proba(here.astype(np.float32)).astype(np.float64)), out_of_bag
