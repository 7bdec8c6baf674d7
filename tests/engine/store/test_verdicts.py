"""Recorded scores on disk: what is left out of a file is there again when it is read, or the file is refused."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.errors import DamagedError
from selectllm_engine.importers.assembly import store
from selectllm_engine.importers.records import Record
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.question_table import QuestionIds
from selectllm_engine.store.verdicts import VERDICT_SCHEMA, read_verdicts, write_verdicts

IDS = [f"q-{number}" for number in range(6)]


def known(ids=IDS):
    return QuestionIds(pl.Series(ids, dtype=pl.String))


def verdicts(ids, *, samples=0, scores=1.0, **more):
    frame = pl.DataFrame({"question_id": ids}).with_columns(sample=pl.lit(samples), score=pl.lit(scores), **more)
    missing = {name: pl.lit(None) for name in VERDICT_SCHEMA if name not in frame.columns}
    return frame.with_columns(**missing).select(VERDICT_SCHEMA.names()).cast(dict(VERDICT_SCHEMA))


@given(
    ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=6, unique=True),
    samples=st.sampled_from([0, 1]),
    scores=st.lists(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=6, max_size=6),
    answers=st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=6, max_size=6),
    order=st.sampled_from([[], IDS]),
)
def test_what_is_written_is_read(tmp_path_factory, ids, samples, scores, answers, order):
    path = tmp_path_factory.mktemp("verdicts") / "verdicts.parquet"
    columns = {"score": pl.Series(scores[: len(ids)]), "answer": pl.Series(answers[: len(ids)], dtype=pl.String)}
    rows = verdicts(ids, samples=samples).with_columns(**columns)
    write_verdicts(path, rows, known(order))
    assert read_verdicts(path, known).equals(rows, null_equal=True)


def test_what_says_nothing_new_is_left_out(tmp_path):
    path = tmp_path / "verdicts.parquet"
    write_verdicts(path, verdicts(IDS), known())
    assert pl.read_parquet_schema(path) == {"score": pl.Boolean}
    write_verdicts(path, verdicts(IDS[1:], samples=1, scores=0.5), known())
    assert set(pl.read_parquet_schema(path)) == {"question_id", "sample", "score"}


@pytest.mark.parametrize("others", [IDS[::-1], IDS[:3], ["x", *IDS[1:]], []])
def test_a_file_about_other_questions_is_refused(tmp_path, others):
    write_verdicts(tmp_path / "verdicts.parquet", verdicts(IDS[:4]), known())
    assert read_verdicts(tmp_path / "verdicts.parquet", lambda: known([*IDS, "more"])).height == 4
    with pytest.raises(DamagedError, match="about other questions"):
        read_verdicts(tmp_path / "verdicts.parquet", lambda: known(others))


def bring(cache, llm, numbers):
    rows = [Record(llm=llm, question=f"What is {n}?", key=f"k{n}", score=n % 2) for n in numbers]
    return store(cache, "b", rows, source="x", origin={"digest": llm})


def test_llms_that_come_later_know_some_of_the_questions_and_add_others(tmp_path):
    cache = Cache(tmp_path)
    bring(cache, "a", range(6))
    bring(cache, "some", [4, 2])
    done = bring(cache, "others", [9, 5, 8])
    assert done.splits == {"test": 3}
    assert done.notes[0] == "2 questions are new to b: its other LLMs lack them"
    assert cache.questions("b")["question_id"].to_list() == [*(f"k{n}" for n in range(6)), "k9", "k8"]
    for llm, numbers in (("a", range(6)), ("some", [4, 2]), ("others", [9, 5, 8])):
        found = dict(cache.verdicts("b", llm).select("question_id", "score").iter_rows())
        assert found == {f"k{n}": n % 2 for n in numbers}
    assert "question_id" not in pl.read_parquet_schema(tmp_path / "b" / "llms" / "a" / "verdicts.parquet")
    assert cache.verify() == []


def test_new_questions_come_after_those_that_are_there(tmp_path):
    cache = Cache(tmp_path)
    bring(cache, "a", [1, 2])
    frame = cache.questions("b")
    new = frame.with_columns(question_id=pl.lit("new ") + pl.col("question_id"))
    cache.write_questions("b", pl.concat([new, frame]))
    assert cache.questions("b")["question_id"].to_list() == ["k1", "k2", "new k1", "new k2"]
    assert cache.verdicts("b", "a")["question_id"].to_list() == ["k1", "k2"]


def test_verify_tells_scores_of_another_benchmark_from_those_of_damaged_questions(tmp_path):
    cache = Cache(tmp_path)
    bring(cache, "a", [1, 2])
    other = Cache(tmp_path / "other")
    bring(other, "a", [2, 1])
    scores = tmp_path / "b" / "llms" / "a" / "verdicts.parquet"
    scores.write_bytes((tmp_path / "other" / "b" / "llms" / "a" / "verdicts.parquet").read_bytes())
    (problem,) = cache.verify("b")
    assert problem.path == scores
    assert "about other questions" in problem.what
    (tmp_path / "b" / "questions.parquet").write_bytes(b"damaged")
    (problem,) = cache.verify("b")
    assert problem.path.name == "questions.parquet"
