"""One LLM's worker from lock to cache, with a made-up engine in this process."""

import threading
import time
from dataclasses import replace

import polars as pl
import pytest

from fake_engine import FakeEngine, fake_weights
from fakes import fake_questions
from selectllm_engine.benchmarks import Exemplar
from selectllm_engine.errors import CacheError, EngineError, SettingsMismatchError
from selectllm_engine.generation.keeper import Keeper, Periods
from selectllm_engine.generation.runner import Stop, run
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Sampling
from selectllm_engine.store import Cache, Writer
from selectllm_engine.store.parts import part_metadata

EXEMPLARS = tuple(Exemplar(f"What is {n} + 1?", str(n + 1)) for n in range(6))


def wait_until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")


class RunnerLab:
    """A cache with questions and an LLM's weights; `run` gives what was told and keeps the engine."""

    def __init__(self, folder):
        self.cache = Cache(folder / "cache")
        self.cache.write_questions("fake", fake_questions({"train": 10, "test": 6}))
        self.folder = folder / "weights"
        fake_weights(self.folder)

    def run(self, *, samples=3, benchmarks=("fake",), stop=None, emit=None, llm=None, behaviour=None, **fields):
        spec_fields = {key: fields.pop(key) for key in ("seed", "remeasure") if key in fields}
        intervals = Periods(**fields.pop("intervals", {}))
        task = {"samples": samples, "terse": True, "exemplars": EXEMPLARS, **fields}
        spec = WorkerSpec(
            llm=llm or LLM(name="a", weights=str(self.folder), parameters=1.0),
            cache=str(self.cache.root),
            tasks=tuple(Task(benchmark=each, **task) for each in benchmarks),
            **spec_fields,
        )
        self.events = []
        self.engine = None

        def told(event, /, **fields):
            self.events.append((event, fields))
            if emit:
                emit(event, **fields)

        def load(spec, folder):
            assert spec.engine == "vllm"
            self.engine = FakeEngine(folder)
            self.engine.behaviour |= behaviour or {}
            return self.engine

        return run(spec, self.cache, load_engine=load, emit=told, stop=stop or Stop(), intervals=intervals)

    def rows(self, benchmark="fake"):
        return self.cache.generations(benchmark, "a").sort("question_id", "sample")

    def check(self, samples, questions=16, benchmark="fake"):
        """Exactly so many samples of each question, none twice, in any part."""
        rows = self.rows(benchmark)
        parts = self.cache.parts(benchmark, "a").listed()
        assert sum(pl.read_parquet(part.path).height for part in parts) == rows.height
        counts = rows.group_by("question_id").agg(pl.col("sample").sort())
        assert counts.height == questions
        assert counts["sample"].to_list() == [list(range(samples))] * questions

    def failures(self):
        return [fields for event, fields in self.events if event == "failed"]


@pytest.fixture
def runner_lab(tmp_path):
    return RunnerLab(tmp_path)


def test_everything_that_is_missing_is_made(runner_lab):
    assert runner_lab.run()
    runner_lab.check(3)
    manifest = runner_lab.cache.manifest("fake", "a")
    assert manifest["samples"] == 3
    assert manifest["chat"] is True
    assert manifest["prompt"]["style"] == "zero-shot"
    assert manifest["sampling"]["max_tokens"] == 48
    assert manifest["weights"]["id"] == "weights"
    assert manifest["parameters"] == 1.0
    assert manifest["latency"]["c"] == pytest.approx(0.02, abs=1e-4)
    (part,) = runner_lab.cache.parts("fake", "a").listed()
    (metadata,) = part_metadata(part.path)
    assert metadata["engine"] == "fake 1"
    assert {"program", "python", "hardware", "seed", "time"} <= set(metadata)
    assert str(runner_lab.cache.root) not in str(manifest) + str(metadata)
    assert runner_lab.rows()["prompt_tokens"].min() > 10
    assert ("task", {"benchmark": "fake", "done": 0, "total": 48}) in runner_lab.events
    assert runner_lab.events[-1][0] == "latency"


def test_progress_begins_with_the_first_step(runner_lab):
    begun = []
    runner_lab.run(
        emit=lambda event, **fields: begun.append((runner_lab.engine.steps, fields)) if event == "progress" else None
    )
    assert begun[0] == (0, {"benchmark": "fake", "done": 0, "tokens": 0})
    runner_lab.run(samples=4, emit=lambda event, **fields: begun.append(fields) if event == "progress" else None)
    assert {"benchmark": "fake", "done": 48, "tokens": 0} in begun


