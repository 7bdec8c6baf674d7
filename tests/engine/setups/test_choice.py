"""The one-standard-error rule and what is expected of its choice, in plain loops."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.errors import UsageError
from selectllm_engine.setups.choice import FOLDS, TriedSetups, Wish, choose, expected, front, most_accurate
from selectllm_engine.setups.proposals import Proposal, Tried


def tried(right, latency=1.0, cost=np.nan, error=0.0):
    return Tried(np.array(right, dtype=bool), latency, cost, error, error, 1.0)


@st.composite
def fields(draw, prefer="accuracy"):
    """A few LLMs and a few more proposals on 20 to 40 questions."""
    questions, llms, others = draw(st.integers(20, 40)), draw(st.integers(1, 3)), draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    found = [(Proposal((n,)), tried(rng.random(questions) < 0.5, rng.integers(1, 4))) for n in range(llms)]
    for n in range(others):
        pool = tuple(range(rng.integers(1, 4)))
        proposal = Proposal(pool, "r" if rng.random() < 0.5 else None, f"p{n}")
        found.append((proposal, tried(rng.random(questions) < 0.6, rng.integers(1, 4))))
    limit = draw(st.sampled_from([None, 3.0]))
    return TriedSetups(found, Wish(prefer=prefer, max_latency=limit))


def plain_choice(field, questions):
    """The rule in words, one proposal at a time."""

    def accuracy(place):
        return sum(field.right[place, q] for q in questions) / len(questions)

    allowed = [place for place in range(len(field.proposals)) if field.allowed[place]]
    best = max(allowed, key=accuracy)  # of equals the first, which is the simplest

    def close(place, other):
        gaps = [int(field.right[other, q]) - int(field.right[place, q]) for q in questions]
        mean = sum(gaps) / len(gaps)
        variance = sum(gap**2 for gap in gaps) / len(gaps) - mean**2
        return mean <= np.sqrt(max(variance, 0) / len(gaps)) + 1e-12

    singles = [place for place in allowed if field.single[place]]
    floor = max((accuracy(place) for place in singles), default=0)
    return next(place for place in allowed if close(place, best) and accuracy(place) >= floor)


@given(fields())
def test_the_simplest_within_a_standard_error_of_the_best(field):
    if not field.allowed.any():
        return
    chosen, single = choose(field)
    everything = range(field.right.shape[1])
    assert chosen == plain_choice(field, everything)
    assert field.single[single]
    assert field.right[single].sum() == max(field.right[place].sum() for place in np.flatnonzero(field.single))


@given(fields())
def test_what_is_expected_was_not_chosen_by_the_question_itself(field):
    if not field.allowed.any():
        return
    questions = field.right.shape[1]
    fold = np.random.default_rng(0).permutation(questions) % FOLDS
    both = only_chosen = only_single = 0
    for q in range(questions):
        others = [other for other in range(questions) if fold[other] != fold[q]]
        chosen = plain_choice(field, others)
        counts = [sum(field.right[place, other] for other in others) for place in range(len(field.proposals))]
        single = max(np.flatnonzero(field.single), key=lambda place: counts[place])
        both += field.right[chosen, q] and field.right[single, q]
        only_chosen += field.right[chosen, q] and not field.right[single, q]
        only_single += field.right[single, q] and not field.right[chosen, q]
    found = expected(field, repeats=1)
    assert (found.both, found.only_chosen, found.only_single) == (both, only_chosen, only_single)
    assert found.questions == questions
    assert found.accuracy == pytest.approx((both + only_chosen) / questions)
    assert found.delta == pytest.approx((only_chosen - only_single) / questions)


def test_the_best_of_many_coins_is_expected_to_be_a_coin():
    rng = np.random.default_rng(5)
    coins = [(Proposal((0, n), None, f"p{n}"), tried(rng.random(400) < 0.5)) for n in range(500)]
    field = TriedSetups([(Proposal((0,)), tried(rng.random(400) < 0.5)), *coins], Wish())
    chosen, _ = choose(field)
    assert field.right[chosen].mean() > 0.54
    assert expected(field).accuracy == pytest.approx(0.5, abs=0.04)
    best, _ = most_accurate(field)
    assert field.right[best].sum() == max(row.sum() for row in field.right)
    assert expected(field, most_accurate).accuracy == pytest.approx(0.5, abs=0.04)


def test_simpler_is_fewer_llms_then_no_router_then_fewer_samples_then_faster():
    right = [True, False] * 20
    found = [
        (Proposal((0, 1), vote="learned"), tried(right)),
        (Proposal((0, 1)), tried(right)),
        (Proposal((2,)), tried(right, 3.0)),
        (Proposal((1,)), tried(right, 2.0)),
        (Proposal((1,), k=1), tried(right, 2.0)),
        (Proposal((0, 1, 2), "r", "argmax"), tried(right)),
    ]
    names = [(each.pool, each.vote, each.k) for each in TriedSetups(found, Wish()).proposals]
    assert names == [
        ((1,), "equal", 1),
        ((1,), "equal", None),
        ((2,), "equal", None),
        ((0, 1), "equal", None),
        ((0, 1), "learned", None),
        ((0, 1, 2), "equal", None),
    ]


def test_limits_leave_room_for_a_standard_error():
    found = [
        (Proposal((0,)), tried([True] * 40, 1.9, error=0.2)),
        (Proposal((1,)), tried([True] * 40, 1.9, error=0.05)),
        (Proposal((2,)), tried([True] * 40, np.nan)),
        (Proposal((0, 1)), tried([True] * 40, 1.0)),
    ]
    assert TriedSetups(found, Wish(max_latency=2.0)).allowed.sum() == 2
    assert TriedSetups(found, Wish(max_latency=2.0, max_llms=1)).allowed.sum() == 1


def test_the_fastest_that_is_as_accurate():
    rng = np.random.default_rng(0)
    best = rng.random(2000) < 0.6
    found = [
        (Proposal((0,)), tried(best, 4.0)),
        (Proposal((1,)), tried(best & (rng.random(2000) < 0.9), 1.0)),  # six points worse
        (Proposal((0, 1), "r", "argmax"), tried(best, 2.0)),  # as accurate
    ]
    field = TriedSetups(found, Wish(prefer="latency"))
    chosen, single = choose(field)
    assert field.proposals[chosen].pool == (0, 1)
    assert field.proposals[single].pool == (0,)
    chosen, _ = choose(TriedSetups(found, Wish(prefer="latency", min_accuracy=0.5)))
    assert field.proposals[chosen].pool == (1,)
    chosen, _ = choose(TriedSetups(found, Wish(prefer="accuracy")))
    assert field.proposals[chosen].pool == (0,)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"max_latency": 0}, "max_latency is 0"),
        ({"max_cost": float("nan")}, "max_cost is nan"),
        ({"min_accuracy": 60}, "take a share, above 0 and at most 1"),
        ({"max_llms": 0}, "max_llms is 0"),
        ({"prefer": "speed"}, "choose from accuracy, latency, cost"),
    ],
)
def test_wishes_that_cannot_be(wish, said):
    with pytest.raises(UsageError, match=said):
        Wish(**wish)


@given(fields())
def test_a_front_is_what_is_chosen_within_larger_and_larger_limits(field):
    found = front(field, "latency")
    allowed = [place for place in range(len(field.proposals)) if field.allowed[place]]
    seconds, accuracy = field.latency, field.right.mean(axis=1)
    for place in found:
        within = {limit for limit in seconds[allowed] if limit >= seconds[place]}
        assert place in {choose(field.narrowed(seconds <= limit))[0] for limit in within}
    for a, b in pairwise(found):
        assert seconds[a] <= seconds[b]
        assert accuracy[a] < accuracy[b]
    if allowed:
        most = max(accuracy[place] for place in allowed)
        limit = min(seconds[place] for place in allowed if accuracy[place] == most)
        best = choose(field.narrowed(seconds <= limit))[0]
        assert any(accuracy[place] >= accuracy[best] for place in found)
    assert front(field, "cost") == []  # of which nothing is known
