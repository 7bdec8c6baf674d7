"""The transformers engine with a tiny LLM of random weights, on the CPU."""

import json
import shutil
from importlib.util import find_spec

import pytest

if find_spec("torch") is None or find_spec("transformers") is None:
    pytest.skip("needs torch and transformers", allow_module_level=True)

from selectllm_engine.errors import EngineError
from selectllm_engine.generation import transformers as module
from selectllm_engine.generation.engine import Encoded, make_engine
from selectllm_engine.generation.prompts import Prompt
from selectllm_engine.generation.spec import WorkerSpec
from selectllm_engine.generation.tokenizers import remedy, telling_line
from selectllm_engine.llms import LLM, Sampling

WORDS = [f"w{number}" for number in range(60)]
GREEDY = Sampling(temperature=0, max_tokens=24, stop=())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A Llama of two layers that knows 64 words, and their tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    vocabulary = {word: number for number, word in enumerate(["<unk>", "<end>", "<pad>", "<s>", *WORDS])}
    unknown = {"unk_token": "<unk>"}
    words = Tokenizer(models.WordLevel(vocabulary, **unknown))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {**unknown, "eos_token": "<end>", "pad_token": "<pad>", "bos_token": "<s>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **special)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ m.content }} {% endfor %}"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=3,
        eos_token_id=1,
        pad_token_id=2,
        initializer_range=0.6,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def engine(folder, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(module.TransformersEngine, "_dtype", lambda _: __import__("torch").float32)

    def make(seed=0, capacity=8):
        spec = WorkerSpec(llm=LLM(name="a", weights="tiny"), cache="", tasks=(), engine="transformers")
        engine = make_engine(spec, folder)
        engine.start(longest=64, seed=seed)
        engine.capacity = capacity
        return engine

    return make


def prompts(engine):
    texts = [" ".join(WORDS[at % 60] for at in range(start, start + length)) for start, length in LENGTHS]
    return [engine.encode(Prompt(text=text)) for text in texts]


LENGTHS = [(0, 3), (5, 20), (30, 9), (2, 1), (11, 33)]


def finish(engine):
    done = {}
    while engine.unfinished():
        for each in engine.step():
            assert each.request_id not in done
            done[each.request_id] = each.completions
    return done


def said(made):
    """All of a completion but log-probabilities, whose last digits depend on the batch."""
    return made.text, made.output_tokens, made.finish_reason


def alone(engine, prompt, sampling):
    """What the library itself says to one prompt, token by token, with nothing around it."""
    import torch

    ids = torch.tensor([list(prompt.content)])
    made = []
    with torch.inference_mode():
        while len(made) < min(sampling.max_tokens, engine.context - prompt.tokens):
            made.append(int(engine._model(ids).logits[0, -1].argmax()))
            ids = torch.cat([ids, torch.tensor([[made[-1]]])], dim=1)
            if made[-1] == 1:
                break
    return made


def test_batches_say_what_each_prompt_alone_gets(engine):
    each = engine()
    each.step_tokens = 5
    asked = prompts(each)
    for number, prompt in enumerate(asked):
        each.submit(str(number), prompt, GREEDY, 2)
    assert each.unfinished() == 2 * len(asked)
    done = finish(each)
    for number, prompt in enumerate(asked):
        expected = alone(each, prompt, GREEDY)
        first, second = done[str(number)]
        assert said(first) == said(second)
        assert first.text == each._tokenizer.wrapped.decode(expected, skip_special_tokens=True)
        assert first.output_tokens == len(expected)
        assert first.finish_reason == ("stop" if expected[-1] == 1 else "length")


@pytest.mark.parametrize(
    "drawn",
    [{"temperature": 0}, {"temperature": 1.5, "top_p": 0.9, "top_k": 40, "repetition_penalty": 1.3}],
    ids=["greedy", "drawn"],
)
def test_log_probabilities_are_the_llm_s_own_of_what_was_drawn(engine, drawn):
    import torch

    each = engine()
    each.step_tokens = 5
    sampling = Sampling(max_tokens=24, stop=("w7 ", "w20"), **drawn)
    asked = prompts(each)
    for number, prompt in enumerate(asked):
        each.submit(str(number), prompt, sampling, 3)
    done = finish(each)
    known = each._tokenizer.wrapped.get_vocab()
    for number, prompt in enumerate(asked):
        for made in done[str(number)]:
            tokens = [known[piece] for piece, _ in made.tokens]
            assert len(tokens) == made.output_tokens
            with torch.inference_mode():
                logits = each._model(torch.tensor([[*prompt.content, *tokens]])).logits[0]
            expected = logits.log_softmax(-1)[prompt.tokens - 1 :].gather(1, torch.tensor([tokens]).T)[:, 0]
            assert [each for _, each in made.tokens] == pytest.approx(expected.tolist(), abs=1e-4)
            assert made.logprob == pytest.approx(float(expected.mean()), abs=1e-4)


@pytest.mark.parametrize("penalty", [1.3, 0.6])
def test_padding_is_no_repetition(engine, penalty):
    each = engine()
    sampling = Sampling(temperature=0, max_tokens=24, stop=(), repetition_penalty=penalty)
    asked = prompts(each)
    by_itself = {}
    for number, prompt in enumerate(asked):
        each.submit(str(number), prompt, sampling, 1)
        by_itself |= finish(each)
    for copies in (1, 2):
        for number, prompt in enumerate(asked):
            each.submit(str(number), prompt, sampling, copies)
        assert {number: {*map(said, made)} for number, made in finish(each).items()} == {
            number: {*map(said, made)} for number, made in by_itself.items()
        }


def test_settings_may_be_whole_numbers(engine):
    each = engine()
    sampling = Sampling(temperature=1, top_p=1, repetition_penalty=2, max_tokens=5, stop=())
    each.submit("r", prompts(each)[0], sampling, 3)
    assert len(finish(each)["r"]) == 3


def test_special_tokens_end_no_sample_as_stop_strings(engine):
    """They are no part of the text, for vLLM as well."""
    each = engine()
    whole = {}
    for stop in ((), ("<pad>", "<s>", "<unk>")):
        for number, prompt in enumerate(prompts(each)):
            each.submit(str(number), prompt, Sampling(temperature=0.0, max_tokens=24, stop=stop), 2)
        whole[stop] = finish(each)
    first, second = whole.values()
    assert first == second
    for number, prompt in enumerate(prompts(each)):
        each.submit(str(number), prompt, Sampling(temperature=9.0, max_tokens=24, stop=("<s>", "<unk>")), 8)
    made = [each for completions in finish(each).values() for each in completions]
    assert all(each.output_tokens == 24 for each in made if each.finish_reason == "length")
    assert sum(each.finish_reason == "length" for each in made) > 8


def test_a_stop_string_ends_a_sample_and_is_no_part_of_it(engine):
    each = engine()
    asked = prompts(each)
    whole = []
    for number, prompt in enumerate(asked):
        each.submit(str(number), prompt, GREEDY, 1)
    whole = finish(each)
    spoken = whole["1"][0].text.split()
    stop = next(word for at, word in enumerate(spoken) if 2 < at < 20 and word not in spoken[:at])
    sampling = Sampling(temperature=0, max_tokens=24, stop=(stop,))
    for number, prompt in enumerate(asked):
        each.submit(str(number), prompt, sampling, 2)
    for number, (first, second) in finish(each).items():
        words = whole[number][0].text.split()
        assert said(first) == said(second)
        if stop in words:
            assert first.text.split() == words[: words.index(stop)]
            assert first.output_tokens == words.index(stop) + 1
            assert first.finish_reason == "stop"
        else:
            assert said(first) == said(whole[number][0])


def test_samples_differ_and_follow_from_the_seed(engine):
    def draw(seed):
        each = engine(seed)
        for number, prompt in enumerate(prompts(each)):
            each.submit(str(number), prompt, Sampling(max_tokens=12, stop=()), 5)
        return finish(each)

    first = draw(3)
    assert first == draw(3)
    assert first != draw(4)
    assert all(len(set(completions)) > 1 for completions in first.values())
    assert all(made.output_tokens <= 12 for completions in first.values() for made in completions)


def test_samples_of_a_prompt_may_fall_into_several_batches(engine):
    each = engine(capacity=4)
    (prompt, *_) = prompts(each)
    each.submit("r", prompt, Sampling(max_tokens=6, stop=()), 11)
    assert len(finish(each)["r"]) == 11


def test_the_context_is_a_bound(engine):
    each = engine()
    prompt = prompts(each)[-1]
    each.submit("r", prompt, Sampling(temperature=0, max_tokens=500, stop=()), 1)
    (made,) = finish(each)["r"]
    assert made.output_tokens <= 64 - prompt.tokens


def test_a_template_without_a_system_role(engine):
    each = engine()
    assert each.chat
    assert each.context == 64
    messages = ({"role": "system", "content": "w1"}, {"role": "user", "content": "w2 w3"})
    assert each.encode(Prompt(messages=messages)).tokens == 3


def test_code_that_comes_with_weights_is_neither_run_nor_asked_about(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "weights")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "strange.X", "AutoModelForCausalLM": "strange.X"}}
    (tmp_path / "weights" / "config.json").write_text(json.dumps(config))
    (tmp_path / "weights" / "strange.py").write_text("raise SystemExit('run')")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked"))
    spec = WorkerSpec(llm=LLM(name="a", weights="tiny"), cache="", tasks=(), engine="transformers")
    with pytest.raises(EngineError, match="code that comes with weights is never run: take an LLM without"):
        make_engine(spec, tmp_path / "weights")


