"""`selectllm evaluate`: the design's JSON to the letter, tables, what is left out, names that are wrong."""

import csv
import io
import json
import re
import shutil
import sys
from itertools import pairwise

import polars as pl
import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_tui.cli import main

TOP = ["schema", "benchmark", "split", "protocol", "questions", "left_out", "samples", "k", "vote", "pool"]
TOP += ["badge", "reference", "detectable_difference", "repeatable_share", "subjects", "router_charged", "saving"]
TOP += ["answers_missing", "rows"]
FIELDS = [
    *("kind", "name", "router", "policy", "parameter", "accuracy", "accuracy_low", "accuracy_high", "latency"),
    *("latency_parallel", "latency_correct", "latency_p50", "latency_p95", "cost", "llms_per_question"),
    *("samples_per_question", "gap_closed", "p_vs_best_single", "reference", "delta", "delta_low", "delta_high"),
    *("delta_low_clustered", "delta_high_clustered", "p_clustered", "discordant", "p", "p_adjusted"),
    *("unsolvable", "misrouted", "outvoted", "rescued", "vote", "note"),
]
LLMS = ["fake-a", "fake-b", "fake-c"]


def as_json(done):
    code, out, err = done
    assert (code, err) == (0, "")
    return json.loads(out)


def test_json_is_the_designs(selectllm, fake_cache):
    table = as_json(selectllm("evaluate", "--format", "json"))
    assert list(table) == TOP
    assert all(list(row) == FIELDS for row in table["rows"])
    assert (table["benchmark"], table["split"], table["protocol"]) == ("fake", "test", "corrected")
    assert (table["questions"], table["left_out"], table["samples"], table["k"]) == (40, 0, 5, 5)
    assert table["pool"] == LLMS
    names = [row["name"] for row in table["rows"]]
    assert names[:6] == ["oracle", "repeatable", "random", "best-single", "all-llms", "learned-vote"]
    assert set(names[6:]) == {
        *LLMS,
        *(f"{router} {what}" for router in ("prior", "logistic:tfidf") for what in ("upper-bound", "argmax")),
    }
    assert table == sl.load("fake", fake_cache).evaluate().to_dict()


def test_options_reach_the_engine(selectllm, fake_cache):
    args = ["--pool", "fake-c,fake-a", "--router", "prior", "--policy", "threshold:0.5,top-m", "--policy", "argmax"]
    table = as_json(selectllm("evaluate", "--k", "3", "--split", "validation", "--format", "json", *args))
    run = sl.load("fake", fake_cache)
    expected = run.evaluate(
        ["fake-a", "fake-c"], "prior", ["threshold:0.5", "top-m", "argmax"], k=3, split="validation"
    )
    assert table == expected.to_dict()
    assert table["pool"] == ["fake-a", "fake-c"]
    assert [row["parameter"] for row in table["rows"] if row["kind"] == "router"] == [0.5, 2, None]


def test_all_is_every_router_with_every_policy(selectllm):
    from selectllm_engine.evaluation.policies import POLICIES

    rows = as_json(selectllm("evaluate", "--all", "--format", "json"))["rows"]
    both = {(row["router"], row["policy"]) for row in rows if row["kind"] == "router"}
    assert both == {(router, policy) for router in ("prior", "logistic:tfidf") for policy in POLICIES}


def test_protocol_paper(selectllm):
    table = as_json(selectllm("evaluate", "--protocol", "paper", "--format", "json"))
    assert table["protocol"] == "paper"


def test_csv_holds_the_same_figures(selectllm):
    rows = as_json(selectllm("evaluate", "--format", "json"))["rows"]
    read = list(csv.DictReader(io.StringIO(selectllm("evaluate", "--format", "csv")[1])))
    assert [list(row) for row in read] == [FIELDS] * len(rows)
    assert [row["accuracy"] and float(row["accuracy"]) for row in read] == [row["accuracy"] or "" for row in rows]


