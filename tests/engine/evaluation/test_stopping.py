"""Stopping rules: against every continuation there is, and against scipy."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from selectllm_engine.evaluation.stopping import decided, settled
from selectllm_engine.evaluation.votes import majority_vote


@given(st.lists(st.sampled_from("abc"), max_size=5), st.integers(0, 4))
def test_decided_means_that_no_continuation_changes_the_winner(said, left):
    winner = majority_vote(said).answer
    outcomes = {majority_vote([*said, *more]).answer for more in product(["a", "b", "c", "new", None], repeat=left)}
    counts = {}
    for answer in said:
        counts[answer] = counts.get(answer, 0) + 1
    assert decided(list(counts.values()), left) == (outcomes == {winner})


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_settled_is_the_incomplete_beta_function(lead, second, confidence):
    chance = beta.sf(0.5, lead + 1, second + 1)
    if abs(chance - confidence) > 1e-9:
        assert settled(lead, second, confidence) == (chance >= confidence)


@pytest.mark.parametrize(("lead", "second", "stops"), [(3, 0, False), (4, 0, True), (5, 1, False), (6, 1, True)])
def test_settled_by_hand(lead, second, stops):
    # 1 − I_½(4, 1) = 1 − 1/16 and 1 − I_½(5, 1) = 1 − 1/32
    assert settled(lead, second) == stops