def test_the_line_that_says_what_is_wrong():
    error = ValueError("1 validation error for ModelConfig\n  Value error, Model architectures ['X'] are not supported")
    assert telling_line(error) == "Model architectures ['X'] are not supported"
    assert remedy(error) == "install a newer version of the engine, or take another LLM"
    assert telling_line(ValueError("\n one\ntwo")) == "one"
    assert telling_line(ValueError()) == "ValueError"
    assert remedy(ValueError("shapes differ")) == ""


def test_a_template_that_takes_nothing(engine):
    each = engine()
    each._tokenizer.wrapped.chat_template = "{{ raise_exception('never') }}"
    with pytest.raises(EngineError, match=r"template cannot be used \(never\); set chat = false"):
        each.encode(Prompt(messages=({"role": "user", "content": "w2"},)))


def test_a_template_is_told_about_thinking_where_it_has_a_switch(engine):
    each, asked = engine(), ({"role": "user", "content": "w2"},)
    with pytest.raises(EngineError, match="has no switch for thinking = false; leave thinking out"):
        each.encode(Prompt(messages=asked, thinking=False))
    each._tokenizer.wrapped.chat_template = "{{ messages[0].content }}{% if not enable_thinking %} w3 w4{% endif %}"
    on, off = (each.encode(Prompt(messages=asked, thinking=thinking)) for thinking in (True, False))
    assert off.tokens == on.tokens + 2