def test_the_engine_is_kept_full_but_not_flooded(runner_lab):
    runner_lab.run()
    assert 8 <= runner_lab.engine.most <= 8 + 1 + 3
    assert runner_lab.engine.steps < 48 * 6 / 8 * 1.5


def test_an_engine_that_computes_in_batches_gets_the_longest_prompts_first(runner_lab):
    runner_lab.run()
    assert runner_lab.engine.submitted != sorted(runner_lab.engine.submitted, reverse=True)
    fake_weights(runner_lab.folder, by_length=True)
    runner_lab.run(samples=5)
    assert runner_lab.engine.submitted == sorted(runner_lab.engine.submitted, reverse=True)
    runner_lab.check(5)


def test_what_exists_is_not_made_again_and_nothing_is_loaded_for_nothing(runner_lab):
    runner_lab.run()
    before = runner_lab.rows()
    assert runner_lab.run()
    assert runner_lab.rows().equals(before)
    assert runner_lab.engine.started is None


def test_more_samples_and_more_questions_extend(runner_lab):
    runner_lab.run(samples=2, limit=3)
    runner_lab.check(2, questions=6)
    before = runner_lab.rows()
    runner_lab.run(samples=5, limit=3, splits=("test",))
    runner_lab.run(samples=5)
    runner_lab.check(5)
    kept = runner_lab.rows().join(before, on=["question_id", "sample"], how="semi").sort("question_id", "sample")
    assert kept.equals(before)
    assert runner_lab.cache.manifest("fake", "a")["samples"] == 5


def test_added_samples_are_fresh_draws(runner_lab):
    for samples in (2, 4, 6):
        runner_lab.run(samples=samples)
    texts = runner_lab.rows()["text"]
    assert texts.n_unique() == len(texts), "a draw was repeated"


def test_the_same_seed_gives_the_same_samples_and_another_others(runner_lab, tmp_path):
    again, other = RunnerLab(tmp_path / "again"), RunnerLab(tmp_path / "other")
    runner_lab.run(seed=5)
    again.run(seed=5)
    other.run(seed=6)
    assert runner_lab.rows().equals(again.rows())
    assert not runner_lab.rows()["text"].is_in(other.rows()["text"].implode()).any()


def test_a_hole_is_filled(runner_lab):
    runner_lab.run(samples=3)
    (part,) = runner_lab.cache.parts("fake", "a").listed()
    whole = pl.read_parquet(part.path)
    part.path.unlink()
    with runner_lab.cache.writer("fake", "a") as writer:
        writer.append(whole.filter(pl.int_range(pl.len()) % 4 != 1), {})
    runner_lab.run(samples=3)
    runner_lab.check(3)


@pytest.mark.parametrize(
    "other",
    [
        {"sampling": Sampling(max_tokens=10)},
        {"prompt": "few-shot"},
        {"chat": False, "prompt": "zero-shot"},
        {"thinking": False},
    ],
)
def test_other_settings_are_refused(runner_lab, other):
    runner_lab.run()
    before = runner_lab.rows()
    assert not runner_lab.run(samples=5, llm=LLM(name="a", weights=str(runner_lab.folder), **other))
    assert "made with other settings" in runner_lab.failures()[0]["problem"]
    assert runner_lab.engine.started is None
    assert runner_lab.rows().equals(before)


def test_thinking_is_a_sampling_setting_of_chat_prompts(runner_lab):
    llm = LLM(name="a", weights=str(runner_lab.folder), thinking="low")
    assert runner_lab.run(llm=llm)
    assert runner_lab.cache.manifest("fake", "a")["sampling"]["thinking"] == "low"
    assert not runner_lab.run(samples=5, llm=LLM(name="a", weights=str(runner_lab.folder), thinking=True))
    assert "made with other settings" in runner_lab.failures()[0]["problem"]
    assert not runner_lab.run(llm=LLM(name="b", weights=str(runner_lab.folder), thinking=True, prompt="few-shot"))
    assert "only a chat template can be told about thinking" in runner_lab.failures()[-1]["problem"]


def test_other_weights_are_refused_and_moved_ones_are_not(runner_lab, tmp_path):
    runner_lab.run(samples=1)
    runner_lab.folder = runner_lab.folder.rename(tmp_path / "elsewhere")
    assert runner_lab.run(samples=2)
    (runner_lab.folder / "tokenizer.json").write_text("{}")
    assert not runner_lab.run(samples=3)
    assert "fingerprint" in runner_lab.failures()[0]["problem"]


