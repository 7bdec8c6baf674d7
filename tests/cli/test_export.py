"""`selectllm export`: files that hold what the commands show, and plots that show what the tables hold."""

import builtins
import json
import xml.etree.ElementTree as ET

import polars as pl
import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import RouterScores
from selectllm_engine.insights import MEASURES
from selectllm_tui.cli import plots
from selectllm_tui.label_placement import place
from selectllm_tui.svg_plots import Curve, Heat, PlotMark, draw_heat, draw_scatter

LLMS = ["fake-a", "fake-b", "fake-c"]


def texts(svg):
    """What is written in an SVG file."""
    return ["".join(each.itertext()).strip() for each in ET.fromstring(svg).iter() if each.tag.endswith("}text")]  # noqa: S314 - our own file


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_results(selectllm, tmp_path, suffix):
    path = tmp_path / f"r.{suffix}"
    code, out, err = selectllm("export", "results", str(path), "--pool", "fake-a,fake-c", "--split", "test,train")
    assert (code, out, err) == (0, "", f"{path}: 500 rows of 2 LLMs: fake-a, fake-c\n")
    frame = pl.read_csv(path) if suffix == "csv" else pl.read_parquet(path)
    assert set(frame["split"]) == {"train", "test"}
    assert frame.columns[:5] == ["sample_id", "prompt", "eval_name", "fake-a", "fake-c"]


def test_predictions_say_how_they_come_back(selectllm, tmp_path):
    path, cache = tmp_path / "p.csv", tmp_path / "cache"
    code, out, err = selectllm("export", "predictions", str(path), "--router", "logistic:tfidf")
    assert (code, out) == (0, "")
    first, note = err.splitlines()
    assert first == f"{path}: 130 rows of 3 LLMs: fake-a, fake-b, fake-c"
    options = note.partition("import it again with ")[2].split()
    code, _, _ = selectllm("import", "predictions", str(path), "--benchmark", "again", *options, cache=cache)
    assert code == 0
    table = sl.load("again", cache).evaluate(router="imported")
    assert table.row("imported argmax").latency == pytest.approx(table.row("fake-a").latency, rel=0.9)


