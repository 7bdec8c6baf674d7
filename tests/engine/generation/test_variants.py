"""Variants of one LLM in one worker, with a made-up engine in this process."""

from dataclasses import replace

import pytest

from fake_engine import FakeEngine, fake_weights
from fakes import fake_questions
from selectllm_engine.benchmarks import Exemplar
from selectllm_engine.generation.latency import fits_too
from selectllm_engine.generation.runner import Stop, run
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Sampling, Variant, Wording
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.parts import part_metadata

EXEMPLARS = tuple(Exemplar(f"What is {n} + 1?", str(n + 1)) for n in range(6))


class VariantsLab:
    """A cache with questions of two benchmarks, and an LLM with variants; keeps engines and events."""

    def __init__(self, folder):
        self.cache = Cache(folder / "cache")
        for benchmark in ("fake", "other"):
            self.cache.write_questions(benchmark, fake_questions({"train": 5, "test": 3}))
        self.llm = LLM(name="q", weights=str(fake_weights(folder / "weights")))
        self.engines = []
        self.events = []

    def variant(self, name, /, **fields):
        changes = fields.pop("changes", {})
        return replace(self.llm, name=f"q/{name}", variant=Variant(of="q", changes=changes), **fields)

    def run(self, *variants, samples=2, benchmarks=("fake",), remeasure=False):
        llms = [None, *variants]
        task = {"samples": samples, "terse": True, "exemplars": EXEMPLARS}
        tasks = tuple(Task(benchmark=name, llm=llm, **task) for llm in llms for name in benchmarks)
        spec = WorkerSpec(llm=self.llm, cache=str(self.cache.root), tasks=tasks, remeasure=remeasure)
        self.events = []

        def load(spec, folder):
            del spec
            self.engines.append(FakeEngine(folder))
            return self.engines[-1]

        def told(event, /, **fields):
            self.events.append((event, fields))

        return run(spec, self.cache, load_engine=load, emit=told, stop=Stop())

    def told(self, kind):
        return [(fields.get("llm"), fields) for event, fields in self.events if event == kind]


@pytest.fixture
def variants_lab(tmp_path):
    return VariantsLab(tmp_path)


def test_one_engine_makes_the_samples_of_all_variants(variants_lab):
    brief = variants_lab.variant("brief", changes={"max_tokens": 7})
    few = variants_lab.variant("few", prompt="few-shot", changes={"prompt": "few-shot"})
    assert variants_lab.run(brief, few, benchmarks=("fake", "other"))
    assert [engine.started is not None for engine in variants_lab.engines] == [True]
    assert variants_lab.cache.llms("fake") == ["q", "q/brief", "q/few"]
    for benchmark in ("fake", "other"):
        seeds = set()
        for name in ("q", "q/brief", "q/few"):
            assert variants_lab.cache.sampled(benchmark, name).height == 16
            (part,) = variants_lab.cache.parts(benchmark, name).listed()
            seeds |= {metadata["seed"] for metadata in part_metadata(part.path)}
        assert len(seeds) == 1
    manifests = {name: variants_lab.cache.manifest("fake", name) for name in ("q", "q/brief", "q/few")}
    assert [each["sampling"]["max_tokens"] for each in manifests.values()] == [48, 7, 48]
    assert [each["prompt"]["style"] for each in manifests.values()] == ["zero-shot", "zero-shot", "few-shot"]
    assert "variant" not in manifests["q"]
    assert manifests["q/few"]["variant"] == {"of": "q", "changes": {"prompt": "few-shot"}}
    assert len({str(each["weights"]) for each in manifests.values()}) == 1
    texts = [set(variants_lab.cache.generations("fake", name)["text"]) for name in manifests]
    assert not texts[0] & texts[1], "no draw is repeated"
    told = [(llm, fields["benchmark"], fields["total"]) for llm, fields in variants_lab.told("task")]
    assert told == [(llm, name, 16) for llm in (None, "q/brief", "q/few") for name in ("fake", "other")]
    assert variants_lab.run(brief, few, benchmarks=("fake", "other"))
    assert variants_lab.engines[-1].started is None, "nothing is missing"


def test_seconds_are_shared_where_a_token_takes_the_same_work(variants_lab):
    variants = [
        variants_lab.variant("brief", changes={"max_tokens": 7}),
        variants_lab.variant("hot", changes={"temperature": 1.5, "thinking": False}),
        variants_lab.variant("long", changes={"max_tokens": 100}),
        variants_lab.variant("greedy", changes={"temperature": 0.0}),
        variants_lab.variant("nucleus", changes={"top_p": 0.9}),
        variants_lab.variant("few", prompt="few-shot"),
        variants_lab.variant("said", wording=Wording(system="Be kind.")),
        variants_lab.variant("longer", changes={"max_tokens": 5000, "stop": ("x",)}),
    ]
    variants_lab.run(*variants)
    found = {
        name: variants_lab.cache.manifest("fake", name)["latency"].get("timed_with")
        for name in variants_lab.cache.llms("fake")
    }
    assert found == {
        "q": None,
        "q/brief": "q",
        "q/hot": "q",
        "q/long": None,  # no fit is of so many new tokens
        "q/greedy": None,
        "q/nucleus": None,
        "q/few": None,
        "q/said": None,
        "q/longer": None,
    }
    variants_lab.run(*variants, remeasure=True, benchmarks=("fake", "other"))
    shared = {
        name: variants_lab.cache.manifest("other", name)["latency"].get("timed_with") for name in ("q", "q/brief")
    }
    assert shared == {"q": None, "q/brief": "q"}, "each benchmark has prompts of its own"


def test_a_fit_holds_for_the_same_work_and_no_more_tokens():
    assert fits_too(Sampling(max_tokens=400), Sampling(max_tokens=9000, temperature=0.1, stop=(), thinking=True))
    assert fits_too(Sampling(top_p=0.9, top_k=5), Sampling(top_p=0.5, top_k=50))
    assert not fits_too(Sampling(max_tokens=20), Sampling(max_tokens=21))
    for other in ({"temperature": 0}, {"top_p": 0.5}, {"top_k": 1}, {"repetition_penalty": 1.1}):
        assert not fits_too(Sampling(), Sampling(**other))
        assert not fits_too(Sampling(**other), Sampling())


def test_a_variant_that_fails_stops_no_other(variants_lab):
    hot, cold = (
        variants_lab.variant(name, changes={"temperature": value}) for name, value in (("hot", 1.5), ("cold", 0.1))
    )
    variants_lab.run(hot)
    changed = replace(hot, variant=Variant(of="q", changes={"temperature": 2.0}))
    assert not variants_lab.run(changed, cold, samples=3)
    ((llm, failure),) = variants_lab.told("failed")
    assert (llm, failure["benchmark"]) == ("q/hot", "fake")
    assert "stored results of q/hot were made with other settings" in failure["problem"]
    made = {name: variants_lab.cache.sampled("fake", name).height for name in variants_lab.cache.llms("fake")}
    assert made == {"q": 24, "q/hot": 16, "q/cold": 24}


def test_no_two_requests_have_one_name(variants_lab, monkeypatch):
    names = []
    submit = FakeEngine.submit
    monkeypatch.setattr(
        FakeEngine, "submit", lambda self, name, *given: (names.append(name), submit(self, name, *given))
    )
    variants_lab.run(variants_lab.variant("v", changes={"top_k": 1}), benchmarks=("fake", "other"))
    assert len(set(names)) == len(names) == 32
