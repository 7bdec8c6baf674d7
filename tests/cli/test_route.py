"""`selectllm route`: a new question through a trained router."""

import json
import re

import numpy as np
import polars as pl
import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.evaluation.policies import POLICIES
from selectllm_engine.routers.routing import route

TEXT = "What follows from these apples?"


def as_json(done):
    code, out, err = done
    assert (code, err) == (0, "")
    return json.loads(out)


def test_json_holds_everything(selectllm, fake_cache):
    found = as_json(selectllm("route", TEXT, "--router", "logistic:tfidf", "--format", "json"))
    assert list(found) == ["schema", "question", "router", "policy", "parameter", "llms", "asked", "reason", "nearest"]
    run = sl.load("fake", fake_cache)
    assert [each["llm"] for each in found["llms"]] == list(run.llms)
    best = max(found["llms"], key=lambda each: each["probability"])
    assert found["asked"] == [best["llm"]]
    assert [each["asked"] for each in found["llms"]] == [float(each is best) for each in found["llms"]]
    assert len(found["nearest"]) == 5
    similar = [each["similarity"] for each in found["nearest"]]
    assert similar == sorted(similar, reverse=True)
    assert all("apples" in each["text"] for each in found["nearest"])
    assert set(run.questions.filter(split="train")["question_id"]) >= {each["question_id"] for each in found["nearest"]}


def test_without_a_router_the_best_on_validation_is_taken(selectllm, fake_cache):
    found = as_json(selectllm("route", TEXT, "--format", "json"))
    run = sl.load("fake", fake_cache)
    assert found["router"] == max(run.routers, key=lambda name: run.router_info(name)["validation_f1"])


def test_without_what_the_best_needs_the_next_best_is_taken(selectllm, monkeypatch):
    """The stack of the run that comes with the package combines routers on an encoder."""
    monkeypatch.setattr("selectllm_engine.routers.encoders.installed", lambda: False)
    code, out, err = selectllm("route", TEXT, "--benchmark", "reasoning", "--format", "json")
    assert (code, err) == (0, "note: reasoning is the recorded run, comes with selectllm\n")
    assert json.loads(out)["router"].endswith(":tfidf")
    code, _, err = selectllm("route", TEXT, "--benchmark", "reasoning", "--router", "stack")
    assert code == 2
    assert "selectllm[train]" in err


def test_a_known_question_is_routed_as_in_the_evaluation(fake_cache):
    run = sl.load("fake", fake_cache)
    outcomes = run.outcomes("test")
    texts = outcomes.questions.filter(kind="number")["text"].to_list()[:5]
    scores = run.scores("logistic:tfidf")
    for text in texts:
        place = outcomes.questions["text"].to_list().index(text)
        for policy in ("argmax", "threshold:0.5", "prediction", "sorted-prediction", "top-m:2"):
            found = route(run, text, "logistic:tfidf", policy)
            probabilities = [each.probability for each in found.llms]
            np.testing.assert_allclose(probabilities, scores.probabilities[place], atol=1e-5)
            if POLICIES[policy.partition(":")[0]].needs_forest:
                forest = [each.forest for each in found.llms]
                np.testing.assert_allclose(forest, scores.forest[place], atol=1e-5)


TUNED = [f"{name}:auto" for name, info in POLICIES.items() if info.symbol and info.tuned]


@pytest.mark.parametrize("policy", [*POLICIES, *TUNED])
def test_every_policy_says_whom_it_asks(selectllm, policy):
    if policy == "cascade-value":
        assert "needs 300 labelled questions; there are 90" in selectllm("route", TEXT, "--policy", policy)[2]
        return
    found = as_json(selectllm("route", TEXT, "--policy", policy, "--format", "json"))
    asked = [each["asked"] for each in found["llms"]]
    if policy.startswith("cascade"):
        assert asked == [None] * 3
        latency = {each["llm"]: each["latency"] for each in found["llms"]}
        assert found["asked"] == sorted(latency, key=latency.get)
    else:
        assert sum(asked) > 0.99
        assert set(found["asked"]) == {each["llm"] for each in found["llms"] if each["asked"]}


