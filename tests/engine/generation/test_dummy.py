"""Timing an architecture by its configuration alone."""

import json

import pytest

from fake_engine import FakeEngine, fake_weights
from selectllm_engine.errors import EngineError, UsageError
from selectllm_engine.generation.dummy import LONGEST_PROMPT, SHORTEST_PROMPT, config_folder, dummy_prompts, time_dummy
from selectllm_engine.generation.latency import LONGEST, PROBES
from selectllm_engine.generation.runner import Stop
from selectllm_engine.generation.spec import WorkerSpec
from selectllm_engine.llms import LLM


def test_prompts_of_random_tokens_span_what_fits():
    prompts = dummy_prompts(100, None)
    lengths = [prompt.tokens for prompt in prompts]
    assert (lengths[0], lengths[-1], len(lengths)) == (SHORTEST_PROMPT, LONGEST_PROMPT, PROBES)
    assert lengths == sorted(lengths)
    assert all(len(prompt.content) == prompt.tokens and max(prompt.content) < 100 for prompt in prompts)
    assert dummy_prompts(100, 1024)[-1].tokens == 1024 - LONGEST
    assert {prompt.tokens for prompt in dummy_prompts(100, 1)} == {1}


def test_a_folder_with_a_configuration_is_enough(tmp_path):
    folder = fake_weights(tmp_path / "shape")
    (folder / "model.safetensors").unlink()
    (folder / "config.json").write_text(json.dumps({"vocab_size": 50, "max_position_embeddings": 512}))
    llm = LLM(name="shape", weights=str(folder))
    assert config_folder(llm) == folder
    events, engines = [], []

    def load(spec, where):
        assert spec.dummy
        engines.append(FakeEngine(where))
        return engines[0]

    spec = WorkerSpec(llm=llm, cache="", tasks=(), dummy=True)
    assert WorkerSpec.from_json(spec.to_json()) == spec
    assert time_dummy(spec, load_engine=load, emit=lambda event, **told: events.append((event, told)), stop=Stop())
    assert engines[0].started["longest"] == 512
    event, fit = events[-1]
    assert event == "latency"
    assert (fit["a"], fit["b"], fit["c"]) == pytest.approx((0.1, 0.001, 0.02), abs=1e-4)
    assert not time_dummy(spec, load_engine=load, emit=lambda *_, **__: None, stop=Stop(level=1))


def test_what_is_no_configuration(tmp_path):
    with pytest.raises(UsageError, match="is no folder"):
        config_folder(LLM(name="a", weights="owner/name"))
    with pytest.raises(EngineError, match=r"no config\.json that can be read"):
        config_folder(LLM(name="a", weights=str(tmp_path)))
    (tmp_path / "config.json").write_text('{"vocab_size": "many"}')
    spec = WorkerSpec(llm=LLM(name="a", weights=str(tmp_path)), cache="", tasks=(), dummy=True)
    with pytest.raises(EngineError, match="names no vocab_size"):
        time_dummy(spec, load_engine=lambda *_: pytest.fail("too early"), emit=lambda *_, **__: None, stop=Stop())
