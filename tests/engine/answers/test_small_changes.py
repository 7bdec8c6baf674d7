"""Texts that are read otherwise as soon as one small thing in the code is changed: perf/mutation.py found that no other
test would have noticed soon."""

import polars as pl
import pytest

from selectllm_engine.answers import canonical, canonical_answers, extract_answer, find_answer
from selectllm_engine.answers.numbers import _BLOCK

READ = [
    ("number", "Die Antwort ist nicht 5.", None),
    ("number", "Die Antwort ist nicht 5. Es sind 7.", "7"),
    ("number", r"The answer is \frac{−3}{4}.", "-0.75"),
    ("number", "The answer is -2^3.", "-8"),
    ("number", "The answer is -10^3", "-1000"),
    ("expression", r"The answer is \(x+1\).", "x+1"),
    ("expression", r"Thus \(x+1\)", "x+1"),
    ("expression", r"\boxed{\{2,1\}}", "{1,2}"),
    ("expression", r"\boxed{(12,2)}", "(12,2)"),
    ("expression", r"\boxed{[1/2,3]}", "[1/2,3]"),
    ("expression", r"\boxed{1\frac{1}{2}}", "3/2"),
    ("expression", r"\boxed{-1\frac12}", "-3/2"),
    ("expression", r'{"answer": "\\frac{1}{2}"}', "1/2"),
    ("word", "Blah.\nYes, of course it is.", "yes"),
    ("word", "No, it is not a leap year.", "no"),
    ("word", "The answer is f(x).", "f(x)"),
    ("word", "The answer is [[1], [2]].", "[[1],[2]]"),
    ("word", r"The answer is \(x+1\)", "x+1"),
    ("word", "The answer is blue [/INST]", "blue"),
    ("list", "So:\n- red\n- blue\n- green", "red; blue; green"),
    ("number", "It is COVID-19.", None),
    ("number", r"\approx5", "5"),
    ("number", "so 7 negative 5", "5"),
    ("number", "The answer is " + "1" * 1001 + "e5", None),
    ("number", "3 it isn't 5", "3"),
    ("number", "The answer is 3 or 4", None),
    ("list", '{"answer": "The answer is red."}', "red"),
    ("list", "I think:\nred, blue", "red; blue"),
    ("list", "They are\n- red\n- blue", "red; blue"),
    ("letter", "The answer is a. Because", "A"),
    ("letter", "The answer is B or A", None),
    ("letter", "The answer is E. (A)", None),
    ("letter", "The answer is A or E", "A"),
    ("word", "Tails\nQuestion: And now?\nHeads", "tails"),
    ("word", "The statement is true.", "statement is true"),
    ("word", "red\n\n", "red"),
    ("word", "The answer is (+)", "+"),
    ("number", "A: There are 4 rows of 6 trees, 4 × 6 = 24.\n\n8 are cut, 24 - 8 = 16 stay.", "16"),
    ("number", "#### 1. Count the eggs\nThere are 16 eggs.\n#### 2. Subtract\n16 - 7 = 9", "9"),
    ("expression", "<answer>none</answer>", "none"),
    ("expression", "The solution is 42.", "42"),
    ("expression", '답은 15입니다. {"final_answer": "B", "explanation": "The answer is (C) only if"}', "B"),
    ("date", "Jibu", None),
    ("letter", "答えはAです。Bではない。", "A"),
    ("letter", "The answer is B the", "B"),
    ("number", "A: - 3 apples", "-3"),
    ("number", r"The answer is \(x^2 = 4\)", "4"),
    ("number", "The answer is 3.\n\nQuestion:\nEasy.\n#### 4", "4"),
    ("letter", "Die Antwort ist A. Die Antwort ist unklar. Oder B.", "A"),
]
BARE = [
    ("date", "1024", "1024"),
    ("number", "2e600", "2" + "0" * 600),
    ("number", "1" * 1001 + "e5", None),
    ("list", "or red", "or red"),
    ("text", "the", None),
    ("word", "[[1], [2]]", "[[1],[2]]"),
]


@pytest.mark.parametrize(("kind", "text", "answer"), READ)
def test_what_is_read(kind, text, answer):
    assert extract_answer(text, kind=kind) == answer


@pytest.mark.parametrize(("kind", "text", "answer"), BARE)
def test_what_a_bare_answer_is(kind, text, answer):
    assert canonical(text, kind) == answer


def test_an_exact_expression_ends_where_it_stands():
    found = find_answer(r"Thus \boxed{12}", kind="expression")
    assert found is not None
    assert (found.answer, found.start, found.end) == ("12", 12, 14)


@pytest.mark.parametrize("texts", [["12", "7"], ["12", "7.0", None, "seven of them"]])
def test_bare_answers_together_are_each_of_them(texts):
    assert canonical_answers(pl.Series(texts), "number").to_list() == [
        None if text is None else canonical(text, "number") for text in texts
    ]


@pytest.mark.parametrize("shift", range(6))
def test_a_number_at_the_seam_of_two_blocks_is_read_whole(shift):
    # Long texts are searched for the last number block by block, from the end.
    text = "no " * 400 + "41 " + "w" * shift + " w" * ((_BLOCK - 2 - shift) // 2)
    assert extract_answer(text, kind="number") == "41"
