"""From a run to a trained router on disk, with its predictions for every question.

Only the training labels train and only the validation labels tune: what comes here is a `TrainingData`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.errors import SelectLLMError, UsageError
from selectllm_engine.routers.base import FeatureRouter
from selectllm_engine.routers.classifiers import Classifier, Classifiers, classifier_name
from selectllm_engine.routers.encoders import Encoder
from selectllm_engine.routers.expected_tokens import keep_expected_tokens
from selectllm_engine.routers.families import FAMILIES, RouterName, make_router, parse_router, suite, usable
from selectllm_engine.routers.mlc import FineTuned
from selectllm_engine.routers.stack import Member, Stack
from selectllm_engine.routers.storage import load_router, read_manifest, save
from selectllm_engine.routers.training_data import LabelledSplit, TrainingData, training_data
from selectllm_engine.store import UNSEEN, ConfidenceForest, read_table, refuse_twin, write_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.routers.base import Router
    from selectllm_engine.run import StoredRun

__all__ = ["TrainedRouter", "TrainingProgress", "refitted", "refitting", "train"]

TrainingProgress = Callable[[str, float], None]  # what is being done, and the fraction of it that is


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRouter:
    """A router that was trained and written to the cache.

    Attributes:
        router: the fitted router.
        validation_f1: weighted F1 at p >= 0.5 on validation; None without validation, as the next two.
        validation_accuracy: how often the LLM of the largest probability is right on validation.
        best_single_accuracy: how often the LLM that is right most often on validation is.
        seconds: that training took.
        seconds_per_question: to predict for one question alone.
        interrupted: training was stopped early, and the best so far kept.
        note: what is unusual.
    """

    name: str
    router: Router
    validation_f1: float | None
    validation_accuracy: float | None
    best_single_accuracy: float | None
    seconds: float
    seconds_per_question: float
    interrupted: bool = False
    note: str | None = None


def train(
    run: StoredRun,
    router: str | Classifier,
    name: str | None = None,
    *,
    encoders: Mapping[str, str] | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: TrainingProgress | None = None,
    hold_out_subjects: bool = False,
) -> TrainedRouter:
    """Train a router on a run's train split, tune it on validation, predict all splits, and write it to the cache.

    What was there under the same name is replaced at the end, in one step. Test labels are never read.

    Args:
        run: from `selectllm_engine.load`.
        router: for example "knn:tfidf"; or a classifier of scikit-learn's, of which a clone learns for each LLM, on
            TF-IDF or, in a `Pipeline`, on texts. Of that only the probabilities are kept.
        name: what a classifier's router is called; by its class without it.
        encoders: where encoders are: name -> folder or hub id.
        device: "auto", "cpu" or "cuda", for what runs a transformer.
        seed: of everything drawn at random.
        progress: hears what is being done and the fraction done.
        hold_out_subjects: refit it without each subject in turn, and keep what it then says about that subject's
            questions; for all but fine-tuned routers, stacks and classifiers of one's own, which are trained only.

    Raises:
        UsageError: an unknown name, one that differs from another's by case only, what is no classifier, the run has no
            train split, or no two subjects in it where they are to be held out.
        MissingExtraError: the router runs a transformer and the extra `train` is not installed.
        CacheError: the cache cannot be written.
    """
    called = router if isinstance(router, str) else classifier_name(router, name)
    refuse_twin("router", called, run.cache.routers(run.benchmark))  # before hours are spent
    if not isinstance(router, str):
        return _fitted(_Context(run, training_data(run), {}, device, seed, progress), called, Classifiers(router))
    if name is not None:
        raise UsageError(f"the router {router} has its own name", "leave `name` out")
    parsed = parse_router(router)
    data = training_data(run)
    if parsed.info.needs_text and not any(text.strip() for text in data.train.texts):
        without = " or ".join(repr(name) for name, family in FAMILIES.items() if not family.needs_text)
        raise UsageError(f"the questions of {run.benchmark} have no text", f"only the router {without} can do without")
    context = _Context(run, data, encoders or {}, device, seed, progress)
    keep_expected_tokens(run, data)
    unseen = _unseen(context, parsed) if hold_out_subjects and refitted(parsed) else None
    return _fitted(context, router, _made(context, parsed), unseen)


def refitted(name: RouterName) -> bool:
    """Whether a router is refitted without each subject in turn: fine-tuning costs too much, a stack's members have."""
    return not (name.fine_tuned or name.info.combines)


