"""Sampling that stops where the vote is decided, on recorded generations given out by a made-up engine."""

import json
import random
import signal
import subprocess
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fake_engine import fake_weights
from fake_replay import FAKE_REPLAY_WORKER, FakeReplay, fake_recording
from fake_replay_lab import FakeReplayLab
from fakes import fake_questions
from paths import ROOT
from selectllm_engine.evaluation.outcomes import samples_made
from selectllm_engine.evaluation.stop_rules import StopRule, reach
from selectllm_engine.generation.runner import Stop, run
from selectllm_engine.llms import Variant
from selectllm_engine.store import merge
from selectllm_engine.store.cache import Cache, open_cache
from selectllm_engine.store.outcome_arrays import load_outcomes
from selectllm_engine.store.parts import GENERATION_SCHEMA


@pytest.fixture
def replay_lab(tmp_path):
    questions = fake_questions({"test": 60})
    return FakeReplayLab(tmp_path, questions, fake_recording(questions, 20, 1))


def test_votes_are_the_same_from_fewer_samples_and_none_is_too_many(replay_lab):
    assert replay_lab.run()
    outcomes = replay_lab.check_votes()
    made = samples_made(outcomes.answers)[:, 0]
    assert made.min() == 6
    assert made.sum() == replay_lab.cache.sampled("fake", "a").height < 60 * 9
    answers = replay_lab.cache.answers("fake", "a").sort("question_id", "sample")
    for said in answers.group_by("question_id").agg("answer")["answer"]:
        assert reach(said.to_list(), 10, StopRule()) == 10
        assert len(said) == 6 or reach(said.to_list()[:-1], 10, StopRule()) < 10
    assert replay_lab.cache.manifest("fake", "a")["stop"] == {"rule": "decided", "samples": 10}
    assert [fields["done"] for event, fields in replay_lab.events if event == "progress"][-1] == 600


def test_a_finished_run_has_nothing_to_do(replay_lab):
    replay_lab.run()
    before = replay_lab.cache.sampled("fake", "a")
    replay_lab.run()
    assert replay_lab.engine.started is None
    assert replay_lab.cache.sampled("fake", "a").equals(before)


def test_the_engine_stays_full_while_rounds_wait(replay_lab):
    replay_lab.run()
    flight = replay_lab.engine.flight
    assert replay_lab.engine.most <= 8 + 1 + 6
    asked = sum(flight[: int(len(flight) * 0.8)]) / int(len(flight) * 0.8)
    assert asked >= 8


def test_a_larger_k_adds_to_it_and_all_samples_can_still_be_made(replay_lab):
    replay_lab.run(5)
    assert replay_lab.outcomes().samples == 5
    assert 60 * 3 <= replay_lab.cache.sampled("fake", "a").height < 60 * 5
    replay_lab.run(10)
    replay_lab.check_votes()
    replay_lab.run(10, stop=None)
    assert replay_lab.cache.sampled("fake", "a").height == 600
    assert samples_made(replay_lab.check_votes().answers) is None


def test_k_stays_while_all_samples_of_a_larger_k_are_being_made(replay_lab):
    """Without a rule 20 of each are wanted; until they are there, the votes of 10 count."""
    replay_lab.run(10)
    with replay_lab.cache.writer("fake", "a") as writer:
        writer.start({**replay_lab.cache.manifest("fake", "a"), "samples": 20, "stop": None})
    replay_lab.check_votes()


def test_beta_stops_sooner(replay_lab):
    replay_lab.run(20, stop="beta:0.8")
    few = replay_lab.cache.sampled("fake", "a").height
    assert replay_lab.outcomes().samples == 20
    assert replay_lab.outcomes().left_out_total == 0
    replay_lab.run(20)
    assert few < replay_lab.cache.sampled("fake", "a").height
    assert replay_lab.cache.manifest("fake", "a")["stop"] == {"rule": "decided", "samples": 20}


def test_answers_that_are_read_otherwise_make_samples_missing_again(replay_lab, monkeypatch):
    replay_lab.run()
    answers = replay_lab.cache.answers("fake", "a")
    counts = answers.group_by("question_id").len("made").sort("made", "question_id")
    torn, made = counts.row(0)
    changed = answers.with_columns(
        answer=pl.when(pl.col("question_id") == torn).then(pl.col("sample").cast(pl.String)).otherwise("answer")
    )
    monkeypatch.setattr(Cache, "answers", lambda *_args, **_more: changed)
    assert (replay_lab.outcomes().samples, replay_lab.outcomes().left_out_total) == (10, 1)
    replay_lab.run()
    assert replay_lab.cache.sampled("fake", "a").filter(pl.col("question_id") == torn).height > made
    assert (
        replay_lab.cache.sampled("fake", "a").filter(pl.col("question_id") != torn).height
        == counts["made"].sum() - made
    )


def test_killed_at_any_moment_and_resumed(replay_lab):
    replay_lab.run()
    expected = replay_lab.cache.sampled("fake", "a").sort("question_id", "sample")
    again = FakeReplayLab(
        replay_lab.folder / "again", replay_lab.questions, replay_lab.recorded, capacity=2, delay=0.005
    )
    chance, kills = random.Random(4), 0
    for _ in range(8):
        worker = begun(again.spec(10, "decided"))
        for _ in range(chance.randint(1, 40)):  # a moment is a number of events, whatever the machine's speed
            worker.stdout.readline()
        kills += worker.poll() is None
        worker.kill()
        worker.communicate()
    assert kills
    again.run()
    assert again.cache.sampled("fake", "a").sort("question_id", "sample").equals(expected)
    again.check_votes()


