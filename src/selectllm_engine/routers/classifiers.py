"""A scikit-learn classifier as a router: one clone of it per LLM.

What a stranger's class learned is not stored, for loading it could run code; the probabilities for the benchmark's
questions are. So it evaluates like every router, and knows no other questions once its notebook is closed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.routers.base import FeatureRouter
from selectllm_engine.routers.families import FAMILIES
from selectllm_engine.routers.features import Tfidf, dense

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.routers.features import Floats, Matrix

__all__ = ["Classifier", "Classifiers", "classifier_name"]


class Classifier(Protocol):
    """What scikit-learn's classifiers can do."""

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's names
        """Learn from vectors (a pipeline: from texts) and labels."""

    def predict_proba(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Each class's probability."""


class Classifiers(FeatureRouter):
    """One clone of a classifier per LLM, on TF-IDF and lengths; a `Pipeline` reads the questions' texts itself.

    Attributes:
        fitted_: per LLM the fitted clone; None where all labels are alike, so that its rate is the answer.
    """

    fitted_: list[Classifier | None]

    def __init__(self, classifier: Classifier) -> None:
        super().__init__(Tfidf())
        if not (hasattr(classifier, "fit") and hasattr(classifier, "predict_proba")) or isinstance(classifier, type):
            raise UsageError(
                f"a router is a name or a classifier with fit and predict_proba, not {type(classifier).__name__}",
                "scikit-learn's CalibratedClassifierCV gives predict_proba to those without",
            )
        self.classifier = classifier

    def _vectors(self, questions: Sequence[str]) -> Matrix:
        from sklearn.pipeline import Pipeline
        from sklearn.utils import get_tags

        if isinstance(self.classifier, Pipeline):
            return list(questions)
        vectors = super()._vectors(questions)
        return vectors if get_tags(self.classifier).input_tags.sparse else dense(vectors)

    def _fit(self, vectors: Matrix, labels: NDArray[np.bool_], _: tuple[Matrix, NDArray[np.bool_]] | None) -> None:
        from sklearn.base import clone

        self.fitted_ = []
        for right in labels.T:
            alike = right.all() or not right.any()
            try:
                self.fitted_.append(None if alike else clone(self.classifier).fit(vectors, right))
            except (TypeError, ValueError) as error:
                reason = str(error).partition("\n")[0]
                name = type(self.classifier).__name__
                raise UsageError(f"{name} can't learn from these questions: {reason}", "see its settings") from error

    def _predict(self, vectors: Matrix) -> Floats:
        questions = len(vectors) if isinstance(vectors, list) else vectors.shape[0]
        columns = []
        for llm, fitted in enumerate(self.fitted_):
            if fitted is None:
                columns.append(np.full(questions, self.rates_[llm]))
            else:
                right = list(getattr(fitted, "classes_", (False, True))).index(True)
                columns.append(fitted.predict_proba(vectors)[:, right])
        return np.stack(columns, axis=1)


def classifier_name(classifier: object, given: str | None = None) -> str:
    """What a classifier's router is called: as given, else by its class, for example "random-forest:tfidf".

    Raises:
        UsageError: the name is none, or one of our own routers'.
    """
    steps = getattr(classifier, "steps", None)
    kind = type(steps[-1][1] if steps else classifier).__name__.removesuffix("Classifier")
    features = "text" if steps else "tfidf"
    name = f"{re.sub('(?<=[a-z])(?=[A-Z])', '-', kind).lower()}:{features}" if given is None else given
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"a router's name is {name!r}", "give it some letters")
    if name.partition(":")[0] in FAMILIES:
        raise UsageError(f"{name!r} is the name of a router of our own", f"for example my-{name}")
    return name
