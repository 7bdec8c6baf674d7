"""`selectllm show`: one question with every vote, as text and JSON."""

import csv
import io
import json
import re

import polars as pl
import pytest

import selectllm_engine as sl
from fakes import fake_manifest, fake_questions, fake_rows, write_fake_run
from selectllm_engine.store.cache import Cache

HOSTILE = "evil\x1b[2J [bold]\u202e\nnext"


def test_json_has_every_vote(selectllm, fake_cache):
    code, out, err = selectllm("show", "test-3", "--format", "json", "--generations")
    assert (code, err) == (0, "")
    shown = json.loads(out)
    run = sl.load("fake", fake_cache)
    view = run.question("test-3")
    assert shown["gold"] == view.question["gold"]
    assert shown["verdict"] == view.verdict
    for each, expected in zip(shown["llms"], view.llms, strict=True):
        assert each["llm"] == expected.llm
        assert [(vote["answer"], vote["count"]) for vote in each["votes"]] == list(expected.votes)
        assert sum(vote["count"] for vote in each["votes"]) + each["silent"] == 5
        assert [row["text"] for row in each["generations"]] == view.generations(each["llm"])["text"].to_list()


def test_text_for_people(selectllm, fake_cache):
    code, out, err = selectllm("show", "test-3")
    view = sl.load("fake", fake_cache).question("test-3")
    assert (code, err) == (0, "")
    assert view.question["text"] in out
    assert f"gold answer: {view.question['gold']}" in out
    for each in view.llms:
        (line,) = [line for line in out.splitlines() if line.startswith(each.llm)]
        assert ("✓" in line) is each.right
        for answer, count in each.votes:
            assert answer in line
            assert str(count) in line
    assert "pooled vote" in out
    assert "sample 0" not in out


def test_generations_on_demand(selectllm, fake_cache):
    out = selectllm("show", "test-3", "--generations")[1]
    view = sl.load("fake", fake_cache).question("test-3")
    for text in view.generations("fake-b")["text"]:
        assert text in out
    assert out.count("── fake-a · sample") == 5


def test_what_an_engine_told_of_a_generation_is_shown(selectllm, tmp_path):
    cache = write_fake_run(tmp_path / "cache", questions={"test": 1}, llms=("a",), samples=1)
    told = cache.generations("fake", "a").with_columns(
        sample=1, logprob=pl.lit(-0.524), answer_logprob=pl.lit(-0.101), reasoning_tokens=pl.lit(1234)
    )
    with cache.writer("fake", "a") as writer:
        writer.append(told, {})
    out = selectllm("show", "test-0", "--generations", cache=tmp_path / "cache")[1]
    old, new = re.findall(r"── (.*)", out)
    assert old.endswith(" · stop")
    assert new.endswith(" · stop · 1,234 of them thoughts · mean log p -0.52 · of the answer -0.10")
    given = json.loads(selectllm("show", "test-0", "--generations", "--format", "json", cache=tmp_path / "cache")[1])
    rows = [row["answer_logprob"] for row in given["llms"][0]["generations"]]
    assert rows == [None, pytest.approx(-0.101)]


def test_a_routers_choice(selectllm):
    out = selectllm("show", "test-3", "--router", "prior", "--format", "json")[1]
    assert [each["selected"] for each in json.loads(out)["llms"]].count(True) == 1
    assert "pooled vote of the LLMs asked" in selectllm("show", "test-3", "--router", "prior")[1]


def test_csv_is_data(selectllm):
    wanted = json.loads(selectllm("show", "test-3", "--router", "prior", "--format", "json")[1])["llms"]
    rows = list(csv.DictReader(io.StringIO(selectllm("show", "test-3", "--router", "prior", "--format", "csv")[1])))
    for row, llm in zip(rows, wanted, strict=True):
        assert json.loads(row["votes"]) == llm["votes"]
        assert (row["vote"], int(row["vote_count"])) == (llm["vote"]["answer"] or "", llm["vote"]["count"])
        assert row["vote_tied"] == str(llm["vote"]["tied"])
        assert float(row["probability"]) == llm["probability"]


@pytest.mark.parametrize("form", ["csv", "markdown", "latex"])
def test_other_forms(selectllm, form):
    code, out, _ = selectllm("show", "test-3", "--format", form)
    assert code == 0
    assert "fake-b" in out


