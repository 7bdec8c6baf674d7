"""A run whose LLMs were sampled until their votes were decided, beside the same run with all samples."""

import numpy as np
import polars as pl
import pytest

import selectllm_engine
from fakes import fake_manifest, write_fake_run
from selectllm_engine.evaluation import StopRule, next_round, pooled_votes
from selectllm_engine.exporters.results import export_results, wide_results
from selectllm_engine.importers.routerbench import import_routerbench
from selectllm_engine.store import Cache, merge, stop_of

LLMS = ("fake-a", "fake-b", "fake-c")


def write_stopped_run(root, whole, samples=10, **stop):
    """The samples of `whole` that rounds would have made, of all but the last LLM."""
    cache = Cache(root)
    cache.write_questions("fake", whole.questions("fake"))
    for number, llm in enumerate(LLMS):
        rows, answers = whole.generations("fake", llm), whole.answers("fake", llm).sort("question_id", "sample")
        if llm != LLMS[-1]:
            keep = {}
            for question_id, said in answers.group_by("question_id").agg("answer").iter_rows():
                keep[question_id] = 0
                while more := next_round(said[: keep[question_id]], samples, StopRule()):
                    keep[question_id] += more
            rows = rows.filter(pl.col("sample") < pl.col("question_id").replace_strict(keep))
        with cache.writer("fake", llm) as writer:
            rule = {"stop": {"rule": "decided", "samples": samples, **stop}} if llm != LLMS[-1] else {}
            writer.start(fake_manifest(llm, created=f"2026-01-01T00:00:{number:02d}", samples=samples, **rule))
            writer.append(rows, {})
    return cache


@pytest.fixture
def whole(tmp_path):
    write_fake_run(tmp_path / "whole", samples=10)
    return selectllm_engine.load(cache=tmp_path / "whole", benchmark="fake")


@pytest.fixture
def stopped(tmp_path, whole):
    write_stopped_run(tmp_path / "stopped", whole.cache)
    return selectllm_engine.load(cache=tmp_path / "stopped", benchmark="fake")


def rows(run, **more):
    return {row.name: row for row in run.evaluate(**more)}


def test_own_votes_stay_and_what_needs_all_samples_is_null(whole, stopped):
    for k in (10, 7, 3):
        before, after = rows(whole, k=k), rows(stopped, k=k)
        for llm in LLMS:
            assert after[llm].accuracy == before[llm].accuracy
    before, after = rows(whole), rows(stopped)
    assert "repeatable" in before
    assert "repeatable" not in after
    made = [stopped.cache.sampled("fake", llm).height / 130 for llm in LLMS]
    test = stopped.questions.filter(pl.col("split") == "test")["question_id"]
    of_test = stopped.cache.sampled("fake", "fake-a").filter(pl.col("question_id").is_in(test.implode())).height / 40
    assert made[0] < 10 == made[2]
    assert after["fake-a"].note == f"same votes from {of_test:.1f} of 10 samples"
    assert after["fake-c"].note is None
    assert stopped.outcomes("test").samples == 10
    assert stopped.outcomes("test").left_out_total == 0


@pytest.mark.parametrize("name", ["all-llms", "learned-vote", "mine cascade", "mine top-m", "mine vote:auto"])
def test_votes_of_several_say_that_they_are_shared_out(whole, stopped, name):
    how = {"router": {"mine": np.full((40, 3), 0.5)}, "policy": ["cascade", "top-m", "vote:auto"]}
    found = rows(stopped, **how)[name]
    assert found.accuracy == pytest.approx(rows(whole, **how)[name].accuracy, abs=0.15)
    if found.llms_per_question > 1:
        assert "samples made of it" in found.note