def test_the_pool_is_respected(selectllm):
    found = as_json(selectllm("route", TEXT, "--pool", "fake-c,fake-a", "--policy", "top-m:3", "--format", "json"))
    assert [each["llm"] for each in found["llms"]] == ["fake-a", "fake-c"]
    assert set(found["asked"]) == {"fake-a", "fake-c"}


def test_the_table_for_people(selectllm):
    code, out, err = selectllm("route", TEXT, "--router", "prior")
    assert (code, err) == (0, "")
    assert "prior argmax" in out
    assert "asks: fake-" in out
    assert "most similar training questions" in out


def test_hostile_text_goes_in_and_comes_out_visible(selectllm):
    code, out, _ = selectllm("route", "\x1b]0;x\x07 apples [/nope] \u202e", "--format", "json")
    assert code == 0
    assert "\x1b" not in out
    code, out, _ = selectllm("route", "\x1b[31m apples [/nope] \u202e")
    assert code == 0
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["  "], "the question is empty"),
        ([TEXT, "--router", "nope"], "no router 'nope'"),
        ([TEXT, "--policy", "nope"], "no policy 'nope'"),
        ([TEXT, "--pool", "nope"], "no LLM 'nope'"),
        ([TEXT, "--policy", "cost-aware:0.1:cost"], "needs the cost"),
    ],
)
def test_what_is_wrong_is_one_line(selectllm, args, message):
    code, out, err = selectllm("route", *args)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_without_a_trained_router_the_error_says_how_to_make_one(selectllm, tmp_path):
    write_fake_run(tmp_path / "cache")
    code, _, err = selectllm("route", TEXT, cache=tmp_path / "cache")
    assert code == 2
    assert "selectllm train --all" in err


def test_a_router_that_lacks_an_llm_is_not_used(selectllm, tmp_path):
    write_fake_run(tmp_path / "cache", llms=("fake-a", "fake-b"))
    sl.train(sl.load("fake", tmp_path / "cache"), "prior")
    write_fake_run(tmp_path / "cache")
    code, _, err = selectllm("route", TEXT, "--router", "prior", cache=tmp_path / "cache")
    assert code == 1
    assert "prior was trained without fake-c" in err


def test_an_imported_router_knows_no_new_questions(selectllm, fake_cache, monkeypatch):
    monkeypatch.setattr("selectllm_engine.store.cache.Cache.routers", lambda *_: ["imported"])
    code, _, err = selectllm("route", TEXT, "--router", "imported")
    assert code == 2
    assert "imported there are probabilities only" in err
    assert selectllm("route", TEXT)[0] == 2


def test_routers_that_read_new_text_here_are_known(fake_cache, monkeypatch):
    from selectllm_engine.routers.routing import routable

    monkeypatch.setattr("selectllm_engine.routers.encoders.installed", lambda: False)
    recorded = sl.load("reasoning", fake_cache)
    assert set(routable(recorded)) == {name for name in recorded.routers if name.endswith(":tfidf") or name == "prior"}
    assert set(routable(sl.load("fake", fake_cache))) == {"prior", "logistic:tfidf"}


