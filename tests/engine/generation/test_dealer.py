"""Which replica gets which requests, without Ray."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.generation.dealer import FULL, MOST_DEATHS, Dealer, Hand
from selectllm_engine.generation.engine import Encoded
from selectllm_engine.generation.replica import Request
from selectllm_engine.llms import Sampling


def request(name, samples=4):
    return Request(str(name), Encoded("", 1), Sampling(), samples)


def filled(count, samples=4):
    dealer = Dealer()
    for name in range(count):
        dealer.add(request(name, samples))
    return dealer


def names(requests):
    return [int(each.request_id) for each in requests]


def finish(hand, *some):
    for name in some:
        hand.samples -= hand.requests.pop(str(name)).samples


def test_a_hand_is_filled_and_refilled_as_it_finishes():
    dealer, hand = filled(100), Hand(capacity=8)
    assert names(dealer.deal(hand, [hand])) == [0, 1, 2, 3]
    assert (hand.samples, dealer.samples) == (FULL * 8, 96 * 4)
    assert not dealer.deal(hand, [hand]), "it has enough"
    finish(hand, 2)
    assert names(dealer.deal(hand, [hand])) == [4]
    hand.samples -= 5  # of several requests
    assert names(dealer.deal(hand, [hand])) == [5]
    assert sorted(hand.requests) == ["0", "1", "3", "4", "5"]


def test_near_the_end_all_have_equally_much():
    dealer, hands = filled(12, samples=1), [Hand(capacity=8) for _ in range(3)]
    dealer.deal(hands[0], hands)
    finish(hands[0], 0)
    for hand in hands:
        dealer.deal(hand, hands)
    assert [hand.samples for hand in hands] == [4, 4, 3]


def test_a_hand_that_loads_is_left_a_share():
    dealer, there, loading = filled(10, samples=1), Hand(capacity=8), Hand()
    assert len(dealer.deal(there, [there, loading])) == 5
    assert not dealer.deal(loading, [there, loading])
    finish(there, *range(5))
    assert names(dealer.deal(there, [there, loading])) == [5, 6, 7], "nothing waits for ever"


def test_a_request_of_many_samples_is_dealt_too():
    dealer, hand = filled(2, samples=100), Hand(capacity=8)
    assert names(dealer.deal(hand, [hand])) == [0]
    assert not dealer.deal(hand, [hand])


def test_what_a_replica_was_lost_with_comes_alone_in_halves_and_not_for_ever():
    dealer, lost = filled(5), Hand(capacity=8)
    dealer.deal(lost, [lost])
    finish(lost, 1)
    assert not dealer.lose(lost)
    assert dealer.samples == 4 * 4
    busy, idle = Hand(capacity=8, requests={"99": request(99)}, samples=4), Hand(capacity=8)
    hands = [busy, idle]
    assert not dealer.deal(busy, hands)
    assert names(dealer.deal(idle, hands)) == [0, 2]
    assert not dealer.deal(idle, hands), "nothing beside it"
    assert not dealer.deal(busy, hands), "the other half waits"
    finish(busy, 99)
    assert names(dealer.deal(busy, hands)) == [3]
    assert not dealer.deal(busy, hands)
    finish(busy, 3)
    assert names(dealer.deal(busy, hands)) == [4], "all is well with it"
    assert not dealer.lose(idle)
    third = Hand(capacity=8)
    assert names(dealer.deal(third, [busy, third])) == [0]
    assert third.deaths == MOST_DEATHS - 1
    assert names(dealer.lose(third)) == [0], "nobody gets it again"
    assert names(dealer.deal(Hand(capacity=8), hands)) == [2]
    assert dealer.samples == 0


def test_what_is_dropped_is_all_that_nobody_has():
    dealer, hand = filled(9), Hand(capacity=4)
    dealer.deal(hand, [hand])
    dealer.lose(hand)
    assert sorted(names(dealer.drop())) == list(range(9))
    assert dealer.samples == 0
    assert not dealer.deal(Hand(capacity=4), [Hand()])


@pytest.mark.parametrize("samples", [1, 5])
def test_batches_stay_full_however_long_single_samples_take(samples):
    """In chunks that travel together, two fifths of each batch would be empty."""
    draw, capacity = random.Random(3), 32
    dealer, hands = filled(600, samples), [Hand(capacity=capacity) for _ in range(2)]
    left = [{} for _ in hands]  # steps that each sample takes, by request; those of a batch go first
    finished, empty = set(), 0
    while len(finished) < 600:
        for hand, lengths in zip(hands, left, strict=True):
            for each in dealer.deal(hand, hands):
                lengths[each.request_id] = [min(400, 1 + int(draw.lognormvariate(4, 0.8))) for _ in range(samples)]
            begun = 0
            for each in lengths.values():
                for at, steps in enumerate(each):
                    if steps and begun < capacity:
                        each[at] -= 1
                        begun += 1
            empty += (capacity - begun) if dealer.samples else 0
            for name in [name for name, each in lengths.items() if not any(each)]:
                del lengths[name]
                del hand.requests[name]
                finished.add(name)
            hand.samples = sum(bool(steps) for each in lengths.values() for steps in each)
    assert empty == 0


@given(st.data())
def test_nothing_is_given_twice_and_nothing_is_forgotten(data):
    dealer, hands = Dealer(), [Hand(capacity=data.draw(st.integers(1, 6))) for _ in range(data.draw(st.integers(1, 3)))]
    sizes = data.draw(st.lists(st.integers(1, 5), max_size=30))
    for name, size in enumerate(sizes):
        dealer.add(request(name, size))
    ended, turns = set(), 0
    while len(ended) < len(sizes):
        turns += 1
        hand = hands[data.draw(st.integers(0, len(hands) - 1)) if turns < 60 else turns % len(hands)]
        given_now = dealer.deal(hand, hands)
        held = [name for each in hands for name in each.requests]
        assert len(held) == len({*held})
        assert not {*held} & ended
        assert {each.request_id for each in given_now} <= hand.requests.keys()
        assert all(each.samples == sum(one.samples for one in each.requests.values()) for each in hands)
        assert dealer.samples == sum(sizes) - sum(sizes[int(name)] for name in {*held, *ended})
        happens = data.draw(st.sampled_from(["finish", "finish", "lose", "nothing"])) if turns < 60 else "finish"
        if happens == "finish":
            for name in list(hand.requests)[: data.draw(st.integers(1, 9)) if turns < 60 else None]:
                finish(hand, name)
                ended.add(name)
        elif happens == "lose":
            ended |= {each.request_id for each in dealer.lose(hand)}
            hands[hands.index(hand)] = Hand(capacity=hand.capacity)
    assert dealer.samples == 0
