"""What is exported for LiteLLM's proxy, and the plugin's choice; tests/integration has the real proxy."""

import asyncio
import importlib.util
import json
import re
import sys
import time
import tomllib
from types import ModuleType

import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from paths import ROOT
from selectllm_engine.errors import UsageError
from selectllm_engine.llms import LLM, Price
from selectllm_engine.routers.training_data import question_texts
from selectllm_engine.serving.gateway import LITELLM, export_gateway, read_gateway
from selectllm_engine.setups import Setup, planned_setup, quoted, setup_of

NAMES = ("fake-a", "fake-b", "fake-c")
ODD = 'a "quoted": {name} #\u202e\x1b\x7f\x9b🙂 \\ ${X}'
FILES = ["README.md", "config.yaml", "gateway.json", "selectllm_plugin.py", "setup.toml"]


def placed(names):
    return {name: LLM(name=name, weights=f"served-{name}", endpoint=f"http://127.0.0.1/{name}/v1") for name in names}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = sl.load("fake", write_fake_run(tmp_path_factory.mktemp("run")))
    sl.train(run, "logistic:tfidf")
    return sl.load("fake", run.cache.root)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """The setup, and the folder of its gateway."""
    folder = tmp_path_factory.mktemp("gateway") / "new" / "out"
    setup = setup_of(run, router="logistic:tfidf", policy="cost-aware:0.01")
    written = export_gateway(run, setup, folder, placed(NAMES))
    assert sorted(each.name for each in written) == sorted(each.name for each in folder.iterdir()) == FILES
    return setup, folder


