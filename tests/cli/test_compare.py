"""`selectllm compare`: two rows, whose questions, in all forms."""

import csv
import io
import json
import sys

import pytest

import selectllm_engine as sl
from fakes import write_fake_run

CELLS = ("both", "only_a", "only_b", "neither")


def test_json_has_both_rows_and_the_counts(selectllm, fake_cache):
    code, out, err = selectllm("compare", "prior argmax", "all-llms", "--only-a", "--neither", "--format", "json")
    assert (code, err) == (0, "")
    shown = json.loads(out)
    found = sl.load("fake", fake_cache).compare("prior argmax", "all-llms")
    assert list(shown) == ["schema", "benchmark", "split", "questions", "names", "a", "b", *CELLS, "listed"]
    assert [shown[cell] for cell in CELLS] == list(found.counts)
    assert (shown["a"], shown["b"]) == (found.a.as_dict(), found.b.as_dict())
    assert shown["names"] == ["prior argmax", "all-llms"]
    assert shown["listed"] == {cell: found.of(cell)["question_id"].to_list() for cell in ("only_a", "neither")}
    assert sum(shown[cell] for cell in CELLS) == shown["questions"] == 40


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_the_forms_for_people(selectllm, fake_cache, form):
    code, out, err = selectllm("compare", "fake-a", "fake-b", "--only-a", "--format", form)
    assert (code, err) == (0, "")
    found = sl.load("fake", fake_cache).compare("fake-a", "fake-b")
    assert "by question, for more questions of these kinds: 95 % interval" in out
    assert "by subject, for questions of other kinds" in out
    assert f"Only a is right: {found.counts.only_first}" in out
    assert all(name in out for name in found.of("only_a")["question_id"].to_list())
    assert str(found.counts.neither) in out


def test_csv_has_each_question_with_who_is_right(selectllm, fake_cache):
    rows = list(csv.DictReader(io.StringIO(selectllm("compare", "fake-a", "fake-b", "--format", "csv")[1])))
    found = sl.load("fake", fake_cache).compare("fake-a", "fake-b")
    assert [row["question_id"] for row in rows if row["right"] == "only_b"] == found.of("only_b")[
        "question_id"
    ].to_list()
    assert len(rows) == 40
    some = selectllm("compare", "fake-a", "fake-b", "--both", "--format", "csv")[1]
    assert len(some.splitlines()) == 1 + found.counts.both


@pytest.mark.parametrize("policy", ["cascade", "cascade:0.5", "cascade:auto", "vote:auto"])
def test_a_policy_that_needs_no_router_has_a_name_of_its_own(selectllm, tmp_path, policy):
    setup = (
        f'benchmark = "fake"\nkind = "letter+number+word"\npool = ["fake-a", "fake-b", "fake-c"]\npolicy = "{policy}"\n'
    )
    (tmp_path / "s.toml").write_text(setup)
    of_setup = json.loads(selectllm("compare", str(tmp_path / "s.toml"), "fake-a", "--format", "json")[1])
    code, out, err = selectllm("compare", f"no-router {policy}", "fake-a", "--format", "json")
    assert (code, err) == (0, "")
    assert [json.loads(out)[cell] for cell in CELLS] == [of_setup[cell] for cell in CELLS]
    assert selectllm("evaluate", "--against", f"no-router {policy}")[0] == 0
    assert selectllm("compare", "no-router argmax", "fake-a")[0] == 2


def test_a_row_against_itself(selectllm):
    out = selectllm("compare", "fake-a", "fake-a", "--only-b")[1]
    assert "they are the same row" in out
    assert "Only b is right: no question" in out


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["fake-a", "fake-bb"], "error: no row 'fake-bb'; did you mean 'fake-b'?"),
        (["prior argmx", "oracle"], "error: no row 'prior argmx'; did you mean 'prior argmax'?"),
        (["prir argmax", "oracle"], "error: no row 'prir argmax'; did you mean 'prior argmax'?"),
        (["random", "oracle"], "error: random is an expectation"),
        (["prior threshold:3", "oracle"], "error: policy threshold takes"),
        (["fake-a"], "error: missing argument"),
    ],
)
def test_wrong_names_are_one_line_and_exit_2(selectllm, args, line):
    code, out, err = selectllm("compare", *args)
    assert (code, out) == (2, "")
    assert err.lower().startswith(line)
    assert err.count("\n") == 1


def test_it_fits_80_columns_and_hostile_names_stay_text(selectllm, tmp_path, monkeypatch):
    from rich.cells import cell_len

    name = "evil\x1b]0;x\x07[bold]\u202e"
    write_fake_run(tmp_path / "cache", llms=(name, "fake-b"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    code, out, _ = selectllm("compare", name, "fake-b", "--only-a", "--only-b", cache=tmp_path / "cache")
    assert code == 0
    assert not {"\x07", "\u202e"} & set(out)
    assert max(cell_len(line) for line in out.splitlines()) <= 80
