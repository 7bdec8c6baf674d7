from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selectllm_engine.evaluation.one_sample_votes import BLOCK, MOST_LLMS, one_sample_votes
from selectllm_engine.evaluation.votes import pooled_votes, prefix_leading_votes, tally

ANSWERS = hnp.arrays(np.int16, st.tuples(st.integers(1, 7), st.integers(1, 6), st.just(1)), elements=st.integers(-2, 4))


def gold_of(data: st.DataObject, questions: int) -> np.ndarray:
    return data.draw(hnp.arrays(np.int16, questions, elements=st.integers(0, 5)))


@given(ANSWERS, st.data())
def test_right_equals_the_pooled_vote(answers: np.ndarray, data: st.DataObject) -> None:
    counted, gold = tally(answers), gold_of(data, len(answers))
    found = one_sample_votes(counted, gold)
    assert found is not None
    for shape in (answers.shape[:2], answers.shape[1:2]):  # a selection for each question, and one for all
        selection = data.draw(hnp.arrays(np.bool_, shape))
        np.testing.assert_array_equal(found.right(selection), pooled_votes(counted, selection).code == gold)


@given(ANSWERS, st.data())
def test_leads_equal_those_of_the_tally(answers: np.ndarray, data: st.DataObject) -> None:
    counted = tally(answers)
    order = data.draw(st.permutations(range(answers.shape[1])))
    found = one_sample_votes(counted, gold_of(data, len(answers)))
    assert found is not None
    for one, other in zip(found.leading_votes(order), prefix_leading_votes(counted, order), strict=True):
        np.testing.assert_array_equal(one, other)


def test_more_questions_than_a_block_holds() -> None:
    rng = np.random.default_rng(0)
    questions = BLOCK + 1000
    answers = rng.integers(-1, 4, (questions, 9, 1)).astype(np.int16)
    gold = rng.integers(0, 4, questions).astype(np.int16)
    selection = rng.random((questions, 9)) < 0.6
    counted = tally(answers)
    found = one_sample_votes(counted, gold)
    assert found is not None
    np.testing.assert_array_equal(found.right(selection), pooled_votes(counted, selection).code == gold)


def test_several_samples_and_more_llms_than_bytes_count_are_left_to_the_tally() -> None:
    gold = np.zeros(2, dtype=np.int16)
    assert one_sample_votes(tally(np.zeros((2, 3, 2), dtype=np.int16)), gold) is None
    assert one_sample_votes(tally(np.zeros((2, MOST_LLMS + 1, 1), dtype=np.int16)), gold) is None
    most = one_sample_votes(tally(np.zeros((2, MOST_LLMS, 1), dtype=np.int16)), gold)
    assert most is not None
    assert most.right(np.ones(MOST_LLMS, dtype=bool)).all()