def test_the_table_for_people(selectllm):
    code, out, err = selectllm("evaluate")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    about = "fake · test · 40 questions, enough for differences of 28.0 points · maj@5"
    assert lines[0] == f"{about} · pool of 3: fake-a, fake-b, fake-c"
    (best,) = [line for line in lines if line.startswith("best-single")]
    assert "Holm p" in out
    assert "adjusted by Holm over 6 rows" in out
    assert all(title in lines[2] for title in ("accuracy %", "Δ by question", "Δ by subject"))
    assert "fake-b" not in best
    assert "by subject, for questions of other kinds (here 5, which are few" in out
    assert "routers' own time per question: logistic:tfidf" in out


def test_another_row_is_the_reference(selectllm, fake_cache):
    table = as_json(selectllm("evaluate", "--against", "prior top-m:1", "--format", "json"))
    assert table == sl.load("fake", fake_cache).evaluate(against="prior top-m:1").to_dict()
    assert (table["reference"], {row["reference"] for row in table["rows"] if row["delta"] is not None}) == (
        "prior top-m:1",
        {"prior top-m:1"},
    )
    other = as_json(
        selectllm("evaluate", "--router", "prior", "--against", "logistic:tfidf argmax", "--format", "json")
    )
    assert other["reference"] == "logistic:tfidf argmax"
    out = selectllm("evaluate", "--against", "fake-a")[1]
    assert "Δ: points of accuracy more than fake-a, on the same questions" in out
    assert selectllm("evaluate", "--against", "fake-a", "--details")[0] == 0


def printed(out):
    """The rows' names in a table in Markdown, without the marks of their notes."""
    return [line.split("|")[1].strip().rstrip("⁰¹²³⁴⁵⁶⁷⁸⁹ ") for line in out.splitlines() if line.startswith("| ")][2:]


@pytest.mark.parametrize(
    "args",
    [
        ["--all"],
        ["--all", "--pool", "fake-a,fake-c", "--k", "2"],
        ["--vote", "learned", "--router", "prior"],
        [
            "--router",
            "prior",
            "--policy",
            "threshold:0.2,threshold:0.5,cost-aware:0.1:latency,cost-aware:0.4,top-m:auto",
        ],
    ],
    ids=" ".join,
)
def test_every_printed_name_can_be_the_reference_and_be_compared(selectllm, args):
    code, out, err = selectllm("evaluate", *args, "--format", "markdown")
    assert (code, err) == (0, "")
    names, rows = printed(out), as_json(selectllm("evaluate", *args, "--format", "json"))["rows"]
    assert len(set(names)) == len(names) > 8
    flags = ("--pool", "--k", "--vote")
    shared = [each for pair in pairwise(args) if pair[0] in flags for each in pair]
    for name, row in zip(names, rows, strict=True):
        assert name.startswith(row["name"])
        code, out, err = selectllm("evaluate", *shared, "--router", "prior", "--against", name, "--format", "json")
        again = selectllm("compare", name, "best-single", *shared, "--format", "json")
        if name == "repeatable" or row["accuracy"] is None:
            assert (code, again[0]) == (2, 2), name
            assert err.startswith(f"error: nothing can be compared with {name}; "), name
            continue
        assert (code, err) == (0, ""), name
        assert json.loads(out)["reference"] == name
        assert {each["reference"] for each in json.loads(out)["rows"] if each["delta"] is not None} == {name}
        if "random" in (row["name"], row["policy"]):
            assert again[2].startswith(f"error: {name} is an expectation; ")
        else:
            assert as_json(again)["names"] == [name, "best-single"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Oracle", "oracle"),
        ("best single", "best-single"),
        ("fake_b", "fake-b"),
        ("prior treshold", "prior threshold"),
        ("logistc:tfidf argmax", "logistic:tfidf argmax"),
        ("learned vote", "learned-vote"),
    ],
)
def test_a_row_that_nobody_has_is_told_with_the_one_that_was_meant(selectllm, name, meant):
    line = (2, "", f"error: no row '{name}'; did you mean '{meant}'?\n")
    assert selectllm("evaluate", "--router", "prior", "--against", name) == line
    assert selectllm("compare", "best-single", name) == line