def test_first_samples_only(selectllm):
    llms = json.loads(selectllm("show", "test-3", "--k", "2", "--format", "json")[1])["llms"]
    assert [sum(vote["count"] for vote in each["votes"]) + each["silent"] for each in llms] == [2, 2, 2]


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["test3"], "error: no question 'test3'; did you mean 'test-3'?"),
        (["test-3", "--router", "priorr"], "error: no router 'priorr'; did you mean 'prior'?"),
        (["test-3", "--policy", "argmx"], "error: no policy 'argmx'; did you mean 'argmax'?"),
        (["test-3", "--policy", "argmax"], "error: the policy argmax has no router to choose by"),
        (["test-3", "--policy", "argmx", "--router", "prior"], "error: no policy 'argmx'; did you mean 'argmax'?"),
        ([], "error: missing argument 'QUESTION_ID'"),
    ],
)
def test_wrong_names(selectllm, args, line):
    code, out, err = selectllm("show", *args)
    assert (code, out) == (2, "")
    assert err.startswith(line)
    assert err.count("\n") == 1
    assert len(err) < 200


def test_hostile_text_stays_text(selectllm, tmp_path):
    import polars as pl

    cache = write_fake_run(tmp_path / "cache", questions={"train": 2, "validation": 2, "test": 2}, llms=("fake-a",))
    questions = cache.questions("fake").with_columns(
        pl.lit(HOSTILE).alias("text"), pl.lit([HOSTILE, "b"]).alias("choices"), pl.lit(HOSTILE).alias("subject")
    )
    (cache.folder("fake") / "questions.parquet").unlink()
    cache.write_questions("fake", questions)
    out = selectllm("show", "test-0", "--generations", cache=tmp_path / "cache")[1]
    assert "evil␛[2J [bold]⟨U+202E⟩\nnext" in out
    assert "(A) evil␛[2J [bold]⟨U+202E⟩↵next" in out
    assert not {"\x1b", "\u202e"} & set(out)
    assert selectllm("show", "test-0", "--format", "json", cache=tmp_path / "cache")[1].isascii()


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json"])
def test_an_llm_whose_samples_all_lack_an_answer(selectllm, tmp_path, form):
    cache = Cache(tmp_path / "silent")
    questions = fake_questions({"test": 1})
    cache.write_questions("fake", questions)
    for llm, text in (("mute", "I cannot say"), ("fake-a", "The answer is 1.")):
        with cache.writer("fake", llm) as writer:
            writer.start(fake_manifest(llm))
            writer.append(fake_rows(("test-0", 0), ("test-0", 1), text=text), {"engine": "fake"})
    code, out, err = selectllm("show", "test-0", "--format", form, cache=cache.root)
    assert (code, err) == (0, "")
    assert {"table": "none ████████████ 2", "markdown": "none 2×", "csv": "mute,,False,[],2", "json": '"silent": 2'}[
        form
    ] in out


