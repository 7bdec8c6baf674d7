"""What is planned from names, benchmarks and the cache."""

import json
from dataclasses import replace

import pytest

from fake_engine import fake_weights
from fakes import fake_questions, write_fake_run
from selectllm_engine import machine
from selectllm_engine.benchmarks import Benchmark, Exemplar
from selectllm_engine.errors import BenchmarkError, CacheError
from selectllm_engine.generation import plan, sources
from selectllm_engine.generation.needs import find_needs
from selectllm_engine.generation.plan import PlanRequest, make_plan
from selectllm_engine.generation.prompts import sampling_of
from selectllm_engine.generation.sources import Source, read_source
from selectllm_engine.llms import LLM, Sampling, Variant

QUESTIONS = fake_questions({"train": 4, "test": 3})


@pytest.fixture
def cache(tmp_path):
    return write_fake_run(tmp_path / "cache", questions={"train": 4, "test": 3}, llms=("a", "b"), samples=2)


@pytest.fixture
def source(monkeypatch):
    """Stands for the hub: what it gives, or the error it raises."""

    def gives(answer):
        def load(name, **_):
            if isinstance(answer, Exception):
                raise answer
            return Benchmark(name, answer, (Exemplar("1 + 1?", "2"),), terse=True)

        monkeypatch.setattr(sources, "load_benchmark", load)

    return gives


def test_a_new_benchmark_comes_from_its_source(cache, source):
    source(QUESTIONS)
    found = read_source(cache, "new")
    assert not found.stored
    assert found.terse
    assert found.exemplars
    source(BenchmarkError("the hub is away", "name files"))
    with pytest.raises(BenchmarkError, match="the hub is away"):
        read_source(cache, "new")


def test_the_cached_questions_serve_where_the_source_is_away(cache, source):
    source(BenchmarkError("the hub is away", "name files"))
    found = read_source(cache, "fake")
    assert found.stored
    assert found.questions.equals(cache.questions("fake"))
    assert found.terse, "as the cached LLMs were asked"
    assert found.no_exemplars == "the hub is away; name files"
    with pytest.raises(BenchmarkError):
        read_source(cache, "fake", sizes={"test": 5})


def test_the_cached_questions_stay_unless_others_are_asked_for(cache, source):
    larger = fake_questions({"train": 40, "test": 30})
    source(larger)
    assert read_source(cache, "fake").questions.height == 7
    assert read_source(cache, "fake", sizes={"train": 40}).questions.height == 70


def items(cache, source, llms, **request):
    source(QUESTIONS)
    given = make_plan(cache, {"fake": read_source(cache, "fake")}, llms, PlanRequest(**request))
    return given, {item.llm.name: item for item in given.items}


def test_what_is_missing(cache, source, tmp_path):
    folder = str(fake_weights(tmp_path / "weights"))
    sampling = Sampling(max_tokens=48, stop=())
    llms = [LLM(name=name, weights=folder, sampling=sampling) for name in ("a", "new")]
    _, found = items(cache, source, llms, samples=3, splits=("test",), limit=2)
    assert (found["a"].total, found["a"].done, found["a"].to_time, found["a"].differs) == (6, 4, False, False)
    assert (found["new"].total, found["new"].done, found["new"].to_time) == (6, 0, True)
    given, found = items(cache, source, llms, samples=2)
    assert not found["a"].open
    assert [spec.llm.name for spec in given.specs()] == ["new"]
    given, found = items(cache, source, llms, samples=2, remeasure=True)
    assert found["a"].open
    assert [spec.remeasure for spec in given.specs()] == [True, True]


@pytest.mark.parametrize(
    "other",
    [{"sampling": Sampling(max_tokens=48)}, {"prompt": "few-shot"}, {"chat": False}],
)
def test_other_settings_show_even_where_nothing_is_missing(cache, source, tmp_path, other):
    same = {"sampling": Sampling(max_tokens=48, stop=()), "prompt": "zero-shot", "chat": True}
    llm = {"name": "a", "weights": str(fake_weights(tmp_path / "weights"))}
    _, found = items(cache, source, [LLM(**llm, **same)], samples=2)
    assert not found["a"].open
    _, found = items(cache, source, [LLM(**llm, **(same | other))], samples=2)
    assert found["a"].differs
    assert found["a"].open


