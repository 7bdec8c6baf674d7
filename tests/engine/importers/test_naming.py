"""What LLMs in several configurations are called, and which of several files counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.importers.naming import Once, telling_names


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("m", "t", {"shots": 0}), ("n", "t", {"shots": 5})], ["m", "n"]),
        ([("m", "t", {"shots": 0}), ("m", "t", {"shots": 5})], ["m [shots=0]", "m [shots=5]"]),
        ([("m", "t", {"shots": 0}), ("m", "u", {"shots": 5})], ["m", "m"]),  # of another task: one LLM
        ([("m", "t", {"shots": 0}), ("m", "t", {"shots": 0})], ["m", "m"]),  # a run again
        # the first setting that tells all apart is enough
        ([("m", "t", {"a": 1, "b": 1, "c": 1}), ("m", "t", {"a": 1, "b": 2, "c": 2})], ["m [b=1]", "m [b=2]"]),
        (
            [("m", "t", {"a": 1, "b": 1}), ("m", "t", {"a": 1, "b": 2}), ("m", "t", {"a": 2, "b": 2})],
            ["m [a=1, b=1]", "m [a=1, b=2]", "m [a=2, b=2]"],
        ),
        ([("m", "t", {}), ("m", "t", {"effort": "high"})], ["m", "m [effort=high]"]),
    ],
)
def test_names_tell_what_differs(runs, expected):
    assert list(telling_names(dict(enumerate(runs))).values()) == expected


SETTINGS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([0, 1, "x" * 50 + "1", "x" * 50 + "2"]))


@given(st.lists(st.tuples(st.sampled_from("mn"), st.sampled_from("tu"), SETTINGS)))
def test_runs_of_a_task_share_a_name_only_if_they_are_equal(runs):
    names = telling_names(dict(enumerate(runs)))
    for one, (llm, task, settings) in enumerate(runs):
        assert names[one].startswith(llm)
        assert len(names[one]) < 200
        for other, (llm_, task_, settings_) in enumerate(runs):
            if (llm, task) == (llm_, task_):
                assert (names[one] == names[other]) == (settings == settings_)


def test_the_first_file_counts():
    once = Once()
    assert once.first("m", "q", 0)
    assert once.first("m", "q", 0)  # a further sample
    assert once.first("n", "q", 1)
    assert not once.first("m", "q", 1)
    assert once.passed == 1
