"""`selectllm import helm` and the further runs of other tools, on logs that the tools wrote."""

import json

import pytest

from paths import DATA

LOGS = {
    "helm": ("--task", "sums:digits=1"),
    "lighteval": ("--task", "sums"),
    "opencompass": ("--task", "sums"),
    "promptfoo": (),
    "simple-evals": ("--task", "mgsm"),
}


@pytest.mark.parametrize("name", LOGS)
def test_from_the_log_to_figures(selectllm, tmp_path, name):
    cache = tmp_path / "cache"
    command = ["import", name, str(DATA / name), *LOGS[name], "--benchmark", "mine"]
    code, out, err = selectllm(*command, cache=cache)
    assert (code, out) == (0, "")
    assert err.startswith("mine imported: ")
    assert "error" not in err
    code, out, _ = selectllm("evaluate", "--benchmark", "mine", "--format", "json", cache=cache)
    assert code == 0
    accuracy = {row["name"]: row["accuracy"] for row in json.loads(out)["rows"] if row["kind"] == "llm"}
    assert {1.0 if "strong" in llm else 0.5 for llm in accuracy} >= {1.0, 0.5}
    assert all(value == 1.0 for llm, value in accuracy.items() if "strong" in llm)
    assert all(value < 1.0 for llm, value in accuracy.items() if "weak" in llm)
    assert selectllm(*command, cache=cache)[2].startswith("mine was already there: ")


def test_routerarena(selectllm, tmp_path):
    entry = {
        "global index": "Sums_1",
        "prompt": "What is 1+1?",
        "prediction": "one",
        "generated_result": {"generated_answer": "2", "success": True, "token_usage": {}},
        "cost": 0.1,
        "accuracy": 1.0,
    }
    path = tmp_path / "cheapest.json"
    path.write_text(json.dumps([entry]))
    for more, llm in (((), "one"), (("--routers",), "cheapest")):
        command = ["import", "routerarena", str(path), "--benchmark", f"of-{llm}", *more]
        code, out, err = selectllm(*command, cache=tmp_path / "cache")
        assert (code, out) == (0, "")
        assert err.startswith(f"of-{llm} imported: 1 rows (1 test) of 1 LLMs: {llm}\n")


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (("helm", "helm", "--metric", "exact"), 2, "no metric 'exact'; did you mean 'exact_match'?"),
        (("helm", "helm", "--task", "word"), 2, "no task 'word'; did you mean 'words'?"),
        (("helm", "inspect"), 1, "holds no runs of HELM"),
        (("lighteval", "lighteval", "--metric", "x"), 2, "no metric 'x'; choose from acc, "),
        (("lighteval", "lm-eval"), 1, "holds no details of lighteval; run lighteval with --save-details"),
        (("opencompass", "opencompass", "--task", "sum"), 2, "no task 'sum'; did you mean 'sums'?"),
        (("opencompass", "helm"), 1, "holds no predictions of OpenCompass"),
        (("promptfoo", "promptfoo", "--metric", "x"), 2, "no metric 'x'; there are none yet"),
        (("promptfoo", "inspect"), 1, "holds no results of promptfoo"),
        (("routerarena", "promptfoo"), 1, "holds no predictions or cached results of RouterArena"),
        (("simple-evals", "simple-evals", "--task", "gpqa"), 2, "no task 'gpqa'; choose from mgsm, mmlu"),
        (("simple-evals", "promptfoo"), 1, "holds no results of simple-evals"),
        (("helm", "helm", "--split-by", "50"), 2, "--split-by 50 is no split"),
    ],
)
def test_wrong_options(selectllm, tmp_path, command, code, message):
    name, folder, *more = command
    found = selectllm("import", name, str(DATA / folder), *more, "--benchmark", "mine", cache=tmp_path / "cache")
    assert found[:2] == (code, "")
    assert message in found[2]
    assert len(found[2].splitlines()) == 1
    assert not (tmp_path / "cache" / "mine").exists()
