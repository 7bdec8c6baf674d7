"""Where an answer is stated, and where it only seems to be."""

from __future__ import annotations

import json

import pytest

from selectllm_engine.answers import extract_answer

# What stands in brackets between "the answer" and "is".
BRACKETS = [
    ("Therefore, the answer (yes or no) is yes.", "word", "yes"),
    ("So the answer (true or false) is false.", "word", "false"),
    ("The final answer (one word) is maple.", "word", "maple"),
    ("So the answer (A, B, C or D) is D.", "letter", "D"),
    ("The answer (one of (a) to (d)) is (B).", "letter", "B"),
    ("Therefore the correct answer (A through E) is E.", "letter", "E"),
    ("The answer (in kilometres) is 12.", "number", "12"),
    ("The answer (rounded to 2 places) is 3.25.\n\nThat took 4 steps.", "number", "3.25"),
    ("The answer to the question (in litres) is 8.", "number", "8"),
]
# A letter with its option's text behind it, with and without a space.
LABELLED = [
    ("The statement that is false is B. Cows lay eggs.", "letter", "B"),
    ("The statement which is not true is D. Salt is sweet.", "letter", "D"),
    ("The correct statement is A. Ice floats on water.", "letter", "A"),
    ("The incorrect statement is C. Snakes have legs.", "letter", "C"),
    ("The true statement is (B). Bees make honey.", "letter", "B"),
    ("The one that does not belong is C. Chairs have legs.", "letter", "C"),
    ("So the only option left is D. None were sold.", "letter", "D"),
    ("A)7.5", "letter", "A"),
    ("D)3/4", "letter", "D"),
    ("B)100 metres", "letter", "B"),
    ("(C)45%", "letter", "C"),
    ("E)$12", "letter", "E"),
    ("C)Lisbon", "letter", "C"),
    ("**B)12**", "letter", "B"),
    ("D.Lisbon", "letter", "D"),
    ("B:12", "letter", "B"),
    ("(A)12\n\nIt is the smallest.", "letter", "A"),
]
LATEX = [
    ("\\text{The answer is } (\\text{D})", "letter", "D"),
    ("\\text{The correct answer is } \\textbf{(B)}", "letter", "B"),
    ("$\\text{The answer is C.}$", "letter", "C"),
    ("\\text{The answer is}~\\boxed{\\textbf{(A)}}", "letter", "A"),
    ("\\text{The final answer is } \\mathbf{E}.", "letter", "E"),
    ("\\text{The answer is } 12", "number", "12"),
    ("\\text{The answer is }\\; \\frac{3}{4}.", "number", "0.75"),
    ("\\text{So the answer is } \\mathbf{15}\\text{ cm}.", "number", "15"),
]


def an_object(**fields):
    return json.dumps(fields)