def test_routers_own_time_is_charged_on_request(selectllm, fake_cache):
    table = as_json(selectllm("evaluate", "--charge-router", "--format", "json"))
    assert table == sl.load("fake", fake_cache).evaluate(charge_router=True).to_dict()
    assert table["router_charged"] is True
    assert (
        "routers' own time per question, added to the latency of their rows: "
        in selectllm("evaluate", "--charge-router")[1]
    )


@pytest.mark.parametrize(("split", "badge"), [("train", "routers learned these"), ("validation", "chosen here")])
def test_splits_that_flatter_are_badged_and_have_no_p(selectllm, split, badge):
    table = as_json(selectllm("evaluate", "--split", split, "--against", "fake-a", "--format", "json"))
    assert table["badge"] == badge
    for row in table["rows"]:
        assert row["gap_closed"] is row["p_vs_best_single"] is None
        both_llms = row["name"] in ("fake-b", "fake-c")
        assert (row["p"] is not None) is (row["delta_low"] is not None) is both_llms
        assert (row["delta"] is None) is (row["name"] == "repeatable")
    against_best = as_json(selectllm("evaluate", "--split", split, "--format", "json"))["rows"]
    assert {row["p"] for row in against_best} == {None}
    for command in (["evaluate"], ["lessons"], ["pools"], ["compare", "prior argmax", "fake-a"]):
        assert f"{split} ({badge})" in selectllm(*command, "--split", split)[1], command
    assert "p and gap closed would mean nothing here" in selectllm("evaluate", "--split", split)[1]
    assert "p would mean nothing on this split" in selectllm("compare", "prior argmax", "fake-a", "--split", split)[1]
    assert as_json(selectllm("evaluate", "--format", "json"))["badge"] is None


def test_what_stays_on_unseen_subjects(selectllm, tmp_path):
    cache = tmp_path / "cache"
    write_fake_run(cache)
    names = [part for name in ("prior", "ridge:tfidf") for part in ("--router", name)]
    assert selectllm("train", *names, "--hold-out-subjects", cache=cache)[0] == 0
    assert selectllm("train", "--router", "knn:tfidf", cache=cache)[0] == 0
    table = as_json(selectllm("evaluate", "--unseen-subjects", "--format", "json", cache=cache))
    run = sl.load("fake", cache)
    assert table == run.evaluate(unseen_subjects=True).to_dict()
    rows = {row["name"]: row for row in table["rows"]}
    p = run.scores("ridge:tfidf", unseen=True).probabilities
    right = run.outcomes().labels[range(40), p.argmax(axis=1)]
    assert rows["ridge:tfidf argmax"]["accuracy"] == pytest.approx(right.mean())
    assert rows["knn:tfidf argmax"]["note"] == "was trained without --hold-out-subjects"
    out = selectllm("evaluate", "--unseen-subjects", cache=cache)[1]
    assert "routers know nothing of a question's subject" in out
    lessons = as_json(selectllm("lessons", "--format", "json", cache=cache))
    assert set(lessons["unseen"]) == {"prior", "ridge:tfidf"}
    assert lessons["unseen"]["ridge:tfidf"]["unseen"] == rows["ridge:tfidf argmax"]["accuracy"]
    for form in ("table", "markdown"):
        out = selectllm("lessons", "--format", form, cache=cache)[1]
        assert "What stays on subjects that routers have not learned from?" in out
    assert "On subjects that it has not learned from, " in selectllm("lessons", cache=cache)[1]


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_the_terminal(selectllm, monkeypatch, width):
    from rich.cells import cell_len

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", selectllm("evaluate", "--all")[1]).splitlines()
    assert max(map(cell_len, lines)) <= width
    head = next(line for line in lines if "accuracy %" in line)
    assert all(title in head for title in ("Δ by question", "latency s"))
    assert ("Δ by subject" in head) is (width == 120)


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_forms_for_papers(selectllm, form):
    code, out, _ = selectllm("evaluate", "--format", form)
    assert code == 0
    assert "best-single" in out
    assert ("\\toprule" in out) is (form == "latex")
    if form == "latex":
        rows = [line for line in out.splitlines() if not line.startswith("%")]
        assert not set("Δ−…") & set("".join(rows))  # which LaTeX has no letters for
        assert "$\\Delta$ by question" in out