def test_a_question_shows_the_vote_that_counts(stopped):
    outcomes = stopped.outcomes("test")
    view = stopped.view()
    voted = pooled_votes(view.prepared.tally, np.ones(3, dtype=bool)).code
    for place, question_id in enumerate(outcomes.questions["question_id"]):
        seen = stopped.question(question_id)
        words = outcomes.vocabulary[place].to_list()
        assert seen.together.vote.answer == (None if voted[place] < 0 else words[voted[place]])
        made = [sum(count for _, count in each.votes) + each.silent for each in seen.llms]
        assert made == view.prepared.made[place].tolist()


def test_joined_with_the_rest_it_is_whole(whole, stopped):
    merge(stopped.cache, whole.cache, "fake")
    assert stopped.cache.sampled("fake", "fake-a").height == 1300
    again = selectllm_engine.load(cache=stopped.cache.root, benchmark="fake")
    assert rows(again) == rows(whole)


def test_a_rule_of_a_later_version_counts_for_nothing(tmp_path, whole):
    cache = write_stopped_run(tmp_path / "later", whole.cache, rule="by the moon")
    assert selectllm_engine.load(cache=cache.root, benchmark="fake").outcomes("test").samples < 10


def test_a_number_of_samples_that_makes_no_sense_is_found(tmp_path, whole):
    cache = write_stopped_run(tmp_path / "odd", whole.cache, samples=10)
    with cache.writer("fake", "fake-a") as writer:
        writer.update(stop={"rule": "decided", "samples": -1})
    (problem,) = cache.verify("fake")
    assert "stop.samples -1" in problem.what


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_exported_and_imported_again_it_is_the_same_run(tmp_path, stopped, suffix):
    done = export_results(stopped, tmp_path / f"stopped{suffix}")
    assert not done.notes
    cache = Cache(tmp_path / "again")
    notes = import_routerbench(cache, done.path, "fake").notes
    assert not notes
    assert [stop_of(cache.manifest("fake", llm)) for llm in LLMS] == [(StopRule(), 10), (StopRule(), 10), None]
    assert [cache.manifest("fake", llm)["samples"] for llm in LLMS] == [10, 10, 10]
    again = selectllm_engine.load(cache=cache.root, benchmark="fake")
    for split in stopped.splits:
        before, after = stopped.outcomes(split), again.outcomes(split)
        assert (after.samples, after.left_out_total) == (before.samples, 0) == (10, 0)
        assert (after.labels == before.labels).all()
        assert (after.answers == before.answers).all()
    assert rows(again) == rows(stopped, router=[])
    assert not cache.verify()


@pytest.mark.parametrize("said", ["decided", "by the moon of 10", "decided of -1", "decided of 99999999999", "of", ""])
def test_a_file_that_does_not_say_by_which_rule_is_told_of(tmp_path, stopped, said):
    frame = wide_results(stopped).with_columns(
        pl.when(pl.col("fake-a").is_not_null()).then(pl.lit(said)).alias("fake-a|stop")
    )
    frame.write_parquet(tmp_path / "odd.parquet")
    cache = Cache(tmp_path / "odd")
    (note,) = import_routerbench(cache, tmp_path / "odd.parquet", "fake").notes
    assert note.startswith(f"fake-a|stop says {said or 'nothing'}")
    assert note.endswith("K is the number of samples that are there")
    assert stop_of(cache.manifest("fake", "fake-a")) is None
    assert stop_of(cache.manifest("fake", "fake-b")) == (StopRule(), 10)


def test_two_exports_of_different_rules_in_one_file_are_told_of(tmp_path, stopped):
    frame = wide_results(stopped)
    other = pl.lit("beta:0.9 of 20").alias("fake-a|stop")
    pl.concat([frame, frame.with_columns(other).filter(pl.col("sample") == 0)]).write_csv(tmp_path / "two.csv")
    (note,) = import_routerbench(Cache(tmp_path / "two"), tmp_path / "two.csv", "fake").notes[:1]
    assert note.startswith("fake-a|stop says beta:0.9 of 20 and decided of 10, not by which one rule")
