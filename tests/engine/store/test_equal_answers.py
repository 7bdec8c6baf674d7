"""Answers that are written differently and equal: by aliases, and by math-verify in its own process."""

import resource
from contextlib import contextmanager

import polars as pl
import pytest

from fakes import fake_manifest
from selectllm_engine.benchmarks import question_frame
from selectllm_engine.store import Cache, load_outcomes, verdict_counts
from selectllm_engine.store import equal_answers as equal_answers_module
from selectllm_engine.store import mathematics as mathematics_module
from selectllm_engine.store.equal_answers import EqualExpressions, by_alias
from selectllm_engine.store.mathematics import Mathematics

HOSTILE = "10^(10^(10))"
LIMIT = 1.0  # seconds of processor time


def questions(kind="expression", **golds):
    rows = [
        {"question_id": name, "split": "test", "text": name, "gold": gold, "kind": kind} for name, gold in golds.items()
    ]
    return question_frame({"subject": None, "choices": None, **row} for row in rows)


def answers(*pairs):
    rows = [(question, sample, answer) for sample, (question, answer) in enumerate(pairs)]
    return pl.DataFrame(rows, {"question_id": pl.String, "sample": pl.Int32, "answer": pl.String}, orient="row")


def write(cache, asked, said):
    """A run of LLMs with these texts, sample by sample, on every question."""
    cache.write_questions("own", asked)
    for llm, texts in said.items():
        with cache.writer("own", llm) as writer:
            writer.start(fake_manifest(llm))
            rows = [
                (name, sample, text, 5, 5, "stop") for name in asked["question_id"] for sample, text in enumerate(texts)
            ]
            schema = ("question_id", "sample", "text", "prompt_tokens", "output_tokens", "finish_reason")
            writer.append(pl.DataFrame(rows, schema, orient="row"), {"engine": "fake"})


@pytest.fixture
def counted(monkeypatch):
    """The pairs that math-verify is asked about."""
    pairs = []
    equal = Mathematics.equal
    monkeypatch.setattr(Mathematics, "equal", lambda self, *pair: (pairs.append(pair), equal(self, *pair))[1])
    return pairs


@contextmanager
def processor_time(seconds):
    """At most so many seconds of processor time of processes that ended meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= seconds


def test_votes_are_over_classes_of_equal_answers(tmp_path, counted):
    cache = Cache(tmp_path)
    said = {
        "a": ["The answer is $1+x$.", r"\boxed{x+1}", r"\boxed{2x}"],
        "b": [r"\boxed{3}", r"\boxed{x\cdot 2}", r"\boxed{2x}"],
    }
    write(cache, questions(q="x+1"), said)
    outcomes = load_outcomes(cache, "own", "test")
    assert outcomes.vocabulary.to_list() == [["x+1", "2x", "3"]]
    assert outcomes.answers.tolist() == [[[0, 0, 1], [2, 1, 1]]]
    assert outcomes.labels.tolist() == [[True, False]]
    asked = len(counted)
    again = Cache(tmp_path)
    assert load_outcomes(again, "own", "test").answers.tolist() == outcomes.answers.tolist()
    assert len(counted) == asked  # what was found is kept
    assert not again.news
    assert verdict_counts(again, "own", "a")["own_right"].to_list() == [1]


def test_without_math_verify_it_is_said_once_and_forms_are_compared(tmp_path, monkeypatch):
    for module in (equal_answers_module, mathematics_module):
        monkeypatch.setattr(module, "math_version", lambda: None)
    cache = Cache(tmp_path)
    write(cache, questions(q="x+1"), {"a": ["The answer is $1+x$."], "b": [r"\boxed{x + 1}"]})
    outcomes = load_outcomes(cache, "own", "test")
    assert outcomes.labels.tolist() == [[False, True]]
    assert [each for each in cache.news if "pip install 'selectllm[math]'" in each] == cache.news
    assert len(cache.news) == 1
    counts = verdict_counts(cache, "own", "a")["own_right"].to_list()
    monkeypatch.undo()
    assert (counts, verdict_counts(Cache(tmp_path), "own", "a")["own_right"].to_list()) == ([0], [1])


def test_a_hostile_answer_costs_at_most_the_limit(tmp_path):
    said = answers(("q", HOSTILE), ("q", "x+1"), ("q", HOSTILE), ("r", HOSTILE))
    equal = EqualExpressions(tmp_path, writable=True, limit=LIMIT)
    with processor_time(2 * (LIMIT + 20)):  # it is started twice, which takes some seconds on a slow machine
        found = equal.apply(said, questions(q="1+x", r="2"))
    assert found["answer"].to_list() == [HOSTILE, "1+x", HOSTILE, HOSTILE]


def test_a_hostile_gold_answer_is_compared_once(tmp_path, counted):
    said = answers(("q", "x+1"), ("q", "1+x"), ("q", "2"))
    found = EqualExpressions(tmp_path, writable=True, limit=LIMIT).apply(said, questions(q=HOSTILE))
    assert found["answer"].to_list() == ["x+1", "x+1", "2"]
    assert sum(HOSTILE in pair for pair in counted) == 2  # with the first answer, and alone


def test_questions_without_a_gold_answer_have_classes_too(tmp_path):
    said = answers(("q", "x+1"), ("q", "1+x"), ("r", "1+x"))
    found = EqualExpressions(tmp_path, writable=False).apply(said, questions(q=None, r=None))
    assert found["answer"].to_list() == ["x+1", "x+1", "1+x"]
    assert not list(tmp_path.iterdir())


def test_a_process_that_ended_is_started_again():
    with Mathematics(LIMIT) as mathematics:
        assert mathematics.equal("7", HOSTILE) is None
        assert mathematics.equal("x+1", "1+x")
        assert mathematics.equal("3", "4") is False


def test_an_alias_is_the_gold_answer():
    said = answers(("q", "rhodes"), ("q", "isle"), ("q", None), ("q", "island of rhodes"))
    found = by_alias(said, questions("text", q="island of rhodes | rhodes", r="crete"))
    gold = "island of rhodes | rhodes"
    assert found["answer"].to_list() == [gold, "isle", None, gold]
    assert found.columns == said.columns


def test_other_kinds_are_left_alone(tmp_path, counted):
    cache = Cache(tmp_path)
    write(cache, questions("word", q="x | y"), {"a": ["The answer is x."]})
    assert cache.answers("own", "a")["answer"].to_list() == ["x"]
    assert not counted
