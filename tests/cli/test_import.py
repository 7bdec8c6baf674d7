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


# The other formats


def write_table(path, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return str(path)


TABLE = [
    ["question", "gold", "a", "b", "a says", "b says"],
    *([f"What is {n}?", n, n % 2, 1, f"It is {n}", f"It is {n + n % 3 // 2}"] for n in range(10)),
]


def test_a_table_with_both_verdicts(selectllm, tmp_path):
    cache, path = tmp_path / "cache", write_table(tmp_path / "table.csv", TABLE)
    command = ["import", "table", path, "--benchmark", "t", "--llms", "a,b", "--text", "{llm} says", "--gold", "gold"]
    code, out, err = selectllm(*command, "--split-by", "50/10/40", cache=cache)
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        "t imported: 10 rows (5 train, 1 validation, 4 test) of 2 LLMs: a, b",
        "LLM  questions  recorded %  ours %  agree %  no answer %  empty %  verdict",
        "a           10        50.0   100.0     50.0          0.0      0.0  recorded",
        "b           10       100.0    70.0     70.0          0.0      0.0  recorded",
        "recorded verdicts are the labels, ours agree on 50.0 % only: a 50.0 % recorded, 100.0 % ours; "
        "the same import with --verdicts own takes ours",
        "8 of 20 recorded verdicts differ from ours; selectllm show --disagreements --benchmark t lists them",
    ]
    assert selectllm(*command, "--split-by", "50/10/40", cache=cache)[2].startswith("t was already there: 10 rows")
    code, out, err = selectllm("show", "--disagreements", "--benchmark", "t", "--format", "json", cache=cache)
    assert code == 0
    rows = json.loads(out)
    assert {(row["llm"], row["right"], row["recorded_right"]) for row in rows} == {
        ("a", True, False),
        ("b", False, True),
    }
    assert len(rows) == 8
    assert err == "8 of 20 verdicts differ\n"
    code, out, _ = selectllm("show", "--disagreements", "--benchmark", "t", "--pool", "b", cache=cache)
    assert code == 0
    assert len(out.splitlines()) == 4  # a heading and three rows


def test_nothing_disagrees_without_both_verdicts(selectllm):
    code, out, err = selectllm("show", "--disagreements", "--format", "json")
    assert (code, out, err) == (0, "[]\n", "nothing has both verdicts\n")
    code, _, err = selectllm("show", "--disagreements", "q-1")
    assert code == 2
    assert "leave the question's id out" in err


def test_a_table_of_scores_has_no_votes(selectllm, tmp_path):
    cache, path = tmp_path / "cache", write_table(tmp_path / "table.csv", TABLE)
    code, _, err = selectllm("import", "table", path, "--benchmark", "t", "--llms", "a,b", cache=cache)
    assert code == 0
    assert "note: there are scores only, no texts: rows that need votes will say so" in err
    assert "note: all questions are test: to train routers, import with --split-by 50/10/40" in err
    out = selectllm("evaluate", "--benchmark", "t", "--format", "json", cache=cache)[1]
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    assert rows["a"]["accuracy"] == 0.5
    assert "needs votes" in rows["all-llms"]["note"]


def test_from_routerbench_to_a_trained_router(selectllm, tmp_path):
    rows = [["sample_id", "prompt", "eval_name", "a", "b", "a|model_response", "b|model_response", "a|total_cost"]]
    rows += [[f"m.{n}", f"['What is {n}?']", "maths", n % 2, 1, f"['It is {n}']", "['2']", 0.1] for n in range(40)]
    cache, path = tmp_path / "cache", write_table(tmp_path / "rb.csv", rows)
    code, _, err = selectllm("import", "routerbench", path, "--benchmark", "r", "--split-by", "50/10/40", cache=cache)
    assert code == 0
    assert err.startswith("r imported: 40 rows (20 train, 4 validation, 16 test) of 2 LLMs: a, b\n")
    assert "maths    a           40        50.0          0.0      0.0  recorded\n" in err
    assert selectllm("train", "--benchmark", "r", "--router", "prior", cache=cache)[0] == 0
    out = selectllm("evaluate", "--benchmark", "r", "--format", "json", cache=cache)[1]
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    assert rows["prior argmax"]["accuracy"] == 1.0
    assert rows["a"]["cost"] == pytest.approx(0.1)


def test_llmrouterbench(selectllm, tmp_path):
    for model, score in (("a", 1.0), ("b", 0.0)):
        folder = tmp_path / "bench" / "aime" / "test" / model
        folder.mkdir(parents=True)
        record = {"origin_query": "1+1?", "ground_truth": "2", "raw_output": "2", "prediction": "2", "score": score}
        (folder / f"aime-test-{model}-20250901_120000.json").write_text(json.dumps({"records": [record]}))
    folder, cache = str(tmp_path / "bench"), tmp_path / "cache"
    code, _, err = selectllm("import", "llmrouterbench", folder, "--benchmark", "l", cache=cache)
    assert code == 0
    assert err.splitlines()[0] == "l imported: 2 rows (1 test) of 2 LLMs: a, b"
    assert "1 of 2 recorded verdicts differ from ours" in err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "error: it is not said which columns are LLMs; give --llms a,b"),
        (["--llms", "a,c"], 2, "error: no column 'c'; choose from"),
        (["--llms", "a,b says", "--gold", "gld"], 2, "error: no column 'gld'; did you mean 'gold'?"),
        (["--llms", "a", "--split-by", "50/50"], 2, "error: --split-by 50/50 is no split; write shares"),
        (["--llms", "a", "--threshold", "2"], 2, "error: a threshold of 2; give a number above 0"),
        (["--llms", "a", "--kind", "numbers"], 2, "error: no kind 'numbers'; did you mean 'number'?"),
        (["--llms", "gold"], 1, "error: the score 2 of gold on question 't-000003' is not from 0 to 1"),
        (["--llms", "a says"], 1, "error: table.csv, row 1: a says 'It is 0' is no number"),
    ],
)
def test_wrong_requests_are_one_line_and_change_nothing(selectllm, tmp_path, options, code, message):
    cache, path = tmp_path / "cache", write_table(tmp_path / "table.csv", TABLE)
    found = selectllm("import", "table", path, "--benchmark", "t", *options, cache=cache)
    assert found[:2] == (code, "")
    assert found[2].startswith(message)
    assert found[2].count("\n") == 1
    assert not (cache / "t").exists()


def test_names_with_escapes_do_no_harm(selectllm, tmp_path):
    rows = [["llm", "question", "score"], ["\x1b[31m../x", "\x1b]0;title\x07?", 1]]
    cache, path = tmp_path / "cache", write_table(tmp_path / "\x1b[1mtable.csv", rows)
    command = ["import", "table", path, "--benchmark", "t", "--llm", "llm", "--score", "score"]
    code, _, err = selectllm(*command, cache=cache)
    assert code == 0
    assert "\x1b" not in err
    _, _, err = selectllm(*command[:-1], "missing", cache=tmp_path / "other")
    assert "\x1b" not in err
    assert "no column 'missing'" in err
