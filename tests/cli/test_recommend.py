"""`selectllm recommend`: in words, as JSON and as tables, and the setup that it writes."""

import json

import pytest

import selectllm_engine as sl
from selectllm_engine.setups import Estimate, Recommendation, Setup, SubjectEffect, read_setup
from selectllm_tui.recommendation_words import headline, how, told


@pytest.fixture(scope="module")
def found(fake_cache):
    return sl.load("fake", fake_cache).recommend()


def test_words_and_the_file(selectllm, found, tmp_path):
    path = tmp_path / "mine.toml"
    code, out, err = selectllm("recommend", "--traffic", "1000", "--write", str(path))
    assert code == 0
    assert out.splitlines()[:2] == [headline(found), how(found.setup)]
    assert f"on test: {100 * found.test.accuracy:.1f} % right" in out
    assert "1,000 questions take 0." in out
    assert f"{found.tried:,} setups were compared" in out
    assert f"{path}: written" in err
    assert f"asks each LLM for {found.setup.k} samples" in err
    assert read_setup(path) == found.setup
    code, _, err = selectllm("recommend", "--write", str(path))
    assert (code, "is there already" in err) == (2, True)
    assert selectllm("evaluate", "--setup", str(path), "--format", "json")[0] == 0


def test_json_is_the_object(selectllm, found):
    code, out, _ = selectllm("recommend", "--format", "json")
    shown = json.loads(out)
    assert (code, shown.pop("schema")) == (0, 2)
    assert shown == json.loads(json.dumps(found.to_dict()))


def test_tables_have_the_alternatives(selectllm, found):
    rows = selectllm("recommend", "--format", "csv")[1].splitlines()
    assert len(rows) == 2 + len(found.alternatives)
    assert rows[1].startswith(found.setup.name)
    assert found.setup.name in selectllm("recommend", "--format", "markdown")[1]


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--max-latency", "0.00001"], "error: no setup answers within 1e-05 s: "),
        (["--max-cost", "1"], "error: no LLM of fake has known dollars; "),
        (["--min-accuracy", "60"], "error: min_accuracy is 60.0; take a share"),
        (["--write", "x.json"], "error: x.json has no known ending; "),
    ],
)
def test_what_cannot_be_is_one_line(selectllm, args, line):
    code, out, err = selectllm("recommend", *args)
    assert (code, out) == (2, "")
    assert err.startswith(line)
    assert err.count("\n") == 1


def made_up(verdict="use", **changes):
    setup = Setup(benchmark="b", kind="word", pool=("x", "y"), router="r", policy="threshold:0.4", vote="learned", k=3)
    estimate = Estimate(
        accuracy=0.6,
        accuracy_low=0.55,
        accuracy_high=0.65,
        latency=2.0,
        cost=0.001,
        llms_per_question=1.4,
        delta=0.03,
        delta_low=0.01,
        delta_high=0.05,
        questions=500,
    )
    fields = {
        "benchmark": "b",
        "verdict": verdict,
        "setup": setup,
        "estimate": estimate,
        "test": None,
        "reference": "x",
        "agrees": None,
        "alternatives": (),
        "subjects": (),
        "needed": 1200,
        "tried": 10,
        "notes": (),
    }
    return Recommendation(**{**fields, **changes})


def test_every_sentence():
    effects = (SubjectEffect("bridges", 40, -0.2, 0.004), SubjectEffect("", 60, 0.1, 0.03))
    lines = list(told(made_up(subjects=effects), traffic=3600))
    assert lines == [
        "expected on questions like these: 60.0 % right (95 % interval 55.0 – 65.0), 2.00 s and $0.00100 a question",
        "against best-single, x: +3.0 points, 95 % interval +1.0 … +5.0, by 500 labelled questions that took no part "
        "in the choice",
        "3,600 questions take $3.60 and 2.0 hours, one after another",
        "lost: −20.0 points on bridges, 40 labelled questions, p .004 (Holm)",
        "gained: +10.0 points on questions without a subject, 60 labelled questions, p .030 (Holm)",
        "to be surer: about 1,200 labelled questions would show such a difference, 500 don't",
    ]
    assert headline(made_up()) == "Use r threshold:0.4 over x and y."
    assert "whose vote is learned over 3 samples of each. r reads the question." in how(made_up().setup)
    assert headline(made_up("stay")) == "Stay with x: nothing beats it for certain."
    assert list(told(made_up("stay")))[-1] == (
        "to be surer: about 1,200 labelled questions would show whether the lead noted below is real"
    )
    assert "500 labelled questions are enough to show such a difference" in list(told(made_up(needed=400)))


@pytest.mark.parametrize(
    ("setup", "said", "way"),
    [
        ({"pool": ("x",)}, "Use x.", "It answers every question."),
        ({"pool": ("x",), "k": 3}, "Use x.", "It answers every question, by a vote over 3 samples of each."),
        ({}, "Use the pooled vote of x and y.", "All of them answer every question, by one pooled vote."),
        ({"policy": "cascade:0.8"}, "Use cascade:0.8 over x and y.", "No router is asked."),
    ],
)
def test_setups_without_a_router_in_words(setup, said, way):
    setup = Setup(**{"benchmark": "b", "kind": "word", "pool": ("x", "y"), **setup})
    assert headline(made_up(setup=setup)) == said
    assert way in how(setup)