OBJECTS = [
    (an_object(answer="dog"), "word", "dog"),
    (an_object(answer='"dog"'), "word", "dog"),
    (an_object(thought="woof", answer="'dog'"), "word", "dog"),
    (an_object(answer="no", why="The answer is yes only on Sundays"), "word", "no"),
    (
        "```json\n" + json.dumps({"why": "The answer is 3?", "answer": "oak tree"}, indent=2) + "\n```",
        "word",
        "oak tree",
    ),
    (an_object(answer="C"), "letter", "C"),
    (an_object(answer="C. Lisbon", confidence=0.9), "letter", "C"),
    (an_object(final_answer="B", explanation="The answer is (C) only if it rains"), "letter", "B"),
    (an_object(correct_answer="(D)"), "letter", "D"),
    (an_object(answer_letter="A"), "letter", "A"),
    ("{'answer': 'B', 'reason': 'option (C) is wet'}", "letter", "B"),
    (an_object(answer=42, note="the answer is 43 with tax"), "number", "42"),
    (an_object(answer="12 apples"), "number", "12"),
    (an_object(answer="\\boxed{18}"), "number", "18"),
    (an_object(steps=[3, 4], answer=-7.5, checked=True), "number", "-7.5"),
    (an_object(result={"answer": 7}), "number", "7"),
    ("Here it is:\n" + an_object(answer=5, why="the answer is 6 less 1"), "number", "5"),
    (an_object(answer=None), "number", None),
    (an_object(answer="unknown", known=160), "number", None),
    (an_object(steps="5 and 6", answer="Cannot be determined"), "number", None),
    (an_object(steps="There are 160.", answer="not enough information"), "number", None),
    (an_object(answer=["3", "4"]), "number", None),
    (an_object(answer=["A", "C"]), "letter", None),
    (an_object(why="(A) is small", answer="none of the above"), "letter", None),
]
# A verdict behind a word or two, and marks that nobody knows behind the answer.
VERDICTS = [
    ("A: So, yes, it is warm enough to swim.", "word", "yes"),
    ("A: Thus no, the two can't meet.", "word", "no"),
    ("Q: Is a tomato red?\nA: Well, yes, mostly.", "word", "yes"),
    ("Answer: So, no. It is too small.", "word", "no"),
    ("The answer is therefore yes, it floats.", "word", "yes"),
    ("A: So, yes, it is a bird.<EOS_TOKEN>", "word", "yes"),
    ("The answer is no.<EOS_TOKEN>", "word", "no"),
    ("Tails<|eot|>", "word", "tails"),
    ("Heads [EOS]", "word", "heads"),
    ("The answer is maple<END_OF_TEXT>", "word", "maple"),
    ("(B)<|im_sep|>", "letter", "B"),
    ("The answer is B<|eom_id|>", "letter", "B"),
    ("It is 9.<｜end▁of▁sentence｜>", "number", "9"),
    ("The answer is 12<END_OF_TURN>", "number", "12"),
    ("So 3 + 4 = 7 </s>", "number", "7"),
    ("The answer is 7<|endoftext|>The answer is 8.", "number", "7"),
    ("The answer is 7<EOS_TOKEN>The answer is 8.", "number", "7"),
]
# "Answer:" that opens a solution.
OPENS = [
    (
        "Answer: The first shelf holds 3 × 5 = 15 books.\n\nThe second holds 4 more, so there are 15 + 4 = 19 books.",
        "19",
    ),
    ("Answer: Ada has 3 boxes of 4 = 12 pens.\n\nBen has 2 more.\n\nSo Ben has 12 + 2 = 14 pens.", "14"),
    ("Answer:\nFirst we take 4 × 5 = 20 cards.\n\nThen 20 - 3 = 17 remain.\n\nSo he has 17 cards.", "17"),
    ("**Answer:** The tank holds 60 litres and loses 6 an hour.\n\nAfter 4 hours 60 - 24 = 36 litres are left.", "36"),
    ("A: There are 4 rows of 6 trees, 4 × 6 = 24.\n\n8 are cut, 24 - 8 = 16 stay.", "16"),
    ("2 + 3 = 5. The answer is 5.\n\nA: She had 2 + 3 = 5 and then", "5"),
    ("6 × 2 = 12. The answer is 12.\n\nAnswer: 6 × 2 = 12 and 12 - 5 = 7 of", "12"),
    ("Answer: She pays 9 × 3 = 27 euros.", "27"),
    ("Answer: 12 pens\n\nEach of the 3 boxes holds 4.", "12"),
    ("Answer: 12\n\nCheck: 3 × 4 = 12, and 12 - 4 = 8.", "12"),
    ("The sum is 12.\n\nAnswer: 12 pens and 3 books.", "12"),
    ("ans = 17", "17"),
    ("x = 5\nans = 17\nprint(ans)", "17"),
]
# What is said for the number in a sentence, and what else is told of it.
PROSE = [
    ("The answer is that Ben must buy 12 bags to feed 40 guests.", "12"),
    ("The answer is that the team needs 15 tents for 45 people.", "15"),
    ("The answer is that Cora reads 20 pages to finish in 6 days.", "20"),
    ("The answer is that it takes 6 hours for 300 km.", "6"),
    ("The answer is that the shop sells 18 hats in 3 days.", "18"),
    ("The answer is that with 3 boxes of 4, Dan has 12 eggs.", "12"),
    ("The answer is that every child gets 7 sweets.", "7"),
    ("The answer is that she bought 3 pens and 4 pencils, 7 things.", "7"),
    ("The answer is that 5 + 8 = 13 birds stay.", "13"),
    ("The answer is 4 hours and 30 minutes.", "4"),
    ("It takes him 2 hours and 15 minutes.", "2"),
    ("6 feet 2 inches", "6"),
    ("The trip takes 3 days and 4 hours", "3"),
]
# What is only supposed.
SUPPOSED = [
    ("If the answer is 5, then 2 × 5 = 10, which is too few. So there are 6 cars.", "number", "6"),
    ("Suppose the answer is 8. Then there would be 16 legs. There are 18 legs, so there are 9 birds.", "number", "9"),
    ("Let us check whether the answer is 30. 30 + 5 is 35. No, so 28 it must be.", "number", "28"),
    ("Assuming the answer is 4, we get 16. We need 25, thus 5.", "number", "5"),
    ("If the answer were 3, the sum would be 9. The sum is 12, so x = 4.", "number", "4"),
    ("If it rains, the answer is 12.", "number", "12"),
    ("If the answer is (A), the sky would be green. It is not, so (C).", "letter", "C"),
    ("Assume the answer were B. That contradicts the text, thus (D) is correct.", "letter", "D"),
    ("If we round, the answer is (B).", "letter", "B"),
    ("The answer is (C). If the answer is (D), the sum is odd.", "letter", "C"),
]
# Stated is that there is no answer, or what can be none.
NONE = [
    *[
        (f"(A) is small, (B) is big. {text}", "letter")
        for text in (
            "So the answer is (None of the above).",
            "The answer is none of the above.",
            "The answer is: None of these.",
            "The answer is neither of the options.",
            "Answer: None of the given options",
            "The answer cannot be determined.",
            "The answer is (AB).",
            "The answer is (CD)",
            "The answer is A/B.",
            "The answer is A & C.",
            "The answer is \\boxed{AC}.",
            "The answer is A and C.",
            "The correct answer is (E) none of the above.",
            "The answer is not given.",
        )
    ],
    *[
        (f"There are 3 × 4 = 12.\n{text}", "number")
        for text in (
            "\\boxed{Not enough information}",
            "\\boxed{\\text{Cannot be determined}}",
            "The answer is \\boxed{\\text{unknown}}.",
            "The answer cannot be determined.",
            "The answer is: cannot be determined from the 3 facts.",
            "The answer is unknown.",
            "Answer: Not enough information (5 are missing)",
            "The answer is not enough information, though 5 came.",
            "The answer can't be calculated.",
            "#### 4√3",
            "The answer is 6√2.",
            "The answer is \\boxed{6\\sqrt{2}}.",
            "The answer is \\sqrt{5}.",
            "\\boxed{3x + 2}",
            "The answer is 2 + 3i.",
            "The answer is (3, 4).",
            "\\boxed{(3, 4)}",
            "The answer is 3π.",
            "\\boxed{x+1}",
            "\\boxed{\\frac{\\sqrt{3}}{2}}",
            "The answer is \\frac{x}{2}.",
            "The answer is 05/01/2021.",
            "The answer is 2021-05-01.",
            "The answer is 1.2.3.",
            "The answer is 3 or 4.",
            "The answer is 5,6,7.",
            "<answer>none</answer>",
            "\\boxed{\\text{No solution}}",
            "The answer is 2:3.",
            "It is impossible to say. The answer is: undefined",
            "There is no answer.\nAnswer: N/A",
            "The answer does not exist.",
        )
    ],
]
OTHERWISE = [
    ("The answer is (E) None of the above.", "letter", 5, "E"),
    ("The answer is (D) None of the above.", "letter", 4, "D"),
    ("The answer is (None of the above).", "word", 4, "none of the above"),
    ("The answer is not among the options, but the closest is (C).", "letter", 4, "C"),
    ("The answer is 3/4 or 0.75.", "number", 4, "0.75"),
    ("The answer is 30 minutes or 0.5 hours.", "number", 4, "30"),
    ("The answer is x = 3√4 = 6.", "number", 4, "6"),
    ("The answer is unknown at first, but then the answer is 7.", "number", 4, "7"),
]


