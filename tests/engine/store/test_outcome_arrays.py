"""From the cache to arrays: which questions, which K, which codes, which seconds."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import FIT, fake_manifest, fake_outcomes, fake_rows, flip_bit, write_fake_run
from selectllm_engine.benchmarks import question_frame
from selectllm_engine.errors import CacheError, UnknownNameError
from selectllm_engine.evaluation.outcomes import NOT_FOUND, LeftOut
from selectllm_engine.evaluation.votes import llm_votes, majority_vote, tally
from selectllm_engine.store import GENERATION_SCHEMA, Cache
from selectllm_engine.store.outcome_arrays import load_outcomes

SAYS = "The answer is {}."


def said(question, *answers, first=0):
    """Generations of one question; None is a text without answer."""
    texts = ["I cannot say" if answer is None else SAYS.format(answer) for answer in answers]
    rows = [(question, first + n, text, 10, 20 + n, "stop") for n, text in enumerate(texts)]
    return pl.DataFrame(rows, schema=GENERATION_SCHEMA, orient="row")


def questions(**gold):
    return question_frame(
        {"question_id": name, "split": "test", "text": f"Question {name}", "gold": answer, "kind": "number"}
        for name, answer in gold.items()
    )


@pytest.fixture
def make(tmp_path):
    """A cache of the questions and each LLM's parts, in the order given."""

    def make(table, *, manifest=None, verdicts=None, **parts):
        cache = Cache(tmp_path / "cache")
        cache.write_questions("b", table)
        for number, (llm, frames) in enumerate(parts.items()):
            with cache.writer("b", llm) as writer:
                writer.start(fake_manifest(llm, **{"created": f"{number:03d}", **(manifest or {}).get(llm, {})}))
                for frame in frames:
                    writer.append(frame, {})
                if verdicts and llm in verdicts:
                    writer.write_verdicts(verdicts[llm])
        return cache

    return make


def test_codes_by_first_appearance_and_votes(make):
    cache = make(
        questions(q1="72", q2="5", q3="9"),
        a=[said("q1", 7, 72, 7), said("q2", None, None, 5), said("q3", 1, 2, 2)],
        b=[said("q1", 72, "$72.00", 3), said("q2", None, None, None), said("q3", 2, 1, None)],
    )
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.llms == ("a", "b")
    assert outcomes.samples == 3
    assert outcomes.vocabulary.to_list() == [["7", "72", "3"], ["5"], ["1", "2", "9"]]
    assert outcomes.answers.tolist() == [
        [[0, 1, 0], [1, 1, 2]],
        [[NOT_FOUND, NOT_FOUND, 0], [NOT_FOUND] * 3],
        [[0, 1, 1], [1, 0, NOT_FOUND]],
    ]
    assert outcomes.gold.tolist() == [1, 0, 2]
    # a: 7 beats 72; 5 alone; 2 beats 1. b: 72 twice; nothing; 2 before 1 on a tie, and neither is right.
    assert outcomes.labels.tolist() == [[False, True], [True, False], [False, False]]
    assert outcomes.left_out == ()
    assert outcomes.left_out_total == 0
    types = (outcomes.answers.dtype, outcomes.gold.dtype, outcomes.labels.dtype, outcomes.latency.dtype)
    assert types == (np.int16, np.int16, np.bool_, np.float32)


def test_a_tie_goes_to_the_answer_seen_first(make):
    cache = make(questions(q1="2", q2="2"), a=[said("q1", 2, 1, 1, 2), said("q2", 1, 2, 2, 1)])
    assert load_outcomes(cache, "b", "test").labels.tolist() == [[True], [False]]


def answers(**counts):
    return [said(question, *range(count)) for question, count in counts.items()]