def _unseen(context: _Context, name: RouterName) -> NDArray[np.float32]:
    """What a router says about each subject's questions that learned from the other subjects alone, [questions, N]."""
    data = context.data
    frame = context.run.questions.select("question_id", pl.col("subject").fill_null(""))
    subject_of = dict(frame.iter_rows())
    subjects = list(dict.fromkeys(subject_of[question] for question in data.train.ids))
    if len(subjects) < 2:
        raise UsageError(f"the train split of {data.benchmark} has no two subjects", "leave out --hold-out-subjects")
    asked = np.array([subject_of[question] for question in data.questions["question_id"]])
    texts = np.array(data.questions["text"].to_list(), dtype=object)
    predicted = np.zeros((len(asked), len(data.llms)), np.float32)
    others = [subject for subject in dict.fromkeys(asked.tolist()) if subject not in subjects]
    for at, subject in enumerate([*subjects, *others]):
        context.say("refitting without each subject", at / (len(subjects) + len(others)))
        train, held_out = _without(data.train, subject, subject_of), _without(data.validation, subject, subject_of)
        assert train is not None  # noqa: S101 - there are two subjects
        made = _made(context, name)
        made.fit(train[0], train[1], validation=held_out)
        own = asked == subject
        predicted[own] = made.predict_proba(texts[own].tolist())
    return predicted


def _without(
    split: LabelledSplit | None, subject: str, subject_of: Mapping[str, str]
) -> tuple[list[str], NDArray[np.bool_]] | None:
    """Texts and labels of the questions of other subjects; None where there are none."""
    if split is None:
        return None
    kept = [row for row, question in enumerate(split.ids) if subject_of[question] != subject]
    return ([split.texts[row] for row in kept], split.labels[kept]) if kept else None


def _fitted(context: _Context, name: str, made: Router, unseen: NDArray[np.float32] | None = None) -> TrainedRouter:
    """A router trained, its predictions for every question, and both written."""
    run, data, seed = context.run, context.data, context.seed
    started = time.perf_counter()
    context.say("fitting")
    held_out = None if data.validation is None else (data.validation.texts, data.validation.labels)
    made.fit(data.train.texts, data.train.labels, validation=held_out)
    predicted = made.predict_proba(data.questions["text"].to_list())
    held_out_too = _hold_out(made, data, predicted)
    forest = _confidences(data, predicted, seed)
    seconds = time.perf_counter() - started
    trained = TrainedRouter(
        name,
        made,
        *_quality(data, predicted),
        seconds,
        seconds_per_question(made, data.train.texts),
        interrupted=getattr(made, "interrupted_", False),
        note=getattr(made, "note_", None),
    )
    _write(
        run, trained, data, {"probabilities": predicted, "forest": forest, UNSEEN: unseen}, train_held_out=held_out_too
    )
    return trained


def _hold_out(router: Router, data: TrainingData, predicted: NDArray[np.float32]) -> bool:
    """Put what was learned without the question itself in place of the training questions' probabilities.

    False where the router has no such probabilities: fine-tuned ones would have to be trained anew, and a classifier of
    one's own may be unable to learn from four fifths of the questions. Those of a stack are its members'.
    """
    if isinstance(router, Stack):
        members = (router.routers or {}).values()
        return all(isinstance(each, Member) and each.train_held_out for each in members)
    if not hasattr(router, "held_out"):
        return False
    try:
        held_out = router.held_out(data.train.texts, data.train.labels)
    except UsageError:
        return False
    predicted[_rows(data, data.train.ids)] = held_out
    return True


@dataclass(frozen=True, slots=True)
class _Context:
    """What every step of training needs."""

    run: StoredRun
    data: TrainingData
    encoders: Mapping[str, str]
    device: str
    seed: int
    progress: TrainingProgress | None

    def say(self, what: str, done: float = 0.0) -> None:
        if self.progress is not None:
            self.progress(what, done)


def _made(context: _Context, name: RouterName) -> Router:
    """The router, not fitted yet, its features computed or the routers found that it combines."""
    epochs = name.info.epochs.get(context.run.benchmark)
    own = {} if epochs is None else {"epochs": epochs}
    router = make_router(name, context.encoders, device=context.device, seed=context.seed, **own)
    if isinstance(router, Stack):
        router.routers = _combined(context)
    elif isinstance(router, FineTuned):
        router.progress = context.say
    elif isinstance(router, FeatureRouter) and isinstance(router.features, Encoder):
        router.features.progress = context.say
        folder = context.run.cache.own(context.run.benchmark) / "features"
        router.features.remember(context.data.questions["text"].to_list(), folder)
    return router


def _combined(context: _Context) -> dict[str, Member]:
    """All usable routers trained on the same questions and labels; without any, those on TF-IDF are."""
    members = _members(context)
    if all(parse_router(name).info.features is None for name in members):
        for name in suite(combining=False):
            train(context.run, name, device=context.device, seed=context.seed, progress=context.progress)
        members = _members(context)
    return members


