"""What kind a gold answer is, decided per subject where one alone can't tell."""

import polars as pl
import pytest

from selectllm_engine.importers.golds import canonical_golds
from selectllm_engine.importers.questions import QUESTIONS


def golds(values, kind=None, *, scored=False, **columns):
    notes = []
    given = {name: pl.Series(columns.get(name, [None] * len(values)), dtype=dtype) for name, dtype in QUESTIONS.items()}
    frame = pl.DataFrame(given).with_columns(gold=pl.Series(values, dtype=pl.String), question_id=pl.lit("q"))
    found = canonical_golds(frame.rename({"question": "text"}), kind, notes.append, scored=scored)
    return list(zip(found["gold"], found["kind"], strict=True)), notes


@pytest.mark.parametrize(
    "gold",
    ["7", "-7", "−7", "1,200", "1,200.50", "$5", "£ 5", "5 %", "5%", "3/4", "1 1/2", ".5", "1e6", "1,00,000", "7."],
)
def test_numbers(gold):
    assert golds([gold])[0][0][1] == "number"


@pytest.mark.parametrize(
    "gold",
    [
        *("03/31/2024", "2024-03-31", "31.12.1999", "1.2.3", "v2.0", "10-12", "3 to 5", "1, 2, 3", "(4, 1)", "[1, 2]"),
        *("2:1", "12:30", "3D", "4th", "B2", "5G", "x = 3", "1/2/3", "10 Downing Street", "7 Up or so"),
    ],
)
def test_what_is_no_number_as_a_whole(gold):
    assert golds([gold])[0][0][1] == "word"


@pytest.mark.parametrize(
    ("gold", "number"),
    [
        *(("10 km", "10"), ("12.5 kg", "12.5"), ("3 hours", "3"), ("60 km/h", "60"), ("10km", "10"), ("45°", "45")),
        *(("5 square meters", "5"), ("20 °C", "20"), ("1,500 dollars", "1500"), ("30 miles per hour", "30")),
    ],
)
def test_units_are_put_aside_and_told(gold, number):
    found, notes = golds([gold])
    if gold == "45°":  # a sign alone: left as it is
        return
    assert found == [(number, "number")]
    assert notes == [f"1 gold answers are numbers with a unit: {gold!r} is {number.replace('1500', '1,500')}"]


def test_any_noun_is_a_unit_where_all_gold_answers_of_the_subject_are_so():
    assert golds(["12 apples", "7 pears", "3"])[0] == [("12", "number"), ("7", "number"), ("3", "number")]
    assert golds(["12 apples", "the pears"])[0] == [("12 apples", "word"), ("pears", "word")]
    assert golds(["7 dwarfs"])[0] == [("7 dwarfs", "word")]
    subjects = golds(["12 apples", "7 pears", "9 lives", "a cat"], subject=["s", "s", "t", "t"])[0]
    assert [kind for _, kind in subjects] == ["number", "number", "word", "word"]


def test_a_column_mixes_kinds_by_subject():
    values = ["B", "D", "12", "3.5", "paris", "rome", "03/04/1999", "A"]
    subjects = ["quiz", "quiz", "sums", "sums", "towns", "towns", "days", "days"]
    found, notes = golds(values, subject=subjects)
    assert [kind for _, kind in found] == ["letter", "letter", "number", "number", "word", "word", "word", "word"]
    assert notes == []


def test_letters_up_to_z():
    assert golds(["Q", "(s)", "J."])[0] == [("Q", "letter"), ("S", "letter"), ("J", "letter")]


def test_a_letter_that_is_an_options_text_stays_a_letter_where_all_are_letters():
    choices = [["K", "A", "1/C", "C"], ["D", "B", "N", "J"]]
    assert golds(["C", "A"], choices=choices)[0] == [("C", "letter"), ("A", "letter")]
    assert golds(["C", "N"], choices=choices)[0] == [("D", "letter"), ("C", "letter")]  # N is no letter of four
    apart = golds(["C", "N"], choices=choices, subject=["s", "t"])[0]
    assert apart == [("C", "letter"), ("C", "letter")]


@pytest.mark.parametrize(
    ("values", "letters"),
    [
        (["0", "3", "1"], ["A", "D", "B"]),  # from 0
        (["1", "4", "2"], ["A", "D", "B"]),  # from 1: there is a fourth and no zeroth
        (["1", "3", "2"], [None, None, None]),  # either
        (["0", "4", "1"], [None, None, None]),  # neither
        (["0", "w", "1"], [None, "A", None]),
    ],
)
def test_places_of_options(values, letters):
    found, notes = golds(values, choices=[["w", "x", "y", "z"]] * 3)
    assert [gold for gold, _ in found] == letters
    assert any("are places of options" in each for each in notes) == (None not in letters)


def test_numbers_among_the_options_are_texts():
    choices = [["3", "4", "5", "7"], ["1", "2", "0", "3"]]
    assert golds(["4", "0"], choices=choices)[0] == [("B", "letter"), ("C", "letter")]


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ('["Paris"]', ("paris", "word")),
        ("['Paris']", ("paris", "word")),
        ("[7]", ("7", "number")),
        ('["Paris", "paris "]', (None, "word")),
        ('["Paris", "Lutetia"]', (None, "word")),
        ("[0, 1)", ("0, 1", "word")),
    ],
)
def test_several_gold_answers_of_a_question(listed, expected):
    found, _ = golds([listed, "x y"])
    assert found[0][1] == expected[1]
    if "Paris" in listed or expected[1] == "number":
        assert found[0] == expected


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("count", [4, 5])
def test_a_gold_answer_for_all_stands_for_nothing_where_scores_can_decide(scored, count):
    found, notes = golds(["0"] * count, scored=scored)
    dropped = scored and count == 5
    assert [gold for gold, _ in found] == [None if dropped else "0"] * count
    assert len(notes) == dropped


@pytest.mark.parametrize("kind", ["labels", "none"])
def test_recorded_verdicts_alone(kind):
    assert golds(["5", "A"], kind)[0] == [(None, "word"), (None, "word")]