def test_shards_killed_and_resumed_join_into_what_one_run_makes(replay_lab):
    replay_lab.run()
    expected = replay_lab.cache.sampled("fake", "a").sort("question_id", "sample")
    base, shards = replay_lab.spec(10, "decided"), []
    for number in (1, 2):
        cache = Cache(replay_lab.folder / f"shard-{number}")
        cache.write_questions("fake", replay_lab.questions)
        recorded = {"a": str(replay_lab.folder / "recorded.parquet")}
        weights = replay_lab.folder / str(number) / "weights"
        fake_weights(weights, recorded=recorded, into=str(cache.root), capacity=2, delay=0.02)
        task = replace(base.tasks[0], shard=(number, 2))
        llm = replace(base.llm, weights=str(weights))
        shards.append((cache, replace(base, llm=llm, cache=str(cache.root), tasks=(task,))))
    chance = random.Random(5)
    for _ in range(3):
        both = [begun(spec) for _, spec in shards]
        for worker in both:
            for _ in range(chance.randint(6, 40)):
                worker.stdout.readline()
        both[0].send_signal(signal.SIGSTOP)  # it keeps its lock
        assert both[0].poll() is None
        (refused,) = [each for each in ended(begun(shards[0][1])) if each["event"] == "failed"]
        assert refused["problem"].startswith("a on fake is being written by process")
        assert refused["remedy"].endswith("each shard has a --cache of its own")
        for worker in both:
            worker.kill()
            worker.communicate()
    joined = Cache(replay_lab.folder / "joined")
    for cache, spec in shards:
        assert not [each for each in ended(begun(spec)) if each["event"] == "failed"]
        assert not cache.verify()
        merge(joined, cache, "fake")
    assert joined.sampled("fake", "a").sort("question_id", "sample").equals(expected)
    assert joined.manifest("fake", "a")["stop"] == {"rule": "decided", "samples": 10}
    assert not joined.verify()
    assert (replay_lab.outcomes(joined).labels == replay_lab.outcomes().labels).all()


def begun(spec):
    """A worker process that has its orders."""
    worker = subprocess.Popen(
        FAKE_REPLAY_WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    worker.stdin.write(spec.to_json().encode() + b"\n")
    worker.stdin.flush()
    return worker


def ended(worker):
    """All that it told, when it has ended by itself."""
    told = [json.loads(line) for line in worker.stdout]
    worker.communicate()
    return told


def test_a_thousand_random_questions(tmp_path):
    questions = fake_questions({"test": 1000})
    replay_lab = FakeReplayLab(tmp_path, questions, fake_recording(questions, 10, 2), capacity=256)
    replay_lab.run()
    assert samples_made(replay_lab.check_votes().answers).min() == 6


@pytest.mark.parametrize("llm", ["qwen2.5-coder-1.5b-it", "smollm2-135m-it"])
def test_the_recorded_run_replayed(llm, tmp_path):
    recorded = open_cache(ROOT / "cache")
    questions = recorded.questions("reasoning").filter(pl.col("split") == "test")
    rows = recorded.generations("reasoning", llm)
    rows = rows.filter(pl.col("question_id").is_in(questions["question_id"].implode())).select(*GENERATION_SCHEMA)
    replay_lab = FakeReplayLab(tmp_path, questions, rows, samples=5, capacity=256)
    replay_lab.run(5)
    part = replay_lab.outcomes()
    whole = load_outcomes(recorded, "reasoning", "test", llms=[llm])
    assert part.samples == whole.samples == 5
    assert (part.labels == whole.labels).all()
    assert np.isin(samples_made(part.answers), [3, 4, 5]).all()


def test_variants_stop_by_votes_of_their_own(tmp_path):
    """Loaded once, an LLM and its variant are asked for what each of them lacks."""
    questions = fake_questions({"test": 60})
    replay_lab = FakeReplayLab(tmp_path, questions, fake_recording(questions, 20, 1))
    other = fake_recording(questions, 20, 2)
    other.write_parquet(tmp_path / "other.parquet")
    recorded = {"a": str(tmp_path / "recorded.parquet"), "a/hot": str(tmp_path / "other.parquet")}
    fake_weights(tmp_path / "weights", recorded=recorded, into=str(replay_lab.cache.root))
    hot = replace(replay_lab.spec(10, None).llm, name="a/hot", variant=Variant(of="a", changes={"temperature": 1.5}))
    engines = []

    def load(_, folder):
        engines.append(FakeReplay(folder))
        return engines[-1]

    for samples in (5, 10):
        spec = replay_lab.spec(samples, "decided")
        both = replace(spec, tasks=(*spec.tasks, replace(spec.tasks[0], llm=hot)))
        assert run(both, replay_lab.cache, load_engine=load, emit=lambda *_, **__: None, stop=Stop())
    assert len(engines) == 2
    assert replay_lab.cache.sampled("fake", "a").height != replay_lab.cache.sampled("fake", "a/hot").height
    for name, texts in {"a": replay_lab.recorded, "a/hot": other}.items():
        rows = replay_lab.cache.answers("fake", name).sort("question_id", "sample")
        for question_id, said in rows.group_by("question_id").agg("answer").iter_rows():
            assert reach(said, 10, StopRule()) == 10, question_id
        made = replay_lab.cache.generations("fake", name).select("question_id", "sample", "text")
        assert made.join(texts, on=made.columns).height == made.height
