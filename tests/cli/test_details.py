"""`selectllm evaluate --details`, and what commands say about damaged files."""

import json
import shutil

import polars as pl
import pytest

import selectllm_engine as sl
from fakes import fake_manifest, fake_questions, flip_bit, write_fake_run
from selectllm_engine.store.cache import Cache


def strict(text):
    def refuse(name):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def labels_only(tmp_path):
    """A cache with verdicts alone, for questions without a subject."""
    cache = Cache(tmp_path / "cache")
    table = fake_questions({"train": 10, "test": 10}).with_columns(subject=pl.lit(None, dtype=pl.String))
    cache.write_questions("fake", table)
    for number, llm in enumerate(("fake-a", "fake-b")):
        with cache.writer("fake", llm) as writer:
            writer.start(fake_manifest(llm, samples=1, latency=None, source="import:fake"))
            scores = [float((at + number) % 3 > 0) for at in range(table.height)]
            writer.write_verdicts(
                table.select("question_id").with_columns(
                    sample=pl.lit(0, dtype=pl.Int32),
                    score=pl.Series(scores),
                    answer=pl.lit(None, dtype=pl.String),
                    latency=pl.lit(None, dtype=pl.Float64),
                    cost=pl.lit(None, dtype=pl.Float64),
                )
            )
    return cache.root


def test_json_is_the_same_document_with_one_key_more(selectllm, fake_cache):
    args = ["--pool", "fake-a,fake-c", "--policy", "argmax,threshold:0.4,threshold:0.6", "--format", "json"]
    code, out, err = selectllm("evaluate", "--details", *args)
    assert (code, err) == (0, "")
    shown = strict(out)
    details = shown.pop("details")
    assert shown == strict(selectllm("evaluate", *args)[1])
    assert list(details) == ["rows", "llms", "routers", "subjects"]
    asked = sl.load("fake", fake_cache).details(
        ["fake-a", "fake-c"], policy=["argmax", "threshold:0.4", "threshold:0.6"]
    )
    assert details == json.loads(json.dumps(asked.to_dict()))
    assert len(details["rows"]) == len(shown["rows"])
    assert {"prior argmax", "prior threshold:0.4", "prior threshold:0.6"} <= set(details["rows"])


def test_json_agrees_with_the_metrics(selectllm, fake_cache):
    from selectllm_engine.evaluation.metrics import pass_at_k, value_over_best

    details = strict(selectllm("evaluate", "--details", "--format", "json")[1])["details"]
    run = sl.load("fake", fake_cache)
    table = run.evaluate()
    row = details["rows"]["prior argmax"]
    assert list(row) == [
        *(
            "v_b",
            "regret",
            "selection_entropy",
            "selection_histogram",
            "vote_calibration_error",
            "latency_interval",
            "gap_closed_interval",
        ),
    ]
    assert row["v_b"] == value_over_best(table.row("prior argmax").accuracy, table.row("best-single").accuracy)
    low, high = row["latency_interval"]
    assert low <= table.row("prior argmax").latency <= high
    passed = dict(zip(run.llms, pass_at_k(run.outcomes()), strict=True))
    assert {name: each["pass_at_k"] for name, each in details["llms"].items()} == passed
    assert {name: each["gap"] for name, each in details["llms"].items()} == {
        gap.llm: gap.gap for gap in run.lessons().gaps
    }
    *each, overall = run.quality("logistic:tfidf")
    found = details["routers"]["logistic:tfidf"]
    assert found["quality"] == {
        one.llm: {"auroc": one.auroc, "brier": one.brier, "calibration_error": one.calibration_error, "f1": one.f1}
        for one in each
    }
    assert found["overall"]["weighted_f1"] == overall.f1
    assert 0 < found["aiq"] < 1
    assert found["aiq_by"] == "latency"
    assert found["seconds_per_question"] > 0
    assert sum(each["questions"] for each in details["subjects"].values()) == table.questions


def test_labels_only_gives_nulls(selectllm, labels_only):
    code, out, err = selectllm("evaluate", "--details", "--format", "json", cache=labels_only)
    assert (code, err) == (0, "")
    details = strict(out)["details"]
    for each in details["llms"].values():
        assert (each["maj_at_k"], each["pass_at_k"]) == (None, None)
        assert each["train_accuracy"] is not None
    everyone = details["rows"]["all-llms"]
    assert (everyone["v_b"], everyone["latency_interval"], everyone["gap_closed_interval"]) == (None, None, None)
    assert details["rows"]["fake-a"]["v_b"] is not None
    assert (details["routers"], details["subjects"]) == ({}, {})
    code, out, _ = selectllm("evaluate", "--details", cache=labels_only)
    assert code == 0
    assert "maj@" not in out
    assert "Accuracy % by subject" not in out


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_tables_follow_the_table(selectllm, form):
    plain = selectllm("evaluate", "--format", form)[1]
    code, out, err = selectllm("evaluate", "--details", "--format", form)
    assert (code, err) == (0, "")
    assert out.startswith(plain)
    more = out.removeprefix(plain)
    for part in ("Rows", "LLMs", "Routers", "by subject", "V_B" if form == "table" else "V", "AUROC", "dragons"):
        assert part in more
    assert ("\\toprule" in more) is (form == "latex")


