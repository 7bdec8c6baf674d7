"""What a plan needs of a machine, and what is said to be missing."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fake_engine import fake_weights
from fakes import fake_questions
from selectllm_engine import machine
from selectllm_engine.benchmarks import Exemplar, known_sizes
from selectllm_engine.errors import BenchmarkError, CacheError, EngineError, MissingExtraError
from selectllm_engine.generation import engine, needs
from selectllm_engine.generation.needs import find_needs, kv_bytes, work_of
from selectllm_engine.generation.plan import PlanRequest, make_plan
from selectllm_engine.generation.sources import Source, read_source, unread_source
from selectllm_engine.llms import LLM, STUDY, Sampling, Variant
from selectllm_engine.store.cache import Cache

GIB = 1 << 30
LLAMA = {"num_attention_heads": 32, "num_hidden_layers": 32, "hidden_size": 4096}


@pytest.fixture(autouse=True)
def fake_machine(monkeypatch, tmp_path):
    """A machine with everything: two GPUs of 24 GiB, 64 GiB of memory, the hub, a disk of 1 TiB."""
    monkeypatch.setattr(engine, "find_spec", lambda _: True)
    monkeypatch.setattr(machine, "gpus", lambda: [machine.Gpu(number, "fake", 24 * GIB, 24 * GIB) for number in "01"])
    monkeypatch.setattr(machine, "memory", lambda: 64 * GIB)
    monkeypatch.setattr(machine, "hub_problem", lambda: None)
    monkeypatch.setattr(machine, "free", lambda _: 1 << 40)
    monkeypatch.setattr(needs, "check_access", lambda _: None)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def planned(tmp_path):
    """The needs of LLMs on seven questions."""

    def run(llms, *, source=None, gpus=(), **request):
        source = source or Source(name="own", questions=fake_questions({"test": 7}), terse=False)
        plan = make_plan(Cache(tmp_path / "cache"), {source.name: source}, llms, PlanRequest(**request))
        return find_needs(plan, gpus=gpus)

    return run


def said(found):
    return [str(lack.error) for lack in found.lacks]


def test_nothing_is_missing(planned):
    found = planned(STUDY, gpus=("0", "1"), samples=1, tensor_parallel=2)
    assert said(found) == []
    assert found.download == sum(round(2e9 * llm.parameters) for llm in STUDY)
    found.check()


def test_memory_is_weights_and_cache(planned, tmp_path):
    found = planned(STUDY, samples=10).llms["metamath-7b"]
    token = kv_bytes({}, 7.0)
    assert found.memory == 14_000_000_000 + token * (1024 + 10 * 750)
    assert found.least == 14_000_000_000 + token * (1024 + 750)
    folder = fake_weights(tmp_path / "weights")
    (folder / "config.json").write_text(json.dumps(LLAMA))
    here = planned([LLM(name="a", weights=str(folder), sampling=Sampling(max_tokens=1))], samples=1).llms["a"]
    assert (here.memory, here.download, here.here) == (2 * 4 + 524_288 * 1025, 0, True)
    assert planned([LLM(name="a", weights="b/c")]).llms["a"].memory is None


def test_the_cache_of_a_token():
    assert kv_bytes(LLAMA, 7) == 524_288
    assert kv_bytes({**LLAMA, "num_key_value_heads": 8}, 7) == 131_072
    assert kv_bytes({**LLAMA, "head_dim": 256}, 7) == 2 * 524_288
    for odd in (
        {},
        {"num_attention_heads": 0},
        {"num_attention_heads": "x"},
        {**LLAMA, "num_hidden_layers": float("inf")},
        {**LLAMA, "hidden_size": None},
    ):
        assert kv_bytes(odd, 6.74) == pytest.approx(524_288, rel=0.05)
    assert kv_bytes({}, 13.0) == pytest.approx(4 * 40 * 5120, rel=0.05)


def test_gpus_that_are_not_here(planned, monkeypatch):
    found = planned(STUDY[:1], gpus=("0", "3"))
    assert said(found) == ["no GPU 3 here, only GPUs 0, 1; name others with --gpu"]
    with pytest.raises(EngineError):
        found.check()
    monkeypatch.setattr(machine, "gpus", list)
    assert "nvidia-smi finds none" in said(planned(STUDY[:1], gpus=("0",)))[0]
    assert said(planned(STUDY[:1])) == []


def test_too_little_memory_stops_no_other(planned, monkeypatch):
    (lack,) = planned(STUDY, gpus=("0",), gpu_memory=1.0).lacks
    assert str(lack.error).startswith("vLLM takes 24 GiB of a GPU's memory, too little for llama2-13b-chat (26 GiB); ")
    assert not lack.fatal
    assert said(planned(STUDY, gpus=("0", "1"), tensor_parallel=2)) == []
    monkeypatch.setattr(machine, "memory", lambda: 8 * GIB)
    assert said(planned(STUDY[:1])) == [
        "this machine has 8 GiB of memory, too little for gemma-7b (17 GiB); take a smaller LLM, or a machine with more"
    ]


def test_a_gpu_that_others_use(planned, monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: [machine.Gpu("0", "fake", 80 * GIB, 21 * GIB)])
    (lack,) = planned(STUDY[:1], gpus=("0",)).lacks
    assert lack.fatal
    assert str(lack.error) == (
        "GPU 0 has 21 of 80 GiB free, and vLLM takes 92 %; "
        "end what else runs there, or take another GPU, or --gpu-memory 0.26"
    )
    assert said(planned(STUDY[:1], gpus=("0",), gpu_memory=0.26)) == []
    (lack,) = planned(STUDY[:1], gpus=("0",), gpu_memory=0.1).lacks
    assert str(lack.error).startswith("vLLM takes 8 GiB of a GPU's memory, too little for gemma-7b (17 GiB); ")
    assert said(planned(STUDY[:1], gpus=("0",), engine="transformers")) == []
    monkeypatch.setattr(machine, "gpus", lambda: [machine.Gpu("0", "fake", 80 * GIB, GIB)])
    assert "--gpu-memory" not in said(planned(STUDY[:1], gpus=("0",)))[0]
    assert said(planned(STUDY[:1], gpus=("7",)))[0] == "no GPU 7 here, only GPU 0; name others with --gpu"
    assert said(planned(STUDY[:1], gpus=("0",), engine="transformers"))[0].startswith("a GPU has 1 GiB of memory free")


def test_an_engine_that_is_not_installed(planned, monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    found = planned(STUDY[:1])
    with pytest.raises(MissingExtraError):
        found.check()
    assert len(found.lacks) == 1


def test_weights_that_cannot_be_fetched(planned, monkeypatch, tmp_path):
    here = LLM(name="here", weights=str(fake_weights(tmp_path / "weights")))

    def refuse(llm):
        if llm.name.startswith("llama2"):
            raise EngineError(f"{llm.weights} is gated", "accept its terms")

    monkeypatch.setattr(needs, "check_access", refuse)
    assert said(planned([here, *STUDY])) == [
        "weights of llama2-7b: meta-llama/Llama-2-7b-hf is gated; accept its terms",
        "weights of llama2-13b-chat: meta-llama/Llama-2-13b-chat-hf is gated; accept its terms",
    ]
    monkeypatch.setattr(machine, "hub_problem", lambda: "it is fake")
    (lack,) = planned([here, STUDY[0]]).lacks
    assert str(lack.error).startswith("weights of gemma-7b: not here, and the hub cannot be reached (it is fake); ")
    assert not lack.fatal
    monkeypatch.setattr(machine, "hub_problem", lambda: pytest.fail("nothing comes from the hub"))
    assert said(planned([here])) == []
    served = LLM(name="served", weights="m", endpoint="http://localhost:1/v1")
    assert said(planned([served], source=Source(name="x", questions=fake_questions({"test": 0}), terse=True))) == []


def test_what_is_missing_is_named_once(planned, tmp_path):
    sources = {name: Source(name=name, questions=fake_questions({"test": 7}), terse=False) for name in ("x", "y")}
    plan = make_plan(Cache(tmp_path / "cache"), sources, [LLM(name="a", weights="/no/where")], PlanRequest())
    assert said(find_needs(plan)) == [
        "a on x, y: no folder /no/where; give an existing folder, or a hub id such as owner/name"
    ]


def test_weights_downloaded_before_are_here(planned, monkeypatch, tmp_path):
    folder = fake_weights(tmp_path / "snapshot")
    hub = SimpleNamespace(try_to_load_from_cache=lambda *_, **__: str(folder / "config.json"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    need = planned(STUDY[:1]).llms["gemma-7b"]
    assert (need.here, need.download) == (True, 0)
    hub.try_to_load_from_cache = lambda *_, **__: None
    assert not planned(STUDY[:1]).llms["gemma-7b"].here


def test_disks_that_are_too_small(planned, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "free", lambda folder: GIB if folder == tmp_path / "hub" else 1 << 40)
    (lack,) = planned(STUDY[:1]).lacks
    assert str(lack.error).startswith(f"weights take about 16 GiB in {tmp_path / 'hub'}, and 1 GiB are free; ")
    assert not lack.fatal
    monkeypatch.setattr(machine, "free", lambda _: 1000)
    with pytest.raises(CacheError, match="are needed in"):
        planned(STUDY[:1]).check()


def test_few_shot_prompts_without_exemplars(planned):
    source = Source(name="own", questions=fake_questions({"test": 7}), terse=False, no_exemplars="the hub is away")
    assert said(planned(STUDY, source=source, prompt="zero-shot")) == []
    assert said(planned(STUDY, source=source)) == [
        "own has no exemplars for the few-shot prompts of gemma-7b, gemma-7b-it, llama2-7b, mistral-7b, metamath-7b: "
        "the hub is away; or take --prompt zero-shot"
    ]


def test_a_benchmark_that_cannot_be_read_is_planned_by_its_size(planned, tmp_path):
    source = unread_source("mmlu", BenchmarkError("the hub is away", "name files"))
    plan = make_plan(Cache(tmp_path / "cache"), {"mmlu": source}, STUDY[:1], PlanRequest(samples=2, limit=10))
    (item,) = plan.items
    assert (item.questions, item.missing, item.open) == (30, 60, False)
    assert plan.specs() == []
    assert plan.bytes > 0
    assert str(plan.unread["mmlu"]) == "the hub is away; name files"
    assert said(planned(STUDY[:1], source=source)) == ["questions of mmlu: the hub is away; name files"]
    assert known_sizes("gsm8k") == {"train": 6816, "validation": 359, "test": 1319}
    assert unread_source("own", BenchmarkError("no")) is None


def test_exemplars_from_a_file_take_the_place_of_others(tmp_path):
    rows = [
        {"question": f"{n} + {n}?", "answer": 2 * n, "split": split} for n, split in enumerate(["test", "exemplar"])
    ]
    data, solved = tmp_path / "own.jsonl", tmp_path / "solved.csv"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    solved.write_text("question,answer,rationale,split\n7 + 7?,14,Twice 7.,test\n")
    cache = Cache(tmp_path / "cache")
    assert read_source(cache, "own", data=data).exemplars == (Exemplar("1 + 1?", "2"),)
    found = read_source(cache, "own", data=data, exemplars=solved)
    assert found.exemplars == (Exemplar("7 + 7?", "14", rationale="Twice 7."),)
    solved.write_text("question,answer\n0 + 0?,0\n")
    with pytest.raises(BenchmarkError, match=r"1 exemplars of solved\.csv are questions of own too"):
        read_source(cache, "own", data=data, exemplars=solved)


def test_work_is_parameters_times_missing_samples_of_an_llm_with_its_variants(tmp_path):
    large = LLM(name="large", weights="b/large", parameters=13.0)
    few = replace(large, name="large/few", variant=Variant(of="large", changes={"max_tokens": 9}))
    llms = [large, few, LLM(name="small", weights="b/small", parameters=1.0), LLM(name="new", weights="b/new")]
    source = Source(name="own", questions=fake_questions({"test": 7}), terse=False)
    plan = make_plan(Cache(tmp_path / "cache"), {"own": source}, llms, PlanRequest(samples=2))
    assert work_of(plan) == {"large": 13.0 * 28, "small": 14.0, "new": 7.0 * 14}