@pytest.mark.parametrize(("text", "kind", "expected"), [*BRACKETS, *LABELLED, *LATEX, *OBJECTS, *VERDICTS, *SUPPOSED])
def test_stated(text, kind, expected):
    assert extract_answer(text, kind=kind, choices=5) == expected


@pytest.mark.parametrize(("text", "expected"), [*OPENS, *PROSE])
def test_stated_numbers(text, expected):
    assert extract_answer(text, kind="number") == expected


@pytest.mark.parametrize(("text", "kind"), NONE)
def test_a_stated_non_answer_is_none(text, kind):
    assert extract_answer(text, kind=kind) is None


@pytest.mark.parametrize(("text", "kind", "choices", "expected"), OTHERWISE)
def test_but_not_what_only_looks_like_one(text, kind, choices, expected):
    assert extract_answer(text, kind=kind, choices=choices) == expected


def test_a_long_solution_behind_answer_is_no_word():
    text = "Answer: The coin is turned by Ada and then by Ben again.\n\nSo the coin shows **tails**."
    assert extract_answer(text, kind="word") == "tails"
    assert extract_answer("Answer: Tails. It was turned twice by Ada and then by Ben.", kind="word") == "tails"


def test_a_long_solution_behind_answer_is_no_letter():
    text = "Answer: Let us look at them. (A) is a planet, and (B) is a moon.\n\nSo it must be (C)."
    assert extract_answer(text, kind="letter") == "C"
    assert extract_answer("Answer: It must be (C), since (A) is a planet.", kind="letter") == "C"


