"""lm-eval and Inspect themselves, with a real small LLM on our own questions; what they write is imported.

Every figure is compared with the tool's own: what it averaged over these samples.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import local_tasks
from selectllm_engine.importers.inspect import import_inspect
from selectllm_engine.importers.lm_eval import import_lm_eval
from selectllm_engine.importers.records import Options
from selectllm_engine.store import VerdictChoice
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.outcome_arrays import load_outcomes
from selectllm_tui.cli import main

pytestmark = pytest.mark.integration

LLMS = os.environ.get("SELECTLLM_TEST_LLMS", "")
NAME = "smollm2-135m-it"
SIZE, EPOCHS = 12, 3
# Real verdicts are too strict for 98 % of agreement; with ours, texts vote.
OWN = Options(verdicts=VerdictChoice.parse(["own"]))
GIVE_UP = 900.0  # seconds; loading takes most of it on a busy machine

for each in ("lm_eval", "inspect_ai", "zipfile_zstd", "torch"):
    if find_spec(each) is None:
        pytest.skip(f"needs lm-eval, inspect-ai and torch; {each} is missing", allow_module_level=True)
if not (Path(LLMS) / NAME / "config.json").is_file():
    pytest.skip(
        f"SELECTLLM_TEST_LLMS names no folder with {NAME}; tools/pypi_llms.py makes one", allow_module_level=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the tasks, their questions, and the LLM under two names."""
    folder = tmp_path_factory.mktemp("tasks")
    local_tasks.write(folder, SIZE)
    for name in ("calm", "wild"):
        (folder / name).symlink_to(Path(LLMS).resolve() / NAME, target_is_directory=True)
    return folder


def run(folder, program, *args):
    """Run a tool that lies beside this Python; nothing is fetched, nothing written elsewhere."""
    own = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    own |= {"XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "xdg"), "NO_COLOR": "1"}
    command = [str(Path(sys.executable).with_name(program)), *map(str, args)]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | own, capture_output=True, text=True, timeout=GIVE_UP, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def lm_eval(folder):
    """lm-eval's output for one LLM at two temperatures: its folder, and its averages by LLM."""
    for name, temperature in {"calm": 0.3, "wild": 1.3}.items():
        run(
            folder,
            "lm-eval",
            *("run", "--model", "hf", "--model_args", f"pretrained={name},dtype=float32", "--batch_size", "16"),
            *("--tasks", "local_sums,local_words", "--include_path", ".", "--log_samples", "--output_path", "out"),
            *("--gen_kwargs", f"temperature={temperature},do_sample=True"),
        )
    averages = {}
    for name in ("calm", "wild"):
        [path] = (folder / "out" / name).glob("results_*.json")
        averages[name] = json.loads(path.read_text())["results"]
    return folder / "out", averages


@pytest.fixture(scope="module")
def inspect(folder):
    """Inspect's logs of two tasks, as .eval and converted by itself to JSON."""
    model = ("--model", "hf/local", "-M", "model_path=calm", "--display", "plain")
    run(
        folder,
        "inspect",
        *("eval", "quiz.py@sums", "quiz.py@words", *model, "--limit", 4, "--epochs", EPOCHS),
        *("--log-format", "eval", "--log-dir", "logs"),
    )
    for log in (folder / "logs").glob("*.eval"):
        run(folder, "inspect", "log", "convert", log, "--to", "json", "--output-dir", "converted")
    run(
        folder,
        "inspect",
        *("eval", "quiz.py@faulty", *model, "--limit", 3, "--no-fail-on-error"),
        *("--log-format", "json", "--log-dir", "faulty"),
    )
    return folder


def mean(cache, llm, benchmark="b"):
    return cache.verdicts(benchmark, llm)["score"].mean()


@pytest.mark.parametrize("filter_name", ["first", "maj@3"])
def test_lm_eval_texts(lm_eval, tmp_path, filter_name):
    out, averages = lm_eval
    cache = Cache(tmp_path / "cache")
    done = import_lm_eval(cache, out, "b", options=OWN, tasks=["local_sums"], filter_name=filter_name)
    assert done.llms == ("calm", "wild")
    assert done.splits == {"test": SIZE}
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.answers.shape == (SIZE, 2, 3)
    assert outcomes.left_out_total == 0
    for llm in done.llms:
        assert mean(cache, llm) == pytest.approx(averages[llm]["local_sums"][f"exact_match,{filter_name}"])
        assert cache.generations("b", llm).height == 3 * SIZE


@pytest.mark.parametrize("metric", ["acc", "acc_norm"])
def test_lm_eval_choices(lm_eval, tmp_path, metric):
    out, averages = lm_eval
    cache = Cache(tmp_path / "cache")
    done = import_lm_eval(cache, out, "b", tasks=["local_words"], metric=metric)
    labels = load_outcomes(cache, "b", "test").labels
    for place, llm in enumerate(done.llms):
        expected = averages[llm]["local_words"][f"{metric},none"]
        assert labels[:, place].mean() == mean(cache, llm) == pytest.approx(expected)


def test_from_the_command_line_to_a_table(lm_eval, tmp_path, capsys):
    out, _ = lm_eval
    where = ["--benchmark", "mine", "--cache", str(tmp_path / "cache")]
    assert main(["import", "lm-eval", str(out), "--task", "local_sums", "--split-by", "50/10/40", *where]) == 0
    assert main(["train", "--router", "logistic:tfidf", *where]) == 0
    capsys.readouterr()
    assert main(["evaluate", "--format", "json", *where]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["name"] for row in rows if row["kind"] == "llm"} == {"calm", "wild"}
    assert any(row["router"] == "logistic:tfidf" for row in rows)


@pytest.mark.parametrize(("task", "scorer"), [("sums", "match"), ("sums", "answer"), ("words", "choice")])
def test_inspect(inspect, tmp_path, task, scorer):
    cache = Cache(tmp_path / "cache")
    done = import_inspect(cache, inspect / "logs", "b", options=OWN, tasks=[task], scorer=scorer)
    assert done.llms == ("calm",)
    assert (done.rows, done.splits, done.skipped) == (4 * EPOCHS, {"test": 4}, {})
    [path] = (inspect / "converted").rglob(f"*_{task}_*.json")
    log = json.loads(path.read_text())
    [average] = [each for each in log["results"]["scores"] if each["name"] == scorer]
    assert mean(cache, "calm") == pytest.approx(average["metrics"]["accuracy"]["value"])
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == EPOCHS
    assert (outcomes.latency > 0).all()
    tokens = log["stats"]["model_usage"]["hf/local"]
    generations = cache.generations("b", "calm")
    assert generations["prompt_tokens"].sum() == tokens["input_tokens"]
    assert generations["output_tokens"].sum() == tokens["output_tokens"]


def test_inspect_as_json_is_the_same(inspect, tmp_path):
    cache = Cache(tmp_path / "cache")
    import_inspect(cache, inspect / "logs", "a")
    import_inspect(cache, inspect / "converted", "b")
    key = ["question_id", "sample"]
    for read in (cache.generations, cache.verdicts):
        assert read("a", "calm").sort(key).equals(read("b", "calm").sort(key))
    assert cache.questions("a").sort("question_id").equals(cache.questions("b").sort("question_id"))


def test_inspect_with_a_sample_that_broke(inspect, tmp_path):
    done = import_inspect(Cache(tmp_path / "cache"), inspect / "faulty", "b")
    assert done.skipped == {"samples that ended with an error": 1}
    assert done.splits == {"test": 2}