@pytest.mark.parametrize("tokens", [1, 7, 20])
def test_timing_makes_exactly_so_many_tokens(engine, tokens):
    each = engine()
    prompt = prompts(each)[0]
    timing = each.time_one(prompt, Sampling(), tokens)
    assert (timing.prompt_tokens, timing.output_tokens) == (prompt.tokens, tokens)
    assert timing.seconds > 0


def test_where_memory_runs_out_the_batch_is_halved(engine, monkeypatch):
    each = engine()
    whole = type(each)._generate
    sizes = []

    def generate(self, ids, *args, **fields):
        sizes.append(ids.shape[0])
        if ids.shape[0] > 3:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 1 TB")
        return whole(self, ids, *args, **fields)

    monkeypatch.setattr(module.TransformersEngine, "_generate", generate)
    for number, prompt in enumerate(prompts(each)):
        each.submit(str(number), prompt, GREEDY, 3)
    done = finish(each)
    assert sorted(map(len, done.values())) == [3] * 5
    assert each.capacity == 2
    assert max(sizes) == 8


def test_where_one_sample_is_too_large_that_is_said(engine, monkeypatch):
    each = engine()

    def generate(*_, **__):
        raise RuntimeError("CUDA out of memory. Tried to allocate 1 TB\nmore")

    monkeypatch.setattr(module.TransformersEngine, "_generate", generate)
    each.submit("r", prompts(each)[0], GREEDY, 4)
    with pytest.raises(EngineError, match=r"single sample needs more memory than there is .*; free memory"):
        finish(each)


def test_other_failures_are_not_taken_for_it(engine, monkeypatch):
    each = engine()

    def generate(*_, **__):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(module.TransformersEngine, "_generate", generate)
    each.submit("r", prompts(each)[0], GREEDY, 1)
    with pytest.raises(RuntimeError, match="shapes differ"):
        finish(each)


def test_a_gpu_that_is_not_there(folder, monkeypatch):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    spec = WorkerSpec(llm=LLM(name="a", weights="tiny"), cache="", tasks=(), engine="transformers")
    with pytest.raises(EngineError, match=r"GPU 0 cannot be used: .*; leave --gpu out"):
        make_engine(spec, folder)


def test_the_record_says_what_it_was_made_with(engine):
    facts = engine().facts()
    assert facts["engine"].startswith("transformers ")
    assert facts["hardware"]
    assert isinstance(engine().encode(Prompt(text="w1")), Encoded)
