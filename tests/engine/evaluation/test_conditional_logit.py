"""The conditional logit: probabilities, derivatives and the optimum, against plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.evaluation.conditional_logit import (
    FOLDS,
    Design,
    best_ridge,
    cross_fitted,
    fit,
    folds_of,
    gradient,
    log_loss,
    posterior,
)


@st.composite
def designs(draw, most=12):
    """Questions with no to four candidates, of which one or none is right; two or three features."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    sizes = draw(st.lists(st.integers(0, 4), min_size=1, max_size=most))
    question = np.repeat(np.arange(len(sizes)), sizes)
    right = np.zeros(len(question), dtype=bool)
    for q, size in enumerate(sizes):
        place = rng.integers(-1, size) if size else -1
        if place >= 0:
            right[np.flatnonzero(question == q)[place]] = True
    return Design(len(sizes), question, rng.normal(size=(3, len(question))), rng.normal(size=(2, len(sizes))), right)


def plain(design, weights):
    """Log-likelihood and probabilities, one question after the other."""
    count = len(design.features)
    total, chances, nobody = 0.0, [], []
    for q in range(design.questions):
        own = [m for m in range(len(design.question)) if design.question[m] == q]
        scores = [sum(weights[f] * design.features[f, m] for f in range(count)) for m in own]
        none = sum(weights[count + g] * design.none[g, q] for g in range(len(design.none)))
        below = math.exp(none) + sum(map(math.exp, scores))
        chances += [math.exp(score) / below for score in scores]
        nobody.append(math.exp(none) / below)
        gold = [m for m in own if design.right[m]]
        total += math.log(chances[gold[0]] if gold else nobody[-1])
    return total, chances, nobody


@given(designs(), st.lists(st.floats(-3, 3), min_size=5, max_size=5))
def test_posterior_and_log_loss_are_the_plain_ones(design, weights):
    total, chances, nobody = plain(design, weights)
    found = posterior(design, np.array(weights))
    np.testing.assert_allclose(found.candidate, chances, atol=1e-12)
    np.testing.assert_allclose(found.none, nobody, atol=1e-12)
    assert log_loss(design, np.array(weights)) == pytest.approx(-total / design.questions)


@given(designs(), st.lists(st.floats(-2, 2), min_size=5, max_size=5))
def test_the_gradient_is_the_slope_of_the_objective(design, weights):
    ridge = np.array([0.5, 1.0, 2.0, 0.1, 0.2])

    def objective(w):
        return plain(design, w)[0] - 0.5 * sum(r * x * x for r, x in zip(ridge, w, strict=True))

    for place, slope in enumerate(gradient(design, np.array(weights), ridge)):
        up, down = list(weights), list(weights)
        up[place] += 1e-5
        down[place] -= 1e-5
        assert slope == pytest.approx((objective(up) - objective(down)) / 2e-5, abs=1e-4)


@given(designs(), st.sampled_from([0.01, 1.0, 100.0]))
def test_the_fit_is_the_optimum(design, strength):
    ridge = np.full(5, strength)
    weights = fit(design, ridge)
    assert np.abs(gradient(design, weights, ridge)).max() < 1e-6

    def objective(w):
        return plain(design, w)[0] - 0.5 * float(ridge @ w**2)

    rng = np.random.default_rng(0)
    assert all(objective(weights) >= objective(weights + rng.normal(scale=0.1, size=5)) for _ in range(10))


@given(designs(), st.integers(0, 100))
def test_where_the_fit_starts_does_not_matter(design, seed):
    # From far away an undamped step of Newton's method diverges.
    ridge = np.full(5, 0.3)
    far = np.random.default_rng(seed).normal(scale=30, size=5)
    np.testing.assert_allclose(fit(design, ridge, far), fit(design, ridge), atol=1e-5)


@given(designs(), st.integers(0, 100))
def test_rows_are_a_design_of_their_own(design, seed):
    chosen = np.random.default_rng(seed).random(design.questions) < 0.5
    weights = np.linspace(-1, 1, 5)
    part, whole = posterior(design.rows(chosen), weights), posterior(design, weights)
    np.testing.assert_allclose(part.none, whole.none[chosen])
    np.testing.assert_allclose(part.candidate, whole.candidate[chosen[design.question]])


