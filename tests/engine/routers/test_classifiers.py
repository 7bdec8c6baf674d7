"""scikit-learn's classifiers as routers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from fakes import write_fake_run
from selectllm_engine.api import load
from selectllm_engine.errors import UsageError
from selectllm_engine.routers.training import train


@pytest.fixture
def run(tmp_path):
    return load("fake", write_fake_run(tmp_path))


@pytest.mark.parametrize(
    ("classifier", "name"),
    [
        (LogisticRegression(), "logistic-regression:tfidf"),
        (KNeighborsClassifier(3), "kneighbors:tfidf"),
        (GaussianNB(), "gaussian-nb:tfidf"),  # takes no sparse vectors
        (HistGradientBoostingClassifier(max_iter=3), "hist-gradient-boosting:tfidf"),
        (make_pipeline(CountVectorizer(), LogisticRegression()), "logistic-regression:text"),
    ],
)
def test_a_classifier_is_a_router(run, classifier, name) -> None:
    trained = train(run, classifier)
    assert trained.name == name
    assert name in run.routers
    row = run.evaluate(router=name, policy="prediction").row(f"{name} prediction")
    assert row.accuracy is not None
    assert not hasattr(classifier, "classes_")  # a clone has learned
    again = load("fake", run.cache)
    assert np.array_equal(again.scores(name).probabilities, run.scores(name).probabilities)
    assert again.router_seconds(name) > 0
    predicted = trained.router.predict_proba(["How many are 2 and 3?"])
    assert (predicted.shape, predicted.dtype) == ((1, 3), np.float32)
    assert not list(run.cache.verify("fake"))
    with pytest.raises(UsageError, match="probabilities only"):
        again.route("How many are 2 and 3?", router=name)


def test_it_is_called_as_one_likes(run) -> None:
    assert train(run, LogisticRegression(), "mine").name == "mine"
    train(run, "stack")  # passes over what can route no new question
    for name in ("knn:mine", "prior", "", 3):
        with pytest.raises(UsageError):
            train(run, LogisticRegression(), name)
    with pytest.raises(UsageError, match="has its own name"):
        train(run, "prior", "mine")


def test_an_llm_that_is_always_right_has_its_rate(tmp_path) -> None:
    run = load("fake", write_fake_run(tmp_path))
    run.outcomes("train").labels[:, 1] = True
    train(run, LogisticRegression(), "mine")
    assert set(run.scores("mine").probabilities[:, 1]) == {1.0}


@pytest.mark.parametrize("thing", [3, None, np.zeros((3, 3)), LogisticRegression, LinearSVC(), object()])
def test_other_things_are_no_routers(run, thing) -> None:
    with pytest.raises(UsageError, match="a router is a name or a classifier"):
        train(run, thing)


def test_what_a_classifier_refuses_is_one_line(run) -> None:
    with pytest.raises(UsageError, match="LogisticRegression can't learn from these questions") as caught:
        train(run, LogisticRegression(C=-1.0))
    assert "\n" not in str(caught.value)