def test_an_llm_without_the_template_that_it_was_thought_to_have_goes_on(cache, source, tmp_path):
    manifest = cache.folder("fake") / "llms" / "a" / "manifest.json"
    stored = json.loads(manifest.read_text()) | {"chat": False}
    manifest.write_text(json.dumps(stored))
    weights = str(fake_weights(tmp_path / "weights"))
    llm = LLM(name="a", weights=weights, chat=True, sampling=Sampling(max_tokens=48, stop=()))
    _, found = items(cache, source, [llm], samples=2)
    assert not found["a"].differs


def test_overrides_reach_the_workers(cache, source, tmp_path):
    llm = LLM(name="new", weights=str(fake_weights(tmp_path / "weights")))
    given, _ = items(cache, source, [llm], samples=2, max_tokens=9, prompt="few-shot", seed=4)
    (spec,) = given.specs()
    assert (spec.llm.sampling.max_tokens, spec.llm.prompt, spec.seed) == (9, "few-shot", 4)
    assert spec.tasks[0].exemplars


def test_variants_share_a_worker_where_they_share_weights(cache, source, tmp_path):
    weights = str(fake_weights(tmp_path / "weights"))
    q = LLM(name="q", weights=weights)
    brief = replace(q, name="q/brief", variant=Variant(of="q", changes={"max_tokens": 4}))
    few = replace(q, name="q/few", prompt="few-shot", variant=Variant(of="q", changes={"prompt": "few-shot"}))
    moved = replace(brief, name="q/moved", weights=str(fake_weights(tmp_path / "other")))
    given, _ = items(cache, source, [brief, LLM(name="r", weights=weights), moved, few, q], max_tokens=9)
    assert [item.llm.name for item in given.items] == ["q", "q/brief", "q/moved", "q/few", "r"]
    q_spec, moved_spec, r_spec = given.specs()
    assert [q_spec.llm_of(task).name for task in q_spec.tasks] == ["q", "q/brief", "q/few"]
    assert ([task.llm for task in moved_spec.tasks], r_spec.llm.name) == ([None], "r")
    found = [sampling_of(q_spec.llm_of(task), terse=True).max_tokens for task in q_spec.tasks]
    assert found == [9, 4, 9], "a variant keeps what makes it one"
    assert [q_spec.llm_of(task).prompt for task in q_spec.tasks] == [None, None, "few-shot"]
    given, _ = items(cache, source, [q, few, brief], prompt="zero-shot")
    assert [given.specs()[0].llm_of(task).prompt for task in given.specs()[0].tasks] == [
        "zero-shot",
        "few-shot",
        "zero-shot",
    ]
    assert find_needs(given).llms.keys() == {"q"}, "weights count once"


def test_room_is_told_from_what_is_stored(cache, source, tmp_path, monkeypatch):
    folder = str(fake_weights(tmp_path / "weights"))
    given, _ = items(cache, source, [LLM(name="new", weights=folder)], samples=1000)
    assert given.bytes == 7000 * plan.BYTES_TERSE
    many = write_fake_run(tmp_path / "many", questions={"train": 4, "test": 3}, llms=("a",), samples=15)
    (part,) = many.parts("fake", "a").listed()
    given, _ = items(many, source, [LLM(name="a", weights=folder)], samples=1000)
    assert given.bytes == (7000 - 105) * (part.path.stat().st_size // 105)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 10}))
    with pytest.raises(CacheError, match=r"1 MiB are needed in .* and 0 MiB are free"):
        given.specs()


def test_nothing_is_written_by_planning(tmp_path, source):
    source(QUESTIONS)
    empty = Source(name="new", questions=QUESTIONS, terse=True)
    cache = write_fake_run(tmp_path / "cache", questions={"test": 1}, llms=("a",), samples=1)
    before = sorted(cache.root.rglob("*"))
    make_plan(cache, {"new": empty}, [LLM(name="x", weights="owner/name")], PlanRequest()).specs()
    assert sorted(cache.root.rglob("*")) == before
