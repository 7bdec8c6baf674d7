"""Stopping rules: against every continuation there is, and against scipy."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation.stop_rules import StopRule, next_round, parse_stop, reach, settled, slack
from selectllm_engine.evaluation.votes import majority_vote


@given(st.lists(st.sampled_from("abc"), max_size=5), st.integers(0, 4))
def test_decided_means_that_no_continuation_changes_the_winner(said, left):
    winner = majority_vote(said).answer
    outcomes = {majority_vote([*said, *more]).answer for more in product(["a", "b", "c", "new", None], repeat=left)}
    counts = {}
    for answer in said:
        counts[answer] = counts.get(answer, 0) + 1
    assert (left <= slack(list(counts.values()))) == (outcomes == {winner})


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_settled_is_the_incomplete_beta_function(lead, second, confidence):
    chance = beta.sf(0.5, lead + 1, second + 1)
    if abs(chance - confidence) > 1e-9:
        assert settled(lead, second, confidence) == (chance >= confidence)


@pytest.mark.parametrize(("lead", "second", "stops"), [(3, 0, False), (4, 0, True), (5, 1, False), (6, 1, True)])
def test_settled_by_hand(lead, second, stops):
    # 1 − I_½(4, 1) = 1 − 1/16 and 1 − I_½(5, 1) = 1 − 1/32
    assert settled(lead, second, 0.95) == stops


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=5), st.integers(0, 4))
def test_reach_is_the_furthest_vote_that_no_continuation_changes(said, left):
    samples = len(said) + left
    winner = majority_vote(said).answer
    furthest = len(said)
    for further in range(1, left + 1):
        continuations = product(["a", "b", "c", "new", None], repeat=further)
        if {majority_vote([*said, *more]).answer for more in continuations} == {winner}:
            furthest = len(said) + further
    assert reach(said, samples, StopRule()) == furthest


@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=6),
    st.integers(0, 5),
    st.sampled_from(["decided", "beta:0.6", "beta:0.8"]),
)
def test_a_round_is_the_fewest_samples_that_could_end_it(said, left, rule):
    rule, samples = parse_stop(rule), len(said) + left
    fewest = 0
    if reach(said, samples, rule) < samples:
        fewest = next(
            further
            for further in range(1, left + 1)
            if any(
                reach([*said, *more], samples, rule) == samples
                for more in product(["a", "b", "c", "new", None], repeat=further)
            )
        )
    assert next_round(said, samples, rule) == fewest


@pytest.mark.parametrize(
    ("rule", "samples", "first"),
    [("decided", 1, 1), ("decided", 2, 2), ("decided", 5, 3), ("decided", 10, 6), ("beta:0.95", 40, 4)],
)
def test_first_rounds(rule, samples, first):
    assert next_round([], samples, parse_stop(rule)) == first


@pytest.mark.parametrize("text", ["", "beta", "beta:", "beta:0.5", "beta:1", "beta:nan", "decided:1", "sure"])
def test_no_rule(text):
    with pytest.raises(UsageError, match="no rule"):
        parse_stop(text)


@pytest.mark.parametrize("text", ["decided", "beta:0.95"])
def test_rules_are_written_as_they_are_read(text):
    assert str(parse_stop(text)) == text