def test_base_llms_get_exemplars(runner_lab):
    fake_weights(runner_lab.folder, chat=False)
    assert runner_lab.run()
    assert runner_lab.cache.manifest("fake", "a")["prompt"]["style"] == "few-shot"
    shown = [prompt.count("<END_QUESTION>") - 1 for prompt in runner_lab.engine.prompts]
    assert shown == [5] * 16 + [5, 4, 3, 2, 1] * 3 + [5], "five exemplars; fewer in prompts to time, so lengths differ"


def test_missing_exemplars_are_told(runner_lab):
    fake_weights(runner_lab.folder, chat=False)
    assert not runner_lab.run(exemplars=(), no_exemplars="the hub is away; name files")
    (failure,) = runner_lab.failures()
    assert failure["problem"] == "few-shot prompts need exemplars of fake: the hub is away; name files"
    assert not runner_lab.run(exemplars=())
    assert runner_lab.failures()[0]["remedy"] == "take zero-shot prompts: --prompt zero-shot"


def test_a_failing_benchmark_does_not_stop_the_others(runner_lab):
    runner_lab.cache.write_questions("second", fake_questions({"test": 5}))
    runner_lab.cache.write_questions("third", fake_questions({"test": 4}))
    with Cache(runner_lab.cache.root).writer("second", "a"):
        assert not runner_lab.run(benchmarks=("fake", "second", "third"))
    (failure,) = runner_lab.failures()
    assert failure["benchmark"] == "second"
    assert "is being written by" in failure["problem"]
    runner_lab.check(3)
    runner_lab.check(3, questions=4, benchmark="third")


def test_a_full_disk_in_one_benchmark_spoils_no_other(runner_lab, monkeypatch):
    runner_lab.cache.write_questions("second", fake_questions({"test": 5}))
    append = Writer.append

    def full(writer, rows, metadata):
        if writer.folder.parts[-3] == "fake":
            raise CacheError("cannot write: No space left on device", "free some space")
        append(writer, rows, metadata)

    monkeypatch.setattr(Writer, "append", full)
    assert not runner_lab.run(benchmarks=("fake", "second"), intervals={"write": 0})
    assert [(each["benchmark"], each["remedy"]) for each in runner_lab.failures()] == [("fake", "free some space")]
    runner_lab.check(3, questions=5, benchmark="second")
    monkeypatch.undo()
    assert runner_lab.run()
    runner_lab.check(3)


def test_prompts_that_do_not_fit_are_counted_and_left_out(runner_lab):
    runner_lab.run()
    lengths = sorted({len(prompt.split()) for prompt in runner_lab.engine.prompts})
    fake_weights(runner_lab.folder, context=lengths[-2] + 48)
    runner_lab.run(samples=1, llm=LLM(name="b", weights=str(runner_lab.folder)))
    (skipped,) = [fields for event, fields in runner_lab.events if event == "skipped"]
    made = runner_lab.cache.sampled("fake", "b").height
    assert skipped["questions"] == 16 - made > 0
    assert made > 0


def test_a_failing_engine_loses_nothing_that_was_finished(runner_lab):
    assert not runner_lab.run(samples=5, behaviour={"fail_after": 12})
    (failure,) = runner_lab.failures()
    assert failure["problem"] == "the engine failed (RuntimeError: the fake device is gone)"
    made = runner_lab.rows().height
    assert 0 < made < 80
    runner_lab.run(samples=5)
    runner_lab.check(5)


def test_an_engine_that_does_not_load(runner_lab):
    with pytest.raises(EngineError, match="no room; take another"):
        runner_lab.run(behaviour={"load_error": "no room"})
    runner_lab.run()
    runner_lab.check(3)


@pytest.mark.parametrize("level", [1, 2])
def test_stopping(runner_lab, level):
    stop = Stop()
    seen = []

    def emit(event, **fields):
        if event == "progress" and fields["done"] >= 10 and not stop.level:
            stop.level = level
            seen.append((fields["done"], runner_lab.engine.unfinished(), len(runner_lab.engine._queue)))

    runner_lab.run(samples=4, stop=stop, emit=emit, intervals={"report": 0})
    ((done, unfinished, requests),) = seen
    assert unfinished
    made = runner_lab.rows().height
    assert made == done + 4 * requests if level == 1 else made == done
    assert runner_lab.cache.manifest("fake", "a")["latency"] is None
    runner_lab.run(samples=4)
    runner_lab.check(4)


