"""What workers are told, which questions are chosen, which samples are missing."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import fake_questions
from selectllm_engine.benchmarks import Exemplar
from selectllm_engine.errors import UnknownNameError
from selectllm_engine.generation.spec import Task, WorkerSpec, choose_questions, missing_samples
from selectllm_engine.llms import LLM, STUDY, Sampling, Variant, Wording


@pytest.mark.parametrize(
    "llm", [STUDY[0], LLM(name="a", weights="/b", sampling=Sampling(stop=("x", "y")), wording=Wording(system="s"))]
)
def test_a_spec_survives_json(llm):
    exemplars = (Exemplar("1 + 1?", "2"), Exemplar("Which?", "A", choices=("p", "q"), rationale="so", subject="s"))
    task = Task(benchmark="b", samples=3, terse=True, splits=("test",), limit=4, exemplars=exemplars, no_exemplars="n")
    variant = replace(llm, name=f"{llm.name}/v", variant=Variant(of=llm.name, changes={"stop": ("z",), "top_k": 3}))
    other = Task(benchmark="d", samples=1, terse=False, llm=variant)
    spec = WorkerSpec(llm=llm, cache="/c", tasks=(task, other), seed=7)
    line = spec.to_json()
    assert "\n" not in line
    read = WorkerSpec.from_json(line)
    assert read == spec
    assert [read.llm_of(each) for each in read.tasks] == [llm, variant]


def test_the_first_questions_of_each_split_are_chosen():
    questions = fake_questions({"train": 5, "validation": 1, "test": 4})
    chosen = choose_questions(questions, ("test", "train"), 2)
    assert chosen["question_id"].to_list() == ["train-0", "train-1", "test-0", "test-1"]
    assert choose_questions(questions, (), None).equals(questions)
    with pytest.raises(UnknownNameError, match="did you mean 'test'"):
        choose_questions(questions, ("tset",), None)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 6)), max_size=30),
    st.lists(st.sampled_from("abcde"), unique=True),
    st.integers(0, 7),
)
def test_missing_and_existing_samples_make_exactly_k(existing, ids, samples):
    sampled = pl.DataFrame(existing, schema={"question_id": pl.String, "sample": pl.Int32}, orient="row")
    missing = missing_samples(ids, sampled, samples)
    assert [each for each, _ in missing] == [each for each in ids if each in dict(missing)]
    for question_id in ids:
        made = dict(missing).get(question_id, ())
        had = {sample for each, sample in existing if each == question_id and sample < samples}
        assert sorted([*made, *had]) == list(range(samples))