QUESTIONS = [
    {"id": "a", "question": "How many apples?", "choices": ["one", "two"]},
    {"id": "b", "question": "=1+\x1b[31m2, and [/nope]", "choices": None},
]


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in QUESTIONS), "utf-8")
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
def test_a_file_of_questions_is_routed_into_a_file(selectllm, questions, tmp_path, ending):
    out = tmp_path / f"routed.{ending}"
    how = ("--router", "logistic:tfidf", "--policy", "top-m:2")
    assert selectllm("route", "--file", str(questions), "--out", str(out), *how) == (
        0,
        "",
        f"{out}: 2 questions routed\n",
    )
    match ending:
        case "csv":
            rows = pl.read_csv(out).with_columns(pl.col("asked").str.split(",")).to_dicts()
        case "json":
            rows = json.loads(out.read_text())["questions"]
        case "jsonl":
            rows = pl.read_ndjson(out).to_dicts()
        case _:
            rows = pl.read_parquet(out).to_dicts()
    assert [each["id"] for each in rows] == ["a", "b"]
    assert rows[0]["question"] == "How many apples? (A) one (B) two"
    for row in rows:
        found = as_json(selectllm("route", row["question"], *how, "--format", "json"))
        assert row["asked"] == found["asked"]
        chances = {each["llm"]: each["probability"] for each in found["llms"]}
        assert {name: row[f"{name}|p"] for name in chances} == pytest.approx(chances, abs=1e-6)
        assert row["confidence"] == pytest.approx(max(chances.values()), abs=1e-6)


def test_a_file_of_questions_is_routed_onto_the_screen(selectllm, questions):
    code, out, err = selectllm("route", "--file", str(questions), "--policy", "cascade")
    assert (code, err) == (0, "")
    assert "asks in this order" in out
    assert re.search(r"^a .*fake-\w → fake-\w → fake-\w", out, re.MULTILINE)
    assert "\x1b" not in out
    found = as_json(selectllm("route", "--file", str(questions), "--format", "json"))
    assert (found["policy"], found["in_turn"], len(found["questions"])) == ("argmax", False, 2)


def test_a_plain_list_of_questions_needs_no_name_for_its_column(selectllm, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("ask me\nWhat are apples?\n", "utf-8")
    found = as_json(selectllm("route", "--file", str(path), "--format", "json"))
    assert [each["question"] for each in found["questions"]] == ["What are apples?"]


@pytest.mark.parametrize(
    ("content", "args", "message"),
    [
        ("question\n", [], "questions.csv holds no question"),
        ("question,id\na,1\n,2\n", [], "row 2 has no question"),
        ("text,id\na,1\n", [], "no column 'question'"),
        ("question\na\n", ["--out", "routed.txt"], "routed.txt has no known ending"),
        ("question\na\n", ["TEXT"], "a question is needed, or a file of them"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(selectllm, tmp_path, content, args, message):
    path = tmp_path / "questions.csv"
    path.write_text(content, "utf-8")
    code, out, err = selectllm("route", "--file", str(path), *args)
    assert (code in {1, 2}, out) == (True, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_out_is_for_files_alone(selectllm, tmp_path):
    assert "--out and --force are for --file" in selectllm("route", TEXT, "--out", str(tmp_path / "a.csv"))[2]
    assert "a question is needed" in selectllm("route")[2]


@pytest.mark.parametrize("lines", ['router = "logistic:tfidf"\npolicy = "top-m:2"', 'policy = "cascade"', ""])
def test_a_file_goes_through_a_setup(selectllm, fake_cache, questions, tmp_path, lines):
    from selectllm_engine.setups import setup_of, write_setup

    values = dict(line.split(" = ") for line in lines.splitlines())
    named = {key: value.strip('"') for key, value in values.items()}
    write_setup(setup_of(sl.load("fake", fake_cache), ["fake-a", "fake-c"], **named), path := tmp_path / "setup.toml")
    found = as_json(selectllm("route", "--file", str(questions), "--setup", str(path), "--format", "json"))
    assert all(set(each["asked"]) == {"fake-a", "fake-c"} for each in found["questions"])
    assert found["policy"] == {2: "top-m", 1: "cascade", 0: None}[len(named)]
    assert (found["questions"][0]["confidence"] is None) == ("router" not in named)
    shown = selectllm("route", "--file", str(questions), "--setup", str(path))[1]
    assert shown.startswith({2: "logistic:tfidf top-m:2\n", 1: "no-router cascade:0.8\n", 0: "id "}[len(named)])
    if named.get("policy") == "cascade":
        assert "all are alike to cascade:0.8" in selectllm("route", TEXT, "--setup", str(path))[2]