@pytest.mark.parametrize(
    ("kind", "gold", "right", "close", "f1"),
    [
        ("set", "[3, 5]", "The answer is 5 and 3.", "The answer is 3, 3 and 7.", 0.4),
        ("text", "Isle of Rhodes|Rhodos", "The answer is rhodos.", "The answer is Rhodes.", 0.5),
    ],
)
def test_answers_that_are_right_in_part(kind, gold, right, close, f1, selectllm, tmp_path):
    """An import says of which kind answers are; beside them stands how much of the gold one they hold."""
    file, cache = tmp_path / "answers.jsonl", tmp_path / "cache"
    rows = [{"question": f"Which, {n}?", "gold": gold, "sure": right, "close": close, "id": f"q{n}"} for n in range(3)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--llms", "sure,close", "--text", "{llm}", "--gold", "gold", "--id", "id", "--kind", kind]
    code, _, err = selectllm("import", "table", str(file), "--benchmark", "own", *options, cache=cache)
    assert code == 0, err
    assert set(sl.load("own", cache).questions["kind"]) == {kind}
    shown = {
        each["llm"]: each for each in json.loads(selectllm("show", "q1", "--format", "json", cache=cache)[1])["llms"]
    }
    assert {llm: each["right"] for llm, each in shown.items()} == {"sure": True, "close": False}
    assert {llm: each["votes"][0]["f1"] for llm, each in shown.items()} == pytest.approx({"sure": 1, "close": f1})
    table = selectllm("show", "q1", cache=cache)[1]
    assert re.search(r"^LLM +vote +F1 ", table, re.MULTILINE)
    assert re.search(rf"^close .* {f1:.2f} ", table, re.MULTILINE)
    assert sl.load("own", cache).evaluate().row("best-single").accuracy == 1


def test_labels_only(selectllm, tmp_path):
    file = tmp_path / "predictions.csv"
    file.write_text(
        "question,split,true_label,prediction,raw_predictions,confidence\n"
        + "".join(
            f'q{n},{split},"[\'a\']","[\'a\']","[1, 0]","[1.5, -0.5]"\n'
            for n, split in enumerate(["train", "val", "test"])
        )
    )
    cache = tmp_path / "cache"
    assert selectllm("import", "predictions", str(file), "--benchmark", "study", "--llms", "a,b", cache=cache)[0] == 0
    ids = sl.load("study", cache).questions["question_id"].to_list()
    for question in ids:
        for form in ("table", "json", "markdown", "csv"):
            args = [question, "--benchmark", "study", "--router", "imported", "--format", form]
            code, out, err = selectllm("show", *args, cache=cache)
            assert (code, err) == (0, "")
            assert "a" in out
    for command in ("evaluate", "pools", "lessons"):
        code, out, err = selectllm(command, "--benchmark", "study", cache=cache)
        assert (code, err) == (0, "")


def test_a_learned_vote_says_what_every_llm_weighs(selectllm, fake_cache):
    shown = json.loads(selectllm("show", "test-3", "--vote", "learned", "--format", "json")[1])
    weights = sl.load("fake", fake_cache).vote_weights()
    assert {each["llm"]: each["weight"] for each in shown["llms"]} == pytest.approx(
        {name: weights.weight(name) for name in weights.llms}
    )
    assert shown["vote"] == "learned"
    assert sum(each["probability"] for each in shown["answers"]) + shown["none_right"] == pytest.approx(1)
    assert (shown["answers"][0]["answer"] == shown["gold"]) is shown["right"]
    text = selectllm("show", "test-3", "--vote", "learned")[1]
    assert "weight" in text
    assert f"learned vote: {shown['answers'][0]['answer']} " in text
    equal = json.loads(selectllm("show", "test-3", "--format", "json")[1])
    assert (equal["vote"], equal["answers"], equal["none_right"], equal["llms"][0]["weight"]) == (
        "equal",
        [],
        None,
        None,
    )
    routed = json.loads(
        selectllm("show", "test-3", "--router", "prior", "--policy", "vote:auto", "--format", "json")[1]
    )
    asked = [each for each in routed["llms"] if each["selected"]]
    assert all((each["weight"] is not None) == (len(asked) > 1) for each in asked)
    assert all(each["weight"] is None for each in routed["llms"] if not each["selected"])
    alone = json.loads(selectllm("show", "test-3", "--router", "prior", "--vote", "learned", "--format", "json")[1])
    assert (alone["vote"], alone["answers"]) == (None, [])


def test_marks_and_notes(selectllm, tmp_path):
    cache = write_fake_run(tmp_path / "marked", questions={"test": 6}, llms=("a",), samples=2)
    nothing = selectllm("show", "--marks", cache=cache.root)
    assert nothing[:2] == (0, "")
    assert "nothing is marked" in nothing[2]
    cache.mark("fake", {"test-1": {"marked": True, "note": "odd [bold]\x1b[2J"}, "test-4": {"marked": True}})
    out = selectllm("show", "test-1", cache=cache.root)[1]
    assert "marked, note: odd [bold]␛[2J" in out
    assert "marked" not in selectllm("show", "test-2", cache=cache.root)[1]
    shown = json.loads(selectllm("show", "test-1", "--format", "json", cache=cache.root)[1])
    assert shown["mark"] == {"marked": True, "note": "odd [bold]\x1b[2J"}
    listed = json.loads(selectllm("show", "--marks", "--format", "json", cache=cache.root)[1])
    assert [(row["question_id"], row["marked"], row["note"]) for row in listed] == [
        ("test-1", True, "odd [bold]\x1b[2J"),
        ("test-4", True, ""),
    ]
    rows = list(csv.DictReader(io.StringIO(selectllm("show", "--marks", "--format", "csv", cache=cache.root)[1])))
    assert [row["question_id"] for row in rows] == ["test-1", "test-4"]
    assert "⚑" in selectllm("show", "--marks", cache=cache.root)[1]


def test_marks_of_a_cache_are_told_when_they_join_and_go(selectllm, tmp_path):
    here, other = (
        write_fake_run(tmp_path / name, questions={"test": 6}, llms=("a",), samples=2) for name in ("here", "other")
    )
    other.mark("fake", {"test-1": {"marked": True}})
    code, out, err = selectllm("cache", "merge", str(other.root), cache=here.root)
    assert (code, out) == (0, "")
    assert "marks and notes of 1 questions joined" in err
    assert "already" not in err
    err = selectllm("cache", "remove", "--yes", cache=here.root)[2]
    assert "with marks and notes of 1 questions" in err
