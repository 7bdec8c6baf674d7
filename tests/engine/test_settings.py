"""selectllm.toml: what it gives, and how it is refused."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from paths import ROOT
from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.generation.prompts import TERSE_SAMPLING, sampling_of
from selectllm_engine.llms import STUDY, Price, Sampling, Wording
from selectllm_engine.settings import KEYS, SECTIONS, OwnBenchmark, Settings, read_settings
from settings_texts import parse_settings

VARIANT = "[llms.a]\nweights = 'b/c'\n[llms.a.variants.b]\n"
PAGE = (ROOT / "docs" / "settings.md").read_text("utf-8")


def test_thinking_is_on_off_so_many_tokens_or_a_word():
    for written, thinking in (("true", True), ("false", False), ("2000", 2000), ('"low"', "low")):
        llm = parse_settings(f'[llms.a]\nweights = "a"\nthinking = {written}').llms["a"]
        assert (llm.thinking, llm.sampling) == (thinking, None)
    with pytest.raises(
        UsageError, match=r"llms\.a\.thinking is 0; it must be true, false, a number of tokens or a word"
    ):
        parse_settings('[llms.a]\nweights = "a"\nthinking = 0')


def test_the_example_of_the_page_is_valid():
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    settings = parse_settings(example)
    qwen, hosted, gemma = settings.llms["qwen"], settings.llms["hosted"], settings.llms["gemma-7b-it"]
    assert (qwen.weights, qwen.specialised, qwen.parameters) == ("Qwen/Qwen2.5-Math-7B-Instruct", "mathematics", 7.6)
    assert qwen.sampling == Sampling(temperature=0.6, max_tokens=1000)
    assert (qwen.prompt, qwen.wording) == ("zero-shot", settings.prompts["brief"])
    assert qwen.wording.letter == Wording().letter
    assert (hosted.endpoint, hosted.price) == ("https://llm.example.org/v1", Price(input=0.15, output=0.6))
    assert (gemma.weights, gemma.prompt, gemma.sampling) == ("weights/gemma-7b-it", "few-shot", STUDY[1].sampling)
    assert settings.benchmarks == {
        "exams": OwnBenchmark(data=Path("exams.jsonl")),
        "gsm8k": OwnBenchmark(exemplars=Path("solved.jsonl")),
    }
    assert settings.encoders == {"minilm": "weights/all-MiniLM-L6-v2"}
    assert settings.defaults == {
        "cache": "results",
        "llms": ["qwen", "gemma-7b-it"],
        "benchmark": ["gsm8k", "exams"],
        "gpu": "0,1",
        "samples": 10,
    }


def test_the_page_has_every_key_and_no_other():
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [key for keys in KEYS.values() for key in keys]
    headings = re.findall(r"^## \[(\w+)", PAGE, re.MULTILINE)
    assert headings == list(SECTIONS)
    options = re.findall(r"^\| `(\w+)` \|.*\| `--([\w-]+)`", PAGE, re.MULTILINE)
    assert options == [(key, (info.option or key).replace("_", "-")) for key, info in KEYS["defaults"].items()]


def test_variants_are_llms_of_their_own():
    text = """
        [llms.q]
        weights = "o/q"
        sampling = { temperature = 0.2, max_tokens = 100 }
        price = { input = 1, output = 2 }
        [llms.q.variants]
        brief = { max_tokens = 64, stop = ["x"] }
        think = { thinking = true }
        few-shot = { prompt = "few-shot" }
        said = { system = "Be kind." }
        own = { prompt = "own", system = "Be quick." }
        [llms.gemma-7b-it.variants]
        hot = { temperature = 2, prompt = "zero-shot" }
        [prompts.own]
        template = "{question}!"
        """
    llms = parse_settings(text).llms
    assert [*llms] == ["q", "q/brief", "q/think", "q/few-shot", "q/said", "q/own", "gemma-7b-it", "gemma-7b-it/hot"]
    q = llms["q"]
    assert (q.variant, q.family, llms["q/think"].family) == (None, "q", "q")
    assert {(llm.weights, llm.price) for name, llm in llms.items() if llm.family == "q"} == {("o/q", q.price)}
    sampled = {name: sampling_of(llm, terse=True) for name, llm in llms.items()}
    assert sampled["q/brief"] == Sampling(temperature=0.2, max_tokens=64, stop=("x",))
    assert sampled["q/think"] == replace(sampled["q"], thinking=True)
    assert sampled["gemma-7b-it/hot"] == replace(STUDY[1].sampling, temperature=2)
    assert (llms["q/few-shot"].prompt, llms["q/few-shot"].wording) == ("few-shot", None)
    assert (llms["q/said"].prompt, llms["q/said"].wording) == ("zero-shot", Wording(system="Be kind."))
    assert llms["q/own"].wording == Wording(system="Be quick.", template="{question}!")
    assert (llms["gemma-7b-it/hot"].prompt, llms["gemma-7b-it/hot"].aliases) == ("zero-shot", ())
    short = sampling_of(parse_settings(VARIANT + "top_k = 3").llms["a/b"], terse=True)
    assert short == replace(TERSE_SAMPLING, top_k=3), "as short as its LLM"


def test_no_file_is_no_settings(tmp_path):
    assert read_settings(tmp_path) == Settings()
    (tmp_path / "selectllm.toml").write_text("\ufeff", encoding="utf-8")
    assert read_settings(tmp_path) == Settings(found=True)


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("[llm.a]", "there is no section llm", "did you mean 'llms'?"),
        ("x = 1", "there is no section x", "choose from defaults, llms, prompts, benchmarks, encoders, tui"),
        ("llms = 3", "llms is 3", "it must be a table"),
        ("llms.a = 'b/c'", "llms.a is 'b/c'", "it must be a table"),
        ("[llms.a]\nweights = 'b/c'\npirce = {}", "there is no key llms.a.pirce", "did you mean 'price'?"),
        ("[llms.a]\nweights = ''", "llms.a.weights is ''", "it must be a text that is not empty"),
        ("[llms.a]\nchat = true", "llms.a has no weights", "name a folder or a hub id, or the endpoint that serves it"),
        ("[llms.a]\nchat = 1", "llms.a.chat is 1", "it must be true or false"),
        ("[llms.a]\nparameters = nan", "llms.a.parameters is nan", "it must be a number above 0"),
        ("[llms.a]\nparameters = true", "llms.a.parameters is True", "it must be a number above 0"),
        ("[llms.a]\nprice.input = 1", "llms.a.price has no output", "give dollars per million tokens"),
        ("[llms.a]\nprice = {input = -1, output = 1}", "llms.a.price.input is -1", "it must be a number of at least 0"),
        (
            "[llms.a]\nsampling.temprature = 1",
            "there is no key llms.a.sampling.temprature",
            "did you mean 'temperature'?",
        ),
        ("[llms.a]\nsampling.top_p = 1.5", "llms.a.sampling.top_p is 1.5", "it must be a number above 0 and at most 1"),
        ("[llms.a]\nvariants = 3", "llms.a.variants is 3", "it must be a table"),
        ("[llms.a]\nweights = 'b/c'\nvariants.b = 3", "llms.a.variants.b is 3", "it must be a table"),
        (VARIANT + "temprature = 1", "there is no key llms.a.variants.b.temprature", "did you mean 'temperature'?"),
        (VARIANT + "top_p = 2", "llms.a.variants.b.top_p is 2", "it must be a number above 0 and at most 1"),
        (
            VARIANT + "prompt = 'few-shots'",
            "llms.a.variants.b.prompt: no prompt 'few-shots'",
            "did you mean 'few-shot'?",
        ),
        (VARIANT + "system = '{anwser}'", "llms.a.variants.b.system has {anwser}", "did you mean 'answer'?"),
        (VARIANT, "llms.a.variants.b changes nothing", "give it a setting, such as max_tokens = 64"),
        (
            VARIANT + "prompt = 'few-shot'\nsystem = 'x'",
            "llms.a.variants.b has system, and few-shot prompts have no place for it",
            'give it prompt = "zero-shot" too',
        ),
        (
            VARIANT + "prompt = 'few-shot'\nthinking = true",
            "llms.a.variants.b has thinking, and few-shot prompts have no place for it",
            'give it prompt = "zero-shot" too',
        ),
        (
            VARIANT.replace(".b]", ".'b/c']") + "top_k = 1",
            "llms.a.variants has the name 'b/c'",
            "names hold no '=', ',', '/' and '*'",
        ),
        (
            VARIANT + "top_k = 1\n[llms.'a/b']\nweights = 'b/c'",
            "a/b is an LLM and a variant",
            "give one of them another name",
        ),
        ("[llms.a]\nsampling.stop = 'x'", "llms.a.sampling.stop is 'x'", "it must be a list of texts"),
        ("[llms.a]\nprompt = 'few-shots'", "llms.a.prompt: no prompt 'few-shots'", "did you mean 'few-shot'?"),
        ("[llms.'a=b']\nweights = 'b/c'", "llms has the name 'a=b'", "names hold no '=' and no comma"),
        (
            "[llms.a]\nendpoint = 'https://me:secret@host/v1'",
            "llms.a.endpoint is no such address",
            "it must be a URL such as http://localhost:8000/v1, without a password",
        ),
        ("[prompts.few-shot]", "prompts.few-shot is a built-in prompt style", "choose another name"),
        ("[prompts.a]\ntemplate = 'x'", "prompts.a.template is 'x'", "it must be a text with {question} in it, once"),
        ("[prompts.a]\nsystem = '{anwser}'", "prompts.a.system has {anwser}", "did you mean 'answer'?"),
        ("[benchmarks.a]\nfile = 'x'", "there is no key benchmarks.a.file", "did you mean 'files'?"),
        (
            "[benchmarks.a]\nquestion = 'q'",
            "benchmarks.a has no answer",
            "say which column it is, such as answer = 'answer'",
        ),
        (
            "[benchmarks.a]\nquestion = 'q'\nanswer = 'a'\nsplit = {train = 0.5, test = 0.6}",
            "benchmarks.a.split takes more than there is of the file",
            "give shares",
        ),
        (
            "[benchmarks.a]\nquestion = 'q'\nanswer = 'a'\nsplit = {dev = 'dev'}",
            "there is no key benchmarks.a.split.dev",
            "choose from train, validation, test",
        ),
        (
            "[benchmarks.a]\nquestion = 'q'\nanswer = 'a'\npatterns.answer = '('",
            "benchmarks.a.patterns is {'answer': '('}",
            "it must be a table of regular expressions by key",
        ),
        ("[benchmarks.a]\nhub = 'x'", "benchmarks.a.hub is 'x'", 'it must be a data set of the hub, "owner/name"'),
        ("[encoders]\na = 1", "encoders.a is 1", "it must be a text that is not empty"),
        ("[defaults]\nsample = 3", "there is no key defaults.sample", "did you mean 'samples'?"),
        ("[defaults]\nsamples = 0", "defaults.samples is 0", "it must be a whole number of at least 1"),
        ("[defaults]\nllms = []", "defaults.llms is []", "it must be a text or a list of texts"),
        ("[defaults]\ngpu = 'x'", "defaults.gpu is 'x'", 'it must be GPU numbers such as 0 or "0,1"'),
        ("[defaults]\nprompt = 'x'", "defaults.prompt: no prompt 'x'", "choose from zero-shot, few-shot"),
        ("[defaults]\ndevice = 'gpu'", "defaults.device is 'gpu'", 'it must be "auto" or "cpu" or "cuda"'),
    ],
)
def test_what_is_wrong_is_named(text, problem, remedy):
    with pytest.raises(UsageError) as caught:
        parse_settings(text)
    assert (caught.value.problem, caught.value.remedy) == (f"selectllm.toml: {problem}", remedy)


@pytest.mark.parametrize(
    "text",
    [
        "api_key = 'sk-1'",
        "[llms.a]\nweights = 'b/c'\napi_key = 'sk-1'",
        "[llms.a]\napi-token = 'sk-1'",
        "[defaults]\nOPENAI_API_KEY = 'sk-1'",
        "[defaults]\nhf_token = 'sk-1'",
        "[encoders]\npassword = 'sk-1'",
        "[benchmarks]\nsecret = 'sk-1'",
    ],
)
def test_keys_are_refused_and_not_repeated(text):
    with pytest.raises(UsageError, match="keys come from the environment alone; take it out of the file") as caught:
        parse_settings(text)
    assert "sk-1" not in str(caught.value)


def test_a_broken_file_is_one_line(tmp_path):
    path = tmp_path / "selectllm.toml"
    for content, problem in [
        (b"[llms", r"is no TOML \(Expected"),
        (b"\xff", r"is not UTF-8 \(byte 0\)"),
        (b"a = " + b"[" * 100_000, "is no TOML"),
        (b"defaults.samples = " + b"9" * 5000, "is no TOML"),
    ]:
        path.write_bytes(content)
        with pytest.raises(UsageError, match=problem) as caught:
            read_settings(tmp_path)
        assert "\n" not in str(caught.value)
    path.unlink()
    path.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_settings(tmp_path)


def test_a_home_folder_of_nobody_is_a_path_like_any_other():
    settings = parse_settings("defaults.cache = '~nobody-of-that-name/c'\nbenchmarks.b = '~nobody-of-that-name/d'")
    assert settings.defaults == {"cache": "~nobody-of-that-name/c"}
    assert settings.benchmarks["b"].data == Path("~nobody-of-that-name/d")
    assert parse_settings("defaults.cache = '~/c'").defaults == {"cache": str(Path.home() / "c")}


def test_prompts_by_name():
    settings = parse_settings("[prompts.mine]\nsystem = '\\\\boxed{x} {answer}'")
    assert settings.prompt("few-shot") == ("few-shot", None)
    assert settings.prompt("mine") == ("zero-shot", Wording(system="\\\\boxed{x} {answer}"))
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):
        settings.prompt("mines")


def test_an_endpoint_needs_no_weights():
    llm = parse_settings("[llms.a]\nendpoint = 'http://localhost:8000/v1'").llms["a"]
    assert (llm.weights, llm.endpoint) == ("a", "http://localhost:8000/v1")


def test_neither_pipes_nor_devices_nor_floods(tmp_path):
    path = tmp_path / "selectllm.toml"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="no plain file"):
        read_settings(tmp_path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="no plain file"):
        read_settings(tmp_path)
    path.unlink()
    path.write_text("#" * (1 << 20) + "\n")
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 400_000 + "a = 1",
        "[" + '"a" . ' * 100_000 + "a]",
        "x = { " + "'a'." * 100_000 + "a = 1 }",
        "prompts." + "a." * 60 + "system = 'x'",
    ],
    ids=["dotted", "header", "inline", "just above"],
)
def test_keys_of_many_steps_are_refused_before_they_take_their_time(text):
    with pytest.raises(UsageError, match="a key of more than 50 steps"):
        parse_settings(text)


@pytest.mark.parametrize(
    "text", ["a" * 900_000, '"' * 900_000, "a.'" * 300_000, "." * 900_000, "- " * 450_000], ids=len
)
def test_looking_for_such_keys_takes_no_time_itself(text):
    with pytest.raises(UsageError, match="is no TOML"):
        parse_settings(text)


def test_dots_in_a_text_are_no_key():
    parse_settings('[prompts.dots]\nsystem = """\nChapter 1 ' + "." * 200 + " 5\nand so on" + "..." * 100 + '"""\n')
