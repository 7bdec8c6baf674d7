"""How many tokens a question and each LLM's answer will take, from the question's text alone: for policy cost-aware.

T training questions, Q questions, N LLMs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.errors import DamagedError
from selectllm_engine.routers.features import Tfidf
from selectllm_engine.routers.ridge import block_of, fit_components
from selectllm_engine.routers.storage import check_files, restore, save
from selectllm_engine.routers.surface import SURFACE, surface
from selectllm_engine.store import TOKENS, read_table, router_manifest, write_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from selectllm_engine.routers.training_data import TrainingData
    from selectllm_engine.run import StoredRun

__all__ = ["TokenModel", "keep_expected_tokens", "load_token_model"]


class TokenModel:
    """log tokens = intercept + x·W on TF-IDF and surface counts, by the regression of `ridge:tfidf`.

    The logarithm's prediction is a median; it is multiplied so that the training questions' mean comes out right, each
    predicted from all others (Duan 1983). What is predicted is within what the training questions took.

    Attributes:
        coef_: float32 [D + 12, 2 N], of terms and counts; answers' columns before prompts'.
        intercept_, lowest_, highest_: float64 [2 N], the last two in tokens.
    """

    coef_: NDArray[np.float32]
    intercept_: NDArray[np.float64]
    lowest_: NDArray[np.float64]
    highest_: NDArray[np.float64]

    def __init__(self) -> None:
        self.features = Tfidf()

    def fit(self, questions: Sequence[str], tokens: NDArray[np.float64]) -> NDArray[np.float32]:
        """Learn from T questions and their tokens [T, 2 N]; returns each question's predicted from all others."""
        from threadpoolctl import threadpool_limits

        logs = np.log(np.maximum(tokens, 1.0))
        vectors = self.features.fit(questions).transform(questions)
        with threadpool_limits(limits=1):
            block = block_of(vectors, surface(questions), seed=0)
            found = fit_components((block.beside - block.centre) / block.scale, logs)
        weights = found.coef / block.scale[:, None]
        self.coef_ = np.vstack([block.basis.T @ weights[:-SURFACE], weights[-SURFACE:]]).astype(np.float32)
        shift = np.log(np.maximum(tokens, 1.0).mean(axis=0) / np.exp(found.held_out).mean(axis=0))
        self.intercept_ = logs.mean(axis=0) - block.centre @ weights + shift
        self.lowest_, self.highest_ = np.exp(logs.min(axis=0)), np.exp(logs.max(axis=0))
        return self._tokens(found.held_out + shift)

    def predict(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """Tokens of answers, then of prompts, [Q, 2 N]."""
        terms = self.features.transform(questions) @ self.coef_[:-SURFACE]
        return self._tokens(self.intercept_ + terms + surface(questions) @ self.coef_[-SURFACE:])

    def _tokens(self, logs: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.clip(np.exp(np.minimum(logs, 100.0)), self.lowest_, self.highest_).astype(np.float32)


def keep_expected_tokens(run: StoredRun, data: TrainingData) -> None:
    """Learn how many tokens questions take, from the train split, and keep it beside the routers with all predictions.

    Nothing is done where that is there already for these questions and labels, or where the questions have no text or
    no LLM's tokens were counted. Of the other splits nothing but texts is read.
    """
    if _is_kept(run, data) or not any(text.strip() for text in data.train.texts):
        return
    counted = _counted(run, data)
    if not counted:
        return
    model = TokenModel()
    held_out = model.fit(data.train.texts, np.stack(list(counted.values()), axis=2).reshape(len(data.train.ids), -1))
    predicted = model.predict(data.questions["text"].to_list())
    place = {question: row for row, question in enumerate(data.questions["question_id"])}
    predicted[[place[question] for question in data.train.ids]] = held_out
    facts = {
        "llms": list(counted),
        "train": len(data.train.ids),
        "labels": data.digest,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with run.cache.replacing_tokens(run.benchmark) as fresh:
        for name, part in zip(("output", "prompt"), np.hsplit(predicted, 2), strict=True):
            columns = pl.DataFrame(part, schema=dict.fromkeys(counted, pl.Float32), orient="row")
            write_frame(fresh / f"{name}.parquet", data.questions.select("question_id", "split").hstack(columns))
        save(model, fresh, TOKENS, facts)


def _is_kept(run: StoredRun, data: TrainingData) -> bool:
    """Whether it is there already, whole."""
    folder = run.cache.folder(run.benchmark) / TOKENS
    try:
        if router_manifest(folder).get("labels") != data.digest:
            return False
        load_token_model(folder)
        for name in ("output", "prompt"):
            read_table(folder / f"{name}.parquet")
    except (FileNotFoundError, DamagedError):
        return False
    return True


def _counted(run: StoredRun, data: TrainingData) -> dict[str, NDArray[np.float64]]:
    """Per LLM whose tokens were counted the mean over its samples, of answers and of prompts, [T, 2]."""
    found = {}
    wanted = pl.DataFrame({"question_id": data.train.ids}, schema={"question_id": pl.String})
    counts = pl.col("output_tokens", "prompt_tokens").cast(pl.Float64).mean()
    for llm in data.llms:
        means = run.cache.answers(run.benchmark, llm).group_by("question_id").agg(counts)
        joined = wanted.join(means, on="question_id", how="left", maintain_order="left")
        tokens = joined.select("output_tokens", "prompt_tokens").fill_null(np.nan).to_numpy()
        if np.isfinite(tokens).all():
            found[llm] = tokens
    return found


def load_token_model(folder: Path) -> tuple[TokenModel, list[str]]:
    """What `keep_expected_tokens` learned, and its LLMs.

    Raises:
        DamagedError: a file is missing, changed, of a forbidden type, or does not fit.
    """
    model = TokenModel()
    try:
        manifest = router_manifest(folder)
        check_files(folder, manifest)
        restore(model, folder)
        llms = [str(llm) for llm in manifest["llms"]]
        if model.predict(["How many are 2 and 3?", ""]).shape != (2, 2 * len(llms)):
            raise ValueError("predictions of another shape")
    except DamagedError:
        raise
    except Exception as error:  # whatever strange weights make NumPy, scikit-learn or skops say
        problem = f"what is in {folder} does not fit: {type(error).__name__}"
        raise DamagedError(problem, "selectllm train makes it again") from error
    return model, llms
