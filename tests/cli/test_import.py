"""`selectllm import predictions`: from the file to figures."""

import csv
import json

import pytest

HEADER = ["question", "split", "true_label", "prediction", "raw_predictions", "confidence"]
ROWS = [
    ["one", "train", "['a', 'b']", "['a']", "[1, 0]", "[1.5, -0.5]"],
    ["two", "val", "[]", "['a']", "[1, 0]", "[0.5, -0.5]"],
    ["three", "test", "['b']", "[]", "[0, 0]", "[-0.5, -1.5]"],
    ["four", "test", "['a']", "['a', 'b']", "[1, 1]", "[0.5, 2.5]"],
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "predictions.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *ROWS])
    return path


def test_from_the_file_to_figures(selectllm, file, tmp_path):
    cache = tmp_path / "cache"
    command = ["import", "predictions", str(file), "--benchmark", "study", "--latency", "a=1.5,b=0.5"]
    code, out, err = selectllm(*command, cache=cache)
    assert (code, out) == (0, "")
    assert err == "study imported: 4 rows (1 train, 1 validation, 2 test) of 2 LLMs: a, b\n"
    assert selectllm(*command, cache=cache)[2].startswith("study was already there: 4 rows")
    code, out, _ = selectllm("evaluate", "--benchmark", "study", "--format", "json", cache=cache)
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    assert (rows["a"]["accuracy"], rows["a"]["latency"]) == (0.5, 1.5)
    assert rows["oracle"]["accuracy"] == 1.0
    assert rows["oracle"]["latency"] == 1.0
    assert rows["imported argmax"]["accuracy"] == 0.0  # both times the other one is right
    code, out, _ = selectllm("evaluate", "--benchmark", "study", "--protocol", "paper", "--format", "json", cache=cache)
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    assert rows["imported upper-bound"]["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--latency", "a"], 2, "--latency a is no name with seconds"),
        (["--latency", "a=fast"], 2, "--latency a=fast is no name with seconds"),
        (["--latency", "c=1"], 2, "no LLM 'c'; choose from a, b"),
        (["--llms", "a,b,c"], 1, "2 numbers per row, --llms 3 names"),
        (["--llms", "b,a"], 1, "row 1: raw_predictions mean"),
    ],
)
def test_wrong_options(selectllm, file, options, code, message):
    cache = file.parent / "cache"
    found = selectllm("import", "predictions", str(file), "--benchmark", "study", *options, cache=cache)
    assert found[:2] == (code, "")
    assert message in found[2]
    assert not cache.exists()


def test_a_file_of_something_else(selectllm, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    code, _, err = selectllm(
        "import", "predictions", str(tmp_path / "other.csv"), "--benchmark", "b", cache=tmp_path / "cache"
    )
    assert code == 1
    assert "has no column question" in err
    assert err.count("\n") == 1
