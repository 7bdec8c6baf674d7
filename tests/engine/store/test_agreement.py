"""Whose verdict counts, against plain loops; and what of it is stored."""

from collections import Counter
from statistics import mean

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import write_fake_run
from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import Unanswered
from selectllm_engine.importers.records import Record
from selectllm_engine.store import VerdictChoice, verdict_counts
from selectllm_engine.store.agreement import chosen_judges, compare, count, count_scores, renewal, stored_counts
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.parts import MEASURED
from selectllm_engine.store.verdicts import VERDICT_SCHEMA

SUBJECTS = [None, "s", "t"]
# Per question: subject, gold, answers (None: not found), scores (None: unknown, no list: nothing recorded)
QUESTIONS = st.lists(
    st.tuples(
        st.sampled_from(SUBJECTS),
        st.sampled_from(["1", "2", None]),
        st.lists(st.sampled_from(["1", "2", "3", None]), max_size=4),
        st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), max_size=4),
    ),
    max_size=8,
)


def frames(rows):
    ids = [f"q{at}" for at in range(len(rows))]
    columns = {"question_id": ids, "subject": [row[0] for row in rows], "gold": [row[1] for row in rows]}
    questions = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    said = [(id_, at, answer) for id_, row in zip(ids, rows, strict=True) for at, answer in enumerate(row[2])]
    answers = pl.DataFrame(
        said, schema={"question_id": pl.String, "sample": pl.Int32, "answer": pl.String}, orient="row"
    ).with_columns(empty=pl.lit(value=False), cut=pl.lit(None, pl.Boolean))
    scored = [
        (id_, at, score, None, None, None)
        for id_, row in zip(ids, rows, strict=True)
        for at, score in enumerate(row[3])
        if score is not None
    ]
    return questions, answers, pl.DataFrame(scored, schema=VERDICT_SCHEMA, orient="row")


def plain(row, threshold):
    """Own, alike and recorded verdict of one question, None where unknown."""
    _, gold, answers, scores = row
    own = None
    if gold is not None and answers:
        votes = Counter(answer for answer in answers if answer is not None)
        own = bool(votes) and votes.most_common(1)[0][0] == gold  # a Counter keeps the order of first sight
    known = [score for score in scores if score is not None]
    recorded = mean(known) >= threshold if known else None
    alike = own
    if len(known) > 1 and own is not None:
        alike = mean(answer == gold for answer in answers) >= threshold
    return own, alike, recorded


@given(QUESTIONS, st.sampled_from([0.5, 0.7, 1.0]))
def test_verdicts_are_those_of_plain_loops(rows, threshold):
    questions, answers, verdicts = frames(rows)
    both = compare(questions, answers, verdicts, threshold)
    expected = {
        f"q{at}": plain(row, threshold) for at, row in enumerate(rows) if row[2] or any(x is not None for x in row[3])
    }
    found = {row[0]: row[1:] for row in both.select("question_id", "own", "alike", "recorded").iter_rows()}
    assert found == expected


@given(QUESTIONS)
def test_counts_are_those_of_plain_loops(rows):
    questions, answers, verdicts = frames(rows)
    counts = count(questions, answers, compare(questions, answers, verdicts, 0.5))
    for subject in SUBJECTS:
        mine = [row for row in rows if row[0] == subject and (row[2] or any(x is not None for x in row[3]))]
        found = counts.filter(pl.col("subject").eq_missing(pl.lit(subject, pl.String)))
        if not mine:
            assert found.is_empty()
            continue
        judged = [plain(row, 0.5) for row in mine]
        row = found.row(0, named=True)
        assert row["questions"] == len(mine)
        assert row["both"] == sum(None not in (alike, recorded) for _, alike, recorded in judged)
        assert row["agreeing"] == sum(alike is not None and alike == recorded for _, alike, recorded in judged)
        assert row["recorded_right"] == sum(recorded is True for _, _, recorded in judged)
        assert row["own_right"] == sum(own is True for own, _, _ in judged)
        assert row["samples"] == sum(len(each[2]) for each in mine)
        assert row["missing"] == sum(answer is None for each in mine for answer in each[2])
        assert row["cut"] is None


@pytest.mark.parametrize("order", [1, -1])
def test_scores_alone_are_counted_in_whatever_order(order):
    questions, _, verdicts = frames([("s", None, [], [1.0]), (None, None, [], [0.0]), ("s", None, [], [0.0])])
    counts = count_scores(questions, verdicts[::order], 0.5)
    found = {row[0]: row[1:] for row in counts.select("subject", "questions", "recorded", "recorded_right").iter_rows()}
    assert found == {"s": (2, 2, 1), None: (1, 1, 0)}


def counted(*rows):
    """Counts with subject, both, agreeing, recorded, own."""
    names = ("subject", "both", "agreeing", "recorded", "own")
    return pl.DataFrame(list(rows), schema=dict(zip(names, [pl.String, *[pl.Int64] * 4], strict=True)), orient="row")


@pytest.mark.parametrize(
    ("agreeing", "judge"), [((98, 100), "own"), ((97, 100), "recorded"), ((100, 0), "recorded"), ((100, 100), "own")]
)
def test_98_percent_of_every_llm(agreeing, judge):
    counts = {f"llm {at}": counted(("s", 100, each, 100, 100)) for at, each in enumerate(agreeing)}
    choices = dict.fromkeys(counts, VerdictChoice())
    assert chosen_judges(counts, choices, counts) == {name: {"s": judge} for name in counts}


