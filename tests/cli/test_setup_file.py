"""`--setup FILE`: the same as the options that it stands for, in every command."""

import json
from dataclasses import replace

import pytest

import selectllm_engine as sl
from selectllm_engine.setups import read_setup, setup_of, write_setup

OPTIONS = {
    "--pool": "fake-b,fake-c",
    "--router": "logistic:tfidf",
    "--policy": "threshold:0.55",
    "--vote": "learned",
    "--k": "4",
}


@pytest.fixture(scope="module")
def setup_file(fake_cache, tmp_path_factory):
    setup = setup_of(
        sl.load("fake", fake_cache), ["fake-b", "fake-c"], "logistic:tfidf", "threshold:0.55", vote="learned", k=4
    )
    return str(write_setup(setup, tmp_path_factory.mktemp("setup") / "mine.toml"))


def options(*names):
    return [part for name in names for part in (name, OPTIONS[name])]


@pytest.mark.parametrize(
    ("command", "takes"),
    [
        (["evaluate"], list(OPTIONS)),
        (["evaluate", "--details"], list(OPTIONS)),
        (["evaluate", "--against", "all-llms", "--split", "validation"], list(OPTIONS)),
        (["pools"], ["--pool", "--vote", "--k"]),
        (["lessons"], ["--pool", "--vote", "--k"]),
        (["show", "test-3"], list(OPTIONS)),
    ],
)
def test_a_setup_says_what_the_options_say(selectllm, setup_file, command, takes):
    with_options = selectllm(*command, *options(*takes), "--format", "json")
    assert with_options[0] == 0
    assert selectllm(*command, "--setup", setup_file, "--format", "json") == with_options


def test_exports_take_it(selectllm, setup_file, tmp_path):
    kinds = {
        "table": ("md", list(OPTIONS)),
        "results": ("csv", ["--pool"]),
        "vote": ("json", ["--pool", "--router", "--k"]),
        "predictions": ("csv", ["--router"]),
        "plot": ("svg", list(OPTIONS)),
    }
    for kind, (ending, takes) in kinds.items():
        files = [tmp_path / f"{name}-{kind}.{ending}" for name in ("setup", "options")]
        assert selectllm("export", kind, str(files[0]), "--setup", setup_file)[0] == 0
        assert selectllm("export", kind, str(files[1]), *options(*takes))[0] == 0
        if kind != "plot":  # matplotlib numbers its shapes
            assert files[0].read_bytes() == files[1].read_bytes()


def test_route_asks_its_router(selectllm, setup_file):
    args = ["route", "How many apples?", "--format", "json"]
    shown = json.loads(selectllm(*args, "--setup", setup_file)[1])
    assert (shown["router"], shown["policy"], shown["parameter"]) == ("logistic:tfidf", "threshold", 0.55)
    assert [each["llm"] for each in shown["llms"]] == ["fake-b", "fake-c"]


def test_setups_without_a_router(selectllm, fake_cache, tmp_path):
    run = sl.load("fake", fake_cache)
    pool = str(write_setup(setup_of(run, ["fake-a", "fake-c"], vote="learned"), tmp_path / "pool.toml"))
    cascade = str(write_setup(setup_of(run, policy="cascade:0.7"), tmp_path / "cascade.toml"))
    table = json.loads(selectllm("evaluate", "--setup", pool, "--format", "json")[1])
    assert {row["kind"] for row in table["rows"]} == {"baseline", "llm"}
    assert table["rows"][4]["vote"] == "learned"
    table = json.loads(selectllm("evaluate", "--setup", cascade, "--format", "json")[1])
    assert [row["name"] for row in table["rows"] if row["kind"] == "router"] == ["no-router cascade"]
    assert not [row["name"] for row in table["rows"] if "upper-bound" in row["name"]]
    shown = json.loads(selectllm("show", "test-3", "--setup", cascade, "--format", "json")[1])
    assert any(each["selected"] for each in shown["llms"])
    assert (
        "the setup asks no router: every question goes to fake-a, fake-c" in selectllm("route", "x", "--setup", pool)[2]
    )
    assert "the setup has no router" in selectllm("export", "predictions", str(tmp_path / "p.csv"), "--setup", pool)[2]


def test_two_setups_are_compared(selectllm, setup_file, fake_cache, tmp_path):
    run = sl.load("fake", fake_cache)
    other = str(write_setup(setup_of(run, ["fake-a"]), tmp_path / "other.toml"))
    shown = json.loads(selectllm("compare", setup_file, other, "--format", "json")[1])
    assert shown["names"] == ["mine.toml", "other.toml"]
    assert shown["b"]["name"] == "fake-a"
    code, _, err = selectllm("compare", setup_file, other, "--k", "2")
    assert (code, err.startswith("error: both setups say pool, K, vote and protocol themselves")) == (2, True)
    assert selectllm("compare", setup_file, "best-single", "--k", "2")[0] == 0


@pytest.mark.parametrize(("option", "value"), [*OPTIONS.items(), ("--benchmark", "fake"), ("--protocol", "paper")])
def test_options_beside_it_are_refused(selectllm, setup_file, option, value):
    code, out, err = selectllm("evaluate", "--setup", setup_file, option, value)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {option} and --setup both say what is evaluated; leave out {option}")


def test_defaults_of_the_settings_do_not_count_beside_it(selectllm, setup_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "selectllm.toml").write_text('[defaults]\nbenchmark = "another"\n')
    assert selectllm("evaluate", "--setup", setup_file)[0] == 0


def test_what_is_wrong_with_it_is_one_line(selectllm, setup_file, fake_cache, tmp_path):
    code, _, err = selectllm("evaluate", "--setup", str(tmp_path / "no.toml"))
    assert (code, err.count("\n")) == (2, 1)
    assert "there is no file" in err
    paper = setup_of(sl.load("fake", fake_cache), protocol="paper")
    path = str(write_setup(paper, tmp_path / "paper.toml"))
    assert selectllm("evaluate", "--setup", path)[0] == 0
    assert "knows protocol corrected alone, and the setup has paper" in selectllm("pools", "--setup", path)[2]


def test_what_was_made_anew_is_said(selectllm, setup_file, fake_cache, tmp_path):
    old = replace(read_setup(setup_file), router_digest="0" * 16)
    code, _, err = selectllm("evaluate", "--setup", str(write_setup(old, tmp_path / "old.toml")))
    assert code == 0
    assert "note: logistic:tfidf was trained again since the setup was written" in err
