from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation.outcomes import NOT_FOUND, NOT_SAMPLED, Outcomes
from selectllm_engine.evaluation.votes import (
    Vote,
    llm_votes,
    majority_vote,
    pooled_votes,
    prefix_leading_votes,
    tally,
    with_k,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWERS = hnp.arrays(
    np.int16,
    st.tuples(st.integers(0, 6), st.integers(1, 4), st.integers(1, 5)),
    elements=st.integers(-1, 4),
)


def plain_vote(codes: Sequence[int]) -> tuple[int, int, bool]:
    """The reference: first-seen winner, its count, whether it was tied; loops and dicts only."""
    counts: dict[int, int] = {}
    for code in codes:
        if code >= 0:
            counts[code] = counts.get(code, 0) + 1
    if not counts:
        return NOT_FOUND, 0, False
    most = max(counts.values())
    leaders = [code for code in counts if counts[code] == most]
    return leaders[0], most, len(leaders) > 1


def test_most_frequent_answer_wins_and_none_does_not_vote() -> None:
    assert majority_vote(["4", None, "3", None, "3", None]) == Vote("3", 2, 3, tied=False)


def test_ties_go_to_the_answer_seen_first_and_are_reported() -> None:
    assert majority_vote(["4", "3", "3", "4"]) == Vote("4", 2, 4, tied=True)


def test_nobody_votes() -> None:
    assert majority_vote([None, None]) == Vote(None, 0, 0, tied=False)
    assert majority_vote([]) == Vote(None, 0, 0, tied=False)


def test_pooled_tie_goes_to_the_answer_seen_first_among_the_selected_llms() -> None:
    answers = np.array([[[0, 0], [1, 1], [0, 2], [2, 2]]], dtype=np.int16)
    counted = tally(answers)
    everyone = pooled_votes(counted, np.array([[True, True, True, True]]))
    assert (everyone.code[0], everyone.count[0], everyone.tied[0]) == (0, 3, True)
    without_first = pooled_votes(counted, np.array([[False, True, False, True]]))
    assert (without_first.code[0], without_first.tied[0]) == (1, True)  # 1 is seen first, though 2 has as many


@given(ANSWERS)
def test_llm_votes_equal_plain_loops(answers: np.ndarray) -> None:
    votes = llm_votes(tally(answers))
    for q, n in np.ndindex(answers.shape[:2]):
        assert (votes.code[q, n], votes.count[q, n], votes.tied[q, n]) == plain_vote(answers[q, n].tolist())


@given(ANSWERS, st.data())
def test_pooled_votes_equal_plain_loops(answers: np.ndarray, data: st.DataObject) -> None:
    selection = data.draw(hnp.arrays(np.bool_, answers.shape[:2]))
    votes = pooled_votes(tally(answers), selection)
    for q in range(len(answers)):
        expected = plain_vote(answers[q][selection[q]].ravel().tolist())
        assert (votes.code[q], votes.count[q], votes.tied[q]) == expected


@given(ANSWERS, st.data())
def test_one_mask_for_all_questions_equals_the_repeated_mask(answers: np.ndarray, data: st.DataObject) -> None:
    mask = data.draw(hnp.arrays(np.bool_, answers.shape[1]))
    counted = tally(answers)
    one, repeated = pooled_votes(counted, mask), pooled_votes(counted, np.tile(mask, (len(answers), 1)))
    np.testing.assert_array_equal(one.code, repeated.code)
    np.testing.assert_array_equal(one.count, repeated.count)


@given(ANSWERS, st.data())
def test_prefix_leads_equal_pooled_counts(answers: np.ndarray, data: st.DataObject) -> None:
    llms = answers.shape[1]
    order = data.draw(st.permutations(range(llms)))
    for asked, lead in enumerate(prefix_leading_votes(tally(answers), order), start=1):
        mask = np.isin(np.arange(llms), order[:asked])
        np.testing.assert_array_equal(lead, pooled_votes(tally(answers), mask).count)


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=9), st.randoms())
def test_votes_do_not_depend_on_sample_order_absent_ties(answers: list[str | None], random: object) -> None:
    vote = majority_vote(answers)
    shuffled = list(answers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = majority_vote(shuffled)
    assert (again.count, again.valid, again.tied) == (vote.count, vote.valid, vote.tied)
    if not vote.tied:
        assert again == vote


@given(ANSWERS)
def test_maj_at_1_is_the_first_answer(answers: np.ndarray) -> None:
    np.testing.assert_array_equal(llm_votes(tally(answers[:, :, :1])).code, np.maximum(answers[:, :, 0], NOT_FOUND))


def outcomes(answers: np.ndarray | None, samples: int) -> Outcomes:
    questions, llms = (2, 1) if answers is None else answers.shape[:2]
    gold = np.zeros(questions, dtype=np.int16)
    labels = np.zeros((questions, llms), dtype=bool) if answers is None else llm_votes(tally(answers)).code == 0
    return Outcomes(
        benchmark="fake",
        split="test",
        questions=pl.DataFrame({"question_id": [str(q) for q in range(questions)]}),
        llms=tuple(f"fake-{n}" for n in range(llms)),
        samples=samples,
        answers=answers,
        vocabulary=None,
        gold=gold,
        labels=labels,
        latency=np.ones((questions, llms), dtype=np.float32),
        cost=np.ones((questions, llms), dtype=np.float32),
    )


def test_with_k_takes_the_first_samples_and_votes_again() -> None:
    whole = outcomes(np.array([[[0, 1, 1]], [[NOT_FOUND, NOT_SAMPLED, 0]]], dtype=np.int16), 3)
    assert whole.labels.tolist() == [[False], [True]]
    first = with_k(whole, 1)
    assert (first.samples, first.labels.tolist()) == (1, [[True], [False]])
    assert with_k(whole, None) is whole
    assert with_k(whole, 3) is whole


@pytest.mark.parametrize("k", [0, -1, 4])
def test_with_k_refuses_what_was_not_sampled(k: int) -> None:
    with pytest.raises(UsageError, match="choose 1 to 3"):
        with_k(outcomes(np.zeros((2, 1, 3), dtype=np.int16), 3), k)


def test_with_k_refuses_labels_only() -> None:
    with pytest.raises(UsageError, match="labels only"):
        with_k(outcomes(None, 0), 2)
