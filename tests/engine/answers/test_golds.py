"""What a bare answer is: a number only if all of it is one; words with the signs that tell them apart."""

from __future__ import annotations

import pytest

from selectllm_engine.answers import canonical, extract_answer

NUMBERS = {
    "10": [
        "10 km",
        "10km",
        "$10",
        "10 €",
        "10%",
        "10 percent",
        "10 miles per hour",
        "10 m/s",
        "10 m^2",
        "10 cm²",
        "10 °C",
    ],
    "0.5": ["0,5", "0,50", ".5", "0.5 kg", "1/2", "\\frac{1}{2}", "½", "0,5 Liter"],
    "12.5": ["12,5", "12.5", "12,50 €", "€12,50", "12,5 %", "**12,5**"],
    "0.125": ["0,125", "0.125", "1/8", "125e-3"],
    "1250.5": ["1.250,50", "1,250.50", "1 250,50", "1'250.5"],
    "1200": ["1 200", "1\u2009200", "1\u202f200", "1\\,200", "1{,}200", "1,200", "1.2e3", "1200 apples"],
    "1234567": ["1 234 567", "1\\,234\\,567", "1.234.567", "1,234,567", "12,34,567"],
    "-3": [
        "- 3",
        "-3",
        "minus 3",
        "negative 3",
        "Minus 3",
        "(-3)",
        "−3",
        "– 3",
        "-\\,3",
        "$-\\,3$",
        "-3 degrees",
        "- $3",
    ],
    "8142": ["_____8142_____", "__8142__", "`8142`", "8142.", "8,142", "8142 (people)"],
    "72": [
        "72°",
        "72 °F",
        "72\\%",
        "72 dollars",
        "72 square metres",
        "US$72",
        "\\$72",
        "72\\text{ cm}",
        "x = 72",
        "72 Euro",
    ],
    "7": ["seven", "Seven.", "7.0", "about 7", "approximately 7 m", "７", "٧", "৭", "๗", "७", "七"],
}


@pytest.mark.parametrize(("gold", "number"), [(gold, number) for number, golds in NUMBERS.items() for gold in golds])
def test_a_number_apart_from_its_unit(gold, number):
    assert canonical(gold, "number") == number


NONE = [
    # dates and times of day
    "03/31/2024",
    "31.12.2024",
    "2024-03-31",
    "1/2/2024",
    "May 5, 2020",
    "5 May",
    "5 May 2020",
    "12 January",
    # lists, pairs, sets
    "3, 4",
    "3,4,5",
    "1, 2, 3",
    "(4, 1)",
    "(-4,1)",
    "[3, 5]",
    "[3, 5)",
    "{1,2}",
    "\\{1,2\\}",
    "3; 4",
    "3 and 4",
    "5 or 6",
    # versions, ranges, ratios, scores
    "1.2.3",
    "v2",
    "10-15",
    "10–15",
    "3 to 5",
    "5 ± 1",
    "3:4",
    "2:1",
    "192.168.0.1",
    # terms
    "2+7i",
    "-2 + 7i",
    "3x",
    "3x + 2",
    "6√2",
    "6\\sqrt{2}",
    "\\sqrt{2}",
    "2\\pi",
    "3π",
    "3 + 4",
    "> 5",
    "x > 5",
    "4 × 5",
    "\\frac{x}{2}",
    "\\frac{\\sqrt{3}}{2}",
    "n = m + 1",
    # names, ordinals, several measures
    "Apollo 11",
    "Room 101",
    "12 Angry Men",
    "3rd",
    "21st century",
    "7 days 3 hours",
    "4 hours and 30 minutes",
    "x1",
    "none",
]


@pytest.mark.parametrize("gold", NONE)
def test_what_is_no_number(gold):
    assert canonical(gold, "number") is None


SAME_WORDS = [
    ["(-4, 1)", "(-4,1)", "(−4, 1)", " ( -4 , 1 ) ", "$(-4, 1)$", "\\left(-4, 1\\right)", "**(-4, 1)**"],
    ["(4, 1)", "(4,1)."],
    ["[3, 5)", "[3,5)"],
    ["(3, 5)", "(3,5)"],
    ["-2+7i", "-2 + 7i", "−2+7i"],
    ["2+7i", "2 + 7i", "$2+7i$"],
    ["x > 5", "x>5"],
    ["x < 5", "x<5"],
    ["A-", " a- "],
    ["A+", "a+"],
    ["A", "a", "(A)"],
    ["f(x)"],
    ["\\frac{x}{2}", "\\dfrac{x}{2}", "$\\frac{x}{2}$"],
    ["x^2 + 1", "x^{2}+1"],
    ["x^2 - 1", "x^2-1"],
    ["03/31/2024", "03/31/2024."],
    ["03/01/1999"],
    ["10-15", "10 - 15", "10–15"],
    ["yes", "Yes.", "(Yes)", "“yes”", "YES!"],
    ["new york", "New  York", "the New York."],
    ["mercury (planet)", "Mercury (planet)"],
    ["monday", "- Monday", "-Monday", "> Monday"],
    ["c++", "C++"],
    ["c#", "C#"],
]


def test_words_are_the_same_in_any_dress_and_differ_by_their_signs():
    for same in SAME_WORDS:
        assert len({canonical(text, "word") for text in same}) == 1, same
    firsts = [canonical(same[0], "word") for same in SAME_WORDS]
    assert None not in firsts
    assert len(set(firsts)) == len(firsts)


@pytest.mark.parametrize("dress", ["The answer is {}.", "\\boxed{{{}}}", "Answer: {}", "A: {}", "It is clear.\n{}"])
@pytest.mark.parametrize(
    "gold", ["(-4, 1)", "-2+7i", "2 + 7i", "[3, 5)", "03/31/2024", "x > 5", "\\frac{x}{2}", "10-15"]
)
def test_signs_are_kept_wherever_they_are_stated(gold, dress):
    assert extract_answer(dress.format(gold), kind="word") == canonical(gold, "word")


@pytest.mark.parametrize("letter", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
def test_letters_of_up_to_26_options(letter):
    number = ord(letter) - 64
    for text in (letter, f"({letter})", f"{letter.lower()}.", f"**{letter}**"):
        assert canonical(text, "letter", 26) == letter
        assert canonical(text, "letter", number) == letter
        assert canonical(text, "letter", number - 1) is None
    for text in (f"The answer is ({letter}).", f"Answer: {letter}", f"\\boxed{{{letter}}}", f"I pick option {letter}."):
        assert extract_answer(text, kind="letter", choices=26) == letter
        assert extract_answer(text, kind="letter", choices=max(1, number - 1)) == (None if number > 1 else letter)


LETTERS = {
    "A": ["أ", "(أ)", "ا", "ก", "क", "ক", "অ", "가", "ア", "①", "Ａ", "ａ", "Ⓐ", "甲"],
    "B": ["ب", "ข", "ख", "খ", "ব", "나", "イ", "②", "Ｂ", "乙"],
    "C": ["ج", "ค", "ग", "গ", "ড", "다", "ウ", "③", "Ｃ", "丙"],
    "D": ["د", "ง", "घ", "ঘ", "ঢ", "라", "エ", "④", "Ｄ", "丁"],
}


@pytest.mark.parametrize(("letter", "own"), [(letter, own) for letter, all_ in LETTERS.items() for own in all_])
def test_letters_of_other_scripts(letter, own):
    assert canonical(own, "letter") == canonical(f"({own})", "letter") == letter
    assert extract_answer(f"The answer is ({own}).", kind="letter") == letter
