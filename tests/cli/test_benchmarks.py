"""`selectllm benchmarks`: the list, and what a check says."""

import json

import pytest

from selectllm_engine.benchmarks import PRESETS, SOURCES
from selectllm_tui.cli import main

STONES = """
[benchmarks.stones]
data = "stones.csv"
question = "stone"
choices = ["a", "b"]
answer = "right"
[benchmarks.plain]
data = "plain.jsonl"
"""


@pytest.fixture
def benchmarks_lab(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    (tmp_path / "selectllm.toml").write_text(STONES)
    (tmp_path / "stones.csv").write_text(
        "stone,a,b,right\nWhich is green?,beryl,coral,A\nWhich is red?,beryl,coral,C\n"
    )
    (tmp_path / "plain.jsonl").write_text('{"question": "How many stones?", "answer": 3}\n')

    def run(*args):
        code = main(["benchmarks", *args])
        return code, *capsys.readouterr()

    return run


def test_presets_generated_ones_and_ones_own_are_listed(benchmarks_lab):
    code, out, err = benchmarks_lab("--format", "json")
    assert (code, err) == (0, "")
    rows = {row["name"]: row for row in json.loads(out)["benchmarks"]}
    assert list(rows) == [*PRESETS, *SOURCES, "stones", "plain"]
    assert rows["gsm8k"]["kind"] == "number"
    assert rows["mmlu"]["test"] == 1531
    assert rows["stones"] | {"kind": "letter", "source": "stones.csv"} == rows["stones"]
    assert [rows["stones"][split] for split in ("train", "test")] == [None, 1]
    assert (rows["plain"]["kind"], rows["plain"]["test"]) == ("number", 1)
    code, out, _ = benchmarks_lab()
    assert code == 0
    assert out.splitlines()[1].split()[:5] == ["gsm8k", "number", "6,816", "359", "1,319"]


def test_a_check_shows_questions_and_what_is_odd(benchmarks_lab):
    code, out, err = benchmarks_lab("check", "stones")
    assert code == 0
    assert "── stones-0000 (test), gold A\n" in out
    assert "   (A) beryl (B) coral\n" in out
    assert out.splitlines()[-1] == "stones: 1 test; answers: 1 letter; 0 exemplars"
    said = "odd: 1 rows are left out, the first (stones.csv, row 2) because its answer is none of its options"
    assert err == f"{said}, or more than one\n"
    code, out, err = benchmarks_lab("check", "plain", "--format", "json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert (said["splits"], said["kinds"], said["odd"]) == ({"test": 1}, {"number": 1}, [])
    assert said["questions"][0]["gold"] == "3"
    assert benchmarks_lab("check", "plain")[2] == "nothing is odd\n"


def test_a_check_is_of_the_exemplars_of_ones_own_too(benchmarks_lab, tmp_path):
    (tmp_path / "solved.jsonl").write_text('{"question": "How many stones?", "answer": 3}\n')
    (tmp_path / "selectllm.toml").write_text('[benchmarks.plain]\ndata = "plain.jsonl"\nexemplars = "solved.jsonl"\n')
    code, out, err = benchmarks_lab("check", "plain")
    assert (code, err) == (0, "odd: 1 exemplars are test questions too (plain-0001)\n")
    assert out.splitlines()[-1].endswith("; 1 exemplars")


def test_a_file_that_is_broken_is_listed_without_a_size(benchmarks_lab, tmp_path):
    (tmp_path / "plain.jsonl").write_text("{")
    rows = {row["name"]: row for row in json.loads(benchmarks_lab("--format", "json")[1])["benchmarks"]}
    assert rows["plain"]["test"] is None


def test_a_check_is_no_table(benchmarks_lab):
    assert benchmarks_lab("check", "plain", "--format", "csv")[0] == 2


def test_a_check_of_nothing_is_refused(benchmarks_lab):
    assert benchmarks_lab("check", "stone") == (2, "", "error: no benchmark 'stone'; did you mean 'stones'?\n")
    assert benchmarks_lab("chek")[0] == 2