def newtons_step(design, ridge, weights):
    """One step from some weights, the curvature by differences of the slope."""
    slope = gradient(design, weights, ridge)
    curvature = [(gradient(design, weights - e, ridge) - gradient(design, weights + e, ridge)) / 2e-5 for e in NUDGES]
    return weights + np.linalg.inv(np.array(curvature)) @ slope


NUDGES = 1e-5 * np.eye(5)


@given(designs(most=20), st.integers(0, 100))
def test_cross_fitting_is_a_step_away_from_what_all_teach(design, seed):
    ridge = np.full(5, 1.0)
    fold = folds_of(design.questions)
    weights = np.random.default_rng(seed).normal(size=5)
    found = cross_fitted(design, ridge, weights)
    np.testing.assert_allclose(found.weights, newtons_step(design, ridge, weights), atol=1e-4)
    for each in range(FOLDS):
        own = fold == each
        if own.any():
            expected = posterior(design.rows(own), newtons_step(design.rows(~own), ridge, weights))
            np.testing.assert_allclose(found.chance.none[own], expected.none, atol=1e-4)
            np.testing.assert_allclose(found.chance.candidate[own[design.question]], expected.candidate, atol=1e-4)


def test_cross_fitting_is_nearly_learning_from_the_other_folds_alone():
    rng = np.random.default_rng(0)
    question, features, none = np.repeat(np.arange(300), 3), rng.normal(size=(3, 900)), np.ones((1, 300))
    score = np.array([1.0, -0.5, 0.2]) @ features + rng.gumbel(size=900)
    right = score == np.maximum.reduceat(score, np.arange(0, 900, 3)).repeat(3)
    right &= (rng.random(300) < 0.8).repeat(3)
    design, ridge, fold = Design(300, question, features, none, right), np.full(4, 1.0), folds_of(300)
    found = cross_fitted(design, ridge, fit(design, ridge))
    for each in range(FOLDS):
        own = fold == each
        expected = posterior(design.rows(own), fit(design.rows(~own), ridge))
        np.testing.assert_allclose(found.chance.candidate[own[question]], expected.candidate, atol=0.01)
        np.testing.assert_allclose(found.chance.none[own], expected.none, atol=0.01)


def test_folds_are_of_equal_size_and_the_same_every_time():
    fold = folds_of(52)
    assert sorted(np.bincount(fold).tolist()) == [10, 10, 10, 11, 11]
    np.testing.assert_array_equal(fold, folds_of(52))


def test_the_best_ridge_has_the_smallest_loss_elsewhere():
    rng = np.random.default_rng(3)

    def made(questions):
        question = np.repeat(np.arange(questions), 3)
        features = rng.normal(size=(3, len(question)))
        score = 1.5 * features[0] + rng.gumbel(size=len(question))
        right = score == score.reshape(-1, 3).max(axis=1)[question]
        return Design(questions, question, features, np.ones((2, questions)), right)

    learn, judge = made(40), made(400)
    ridges = [np.full(5, strength) for strength in (0.01, 0.3, 3.0, 30.0, 1000.0)]
    losses = [log_loss(judge, fit(learn, ridge)) for ridge in ridges]
    nothing = np.zeros(5)
    assert best_ridge([(learn, judge)], ridges, nothing) == int(np.argmin(losses))
    both = [a + b for a, b in zip(losses, (log_loss(learn, fit(judge, r)) * 40 / 400 for r in ridges), strict=True)]
    assert best_ridge([(learn, judge), (judge, learn)], ridges, nothing) == int(np.argmin(both))
    # What is believed before counts in nats: as much as the whole sum of the losses, however many questions.
    before = np.array([0, 1, 2, 3, 0.5])
    assert best_ridge([(learn, judge)], ridges, 1000 * before) == 0
    slightly = 400 * np.array(losses) + before
    assert best_ridge([(learn, judge)], ridges, before) == int(np.argmin(slightly))


def test_a_design_without_candidates_says_none():
    design = Design(3, np.zeros(0, int), np.zeros((2, 0)), np.ones((1, 3)), np.zeros(0, bool))
    weights = fit(design, np.array([1.0, 1.0, 1e-3]))
    assert (posterior(design, weights).none == 1).all()
