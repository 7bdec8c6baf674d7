"""Whole columns of texts: the same answers as text by text."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from selectllm_engine.answers import extract_answer, extract_answers
from selectllm_engine.errors import UnknownNameError

BEGINNINGS = st.sampled_from(
    [
        "",
        "So 3 + 4 = 7. ",
        "(A) is wet.\n",
        "If ",
        "<think>",
        "</think>",
        "analysis",
        "Question: ",
        "\nQ: what is it? ",
        '{"answer": "',
        "The answer is not ",
        "Die Antwort ist 5. ",
        "答案是5。",
        "[THINK]",
        "assistantfinal",
        "A: ",
        "Answer: ",
        "The answer (",
        "Answer to this. ",
        "If the answer to this? ",
        "answer of it! ",
        "\\boxed{",
        "#### ",
        "\x1c",
        "not ",
        "\n\n",
    ]
)
STATEMENTS = st.sampled_from(
    [
        "The answer is {}",
        "the answer is: {}",
        "So the final answer is {}",
        "Answer: {}",
        "Final Answer: {}",
        "#### {}",
        "\\boxed{{{}}}",
        "$\\boxed{{\\text{{{}}}}}$",
        "{}",
        "The answer is ({})",
        "The answer is **{}**",
        "**Answer:** {}",
        "Thus, the correct answer is {}",
    ]
)
CONTENTS = st.sampled_from(
    [
        "5",
        "-5",
        "$12",
        "0",
        "007",
        "1,200",
        "1,20",
        "12,5",
        "3.50",
        "A",
        "C",
        "(B)",
        "I",
        "Z",
        "b",
        "yes",
        "not",
        "the",
        "Answer",
        "answer",
        "Tails",
        "no way",
        "√2",
        "5 or 6",
        "unknown",
        "None",
        "-0",
        "1,000,000",
        "5!",
        "12:30",
        "x",
        "neither",
        "since",
        "an",
        "Jibu",
        "123456789012345678",
    ]
)
ENDINGS = st.sampled_from(
    [
        "",
        ".",
        ".\n",
        " \n\n",
        "</s>",
        "<|im_end|>",
        "\x1c",
        "\x85",
        ". It",
        "}",
        '"}',
        "$",
        " \\]",
        "!",
        "?",
        "<EOS_TOKEN>",
        "**",
        " 7",
    ]
)
BUILT = st.tuples(BEGINNINGS, BEGINNINGS, STATEMENTS, CONTENTS, ENDINGS).map(
    lambda parts: parts[0] + parts[1] + parts[2].format(parts[3]) + parts[4]
)
ROWS = st.tuples(
    st.one_of(BUILT, BUILT, st.text(), st.tuples(BUILT, BUILT).map("".join)),
    st.sampled_from(["number", "letter", "word"]),
    st.integers(0, 26),
)


@given(st.lists(ROWS, min_size=1, max_size=8))
@example([("The answer is 5.", "number", 4), ("", "letter", 4), ("The answer is C", "letter", 2)])
def test_the_same_as_text_by_text(rows):
    texts, kinds, choices = (list(column) for column in zip(*rows, strict=True))
    found = extract_answers(pl.Series(texts, dtype=pl.String), pl.Series(kinds), pl.Series(choices))
    expected = [extract_answer(text, kind=kind, choices=options) for text, kind, options in rows]
    assert found.to_list() == expected


def test_what_has_no_kind_has_no_answer():
    found = extract_answers(pl.Series(["7", "7"]), pl.Series([None, "number"], dtype=pl.String), pl.Series([4, 4]))
    assert found.to_list() == [None, "7"]
    empty = extract_answers(pl.Series(dtype=pl.String), pl.Series(dtype=pl.String), pl.Series(dtype=pl.Int64))
    assert empty.dtype == pl.String
    assert empty.is_empty()


def test_another_kind_is_refused():
    with pytest.raises(UnknownNameError, match="numbr"):
        extract_answers(pl.Series(["7"]), pl.Series(["numbr"]), pl.Series([4]))