@pytest.mark.parametrize(
    ("a", "b", "k", "complete", "left_out"),
    [
        # All the same: nothing is left out.
        ({"q1": 3, "q2": 3, "q3": 3}, {"q1": 3, "q2": 3, "q3": 3}, 3, 3, {}),
        # m = 5, 5, 1: K = 5 uses 10 samples of each LLM, K = 1 uses 3.
        ({"q1": 5, "q2": 5, "q3": 5}, {"q1": 5, "q2": 5, "q3": 1}, 5, 2, {"b": 1}),
        # m = 3, 2, 2: K = 2 uses 6 samples, K = 3 uses 3.
        ({"q1": 3, "q2": 2, "q3": 3}, {"q1": 3, "q2": 3, "q3": 2}, 2, 3, {}),
        # m = 4, 2, 0: K = 4 and K = 2 both use 4 samples; more questions win.
        ({"q1": 4, "q2": 4, "q3": 4}, {"q1": 4, "q2": 2}, 2, 2, {"b": 1}),
        # One LLM has nothing of q1, the other nothing of q3.
        ({"q2": 2, "q3": 2}, {"q1": 2, "q2": 2}, 2, 1, {"a": 1, "b": 1}),
        # No question is complete.
        ({"q1": 2}, {"q2": 2}, 0, 0, {"a": 2, "b": 2}),
    ],
)
def test_which_samples_and_questions_are_used(make, a, b, k, complete, left_out):
    outcomes = load_outcomes(make(questions(q1="0", q2="0", q3="0"), a=answers(**a), b=answers(**b)), "b", "test")
    assert (outcomes.samples, outcomes.questions.height) == (k, complete)
    assert outcomes.answers.shape == (complete, 2, k)
    assert outcomes.labels.shape == outcomes.latency.shape == outcomes.cost.shape == (complete, 2)
    assert outcomes.left_out == tuple(LeftOut(llm, count) for llm, count in left_out.items())
    assert outcomes.left_out_total == 3 - complete


def test_samples_after_a_gap_do_not_count(make):
    cache = make(questions(q1="1", q2="1"), a=[said("q1", 1, 1), said("q1", 5, first=3), said("q2", 1, 1, 1, 1)])
    outcomes = load_outcomes(cache, "b", "test")
    assert (outcomes.samples, outcomes.questions.height) == (2, 2)


def test_samples_beyond_k_are_not_used(make):
    cache = make(questions(q1="1", q2="1"), a=[said("q1", 1, 1), said("q2", 1, 1, 5, 5, 5)])
    outcomes = load_outcomes(cache, "b", "test")
    assert (outcomes.samples, outcomes.questions.height) == (5, 1)
    cache = make(questions(q1="1", q2="1"), c=[said("q1", 1, 1), said("q2", 1, 1)])
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 2
    assert outcomes.labels.tolist() == [[True, True], [True, True]]
    assert outcomes.vocabulary.to_list() == [["1"], ["1"]]
    assert outcomes.latency[1, 0] == pytest.approx(FIT["a"] + FIT["b"] * 10 + FIT["c"] * 20.5)


def test_samples_of_a_damaged_part_are_left_out(make):
    cache = make(questions(q1="1", q2="1"), a=[said("q1", 1, 1), said("q2", 1, 1)])
    flip_bit(cache.parts("b", "a").listed()[1].path)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions["question_id"].to_list() == ["q1"]
    assert outcomes.left_out == (LeftOut("a", 1),)
    assert len(cache.problems) == 1


def test_splits_are_apart(tmp_path):
    cache = write_fake_run(tmp_path, questions={"train": 4, "test": 7}, samples=2)
    for split, count in (("train", 4), ("test", 7)):
        outcomes = load_outcomes(cache, "fake", split)
        assert outcomes.questions["split"].unique().to_list() == [split]
        assert outcomes.answers.shape == (count, 3, 2)
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        load_outcomes(cache, "fake", "trian")


def test_no_results_yet(make):
    with pytest.raises(CacheError, match="b has no results yet; make some"):
        load_outcomes(make(questions(q1="1")), "b", "test")
    with pytest.raises(UnknownNameError):
        load_outcomes(make(questions(q1="1")), "other", "test")


def test_kinds_are_told_apart(make):
    table = question_frame(
        {"question_id": name, "split": "test", "text": name, "kind": kind, "gold": gold, "choices": choices}
        for name, kind, gold, choices in (
            ("n", "number", "1200", None),
            ("l", "letter", "E", ["v", "w", "x", "y", "z"]),
            ("w", "word", "yes", None),
        )
    )
    texts = {"n": "The answer is $1,200.", "l": "The answer is (E).", "w": 'The answer is "Yes".'}
    cache = make(table, a=[fake_rows((name, 0), text=text) for name, text in texts.items()])
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.vocabulary.to_list() == [["1200"], ["E"], ["yes"]]
    assert outcomes.labels.all()


def test_hostile_answers_keep_their_places(make):
    table = question_frame(
        {"question_id": "q", "split": "test", "text": "?", "kind": "word", "gold": "\0"} for _ in "1"
    )
    words = ["a\0b", "ａ", "", "𝒳" * 50, "nan", "None", "null"]
    cache = make(table, a=[fake_rows(("q", n), text=f"answer is {word}") for n, word in enumerate(words)])
    outcomes = load_outcomes(cache, "b", "test")
    found = cache.answers("b", "a").sort("sample")["answer"].to_list()
    vocabulary = outcomes.vocabulary[0].to_list()
    assert [None if code < 0 else vocabulary[code] for code in outcomes.answers[0, 0]] == found
    assert vocabulary[outcomes.gold[0]] == "\0"


