"""Texts that are read otherwise as soon as one small thing in the code is changed: perf/mutation.py found that no other
test would have noticed soon."""

import pytest

from selectllm_engine.answers import extract_answer

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
]


@pytest.mark.parametrize(("kind", "text", "answer"), READ)
def test_what_is_read(kind, text, answer):
    assert extract_answer(text, kind=kind) == answer