def test_a_terminal_gets_colour_and_fits(selectllm, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    out = selectllm("evaluate")[1]
    assert "\x1b[" in out
    assert "accuracy %" in out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in selectllm("evaluate")[1]


def test_what_is_left_out_is_said(selectllm, fake_cache, tmp_path):
    cache = write_fake_run(tmp_path / "cache", questions={"train": 4, "validation": 2, "test": 6})
    for part in cache.folder("fake").glob("llms/fake-b/generations/*.parquet"):
        part.unlink()
    rows = cache.generations("fake", "fake-a")
    some = rows.filter(pl.col("question_id").is_in(["test-0", "test-1", "test-2", "test-3", "validation-0"]))
    with cache.writer("fake", "fake-b") as writer:
        writer.append(some, {})
    code, out, err = selectllm("evaluate", "--format", "json", cache=tmp_path / "cache")
    assert code == 0
    assert json.loads(out)["left_out"] == 2
    why = "some LLM has fewer than 5 samples, or no known verdict, of them: fake-b (2)"
    assert err == f"note: 2 of 6 questions are left out: {why}\n"


def test_what_is_left_out_of_labels_lacks_no_samples(selectllm, tmp_path):
    (tmp_path / "a.csv").write_text("question,a,b\n1?,1,0\n2?,1,\n3?,,1\n4?,,0\n")
    cache = tmp_path / "cache"
    command = ["import", "table", str(tmp_path / "a.csv"), "--benchmark", "t", "--llms", "a,b"]
    assert selectllm(*command, cache=cache)[0] == 0
    code, _, err = selectllm("evaluate", "--benchmark", "t", cache=cache)
    assert code == 0
    assert err == "note: 3 of 4 questions are left out: some LLM has no known verdict of them: a (2), b (1)\n"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--pool", "fake-aa"], "error: no LLM 'fake-aa'; did you mean 'fake-a'?"),
        (["--against", "orakel"], "error: no row 'orakel'; did you mean 'oracle'?"),
        (["--against", "prior argmx"], "error: no row 'prior argmx'; did you mean 'prior argmax'?"),
        (["--against", "fake-d"], "error: no row 'fake-d'; did you mean 'fake-"),
        (["--router", "priro"], "error: no router 'priro'; did you mean 'prior'?"),
        (["--policy", "argmx"], "error: no policy 'argmx'; did you mean 'argmax'?"),
        (["--policy", "threshold:2"], "error: policy threshold takes"),
        (["--split", "tset"], "error: no split 'tset'; did you mean 'test'?"),
        (["--benchmark", "fak"], "error: no benchmark 'fak'; did you mean 'fake'?"),
        (["--k", "9"], "error: "),
        (["--k", "0"], "error: invalid value for '--k'"),
        (["--pool", ","], "error: a pool needs at least one LLM"),
        (["--protocol", "papr"], "error: no protocol 'papr'; did you mean 'paper'?"),
    ],
)
def test_wrong_names_are_one_line_and_exit_2(selectllm, args, line):
    code, out, err = selectllm("evaluate", *args)
    assert (code, out) == (2, "")
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_an_empty_cache_says_what_to_do(selectllm, tmp_path, monkeypatch):
    from selectllm_engine.store import cache

    monkeypatch.setattr(cache, "_packaged", lambda _: None)
    code, out, err = selectllm("evaluate", cache=tmp_path)
    assert (code, out) == (2, "")
    assert "selectllm generate" in err


