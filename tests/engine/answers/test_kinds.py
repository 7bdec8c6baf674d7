"""The kinds beside numbers, letters and words: what is read, and what counts as the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.answers import KINDS, canonical, extract_answer, latex_of
from selectllm_engine.llms import ANSWER_KINDS


@pytest.mark.parametrize(
    ("kind", "text", "answer"),
    [
        ("expression", r"So the answer is $\boxed{\frac{1}{2}}$.", "1/2"),
        ("expression", r"The answer is \frac12.", "1/2"),
        ("expression", r"The answer is 0.5.", "1/2"),
        ("expression", r"The answer is $x = \dfrac{3\sqrt{2}}{4}$.", "(3sqrt(2))/(4)"),
        ("expression", r"Thus \boxed{(2, \infty)}", "(2,∞)"),
        ("expression", r"Final answer: (3, \pi/2)", "(3,π/2)"),
        ("expression", r"Adding them gives $$x^2+1$$", "x^2+1"),
        ("expression", r"\boxed{\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}}", r"\begin{pmatrix}1&2;3&4\end{pmatrix}"),
        ("expression", "The answer is 1,200.", "1200"),
        ("expression", "The answer is sqrt(2)/2.", "sqrt(2)/2"),
        ("expression", r"\boxed{5\text{ cm}}", "5"),
        ("expression", r"\boxed{10^{10^{10}}}", "10^(10^(10))"),
        ("expression", '{"answer": "\\\\frac{3}{4}"}', "3/4"),
        ("expression", "We cannot know.", None),
        ("date", "The answer is March 5, 2024.", "2024-03-05"),
        ("date", "The answer is 03/05/2024.", "2024-03-05"),
        ("date", "The answer is 31/12/1999.", "1999-12-31"),
        ("date", "The answer is 31.12.1999.", "1999-12-31"),
        ("date", "It was on the 5th of March, 2024", "2024-03-05"),
        ("date", "The answer is May 1997.", "1997-05"),
        ("date", "The answer is 2024-02-30.", None),
        ("date", '{"answer": "2024-03-05"}', "2024-03-05"),
        ("list", "The answer is apples, pears and plums.", "apples; pears; plums"),
        ("list", "The answer is [3, 4, 5].", "3; 4; 5"),
        ("list", "The answer is:\n1. Red\n2. Green\n3. Blue\n", "red; green; blue"),
        ("list", '{"answer": ["a", "b"]}', "a; b"),
        ("list", r"\boxed{a, b}", "a; b"),
        ("text", "The answer is the Island of Rhodes.", "island of rhodes"),
        ("text", '{"answer": "Island of Rhodes"}', "island of rhodes"),
        ("number", '{"answer": 12}', "12"),
        ("letter", '{"answer": "B"}', "B"),
        ("word", '{"answer": "yes"}', "yes"),
    ],
)
def test_answers_are_read(kind, text, answer):
    assert extract_answer(text, kind=kind) == answer


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"\frac{6}{4}", "1.5"),
        (r"1\frac{1}{2}", "3/2"),
        (r"-\frac{1}{2}", "-0.50"),
        (r"\left( 1, 2 \right)", "(1,2)"),
        (r"\{2, 1\}", r"\{1,2\}"),
        ("12\\%", "12"),
        (r"90^\circ", "90"),
        (r"y = 3", "3"),
        (r"\dfrac{x}{2}", r"\tfrac{x}{2}"),
        (r"x \le 3", "x <= 3"),
    ],
)
def test_expressions_that_are_written_differently_are_the_same(first, second):
    assert canonical(first, "expression") == canonical(second, "expression") is not None


@pytest.mark.parametrize(("first", "second"), [("(1,2)", "(2,1)"), ("(1,2)", "[1,2]"), ("1/2", "-1/2"), ("x", "y")])
def test_expressions_that_differ_stay_apart(first, second):
    assert canonical(first, "expression") != canonical(second, "expression")


@given(st.text(max_size=60), st.sampled_from(sorted(KINDS)))
def test_a_canonical_answer_is_its_own_form(text, kind):
    found = canonical(text, kind)
    if found is not None and kind in {"date", "text"}:
        assert canonical(found, kind) == found


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4))
def test_rational_numbers_are_in_lowest_terms(above, below):
    twice = canonical(rf"\frac{{{2 * above}}}{{{2 * below}}}", "expression")
    assert canonical(f"{above}/{below}", "expression") == twice


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_texts_cost_no_time(kind):
    for piece in ("\\frac{", "\\boxed{", "$", "((((", "1,", "2024-", "\n- ", "10^{", "the answer is "):
        extract_answer(piece * 3000, kind=kind)


@pytest.mark.parametrize("text", ["x = \\frac{", "x = \\frac{1", "x = \\frac{1}{", "x = \\sqrt{", "x^{"])
def test_an_expression_that_is_cut_off_is_not_written_out_again_and_again(text):
    found = extract_answer(text, kind="expression")
    assert found is not None
    assert len(found) <= len(text)


def test_settings_know_the_kinds_there_are():
    assert tuple(KINDS) == ANSWER_KINDS


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [
        ("island of rhodes", "island of rhodes", 1),
        ("rhodes", "island of rhodes", 0.5),
        ("rhodes", "crete | island of rhodes", 0.5),
        ("crete | rhodes", "crete | rhodes", 1),
        ("crete", "island of rhodes", 0),
        ("new new york", "new york", 0.8),
        (None, "crete", 0),
    ],
)
def test_words_that_texts_share(answer, gold, f1):
    assert KINDS["text"].likeness(answer, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [("3; 5", "3; 5", 1), ("3", "3; 5", 2 / 3), ("3; 3; 7", "3; 5", 0.4), ("7", "3; 5", 0), (None, "3; 5", 0)],
)
def test_items_that_sets_share(answer, gold, f1):
    assert KINDS["set"].likeness(answer, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is pears, apples and plums.", "apples; pears; plums"),
        ("[5, 3]", "3; 5"),
        ('{"answer": ["b", "a"]}', "a; b"),
    ],
)
def test_the_order_of_a_set_does_not_count(text, answer):
    assert extract_answer(text, kind="set") == answer


def test_a_gold_text_has_aliases():
    assert canonical("The Isle|  Rhodes. ||isle", "text") == "isle | rhodes"


@pytest.mark.parametrize(
    ("form", "latex"),
    [
        ("(3sqrt(2))/(4)", r"(3\sqrt{2})/(4)"),
        ("{1,root3(8)}", r"\{1,\sqrt[3]{8}\}"),
        ("2^(x_{1}+1)", "2^{x_{1}+1}"),
        (r"\begin{pmatrix}1&2;3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\ 3&4\end{pmatrix}"),
        ("x<=3*π", r"x\le 3\cdot \pi "),
        ("sqrt((", r"\sqrt{("),
    ],
)
def test_normal_forms_as_latex(form, latex):
    assert latex_of(form) == latex