def test_results_are_flushed_on_the_way(runner_lab):
    behind = []

    def emit(event, **fields):
        if event == "progress":
            behind.append(fields["done"] - runner_lab.cache.sampled("fake", "a").height)

    runner_lab.run(emit=emit, intervals={"write": 0, "report": 0})
    assert len(behind) > 5
    assert set(behind) == {0}


def test_results_are_flushed_while_a_step_takes_long(runner_lab, monkeypatch):
    step = FakeEngine.step
    seen = []

    def slow(engine):
        if engine.made and not seen:
            wait_until(lambda: runner_lab.cache.sampled("fake", "a").height)
            seen.append(runner_lab.cache.sampled("fake", "a").height)
        finished = step(engine)
        engine.made = getattr(engine, "made", 0) + sum(len(each.completions) for each in finished)
        return finished

    monkeypatch.setattr(FakeEngine, "made", 0, raising=False)
    monkeypatch.setattr(FakeEngine, "step", slow)
    assert runner_lab.run(intervals={"write": 0.3, "look": 0.01})
    assert seen
    runner_lab.check(3)


def test_a_disk_that_fills_up_while_a_step_takes_long(runner_lab, monkeypatch):
    tried = []

    def full(*_):
        tried.append(threading.current_thread())
        raise CacheError("cannot write: No space left on device", "free some space")

    step = FakeEngine.step

    def slow(engine):
        finished = step(engine)
        if engine.steps > 8 and not tried:
            wait_until(lambda: tried)
        return finished

    monkeypatch.setattr(Writer, "append", full)
    monkeypatch.setattr(FakeEngine, "step", slow)
    monkeypatch.setattr(Keeper, "write_due", lambda _: None)
    assert not runner_lab.run(intervals={"write": 0, "look": 0.01})
    assert tried[0] is not threading.current_thread()
    assert [each["remedy"] for each in runner_lab.failures()] == ["free some space"]


def test_timing_again(runner_lab):
    runner_lab.run()
    before = runner_lab.cache.manifest("fake", "a")["latency"]
    assert runner_lab.run(samples=0, remeasure=True)
    after = runner_lab.cache.manifest("fake", "a")
    assert after["latency"]["prompts"] == before["prompts"] == 16
    assert after["samples"] == 3
    assert runner_lab.engine.started
    runner_lab.check(3)


def test_a_mismatch_is_one_error(runner_lab):
    assert issubclass(SettingsMismatchError, Exception)
    runner_lab.run(samples=1)
    runner_lab.run(samples=1, llm=LLM(name="a", weights=str(runner_lab.folder), sampling=Sampling(temperature=0.1)))
    assert '"temperature": 0.7' in runner_lab.failures()[0]["problem"]
    assert '"temperature": 0.1' in runner_lab.failures()[0]["problem"]


def test_log_probabilities_are_kept_and_older_parts_read_as_before(runner_lab, monkeypatch):
    runner_lab.run(samples=1)  # an engine that tells nothing
    (old,) = runner_lab.cache.parts("fake", "a").listed()
    assert not {"logprob", "answer_logprob"} & set(pl.read_parquet(old.path).columns)
    step = FakeEngine.step

    def telling(self):
        return [replace(each, completions=tuple(map(told, each.completions))) for each in step(self)]

    def told(made):
        said = made.text.removeprefix("The answer is ").removesuffix(".")
        return replace(made, logprob=-1.5, tokens=(("The answer is ", -3.0), (said, -0.5), (".", -1.0)))

    monkeypatch.setattr(FakeEngine, "step", telling)
    assert runner_lab.run(samples=2)
    rows = runner_lab.cache.generations("fake", "a").sort("question_id", "sample")
    assert rows["logprob"].to_list() == [None, -1.5] * 16
    numbers = rows.join(runner_lab.cache.questions("fake").filter(kind="number"), on="question_id", how="semi")
    assert numbers["answer_logprob"].to_list() == [None, -0.5] * (numbers.height // 2) != []
    assert rows.filter(pl.col("sample") == 0)["answer_logprob"].null_count() == 16
    _, merged = runner_lab.cache.parts("fake", "a").compact()
    assert pl.read_parquet(merged.path)["answer_logprob"].equals(
        runner_lab.cache.generations("fake", "a")["answer_logprob"]
    )
