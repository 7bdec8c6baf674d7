"""`mlc`: a multi-label classifier, an encoder fine-tuned to tell for every LLM whether it is right (the study's).

The recipe is the study's: binary cross-entropy on multi-hot labels, at most 128 tokens, batches of 128, learning rate
2e-5, 10 epochs, the best epoch by weighted F1 on validation. `mlc-weighted` is its class-weighted variant.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from selectllm_engine.routers.base import check_labels
from selectllm_engine.routers.finetuning import MeanPoolingClassifier, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from selectllm_engine.routers.base import Labelled
    from selectllm_engine.routers.encoders import Encoder

__all__ = ["FineTuned", "MultiLabel", "WeightedMultiLabel"]


class FineTuned:
    """A router that fine-tunes an encoder, once for all LLMs or once for each.

    Ctrl-C ends training and keeps the best so far; what was not trained yet predicts the LLMs' rates.

    Attributes:
        classifiers_: the fine-tuned encoders with their heads; together they have one output per LLM.
        interrupted_: was training stopped early?
        note_: in which epoch, or None.
    """

    recipe: ClassVar[Recipe] = Recipe()
    progress: Callable[[str, float], None] | None = None

    classifiers_: list[MeanPoolingClassifier]
    interrupted_: bool
    note_: str | None

    def __init__(self, features: Encoder, *, epochs: int | None = None, seed: int = 0) -> None:
        self.features = features
        self.epochs = epochs
        self.seed = seed

    def _groups(self, llms: int) -> list[list[int]]:
        """Which LLMs share a classifier."""
        return [list(range(llms))]

    def fit(self, questions: Sequence[str], labels: NDArray[np.bool_], *, validation: Labelled | None = None) -> Self:
        """Learn from T questions and labels [T, N]; without validation the last epoch is kept."""
        check_labels(questions, labels)
        if validation is not None and not len(validation[0]):
            validation = None
        recipe = self.recipe if self.epochs is None else replace(self.recipe, epochs=self.epochs)
        groups = self._groups(labels.shape[1])
        self.classifiers_, self.note_ = [], None
        self.interrupted_ = False
        for at, group in enumerate(groups):
            classifier = MeanPoolingClassifier.start(self.features, labels[:, group], recipe, seed=self.seed)
            held_out = None if validation is None else (validation[0], validation[1][:, group])
            self.classifiers_.append(classifier)
            if not self.interrupted_:
                report = self._report(at, len(groups))
                finished = classifier.train(
                    questions, labels[:, group], held_out, recipe, seed=self.seed, report=report
                )
                if finished < recipe.epochs:
                    if at == finished == 0:
                        raise KeyboardInterrupt  # there is nothing to keep
                    self.interrupted_ = True
                    of = f" of LLM {at + 1} of {len(groups)}" if len(groups) > 1 else ""
                    self.note_ = f"stopped after epoch {finished} of {recipe.epochs}{of}; the best so far is kept"
        return self

    def predict_proba(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The probability that each LLM is right, [Q, N]."""
        return np.concatenate([each.predict_proba(questions) for each in self.classifiers_], axis=1)

    def save_weights(self, folder: Path) -> None:
        """Write one folder per classifier: encoder, tokenizer and head, in safetensors and JSON."""
        for at, classifier in enumerate(self.classifiers_):
            classifier.save(folder / str(at))

    def load_weights(self, folder: Path) -> None:
        """Read what `save_weights` wrote."""
        folders = sorted((each for each in folder.iterdir() if each.is_dir()), key=lambda each: int(each.name))
        self.classifiers_ = [MeanPoolingClassifier.load(each, device=self.features.device) for each in folders]
        self.interrupted_, self.note_ = False, None

    def _report(self, at: int, groups: int) -> Callable[[str, float], None]:
        def report(what: str, done: float) -> None:
            if self.progress is not None:
                which = f"LLM {at + 1} of {groups}, " if groups > 1 else ""
                self.progress(which + what, (at + done) / groups)

        return report


class MultiLabel(FineTuned):
    """One encoder for all LLMs, with one output each."""


class WeightedMultiLabel(FineTuned):
    """The study's class-weighted variant: right answers weigh as much as wrong ones; 2e-6, 15 epochs.

    Weighting by w multiplies the learned odds by w (Elkan 2001, The Foundations of Cost-Sensitive Learning); that is
    taken back when predicting, so that probabilities stay probabilities.
    """

    recipe = Recipe(learning_rate=2e-6, epochs=15, weighted=True)
