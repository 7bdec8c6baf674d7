"""`selectllm pools` and `selectllm lessons`: the engine's figures in every form."""

import csv
import io
import json
from dataclasses import asdict

import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_tui.sentences import sentence


def test_pools_as_json_has_every_subset(selectllm, fake_cache):
    code, out, err = selectllm("pools", "--format", "json")
    assert (code, err) == (0, "")
    shown = json.loads(out)
    found = sl.load("fake", fake_cache).pools()
    assert len(shown["subsets"]) == 7
    for each, expected in zip(shown["subsets"], found.subsets, strict=True):
        assert tuple(each["llms"]) == expected.llms
        assert each["front"] is expected.front
        assert each["validation"] == asdict(expected.validation)
        assert each["test"] == asdict(expected.figures)
        assert [row["router"] for row in each["routers"]] == [row.router for row in expected.routers]


def test_pools_as_a_table(selectllm, fake_cache):
    out = selectllm("pools")[1]
    for subset in sl.load("fake", fake_cache).pools().subsets:
        lines = [line for line in out.split("Routers on the front")[0].splitlines() if ", ".join(subset.llms) in line]
        (line,) = [line for line in lines if line.split("  ")[-1] and line.count("fake-") == len(subset.llms)]
        assert ("★" in line) is subset.front
        assert f"{100 * subset.figures.pooled:.1f}" in line
    assert "Routers on the front, test, argmax" in out


def test_pools_of_some_llms(selectllm):
    found = json.loads(selectllm("pools", "--pool", "fake-a,fake-c", "--k", "3", "--format", "json")[1])
    assert {tuple(each["llms"]) for each in found["subsets"]} == {("fake-a",), ("fake-c",), ("fake-a", "fake-c")}


def test_many_pools_are_cut_to_the_best(selectllm, tmp_path):
    llms = [f"fake-{letter}" for letter in "abcdef"]
    write_fake_run(tmp_path / "cache", llms=llms, questions={"train": 5, "validation": 10, "test": 10})
    short = selectllm("pools", cache=tmp_path / "cache")[1]
    long = selectllm("pools", "--all", cache=tmp_path / "cache")[1]
    assert "of 63 subsets" in short
    assert "of 63 subsets" not in long
    assert len(long.splitlines()) > 63 > len(short.splitlines())


@pytest.mark.parametrize("command", ["pools", "lessons"])
@pytest.mark.parametrize("form", ["csv", "markdown", "latex", "table"])
def test_every_form(selectllm, command, form):
    code, out, err = selectllm(command, "--format", form)
    assert (code, err) == (0, "")
    assert "fake-" in out
    if form == "csv":
        assert len(set(map(len, csv.reader(io.StringIO(out))))) == 1
        first = next(csv.DictReader(io.StringIO(out)))
        assert command == "lessons" or set(json.loads(first["llms"])) <= {"fake-a", "fake-b", "fake-c"}


@pytest.mark.parametrize("command", ["pools", "lessons"])
def test_wrong_names(selectllm, command):
    assert selectllm(command, "--pool", "fake-aa")[0] == 2
    assert selectllm(command, "--split", "tset")[2].startswith("error: no split 'tset'; did you mean 'test'?")


def test_lessons_as_json(selectllm, fake_cache):
    code, out, err = selectllm("lessons", "--format", "json")
    assert (code, err) == (0, "")
    shown, lessons = json.loads(out), sl.load("fake", fake_cache).lessons()
    assert list(shown)[:8] == ["schema", "benchmark", "split", "badge", "pool", "lessons", "gaps", "losses"]
    for limit in ("detectable_difference", "repeatable_share"):
        assert shown[limit] == getattr(lessons, limit) is not None
    assert shown["gaps"] == [asdict(each) for each in lessons.gaps]
    assert (shown["losses"], shown["router"]) == (lessons.losses, lessons.router)
    for each, lesson in zip(shown["lessons"], lessons.lessons, strict=True):
        assert list(each) == ["key", "question", "answer", "sentence", "figures"]
        assert (each["answer"], each["sentence"], each["figures"]) == (lesson.answer, sentence(lesson), lesson.figures)


def test_the_learning_curve_on_request(selectllm, fake_cache):
    curve = json.loads(selectllm("lessons", "--learning-curve", "--format", "json")[1])["learning_curve"]
    expected = sl.load("fake", fake_cache).learning_curve("knn:tfidf")
    assert [point for point in curve if point["router"] == "knn:tfidf"] == [
        {"router": "knn:tfidf", **asdict(point)} for point in expected
    ]
    assert "Would more training data help?" in selectllm("lessons", "--learning-curve")[1]


def test_lessons_to_read(selectllm, fake_cache):
    out = selectllm("lessons")[1]
    for lesson in sl.load("fake", fake_cache).lessons().lessons:
        assert lesson.question in out
        assert sentence(lesson).split(maxsplit=1)[0] in out
        assert lesson.answer in out
    assert "Has an LLM seen the train split?" in out


def test_lessons_without_routers_say_what_to_do(selectllm, tmp_path):
    write_fake_run(tmp_path / "cache", questions={"train": 5, "validation": 5, "test": 10})
    code, out, _ = selectllm("lessons", cache=tmp_path / "cache")
    assert code == 0
    assert "selectllm train" in out


def test_a_narrow_page_has_a_dot_for_each_llm_and_a_legend(selectllm, fake_cache, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = selectllm("pools")[1]
    assert max(len(line) for line in out.splitlines() if "●" in line or "·" in line) <= 80
    for at in range(3):
        assert f"{'·' * at}●{'·' * (2 - at)} fake-{'abc'[at]}" in out.splitlines()
    (line,) = [each for each in out.split("Routers on the front")[0].splitlines() if "●●●" in each]
    pooled = next(each for each in sl.load("fake", fake_cache).pools().subsets if len(each.llms) == 3).figures.pooled
    assert f"{100 * pooled:.1f}" in line
    monkeypatch.setenv("COLUMNS", "400")
    assert "●" not in selectllm("pools")[1]


def test_pools_in_the_order_of_a_field(selectllm, fake_cache):
    out = selectllm("pools", "--format", "csv", "--sort", "-latency", "--columns", "llms,latency")[1]
    head, *rows = csv.reader(io.StringIO(out))
    assert head == ["llms", "latency"]
    found = sl.load("fake", fake_cache).pools().subsets
    assert [float(row[1]) for row in rows] == sorted((each.figures.latency for each in found), reverse=True)