SIGNS = [
    "The answer is - 3.",
    "\\boxed{- 3}",
    "#### - 3",
    "The answer is minus 3.",
    "It is negative 3.",
    "The answer is $-\\,3$.",
    "x = - 3",
    "The answer is −3.",
    "The temperature is minus 3 degrees.",
    "Answer: -3",
    "The answer is (-3).",
    "$- 3$",
    "\\boxed{-\\,3}",
    "A: minus 3",
    "- 3",
]


@pytest.mark.parametrize("text", SIGNS)
def test_signs(text):
    assert extract_answer(text, kind="number") == "-3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 minus 7 is 3", "3"),
        ("10 - 3", "3"),
        ("12 minus 5", "5"),
        ("Answer:\n- 3 apples\n", "3"),
        ("pages 10-15", "15"),
        ("The answer is 10 - 3 = 7.", "7"),
        ("a 3-day trip of 5 km", "5"),
    ],
)
def test_what_is_no_sign(text, expected):
    assert extract_answer(text, kind="number") == expected


COMMAS = {
    "0.5": "0,5",
    "12.5": "12,5",
    "3.25": "3,25",
    "0.125": "0,125",
    "1250.5": "1.250,50",
    "1200": "1 200",
    "12500": "12 500",
    "1250000": "1 250 000",
}


@pytest.mark.parametrize(
    "dress",
    [
        "The answer is {}.",
        "\\boxed{{{}}}",
        "Answer: {} kg",
        "A: {}",
        "#### {}",
        "<answer>{}</answer>",
        "**Answer: {}**",
    ],
)
@pytest.mark.parametrize("number", COMMAS)
def test_decimal_commas_and_groups(number, dress):
    for space in (" ", "\u2009", "\u202f", "\\,"):
        assert extract_answer(dress.format(COMMAS[number].replace(" ", space)), kind="number") == number
