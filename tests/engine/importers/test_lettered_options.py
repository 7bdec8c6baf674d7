"""Options that a prompt lists."""

import pytest

from selectllm_engine.importers.lettered_options import options_in


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Which?\n\nOptions: \nA. ten\nB. 20\n\n\nGive the letter.", ("ten", "20")),
        ("Which?\nA) x\nB) y\nC) z", ("x", "y", "z")),
        ("Which?\n(A) x\n(B) y", ("x", "y")),
        ("A. one\nB. two\n\nAnswer: A\n\nWhich?\nA. three\nB. four\nC. five", ("three", "four", "five")),
        ("Which?\nA. first\n  and more\nB. second", ("first\nand more", "second")),
        ("Which?\nA. alone", None),
        ("Which?\nB. x\nC. y", None),
        ("A. Smith asks: how many?", None),
        ("What is 1+1?", None),
        ("", None),
    ],
)
def test_options(prompt, expected):
    assert options_in(prompt) == expected