@pytest.mark.parametrize(
    ("suffix", "form"), [(".md", "markdown"), (".tex", "latex"), (".csv", "csv"), (".json", "json")]
)
def test_a_table_is_evaluates(selectllm, tmp_path, suffix, form):
    path = tmp_path / f"t{suffix}"
    options = ["--router", "prior", "--policy", "top-m", "--k", "3", "--pool", "fake-a,fake-b"]
    assert selectllm("export", "table", str(path), *options) == (0, "", f"{path}: written\n")
    assert path.read_text() == selectllm("evaluate", *options, "--format", form)[1]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["results", "x.txt"], "x.txt has no known ending; name a file that ends in .parquet or .csv"),
        (["predictions", "x.json", "--router", "prior"], "no known ending; name a file that ends in .csv"),
        (["table", "x.html"], "no known ending; name a file that ends in .md or .tex or .csv or .json"),
        (["plot", "x.png"], "no known ending; name a file that ends in .svg"),
        (["plot", "x.svg", "--by", "accuracy"], "a trade-off is not drawn by accuracy; choose --by latency or cost"),
        (["plot", "x.svg", "--by", "cost"], "no cost is known of these LLMs; take --by latency"),
        (["plot", "x.svg", "--kind", "matrix", "--by", "cost"], "no cost is known of these LLMs"),
        (["plot", "x.svg", "--router", "priors"], "no router 'priors'; did you mean 'prior'?"),
        (["table", "there.md"], "there.md is there already; choose another name, or replace it with --force"),
    ],
)
def test_wrong_usage(selectllm, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.md").write_text("mine")
    code, out, err = selectllm("export", *args)
    assert (code, out) == (2, "")
    assert message in err
    assert [each.name for each in tmp_path.iterdir()] == ["there.md"]
    assert (tmp_path / "there.md").read_text() == "mine"


def test_the_benchmark_of_selectllm_toml(selectllm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        write_fake_run(tmp_path / "cache", name, questions={"test": 4})
    assert selectllm("export", "table", "t.csv", cache="cache")[0] == 2
    (tmp_path / "selectllm.toml").write_text('[defaults]\nbenchmark = "two"\n')
    assert selectllm("export", "table", "t.json", cache="cache")[0] == 0
    assert json.loads((tmp_path / "t.json").read_text())["benchmark"] == "two"


def test_force_replaces(selectllm, tmp_path):
    path = tmp_path / "t.md"
    path.write_text("old")
    assert selectllm("export", "table", str(path), "--force")[0] == 0
    assert path.read_text() != "old"


def test_a_trade_off_shows_all_ways_to_answer(selectllm, tmp_path):
    path = tmp_path / "f.svg"
    assert selectllm("export", "plot", str(path), "--router", "logistic:tfidf") == (0, "", f"{path}: written\n")
    written = " ".join(texts(path.read_bytes()))
    for name in (*LLMS, "oracle", "best-single", "all-llms", "argmax", "threshold:0.6", "Pareto front", "40 questions"):
        assert name in written
    assert "logistic:tfidf cost-aware over λ" in written
    assert "upper-bound" not in written


def test_several_routers_in_one_trade_off(selectllm, tmp_path):
    path = tmp_path / "f.svg"
    assert selectllm("export", "plot", str(path), "--router", "prior,logistic:tfidf", "--policy", "top-m:1")[0] == 0
    written = " ".join(texts(path.read_bytes()))
    assert "prior top-m:1" in written
    assert "logistic:tfidf top-m:1" in written


@pytest.mark.parametrize("by", ["accuracy", "gap", "latency"])
def test_a_matrix_has_the_tables_figures(selectllm, fake_cache, tmp_path, by):
    path = tmp_path / "f.svg"
    code, _, _ = selectllm("export", "plot", str(path), "--kind", "matrix", "--by", by)
    assert code == 0
    written = texts(path.read_bytes())
    factor, digits, scale = plots.MATRIX[by]
    assert scale in written
    for row in sl.load("fake", fake_cache).evaluate(all_policies=True).rows:
        if row.kind == "router" and (value := getattr(row, MEASURES[by])) is not None:
            assert f"{factor * value:.{digits}f}" in written


def test_nothing_to_trade(selectllm, tmp_path):
    table, cache = tmp_path / "scores.csv", tmp_path / "cache"
    table.write_text("question,a,b\none,1,0\ntwo,0,1\n")
    assert selectllm("import", "table", str(table), "--benchmark", "s", "--llms", "a,b", cache=cache)[0] == 0
    code, _, err = selectllm("export", "figure", str(tmp_path / "f.svg"), cache=cache)
    assert code == 2
    assert err.endswith("no latency is known of these LLMs; there is --kind matrix\n")


def test_the_same_plots_have_the_same_bytes(selectllm, tmp_path):
    for name in ("one.svg", "two.svg"):
        assert selectllm("export", "plot", str(tmp_path / name))[0] == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_run_without_routers(selectllm, tmp_path):
    write_fake_run(tmp_path / "cache", questions={"test": 8})
    path = tmp_path / "f.svg"
    assert selectllm("export", "plot", str(path), cache=tmp_path / "cache")[0] == 0
    assert "fake-a" in " ".join(texts(path.read_bytes()))
    code, _, err = selectllm("export", "plot", str(tmp_path / "m.svg"), "--kind", "matrix", cache=tmp_path / "cache")
    assert (code, err) == (2, "error: fake has no router; train some: selectllm train --all\n")


def test_names_are_shown_as_they_are_and_harmless():
    odd = ["$x^2$ $\\frac{1}{", "<script>alert(1)</script>", "a\x1b[31mred\u202e", "模型", "_under_ & \\textbf{b}"]
    marks = [PlotMark(name, "LLM", 1.0 + at, 0.1 * at) for at, name in enumerate(odd)]
    svg = draw_scatter(marks, [Curve("", ((1.0, 0.1), (2.0, 0.2)))], title="$t$\x1b", across="seconds")
    written = texts(svg)
    for shown in (
        "$x^2$ $\\frac{1}{",
        "<script>alert(1)</script>",
        "a␛[31mred⟨U+202E⟩",
        "模型",
        "_under_ & \\textbf{b}",
    ):
        assert shown in written
    assert b"\x1b" not in svg
    heat = draw_heat(Heat((odd[0], odd[1]), (odd[2],), ((1.0,), (None,)), (("1",), ("–",))), title="t", scale="%")
    assert {"$x^2$ $\\frac{1}{", "<script>alert(1)</script>", "a␛[31mred⟨U+202E⟩", "1", "–"} <= set(texts(heat))


def test_burdens_that_differ_much_are_on_a_logarithmic_axis():
    marks = [PlotMark("slow", "LLM", 100.0, 0.9), PlotMark("fast", "LLM", 0.1, 0.5)]
    written = texts(draw_scatter(marks, [], title="", across="seconds"))
    assert {"0.1", "1", "10", "100"} <= set(written)
    assert not any("$" in each for each in written)


def test_names_hide_neither_points_nor_each_other():
    points = [(50.0 + 3 * (at % 4), 50.0 + 3 * (at // 4)) for at in range(8)]
    sizes = [(40.0, 8.0)] * len(points)
    found = place(points, sizes, points, (0.0, 0.0, 400.0, 300.0))
    boxes = [(each.x, each.y, each.x + 40, each.y + 8) for each in found]
    for at, (left, bottom, right, top) in enumerate(boxes):
        assert left >= 0
        assert right <= 400
        assert not any(left < x < right and bottom < y < top for x, y in points)
        for other in boxes[at + 1 :]:
            assert right <= other[0] or other[2] <= left or top <= other[1] or other[3] <= bottom


def test_plots_need_the_extra(selectllm, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    code, out, err = selectllm("export", "plot", str(tmp_path / "f.svg"))
    assert (code, out) == (2, "")
    assert err == "error: drawing a plot needs libraries that are not installed; pip install 'selectllm[figures]'\n"
    assert list(tmp_path.iterdir()) == []


def test_weights_of_a_vote_go_out_and_come_back(selectllm, fake_cache, tmp_path):
    path = tmp_path / "vote.json"
    code, out, err = selectllm("export", "vote", str(path), "--pool", "fake-a,fake-b")
    assert (code, out, err) == (0, "", f"{path}: weights of 2 LLMs from 90 labelled questions\n")
    run = sl.load("fake", fake_cache)
    assert sl.load("fake", fake_cache).vote_weights(["fake-a", "fake-b"]).to_dict() == json.loads(path.read_text())
    code, out, err = selectllm("evaluate", "--vote", str(path), "--format", "json")
    assert code == 0
    assert err == ("note: 2 of 3 LLMs have a weight in vote.json; without one, and so without a vote: fake-c\n")
    table = json.loads(out)
    assert (table["vote"], {row["name"]: row["vote"] for row in table["rows"]}["all-llms"]) == ("vote.json",) * 2
    assert table == run.evaluate(vote=path).to_dict()
    both = selectllm("evaluate", "--vote", str(path), "--pool", "fake-a,fake-b", "--format", "json")[1]
    rows = {row["name"]: row for row in json.loads(both)["rows"]}
    assert rows["all-llms"]["accuracy"] == rows["learned-vote"]["accuracy"]
    assert selectllm("export", "vote", str(path))[0] == 2, "it is there"
    told = tmp_path / "told.json"
    assert selectllm("export", "vote", str(told), "--router", "logistic:tfidf")[0] == 0
    assert json.loads(told.read_text())["text"] is not None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no vote"),
        ("{", "holds no weights"),
        ("[]", "holds no weights"),
        ('{"kind": "learned vote", "format": 1}', "cannot be used"),
        ("{}", "no weights of a learned vote"),
    ],
)
def test_files_that_hold_no_vote(selectllm, tmp_path, content, said):
    path = tmp_path / "vote.json"
    if content is not None:
        path.write_text(content)
    code, _, err = selectllm("evaluate", "--vote", str(path))
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_every_command_that_pools_votes_takes_the_rule(selectllm, tmp_path):
    for command in ("evaluate", "pools", "lessons"):
        assert selectllm(command, "--vote", "learned", "--format", "json")[0] == 0
    assert json.loads(selectllm("pools", "--vote", "learned", "--format", "json")[1])["vote"] == "learned"
    path = tmp_path / "t.json"
    assert selectllm("export", "table", str(path), "--vote", "learned")[0] == 0
    assert json.loads(path.read_text())["vote"] == "learned"
    assert "every vote alike" in selectllm("evaluate", "--vote", "learned", "--protocol", "paper")[2]


def test_a_router_whose_opinions_are_not_held_out_gives_no_weights(tmp_path):
    run = sl.load("fake", write_fake_run(tmp_path / "cache"))
    probabilities = run.outcomes("test").labels.astype("float32")
    scores = RouterScores("mine", probabilities)
    with pytest.raises(UsageError, match="no probabilities for train that are held out"):
        run.vote_weights(router=scores)
    few = sl.load("fake", write_fake_run(tmp_path / "few", questions={"train": 20, "validation": 10, "test": 10}))
    with pytest.raises(UsageError, match="50 labelled questions; there are 30"):
        few.vote_weights()


def test_gateway(selectllm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = (f'[llms.{name}]\nendpoint = "http://127.0.0.1/{name}"\nweights = "x"\n' for name in LLMS)
    (tmp_path / "selectllm.toml").write_text("".join(places))
    setup = 'benchmark = "fake"\npool = ["fake-a", "fake-b"]\nrouter = "logistic:tfidf"\nk = 5\n'
    (tmp_path / "s.toml").write_text(setup)
    code, out, err = selectllm("export", "gateway", "litellm", "out", "--setup", "s.toml")
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        "out: config.yaml, selectllm_plugin.py, setup.toml, gateway.json, README.md",
        "note: the setup's figures are of 5 samples that vote, and a gateway asks for one",
    ]
    assert "fake-c" not in (tmp_path / "out" / "config.yaml").read_text()
    code, _, err = selectllm("export", "gateway", "litellm", "out")
    assert (code, err) == (2, "error: it is not said what the gateway shall serve; name a setup: --setup FILE\n")
    code, _, err = selectllm("export", "gateway", "litellm", "out", "--setup", "s.toml")
    assert code == 2
    assert "is there already" in err