def test_the_figures_of_the_tables(selectllm, fake_cache):
    out = selectllm("evaluate", "--details")[1]
    details = sl.load("fake", fake_cache).details()
    rows, llms, routers, subjects = (
        out.split(f"\n{title}\n\n")[1].split("\n\n")[0].splitlines()
        for title in ("Rows", "LLMs", "Routers", "Accuracy % by subject")
    )
    assert len(rows) == 1 + len(details.rows)
    (line,) = [line for line in rows if line.startswith("prior argmax")]
    low, high = details.rows["prior argmax"].latency_interval
    assert f"{low:.2f} – {high:.2f}" in line
    assert "100.0" in line  # the prior asks one LLM always
    assert [line.split()[2] for line in llms[1:]] == [f"{100 * each.pass_at_k:.1f}" for each in details.llms.values()]
    assert len(routers) == 1 + 2 * 4
    assert f"{details.routers['logistic:tfidf'].overall.auroc:.3f}" in next(
        line for line in routers if line.startswith("logistic:tfidf") and " all " in line
    )
    assert {line.split()[0] for line in subjects[1:]} == set(details.subjects)
    assert "upper-bound" not in subjects[0]
    assert "logistic:tfidf argmax" in subjects[0]


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--format", "csv"], "error: --details are several tables, --format csv is one; add --format json\n"),
        (["--protocol", "paper"], "error: the released code has no --details; leave out --protocol paper\n"),
    ],
)
def test_what_does_not_go_together(selectllm, args, line):
    assert selectllm("evaluate", "--details", *args) == (2, "", line)


def test_hostile_names_stay_text(selectllm, tmp_path):
    write_fake_run(tmp_path / "cache", llms=("oracle", "evil\x1b]0;x\x07[bold]\u202e", "questions"))
    for form in ("table", "markdown", "latex", "json"):
        code, out, _ = selectllm("evaluate", "--details", "--format", form, cache=tmp_path / "cache")
        assert code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(out), form
    assert {"oracle", "oracle #2", "questions"} <= set(strict(out)["details"]["rows"])


@pytest.fixture
def damaged(fake_cache, tmp_path):
    """A copy of the made-up run with one file of fake-b damaged: the cache and the file."""
    copy = tmp_path / "cache"
    shutil.copytree(fake_cache, copy)
    (path,) = copy.glob("fake/llms/fake-b/generations/*.parquet")
    with Cache(copy).writer("fake", "fake-b") as writer:  # so that something of fake-b stays whole
        writer.append(Cache(copy).generations("fake", "fake-b").head(5), {})
    flip_bit(path)
    for answers in copy.glob("fake/llms/*/answers"):  # with them there the damage would not be met
        shutil.rmtree(answers)
    return copy, path


@pytest.mark.parametrize("command", [["evaluate"], ["evaluate", "--details"], ["pools"], ["lessons"]])
def test_damaged_files_are_said_also_after_an_error(selectllm, damaged, command):
    cache, path = damaged
    code, out, err = selectllm(*command, "--format", "json", cache=cache)
    said, *errors = err.splitlines()
    assert said == (
        f"note: {path} is truncated or changed: passed over; selectllm cache verify --repair sets damaged files aside"
    )
    assert (code, out, len(errors)) != (0, "", 0)
    assert all(line.startswith("error: ") for line in errors)


def test_damaged_files_are_said_beside_a_result(selectllm, damaged):
    cache, path = damaged
    code, out, err = selectllm("show", "test-0", "--format", "json", cache=cache)
    assert code == 0
    assert strict(out)["question_id"] == "test-0"
    assert err.count("\n") == 1
    assert str(path) in err


def test_several_damaged_files_are_one_line(selectllm, damaged):
    cache, _ = damaged
    (other,) = cache.glob("fake/llms/fake-c/generations/*.parquet")
    flip_bit(other)
    err = selectllm("show", "test-0", "--format", "json", cache=cache)[2]
    assert err.count("\n") == 1
    assert "(and 1 more)" in err


def test_a_whole_cache_says_nothing(selectllm):
    for command in (["show", "test-0"], ["pools"], ["lessons"]):
        assert selectllm(*command)[2] == ""