def test_subjects_are_judged_apart_and_may_be_chosen():
    counts = {"a": counted(("s", 10, 10, 10, 10), ("t", 10, 0, 10, 10), (None, 10, 0, 10, 10))}
    auto, chosen = VerdictChoice(), VerdictChoice.parse(["recorded", "t=own"])
    assert chosen_judges(counts, {"a": auto}, ["a"]) == {"a": {"s": "own", "t": "recorded", None: "recorded"}}
    assert chosen_judges(counts, {"a": chosen}, ["a"]) == {"a": {"s": "recorded", "t": "own", None: "recorded"}}
    assert VerdictChoice.of({"verdicts": chosen.stored()}) == chosen


def test_without_a_comparison_the_log_decides_where_it_says_anything():
    counts = {"a": counted(("s", 0, 0, 5, 0), ("t", 0, 0, 0, 5)), "b": counted(("s", 0, 0, 0, 5))}
    found = chosen_judges(counts, dict.fromkeys(counts, VerdictChoice()), ["a", "b"])
    assert found == {"a": {"s": "recorded", "t": "own"}, "b": {"s": "recorded"}}
    assert chosen_judges(counts, dict.fromkeys(counts, VerdictChoice()), ["a"])["b"] == {
        "s": "own"
    }  # nobody ever judged b


@pytest.mark.parametrize("word", ["mine", "s=", "s=mine", ""])
def test_choices_that_are_none(word):
    with pytest.raises(UsageError, match="is no choice; write auto, own, recorded, or SUBJECT=one of them"):
        VerdictChoice.parse([word])


@pytest.mark.parametrize("stored", [None, 3, {"all": "mine"}, {"all": "own", "subjects": 7}, {"subjects": {"s": "x"}}])
def test_odd_choices_in_a_manifest_are_none(stored):
    assert VerdictChoice.of({"verdicts": stored}) in (VerdictChoice(), VerdictChoice("own"))


def test_counts_are_kept_and_made_again_where_what_they_count_changed(tmp_path):
    made = []

    def make():
        made.append(1)
        questions, answers, verdicts = frames([("s", "1", ["1"], [1.0])])
        return count(questions, answers, compare(questions, answers, verdicts, 0.5))

    for state, writable, calls in (([1], True, 1), ([1], True, 1), ([2], True, 2), ([2], False, 2), ([3], False, 3)):
        assert stored_counts(tmp_path, state, writable=writable, make=make)["own_right"].item() == 1
        assert len(made) == calls
    assert len(list(tmp_path.iterdir())) == 1
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"damaged")
    assert stored_counts(tmp_path, [2], writable=False, make=make)["own"].item() == 1


def test_what_other_rules_change_is_said():
    questions, before, _ = frames([("s", "1", ["1"], []), ("s", "2", ["1"], [])])
    now = before.with_columns(answer=pl.Series(["1", "2"]))
    said = renewal(questions, before, now)
    assert said.endswith(
        "2 were extracted anew, 1 are others; right by our own reading: 50.0 → 100.0 % of the questions"
    )
    assert renewal(questions, before, before).endswith("2 were extracted anew, 0 are others")


@pytest.mark.parametrize(
    ("counts", "accuracy", "recorded", "said"),
    [
        ((36, 36, 36, None, 0), 0.0, False, "36 of 36 samples are empty"),
        ((36, 36, 36, None, 0), 0.0, True, "36 of 36 samples are empty"),
        ((40, 30, 0, 40, 30), 0.1, False, "30 of 40 samples were cut off before they gave an answer"),
        ((40, 30, 0, 40, 30), 0.1, True, "30 of 40 samples were cut off before they gave an answer"),
        ((40, 30, 2, 3, 1), 0.1, False, "no answer was found in 30 of 40 samples"),
        ((40, 30, 2, 3, 1), 0.1, True, None),  # the other tool may have found answers
        ((40, 10, 0, 0, 0), 0.1, False, None),  # most of what is wrong is wrong
        ((40, 10, 0, 0, 0), 0.8, False, "no answer was found in 10 of 40 samples"),
        ((40, 0, 0, 0, 0), 1.0, False, None),
        ((0, 0, 0, 0, 0), 0.0, False, None),
        ((40, 40, 40, 0, 0), None, False, None),
    ],
)
def test_what_explains_a_low_accuracy(counts, accuracy, recorded, said):
    assert Unanswered(*counts).explains(accuracy, recorded=recorded) == said


def test_how_texts_ended_is_counted_where_somebody_said_it(tmp_path):
    from selectllm_engine.importers.assembly import store

    ends = [("", "stop"), (" \n", "length"), ("so far", "max_tokens"), ("It is 1.", "stop"), ("It is 1.", None)]
    rows = [
        Record(llm="a", question=f"What {at}?", gold="1", text=text, finish_reason=end, subject="s")
        for at, (text, end) in enumerate(ends)
    ]
    cache = Cache(tmp_path)
    store(cache, "b", rows, source="x", origin={})
    row = verdict_counts(cache, "b", "a").row(0, named=True)
    assert (row["samples"], row["missing"], row["empty"], row["cut"], row["cut_missing"]) == (5, 3, 2, 2, 2)
    assert set(MEASURED) <= set(cache.answers("b", "a").columns)


def test_counts_follow_the_scores_that_are_written_later(tmp_path):
    cache = write_fake_run(tmp_path, questions={"test": 6}, llms=("a",), samples=1)
    for score in (1.0, 0.0, 1.0):
        with cache.writer("fake", "a") as writer:
            writer.write_verdicts(cache.sampled("fake", "a").with_columns(score=pl.lit(score)))
        counts = verdict_counts(Cache(tmp_path), "fake", "a")
        assert counts["recorded_right"].sum() == 6 * score