@pytest.mark.parametrize(
    "command",
    [
        "evaluate",
        "show x",
        "pools",
        "lessons",
        "route x",
        "export results x.csv",
        "cache list",
        "cache verify",
    ],
)
def test_a_cache_that_is_named_and_not_there_is_an_error(selectllm, tmp_path, monkeypatch, capsys, command):
    code, out, err = selectllm(*command.split(), cache=tmp_path / "none")
    assert (code, out) == (2, "")
    assert f"{tmp_path / 'none'} is not there" in err
    monkeypatch.setenv("SELECTLLM_CACHE", str(tmp_path / "nowhere"))
    assert main(command.split()) == 2
    assert f"$SELECTLLM_CACHE names {tmp_path / 'nowhere'}, which is not there" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_the_recorded_run_is_named_as_what_it_is(fake_cache, selectllm, tmp_path, monkeypatch):
    monkeypatch.setattr("selectllm_engine.store.cache._packaged", lambda _: fake_cache)
    assert selectllm("evaluate", cache=tmp_path)[2] == "note: fake is the recorded run, comes with selectllm\n"
    assert selectllm("evaluate")[2] == ""


def test_hostile_names_stay_text(selectllm, tmp_path, monkeypatch):
    name = "evil\x1b]0;x\x07[bold]\u202e"
    write_fake_run(tmp_path / "cache", llms=(name, "fake-b"))
    for form in ("table", "csv", "markdown", "latex", "json"):
        code, out, _ = selectllm("evaluate", "--format", form, cache=tmp_path / "cache")
        assert code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(out), form
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    out = selectllm("evaluate", cache=tmp_path / "cache")[1]
    assert "␛]0;x␇[bold]⟨U+202E⟩" in out
    assert not {"\x07", "\u202e"} & set(out)


def test_a_read_only_cache_is_read(selectllm, fake_cache, tmp_path):
    copy = tmp_path / "cache"
    shutil.copytree(fake_cache, copy)
    for path in [*copy.rglob("*"), copy]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert selectllm("evaluate", cache=copy)[0] == 0
    finally:
        for path in [copy, *copy.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("sign", ["", "-"])
def test_rows_in_the_order_of_a_field_and_those_without_a_value_last(selectllm, sign):
    rows = as_json(selectllm("evaluate", "--format", "json", "--sort", f"{sign}p"))["rows"]
    known = [row["p"] for row in rows if row["p"] is not None]
    assert known == sorted(known, reverse=sign == "-")
    assert all(row["p"] is None for row in rows[len(known) :])
    assert len(rows) > len(known) > 2


def test_some_columns_by_the_names_of_the_fields(selectllm):
    head, *rows = selectllm("evaluate", "--columns", "latency,accuracy", "--format", "csv")[1].splitlines()
    assert head == "latency,accuracy"
    assert len(rows) > 5
    out = selectllm("evaluate", "--columns", "llms_per_question,accuracy_low")[1]
    assert out.splitlines()[2].split() == ["LLMs", "accuracy_low"]
    assert re.search(r"^oracle +1\.00 +0\.\d{3,4}$", out, re.MULTILINE)


def test_fields_that_are_not_there(selectllm):
    code, _, err = selectllm("evaluate", "--columns", "latncy")
    assert (code, err) == (2, "error: no field 'latncy'; did you mean 'latency'?\n")
    code, _, err = selectllm("evaluate", "--sort", "latncy")
    assert (code, err) == (2, "error: no field 'latncy'; did you mean 'latency'?\n")
    code, _, err = selectllm("evaluate", "--columns", "latency", "--format", "json")
    assert code == 2
    assert "--format json has every field" in err


def test_every_llm_that_is_not_there_is_named(selectllm):
    code, _, err = selectllm("evaluate", "--pool", "fake-a,fake-d,other")
    assert code == 2
    assert err == "error: no LLMs 'fake-d', 'other'; choose from fake-a, fake-b, fake-c\n"