# Labels only


def verdicts(**scores):
    rows = [(question, n, score) for question, all_ in scores.items() for n, score in enumerate(all_)]
    return pl.DataFrame(rows, schema=["question_id", "sample", "score"], orient="row")


def test_labels_only(make):
    cache = make(
        questions(q1=None, q2=None, q3=None),
        a=[],
        b=[],
        verdicts={"a": verdicts(q1=[1.0, 0.0], q2=[0.4]), "b": verdicts(q1=[0.0], q2=[1.0], q3=[1.0])},
    )
    outcomes = load_outcomes(cache, "b", "test")
    assert (outcomes.samples, outcomes.answers, outcomes.vocabulary) == (0, None, None)
    assert outcomes.gold.tolist() == [NOT_FOUND] * 2
    assert outcomes.labels.tolist() == [[True, False], [False, True]]  # a mean of exactly 0.5 is right
    assert outcomes.left_out == (LeftOut("a", 1),)
    assert outcomes.left_out_total == 1


def test_one_llm_with_labels_only_makes_the_run_one_of_labels_only(make):
    cache = make(
        questions(q1="1", q2="1"),
        a=[said("q1", 1, 2, 1), said("q2", 2, 2, 2)],
        b=[],
        verdicts={"b": verdicts(q1=[0.0], q2=[1.0])},
    )
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.answers is None
    assert outcomes.labels.tolist() == [[True, False], [False, True]]
    assert outcomes.latency[0, 0] == pytest.approx(FIT["a"] + FIT["b"] * 10 + FIT["c"] * 21)


def test_texts_without_gold_answers_take_the_recorded_labels(make):
    cache = make(
        questions(q1=None, q2="1"),
        a=[said("q1", 1), said("q2", 1)],
        verdicts={"a": verdicts(q1=[1.0], q2=[0.0])},
    )
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.answers is None
    assert outcomes.labels.tolist() == [[True], [False]]  # as recorded, for ours does not agree
    cache = make(
        questions(q1=None, q2="1"),
        manifest={"a": {"verdicts": {"all": "own", "subjects": {}}}},
        a=[said("q1", 1), said("q2", 1)],
        verdicts={"a": verdicts(q1=[1.0], q2=[0.0])},
    )
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels.tolist() == [[True], [True]]  # recorded where the gold answer is unknown, else the vote


@pytest.mark.parametrize(("recorded", "way"), [(0.0, "own"), (1.0, "recorded")])
def test_texts_beside_verdicts_vote_where_they_agree(make, recorded, way):
    cache = make(questions(q1="1"), a=[said("q1", 2)], verdicts={"a": verdicts(q1=[recorded])})
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == (1 if way == "own" else 0)
    assert outcomes.labels.tolist() == [[bool(recorded)]]
    assert outcomes.recorded == (way == "recorded",)


# Latency and cost


def measured(question, *, latency=None, cost=None):
    return said(question, 1).with_columns(
        latency=pl.lit(latency, dtype=pl.Float64), cost=pl.lit(cost, dtype=pl.Float64)
    )


def test_where_seconds_come_from(make):
    recorded = verdicts(q1=[1.0], q2=[1.0])
    cache = make(
        questions(q1="1", q2="1"),
        manifest={name: {"latency": None} for name in ("recorded", "mixed", "judged", "unknown", "odd")},
        fitted=[measured("q1", latency=9.0), measured("q2", latency=9.0)],
        recorded=[measured("q1", latency=2.0), measured("q2", latency=4.0)],
        mixed=[measured("q1", latency=2.0), measured("q2")],
        judged=[measured("q1"), measured("q2")],
        unknown=[measured("q1"), measured("q2")],
        verdicts={"judged": recorded.with_columns(latency=pl.Series([1.0, 3.0]))},
    )
    latency = load_outcomes(cache, "b", "test").latency
    fit = FIT["a"] + FIT["b"] * 10 + FIT["c"] * 20
    expected = [[fit, 2.0, 2.0, 1.0, math.nan], [fit, 4.0, math.nan, 3.0, math.nan]]
    assert latency.tolist() == pytest.approx(np.float32(expected), nan_ok=True)


def test_the_studys_seconds_where_nothing_is_known(tmp_path):
    cache = Cache(tmp_path)
    cache.write_questions("gsm8k", questions(q1="1"))
    for llm in ("gemma-7b", "other"):
        with cache.writer("gsm8k", llm) as writer:
            writer.start(fake_manifest(llm, latency=None))
            writer.append(said("q1", 1), {})
    assert load_outcomes(cache, "gsm8k", "test").latency[0].tolist() == pytest.approx([7.10, math.nan], nan_ok=True)


