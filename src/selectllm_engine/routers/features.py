"""Question texts as vectors: TF-IDF fitted on the training questions only, and the question's length."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

__all__ = ["Features", "Floats", "Matrix", "Nearest", "Tfidf"]

# float32 [Q, D], dense or sparse; every row has length 1, or 0 for an empty text
Matrix: TypeAlias = "NDArray[np.float32] | csr_matrix"
Floats: TypeAlias = "NDArray[np.floating]"

_TOKEN = re.compile(r"\w+|[^\w\s]")
_DIGIT = re.compile(r"\d")
_MOST_TERMS = 20_000
_LENGTH_WEIGHT = 0.2  # one standard deviation of length weighs so much beside a vector of length 1


class Features(Protocol):
    """What turns texts into vectors."""

    def fit(self, questions: Sequence[str]) -> Self:
        """Learn from the training questions."""

    def transform(self, questions: Sequence[str]) -> Matrix:
        """One vector of length 1 per question."""


def tokens(text: str) -> list[str]:
    """Words, numbers and signs; every digit reads 0, so that a number counts by its size and not its value."""
    return _TOKEN.findall(_DIGIT.sub("0", text.lower()))


class Tfidf:
    """TF-IDF of words and word pairs, logarithmic in the term's count.

    Attributes:
        vocabulary_: the terms, at most 20,000.
        idf_: float64 [D], their weights.
    """

    vocabulary_: list[str]
    idf_: NDArray[np.float64]

    def fit(self, questions: Sequence[str]) -> Self:
        """Learn terms and weights; terms of a single question are dropped where there are 50 questions or more."""
        rare = 2 if len(questions) >= 50 else 1
        if not any(map(tokens, questions)):
            questions, rare = ["(no words)"], 1  # keeps at least one column
        vectorizer = _vectorizer(min_df=rare, max_features=_MOST_TERMS).fit(questions)
        self.vocabulary_ = [str(term) for term in vectorizer.get_feature_names_out()]
        self.idf_ = vectorizer.idf_
        return self

    def transform(self, questions: Sequence[str]) -> Matrix:
        """CSR float32 [Q, D]."""
        if not hasattr(self, "_ready"):
            self._ready = _vectorizer(vocabulary=self.vocabulary_)
            self._ready.idf_ = self.idf_
        return self._ready.transform(questions).astype(np.float32)


def lengths(questions: Sequence[str]) -> NDArray[np.float64]:
    """log(1 + count) of tokens, numbers and sentence ends, [Q, 3]."""
    counts = [
        (len(found), sum(word[0] == "0" for word in found), sum(word in ".?!" for word in found))
        for found in map(tokens, questions)
    ]
    return np.log1p(np.array(counts, np.float64).reshape(-1, 3))


def joined(vectors: Matrix, relative: NDArray[np.float64]) -> Matrix:
    """Vectors [Q, D] with standardised lengths [Q, 3] beside them, rows scaled to length 1."""
    from scipy.sparse import csr_matrix, hstack, issparse
    from sklearn.preprocessing import normalize

    extra = _LENGTH_WEIGHT * np.clip(relative, -3.0, 3.0)
    both = hstack([vectors, csr_matrix(extra)], format="csr") if issparse(vectors) else np.hstack([vectors, extra])
    return normalize(both).astype(np.float32)


def _vectorizer(**settings: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        tokenizer=tokens, token_pattern=None, lowercase=False, ngram_range=(1, 2), sublinear_tf=True, **settings
    )


class Nearest:
    """Which of some questions are like another one, by TF-IDF cosine."""

    def __init__(self, questions: Sequence[str]) -> None:
        self._features = Tfidf().fit(questions) if questions else None
        self._vectors = self._features.transform(questions) if self._features else None

    def to(self, text: str, count: int = 5) -> list[tuple[int, float]]:
        """The `count` most similar: position and similarity, the most similar first."""
        if self._features is None or self._vectors is None:
            return []
        similarity = dense(self._vectors @ self._features.transform([text]).T)[:, 0]
        order = np.argsort(-similarity, kind="stable")[:count]
        return [(int(i), float(similarity[i])) for i in order if similarity[i] > 0]


def dense(matrix: Matrix) -> NDArray[np.float32]:
    """The matrix as an array."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