def plugin_of(folder, monkeypatch):
    """The plugin of a folder, with as much of LiteLLM as it needs."""
    fake = ModuleType("litellm.integrations.custom_logger")
    fake.CustomLogger = type("CustomLogger", (), {})
    for name in ("litellm", "litellm.integrations"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    spec = importlib.util.spec_from_file_location("selectllm_plugin", folder / "selectllm_plugin.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hooked(module, data, call_type="acompletion"):
    return asyncio.run(module.plugin.async_pre_call_hook(None, None, data, call_type))


def user(text):
    return {"role": "user", "content": text}


def test_the_gateway_chooses_as_evaluate_does(run, exported):
    setup, folder = exported
    gateway = read_gateway(folder)
    texts = run.outcomes("test").questions.select(question_texts()).to_series().to_list()
    chosen = [run.llms[llm] for llm in planned_setup(run, setup).select().choice.tolist()]
    assert len(set(chosen)) > 1
    assert [gateway.choose([user(text)]) for text in texts] == chosen


def test_the_last_words_of_the_user_count(run, exported):
    gateway = read_gateway(exported[1])
    texts = run.outcomes("test").questions.select(question_texts()).to_series().to_list()
    chosen = [gateway.choose([user(text)]) for text in texts]
    one, other = texts[0], texts[next(at for at, name in enumerate(chosen) if name != chosen[0])]
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    for messages in (
        [user(other), {"role": "assistant", "content": other}, user(one)],
        [user([picture, {"type": "text", "text": one}]), {"role": "assistant", "content": other}],
        [{"role": "system", "content": other}, user(one), {"role": "tool", "content": other}],
    ):
        assert gateway.choose(messages) == chosen[0]


@pytest.mark.parametrize(
    "messages", [None, [], "x", [{"role": "system", "content": "x"}], [user(" ")], [user([{}])], [7]]
)
def test_where_nobody_says_anything_nothing_is_chosen(exported, messages):
    with pytest.raises(ValueError, match="no message of a user"):
        read_gateway(exported[1]).choose(messages)


def test_the_plugin_changes_the_model_of_chats_alone(exported, monkeypatch):
    module = plugin_of(exported[1], monkeypatch)
    gateway = read_gateway(exported[1])
    asked = {"model": "selectllm", "messages": [user("How many apples?")], "tools": [1]}
    name = gateway.choose(asked["messages"])
    assert hooked(module, dict(asked)) == {**asked, "model": name}
    for data, call in (({**asked, "model": "fake-a"}, "acompletion"), (asked, "aembedding"), ({"file": 1}, "x")):
        assert hooked(module, dict(data), call) == data


def test_a_router_that_fails_or_is_slow_leaves_best_single(exported, monkeypatch, caplog):
    module = plugin_of(exported[1], monkeypatch)
    asked = {"model": "selectllm", "messages": [user("secret words")]}

    class Broken:
        def choose(self, _):
            raise RuntimeError("secret words")

    class Slow:
        def choose(self, _):
            time.sleep(0.5)
            return "fake-a"

    module.plugin.gateway = Broken()
    assert hooked(module, dict(asked)) == asked
    module.SECONDS, module.plugin.gateway = 0.01, Slow()
    assert hooked(module, dict(asked)) == asked
    assert [each.getMessage() for each in caplog.records] == [
        "best-single answers: the router failed (RuntimeError)",
        "best-single answers: the router failed (TimeoutError)",
    ]


def test_the_configuration(run, exported):
    text = (exported[1] / "config.yaml").read_text()
    best = run.llms[run.view().best_single]
    ranked = [run.llms[llm] for llm in run.view().ranked]
    assert ranked[0] == best
    for name in (*NAMES, "selectllm"):
        of = best if name == "selectllm" else name
        block = text.partition(f'  - model_name: "{name}"\n')[2].partition("  - model_name")[0]
        assert block.splitlines()[1:4] == [
            f'      model: "openai/served-{of}"',
            f'      api_base: "http://127.0.0.1/{of}/v1"',
            '      api_key: "os.environ/OPENAI_API_KEY"',
        ]
        others = ", ".join(f'"{each}"' for each in ranked if each != of)
        assert f'    - "{name}": [{others}]\n' in text
    assert "callbacks: selectllm_plugin.plugin\n" in text
    assert text.endswith("general_settings:\n  master_key: os.environ/LITELLM_MASTER_KEY\n")
    assert json.loads((exported[1] / "gateway.json").read_text())["cache"] == str(run.cache.root.resolve())


def test_prices_keys_and_odd_names_arrive(tmp_path):
    run = sl.load("fake", write_fake_run(tmp_path / "cache", llms=(ODD,)))
    llm = LLM(name=ODD, weights=ODD, endpoint="http://h/v1", api_key_env="MY_KEY", price=Price(input=3.0, output=0.25))
    export_gateway(run, setup_of(run), tmp_path / "out", {ODD: llm})
    text = (tmp_path / "out" / "config.yaml").read_text()
    assert "fallbacks" not in text
    for start, value in (
        ("  - model_name: ", ODD),
        ("      model: ", f"openai/{ODD}"),
        ("      api_key: ", "os.environ/MY_KEY"),
    ):
        line = next(line for line in text.splitlines() if line.startswith(start))
        assert tomllib.loads(f"x = {line.removeprefix(start)}") == {"x": value}
    assert text.count("      input_cost_per_token: 3e-06\n      output_cost_per_token: 2.5e-07\n") == 2
    assert read_gateway(tmp_path / "out").choose([user("anything")]) == ODD


def test_the_documented_version_is_the_one_that_is_tried():
    for place in ("docs/recipes.md", ".ci/run"):
        assert re.search(rf"litellm\[proxy\](`? |==){re.escape(LITELLM)}\b", (ROOT / place).read_text("utf-8")), place


def test_quoted_hides_nothing():
    assert quoted("a\n\u202e🙂") == '"a\\u000A\\u202E🙂"'


def test_what_is_refused(run, tmp_path):
    def refused(message, setup=None, llms=None, folder=None, **how):
        setup = setup or setup_of(run, router="logistic:tfidf")
        with pytest.raises(UsageError, match=message):
            export_gateway(run, setup, folder or tmp_path / "out", placed(NAMES) if llms is None else llms, **how)

    routed = {"router": "logistic:tfidf"}
    refused("policy top-m asks several LLMs, and a gateway", setup_of(run, **routed, policy="top-m"))
    refused("policy random draws LLMs by chance", setup_of(run, **routed, policy="random"))
    refused("policy cascade asks one LLM after the other", setup_of(run, policy="cascade"))
    refused("the vote of all asks several LLMs", setup_of(run))
    refused(r"not known where fake-c is; say so in selectllm.toml: \[llms.fake-c\]", llms=placed(NAMES[:2]))
    refused("it is not known where fake-a is", llms=placed(NAMES) | {"fake-a": LLM(name="fake-a", weights="x")})
    taken = Setup(benchmark="fake", kind="x", pool=("selectllm",))
    refused("an LLM named 'selectllm' would be taken for something else", taken)
    (tmp_path / "file").write_text("mine")
    refused("file is a file; name a folder", folder=tmp_path / "file")
    assert not (tmp_path / "out").exists()


def test_files_that_are_there_are_replaced_on_request_only(run, tmp_path):
    setup = setup_of(run, ["fake-a"])
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"config\.yaml is there already"):
        export_gateway(run, setup, tmp_path, placed(NAMES))
    assert [each.name for each in tmp_path.iterdir()] == ["config.yaml"]
    export_gateway(run, setup, tmp_path, placed(NAMES), force=True)
    assert (tmp_path / "config.yaml").read_text() != "mine"
