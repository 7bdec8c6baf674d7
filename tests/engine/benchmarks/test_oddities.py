from selectllm_engine.benchmarks import Benchmark, Exemplar, odd, question_frame


def questions(*rows):
    """Rows of id, split, text, gold and options."""
    return question_frame(
        {"question_id": id_, "split": split, "text": text, "gold": gold, "choices": choices, "kind": "word"}
        | {"subject": None}
        for id_, split, text, gold, choices in rows
    )


def test_nothing_is_odd_about_different_questions():
    frame = questions(("a", "train", "Which river?", "elbe", None), ("b", "test", "Which lake?", "como", None))
    assert odd(Benchmark("b", frame, (Exemplar("Which sea?", "aral"),))) == []


def test_what_is_odd_is_said():
    frame = questions(
        ("a", "train", "Which river?", "elbe", None),
        ("b", "train", "Which river?", "oder", None),
        ("c", "test", "Which river?", "elbe", None),
        ("d", "test", "Why?", "x", None),
        ("e", "test", "Which stone?", "A", ["beryl", "beryl"]),
        ("f", "test", "Which stone?", "A", ["beryl", "coral"]),
    )
    shown = (Exemplar("Which stone?", "A", ("beryl", "coral")), Exemplar("Which stone?", "A", ("beryl", "opal")))
    assert odd(Benchmark("b", frame, shown)) == [
        "train: 1 questions are there more than once, 1 of them with different golds (a, b)",
        "1 questions are shorter than 8 characters (d)",
        "2 train questions are test questions too (a)",
        "1 questions have the same option twice (e)",
        "1 exemplars are test questions too (f)",
    ]


def test_golds_that_a_guesser_would_hit():
    rows = [(f"q{n}", "test", f"Question {n}?", "A" if n < 40 else "B", ["x", "y"]) for n in range(60)]
    assert odd(Benchmark("b", questions(*rows))) == ["67 % of all golds are 'A'"]
    assert odd(Benchmark("b", questions(*rows[20:]))) == []