def _members(context: _Context) -> dict[str, Member]:
    members = {}
    texts = context.data.questions.select("question_id", "text")
    for name in context.run.cache.routers(context.run.benchmark):
        folder = context.run.cache.router_dir(context.run.benchmark, name)
        try:
            manifest = read_manifest(folder)
            predicted = read_table(folder / "probabilities.parquet")
            parsed = parse_router(name)
        except (SelectLLMError, FileNotFoundError):
            continue  # imported, or damaged
        if parsed.info.combines or manifest.get("labels") != context.data.digest:
            continue
        if not usable(parsed, context.encoders):
            continue  # what combines it could route no new question here
        rows = texts.join(predicted, on="question_id")
        recorded = dict(zip(rows["text"], rows.select(context.data.llms).to_numpy(), strict=True))
        members[name] = Member(
            partial(load_router, folder, context.encoders, device=context.device),
            recorded,
            train_held_out=manifest.get("train_held_out") is True,
        )
    return members


def refitting(
    run: StoredRun, router: str, split: str, *, seed: int = 0
) -> tuple[Callable[[NDArray[np.intp]], NDArray[np.float32]], int]:
    """A router trained on some rows of the train split: a function of them, and how many there are to choose from.

    The function returns probabilities float32 [Q, N] for the questions of `split`.

    Raises:
        UnknownNameError: no such router family or split.
        UsageError: there is no train split, or no complete question.
    """
    data = training_data(run)
    ids = run.outcomes(split).questions.select("question_id")
    asked = ids.join(data.questions, on="question_id", how="left", maintain_order="left")["text"].to_list()
    held_out = None if data.validation is None else (data.validation.texts, data.validation.labels)

    def fit(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        texts = [data.train.texts[row] for row in rows]
        made = make_router(router, seed=seed).fit(texts, data.train.labels[rows], validation=held_out)
        return np.asarray(made.predict_proba(asked))

    return fit, len(data.train.texts)


def seconds_per_question(router: Router, texts: Sequence[str], repeats: int = 15) -> float:
    """The median time in seconds to predict for one question alone, warm, with texts that no store knows."""
    router.predict_proba([f"{texts[0]} (first)"])
    times = []
    for i in range(repeats):
        text = f"{texts[i % len(texts)]} ({i})"
        started = time.perf_counter()
        router.predict_proba([text])
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _rows(data: TrainingData, ids: Sequence[str]) -> NDArray[np.intp]:
    """The positions of questions in the table of all questions."""
    position = {question: i for i, question in enumerate(data.questions["question_id"])}
    return np.array([position[question] for question in ids], np.intp)


def _confidences(data: TrainingData, predicted: NDArray[np.float32], seed: int) -> NDArray[np.float32] | None:
    """The confidence forest's probabilities for all questions; out of bag for those it learned from."""
    if data.validation is None:
        return None
    rows = _rows(data, data.validation.ids)
    forest = ConfidenceForest(seed=seed).fit(predicted[rows], data.validation.labels)
    confidences = forest.predict_proba(predicted)
    confidences[rows] = forest.out_of_bag_
    return confidences


def _quality(data: TrainingData, predicted: NDArray[np.float32]) -> tuple[float | None, float | None, float | None]:
    """Weighted F1, accuracy of the argmax, accuracy of the best single LLM, all on validation."""
    if data.validation is None:
        return None, None, None
    from sklearn.metrics import f1_score

    labels = data.validation.labels
    p = predicted[_rows(data, data.validation.ids)]
    f1 = f1_score(labels, p >= 0.5, average="weighted", zero_division=0.0)
    return float(f1), float(labels[np.arange(len(p)), p.argmax(axis=1)].mean()), float(labels.mean(axis=0).max())


def _write(
    run: StoredRun,
    trained: TrainedRouter,
    data: TrainingData,
    tables: Mapping[str, NDArray[np.float32] | None],
    *,
    train_held_out: bool,
) -> None:
    facts = {
        "llms": list(data.llms),
        "train": len(data.train.ids),
        "validation": 0 if data.validation is None else len(data.validation.ids),
        "labels": data.digest,
        "train_held_out": train_held_out,  # are the training questions' probabilities from the others alone?
        "k": data.k,
        "validation_f1": trained.validation_f1,
        "seconds_per_question": trained.seconds_per_question,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": trained.note,
    }
    with run.cache.replacing_router(run.benchmark, trained.name) as fresh:
        for name, values in tables.items():
            if values is not None:
                write_frame(fresh / f"{name}.parquet", _table(data, values))
        save(trained.router, fresh, trained.name, facts)


def _table(data: TrainingData, values: NDArray[np.float32]) -> pl.DataFrame:
    columns = pl.DataFrame(values, schema=dict.fromkeys(data.llms, pl.Float32), orient="row")
    return data.questions.select("question_id", "split").hstack(columns)
