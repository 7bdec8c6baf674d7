"""The confidence forest: the same trees whenever it is fitted, and probabilities only."""

import numpy as np
import pytest

from selectllm_engine.store.confidence_forest import ConfidenceForest


@pytest.mark.parametrize("llms", [1, 3])
def test_the_same_forest_every_time(llms):
    chance = np.random.default_rng(0)
    predicted = chance.random((60, llms)).astype(np.float32)
    labels = chance.random((60, llms)) < predicted
    first, second = (ConfidenceForest(trees=20).fit(predicted, labels) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(predicted), second.predict_proba(predicted))
    np.testing.assert_array_equal(first.out_of_bag_, second.out_of_bag_)
    assert not np.array_equal(ConfidenceForest(trees=20, seed=1).fit(predicted, labels).out_of_bag_, first.out_of_bag_)
    assert first.out_of_bag_.shape == (60, llms)
    assert ((first.out_of_bag_ >= 0) & (first.out_of_bag_ <= 1)).all()


def test_out_of_bag_is_the_mean_of_the_trees_that_did_not_see_a_question():
    chance = np.random.default_rng(1)
    predicted = chance.random((30, 2)).astype(np.float32)
    labels = chance.random((30, 2)) < 0.5
    forest = ConfidenceForest(trees=9).fit(predicted, labels)
    trees = list(zip(forest.forest_.estimators_, forest.forest_.estimators_samples_, strict=True))
    for question in range(30):
        told = [tree.predict(predicted[[question]])[0] for tree, seen in trees if question not in seen]
        expected = np.mean(told, axis=0) if told else labels.mean(axis=0)
        np.testing.assert_allclose(forest.out_of_bag_[question], expected, rtol=1e-5)
