"""The ridge router's arithmetic, and what routers say about training questions without having learned from them."""

import numpy as np
import pytest

from selectllm_engine.routers import make_router, parse_router
from selectllm_engine.routers.base import log_loss
from selectllm_engine.routers.clustering import Clustering
from selectllm_engine.routers.knn import NearestNeighbours
from selectllm_engine.routers.ridge import Ridge, fit_components
from selectllm_engine.routers.surface import SURFACE, surface

CHEAP = ["prior", "ridge:tfidf", "knn:tfidf", "clustering:tfidf", "logistic:tfidf", "mf:tfidf", "forest:tfidf"]


def regression(seed, questions=30, columns=5, llms=4):
    """Centred features, and labels of which some depend on them."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(questions, columns)) * np.linspace(1, 0.2, columns)
    effect = draw.normal(size=(columns, llms)) * [2, 1, 0, 0][:llms]
    labels = draw.random((questions, llms)) < 1 / (1 + np.exp(-features @ effect))
    return features - features.mean(axis=0), labels


@pytest.mark.parametrize("seed", range(4))
def test_leave_one_out_is_refitting_without_each_question(seed):
    features, labels = regression(seed)
    found = fit_components(features, labels)
    targets = (labels - labels.mean(axis=0)) @ found.components
    predicted = np.empty(labels.shape)
    for left_out in range(len(labels)):
        kept = np.arange(len(labels)) != left_out
        centre, mean = features[kept].mean(axis=0), targets[kept].mean(axis=0)
        x, y = features[kept] - centre, targets[kept] - mean
        row = mean.copy()
        for component, penalty in enumerate(found.penalties):
            if np.isfinite(penalty):
                weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y[:, component])
                row[component] += (features[left_out] - centre) @ weights
        predicted[left_out] = labels.mean(axis=0) + row @ found.components.T
    assert np.isfinite(found.penalties).any()
    np.testing.assert_allclose(found.held_out, predicted, atol=1e-10)


def test_each_component_has_the_penalty_of_the_smallest_held_out_error():
    features, labels = regression(5)
    found = fit_components(features, labels)
    targets = (labels - labels.mean(axis=0)) @ found.components
    left = np.linalg.svd(features, full_matrices=False)
    for component, chosen in enumerate(found.penalties):
        errors = {np.inf: np.mean((targets[:, component] * len(labels) / (len(labels) - 1)) ** 2)}
        for penalty in 10.0 ** np.arange(-1, 4.01, 0.25):
            hat = (left[0] * (left[1] ** 2 / (left[1] ** 2 + penalty))) @ left[0].T + 1 / len(labels)
            errors[penalty] = np.mean(((targets - hat @ targets)[:, component] / (1 - np.diag(hat))) ** 2)
        assert errors[chosen] == pytest.approx(min(errors.values()), rel=1e-9)


def test_labels_that_have_nothing_to_do_with_the_features_leave_the_rates():
    draw = np.random.default_rng(0)
    features = draw.normal(size=(400, 3))
    labels = draw.random((400, 3)) < [0.3, 0.5, 0.8]
    found = fit_components(features - features.mean(axis=0), labels)
    assert np.abs(found.coef).max() < 0.05
    assert np.abs(found.held_out - labels.mean(axis=0)).max() < 0.2


def test_surface_counts_twelve_things():
    counts = np.expm1(surface(["If 12 + 3 = x, is it not 1,000?\nOr $y$, Tom?", ""]))
    assert counts.shape == (2, SURFACE)
    assert SURFACE == 12
    np.testing.assert_allclose(counts[1], 0)
    # operators, LaTeX signs, lines, negations, conditions, commas, capitals; digits of 1,000 with its comma, letters
    np.testing.assert_allclose(counts[0, 3:], [2, 2, 1, 1, 1, 3, 3, 5, 16 / 8])


class FakeFeatures:
    """Vectors that depend on nothing but the text, so that leaving one question out changes no other's."""

    def fit(self, questions):
        return self

    def transform(self, questions):
        found = np.stack([np.random.default_rng(int(text.split()[1])).random(6) for text in questions])
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def numbered(count):
    texts = [f"item {i:03}" for i in range(100, 100 + count)]
    return texts, np.random.default_rng(0).random((count, 3)) < [0.3, 0.6, 0.9]


def test_neighbours_leave_themselves_out_exactly():
    texts, labels = numbered(30)
    router = NearestNeighbours(FakeFeatures()).fit(texts, labels)
    router.k_ = 7
    alone = []
    for i in range(len(texts)):
        kept = np.arange(len(texts)) != i
        other = NearestNeighbours(FakeFeatures()).fit(
            [text for text, k in zip(texts, kept, strict=True) if k], labels[kept]
        )
        other.k_ = 7
        alone.append(other.predict_proba(texts[i : i + 1])[0])
    np.testing.assert_allclose(router.held_out(texts, labels), alone, atol=1e-5)


def test_clusters_forget_the_label_of_the_question_itself():
    texts, labels = numbered(40)
    router = Clustering(FakeFeatures(), clusters=4).fit(texts, labels)
    nearest = router._nearest(router._vectors(texts))
    before = router.held_out(texts, labels)
    for i in range(len(texts)):
        others = (nearest == nearest[i]) & (np.arange(len(texts)) != i)
        rates = np.delete(labels, i, axis=0).mean(axis=0)
        expected = (labels[others].sum(axis=0) + 10 * rates) / (others.sum() + 10)
        np.testing.assert_allclose(before[i], expected, atol=1e-5)


@pytest.mark.parametrize("name", CHEAP)
def test_held_out_probabilities_know_nothing_of_the_labels_they_predict(name):
    draw = np.random.default_rng(1)
    words = ["apple", "pear", "boat", "cup", "day", "train", "coin", "ship", "leaf", "stone"]
    texts = [" ".join(draw.choice(words, 6)) + f" {draw.integers(99)}?" for _ in range(300)]
    labels = draw.random((300, 2)) < 0.5
    router = make_router(name).fit(texts, labels)
    held_out = router.held_out(texts, labels)
    assert held_out.dtype == np.float32
    assert held_out.shape == labels.shape
    assert ((held_out >= 0) & (held_out <= 1)).all()
    right, wrong = held_out[labels].mean(), held_out[~labels].mean()
    assert right - wrong < 0.04
    if parse_router(name).family in {"knn", "forest", "mf"}:  # these remember what they have seen
        assert log_loss(router.predict_proba(texts), labels) < log_loss(held_out, labels) - 0.05
    again = router.held_out(texts, labels)
    np.testing.assert_array_equal(held_out, again)


@pytest.mark.parametrize("name", CHEAP)
@pytest.mark.parametrize(("questions", "llms"), [(1, 1), (2, 3), (7, 2)])
def test_held_out_probabilities_of_few_questions(name, questions, llms):
    texts = [f"how many cups are {i}?" for i in range(questions)]
    labels = np.random.default_rng(0).random((questions, llms)) < 0.5
    held_out = make_router(name).fit(texts, labels).held_out(texts, labels)
    assert held_out.shape == labels.shape
    assert np.isfinite(held_out).all()


def test_ridge_on_dense_features():
    texts, labels = numbered(60)
    router = Ridge(FakeFeatures()).fit(texts, labels)
    assert router.basis_.shape == (6, 6)
    assert router.predict_proba(texts).shape == (60, 3)
    np.testing.assert_array_equal(router.held_out(texts, labels), router.leave_one_out_)