@pytest.mark.parametrize("fit", [{"a": 1.0}, {"a": "x", "b": 0, "c": 0}, [1, 2, 3], "fast"])
def test_a_fit_that_is_none(make, fit):
    cache = make(questions(q1="1"), manifest={"a": {"latency": fit, "price": fit}}, a=[said("q1", 1)])
    outcomes = load_outcomes(cache, "b", "test")
    assert np.isnan(outcomes.latency).all()
    assert np.isnan(outcomes.cost).all()


def test_where_dollars_come_from(make):
    price = {"price": {"input": 2.0, "output": 10.0}}
    cache = make(
        questions(q1="1"),
        manifest={"priced": price, "recorded": price},
        priced=[said("q1", 1, 1)],
        recorded=[measured("q1", cost=0.5), said("q1", 1, first=1)],
        neither=[said("q1", 1, 1)],
    )
    cost = load_outcomes(cache, "b", "test").cost
    assert cost[0].tolist() == pytest.approx([(2 * 10 + 10 * 20.5) / 1e6, 0.5, math.nan], nan_ok=True)


# Properties


@settings(max_examples=25)
@given(st.data())
def test_the_order_of_parts_and_rows_does_not_matter(tmp_path_factory, data):
    answer = st.sampled_from([1, 2, 3, None])
    tables = [
        pl.concat([said(f"q{q}", *data.draw(st.lists(answer, min_size=1, max_size=4))) for q in range(3)])
        for _ in range(2)
    ]
    found = []
    for shuffled in (False, True):
        cache = Cache(tmp_path_factory.mktemp("run"))
        cache.write_questions("b", questions(q0="1", q1="2", q2="9"))
        for number, table in enumerate(tables):
            order = data.draw(st.permutations(range(table.height))) if shuffled else range(table.height)
            cut = data.draw(st.integers(0, table.height)) if shuffled else 0
            rows = table[list(order)]
            with cache.writer("b", f"llm-{number}") as writer:
                writer.start(fake_manifest(f"llm-{number}", created=str(number)))
                writer.append(rows[:cut], {})
                writer.append(rows[cut:], {})
        found.append(load_outcomes(cache, "b", "test"))
    one, other = found
    assert (one.samples, one.left_out) == (other.samples, other.left_out)
    assert one.questions.equals(other.questions)
    assert one.vocabulary.equals(other.vocabulary)
    for name in ("answers", "gold", "labels", "latency"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    # K and the questions use as many samples as any choice could.
    height = [[table.filter(question_id=f"q{q}").height for table in tables] for q in range(3)]
    m = [min(each) for each in height]
    assert one.samples * one.questions.height == max(k * sum(each >= k for each in m) for k in m)
    assert one.left_out_total == 3 - one.questions.height


def test_labels_are_those_of_a_plain_vote_over_the_texts(tmp_path):
    cache = write_fake_run(tmp_path, questions={"test": 30}, samples=6)
    outcomes = load_outcomes(cache, "fake", "test")
    gold = dict(outcomes.questions.select("question_id", "gold").rows())
    for n, llm in enumerate(outcomes.llms):
        given = cache.answers("fake", llm).sort("question_id", "sample").group_by("question_id").agg("answer")
        for question, all_ in given.rows():
            row = outcomes.questions["question_id"].index_of(question)
            assert outcomes.labels[row, n] == (majority_vote(all_).answer == gold[question])
            vocabulary = outcomes.vocabulary[row].to_list()
            assert [None if c < 0 else vocabulary[c] for c in outcomes.answers[row, n]] == all_


@pytest.mark.parametrize("shape", [(0, 3, 5), (40, 1, 1), (40, 3, 5), (7, 2, 9)])
def test_made_up_outcomes_are_consistent(shape):
    questions, llms, samples = shape
    outcomes = fake_outcomes(questions, llms, samples, seed=3)
    assert outcomes.answers.shape == shape
    np.testing.assert_array_equal(llm_votes(tally(outcomes.answers)).code == outcomes.gold[:, None], outcomes.labels)
    for row, vocabulary in enumerate(outcomes.vocabulary):
        codes = [code for code in outcomes.answers[row].ravel() if code >= 0]
        assert list(dict.fromkeys(codes)) == list(range(len(set(codes))))  # by first appearance
        assert vocabulary[int(outcomes.gold[row])] == outcomes.questions["gold"][row]
        assert len(vocabulary) == len({*codes, outcomes.gold[row]})
